"""One repository with everything that commands work on.

What a command does not need is not imported: stores, spool and artifacts are wired on first use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from runref.errors import ExitStatus, RunrefError
from runref.git.files import ask_again, make_folders
from runref.git.repository import Repository
from runref.model.address import ByPrefix, UnknownRun, matching_ids, parse_address, the_only
from runref.model.ids import is_run_id
from runref.project.apart import repository_apart
from runref.project.config import Config, load_config
from runref.store.buried import tombstones_of
from runref.store.differences import forgotten_runs
from runref.store.runs_ref import RunsRef

if TYPE_CHECKING:
    from runref.artifacts import LocalStore
    from runref.index.run_index import RunIndex
    from runref.index.series import SeriesCache
    from runref.project.remotes import Remotes
    from runref.store.recorded import RecordedRun
    from runref.tracking.collect import Collection
    from runref.tracking.spool import Spool
    from runref.tracking.stores import Stores


class NoWorkingTree(RunrefError):
    """A command needs files and stands in a bare repository or in a git directory."""

    code = "no-working-tree"
    exit_status = ExitStatus.USAGE


class StillRunning(RunrefError):
    """Something was asked of a live run that only a recorded one can do."""

    code = "still-running"
    exit_status = ExitStatus.USAGE


class ForgottenRun(UnknownRun):
    """A run was taken out of the history for good."""

    code = "forgotten-run"


@dataclass(frozen=True)
class Project:
    """The repository that a command works on.

    Attributes:
        repository: Where records are.
        folder: Folder whose files are the code; none in a bare repository.
        config: Settings of ``.runref.yaml``.
        environ: Environment variables of the process.
        tell: Shows a notice to the user.
    """

    repository: Repository
    folder: Path | None
    config: Config
    environ: Mapping[str, str]
    tell: Callable[[str], None]

    @property
    def root(self) -> Path:
        """Folder whose files are the code.

        Raises:
            NoWorkingTree: there is none.
        """
        if self.folder is None:
            raise NoWorkingTree(
                f"{self.repository.git_dir} has no working tree, so there is no code to record",
                hint="Work in a checkout; --store records the current folder into a bare one.",
            )
        return self.folder

    @cached_property
    def runs(self) -> RunsRef:
        """The runs ref."""
        return RunsRef(self.repository, self.tell)

    @cached_property
    def spool(self) -> Spool:
        """Live runs, and runs that wait for their commit.

        They lie in the git directory, or where ``spool:`` is set, in a subfolder of that folder
        named by the repository: ``<name>-<12 hex digits>``, the beginning of the SHA-256 of the
        real path of the git directory that linked worktrees share. The setting is usually
        committed, so clones have it in common; their runs they must not have in common.
        """
        from runref.tracking.spool import Spool

        owner = self.repository.common_dir if self.config.spool else None
        return Spool(self._spool_path, common_dir=owner, sharing=self.repository.sharing)

    @property
    def _spool_path(self) -> Path:
        common_dir = self.repository.common_dir
        if not self.config.spool:
            return common_dir / "runref" / "spool"
        configured = os.path.expanduser(self.config.spool)  # noqa: PTH111 - keeps the text
        return self.root / configured / _name_of(common_dir)

    @cached_property
    def artifacts(self) -> LocalStore:
        """Contents of inputs and outputs."""
        from runref.artifacts import LocalStore
        from runref.tracking.stores import artifacts_path

        return LocalStore(
            artifacts_path(self.repository.common_dir),
            fsync=self.config.fsync,
            may_link=self._may_link if self.config.artifacts.link == "hard" else None,
        )

    def _may_link(self, path: str) -> bool:
        """Tell whether a file may become read-only: not where git, or a submodule, tracks it."""
        try:
            tracked = self._tracked
        except RunrefError:  # an index that cannot be read: any file may be tracked
            return False
        inside = Path(os.path.relpath(os.path.realpath(path), os.path.realpath(self.root)))
        return not any(os.fsencode(each) in tracked for each in (inside, *inside.parents))

    @cached_property
    def _tracked(self) -> Mapping[bytes, object]:
        return self.repository.tracked()

    @cached_property
    def remotes(self) -> Remotes:
        """Where artifacts go; raises what `runref.project.remotes.load_remotes` raises."""
        from runref.project.remotes import load_remotes

        return load_remotes(self.config, self.folder, self.repository.common_dir)

    @cached_property
    def stores(self) -> Stores:
        """What tracking works on in the working tree."""
        return self.stores_for(self.root)

    def stores_for(self, root: Path) -> Stores:
        """Return what tracking works on where the code is that of another folder."""
        from runref.tracking.stores import Stores

        self._share_folders()
        return Stores(
            self.repository,
            root,
            self.spool,
            self.artifacts,
            self.runs,
            self.config.tracking(),
            self.environ,
        )

    def _share_folders(self) -> None:
        """Make the folders of runref's own that several users of the repository write to.

        The modules that fill them know nothing of ``core.sharedRepository``. Where one cannot be
        made, whoever writes there says so.
        """
        sharing = self.repository.sharing
        if not sharing.tweak:
            return
        own = self.repository.common_dir / "runref"
        for name in ("artifacts/sha256", "artifacts/tmp", "cache"):
            with suppress(OSError):
                make_folders(str(own / name), sharing)

    def index(self, on_progress: Callable[[int, int], None] | None = None) -> RunIndex:
        """Return the index over the runs, in the user's cache folder."""
        from runref.index.run_index import RunIndex

        return RunIndex(self.runs, cache_folder(self.environ) / "index", on_progress)

    @cached_property
    def series(self) -> SeriesCache:
        """Columns of the series of recorded runs, in the user's cache folder."""
        from runref.index.series import SeriesCache

        path = cache_folder(self.environ) / "index" / "series.sqlite3"
        return SeriesCache(self.repository.objects, path)

    def resolve(self, address: str, index: RunIndex | None = None) -> RecordedRun:
        """Return the recorded run that `address` names.

        Raises:
            UnknownRun: there is none.
            AmbiguousRun: there are several.
            StillRunning: it names a live run.
            UnreadableRun: it is damaged.
        """
        found = self.find(address, index)
        if found.live:
            raise StillRunning(
                f"run {found.id} has no record yet: it is {found.record.status}",
                hint="Wait for its end; `runref recover` records a run that was killed.",
            )
        return found

    def find(self, address: str, index: RunIndex | None = None) -> RecordedRun:
        """Return the run that `address` names, which may be live where it is named by its id.

        Raises:
            UnknownRun: there is none.
            AmbiguousRun: there are several.
            UnreadableRun: it is damaged.
        """
        index = index or self.index()
        asked = parse_address(address)
        if not isinstance(asked, ByPrefix):
            found = index.newest(1, asked.back)
            if not found:
                raise _out_of_history(address, index)
            return found[0]
        live = {run.id: run for run in self.live()}
        run_id = the_only(address, self._candidates(asked.text, index, live))
        recorded = self.runs.find(run_id)
        return live[run_id] if recorded is None and run_id in live else self.read(run_id)

    def read(self, run_id: str) -> RecordedRun:
        """Return the run with exactly this id.

        Raises:
            UnknownRun: there is none.
            UnreadableRun: it is damaged.
        """
        from runref.store.recorded import RecordedRun, read_additions, read_record

        stored = self.runs.find(run_id)
        if stored is None:
            raise self._not_there(run_id)
        record = read_record(self.repository.objects, run_id, stored.tree)
        additions, _ = read_additions(record.tags, self.runs.annotation_files(run_id))
        return RecordedRun(stored.tree, record, additions)

    def _not_there(self, run_id: str) -> UnknownRun:
        for stone in tombstones_of(self.runs, run_id):
            return ForgottenRun(
                f"run {run_id} was forgotten on {stone.time[:10]} by {stone.author}: {stone.reason}"
            )
        return UnknownRun(f"there is no run {run_id}", hint="`runref ls` shows the runs.")

    def live(self) -> list[RecordedRun]:
        """Return the runs that go on or wait for their commit, as far as they are known."""
        if not _has_entries(self._spool_path):
            return []
        from runref.tracking.live import live_runs

        return live_runs(self.spool)

    def recover(self, *, wait: float = 5.0) -> Collection | None:
        """Record the runs that were killed and those that wait; none where there is nothing to do.

        Nor is there where this process may not write the repository.

        Looking costs next to nothing, so that every command may; nothing is locked or written
        where no run waits.

        Args:
            wait: Seconds to wait for a process that is collecting; 0 leaves it to that one.

        Raises:
            RunrefError, OSError: see `runref.tracking.collect.recover`.
        """
        if not _has_entries(self._spool_path) or not self.repository.takes_objects():
            return None
        from runref.tracking.collect import recover

        waiting = any(self.spool.ready())
        if waiting or any(not run.has_live_writers() for run in self.spool.live()):
            return recover(self.spool, self.runs, wait=wait)
        return None

    def _candidates(self, text: str, index: RunIndex, live: Iterable[str]) -> list[str]:
        if is_run_id(text):
            return [text]
        by_id = matching_ids(text, {*index.ids(), *live})
        if by_id or "-" in text:
            return by_id
        found = index.by_record_hash(text) or self._added_by_commit(text)
        return found or matching_ids(text, forgotten_runs(self.runs.objects, self.runs.root()))

    def _added_by_commit(self, prefix: str) -> list[str]:
        objects = self.repository.objects
        found: list[str] = []
        for oid in objects.resolve_prefix(prefix):
            if objects.read(oid)[0] == "commit":
                found += [run.id for run in self.runs.added_by(oid)]
        return found


def open_project(
    start: Path,
    environ: Mapping[str, str],
    *,
    store: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> Project:
    """Find the repository that `start` lies in, or the one named by `store`, with its settings.

    With `store`, the code is the folder `start` and need not be a git checkout. Without, the
    settings may name another repository for the records than that of the code. `tell` shows a
    notice to the user, where something is recorded otherwise than they asked.

    Raises:
        NotARepository: there is none.
        AnotherStore: see `runref.project.apart.repository_apart`.
        InvalidConfig: its settings cannot be understood.
    """
    if store:
        repository = Repository.open(Path(store), environ=environ)
        folder: Path | None = start.resolve()
    else:
        repository = Repository.discover(start, environ=environ)
        folder = repository.root
    config = load_config(folder) if folder else Config()
    if config.store.repository and not store:
        repository = repository_apart(repository, config.store.repository)
    if not config.fsync:
        path = repository.root or repository.git_dir
        repository = Repository.open(path, environ=environ, fsync=False)
    return Project(repository, folder, config, environ, tell)


def _out_of_history(address: str, index: RunIndex) -> UnknownRun:
    unreadable, removed = len(index.unreadable()), index.count_removed()
    held = f"{index.count() - unreadable - removed} runs"
    held += f", {removed} more that were removed" if removed else ""
    held += f", and {unreadable} that cannot be read" if unreadable else ""
    hint = "`runref run -- COMMAND` records one."
    if removed:
        hint = "`runref ls --removed` shows the removed ones; `runref restore` brings them back."
    return UnknownRun(f"{address}: the history holds {held}", hint=hint)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the user's cache folder for runref."""
    if base := environ.get("XDG_CACHE_HOME"):
        return Path(base) / "runref"
    import platformdirs

    return Path(platformdirs.user_cache_dir("runref", appauthor=False))


def _name_of(common_dir: Path) -> str:
    """Return a folder name for a repository, which no other one on the machine has."""
    import hashlib

    path = common_dir.resolve()
    name = path.parent.name if path.name == ".git" else path.name.removesuffix(".git")
    return f"{name}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def _has_entries(folder: Path) -> bool:
    for is_first in (True, False):
        try:
            with os.scandir(folder) as entries:
                return next(entries, None) is not None
        except FileNotFoundError:
            if is_first:
                ask_again(str(folder))
    return False
