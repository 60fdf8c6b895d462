"""Sending a large file to S3 in parts, several of which are on their way at once.

An upload that was cut off is gone on with, but only by the machine that began it (see `journal`).
Two that go on with one upload would send the same parts, and the one could replace a part while the
other lets the server put all of them together: servers differ in what becomes of that. Nobody can
tell an upload that another machine is at from one that it has left. So two machines that send one
digest at once have an upload each, with all of the content, and the later object replaces the same
by the same. What is never gone on with is found by `unfinished.abandoned`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from runref.artifacts.artifact import ArtifactMissing
from runref.artifacts.blobs import damaged
from runref.artifacts.reading import ArtifactVanished, OnBytes, Source, opened, unreadable
from runref.artifacts.remote.failures import code_of
from runref.artifacts.remote.journal import Claim, claim
from runref.artifacts.remote.parts import UNKNOWN, ObjectInParts
from runref.artifacts.remote.room import IN_FLIGHT
from runref.artifacts.remote.store import RemoteInterrupted

_PART = 8 << 20
_MOST_PARTS = 10_000
"""The most that S3 allows. Parts of 8 MiB go up to 78 GiB; those of the 5 TiB at which S3 ends have
525 MiB, and one of them at a time is in memory."""

_LOST = frozenset({"NoSuchUpload", "InvalidPart", "InvalidPartOrder", "NotImplemented"})
"""What a server says with which an upload cannot be gone on: it does not have all of it any more,
or, as rclone, it does not take another part in place of one that it has."""


def upload(  # noqa: PLR0917  # what a driver is told of a file
    fs: Any,
    key: str,
    path: Path,
    digest: str,
    size: int,
    on_bytes: OnBytes,
    *,
    folder: Path | None = None,
) -> None:
    """Send a large file in parts; it appears when all of them are there and have its digest.

    The file is read once, in order. What an earlier attempt on this machine has sent is compared
    with it and not sent again. No more than `room.IN_FLIGHT` is in memory for all files together.

    Args:
        fs: s3fs's file system.
        key: Bucket and key.
        path: The file, which is only read.
        digest: What its content must hash to.
        size: Its bytes, at least 1.
        on_bytes: Told the number of bytes that the server has since its last call; by the calling
            thread, and each byte once.
        folder: Where this machine remembers its uploads; see `journal.claim`.

    Raises:
        ArtifactDamaged: The file's content has another digest; nothing became visible.
        ArtifactMissing: There is no such file.
        ArtifactUnreadable: The operating system does not let it be read.
        RemoteInterrupted: The server lost what it was sent.
    """
    bucket, name, _version = fs.split_path(key)
    target = ObjectInParts(fs, bucket, name)
    try:
        with opened(os.fspath(path)) as source, claim(target.url, folder) as own:
            _Upload(target, source, digest, size, on_bytes).carry_out(own)
    except ArtifactVanished as error:
        raise ArtifactMissing(error.message, hint=error.hint) from error


def part_size(size: int) -> int:
    """Return how many bytes the parts of a content of this size have; only the last has fewer."""
    mebibytes = -(-size // (_MOST_PARTS << 20))
    return max(_PART, mebibytes << 20)


class _Upload:
    """The sending of one file."""

    def __init__(
        self, target: ObjectInParts, source: Source, digest: str, size: int, on_bytes: OnBytes
    ) -> None:
        self._target = target
        self._source = source
        self._digest = digest
        self._size = size
        self._on_bytes = on_bytes
        self._told = 0
        self._part = part_size(size)

    def carry_out(self, own: Claim | None) -> None:
        """Send the file, going on with what this machine began earlier."""
        for resuming in (True, False):
            upload_id, held = self._begin(own, resuming=resuming)
            try:
                self._target.complete(upload_id, self._send(upload_id, held))
                break
            except OSError as error:
                if code_of(error) not in _LOST:
                    raise
                # It may be complete, and the answer to that was lost. If not, it is sent anew, as
                # rclone drops an upload for one part that was cut off.
                if self._target.size() == self._size:
                    break
                self._target.drop(upload_id)
                if not resuming:
                    raise self._lost() from error
        self._tell(self._size)
        if own is not None:
            own.forget()

    def _begin(self, own: Claim | None, *, resuming: bool) -> tuple[str, dict[int, str]]:
        """Return an upload and the ETags of the parts that it has."""
        if own is not None and own.upload_id and resuming:
            held = self._held(own.upload_id)
            if held is not None:
                return own.upload_id, held
        upload_id = self._target.begin()
        if own is not None:
            own.remember(upload_id)
        return upload_id, {}

    def _held(self, upload_id: str) -> dict[int, str] | None:
        try:
            parts = self._target.parts(upload_id)
        except OSError as error:
            # Not every server can tell, and not every key may ask.
            if code_of(error) in UNKNOWN or isinstance(error, PermissionError):
                return None
            raise
        return None if parts is None else {part.number: part.etag for part in parts}

    def _send(self, upload_id: str, held: dict[int, str]) -> list[str]:
        """Send what the server does not have, and return the ETags of all parts."""
        sha256 = hashlib.sha256()
        flying: deque[Future[str]] = deque()
        etags: list[str] = []
        try:
            for number in range(1, -(-self._size // self._part) + 1):
                future = self._sent(upload_id, number, held, sha256)
                if future is None:
                    break
                flying.append(future)
                while flying and flying[0].done():
                    self._arrived(flying, etags)
            while flying:
                self._arrived(flying, etags)
        finally:
            for future in flying:
                future.cancel()
        if f"sha256:{sha256.hexdigest()}" != self._digest:
            self._target.drop(upload_id)
            raise damaged(self._digest, self._source.path)
        return etags

    def _sent(
        self, upload_id: str, number: int, held: dict[int, str], sha256: hashlib._Hash
    ) -> Future[str] | None:
        """Read a part and send it if the server does not have it; none at the end of the file."""
        IN_FLIGHT.take(self._part)
        future: Future[str] | None = None
        try:
            data = self._read((number - 1) * self._part)
            if data:
                sha256.update(data)
                future = self._sending(upload_id, number, data, held.get(number))
        finally:
            if future is None:
                IN_FLIGHT.give(self._part)
            else:
                future.add_done_callback(lambda _done: IN_FLIGHT.give(self._part))
        return future

    def _sending(self, upload_id: str, number: int, data: bytes, etag: str | None) -> Future[str]:
        md5 = hashlib.md5(data, usedforsecurity=False)
        if etag is not None and etag.strip('"') == md5.hexdigest():
            there: Future[str] = Future()
            there.set_result(etag)
            return there
        # On the loop of s3fs: no threads, and what is cancelled is cut off at once.
        sending = self._target.send(upload_id, number, data, md5.digest())
        return asyncio.run_coroutine_threadsafe(sending, self._target.fs.loop)

    def _arrived(self, flying: deque[Future[str]], etags: list[str]) -> None:
        etags.append(flying[0].result())
        flying.popleft()
        self._tell(min(len(etags) * self._part, self._size))

    def _tell(self, position: int) -> None:
        if position > self._told:
            self._told, count = position, position - self._told
            self._on_bytes(count)

    def _read(self, offset: int) -> bytes:
        """Return the part of the file that begins at an offset, shorter at the file's end."""
        pieces: list[bytes] = []
        missing = self._part
        try:
            while missing and (piece := os.pread(self._source.descriptor, missing, offset)):
                pieces.append(piece)
                offset += len(piece)
                missing -= len(piece)
        except OSError as error:
            raise unreadable(self._source.path, error) from error
        return b"".join(pieces)

    def _lost(self) -> RemoteInterrupted:
        return RemoteInterrupted(
            f"the server lost parts of {self._target.key} while they were sent",
            hint="it is worth another attempt; if it goes on, look at the server's log",
        )
