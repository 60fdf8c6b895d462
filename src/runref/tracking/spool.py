"""The spool: the folders of live runs and of runs that wait for their commit."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runref.errors import RunrefError
from runref.git.files import Sharing, make_folders
from runref.model.codec import UnreadableDocument, load_json
from runref.model.ids import is_run_id
from runref.tracking.liveness import Process
from runref.tracking.run_directory import RunDirectory, Start, write_once

_UNSHARED = Sharing()
_READY = ".ready"
_UNBORN = ".new-"
ABANDONED_SECONDS = 24 * 3600.0
"""After which what no run names is nobody's any more."""


class NotThisRepository(RunrefError):
    """A run in the spool belongs to another repository."""

    code = "not-this-repository"


class Spool:
    """The spool of one repository, local or on a shared file system.

    A folder is named by the run's id while the run is live, and ``<id>.ready`` from the one rename
    that ends it until its record is committed.

    Args:
        path: Its folder; created with the first run.
        common_dir: Git directory of its repository, where the folder is not inside it: runs of
            other repositories may have come there, and are left to them.
        sharing: Permissions of the folders that are made.
    """

    def __init__(
        self, path: Path, *, common_dir: Path | None = None, sharing: Sharing = _UNSHARED
    ) -> None:
        self.path = path
        self._common_dir = common_dir
        self._sharing = sharing

    @property
    def artifacts_path(self) -> Path:
        """Where contents wait whose runs may not write the repository's store."""
        return self.path / "artifacts"

    def unborn(self) -> RunDirectory:
        """Return a place for what a new run makes before it begins; it does not exist yet."""
        return RunDirectory(self.path / f"{_UNBORN}{secrets.token_hex(8)}")

    def create(
        self,
        start: Start,
        environment: Mapping[str, Any],
        process: Process,
        unborn: RunDirectory | None = None,
    ) -> tuple[RunDirectory, str]:
        """Make the folder of a new run, complete at its first appearance.

        Args:
            start: What is known of the run.
            environment: What it runs on.
            process: Its first writer.
            unborn: A place from `unborn` that holds something of the run already.

        Returns:
            The folder and the name of `process` among its writers.

        Raises:
            OSError: it could not be written; nothing is left.
        """
        unborn = unborn or self.unborn()
        make_folders(str(unborn.path), self._sharing)
        try:
            writer = unborn.add_writer(process)
            unborn.write_start(start, environment)
            born = RunDirectory(unborn.path.rename(self.path / start.id))
        except OSError:
            shutil.rmtree(unborn.path, ignore_errors=True)  # a full disk has room for no rubbish
            raise
        return born, writer

    def live(self) -> Iterator[RunDirectory]:
        """Yield the folders of runs that have not been made ready, dead ones included."""
        yield from self._folders("")

    def ready(self) -> Iterator[RunDirectory]:
        """Yield the folders of runs that wait for their commit, oldest first."""
        yield from self._folders(_READY)

    def find(self, run_id: str) -> RunDirectory | None:
        """Return the folder of a run that is live or waits for its commit, or none."""
        for name in (run_id, f"{run_id}{_READY}"):
            run = RunDirectory(self.path / name)
            if is_run_id(run_id) and run.path.is_dir():
                return run
        return None

    def check_owner(self, run: RunDirectory) -> None:
        """Refuse a run of another repository: its snapshot and its history are there.

        Raises:
            UnreadableDocument, MalformedDocument, FileNotFoundError: see `RunDirectory.read_start`.
            NotThisRepository: it is of another one.
        """
        if self._common_dir is None:
            return
        owner = run.read_start().common_dir
        if os.path.realpath(owner) != os.path.realpath(self._common_dir):
            raise NotThisRepository(
                f"run {run.run_id} belongs to {owner}, not to {self._common_dir}",
                hint="Run `runref recover` there.",
            )

    def make_ready(self, run: RunDirectory) -> RunDirectory:
        """End a run's life in the spool with one rename; harmless when someone else has done so."""
        target = self.path / f"{run.run_id}{_READY}"
        try:
            run.path.rename(target)
        except OSError:
            # Another process sealed it meanwhile, and it may even be collected by now.
            if run.path.exists():
                raise
        return RunDirectory(target)

    def remove(self, run: RunDirectory) -> None:
        """Remove the folder of a run whose record is committed."""
        doomed = self.path / f"{_UNBORN}done-{run.run_id}-{secrets.token_hex(4)}"
        try:
            run.path.rename(doomed)
        except FileNotFoundError:
            return
        shutil.rmtree(doomed, ignore_errors=True)

    def sweep(self) -> int:
        """Remove folders that a kill left half made or half removed; return how many."""
        count = 0
        for entry in self._entries():
            if not entry.name.startswith(_UNBORN):
                continue
            try:
                age = time.time() - entry.stat().st_mtime
            except FileNotFoundError:
                continue
            if age > ABANDONED_SECONDS:
                shutil.rmtree(entry.path, ignore_errors=True)
                count += 1
        return count

    def announce(self, job: str, run_id: str) -> None:
        """Tell the other ranks of a distributed job which run they belong to."""
        folder = self.path / "jobs"
        make_folders(str(folder), self._sharing)
        write_once(folder / f"{job}.json", {"run": run_id})

    def announced(self, job: str) -> RunDirectory | None:
        """Return the live run that rank 0 of a job announced, or none yet."""
        run_id = _announced_id(self.path / "jobs" / f"{job}.json")
        run = RunDirectory(self.path / run_id)
        return run if run_id and run.has_live_writers() else None

    def retract(self, run_id: str) -> None:
        """Forget what was announced of a run that ended."""
        for path in (self.path / "jobs").glob("*.json"):
            if _announced_id(path) == run_id:
                path.unlink(missing_ok=True)

    def _folders(self, ending: str) -> Iterator[RunDirectory]:
        names = [entry.name for entry in self._entries() if entry.name.endswith(ending)]
        for name in sorted(names):
            if is_run_id(name.removesuffix(ending)):
                yield RunDirectory(self.path / name)

    def _entries(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.path) as entries:
                return list(entries)
        except FileNotFoundError:
            return []


def _announced_id(path: Path) -> str:
    try:
        announced = load_json(path.read_bytes())
    except (FileNotFoundError, UnreadableDocument):
        return ""  # another launch of the job overwrites it
    run_id = announced.get("run") if isinstance(announced, dict) else ""
    return run_id if isinstance(run_id, str) and is_run_id(run_id) else ""
