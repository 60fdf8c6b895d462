"""Doing the same to many files in several threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from runref.artifacts.reading import OnBytes

Item = TypeVar("Item")
Result = TypeVar("Result")

_BATCH_FILES = 64
"""Files handed to a thread at once: a hand-over costs as much as reading a small file."""
_BATCH_BYTES = 8 << 20


class Interrupted(Exception):
    """Work goes on in a thread whose result nobody waits for any more."""


class Progress:
    """Adds up what several threads report, and ends their work when it is in vain."""

    def __init__(self, on_bytes: OnBytes | None) -> None:
        self._on_bytes = on_bytes
        self._lock = threading.Lock()
        self._cancelled = False

    def __call__(self, count: int) -> None:
        """Take notice of `count` more bytes."""
        if self._cancelled:
            raise Interrupted
        if self._on_bytes is None:
            return
        with self._lock:
            if self._cancelled:
                raise Interrupted
            try:
                self._on_bytes(count)
            except BaseException:
                self._cancelled = True  # while the others still wait for their turn
                raise

    def cancel(self) -> None:
        """Let every thread end at its next chunk."""
        self._cancelled = True


def in_parallel(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    size: Callable[[Item], int],
    progress: Progress,
) -> list[Result]:
    """Return ``work(item)`` for every item, in their order.

    The first error ends all of it, and so does Ctrl-C: a thread that hashes a large file must not
    keep the program alive.
    """
    batches = list(_batches(items, size))
    if len(batches) < 2:
        return [work(item) for batch in batches for item in batch]
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    errors: list[BaseException] = []

    def work_all(batch: list[Item]) -> list[Result]:
        try:
            return [work(item) for item in batch]
        except Interrupted:
            raise
        except BaseException as error:
            errors.append(error)
            raise
        finally:
            if errors:
                progress.cancel()

    with ThreadPoolExecutor(max_workers=_workers()) as executor:
        try:
            futures = [executor.submit(work_all, batch) for batch in batches]
            wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            progress.cancel()
            executor.shutdown(wait=False, cancel_futures=True)
            raise
        executor.shutdown(wait=True, cancel_futures=True)
    if errors:
        raise errors[0]
    return [result for future in futures for result in future.result()]


def _workers() -> int:
    # Four on any machine: threads wait for the disk's fsync or a network more than they compute.
    return min(8, max(4, os.cpu_count() or 1))


def _batches(items: Iterable[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    total = 0
    for item in items:
        batch.append(item)
        total += size(item)
        if len(batch) == _BATCH_FILES or total >= _BATCH_BYTES:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch
