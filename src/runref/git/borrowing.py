# Text paths, as in refs.py.
# ruff: noqa: PTH104, PTH120, PTH123, PTH208
"""A git directory that borrows a repository's objects: where objects from elsewhere arrive first.

Git works in it as in the repository itself, with the same settings, and writes nothing of the
user's: no FETCH_HEAD, no refs, no hooks, no maintenance.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from runref.git.files import Sharing, make_folders, sync_folder, writing
from runref.git.repository import Repository

_SETTINGS = """\
[core]
\trepositoryformatversion = {version}
\tbare = true
\thooksPath = /dev/null
\talternateRefsPrefixes = refs/runref
[gc]
\tauto = 0
[maintenance]
\tauto = false
[fetch]
\tfsckObjects = true
\tprune = false
\twriteCommitGraph = false
\trecurseSubmodules = false
[push]
\trecurseSubmodules = no
\tgpgSign = false
\tfollowTags = false
"""


def make_borrowing(folder: str, repository: Repository) -> None:
    """Make the git directory `folder`, which must not exist, borrowing from `repository`.

    Raises:
        CannotWrite: the system refused it.
    """
    make_beside(folder, repository)
    with writing(folder):
        _write(f"{folder}/objects/info/alternates", f"{repository.common_dir}/objects\n")
        with suppress(FileNotFoundError):
            shallow = Path(f"{repository.common_dir}/shallow").read_text(encoding="ascii")
            _write(f"{folder}/shallow", shallow)


def make_beside(folder: str, repository: Repository) -> None:
    """Make the git directory `folder` with the settings of `repository` and none of its objects.

    What is fetched into it comes whole, also where the repository names an object and lost it.

    Raises:
        CannotWrite: the system refused it.
    """
    with writing(folder):
        for name in ("objects/info", "objects/pack", "refs"):
            make_folders(f"{folder}/{name}", Sharing())
        _write(f"{folder}/config", _settings(repository))
        _write(f"{folder}/HEAD", "ref: refs/heads/none\n")


def _settings(repository: Repository) -> str:
    """The user's settings of the repository, then what must not be otherwise here."""
    quoted = _quoted(str(repository.common_dir / "config"))
    sha256 = repository.object_format != "sha1"
    text = f'[include]\n\tpath = "{quoted}"\n' + _SETTINGS.format(version=int(sha256))
    if sha256:
        text += f"[extensions]\n\tobjectFormat = {repository.object_format}\n"
    for name in repository.remotes():
        if repository.settings.flag(f"remote.{name}", "mirror"):  # no single ref goes to a mirror
            text += f'[remote "{_quoted(name)}"]\n\tmirror = false\n'
    return text


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _write(path: str, text: str) -> None:
    with open(path, "x", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def move_objects(folder: str, repository: Repository) -> None:
    """Move the objects of a borrowing git directory into the repository that it borrows from.

    Loose ones come first, so that no pack's object names one that is not there; of a pack the index
    comes last, which makes it visible.

    Raises:
        CannotWrite: the system refused it; what was moved is complete in itself.
    """
    target = f"{repository.common_dir}/objects"
    with writing(target):
        moved = {
            os.path.dirname(path) for path in _move_all(f"{folder}/objects", target, repository)
        }
        for each in moved:
            sync_folder(each)


def _move_all(source: str, target: str, repository: Repository) -> Iterator[str]:
    for part in sorted(os.listdir(source)):  # two digits sort before "info" and "pack"
        if part == "info":
            continue
        make_folders(f"{target}/{part}", repository.sharing)
        for name in sorted(os.listdir(f"{source}/{part}"), key=_visible_last):
            if not name.startswith("tmp_"):
                path = f"{target}/{part}/{name}"
                repository.sharing.adjust(f"{source}/{part}/{name}")
                os.rename(f"{source}/{part}/{name}", path)
                yield path


def _visible_last(name: str) -> tuple[bool, str]:
    return name.endswith(".idx"), name
