"""Reading many runs at once, by every core: processes of their own that read what they are handed.

They are started as programs. A fork would copy whatever threads and locks the caller has, and
`multiprocessing`'s other ways run the caller's main module again.
"""

from __future__ import annotations

import marshal
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

_MOST_READERS = 8
_START = (
    "import marshal, sys; sys.path[:], module, folder = marshal.load(sys.stdin.buffer);"
    "from importlib import import_module; import_module(module).serve(folder)"
)

Plain = tuple[Any, ...]
"""Of values that `marshal` writes: text, bytes, numbers, tuples, lists."""


def read_by_processes(
    module: str,
    folder: Path,
    wanted: Sequence[Plain],
    *,
    read: Callable[[Plain], Plain],
    worth_it: int,
    at_once: int,
) -> Iterator[Plain]:
    """Yield what each wanted thing comes to, in any order.

    Args:
        module: Name of a module whose ``serve(folder)`` calls `answer`.
        folder: The git directory that it is to open.
        wanted: What to read.
        read: Reads one thing in this process: where there is only one core or little to read, and
            what other processes did not answer for.
        worth_it: How many things are worth starting processes for.
        at_once: How many things are handed to a process at once.
    """
    count = min(_cores(), _MOST_READERS) if len(wanted) >= worth_it and sys.executable else 1
    if count == 1:
        yield from map(read, wanted)
        return
    with _Readers(module, folder, wanted, count, at_once) as readers:
        yield from readers
        yield from map(read, readers.left())


def answer(read: Callable[[Plain], Plain]) -> None:
    """Read what is asked for on stdin, until it ends; what a reader's process does."""
    import gc

    # Documents make no cycles: there is little to gain by looking for some among them.
    gc.set_threshold(200_000)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            wanted = marshal.load(requests)  # noqa: S302  # from the process that started it
        except EOFError:
            return
        marshal.dump([read(each) for each in wanted], answers)
        answers.flush()


class _Readers:
    """Processes that read, and a thread for each that hands it work."""

    def __init__(
        self, module: str, folder: Path, wanted: Sequence[Plain], count: int, at_once: int
    ) -> None:
        self._greeting = (sys.path, module, str(folder))
        self._wanted = iter(wanted)
        self._at_once = at_once
        self._lock = threading.Lock()
        self._answers: queue.Queue[list[Plain] | None] = queue.Queue(maxsize=4 * count)
        self._left: list[Plain] = []
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._feed, name="runref-reader", daemon=True)
            for _ in range(count)
        ]

    def __enter__(self) -> _Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(queue.Empty):
            while True:  # a thread may wait for room
                self._answers.get_nowait()

    def __iter__(self) -> Iterator[Plain]:
        at_work = len(self._threads)
        while at_work:
            answers = self._answers.get()
            if answers is None:
                at_work -= 1
            else:
                yield from answers

    def left(self) -> Iterator[Plain]:
        """What readers did not answer for: they were killed, or could not be started."""
        yield from self._left
        yield from self._wanted

    def _feed(self) -> None:
        taken: list[Plain] = []
        try:
            with _process() as process:
                requests, answers = process.stdin, process.stdout
                if requests is None or answers is None:
                    return
                marshal.dump(self._greeting, requests)
                while taken := self._take():
                    self._answers.put(_ask(requests, answers, taken))
                requests.close()
        except (OSError, EOFError, ValueError, TypeError):
            with self._lock:
                self._left += taken
        finally:
            self._answers.put(None)

    def _take(self) -> list[Plain]:
        with self._lock:
            return [] if self._over.is_set() else list(islice(self._wanted, self._at_once))


def _ask(requests: IO[bytes], answers: IO[bytes], taken: list[Plain]) -> list[Plain]:
    marshal.dump(taken, requests)
    requests.flush()
    return [tuple(each) for each in marshal.load(answers)]  # noqa: S302  # our own process


def _process() -> subprocess.Popen[bytes]:
    import subprocess

    # -I: neither the current folder nor the user's variables lead it to other modules.
    command = [sys.executable, "-I", "-c", _START]
    # Ctrl-C is for the process that shows something; its readers end when their stdin does.
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1
