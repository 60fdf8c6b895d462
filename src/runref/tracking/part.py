"""What one process contributes to a run besides its series, and whether it still may."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from runref.model.documents import to_document
from runref.model.record import Failure
from runref.tracking.notices import Notices
from runref.tracking.writer import RunGone, Writer


class Part:
    """One process's part in a run; a forked child has one of its own from its first call on.

    Nothing here raises for the state of a disk: what is lost is told once, and counted.

    Args:
        writer: Writes for this process; none where the run cannot be recorded.
        tell: Shows a message to the user.
        on_gone: Called, by another thread, when the run's folder is not there any more.

    Attributes:
        writer: Of this process, or in a forked child of its parent until it takes part itself.
        notices: What went wrong in this process.
        ended: Whether this process has ended its part, so that nothing more is taken.
        gone: Whether the run's folder is gone, so that nothing more is taken either.
        joined: Whether this process takes part.
        read_seeds: Reads the seeds of random number generators, when training begins.
    """

    def __init__(
        self,
        writer: Writer | None,
        tell: Callable[[str], None],
        on_gone: Callable[[], None] | None = None,
    ) -> None:
        self.writer = writer
        self.notices = Notices(tell)
        self.ended = writer is None
        self.gone = False
        self.joined = True
        self.read_seeds: Callable[[], Mapping[str, Any]] | None = None
        self._on_gone = on_gone
        self._lock = threading.RLock()
        if writer is not None:
            writer.on_gone = self._lose_all

    def usable(self, what: str) -> bool:
        """Tell whether `what` can be recorded; where it comes too late, note that."""
        if self.ended and self.writer is not None:
            run_id = self.writer.start.id
            self.notices.add("after-the-end", f"{what} came after the end of run {run_id}")
        elif self.gone:
            self._note_gone()
        return not self.ended and not self.gone

    def ready(self, what: str) -> Writer | None:
        """Return the writer of this process to record `what`; a forked child takes part first."""
        writer = self.writer
        if writer is None or not self.usable(what):
            return None
        with self._lock:
            if not self.joined:
                try:
                    self.writer = writer = Writer.join(writer.run, writer.start, writer.rank)
                except RunGone:
                    self.ended = True
                    self.usable(what)
                    return None
                except OSError as error:
                    self.lose(what, error)
                    return None
                writer.on_gone = self._lose_all
                self.joined = True
        return writer

    def begin(self) -> Writer | None:
        """Return the writer of this process for its first line.

        Seeds are recorded now: late enough to be set, early enough to be read.
        """
        writer = self.ready("metrics")
        if writer is not None:
            self._record_seeds(writer)
        return writer

    def event(self, kind: str, value: Any) -> None:
        """Record what became known."""
        writer = self.ready(kind)
        if writer is not None:
            self._write(writer, kind, value)

    def lose(self, what: str, error: OSError) -> None:
        """Note that the operating system refused to take `what`."""
        run_id = self.writer.start.id if self.writer else ""
        message = f"{what} of run {run_id} not recorded: {error.strerror or error}"
        self.notices.add("not-recorded", message, about=what)

    def write_last(self, writer: Writer, failure: Failure | None) -> None:
        """Record what is known at the end."""
        self._record_seeds(writer)
        if failure is not None:
            self._write(writer, "failure", to_document(failure))
        for notice in self.notices.all():
            self._write(writer, "notice", to_document(notice))

    def become_child(self) -> None:
        """Forget what belongs to the parent; called in a forked child."""
        self._lock = threading.RLock()  # another thread of the parent may hold the old one
        self.joined = False
        self.notices = self.notices.for_child()
        self.read_seeds = None

    def _lose_all(self) -> None:
        """Take nothing more: the run's folder is gone, and what is written there is lost."""
        self.gone = True
        self._note_gone()
        if self._on_gone is not None:
            self._on_gone()

    def _note_gone(self) -> None:
        run_id = self.writer.start.id if self.writer else ""
        self.notices.add(
            "not-recorded",
            f"the folder of run {run_id} is gone: another machine saw no sign of life and has "
            "recorded it as interrupted, or it was deleted; what is logged from now on is not "
            "recorded",
            about=run_id,
        )

    def _record_seeds(self, writer: Writer) -> None:
        read, self.read_seeds = self.read_seeds, None
        if read is not None and not writer.rank:
            self._write(writer, "seeds", dict(read()))

    def _write(self, writer: Writer, kind: str, value: Any) -> None:
        try:
            writer.event(kind, value)
        except OSError as error:
            self.lose(kind, error)
