"""Progress bars: on a terminal, and only for what takes longer than a second."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runref.cli.output import printable, tell
from runref.errors import RunrefError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE_SECONDS = 1.0
_WIDE, _NARROW = 60, 45
"""Columns of the screen from which there is room for a bar with its rate, and for the time left."""


class Bar:
    """A bar that appears on stderr once its work has taken a second, and goes when it is done.

    Attributes:
        label: What is being done, as of the next change.

    Args:
        label: What is being done.
        in_bytes: Whether amounts are bytes.
        total: Computes how much there is to do; called only if the bar is ever shown.
    """

    def __init__(
        self, label: str, *, in_bytes: bool = False, total: Callable[[], int] | None = None
    ) -> None:
        self.label = label
        self._in_bytes = in_bytes
        self._compute_total = total
        self._total: int | None = None
        self._since: float | None = None
        self._shown: tuple[Progress, TaskID] | None = None
        self._done = 0
        self._enabled = sys.stderr.isatty()

    def update(self, done: int, total: int | None = None) -> None:
        """Say how much is done, and of how much."""
        self._done = done
        if not self._enabled:
            return
        self._total = self._total if total is None else total
        if self._total is not None and done >= self._total:
            self.close()
        elif self._shown is None and self._patience_is_over():
            self._show()
        if self._shown:
            progress, task = self._shown
            progress.update(task, completed=done, total=self._total, description=self.label)

    def advance(self, amount: int) -> None:
        """Say how much more is done."""
        self.update(self._done + amount)

    def close(self) -> None:
        """Take the bar off the screen; work that follows is a new one's, with its own second."""
        if self._shown:
            self._shown[0].stop()
            self._shown = None
        self._since, self._total, self._done = None, None, 0

    def tell(self, message: str) -> None:
        """Show a notice; above the bar, where there is one."""
        if self._shown is None:
            tell(message)
            return
        console = self._shown[0].console
        console.print(f"runref: {message}", markup=False, highlight=False, soft_wrap=True)

    def _patience_is_over(self) -> bool:
        now = time.monotonic()
        self._since = self._since or now
        return now - self._since >= _PATIENCE_SECONDS

    def _show(self) -> None:
        from rich import progress
        from rich.console import Console
        from rich.table import Column

        if self._total is None and self._compute_total:
            self._total = self._compute_total()
        console = Console(stderr=True)
        count = progress.DownloadColumn if self._in_bytes else progress.MofNCompleteColumn
        columns: list[progress.ProgressColumn] = [
            progress.TextColumn("{task.description}", markup=False),
            count(table_column=Column(no_wrap=True)),
        ]
        # What does not fit would go on in the next line: the screen's width decides what there is.
        if console.width >= _WIDE:
            columns.insert(1, progress.BarColumn())
            columns += [progress.TransferSpeedColumn()] if self._in_bytes else []
        if console.width >= _NARROW:
            columns.append(progress.TimeRemainingColumn())
        bar = progress.Progress(*columns, console=console, transient=True)
        bar.start()
        self._shown = bar, bar.add_task(self.label, total=self._total)


class DataBars:
    """The progress of hashing a command's inputs, and later its outputs.

    Nothing says when the command itself begins, so the first bar goes when all bytes of the inputs
    are done: no bar stands on the screen while the command prints.
    """

    def __init__(self, inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
        self._left = size_of(inputs) if sys.stderr.isatty() else 0
        total = self._left
        self._inputs = Bar("inputs", in_bytes=True, total=lambda: total)
        self._outputs = Bar("outputs", in_bytes=True, total=lambda: size_of(outputs))

    def advance(self, amount: int) -> None:
        """Say how many more bytes are done."""
        if self._left <= 0:
            self._outputs.advance(amount)
            return
        self._left -= amount
        self._inputs.advance(amount)

    def close(self) -> None:
        """Take the bars off the screen."""
        self._inputs.close()
        self._outputs.close()


class TransferBar:
    """The progress of moving artifacts to a remote or from one; see `TransferProgress`.

    Any thread may call it at any time.

    Args:
        label: What is being done.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar = Bar(label, in_bytes=True)
        self._lock = threading.Lock()
        self._size = self._files = self._done = self._files_done = 0
        self._retries: dict[str, int] = {}

    def total(self, size: int, files: int, /) -> None:
        """Take notice of how much there is to do, in bytes and files."""
        with self._lock:
            self._size, self._files = size, files
            self._update()

    def advance(self, size: int, /) -> None:
        """Take notice of bytes that were moved; a negative number must be moved again."""
        with self._lock:
            self._done += size
            self._update()

    def file_done(self) -> None:
        """Take notice that one content is complete."""
        with self._lock:
            self._files_done += 1
            self._update()

    def notice(self, message: str, /) -> None:
        """Show something that the user should know while it happens."""
        with self._lock:
            self._bar.tell(printable(message))

    def retry(self, what: str, error: RunrefError, failures: int, seconds: float) -> None:
        """Take notice of a request that is made again; of each kind of error, the first is told."""
        del what, failures, seconds
        with self._lock:
            self._retries[error.code] = self._retries.get(error.code, 0) + 1
            if self._retries[error.code] == 1:
                self._bar.tell(f"{printable(error.message)}; trying again")

    def close(self) -> None:
        """Take the bar off the screen."""
        with self._lock:
            self._bar.close()
            if (retries := sum(self._retries.values())) > len(self._retries):
                tell(f"{self._label}: {retries} requests were made again")

    def _update(self) -> None:
        self._bar.label = f"{self._label}  {self._files_done:,}/{self._files:,} files"
        self._bar.update(self._done, self._size)


@contextmanager
def transfer_bar(label: str) -> Iterator[TransferBar]:
    """Show the progress of a transfer inside the block."""
    shown = TransferBar(label)
    try:
        yield shown
    finally:
        shown.close()


@contextmanager
def bar(
    label: str, *, in_bytes: bool = False, total: Callable[[], int] | None = None
) -> Iterator[Bar]:
    """Show progress inside the block."""
    shown = Bar(label, in_bytes=in_bytes, total=total)
    try:
        yield shown
    finally:
        shown.close()


def size_of(paths: Iterable[Path]) -> int:
    """Return the bytes of files and directories, as far as they can be looked at."""
    return sum(_size(path) for path in paths)


def _size(path: Path) -> int:
    try:
        if not path.is_dir():
            return path.stat().st_size
        return sum(_size(Path(entry.path)) for entry in os.scandir(path))
    except OSError:  # told by whoever reads it
        return 0
