"""The folder in which a reproduction happens: the snapshot, its inputs, and git's idea of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runref.artifacts import hash_path
from runref.artifacts.reading import OnBytes
from runref.artifacts.reflink import clone
from runref.capture.snapshot import manifest_of
from runref.errors import ExitStatus, RunrefError
from runref.git.checkout import write_out
from runref.git.repository import Repository
from runref.model.record import DataFile
from runref.project.project import Project
from runref.project.supply import Supply
from runref.reproduce.inputs import IN_PLACE, REMOTE, InputPlan
from runref.reproduce.links import leading_out, retarget
from runref.reproduce.plan import Plan

_COPY_BUFFER = 1 << 20


class NotRunnable(RunrefError):
    """A run cannot be reproduced, or its reproduction could not be judged."""

    code = "not-runnable"


class SnapshotDamaged(RunrefError):
    """The snapshot in the repository is not what the record says."""

    code = "snapshot-damaged"
    exit_status = ExitStatus.NO


@contextmanager
def checked_out(
    project: Project,
    plan: Plan,
    *,
    keep: bool = False,
    supply: Supply | None = None,
    on_bytes: OnBytes | None = None,
) -> Iterator[Path]:
    """Make a folder that holds what the run saw, and remove it after the block.

    Inputs that only remotes have are brought here first.

    Args:
        project: The repository.
        plan: What to do.
        keep: Leave the folder in place afterwards.
        supply: Where inputs come from; by default, from here and from all remotes.
        on_bytes: Told the bytes of inputs dealt with since it was last called.

    Yields:
        The folder.

    Raises:
        NotRunnable: the plan has problems, or an input changed that cannot be restored.
        SnapshotDamaged: the code is not what the record says.
        ArtifactMissing: an input that a remote had is nowhere any more.
    """
    if plan.problems:
        raise NotRunnable(
            f"run {plan.run.id} cannot be reproduced: {'; '.join(plan.problems)}",
            hint="`runref show` tells what was recorded.",
        )
    supply = supply or Supply(project)
    supply.require(each.file for each in plan.inputs if each.source == REMOTE)
    folder = Path(tempfile.mkdtemp(prefix="runref-")).resolve()
    try:
        _write_code(project, plan, folder)
        for each in plan.inputs:
            _restore(supply, each, folder, on_bytes)
        yield folder
    finally:
        if not keep:
            _remove(folder)


def _write_code(project: Project, plan: Plan, folder: Path) -> None:
    code = plan.run.record.code
    assert code is not None  # noqa: S101 - a plan without code has a problem
    objects = project.repository.objects
    digest = hashlib.sha256(manifest_of(objects, code.tree)).hexdigest()
    if f"sha256:{digest}" != code.manifest:
        raise SnapshotDamaged(
            f"the snapshot {code.tree[:12]} is not what the record of run {plan.run.id} says",
            hint="The repository is damaged or was tampered with: `git fsck` tells more.",
        )
    write_out(objects, code.tree, folder)
    _keep_inside(project, plan, code.tree, folder)
    _give_history(folder / ".git", project.repository, code.commit)
    (folder / plan.run.record.command.directory).mkdir(parents=True, exist_ok=True)


def _keep_inside(project: Project, plan: Plan, tree: str, folder: Path) -> None:
    retarget(plan.links, folder)
    if plan.write_outside:
        return
    if leading := leading_out(project.repository.objects, tree, folder):
        raise NotRunnable(
            f"run {plan.run.id} cannot be reproduced: "
            f"the link {leading[0]} leads out of the checkout by way of another one",
            hint="`runref reproduce --write-outside` lets the command write there.",
        )


def _give_history(git_dir: Path, repository: Repository, commit: str) -> None:
    """Make the folder a git repository at `commit`, for programs that ask git where they are.

    Its objects are the user's, read through an alternate; what the program writes stays here. A
    commit that is gone can still be named, though not looked into. Without a commit it is a
    repository all the same, so that git does not find another one in a folder above.
    """
    (git_dir / "objects" / "info").mkdir(parents=True)
    (git_dir / "refs").mkdir()
    objects = os.fsencode(repository.common_dir / "objects")
    (git_dir / "objects" / "info" / "alternates").write_bytes(objects + b"\n")
    (git_dir / "HEAD").write_text(f"{commit or 'ref: refs/heads/main'}\n")
    sha256 = repository.object_format == "sha256"
    config = f"[core]\n\trepositoryformatversion = {int(sha256)}\n\tbare = false\n"
    if sha256:
        config += "[extensions]\n\tobjectformat = sha256\n"
    (git_dir / "config").write_text(config)


def _restore(supply: Supply, each: InputPlan, folder: Path, on_bytes: OnBytes | None) -> None:
    file = each.file
    if file.at_url or Path(file.path).is_absolute():
        return  # verified where it lies
    # The folder of a link's target may be one that no snapshot holds.
    parent, name = os.path.split(folder / file.path)
    target = Path(os.path.realpath(parent), name)
    if not Path(os.path.realpath(target)).is_relative_to(folder):
        # A link of the snapshot leads out of it. What lies there is the user's own.
        _check(target, file, on_bytes, "lies behind a link out of the working tree and has changed")
        return
    if each.source != IN_PLACE:
        supply.restore(file, target, replace=True, on_progress=on_bytes)
        return
    source = supply.project.root / file.path
    if file.by_reference:
        _copy(source, target)
        _check(target, file, on_bytes, "changed while it was copied")
    else:
        supply.project.artifacts.add(source, on_progress=on_bytes)
        supply.restore(file, target, replace=True, on_progress=on_bytes)


def _copy(source: Path, target: Path) -> None:
    """Copy what is too large to be stored on the way."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, copy_function=_copy_file, dirs_exist_ok=True)
    else:
        _copy_file(source, target)


def _copy_file(source: str | Path, target: str | Path) -> None:
    """Copy a file with its permissions, sharing its blocks where the file system can."""
    with open(source, "rb") as reader, open(target, "wb") as writer:  # noqa: PTH123 - either kind
        if not clone(reader.fileno(), writer.fileno()):
            shutil.copyfileobj(reader, writer, _COPY_BUFFER)
    shutil.copymode(source, target)


def _check(target: Path, file: DataFile, on_bytes: OnBytes | None, problem: str) -> None:
    try:
        found = hash_path(target, on_bytes).digest
    except RunrefError:
        found = ""
    if found != file.digest:
        raise NotRunnable(
            f"input {file.path} {problem}",
            hint="`runref get` brings back the recorded content, into a folder that you name.",
        )


def _remove(folder: Path) -> None:
    """Remove the folder, also where the program left folders that nobody may write."""
    try:
        shutil.rmtree(folder)
    except PermissionError:
        folder.chmod(stat.S_IRWXU)
        for path, names, _ in os.walk(folder):  # which looks into them after this step
            for below in (Path(path, name) for name in names):
                if not below.is_symlink():
                    below.chmod(stat.S_IRWXU)
        shutil.rmtree(folder)
