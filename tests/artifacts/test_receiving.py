from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runref.artifacts import ArtifactDamaged, LocalStore

LARGE = 3 * (1 << 20) + 17  # several buffers and a rest
SIZES = pytest.mark.parametrize("size", [0, 10, (1 << 20) - 1, 1 << 20, LARGE])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(directory: Path) -> LocalStore:
    return LocalStore(directory)


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def chunks(data: bytes, size: int = 100_000) -> Iterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(data), size):
        yield view[start : start + size]


def receive(store: LocalStore, data: bytes) -> None:
    with store.receive(sha256(data), len(data)) as receiver:
        for chunk in chunks(data[receiver.start :]):
            receiver.write(chunk)
        receiver.finish()


@SIZES
def test_what_is_received_is_stored_under_its_digest(
    store: LocalStore, directory: Path, size: int
) -> None:
    data = os.urandom(size)
    receive(store, data)
    store.verify(sha256(data))
    path = store.path_of(sha256(data))
    assert path.read_bytes() == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert store.size_of(sha256(data)) == size
    assert names(directory / "tmp") == []
    receive(store, data)
    assert names(directory / "tmp") == []


@SIZES
def test_other_bytes_are_refused_and_dropped(store: LocalStore, directory: Path, size: int) -> None:
    data = os.urandom(size)
    for wrong in (data + b"x", data[:-1] + b"x" if data else b"more"):
        with (  # noqa: PT012 - any of the chunks may be the one too many
            pytest.raises(ArtifactDamaged, match=sha256(data)) as caught,
            store.receive(sha256(data), size) as receiver,
        ):
            assert receiver.start == 0
            for chunk in chunks(wrong):
                receiver.write(chunk)
            receiver.finish()
        assert caught.value.code == "artifact-damaged"
        assert not store.contains(sha256(data))
        assert names(directory / "tmp") == []


KILLED = """
import os, signal, sys
from pathlib import Path
from runref.artifacts import LocalStore
data = Path(sys.argv[2]).read_bytes()
with LocalStore(Path(sys.argv[1])).receive(sys.argv[3], len(data)) as receiver:
    receiver.write(data[receiver.start : int(sys.argv[4])])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_attempt_is_gone_on_with(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    data = os.urandom(LARGE)
    (tmp_path / "data").write_bytes(data)
    for end in (1_000_000, 2_000_000):
        arguments = [directory, tmp_path / "data", sha256(data), str(end)]
        done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
        assert done.returncode == -9
        assert not store.contains(sha256(data))
        assert list(store.contents()) == []
        with store.receive(sha256(data), LARGE) as receiver:
            assert receiver.start == end
    receive(store, data)
    store.verify(sha256(data))
    assert names(directory / "tmp") == []


def test_what_was_left_is_hashed_again(store: LocalStore, directory: Path) -> None:
    data = os.urandom(LARGE)
    with store.receive(sha256(data), LARGE) as receiver:
        receiver.write(data[:100])
    (partial,) = (directory / "tmp").iterdir()
    partial.write_bytes(b"x" * 100)
    with pytest.raises(ArtifactDamaged):
        receive(store, data)
    assert names(directory / "tmp") == []
    partial.write_bytes(b"x" * (LARGE + 1))  # more than there can be: begun anew
    receive(store, data)
    store.verify(sha256(data))


def test_two_that_receive_the_same_have_a_file_each(store: LocalStore, directory: Path) -> None:
    data = os.urandom(LARGE)
    with store.receive(sha256(data), LARGE) as first:
        first.write(data[:1000])
        with LocalStore(directory).receive(sha256(data), LARGE) as second:
            assert second.start == 0
            second.write(data)
            second.finish()
        first.write(data[1000:])
        first.finish()
    store.verify(sha256(data))
    assert names(directory / "tmp") == []


@pytest.mark.slow
def test_a_partial_file_that_was_published_is_not_written_to(
    store: LocalStore, directory: Path
) -> None:
    data = os.urandom(LARGE)
    start = threading.Barrier(8)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            for _ in range(5):
                start.wait()
                receive(store, data)
                store.verify(sha256(data))
                if start.wait() == 0:
                    store.delete([sha256(data)])
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            errors.append(error)
            start.abort()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert names(directory / "tmp") == []


def test_contents_are_listed_deleted_and_set_aside(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    contents = [b"a" * size for size in (0, 10, 2000)]
    for data in contents:
        receive(store, data)
    (directory / "sha256" / ".nfs0001").write_bytes(b"")
    (store.path_of(sha256(b"")).parent / ".nfs0002").write_bytes(b"")
    found = {each.digest: each for each in store.contents()}
    assert {digest: each.size for digest, each in found.items()} == {
        sha256(data): len(data) for data in contents
    }
    assert all(abs(each.modified - time.time()) < 600 for each in found.values())

    assert store.delete([sha256(contents[1]), sha256(b"nothing")]) == 10
    assert {each.digest for each in store.contents()} == {sha256(b""), sha256(contents[2])}

    whole, damaged = sha256(b""), sha256(contents[2])
    store.path_of(damaged).chmod(0o600)
    store.path_of(damaged).write_bytes(b"b" * 2000)
    for digest in (whole, damaged, sha256(b"nothing")):
        store.set_aside(digest)
    assert [each.digest for each in store.contents()] == [whole]
    assert (directory / "damaged" / damaged[7:]).read_bytes() == b"b" * 2000
    receive(store, contents[2])
    store.verify(damaged)


def test_the_time_of_what_is_used_again_is_renewed(directory: Path, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 10)
    os.utime(path, (1, 1))
    store = LocalStore(directory)
    digest = store.add(path).digest
    kept = store.path_of(digest)
    for use in (
        lambda: store.add(path),
        lambda: LocalStore(directory).add(path),
        lambda: receive(store, b"x" * 10),
    ):
        recent, old = time.time() - 600, time.time() - 7200
        os.utime(kept, (recent, recent))
        use()
        assert kept.stat().st_mtime == pytest.approx(recent)
        os.utime(kept, (old, old))
        use()
        assert kept.stat().st_mtime > recent
