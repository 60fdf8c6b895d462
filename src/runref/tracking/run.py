"""The handle of a live run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from math import isfinite
from os import PathLike, getpid, write
from types import TracebackType
from typing import Any

import orjson

from runref.errors import RunrefError
from runref.model.codec import dump_json_line
from runref.model.documents import to_document
from runref.model.record import DataFile, Reproduction
from runref.model.values import NotANumber, encode_number, to_number, to_plain
from runref.tracking.data import DataStore
from runref.tracking.failures import Ending, ending_of
from runref.tracking.live_mapping import LiveMapping
from runref.tracking.notices import Notices
from runref.tracking.run_directory import End, RunDirectory
from runref.tracking.writer import Writer

_monotonic = time.monotonic
_dumps = orjson.dumps
_NEWLINE = orjson.OPT_APPEND_NEWLINE


class Run:
    """A run that is going on. Nothing that it does raises into the training.

    Args:
        writer: This process's part in the run; none where the run cannot be recorded, and then
            every method counts what is lost and does nothing else.
        tell: Shows a message to the user.
        data: Where inputs and outputs are stored.
        owns: Whether the run ends when this process says so.
        conclude: Makes a record of a run that ended and that nobody writes any more, and returns
            its hash; empty where it is not over.
    """

    def __init__(
        self,
        writer: Writer | None,
        *,
        tell: Callable[[str], None],
        data: DataStore | None = None,
        owns: bool = False,
        conclude: Callable[[RunDirectory], str] | None = None,
    ) -> None:
        self._writer = writer
        self._data = data
        self._owns = owns
        self._conclude = conclude
        self._notices = Notices(tell)
        self._lock = threading.Lock()
        self._fd = -1
        self._pid = getpid()
        self._base = writer.base if writer else _monotonic()
        self._next_step = 0
        self._ended = writer is None
        self._holders = 0
        self._seeds_known = False
        self.record_hash = ""
        self.read_seeds: Callable[[], Mapping[str, Any]] | None = None
        self.on_close: list[Callable[[], None]] = []
        params = writer.start.params if writer else {}
        self.config = LiveMapping(
            {name: each.value for name, each in params.items()},
            lambda changed: self._event("params", {k: to_plain(v) for k, v in changed.items()}),
        )
        self.summary = LiveMapping(
            {}, lambda changed: self._event("summary", {k: to_plain(v) for k, v in changed.items()})
        )

    @property
    def id(self) -> str:
        """The run's id; empty where the run cannot be recorded."""
        return self._writer.start.id if self._writer else ""

    @property
    def directory(self) -> RunDirectory | None:
        """The run's folder in the spool; none where the run cannot be recorded."""
        return self._writer.run if self._writer else None

    @property
    def active(self) -> bool:
        """Whether the run still takes what is logged."""
        return not self._ended

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Append one point to each of the named series.

        It never waits. A value that is no number is left out, named once on the screen, and
        counted in the record.

        Args:
            values: Numbers by metric name: Python's own, or scalars of numpy, torch and their
                like. Nested mappings are joined by slashes.
            step: Where on the x axis; by default one more than the last.
        """
        if self._fd < 0 or self._pid != getpid():
            if not self._open_series():
                return
        if step is None:
            with self._lock:
                step = self._next_step
                self._next_step = step + 1
        elif type(step) is int:
            self._next_step = step + 1
        else:
            step = self._checked_step(step)
        for value in values.values():
            kind = type(value)
            if kind is float:
                if isfinite(value):
                    continue
            elif kind is int:
                continue
            values = self._checked_values(values)
            break
        elapsed = int((_monotonic() - self._base) * 1e6) / 1e6
        try:
            row = {"step": step, "elapsed": elapsed, "values": values}
            line = _dumps(row, option=_NEWLINE)
        except TypeError:  # names that are no text, integers over 64 bits
            line = dump_json_line({**row, "values": self._checked_values(values)})
        try:
            written = write(self._fd, line)
            if written != len(line) and self._writer:
                self._writer.series.mend(line, written)
        except OSError as error:
            self._lose("metrics", error)

    def log_metric(self, name: str, value: Any, step: int | None = None) -> None:
        """Append one point to one series."""
        self.log({name: value}, step)

    log_metrics = log

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Set parameters; nested mappings are kept nested."""
        self.config.update(params)

    def log_param(self, name: str, value: Any) -> None:
        """Set one parameter."""
        self.config[name] = value

    def tag(self, *tags: str) -> None:
        """Add tags."""
        self._event("tags", [str(tag) for tag in tags])

    def note(self, text: str) -> None:
        """Add a note."""
        self._event("note", str(text))

    def set_experiment(self, experiment: str) -> None:
        """Set what the run belongs to."""
        self._event("experiment", experiment)

    def set_name(self, name: str) -> None:
        """Give the run a short name."""
        self._event("name", name)

    def record_reproduction(self, reproduction: Reproduction) -> None:
        """Record that this run re-executed another one, and how it came out."""
        self._event("reproduction", to_document(reproduction))

    def use_input(self, path: str | PathLike[str]) -> None:
        """Record a file or directory that the run reads, by the digest of its content."""
        self._record_data("input", path)

    def log_output(self, path: str | PathLike[str]) -> None:
        """Record a file or directory that the run wrote, by the digest of its content."""
        self._record_data("output", path)

    log_artifact = log_output

    def log_figure(self, figure: Any, name: str) -> None:
        """Record a figure as an output, without writing to the working tree.

        Args:
            figure: Anything with matplotlib's ``savefig`` or Pillow's ``save``.
            name: Path under which it stands among the outputs; its ending chooses the format.
        """
        if self._data is None or not self._usable("an output"):
            return
        save = getattr(figure, "savefig", None) or getattr(figure, "save", None)
        if save is None:
            kind = type(figure).__name__
            self._notices.add("not-a-figure", f"{name}: a {kind} is no figure", about=name)
            return
        self._add_data("output", self._data.add_made(name, save))

    def finish(self) -> None:
        """End the run and make its record. Calling it again does nothing."""
        self.end(Ending())

    def end(self, ending: Ending) -> None:
        """End the run as `ending` says; in a process that only takes part, end that part."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
        writer = self._writer
        if writer is None or writer.pid != getpid():
            return
        try:
            self._close(writer, ending)
        except (OSError, RunrefError) as error:
            self._notices.add("not-recorded", f"run {self.id} could not be recorded: {error}")

    def hold(self) -> None:
        """Keep the run open over a ``with`` block that another holder puts around it."""
        self._holders = max(self._holders, 1)

    def __enter__(self) -> Run:
        self._holders += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._holders -= 1
        if error is not None or self._holders <= 0:
            self.end(ending_of(error))

    def _close(self, writer: Writer, ending: Ending) -> None:
        for close in self.on_close:
            close()
        self._record_seeds(writer)
        if ending.failure and not self._owns:
            writer.event("failure", to_document(ending.failure))
        for notice in self._notices.all():
            writer.event("notice", to_document(notice))
        if self._owns:
            end = End(
                status=ending.status,
                duration=writer.elapsed(),
                exit_status=ending.exit_status,
                signal=ending.signal,
                failure=ending.failure,
                resources=ending.resources,
            )
            writer.run.write_end(end)
        writer.close()
        self._fd = -1
        if self._conclude is not None:
            self.record_hash = self._conclude(writer.run)

    def _open_series(self) -> bool:
        """Make this process ready to log: at its first line, and in a child after a fork."""
        if not self._usable("metrics") or self._writer is None:
            return False
        try:
            with self._lock if self._pid == getpid() else threading.Lock():
                if self._pid != getpid():
                    self._lock = threading.Lock()  # the parent's may be held by another thread
                    self._writer = Writer(self._writer.run, self._writer.start, self._writer.rank)
                    self._pid = getpid()
                    self._owns = False  # the parent ends the run
                self._fd = self._writer.series.open()
            self._record_seeds(self._writer)
        except OSError as error:
            self._lose("metrics", error)
            return False
        return True

    def _record_seeds(self, writer: Writer) -> None:
        """Record seeds when training begins: late enough to be set, early enough to be read."""
        if self.read_seeds and not self._seeds_known:
            self._seeds_known = True
            writer.event("seeds", dict(self.read_seeds()))

    def _checked_step(self, step: Any) -> int:
        try:
            number = to_number(step)
            if number != int(number):
                raise NotANumber("not a whole number")
        except (NotANumber, OverflowError, ValueError):
            message = f"step {step!r:.40} is no whole number; the next step was taken instead"
            self._notices.add("not-a-step", message)
            number = self._next_step
        self._next_step = int(number) + 1
        return int(number)

    def _checked_values(self, values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
        checked: dict[str, Any] = {}
        for key, value in values.items():
            name = f"{above}{key}"
            if isinstance(value, Mapping):
                checked.update(self._checked_values(value, f"{name}/"))
                continue
            try:
                checked[name] = encode_number(to_number(value))
            except NotANumber as error:
                message = f"metric {name!r} not recorded: {error.message}"
                self._notices.add(NotANumber.code, message, about=name)
        return checked

    def _record_data(self, role: str, path: str | PathLike[str]) -> None:
        if self._data is not None and self._usable(f"an {role}"):
            self._add_data(role, self._data.add(path))

    def _add_data(self, role: str, file: DataFile) -> None:
        if file.problem:
            message = f"{role} {file.path}: {file.problem}"
            self._notices.add(f"{role}-not-recorded", message, about=file.path)
        self._event(role, to_document(file))

    def _event(self, kind: str, value: Any) -> None:
        if not self._usable(kind):
            return
        if self._pid != getpid() and not self._open_series():
            return
        writer = self._writer
        if writer is not None:
            try:
                writer.event(kind, value)
            except OSError as error:
                self._lose(kind, error)

    def _usable(self, what: str) -> bool:
        if self._ended:
            if self._writer is not None:
                self._notices.add("after-the-end", f"{what} came after the end of run {self.id}")
            return False
        return True

    def _lose(self, what: str, error: OSError) -> None:
        message = f"{what} of run {self.id} not recorded: {error.strerror or error}"
        self._notices.add("not-recorded", message, about=what)
