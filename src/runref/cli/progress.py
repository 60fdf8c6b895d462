"""Progress bars: on a terminal, and only for what takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE_SECONDS = 1.0


class Bar:
    """A bar that appears on stderr once its work has taken a second."""

    def __init__(self, label: str, *, in_bytes: bool = False) -> None:
        self._label = label
        self._in_bytes = in_bytes
        self._since = time.monotonic()
        self._shown: tuple[Progress, TaskID] | None = None
        self._done = 0
        self._enabled = sys.stderr.isatty()

    def update(self, done: int, total: int | None = None) -> None:
        """Say how much is done."""
        self._done = done
        if not self._enabled:
            return
        if self._shown is None:
            if time.monotonic() - self._since < _PATIENCE_SECONDS:
                return
            self._show()
        if self._shown:
            progress, task = self._shown
            progress.update(task, completed=done, total=total)

    def advance(self, amount: int) -> None:
        """Say how much more is done."""
        self.update(self._done + amount)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._shown:
            self._shown[0].stop()
            self._shown = None
        self._enabled = False

    def _show(self) -> None:
        from rich import progress
        from rich.console import Console

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
        self._shown = bar, bar.add_task(self._label, total=None)


@contextmanager
def bar(label: str, *, in_bytes: bool = False) -> Iterator[Bar]:
    """Show progress inside the block."""
    shown = Bar(label, in_bytes=in_bytes)
    try:
        yield shown
    finally:
        shown.close()
