# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH100, PTH102, PTH112, PTH118, PTH208, PTH211
"""Write a tree of the object database out as files."""

from __future__ import annotations

import os
from dataclasses import dataclass

from runref.errors import RunrefError
from runref.git.files import writing
from runref.git.format import EXECUTABLE, GITLINK, SYMLINK, TreeEntry
from runref.git.objects import ObjectStore

IGNORED_BY_HFS = dict.fromkeys(
    [0x200C, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
"""Characters that macOS leaves out of names, so that they could spell ``.git`` unseen."""


class UnsafeTree(RunrefError):
    """A tree holds a name that would be written outside the target folder, or into ``.git``."""

    code = "unsafe-tree"


class TargetNotEmpty(RunrefError):
    """The folder that files are to be written into holds something."""

    code = "target-not-empty"


@dataclass(frozen=True, slots=True)
class CheckoutReport:
    """What was written.

    Attributes:
        files: Number of files and symbolic links.
        skipped: Paths of submodules: an empty folder stands in their place.
    """

    files: int
    skipped: tuple[bytes, ...]


def write_out(objects: ObjectStore, tree: str, target: str | os.PathLike[str]) -> CheckoutReport:
    """Write the files of a tree into an empty or new folder.

    Every folder and file is created, never opened, so no link is followed, whatever the tree
    holds. A link's own target may be anything, as in git.

    Args:
        objects: Where the tree is.
        tree: Its name.
        target: The folder; its parent must exist.

    Raises:
        TargetNotEmpty: There is something in it.
        UnsafeTree: A name would leave the folder or touch ``.git``; what was written stays.
        CannotWrite: The system refused it.
        ObjectMissing: The tree or a file is not in the repository.
    """
    root = os.fsencode(os.path.abspath(target))
    with writing(os.fsdecode(root)):
        try:
            os.mkdir(root)
        except FileExistsError as problem:
            if not os.path.isdir(root) or os.listdir(root):
                raise TargetNotEmpty(
                    f"{os.fsdecode(root)} exists and is no empty folder",
                    hint="name a folder that does not exist yet",
                ) from problem
        return _write_folders(objects, tree, root)


def _write_folders(objects: ObjectStore, tree: str, root: bytes) -> CheckoutReport:
    files, skipped = 0, []
    waiting = [(b"", tree)]
    while waiting:
        prefix, oid = waiting.pop()
        for entry in objects.read_tree(oid):
            path = prefix + entry.name
            _check(entry.name, path)
            target = os.path.join(root, path)
            try:
                if entry.is_tree or entry.mode == GITLINK:
                    os.mkdir(target)
                else:
                    _write_file(objects, entry, target)
                    files += 1
            except FileExistsError as problem:
                raise UnsafeTree(
                    f"the tree holds {os.fsdecode(path)!r} twice, or two names that are one here",
                    hint="write it to a file system that tells upper from lower case",
                ) from problem
            if entry.is_tree:
                waiting.append((path + b"/", entry.oid))
            elif entry.mode == GITLINK:
                skipped.append(path)
    return CheckoutReport(files, tuple(sorted(skipped)))


def _write_file(objects: ObjectStore, entry: TreeEntry, target: bytes) -> None:
    content = objects.read_blob(entry.oid)
    if entry.mode == SYMLINK:
        os.symlink(content, target)
        return
    mode = 0o777 if entry.mode == EXECUTABLE else 0o666
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(target, flags, mode), "wb") as file:
        file.write(content)


def _check(name: bytes, path: bytes) -> None:
    text = name.decode("utf-8", "replace").translate(IGNORED_BY_HFS).casefold()
    # Windows also knows .git by its short name, and drops dots, spaces and streams at the end.
    dos = text.split(":")[0].rstrip(". ")
    if name in (b"", b".", b"..") or {text, dos} & {".git", "git~1"} or set(name) & {0, ord("/")}:
        raise UnsafeTree(
            f"the tree holds the name {os.fsdecode(path)!r}, which must not be written",
            hint="git refuses it, too; the record was not made by runref or is damaged",
        )
