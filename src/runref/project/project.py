"""One repository with everything that commands work on."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from runref.artifacts import LocalStore
from runref.errors import ExitStatus, RunrefError
from runref.git.repository import Repository
from runref.index.run_index import RunIndex
from runref.model.address import ByPrefix, UnknownRun, matching_ids, parse_address, the_only
from runref.model.annotations import Annotation
from runref.model.codec import dump_yaml
from runref.model.ids import is_run_id
from runref.model.schema import validate
from runref.model.times import now, parse_time
from runref.project.config import Config, load_config
from runref.store.recorded import (
    RecordedRun,
    annotation_document,
    read_additions,
    read_record,
)
from runref.store.runs_ref import RunsRef, annotation_addition
from runref.tracking.live import live_runs
from runref.tracking.spool import Spool
from runref.tracking.stores import Stores, artifacts_path

_LOCK_SECONDS = 30.0


class NoWorkingTree(RunrefError):
    """A command needs files and stands in a bare repository."""

    code = "no-working-tree"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True)
class Project:
    """The repository that a command works on.

    Attributes:
        repository: Where records are.
        root: Folder whose files are the code.
        config: Settings of ``.runref.yaml``.
        environ: Environment variables of the process.
    """

    repository: Repository
    root: Path
    config: Config
    environ: Mapping[str, str]

    @cached_property
    def runs(self) -> RunsRef:
        """The runs ref."""
        return RunsRef(self.repository)

    @cached_property
    def spool(self) -> Spool:
        """Live runs, and runs that wait for their commit."""
        configured = self.config.spool
        if not configured:
            return Spool(self.repository.common_dir / "runref" / "spool")
        return Spool(self.root / os.path.expanduser(configured))  # noqa: PTH111 - keeps the text

    @cached_property
    def artifacts(self) -> LocalStore:
        """Contents of inputs and outputs."""
        return LocalStore(artifacts_path(self.repository.common_dir), fsync=self.config.fsync)

    @cached_property
    def stores(self) -> Stores:
        """What tracking works on."""
        return Stores(
            self.repository,
            self.root,
            self.spool,
            self.artifacts,
            self.runs,
            self.config.tracking(),
            self.environ,
        )

    def index(self, on_progress: Callable[[int, int], None] | None = None) -> RunIndex:
        """Return the index over the runs, in the user's cache folder."""
        return RunIndex(self.runs, cache_folder(self.environ) / "index", on_progress)

    def resolve(self, address: str, index: RunIndex | None = None) -> RecordedRun:
        """Return the run that `address` names.

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
                raise UnknownRun(
                    f"{address}: there are {index.count()} runs",
                    hint="`runref run -- COMMAND` records one.",
                )
            return found[0]
        return self.read(the_only(address, self._candidates(asked.text, index)))

    def read(self, run_id: str) -> RecordedRun:
        """Return the run with exactly this id.

        Raises:
            UnknownRun: there is none.
            UnreadableRun: it is damaged.
        """
        stored = self.runs.find(run_id)
        if stored is None:
            raise UnknownRun(f"there is no run {run_id}", hint="`runref ls` shows the runs.")
        record = read_record(self.repository.objects, run_id, stored.tree)
        additions, _ = read_additions(record.tags, self.runs.annotation_files(run_id))
        return RecordedRun(stored.tree, record, additions)

    def live(self) -> list[RecordedRun]:
        """Return the runs that go on or wait for their commit, as far as they are known."""
        return live_runs(self.spool)

    def annotate(
        self,
        run_ids: Sequence[str],
        *,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
        note: str = "",
    ) -> str:
        """Add one annotation to each of several runs, and return the new tip of the ref.

        Raises:
            LockBusy: another process holds the ref for long.
        """
        author, time = self.repository.identity(), now()
        objects = self.repository.objects
        additions = []
        for run_id in run_ids:
            annotation = Annotation(run_id, time, author, tuple(add_tags), tuple(remove_tags), note)
            document = annotation_document(annotation)
            validate("annotation", document)
            name = f"{time.replace(':', '').replace('.', '')}-{_writer_name()}.yaml"
            blob = objects.write_blob(dump_yaml(document))
            message = f"{_change_of(annotation)} · {run_id}\n\nRun: {run_id}\n"
            when = int(parse_time(time).timestamp())
            additions.append(annotation_addition(run_id, name, blob, message, when))
        with self.runs.lock(_LOCK_SECONDS):
            return self.runs.append(additions, reason=f"runref: annotate {len(run_ids)} runs")

    def _candidates(self, text: str, index: RunIndex) -> list[str]:
        if is_run_id(text):
            return [text]
        by_id = matching_ids(text, index.ids())
        if by_id or "-" in text:
            return by_id
        return index.by_record_hash(text) or self._added_by_commit(text)

    def _added_by_commit(self, prefix: str) -> list[str]:
        objects = self.repository.objects
        found: list[str] = []
        for oid in objects.resolve_prefix(prefix):
            if objects.read(oid)[0] == "commit":
                found += [run.id for run in self.runs.added_by(oid)]
        return found


def open_project(start: Path, environ: Mapping[str, str], *, store: str = "") -> Project:
    """Find the repository that `start` lies in, or the one named by `store`, with its settings.

    With `store`, the code is the folder `start` and need not be a git checkout.

    Raises:
        NotARepository: there is none.
        InvalidConfig: its settings cannot be understood.
    """
    if store:
        repository = Repository.open(Path(store), environ=environ)
        root = start.resolve()
    else:
        repository = Repository.discover(start, environ=environ)
        root = repository.root or repository.git_dir
    config = load_config(root)
    if not config.fsync:
        path = repository.root or repository.git_dir
        repository = Repository.open(path, environ=environ, fsync=False)
    return Project(repository, root, config, environ)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the user's cache folder for runref."""
    if base := environ.get("XDG_CACHE_HOME"):
        return Path(base) / "runref"
    import platformdirs

    return Path(platformdirs.user_cache_dir("runref", appauthor=False))


def _writer_name() -> str:
    host = "".join(char for char in socket.gethostname() if char.isalnum() or char == "-")
    return f"{host[:32]}-{secrets.token_hex(4)}"


def _change_of(annotation: Annotation) -> str:
    changes = [f"+{tag}" for tag in annotation.add_tags]
    changes += [f"-{tag}" for tag in annotation.remove_tags]
    if changes:
        return "tag " + " ".join(changes)
    return "note: " + " ".join(annotation.note.split())[:60]
