"""Contents that are not here, brought from remotes for whoever needs them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runref.artifacts import ArtifactDamaged, ArtifactMissing
from runref.artifacts.reading import OnBytes
from runref.artifacts.remote.retrying import Backoff, OnRetry, Retrying
from runref.artifacts.transfer.fetch import Fetched, fetch
from runref.artifacts.transfer.gathering import Outage
from runref.artifacts.transfer.progress import Silent, TransferProgress
from runref.artifacts.transfer.wanted import Wanted, expand
from runref.errors import RunrefError
from runref.model.record import DataFile
from runref.project.project import Project
from runref.project.remotes import Remote

if TYPE_CHECKING:
    from runref.artifacts.remote.store import RemoteStore

_BRIEFLY = Backoff(attempts=3)
"""To be told what a remote has is not worth the minutes that a transfer is."""
_SHORT = 19
"""``sha256:`` and 12 digits, as many as tell contents apart."""
_NAMED = 3
"""How many of several files a message names."""


@dataclass(frozen=True, slots=True)
class Located:
    """Where contents are that are not here.

    Attributes:
        remotes: Name of the nearest remote that has it, by digest.
        asked: Names of the remotes that were to be asked, the nearest first.
        failures: Why some could not be asked, by name.
    """

    remotes: Mapping[str, str]
    asked: tuple[str, ...]
    failures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Supply:
    """The local store, and the remotes that stand in for it.

    Attributes:
        project: The repository.
        ask_remotes: Whether remotes are asked for what is not here.
        progress: Told what is brought.
        on_retry: Told about every failure of a remote that another attempt follows.
    """

    project: Project
    ask_remotes: bool = True
    progress: TransferProgress = field(default_factory=Silent)
    on_retry: OnRetry | None = None

    def bring(self, wanted: Collection[Wanted], *, verify: bool = False) -> Fetched:
        """Bring here what is not, each content from the nearest remote that has it whole.

        Nothing is asked of a remote where everything is here.

        Args:
            wanted: What is to be here afterwards.
            verify: Read what is here, and bring anew what is damaged.

        Returns:
            What was done. What went wrong is in there, with what was done nevertheless.

        Raises:
            DigestInvalid: what should be a digest is none.
            StoreUnusable: the operating system does not let the local store be read.
            InvalidConfig: the remotes cannot be read off the settings.
        """
        local = self.project.artifacts
        here = fetch(local, (), wanted, verify_local=verify, progress=self.progress)
        if here.is_complete or here.ended_by or not self._remotes:
            return here
        stores, unusable = connected(self._remotes, self.on_retry)
        for outage in unusable:
            self.progress.notice(f"{outage.remote}: {outage.error.message}")
        concurrency = max(remote.concurrency for remote in self._remotes)
        done = fetch(local, stores, wanted, concurrency=concurrency, progress=self.progress)
        return replace(
            done,
            set_aside=(*here.set_aside, *done.set_aside),
            outages=(*unusable, *done.outages),
        )

    def require(self, files: Iterable[DataFile], *, verify: bool = False) -> None:
        """Bring the contents of recorded files here.

        Raises:
            ArtifactMissing: one is nowhere; the message says where it was looked for.
            RunrefError: it cannot be stored, or see `bring`.
        """
        needed = [file for file in files if file.digest]
        done = self.bring(wanted_of(needed), verify=verify)
        if done.ended_by:
            raise done.ended_by
        if done.is_complete:
            return
        lost = [file for file in needed if not is_here(self.project, file)]
        named = {file.digest for file in lost}
        for failure in done.failed:
            if failure.digest in named:  # it was found, and is no good
                raise failure.error
        if lost or done.missing:
            raise self._nowhere(lost or needed, done)
        raise done.failed[0].error

    def locate(self, files: Collection[DataFile]) -> Located:
        """Return which remotes have the contents of recorded files; nothing is brought.

        Each remote is asked once, for all that those before it do not have. One that has the
        manifest of a directory has its files too: they are pushed before it.

        Raises:
            DigestInvalid: what should be a digest is none.
            InvalidConfig: the remotes cannot be read off the settings.
        """
        left = {file.digest: file for file in files}
        remotes = self._remotes if left else ()
        found: dict[str, str] = {}
        failures: dict[str, str] = {}
        for remote in remotes:
            try:
                store = Retrying(remote.connect_bare(), _BRIEFLY, self.on_retry)
                present = store.present(left) if left else {}
            except RunrefError as error:  # the others may be well
                failures[remote.name] = error.message
                continue
            for digest, size in present.items():
                if left[digest].kind == "directory" or left[digest].size == size:
                    found[digest] = remote.name
                    del left[digest]
        return Located(found, tuple(remote.name for remote in remotes), failures)

    def restore(
        self,
        file: DataFile,
        target: Path,
        *,
        replace: bool = False,
        on_progress: OnBytes | None = None,
    ) -> None:
        """Write a recorded file or directory, whose content is here, to `target`.

        What turns out to be damaged is set aside and brought anew.

        Raises:
            ArtifactMissing: its content, or that of one of its files, is nowhere.
            RunrefError: see `LocalStore.restore`.
        """
        try:
            self._restore(file, target, replace=replace, on_progress=on_progress)
        except ArtifactDamaged as error:
            if not self._remotes:
                raise
            self.progress.notice(f"{error.message}: it is set aside and brought anew")
            self.require([file], verify=True)
            self._restore(file, target, replace=replace, on_progress=on_progress)

    def _restore(
        self, file: DataFile, target: Path, *, replace: bool, on_progress: OnBytes | None
    ) -> None:
        self.project.artifacts.restore(
            file.digest, file.kind, target, replace=replace, on_progress=on_progress
        )
        if file.executable and file.kind == "file":
            mode = target.stat().st_mode
            target.chmod(mode | (mode & 0o444) >> 2)  # for all who may read it

    @property
    def _remotes(self) -> tuple[Remote, ...]:
        """The remotes to ask, the nearest first."""
        remotes = self.project.remotes
        return remotes.by_distance() if self.ask_remotes and remotes.all else ()

    def _nowhere(self, lost: Sequence[DataFile], done: Fetched) -> ArtifactMissing:
        """Return the error for contents that neither the local store nor a remote has."""
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        what = ", ".join(map(_shown, lost[:_NAMED])) + more
        verb = "is" if len(lost) == 1 else "are"
        known = ", ".join(remote.name for remote in self.project.remotes.all)
        if not known:
            return ArtifactMissing(
                f"{what} {verb} not here, and there is no remote to ask",
                hint="`runref remote add NAME URL` adds one that has it; or copy "
                "`runref/artifacts` of the git directory from where it was recorded.",
            )
        if not self.ask_remotes:
            return ArtifactMissing(
                f"{what} {verb} not here, and no remote was asked",
                hint=f"Without --no-fetch, these are asked: {known}.",
            )
        asked = "; ".join(_answers(self._remotes, done))
        return ArtifactMissing(
            f"{what} {verb} neither here nor at a remote: {asked}",
            hint=next(
                (each.error.hint for each in done.outages if each.error.hint),
                "`runref push --artifacts` where it was recorded brings it to a remote.",
            ),
        )


def wanted_of(files: Iterable[DataFile]) -> list[Wanted]:
    """Return the artifacts that recorded files consist of, each once."""
    found = {
        (each.digest, each.kind): Wanted(
            each.digest, "directory" if each.kind == "directory" else "file", each.size
        )
        for each in files
        if each.digest
    }
    return list(found.values())


def is_here(project: Project, file: DataFile) -> bool:
    """Tell whether all content of a recorded file is in the local store; it is not verified.

    Raises:
        DigestInvalid: what should be a digest is none.
        StoreUnusable: the operating system does not let the local store be read.
    """
    needed = expand(project.artifacts, wanted_of([file]))
    if needed.absent or needed.failed:
        return False
    return all(project.artifacts.contains(digest) for digest in needed.files)


def connected(
    remotes: Iterable[Remote], on_retry: OnRetry | None = None
) -> tuple[list[RemoteStore], list[Outage]]:
    """Return the stores behind remotes, and the remotes that have none that can be used."""
    stores, unusable = [], []
    for remote in remotes:
        try:
            stores.append(remote.connect(on_retry=on_retry))
        except RunrefError as error:  # the others may be well
            unusable.append(Outage(remote.name, error))
    return stores, unusable


def options_for(project: Project, url: str) -> Mapping[str, Any]:
    """Return the options for a URL that a run reads: those of a remote on the same server.

    The same server is the same protocol and the same bucket or host. For all other URLs, everything
    comes from where the machine keeps it.

    Raises:
        InvalidConfig: the remotes cannot be read off the settings.
        SecretInSettings: a committed file holds credentials for it.
        RemoteInvalid: an option cannot be understood.
    """
    for remote in project.remotes.all:
        if _server(remote.url) == _server(url):
            remote.connect_bare()  # which only checks the settings
            return {**_login(remote.url), **remote.options}
    return {}


def _login(url: str) -> dict[str, str]:
    """Return who logs in to an SSH server: records keep no user's name of a URL."""
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("sftp", "ssh"):
        return {}
    named = {"username": parts.username, "password": parts.password}
    return {name: value for name, value in named.items() if value}


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()


def _shown(file: DataFile) -> str:
    how = ", recorded by reference" if file.by_reference else ""
    return f"{file.path} ({file.digest[:_SHORT]}{how})"


def _answers(remotes: Iterable[Remote], done: Fetched) -> Iterable[str]:
    outages = {each.remote: each.error.message for each in done.outages}
    damaged = {each.remote for each in done.damaged}
    for remote in remotes:
        if remote.name in outages:
            yield f"{remote.name} could not be asked ({outages[remote.name]})"
        elif remote.name in damaged:
            yield f"{remote.name} has other content in its place"
        else:
            yield f"{remote.name} does not have it"
