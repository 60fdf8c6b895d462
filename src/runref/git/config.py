# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH111
"""Git's configuration: the files git reads, in its order, with their includes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from runref.errors import RunrefError

if TYPE_CHECKING:
    from dulwich.config import ConditionMatcher, ConfigFile


class ConfigDamaged(RunrefError):
    """A git configuration file cannot be understood."""

    code = "git-config-damaged"


class Config:
    """Values of git's configuration; earlier layers win over later ones."""

    def __init__(self, layers: list[ConfigFile]) -> None:
        self.layers = layers

    def get(self, section: str, name: str) -> str | None:
        """The value that counts, or None.

        Args:
            section: ``core``, or with a subsection ``remote.origin``.
            name: Key within the section; case does not matter.
        """
        for layer in self.layers:
            with suppress(KeyError):
                return os.fsdecode(layer.get(_key(section), name.encode()))
        return None

    def all(self, section: str, name: str) -> list[str]:
        """All values of a key, those that count least first, as git lists them."""
        values: list[str] = []
        for layer in reversed(self.layers):
            with suppress(KeyError):
                values += map(os.fsdecode, layer.get_multivar(_key(section), name.encode()))
        return values

    def section(self, section: str) -> dict[str, str]:
        """All keys of a section, in lower case, with the value that counts."""
        merged: dict[str, str] = {}
        for layer in reversed(self.layers):
            with suppress(KeyError):
                for name, value in layer.items(_key(section)):
                    merged[os.fsdecode(name).lower()] = os.fsdecode(value)
        return merged

    def subsections(self, section: str) -> list[str]:
        """Names of the subsections: for ``submodule`` those of all submodules."""
        names: dict[str, None] = {}
        for layer in reversed(self.layers):
            for key in layer.sections():
                if len(key) == 2 and key[0].lower() == section.encode():
                    names[os.fsdecode(key[1])] = None
        return list(names)

    def flag(self, section: str, name: str) -> bool | None:
        """A boolean value, None where it is not set or no boolean."""
        value = self.get(section, name)
        return None if value is None else _BOOLEANS.get(value.lower())


_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0", "")
_BOOLEANS = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}


def _key(section: str) -> tuple[bytes, ...]:
    name, _, subsection = section.partition(".")
    return (name.encode(), os.fsencode(subsection)) if subsection else (name.encode(),)


def user_config(
    environ: Mapping[str, str], *, git_dir: str | None = None, branch: str = ""
) -> Config:
    """What stands outside repositories: the command's, the user's and the system's settings.

    Args:
        environ: ``HOME``, ``XDG_CONFIG_HOME`` and the ``GIT_CONFIG_*`` variables count.
        git_dir: Of the repository that ``includeIf "gitdir:"`` is about.
        branch: What ``includeIf "onbranch:"`` is about.
    """
    matchers = _matchers(git_dir, branch, home_of(environ))
    layers = [_from_environ(environ)]
    for path in _user_files(environ):
        # Git, too, passes over a file of the user or system that it may not read.
        with suppress(PermissionError):
            layers += _load(path, matchers)
    return Config(layers)


def repository_config(
    git_dir: str, common_dir: str, environ: Mapping[str, str], *, branch: str = ""
) -> Config:
    """Everything that counts inside one repository."""
    local = local_config(git_dir, common_dir, environ, branch=branch)
    command, *outside = user_config(environ, git_dir=git_dir, branch=branch).layers
    return Config([command, *local.layers, *outside])


def local_config(
    git_dir: str, common_dir: str, environ: Mapping[str, str], *, branch: str = ""
) -> Config:
    """The repository's own settings: the shared file, and the worktree's where it may have one."""
    matchers = _matchers(git_dir, branch, home_of(environ))
    shared = Config(_load(f"{common_dir}/config", matchers))
    if not shared.flag("extensions", "worktreeConfig"):
        return shared
    return Config(_load(f"{git_dir}/config.worktree", matchers) + shared.layers)


def read_file(path: str) -> Config:
    """One file alone, such as ``.gitmodules``; its includes are not followed."""
    return Config(_load(path, None))


def home_of(environ: Mapping[str, str]) -> str:
    """The user's home folder."""
    return environ.get("HOME") or os.path.expanduser("~")


def _user_files(environ: Mapping[str, str]) -> Iterator[str]:
    if "GIT_CONFIG_GLOBAL" in environ:
        yield environ["GIT_CONFIG_GLOBAL"]
    else:
        home = home_of(environ)
        yield f"{home}/.gitconfig"
        yield f"{environ.get('XDG_CONFIG_HOME') or f'{home}/.config'}/git/config"
    if environ.get("GIT_CONFIG_NOSYSTEM", "0").lower() in ("", "0", "false", "no", "off"):
        yield environ.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig")


def _from_environ(environ: Mapping[str, str]) -> ConfigFile:
    """``GIT_CONFIG_COUNT`` and its keys: how CI systems pass settings."""
    from dulwich.config import ConfigFile

    layer = ConfigFile()
    count = environ.get("GIT_CONFIG_COUNT", "0")
    for number in range(int(count) if count.isdecimal() else 0):
        key = environ.get(f"GIT_CONFIG_KEY_{number}", "")
        section, _, name = key.rpartition(".")
        if section:
            value = environ.get(f"GIT_CONFIG_VALUE_{number}", "")
            layer.add(_key(section), name.encode(), os.fsencode(value))
    return layer


def _load(path: str, matchers: Mapping[str, ConditionMatcher] | None) -> list[ConfigFile]:
    from dulwich.config import ConfigFile

    try:
        return [
            ConfigFile.from_path(
                path, condition_matchers=matchers, expand_includes=matchers is not None
            )
        ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except ValueError as problem:
        raise ConfigDamaged(
            f"git configuration {path} cannot be read: {problem}",
            hint=f"`git config --file {path} --list` shows the line",
        ) from problem


def _matchers(git_dir: str | None, branch: str, home: str) -> Mapping[str, ConditionMatcher]:
    """What ``includeIf`` asks; conditions relative to the including file (``./``) never hold."""

    def in_git_dir(pattern: str, flags: int = 0) -> bool:
        if git_dir is None:
            return False
        if pattern.startswith("~/"):
            pattern = home + pattern[1:]
        elif not pattern.startswith("/"):
            pattern = f"**/{pattern}"
        paths = {git_dir, os.path.realpath(git_dir)}
        return any(_fits(pattern, path, flags) for path in paths)

    return {
        "gitdir:": in_git_dir,
        "gitdir/i:": lambda pattern: in_git_dir(pattern, re.IGNORECASE),
        "onbranch:": lambda pattern: bool(branch) and _fits(pattern, branch),
    }


def _fits(pattern: str, text: str, flags: int = 0) -> bool:
    from runref.git.wildmatch import translate

    if pattern.endswith("/"):
        pattern += "**"
    expression = translate(os.fsencode(pattern))
    return re.fullmatch(expression, os.fsencode(text), flags | re.DOTALL) is not None
