"""Reading many runs at once: parsing YAML is what a first index costs, and it takes every core.

The readers are processes of their own, started as programs. A fork would copy whatever threads and
locks the caller has, and `multiprocessing`'s other ways run the caller's main module again.
"""

from __future__ import annotations

import marshal
import os
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from runref.index.rows import Rows, rows_of
from runref.store.runs_ref import RunsRef

if TYPE_CHECKING:
    import subprocess

_WORTH_IT = 600
"""Runs below which starting other processes gains nothing; an estimate."""
_AT_ONCE = 64
_MOST_READERS = 8
_START = (
    "import marshal, sys; sys.path[:], folder = marshal.load(sys.stdin.buffer);"
    "from runref.index.reading import serve; serve(folder)"
)


class ToRead(NamedTuple):
    """A run that is to be read.

    Attributes:
        id: Its id.
        tree: Its tree.
        annotated: Whether it has annotations.
    """

    id: str
    tree: str
    annotated: bool


def read_runs(runs: RunsRef, root: str, wanted: Sequence[ToRead]) -> Iterator[Rows]:
    """Yield the rows of runs, in any order.

    Args:
        runs: The ref that they are in.
        root: Root tree in which their annotations are.
        wanted: The runs.
    """
    count = min(_cores(), _MOST_READERS) if len(wanted) >= _WORTH_IT and sys.executable else 1
    if count == 1:
        yield from (_read(runs, root, each) for each in wanted)
        return
    with _Readers(runs, root, wanted, count) as readers:
        yield from readers


def serve(folder: str) -> None:
    """Read what is asked for on stdin, until it ends; what a reader's process does."""
    import gc

    from runref.git.repository import Repository

    # Documents make no cycles: there is little to gain by looking for some among them.
    gc.set_threshold(200_000)
    runs = RunsRef(Repository.open(Path(folder), environ=os.environ))
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            root, wanted = marshal.load(requests)  # noqa: S302  # from the process that started it
        except EOFError:
            return
        marshal.dump([tuple(_read(runs, root, ToRead(*each))) for each in wanted], answers)
        answers.flush()


class _Readers:
    """Processes that read, and a thread for each that hands it work."""

    def __init__(self, runs: RunsRef, root: str, wanted: Sequence[ToRead], count: int) -> None:
        self._runs = runs
        self._root = root
        self._wanted = iter(wanted)
        self._lock = threading.Lock()
        self._answers: queue.Queue[list[Rows] | None] = queue.Queue(maxsize=4 * count)
        self._left: list[ToRead] = []
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._feed, name="runref-index", daemon=True)
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

    def __iter__(self) -> Iterator[Rows]:
        at_work = len(self._threads)
        while at_work:
            answer = self._answers.get()
            if answer is None:
                at_work -= 1
            else:
                yield from answer
        # What readers did not answer for: they were killed, or could not be started.
        for each in (*self._left, *self._wanted):
            yield _read(self._runs, self._root, each)

    def _feed(self) -> None:
        taken: list[ToRead] = []
        try:
            with _process() as process:
                requests, answers = process.stdin, process.stdout
                if requests is None or answers is None:
                    return
                marshal.dump((sys.path, str(self._runs.folder)), requests)
                while taken := self._take():
                    self._answers.put(self._ask(requests, answers, taken))
                requests.close()
        except (OSError, EOFError, ValueError, TypeError):
            with self._lock:
                self._left += taken
        finally:
            self._answers.put(None)

    def _take(self) -> list[ToRead]:
        with self._lock:
            return [] if self._over.is_set() else list(islice(self._wanted, _AT_ONCE))

    def _ask(self, requests: IO[bytes], answers: IO[bytes], taken: list[ToRead]) -> list[Rows]:
        marshal.dump((self._root, [tuple(each) for each in taken]), requests)
        requests.flush()
        return [Rows(*each) for each in marshal.load(answers)]  # noqa: S302  # our own process


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


def _read(runs: RunsRef, root: str, wanted: ToRead) -> Rows:
    files = runs.annotation_files(wanted.id, root) if wanted.annotated else {}
    return rows_of(runs.objects, wanted.id, wanted.tree, files)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1
