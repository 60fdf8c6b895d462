"""The remotes of a repository: what all clones agreed on, and what one clone adds to it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runref.errors import ExitStatus, RunrefError
from runref.model.credentials import without_credentials
from runref.project.config import (
    CONFIG_NAME,
    CloneConfig,
    Config,
    InvalidConfig,
    RemoteSettings,
    clone_config_path,
    load_clone_config,
    parse_size,
)
from runref.project.remote_secrets import SecretInSettings, masked, secrets_in

if TYPE_CHECKING:
    from runref.artifacts.remote.retrying import OnRetry
    from runref.artifacts.remote.store import RemoteStore

_CONCURRENCY = 16


class UnknownRemote(RunrefError):
    """A name is that of no remote."""

    code = "unknown-remote"
    exit_status = ExitStatus.USAGE


class NoRemote(RunrefError):
    """Something is to go to a remote or to come from one, and there is none for it."""

    code = "no-remote"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Remote:
    """A place where artifacts go.

    Attributes:
        name: What commands call it.
        url: Where it is: a URL of fsspec, or a path. May hold a password.
        options: What its driver needs to know. May hold secrets.
        push: Whether a push goes there that names no remote.
        concurrency: Requests at once.
        max_rate: Bytes per second; none for no limit.
        committed: Whether ``.runref.yaml`` has settings for it.
        local: Whether this clone alone has settings for it.
        exposed: Names of the credentials that stand in ``.runref.yaml``.
    """

    name: str
    url: str = field(repr=False)
    options: Mapping[str, object] = field(default_factory=dict, repr=False)
    push: bool = True
    concurrency: int = _CONCURRENCY
    max_rate: int | None = None
    committed: bool = True
    local: bool = False
    exposed: tuple[str, ...] = ()

    @property
    def shown_url(self) -> str:
        """The URL without credentials."""
        return without_credentials(self.url)

    @property
    def shown_options(self) -> dict[str, object]:
        """The options, secrets masked."""
        return masked(self.options)

    def connect(self, *, on_retry: OnRetry | None = None) -> RemoteStore:
        """Return the store behind it, which is asked again where it fails; it connects when used.

        Args:
            on_retry: Told about every failure that another attempt follows.

        Raises:
            SecretInSettings: a committed file holds credentials for it.
            RemoteInvalid: its URL or an option cannot be understood.
            RemoteUnsupported: its driver is not installed.
        """
        from runref.artifacts.remote.limits import Limited
        from runref.artifacts.remote.retrying import Retrying

        limited = Limited(self.connect_bare(), self.concurrency, self.max_rate)
        return Retrying(limited, on_retry=on_retry)

    def connect_bare(self) -> RemoteStore:
        """Return the store behind it, which fails at the first failure; raises as `connect`."""
        from runref.artifacts.remote.location import open_remote

        if self.exposed:
            raise SecretInSettings(
                f"{CONFIG_NAME} holds credentials of remote {self.name}: {', '.join(self.exposed)}",
                hint="Take them out, and change them at their issuer if they were ever committed; "
                f"`runref remote add --local {self.name} --option …` keeps them in this clone.",
            )
        return open_remote(self.url, self.options, name=self.name)


@dataclass(frozen=True, slots=True)
class Remotes:
    """The remotes of a repository.

    Attributes:
        all: In the order of the settings, this clone's own last.
        default: Which one is read before the others; none where there is no remote.
    """

    all: tuple[Remote, ...]
    default: Remote | None

    def named(self, name: str) -> Remote:
        """Return the remote with this name.

        Raises:
            UnknownRemote: there is none.
        """
        for remote in self.all:
            if remote.name == name:
                return remote
        known = ", ".join(remote.name for remote in self.all)
        raise UnknownRemote(
            f"there is no remote {without_credentials(name)!r:.60}",
            hint=f"There are: {known}." if known else "`runref remote add NAME URL` adds one.",
        )

    def chosen(self, names: Collection[str]) -> tuple[Remote, ...]:
        """Return the remotes with these names, each once; raises as `named`."""
        return tuple(self.named(name) for name in dict.fromkeys(names))

    def to_push(self, names: Collection[str] = ()) -> tuple[Remote, ...]:
        """Return the remotes that a push goes to: those named, or those that the settings say.

        Raises:
            UnknownRemote: there is no remote of that name.
            NoRemote: none is named, and there is none to push to.
        """
        if found := self.chosen(names) or tuple(remote for remote in self.all if remote.push):
            return found
        if self.all:
            raise NoRemote(
                "the settings say of every remote that nothing is pushed there",
                hint=f"Name one: `--remote {self.all[0].name}`.",
            )
        raise _none()

    def by_distance(self) -> tuple[Remote, ...]:
        """Return the remotes in the order in which they are read, the nearest first.

        Those on file systems of this machine, mounted ones included, then the default one, then the
        others as they stand.

        Raises:
            NoRemote: there is none.
        """
        from runref.artifacts.remote.location import is_local

        if not self.all:
            raise _none()
        return tuple(
            sorted(self.all, key=lambda each: (not is_local(each.url), each is not self.default))
        )


def load_remotes(config: Config, folder: Path | None, common_dir: Path) -> Remotes:
    """Return the remotes of a repository.

    Args:
        config: The settings that all clones share.
        folder: What relative paths in them are relative to; none in a bare repository.
        common_dir: The git directory that worktrees share, with the settings of this clone alone.

    Raises:
        InvalidConfig: the settings of this clone cannot be understood, a remote has no URL, or the
            default one is none.
        OSError: the settings of this clone cannot be read.
    """
    clone = load_clone_config(common_dir)
    names = dict.fromkeys((*config.remotes, *clone.remotes))
    remotes = [
        merged(name, config.remotes.get(name), clone.remotes.get(name), folder) for name in names
    ]
    for remote in remotes:
        if not remote.url:
            where = CONFIG_NAME if remote.committed else clone_config_path(common_dir)
            words = remote.name if remote.committed else f"--local {remote.name}"
            raise InvalidConfig(
                f"{where}: remotes: {remote.name}: the url is missing",
                hint=f"`runref remote add -f {words} URL` sets it; `runref remote rm {words}` "
                "removes what else is set.",
            )
    return Remotes(tuple(remotes), _default(config, clone, remotes))


def _none() -> NoRemote:
    return NoRemote(
        "this repository has no remote for artifacts",
        hint="`runref remote add NAME URL` adds one: a folder, s3://…, sftp://…",
    )


def merged(
    name: str, common: RemoteSettings | None, clone: RemoteSettings | None, folder: Path | None
) -> Remote:
    """Return a remote from what all clones share and what one clone adds, which outweighs it."""
    below, above = common or RemoteSettings(), clone or RemoteSettings()
    rate = below.max_rate if above.max_rate is None else above.max_rate
    push = below.push if above.push is None else above.push
    return Remote(
        name,
        _located(above.url or below.url, folder),
        _overlaid(below.options, above.options),
        push is not False,
        above.concurrency or below.concurrency or _CONCURRENCY,
        None if rate is None else parse_size(rate),
        committed=common is not None,
        local=clone is not None,
        exposed=secrets_in(below),
    )


def _overlaid(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Return `below` with what `above` sets or adds, at any depth."""
    merged = dict(below)
    for name, value in above.items():
        held = merged.get(name)
        if isinstance(held, Mapping) and isinstance(value, Mapping):
            merged[name] = _overlaid(held, value)
        else:
            merged[name] = value
    return merged


def is_path(url: str) -> bool:
    """Tell whether what stands for a remote's URL is a path."""
    return "://" not in url


def _located(url: str, folder: Path | None) -> str:
    if not url or not is_path(url) or folder is None or url.startswith("~"):
        return url
    return os.path.normpath(folder / url)


def _default(config: Config, clone: CloneConfig, remotes: Sequence[Remote]) -> Remote | None:
    name = clone.default_remote or config.default_remote
    if not name:
        return remotes[0] if remotes else None
    for remote in remotes:
        if remote.name == name:
            return remote
    raise InvalidConfig(
        f"default_remote: there is no remote {name!r:.60}",
        hint="`runref remote add NAME URL --default` adds one and makes it the default.",
    )
