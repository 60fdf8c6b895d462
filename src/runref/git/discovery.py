# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH112, PTH118, PTH123
"""Where the repository is, whether we may trust it, and whether we understand it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runref.errors import RunrefError
from runref.git.config import Config, home_of, local_config, user_config
from runref.git.format import FORMATS, ObjectFormat


class NotARepository(RunrefError):
    """There is no git repository where one was looked for."""

    code = "not-a-repository"


class UnsupportedRepository(RunrefError):
    """The repository uses a feature of git that runref cannot work with safely."""

    code = "unsupported-repository"


class ForeignRepository(RunrefError):
    """The repository belongs to another user, and the user has not declared it safe."""

    code = "foreign-repository"


@dataclass(frozen=True, slots=True)
class Location:
    """The folders of one repository.

    Attributes:
        git_dir: The git directory of this worktree: HEAD, index.
        common_dir: What all its worktrees share: objects, refs, configuration.
        root: Root of the working tree; None in a bare repository.
        object_format: How it names objects.
        shared: The value of ``core.sharedRepository``.
    """

    git_dir: Path
    common_dir: Path
    root: Path | None
    object_format: ObjectFormat
    shared: str | None


def discover(start: Path, environ: Mapping[str, str]) -> Location:
    """Find the repository that ``start`` lies in, as git does: upwards, folder by folder.

    Raises:
        NotARepository: There is none.
        ForeignRepository: It belongs to someone else.
        UnsupportedRepository: It uses a feature that runref does not know.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        found = _git_dir_at(folder)
        if found is not None:
            return _locate(folder, found, environ)
    raise NotARepository(
        f"{start} is in no git repository",
        hint="make one with `git init`, or name one to record into with --store",
    )


def open_at(path: Path, environ: Mapping[str, str]) -> Location:
    """The repository at ``path``: root of a working tree, git directory or bare repository."""
    path = path.resolve()
    found = _git_dir_at(path)
    if found is None:
        raise NotARepository(
            f"{path} is no git repository",
            hint="name the root of a working tree or a git directory; `git init` makes one",
        )
    return _locate(path, found, environ)


def _git_dir_at(folder: Path) -> Path | None:
    candidate = folder / ".git"
    if candidate.is_file():
        return _follow(candidate)
    if _is_git_dir(candidate):
        return candidate
    return folder if _is_git_dir(folder) else None


def _follow(git_file: Path) -> Path:
    """The git directory that a ``.git`` file of a worktree or submodule names."""
    text = os.fsdecode(git_file.read_bytes())
    prefix, _, target = text.rstrip("\r\n").partition("gitdir: ")
    found = (git_file.parent / target).resolve()
    if prefix or not target or not _is_git_dir(found):
        raise NotARepository(
            f"{git_file} does not lead to a git directory",
            hint="`git worktree repair` in the main working tree mends moved worktrees",
        )
    return found


def _is_git_dir(path: Path) -> bool:
    # Text paths: every folder up to the root is asked, and this is half the cost of Path.
    name = str(path)
    if not os.path.lexists(f"{name}/HEAD"):
        return False
    common = _common_dir(name)
    return os.path.isdir(f"{common}/objects") and os.path.isdir(f"{common}/refs")


def _common_dir(git_dir: str) -> str:
    try:
        with open(f"{git_dir}/commondir", "rb") as file:
            named = os.fsdecode(file.read().rstrip(b"\r\n"))
    except (FileNotFoundError, NotADirectoryError):
        return git_dir
    return os.path.realpath(os.path.join(git_dir, named))


def _locate(folder: Path, git_dir: Path, environ: Mapping[str, str]) -> Location:
    common_dir = Path(_common_dir(str(git_dir)))
    _check_owner(folder, git_dir, environ)
    config = local_config(str(git_dir), str(common_dir), environ)
    object_format = _check_format(config, common_dir)
    root = _root(folder, git_dir, common_dir, config)
    shared = config.get("core", "sharedRepository")
    return Location(git_dir, common_dir, root, object_format, shared)


def _root(folder: Path, git_dir: Path, common_dir: Path, config: Config) -> Path | None:
    if git_dir != common_dir:  # a linked worktree; its folder stands in the file "gitdir"
        if folder != git_dir:
            return folder
        named = os.fsdecode((git_dir / "gitdir").read_bytes().rstrip(b"\r\n"))
        return (git_dir / named).resolve().parent
    worktree = config.get("core", "worktree")
    if worktree is not None:
        return (git_dir / worktree).resolve()
    if config.flag("core", "bare"):
        return None
    if folder != git_dir:
        return folder
    return git_dir.parent if git_dir.name == ".git" else None


_HARMLESS = {"noop", "noop-v1", "preciousobjects", "partialclone", "worktreeconfig"}
"""Extensions that change nothing for a program which reads objects and adds some."""

_SINCE_VERSION_1 = {
    "objectformat": set(FORMATS),
    "refstorage": {"files"},
    "relativeworktrees": {"true", "false", "yes", "no", "on", "off", "1", "0"},
}


def _check_format(config: Config, common_dir: Path) -> ObjectFormat:
    version = config.get("core", "repositoryformatversion") or "0"
    if version not in ("0", "1"):
        raise _unsupported(common_dir, f"repository format version {version}")
    extensions = config.section("extensions")
    for name, value in extensions.items():
        if name in _HARMLESS:
            continue
        if name in _SINCE_VERSION_1 and version == "1":
            if value.lower() not in _SINCE_VERSION_1[name]:
                raise _unsupported(common_dir, f"extensions.{name} = {value}")
        elif name in _SINCE_VERSION_1 or version == "1":
            raise _unsupported(common_dir, f"extensions.{name}")
    return FORMATS[extensions.get("objectformat", "sha1").lower()]


def _unsupported(common_dir: Path, what: str) -> UnsupportedRepository:
    hint = "record into another repository with --store"
    if "refstorage" in what:
        hint = f"`git refs migrate --ref-format=files` converts it, or {hint}"
    return UnsupportedRepository(f"{common_dir} uses {what}, which runref cannot handle", hint=hint)


def _check_owner(folder: Path, git_dir: Path, environ: Mapping[str, str]) -> None:
    """Git's ``safe.directory`` rule: hooks and settings of strangers are not to be obeyed."""
    trusted = {os.geteuid()}
    if 0 in trusted and environ.get("SUDO_UID", "").isdecimal():
        trusted.add(int(environ["SUDO_UID"]))
    parts = {folder, folder / ".git", git_dir}
    if all(_owner(path) in trusted for path in parts if os.path.lexists(path)):
        return
    shown = git_dir if folder == git_dir and git_dir.name != ".git" else folder
    if _declared_safe(str(shown), str(git_dir), environ):
        return
    raise ForeignRepository(
        f"{shown} belongs to another user",
        hint=f"if you trust it: git config --global --add safe.directory {shown}",
    )


def _owner(path: Path) -> int:
    return os.lstat(path).st_uid


def _declared_safe(folder: str, git_dir: str, environ: Mapping[str, str]) -> bool:
    safe = False
    for value in user_config(environ).all("safe", "directory"):
        if not value:  # an empty value forgets those before it
            safe = False
        else:
            safe = safe or _covers(value, folder, home_of(environ))
            safe = safe or _covers(value, git_dir, home_of(environ))
    return safe


def _covers(value: str, folder: str, home: str) -> bool:
    if value == "*":
        return True
    if value.startswith("~/"):
        value = home + value[1:]
    if value.endswith("/*"):
        return folder.startswith(os.path.realpath(value[:-2]) + "/")
    return folder == os.path.realpath(value) if value.startswith("/") else False
