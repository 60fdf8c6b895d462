"""Waiting for something that another process holds."""

from __future__ import annotations

from time import monotonic, sleep

_FIRST = 0.001
_LONGEST = 0.02


class Backoff:
    """Pauses between attempts: short, growing, and random, so that processes do not march in step.

    Args:
        wait: Seconds until no further attempt is made; 0 allows a single one.
    """

    def __init__(self, wait: float) -> None:
        self._deadline = monotonic() + wait
        self._pause = _FIRST

    def remaining(self) -> float:
        """Seconds left, 0 when the time is up."""
        return max(self._deadline - monotonic(), 0.0)

    def pause(self) -> bool:
        """Sleep a little; False, at once, when the time is up."""
        left = self.remaining()
        if not left:
            return False
        from random import uniform

        sleep(min(uniform(0.5, 1.5) * self._pause, left))  # noqa: S311 - no secret
        self._pause = min(self._pause * 2, _LONGEST)
        return True
