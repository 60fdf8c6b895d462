from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runref.artifacts import ArtifactDamaged, ArtifactMissing
from runref.artifacts.reading import OnBytes, ignore
from runref.artifacts.remote.limits import Limited
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.retrying import Backoff, Retrying
from runref.artifacts.remote.store import RemoteStore, RemoteUnusable
from runref.artifacts.remote.verified import Verified
from runref.artifacts.remote.wrapping import Wrapped

from .breaking import Breaking, content, digest_of, memory, put


def damage(root: Path, digest: str, change: Callable[[bytearray], object]) -> None:
    """Change a content where a remote keeps it."""
    path = root / "sha256" / digest[7:9] / digest[9:]
    data = bytearray(path.read_bytes())
    change(data)
    path.chmod(0o644)
    path.write_bytes(data)


def flip(data: bytearray, place: float) -> None:
    bit = int(place * (8 * len(data) - 1))
    data[bit // 8] ^= 1 << bit % 8


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=1, max_size=1000), place=st.floats(0, 1))
def test_every_flipped_bit_is_found_and_its_remote_named(
    tmp_path: Path, data: bytes, place: float
) -> None:
    root = tmp_path / "remote"
    store = Verified(open_remote(str(root), name="lab"))
    digest = put(store, tmp_path, data)
    assert content(store, digest) == data
    damage(root, digest, lambda content: flip(content, place))

    received = bytearray()
    with pytest.raises(ArtifactDamaged, match="lab") as caught:
        store.read(digest, received.extend)

    assert digest in caught.value.message
    assert len(received) == len(data)
    store.delete([digest])


@pytest.mark.parametrize("change", [bytearray.clear, lambda data: data.extend(b"more")])
def test_other_lengths_are_found(tmp_path: Path, change: Callable[[bytearray], object]) -> None:
    root = tmp_path / "remote"
    store = Verified(open_remote(str(root)))
    digest = put(store, tmp_path, b"content")
    damage(root, digest, change)
    with pytest.raises(ArtifactDamaged):
        content(store, digest)


def test_a_read_from_the_middle_is_left_to_the_caller(tmp_path: Path) -> None:
    root = tmp_path / "remote"
    store = Verified(open_remote(str(root)))
    digest = put(store, tmp_path, b"content")
    damage(root, digest, lambda data: flip(data, 0))
    received = bytearray()
    store.read(digest, received.extend, start=3)
    assert received == b"tent"


def test_what_is_missing_is_missing() -> None:
    with pytest.raises(ArtifactMissing):
        content(Verified(memory()), digest_of(b"nothing"))


class Forgetful(Wrapped):
    """A remote that takes what it is given, and keeps nothing, or half."""

    def __init__(self, store: RemoteStore, root: Path, keep: int) -> None:
        super().__init__(store)
        self.root = root
        self.keep = keep

    def write(self, digest: str, path: Path, *, on_bytes: OnBytes = ignore) -> None:
        super().write(digest, path, on_bytes=on_bytes)
        if self.keep:
            damage(self.root, digest, lambda data: data.__delitem__(slice(self.keep, None)))
        else:
            super().delete([digest])


@pytest.mark.parametrize(("keep", "words"), [(0, "is not there"), (3, "has 3 of 7 bytes")])
def test_a_remote_that_loses_what_it_took_is_found_out(
    tmp_path: Path, keep: int, words: str
) -> None:
    root = tmp_path / "remote"
    store = Verified(Forgetful(open_remote(str(root), name="lab"), root, keep))
    with pytest.raises(RemoteUnusable, match=words) as caught:
        put(store, tmp_path, b"content")
    assert "lab" in caught.value.message


def test_around_a_remote_that_is_asked_again_the_whole_content_is_verified(
    tmp_path: Path,
) -> None:
    """The order of the policies: what several attempts brought passes `Verified` as one."""
    root = tmp_path / "remote"
    breaking = Breaking(open_remote(str(root)), [None, None, 3, 2])
    store = Verified(Retrying(Limited(breaking, 1), Backoff(), wait=ignore, uniform=lambda *_: 0.0))
    digest = put(store, tmp_path, b"content")
    assert content(store, digest) == b"content"
    assert breaking.requests[2:] == ["read from 0", "read from 3", "read from 5"]

    damage(root, digest, lambda data: flip(data, 0))
    breaking._plan = iter([3])
    with pytest.raises(ArtifactDamaged):
        content(store, digest)
