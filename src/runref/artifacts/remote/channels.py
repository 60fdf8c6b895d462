"""One SSH connection for many threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from runref.artifacts.remote import ssh

_CHANNELS = 8
"""Channels of one connection: servers allow 10 unless told otherwise (MaxSessions)."""
_ANSWER = 60
"""Seconds in which a server must answer."""
_WINDOW = 8 << 20
"""Bytes asked for at once when a file is read, in blocks."""
_BLOCK = 32 << 10


class Channels:
    """One connection to a server, and channels of it, each for one thread at a time.

    The connection is made when it is first needed, and made again after it was lost.

    Args:
        options: Of `ssh.connect`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._connecting = threading.Lock()
        self._client: Any = None
        self._idle: list[Any] = []
        self._free = threading.BoundedSemaphore(_CHANNELS)

    @contextmanager
    def borrowed(self) -> Iterator[Any]:
        """Give a channel, as paramiko's SFTP client, to this thread."""
        channel = self.take()
        try:
            yield channel
        except FileNotFoundError:
            self.give_back(channel)
            raise
        except BaseException as error:
            # Answers may be on their way which the next one to use it would take for its own.
            self.drop(channel)
            if isinstance(error, (OSError, EOFError)) and not self._alive():
                raise ConnectionResetError(f"the connection was lost: {error}") from error
            raise
        self.give_back(channel)

    def take(self) -> Any:
        """Return a channel, which must be given back or dropped."""
        self._free.acquire()
        try:
            with self._connecting:
                if not self._alive():
                    self._idle.clear()
                    self._client = ssh.connect(self._options)
                if self._idle:
                    return self._idle.pop()
                channel = self._client.open_sftp()
            channel.get_channel().settimeout(_ANSWER)
        except BaseException:
            self._free.release()
            raise
        return channel

    def give_back(self, channel: Any) -> None:
        """Let others use a channel on which nothing is going on."""
        with self._connecting:
            self._idle.append(channel)
        self._free.release()

    def drop(self, channel: Any) -> None:
        """Close a channel on which something may still be going on."""
        with suppress(Exception):
            channel.close()
        self._free.release()

    def _alive(self) -> bool:
        transport = self._client and self._client.get_transport()
        return bool(transport and transport.is_active())


class OpenFile:
    """A file that has a channel for itself until it is closed.

    It is read in windows, whose blocks are all asked for at once, and each is read to its end
    before the next: nothing is on its way while the caller deals with what came.
    """

    def __init__(self, file: Any, channel: Any, channels: Channels) -> None:
        self._file = file
        self._channel = channel
        self._channels = channels
        self._position = 0
        self._window = memoryview(b"")
        self._size: int | None = None
        self._closed = False

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def seek(self, position: int) -> None:
        """Read or write from this byte on."""
        self._position = position
        self._window = memoryview(b"")
        self._file.seek(position)

    def tell(self) -> int:
        """Return where reading goes on."""
        return self._position - len(self._window)

    def read(self, count: int = -1) -> bytes:
        """Return so many bytes, fewer at the end of the file; all of them by default."""
        pieces = []
        while count and (self._window or self._fill()):
            piece, self._window = self._window[:count], self._window[count:]
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def write(self, data: bytes | memoryview) -> None:
        """Send bytes; whether they were written is known when the file is closed."""
        self._file.write(data)

    def truncate(self, size: int) -> None:
        """Cut the file off."""
        self._file.truncate(size)

    def close(self) -> None:
        """Close it, wait until all is written, and free the channel."""
        if self._closed:
            return
        self._closed = True
        try:
            self._file.close()
        except BaseException:
            self._channels.drop(self._channel)
            raise
        self._channels.give_back(self._channel)

    def _fill(self) -> bool:
        """Read the next window; false at the end of the file."""
        if self._size is None:
            self._size = int(self._file.stat().st_size)
        end = min(self._position + _WINDOW, self._size)
        if self._position >= end:
            return False
        self._file.seek(self._position)
        if end - self._position > _BLOCK:
            self._file.prefetch(end)
        self._window = memoryview(self._file.read(end - self._position))
        self._position += len(self._window)
        return bool(self._window)
