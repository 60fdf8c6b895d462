from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from tests.artifacts.remote.large_files import Large, Target, large
from tests.servers.faults import Call, CutBody, Fault, HangUpBefore, ShortBody
from tests.servers.proxy import Proxy
from tests.servers.seaweedfs import SeaweedFS

from runref.artifacts.remote import ranged
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.objects import CutShort
from runref.artifacts.remote.place import CHUNK
from runref.artifacts.remote.room import Room
from runref.artifacts.remote.store import RemoteUnusable

WHOLE = 5 * CHUNK

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """Room for three pieces, which must all be given back."""
    room = Room(3 * CHUNK)
    monkeypatch.setattr(ranged, "IN_FLIGHT", room)
    yield room
    assert room.try_take(3 * CHUNK)


@pytest.fixture
def file(tmp_path: Path) -> Large:
    return large(tmp_path, WHOLE + 123)


class There:
    """A file of a remote."""

    def __init__(self, fs: Any, key: str, content: bytes) -> None:
        fs.pipe_file(key, content)
        self.fs = fs
        self.key = key
        self.content = content

    def read(self, start: int = 0, size: int | None = None) -> bytes:
        chunks: list[bytes] = []
        ranged.read(self.fs, self.key, chunks.append, start, size or len(self.content))
        assert max(map(len, chunks), default=0) <= CHUNK
        return b"".join(chunks)


@pytest.fixture(params=["memory", "seaweedfs", "moto", "rclone_s3"])
def there(request: pytest.FixtureRequest, file: Large) -> There:
    if request.param == "memory":
        return There(MemoryFileSystem(), "/ranged/large", file.data)
    target = Target(request.getfixturevalue(request.param))
    return There(target.fs, target.key_of(file.digest), file.data)


@pytest.mark.parametrize("start", [0, 1, CHUNK, WHOLE - 1, WHOLE + 122, WHOLE + 123])
def test_bytes_come_in_order_from_the_first_that_is_wanted(there: There, start: int) -> None:
    assert there.read(start) == there.content[start:]


@pytest.mark.parametrize("length", [WHOLE, CHUNK, CHUNK + 5])
def test_a_file_that_ends_early_is_told(there: There, length: int) -> None:
    short = There(there.fs, there.key, there.content[:length])
    chunks: list[bytes] = []
    with pytest.raises(CutShort, match=str(length)):
        ranged.read(short.fs, short.key, chunks.append, 0, len(there.content))
    assert b"".join(chunks) == short.content


def test_what_the_sink_raises_ends_it(there: There) -> None:
    def full(_chunk: bytes) -> None:
        raise KeyError("no room here")

    with pytest.raises(KeyError, match="no room here"):
        ranged.read(there.fs, there.key, full, 0, len(there.content))


def test_more_readers_than_there_is_room_for_all_get_through(there: There) -> None:
    with ThreadPoolExecutor(8) as executor:
        for content in executor.map(lambda _reader: there.read(), range(8)):
            assert content == there.content


@pytest.fixture
def through_proxy(seaweedfs: SeaweedFS, s3_proxy: Proxy, file: Large) -> There:
    target = Target(seaweedfs, s3_proxy.url)
    return There(target.fs, target.key_of(file.digest), file.data)


def begin_of(call: Call) -> int:
    """Return the first byte that a request is about, or -1."""
    return int(call.headers.get("range", "bytes=-1-").removeprefix("bytes=").rpartition("-")[0])


@pytest.mark.parametrize("fault", [HangUpBefore(), CutBody(1000), ShortBody(1000)])
def test_what_came_before_a_broken_piece_is_right(
    through_proxy: There, s3_proxy: Proxy, fault: Fault
) -> None:
    s3_proxy.rule = lambda call: fault if begin_of(call) == 2 * CHUNK else None
    chunks: list[bytes] = []
    with pytest.raises(Exception, match=r".") as raised:
        ranged.read(through_proxy.fs, through_proxy.key, chunks.append, 0, WHOLE)
    kept = 2 * CHUNK + (1000 if isinstance(raised.value, CutShort) else 0)
    assert b"".join(chunks) == through_proxy.content[:kept]
    assert isinstance(raised.value, CutShort) == isinstance(fault, ShortBody)


class IgnoringRanges(BaseHTTPRequestHandler):
    """Sends everything, whatever was asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(WHOLE))
        self.end_headers()
        self.wfile.write(b"x" * WHOLE)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def ignoring_ranges() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), IgnoringRanges) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_a_server_that_ignores_ranges_is_named(ignoring_ranges: str) -> None:
    options = {"endpoint_url": ignoring_ranges, "key": "key", "secret": "secret"}
    fs = open_remote("s3://bucket/lab", options).place.fs
    chunks: list[bytes] = []
    with pytest.raises(RemoteUnusable, match="lab/large"):
        ranged.read(fs, "bucket/lab/large", chunks.append, 0, WHOLE)
    assert chunks == []
