"""A remote that fails when a test wants it to, in front of one that does not."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from runref.artifacts.reading import OnBytes, ignore
from runref.artifacts.remote.filesystem import FsspecStore
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteInterrupted, RemoteStore, Sink, Stored
from runref.artifacts.remote.wrapping import Result, Wrapped

Plan = Iterable["Exception | int | None"]
"""What happens to each request: it fails, or breaks off after so many bytes or contents, or not."""


class Breaking(Wrapped):
    """Fails by plan, and serves well when the plan is at its end.

    Attributes:
        requests: What was asked, in order.
    """

    def __init__(self, store: RemoteStore, plan: Plan, *, chunk: int = 1 << 20) -> None:
        super().__init__(store)
        self.requests: list[str] = []
        self._plan = iter(plan)
        self._chunk = chunk

    def read(self, digest: str, sink: Sink, *, start: int = 0, size: int | None = None) -> None:
        left = self._next(f"read from {start}")
        data = content(self.store, digest)[start:]
        whole = left is None or left > len(data)
        for position in range(0, len(data if whole else data[:left]), self._chunk):
            end = position + self._chunk
            sink(data[position : end if whole else min(end, left or 0)])
        if not whole:
            raise RemoteInterrupted("broke off")

    def write(self, digest: str, path: Path, *, on_bytes: OnBytes = ignore) -> None:
        left = self._next("write")
        if left is None:
            self.store.write(digest, path, on_bytes=on_bytes)
            return
        for position in range(0, left, self._chunk):
            on_bytes(min(self._chunk, left - position))
        raise RemoteInterrupted("broke off")

    def contents(self) -> Iterator[Stored]:
        left = self._next("contents")
        # No two listings in the same order.
        found = sorted(self.store.contents(), key=lambda each: each.digest)
        turn = len(self.requests) % len(found) if found else 0
        yield from (found[turn:] + found[:turn])[:left]
        if left is not None:
            raise RemoteInterrupted("broke off")

    def _ask(self, what: str, request: Callable[[], Result]) -> Result:
        self._next(what)
        return request()

    def _next(self, what: str) -> int | None:
        self.requests.append(what)
        planned = next(self._plan, None)
        if isinstance(planned, Exception):
            raise planned
        return planned


def always(error: Exception) -> Plan:
    """Return the plan of a remote that is away for good."""
    return itertools.repeat(error)


def memory() -> FsspecStore:
    """Return an empty remote in memory."""
    return open_remote(f"memory://{uuid.uuid4().hex}", name="lab")


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def put(store: RemoteStore, folder: Path, data: bytes) -> str:
    """Store a content and return its digest."""
    digest = digest_of(data)
    path = folder / digest[7:]
    path.write_bytes(data)
    store.write(digest, path)
    return digest


def content(store: RemoteStore, digest: str) -> bytes:
    chunks: list[bytes] = []
    store.read(digest, chunks.append)
    return b"".join(chunks)
