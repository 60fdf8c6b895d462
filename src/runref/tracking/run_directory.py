"""The files of one run in the spool, and how they are read back.

Every process that takes part has files of its own and only appends to them, one ``write`` for each
line, so that no lock is needed and a kill loses nothing that was acknowledged::

    start.json                      what was known when the run began; written once
    environment.json                what it runs on; written once
    writer.<writer>.json            a process that takes part; its mtime is the heartbeat
    metrics.<rank>.<writer>.jsonl   series
    events.<writer>.jsonl           what became known later
    console.log                     output
    end.json                        how it ended; written once
    sealed.json                     the record's tree, once its objects are written
    objects/                        git objects, where the repository may not be written
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from runref.model.codec import UnreadableDocument, dump_json_line, load_json
from runref.model.documents import MalformedDocument, from_document, to_document
from runref.model.record import (
    Code,
    Command,
    DataFile,
    Failure,
    Notice,
    Parameter,
    Resources,
)
from runref.model.times import parse_time
from runref.tracking.liveness import Process, file_system_time, is_alive
from runref.tracking.permissions import write_shared

T = TypeVar("T")

RUN_VARIABLE = "RUNREF_RUN"
"""Environment variable by which a process tells its children the folder of their run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is known of a run when it begins.

    `machine` and `monotonic` tie the run's clock to the machine that started it: its other
    processes there measure ``elapsed`` from the same instant, whatever the wall clock does.
    """

    id: str
    started: str
    machine: str
    monotonic: float
    root: str
    common_dir: str
    command: Command
    experiment: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    author: str = ""
    host: str = ""
    parent: str = ""
    ranks: int = 1
    params: Mapping[str, Parameter] = field(default_factory=dict)
    code: Code | None = None
    inputs: tuple[DataFile, ...] = ()
    notices: tuple[Notice, ...] = ()
    console_limit: int = 1 << 20
    fsync: bool = True
    reference_over: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a run ended."""

    status: str
    duration: float
    exit_status: int | None = None
    signal: str = ""
    failure: Failure | None = None
    resources: Resources | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record whose objects are written and that waits for its commit."""

    id: str
    tree: str
    message: str
    time: int


@dataclass(frozen=True, slots=True)
class SeriesFile:
    """The series that one process wrote."""

    path: Path
    rank: int


class RunDirectory:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def run_id(self) -> str:
        """The run's id, which the folder's name begins with."""
        return self.path.name.removesuffix(".ready")

    @property
    def objects_path(self) -> Path:
        """The folder of its git objects, where its processes may not write the repository."""
        return self.path / "objects"

    def read_start(self) -> Start:
        """Return what was known at the beginning.

        Raises:
            UnreadableDocument, MalformedDocument: the file is damaged.
            FileNotFoundError: the run was collected meanwhile.
        """
        start = from_document(Start, self._read("start.json"))
        try:
            parse_time(start.started)
        except ValueError as error:
            raise MalformedDocument(f"start.json: {start.started!r} is no time") from error
        return start

    def write_start(self, start: Start, environment: Mapping[str, Any]) -> None:
        """Write what is known at the beginning, while nobody else knows of the folder."""
        write_shared(self.path / "environment.json", dump_json_line(environment))
        write_shared(self.path / "start.json", dump_json_line(to_document(start)))

    def read_environment(self) -> dict[str, Any]:
        """Return the environment document; empty where there is none."""
        try:
            environment: dict[str, Any] = self._read("environment.json")
        except FileNotFoundError:
            return {}
        return environment

    def has_ended(self) -> bool:
        """Tell whether it is known how the run ended."""
        return (self.path / "end.json").exists()

    def read_end(self) -> End | None:
        """Return how the run ended, or none while it has not."""
        return self._optional(End, "end.json")

    def write_end(self, end: End) -> None:
        """Write how the run ended."""
        write_once(self.path / "end.json", to_document(end))

    def read_sealed(self) -> Sealed | None:
        """Return the sealed record, or none."""
        return self._optional(Sealed, "sealed.json")

    def write_sealed(self, sealed: Sealed) -> None:
        """Write that the record's objects are there."""
        write_once(self.path / "sealed.json", to_document(sealed))

    def add_writer(self, process: Process) -> str:
        """Register a process and return its name among the run's writers."""
        name = f"{process.pid}-{secrets.token_hex(4)}"
        write_once(self._writer_path(name), to_document(process))
        return name

    def remove_writer(self, name: str) -> None:
        """Take a process that is done off the list."""
        self._writer_path(name).unlink(missing_ok=True)

    def beat(self, name: str) -> None:
        """Give a sign of life.

        Raises:
            FileNotFoundError: the run was collected.
        """
        os.utime(self._writer_path(name))

    def has_live_writers(self) -> bool:
        """Tell whether a process still writes the run."""
        return any(map(_writer_lives, self.path.glob("writer.*.json")))

    def last_activity(self) -> float:
        """Return the Unix time at which a process last wrote to the run or gave a sign of life."""
        times = [0.0]
        for path in (*self.path.glob("*.jsonl"), *self.path.glob("writer.*"), self.console_path):
            try:
                times.append(path.stat().st_mtime)
            except FileNotFoundError:
                continue  # no console; or a process that is done
        return max(times)

    def series_files(self) -> list[SeriesFile]:
        """Return the series files, by rank and writer."""
        paths = sorted(self.path.glob("metrics.*.jsonl"))
        found = [SeriesFile(path, int(path.name.split(".")[1])) for path in paths]
        return sorted(found, key=lambda each: each.rank)

    def series_path(self, rank: int, writer: str) -> Path:
        """Return where a writer appends its series."""
        return self.path / f"metrics.{rank}.{writer}.jsonl"

    def events_path(self, writer: str) -> Path:
        """Return where a writer appends what becomes known."""
        return self.path / f"events.{writer}.jsonl"

    @property
    def console_path(self) -> Path:
        """Where output is appended."""
        return self.path / "console.log"

    def events(self) -> tuple[list[dict[str, Any]], int]:
        """Return every writer's events in the order of their time, and how many were damaged."""
        events, damaged = [], 0
        for path in sorted(self.path.glob("events.*.jsonl")):
            for line in _whole_lines(path.read_bytes()):
                event = _event(line)
                if event is None:
                    damaged += 1
                else:
                    events.append(event)
        return sorted(events, key=lambda event: float(event["elapsed"])), damaged

    def _writer_path(self, name: str) -> Path:
        return self.path / f"writer.{name}.json"

    def _read(self, name: str) -> Any:
        return load_json((self.path / name).read_bytes())

    def _optional(self, cls: type[T], name: str) -> T | None:
        try:
            return from_document(cls, self._read(name))
        except FileNotFoundError:
            return None


def write_once(path: Path, document: Any) -> None:
    """Write a document so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_shared(temporary, dump_json_line(document))
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)  # a full disk has room for no rubbish
        raise


def _writer_lives(path: Path) -> bool:
    try:
        heartbeat = path.stat().st_mtime
        process = from_document(Process, load_json(path.read_bytes()))
        return is_alive(process, heartbeat, lambda: _time_of(path.parent))
    except FileNotFoundError:
        return False
    except (UnreadableDocument, MalformedDocument):
        return False  # the machine went down while it was written


def _time_of(folder: Path) -> float:
    try:
        return file_system_time(folder)
    except FileNotFoundError:
        raise
    except OSError:
        return time.time()  # who cannot write there cannot record the run either, only look at it


def _whole_lines(data: bytes) -> list[bytes]:
    return [line for line in data.split(b"\n")[:-1] if line]


def _event(line: bytes) -> dict[str, Any] | None:
    """Return the event that a line holds, or none where it holds something else."""
    try:
        event = load_json(line)
    except UnreadableDocument:
        return None
    sound = (
        isinstance(event, dict)
        and event.keys() == {"elapsed", "event", "value"}
        and isinstance(event["elapsed"], (int, float))
        and isinstance(event["event"], str)
    )
    return event if sound else None
