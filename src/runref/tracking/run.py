"""The handle of a live run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from runref.errors import RunrefError
from runref.model.codec import dump_json_line
from runref.model.documents import to_document
from runref.model.record import DataFile, Reproduction
from runref.model.values import NotANumber, to_plain
from runref.tracking.data import DataStore
from runref.tracking.failures import Ending, ending_of
from runref.tracking.forks import tell_after_fork
from runref.tracking.live_mapping import LiveMapping
from runref.tracking.part import Part
from runref.tracking.points import is_plain, plain_values, whole_step
from runref.tracking.run_directory import RunDirectory
from runref.tracking.tables import matrix_text, path_of, table_text
from runref.tracking.writer import Writer

_monotonic = time.monotonic
_dumps = orjson.dumps
_NEWLINE = orjson.OPT_APPEND_NEWLINE
_ESCAPE = b'"bytes:'
"""What a name begins with that the codec has to write in its own way."""


class Run:
    """A run that is going on. Nothing that it does raises into the training.

    Threads may use it at the same time. A forked process takes part in it from its first call on,
    and cannot end it.

    Args:
        writer: This process's part in the run; none where the run cannot be recorded, and then
            every method does nothing.
        tell: Shows a message to the user.
        data: Where inputs and outputs are stored.
        owns: Whether the run ends when this process says so.
        conclude: Makes a record of a run that ended and that nobody writes any more, and returns
            its hash; empty where it is not over.

    Attributes:
        config: Parameters by name, readable and settable.
        summary: Values that stand for the run, readable and settable.
        record_hash: Hash of the record once there is one; empty before.
        on_close: Called before the run ends.
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
        self._part = Part(writer, tell, self._stop_logging)
        self._data = data
        self._owns = owns
        self._conclude = conclude
        self._lock = threading.RLock()  # a signal handler may log in the midst of a log call
        self._append: Callable[[bytes], None] | None = None
        self._base = writer.base if writer else _monotonic()
        self._next_step = 0
        self._holders = 0
        self.record_hash = ""
        self.on_close: list[Callable[[], None]] = []
        params = writer.start.params if writer else {}
        self.config = LiveMapping(
            {name: each.value for name, each in params.items()},
            lambda changed: self._part.event("params", to_plain(changed)),
        )
        self.summary = LiveMapping(
            {}, lambda changed: self._part.event("summary", to_plain(changed))
        )
        tell_after_fork(self)

    @property
    def id(self) -> str:
        """The run's id; empty where the run cannot be recorded."""
        writer = self._part.writer
        return writer.start.id if writer else ""

    @property
    def directory(self) -> RunDirectory | None:
        """The run's folder in the spool; none where the run cannot be recorded."""
        writer = self._part.writer
        return writer.run if writer else None

    @property
    def active(self) -> bool:
        """Whether the run still takes what is logged."""
        return not self._part.ended

    def when_training_begins(self, read_seeds: Callable[[], Mapping[str, Any]]) -> None:
        """Have the seeds of random number generators read with the first log call."""
        self._part.read_seeds = read_seeds

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Append one point to each of the named series.

        It never waits for another process. A value that is no number is left out, named once on
        the screen, and counted in the record.

        Args:
            values: Numbers by metric name: Python's own, or scalars of numpy, torch and their
                like. Nested mappings are joined by slashes.
            step: Where on the x axis; by default one more than the last.
        """
        with self._lock:
            append = self._append or self._begin()
            if append is None:
                return
            following = self._next_step
            if type(step) is not int:
                step = following if step is None else self._whole_step(step)
            self._next_step = step + 1
            elapsed = int((_monotonic() - self._base) * 1e6) / 1e6
            made_plain = False
            try:
                if not is_plain(values):
                    values, made_plain = plain_values(values, self._refuse), True
                row = {"step": step, "elapsed": elapsed, "values": values}
                line = _dumps(row, option=_NEWLINE)
                if _ESCAPE in line:
                    line = dump_json_line(row)
            except TypeError:  # names that are no text, integers over 64 bits
                if not made_plain:
                    values = plain_values(values, self._refuse)
                self._next_step = following  # which a step that no file can hold gives way to
                step = self._whole_step(step)
                self._next_step = step + 1
                line = dump_json_line({"step": step, "elapsed": elapsed, "values": values})
            except AttributeError:
                self._refuse("", f"log() takes numbers by name, not {type(values).__name__}")
                return
            if not values:
                return
            try:
                append(line)
            except OSError as error:
                self._part.lose("metrics", error)

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
        """Add tags; empty ones are passed over."""
        self._part.event("tags", [str(tag) for tag in tags if str(tag).strip()])

    def note(self, text: str) -> None:
        """Add a note."""
        self._part.event("note", str(text))

    def set_experiment(self, experiment: str) -> None:
        """Set what the run belongs to."""
        self._part.event("experiment", str(experiment))

    def set_name(self, name: str) -> None:
        """Give the run a short name."""
        self._part.event("name", str(name))

    def record_reproduction(self, reproduction: Reproduction) -> None:
        """Record that this run re-executed another one, and how it came out."""
        self._part.event("reproduction", to_document(reproduction))

    def use_input(self, path: str | PathLike[str], *, copy: bool = False) -> None:
        """Record what the run reads: a file or directory, what matches a pattern, or a URL.

        A file or directory is recorded by the digest of its content, which is stored. What lies at
        a URL (``s3://bucket/data.csv``; with a slash at the end, everything below it) is recorded
        by what its server says of it, without being read.

        Args:
            path: A path, a pattern such as ``data/**/*.csv``, or a URL that fsspec has a driver
                for.
            copy: Store the content also of a URL, and of what is larger than
                ``artifacts.reference_over`` of the settings.
        """
        if self._data is not None and self._part.usable("an input"):
            data = self._data
            data.recorded(lambda: data.inputs(path, copy=copy), partial(self._add_data, "input"))

    def log_output(self, path: str | PathLike[str]) -> None:
        """Record what the run wrote, by the digest of its content, which is stored.

        Args:
            path: A file or directory, or a pattern such as ``ckpt/*.pt``.
        """
        if self._data is not None and self._part.usable("an output"):
            data = self._data
            data.recorded(lambda: data.outputs(path), partial(self._add_data, "output"))

    log_artifact = log_output

    def log_figure(self, figure: Any, name: str) -> None:
        """Record a figure as an output, without writing to the working tree.

        Args:
            figure: Anything with matplotlib's ``savefig`` or Pillow's ``save``.
            name: Path under which it stands among the outputs; its ending chooses the format.
        """
        if self._data is None or not self._part.usable("an output"):
            return
        save = getattr(figure, "savefig", None) or getattr(figure, "save", None)
        if save is None:
            kind = type(figure).__name__
            self._part.notices.add("not-a-figure", f"{name}: a {kind} is no figure", about=name)
            return
        self._data.output_made(name, save, partial(self._add_data, "output"))

    def log_table(self, name: str, columns: Sequence[Any], rows: Iterable[Any]) -> None:
        """Record a table as an output, the CSV file ``tables/<name>.csv``.

        Nothing is written to the working tree. ``runref plot --table NAME`` draws it.

        Args:
            name: What it is called; slashes make folders.
            columns: Names of the columns.
            rows: As many cells each, or mappings from columns to cells. None is an empty cell.
        """
        self._add_text(path_of(str(name)), lambda: table_text(columns, rows))

    def log_confusion_matrix(self, name: str, labels: Sequence[Any], matrix: Iterable[Any]) -> None:
        """Record a confusion matrix as an output, the CSV file ``tables/<name>.csv``.

        Nothing is written to the working tree. ``runref plot --confusion NAME`` draws it.

        Args:
            name: What it is called; slashes make folders.
            labels: The classes.
            matrix: For each true class a row: how often each class was predicted.
        """
        self._add_text(path_of(str(name)), lambda: matrix_text(labels, matrix))

    def report(self, code: str, message: str) -> None:
        """Tell the user what could not be recorded, and say so in the record."""
        self._part.notices.add(code, message)

    def finish(self) -> None:
        """End the run and make its record. Calling it again does nothing."""
        self.end(Ending())

    def end(self, ending: Ending) -> None:
        """End the run as `ending` says; in a process that only takes part, end that part."""
        with self._lock:
            if self._part.ended:
                return
            self._part.ended = True
            self._append = None
        writer = self._part.writer
        if writer is None or not self._part.joined:
            return
        try:
            self._close(writer, ending)
        except (OSError, RunrefError) as error:
            reason = error.message if isinstance(error, RunrefError) else error.strerror
            self.report(
                "not-recorded",
                f"run {self.id} is not in the repository yet: {reason or error}; "
                f"`runref recover` records what {writer.run.path} holds",
            )

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
        if self._holders <= 0:
            self.end(ending_of(error))

    def _close(self, writer: Writer, ending: Ending) -> None:
        for close in self.on_close:
            close()
        if self._part.gone or not writer.run.path.exists():
            self._close_gone(writer)
            return
        self._part.write_last(writer, None if self._owns else ending.failure)
        if self._owns:
            writer.run.write_end(ending.after(writer.elapsed()))
        writer.close()
        if self._conclude is not None:
            self.record_hash = self._conclude(writer.run)

    def _close_gone(self, writer: Writer) -> None:
        """End this process's part in a run whose folder someone else has taken away."""
        writer.close()
        if self._conclude is not None:
            self.record_hash = self._conclude(writer.run)
        if self.record_hash:
            message = (
                f"run {self.id} was recorded as interrupted by another machine, which saw no sign "
                f"of life; record {self.record_hash[:7]} lacks what was logged since"
            )
        else:
            message = f"run {self.id} is not recorded: its folder {writer.run.path} was deleted"
        self._part.notices.add("not-recorded", message)

    def _stop_logging(self) -> None:
        with self._lock:
            self._append = None

    def _begin(self) -> Callable[[bytes], None] | None:
        """Make this process ready to log: at its first line, and in a child after a fork."""
        writer = self._part.begin()
        self._append = writer.series.append if writer else None
        return self._append

    def _whole_step(self, step: object) -> int:
        try:
            return whole_step(step)
        except NotANumber as error:
            message = f"a step is no whole number ({error.message}); the next one was taken instead"
            self._part.notices.add("not-a-step", message)
            return self._next_step

    def _refuse(self, name: str, reason: str) -> None:
        message = f"metric {name!r} not recorded: {reason}" if name else reason
        self._part.notices.add("not-a-number", message, about=name)

    def _add_text(self, path: str, made: Callable[[], str]) -> None:
        if self._data is None or not self._part.usable("an output"):
            return

        def save(target: Path) -> None:
            target.write_bytes(made().encode("utf-8", "surrogateescape"))

        self._data.output_made(path, save, partial(self._add_data, "output"))

    def _add_data(self, role: str, file: DataFile) -> None:
        if file.problem:
            message = f"{role} {file.path}: {file.problem}"
            self._part.notices.add(f"{role}-not-recorded", message, about=file.path)
        self._part.event(role, to_document(file))

    def become_child(self) -> None:
        """Forget what belongs to the parent; called in a forked child."""
        self._lock = threading.RLock()  # another thread of the parent may hold the old one
        self._append = None
        self._owns = False
        self._part.become_child()
        self.on_close = []
