"""Reading a large file in pieces, several of which are on their way at once."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from typing import Any

from runref.artifacts.remote.failures import code_of
from runref.artifacts.remote.objects import check_length
from runref.artifacts.remote.place import CHUNK
from runref.artifacts.remote.room import IN_FLIGHT
from runref.artifacts.remote.store import RemoteUnusable, Sink

_WINDOW = 8
"""Pieces on their way at once: a single connection is seldom as fast as the network."""


def read(fs: Any, key: str, sink: Sink, start: int, size: int) -> None:
    """Hand the bytes of a file from `start` on to a sink, in their order.

    Memory is bounded by `room.IN_FLIGHT`, whatever the size and however many files are read.

    Args:
        fs: fsspec's file system.
        key: Path there.
        sink: Given pieces of at most `CHUNK` bytes, by the calling thread.
        start: First byte.
        size: Bytes of the whole file.

    Raises:
        CutShort: The file ended before its size; what `sink` was given is right.
        RemoteUnusable: The server sends more than what was asked for.
    """
    if fs.async_impl:
        _read_in_parallel(fs, key, sink, start, size)
    else:
        _read_in_turn(fs, key, sink, start, size)


def _read_in_parallel(fs: Any, key: str, sink: Sink, start: int, size: int) -> None:
    flying: deque[tuple[int, int, Future[bytes]]] = deque()
    position = start
    try:
        while flying or position < size:
            while position < size and len(flying) < _WINDOW and _took_room(wait=not flying):
                end = min(position + CHUNK, size)
                # On the driver's own loop: no threads, and what is not wanted any more is ended.
                piece = asyncio.run_coroutine_threadsafe(_fetch(fs, key, position, end), fs.loop)
                flying.append((position, end, piece))
                position = end
            begin, end, piece = flying.popleft()
            try:
                _deliver(key, sink, begin, end, piece.result())
            finally:
                IN_FLIGHT.give(CHUNK)
    finally:
        for _begin, _end, piece in flying:
            piece.cancel()
            IN_FLIGHT.give(CHUNK)


def _took_room(*, wait: bool) -> bool:
    # Only who has nothing on its way may wait: what has arrived is in memory until this very
    # thread has delivered it.
    if not wait:
        return IN_FLIGHT.try_take(CHUNK)
    IN_FLIGHT.take(CHUNK)
    return True


async def _fetch(fs: Any, key: str, begin: int, end: int) -> bytes:
    try:
        return bytes(await fs._cat_file(key, start=begin, end=end))  # noqa: SLF001  # fsspec's own name
    except OSError as error:
        if code_of(error) in ("InvalidRange", "416"):
            return b""  # the file ends before
        raise


def _deliver(key: str, sink: Sink, begin: int, end: int, data: bytes) -> None:
    if len(data) > end - begin:
        raise RemoteUnusable(
            f"asked for {end - begin} bytes of {key}, the server sent {len(data)}",
            hint="it does not know requests for ranges: use another server, or a gateway that does",
        )
    if data:
        sink(data)
    check_length(key, begin + len(data), end)


def _read_in_turn(fs: Any, key: str, sink: Sink, start: int, size: int) -> None:
    # Each piece by itself: two who open a file of memory:// share the place where they read.
    for begin in range(start, size, CHUNK):
        end = min(begin + CHUNK, size)
        data = fs.cat_file(key, start=begin, end=end)
        _deliver(key, sink, begin, end, data)
