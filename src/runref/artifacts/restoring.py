"""Bringing stored content back into the user's folders, verified while it is copied."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runref.artifacts.blobs import Blobs, damaged, missing
from runref.artifacts.manifest import (
    EXECUTABLE,
    LINK,
    Entry,
    Manifest,
    ManifestUnsafe,
    refused_entry,
)
from runref.artifacts.off_limits import conflict, names_git
from runref.artifacts.parallel import Progress, in_parallel
from runref.artifacts.reading import ArtifactVanished, OnBytes, opened
from runref.artifacts.reflink import clone
from runref.errors import RunrefError


class TargetExists(RunrefError):
    """Something stands where content should be brought back."""

    code = "target-exists"


class TargetUnwritable(RunrefError):
    """The place where content should be brought back cannot, or must not, be written."""

    code = "target-unwritable"


def check_target(
    target: Path, root: Path | None, closed: Path, name: str = "the git directory"
) -> None:
    """Refuse to bring content back where a repository would be replaced or written into.

    Args:
        target: Where content is to go.
        root: Root of the working tree, where it is known.
        closed: The git directory that all worktrees share, or another folder that is not open.
        name: What `closed` is called.

    Raises:
        TargetUnwritable: The target is or holds a working tree or a git directory, or lies in one.
    """
    problem = conflict(target, root, closed, name)
    if not problem and names_git(target):
        problem = "lies in a git directory"
    if not problem and _is_directory(target) and os.path.lexists(target / ".git"):
        problem = "is the working tree of a repository"
    if problem:
        raise TargetUnwritable(
            f"{target} {problem}, which is never replaced by data",
            hint="choose another folder to bring it back into",
        )


@contextmanager
def replacing(target: Path, *, replace: bool) -> Iterator[Path]:
    """Yield a path beside the target, and give what is there after the block the target's name.

    Raises:
        TargetExists: Something is there, and `replace` is not set.
        TargetUnwritable: The operating system refuses.
    """
    if os.path.lexists(target) and not replace:
        raise TargetExists(
            f"{target} exists already", hint="move it away, or ask for it to be replaced"
        )
    new = target.parent / f".runref-{os.urandom(6).hex()}"
    with _explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield new
            _swap(new, target)
        finally:
            _remove(new)


def write_file(
    blobs: Blobs, digest: str, target: Path, on_bytes: OnBytes, *, executable: bool = False
) -> None:
    """Write stored content to a new file.

    Raises:
        ArtifactMissing: It is not stored.
        ArtifactDamaged: The stored bytes are others.
    """
    stored = blobs.path_of(digest)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    # The umask decides who may read it, as for any file that a program writes.
    descriptor = os.open(target, flags, 0o777 if executable else 0o666)
    try:
        with opened(stored) as source:
            if clone(source.descriptor, descriptor):
                with opened(os.fspath(target)) as copy:
                    found = copy.digest(None, on_bytes)
            else:
                found = source.digest(lambda chunk: _write(descriptor, chunk), on_bytes)
    except ArtifactVanished as error:
        raise missing(digest) from error
    finally:
        os.close(descriptor)
    if found != digest:
        raise damaged(digest, stored)


def write_directory(
    blobs: Blobs, manifest: Manifest, target: Path, progress: Progress, *, links_out: bool
) -> None:
    """Write a directory from its manifest.

    Links are made last, when nothing is written any more, so that none can be written through.

    Raises:
        ArtifactMissing: The content of a file is not stored.
        ArtifactDamaged: The stored bytes are others.
        ManifestUnsafe: It names something that git refuses, or a link leads out of the directory
            and `links_out` is not set.
    """
    if refused := refused_entry(manifest):
        raise ManifestUnsafe(
            f"the directory holds {refused!r}, which git refuses: brought back, it could make a "
            "repository of the directory, with hooks and settings of somebody else's",
            hint="ask whoever recorded it; other artifacts of the run are not affected",
        )
    files = [entry for entry in manifest.entries if entry.is_file]
    links = [entry for entry in manifest.entries if entry.mode == LINK]
    target.mkdir()
    for folder in sorted(_folders(manifest)):
        (target / folder).mkdir(parents=True, exist_ok=True)

    def write(entry: Entry) -> None:
        executable = entry.mode == EXECUTABLE
        write_file(blobs, entry.digest, target / entry.path, progress, executable=executable)

    in_parallel(write, files, size=lambda entry: entry.size, progress=progress)
    for link in links:
        (target / link.path).symlink_to(link.target)
    if not links_out:
        _check_links(links, target)


def _folders(manifest: Manifest) -> set[str]:
    return {
        entry.path.rpartition("/")[0] if entry.is_file or entry.mode == LINK else entry.path
        for entry in manifest.entries
    }


def _check_links(links: list[Entry], target: Path) -> None:
    # Asked of the operating system, as links that pass through other links lead elsewhere than
    # their text says.
    root = os.path.realpath(target)
    for link in links:
        end = os.path.realpath(target / link.path)
        if end != root and not end.startswith(root + os.sep):
            raise ManifestUnsafe(
                f"{link.path} is a symbolic link to {link.target}, outside the directory",
                hint="where the record is trusted, allow links that lead out of the directory",
            )


def _write(descriptor: int, chunk: memoryview) -> None:
    while chunk:
        chunk = chunk[os.write(descriptor, chunk) :]


def _swap(new: Path, target: Path) -> None:
    """Rename `new` to `target`; a directory on either side needs the old one out of the way.

    Between two renames a process can be killed. The name that the old content has then says whose
    it is, and nothing removes it before the new one is in place.
    """
    if not os.path.lexists(target) or not (_is_directory(target) or _is_directory(new)):
        new.replace(target)
        return
    old = target.with_name(f".{target.name}.replaced-{os.urandom(4).hex()}")
    try:
        target.rename(old)
        new.rename(target)
    except BaseException:
        # An interrupt can come before, between or after the renames: the disk knows.
        if os.path.lexists(old) and not os.path.lexists(target):
            old.rename(target)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if _is_directory(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_directory(path: Path) -> bool:
    with suppress(FileNotFoundError, NotADirectoryError):
        return stat.S_ISDIR(path.lstat().st_mode)
    return False


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = "no room for" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "cannot write"
        raise TargetUnwritable(
            f"{what} {target}: {error.strerror}", hint="choose another place, or make room there"
        ) from error
