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
from runref.capture.snapshot import manifest_of
from runref.errors import ExitStatus, RunrefError
from runref.git.checkout import write_out
from runref.git.repository import Repository
from runref.project.project import Project
from runref.reproduce.plan import IN_PLACE, InputPlan, Plan


class NotRunnable(RunrefError):
    """A run cannot be reproduced, or its reproduction could not be judged."""

    code = "not-runnable"


class SnapshotDamaged(RunrefError):
    """The snapshot in the repository is not what the record says."""

    code = "snapshot-damaged"
    exit_status = ExitStatus.NO


@contextmanager
def checked_out(project: Project, plan: Plan, *, keep: bool = False) -> Iterator[Path]:
    """Make a folder that holds what the run saw, and remove it after the block.

    Args:
        project: The repository.
        plan: What to do.
        keep: Leave the folder in place afterwards.

    Yields:
        The folder.

    Raises:
        NotRunnable: the plan has problems, or an input changed that cannot be restored.
        SnapshotDamaged: the code is not what the record says.
    """
    if plan.problems:
        raise NotRunnable(
            f"run {plan.run.id} cannot be reproduced: {'; '.join(plan.problems)}",
            hint="`runref show` tells what was recorded.",
        )
    folder = Path(tempfile.mkdtemp(prefix="runref-")).resolve()
    try:
        _write_code(project, plan, folder)
        for each in plan.inputs:
            _restore(project, each, folder)
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
    if code.commit:
        _give_history(folder / ".git", project.repository, code.commit)
    (folder / plan.run.record.command.directory).mkdir(parents=True, exist_ok=True)


def _give_history(git_dir: Path, repository: Repository, commit: str) -> None:
    """Make the folder a git repository at `commit`, for programs that ask git where they are.

    Its objects are the user's, read through an alternate; what the program writes stays here. A
    commit that is gone can still be named, though not looked into.
    """
    (git_dir / "objects" / "info").mkdir(parents=True)
    (git_dir / "refs").mkdir()
    objects = os.fsencode(repository.common_dir / "objects")
    (git_dir / "objects" / "info" / "alternates").write_bytes(objects + b"\n")
    (git_dir / "HEAD").write_text(f"{commit}\n")
    sha256 = repository.object_format == "sha256"
    config = f"[core]\n\trepositoryformatversion = {int(sha256)}\n\tbare = false\n"
    if sha256:
        config += "[extensions]\n\tobjectformat = sha256\n"
    (git_dir / "config").write_text(config)


def _restore(project: Project, each: InputPlan, folder: Path) -> None:
    if Path(each.path).is_absolute():
        return  # verified where it lies
    target = folder / each.path
    if not Path(os.path.realpath(target)).is_relative_to(folder):
        # A link of the snapshot leads out of it. What lies there is the user's own.
        _check_in_place(target, each)
        return
    if each.source == IN_PLACE:
        project.artifacts.add(project.root / each.path)
    project.artifacts.restore(each.digest, each.kind, target, replace=True)


def _check_in_place(target: Path, each: InputPlan) -> None:
    try:
        found = hash_path(target).digest
    except RunrefError:
        found = ""
    if found != each.digest:
        raise NotRunnable(
            f"input {each.path} lies behind a link out of the working tree and has changed",
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
