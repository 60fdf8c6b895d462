"""The same request for many things, several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = 16
"""Requests at once where they are small: what a laptop's one connection thread keeps busy."""


def each(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield ``work(item)`` for every item, in their order; the first error ends it.

    No more results wait than there are threads, so that a long listing stays off the memory.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    waiting: deque[Future[Result]] = deque()
    executor = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="runref-remote")
    try:
        for item in items:
            waiting.append(executor.submit(work, item))
            if len(waiting) >= WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
