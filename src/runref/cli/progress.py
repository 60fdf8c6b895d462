"""Progress bars: on a terminal, and only for what takes longer than a second."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE_SECONDS = 1.0


class Bar:
    """A bar that appears on stderr once its work has taken a second, and goes when it is done.

    Args:
        label: What is being done.
        in_bytes: Whether amounts are bytes.
        total: Computes how much there is to do; called only if the bar is ever shown.
    """

    def __init__(
        self, label: str, *, in_bytes: bool = False, total: Callable[[], int] | None = None
    ) -> None:
        self._label = label
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
            progress.update(task, completed=done, total=self._total)

    def advance(self, amount: int) -> None:
        """Say how much more is done."""
        self.update(self._done + amount)

    def close(self) -> None:
        """Take the bar off the screen; work that follows is a new one's, with its own second."""
        if self._shown:
            self._shown[0].stop()
            self._shown = None
        self._since, self._total, self._done = None, None, 0

    def _patience_is_over(self) -> bool:
        now = time.monotonic()
        self._since = self._since or now
        return now - self._since >= _PATIENCE_SECONDS

    def _show(self) -> None:
        from rich import progress
        from rich.console import Console

        if self._total is None and self._compute_total:
            self._total = self._compute_total()
        count = progress.DownloadColumn() if self._in_bytes else progress.MofNCompleteColumn()
        rate = [progress.TransferSpeedColumn()] if self._in_bytes else []
        bar = progress.Progress(
            progress.TextColumn(self._label),
            progress.BarColumn(),
            count,
            *rate,
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.start()
        self._shown = bar, bar.add_task(self._label, total=self._total)


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
