"""Laws about reading contents, and about asking whether they are there."""

# ruff: noqa: D102, S101
# The name of a law says what it is.

from __future__ import annotations

from pathlib import Path

import pytest

from runref.artifacts.artifact import ArtifactMissing, DigestInvalid
from runref.artifacts.remote.store import RemoteStore, Sink
from runref.testing.content import UNKNOWN, content, digest_of, noise, read, together

_SIZES = (0, 1, 2, 4095, 65_537, (1 << 20) + 1, (4 << 20) + 1)
_NO_DIGESTS = ("", "0" * 64, "sha256:00", "sha256:../../etc/passwd", UNKNOWN + "/..", "sha1:00")


class ReadingLaws:
    """What `read` and `present` promise."""

    large_size: int

    def test_what_was_written_is_read(self, store: RemoteStore, tmp_path: Path) -> None:
        for size in _SIZES:
            each = content(tmp_path, noise(size))
            store.write(each.digest, each.path)
            assert read(store, each.digest) == each.data
            assert read(store, each.digest, size=size) == each.data

    def test_a_large_content_is_read_in_order_and_in_pieces(
        self, store: RemoteStore, tmp_path: Path
    ) -> None:
        large = content(tmp_path, noise(self.large_size))
        store.write(large.digest, large.path)
        chunks: list[bytes] = []
        store.read(large.digest, chunks.append, size=self.large_size)
        assert digest_of(b"".join(chunks)) == large.digest
        assert max(map(len, chunks)) <= 16 << 20

    def test_reading_begins_where_it_is_told(self, store: RemoteStore, tmp_path: Path) -> None:
        for size in (10, self.large_size):
            each = content(tmp_path, noise(size))
            store.write(each.digest, each.path)
            for start in (1, size // 2 + 1, size - 1, size):
                rest = digest_of(each.data[start:])
                assert digest_of(read(store, each.digest, start)) == rest
                assert digest_of(read(store, each.digest, start, size)) == rest

    def test_reading_what_is_not_there(self, store: RemoteStore, tmp_path: Path) -> None:
        with pytest.raises(ArtifactMissing):
            read(store, UNKNOWN)
        other = content(tmp_path, b"something else is there")
        store.write(other.digest, other.path)
        for size in (None, 10, 100 << 20):
            with pytest.raises(ArtifactMissing):
                read(store, UNKNOWN, size=size)

    def test_what_the_sink_raises_ends_the_reading(
        self, store: RemoteStore, tmp_path: Path
    ) -> None:
        """It reaches the caller as it is: a full disk here is no failure of the remote."""
        for size in (10, self.large_size):
            each = content(tmp_path, noise(size))
            store.write(each.digest, each.path)
            for error in (OSError("no space here"), ValueError("no")):
                with pytest.raises(type(error)) as raised:
                    store.read(each.digest, _raising(error))
                assert raised.value is error
            assert read(store, each.digest) == each.data

    def test_nothing_is_there_at_first(self, store: RemoteStore) -> None:
        assert store.present([]) == {}
        assert store.present([UNKNOWN]) == {}
        assert store.present([digest_of(b"%d" % number) for number in range(1000)]) == {}
        assert list(store.contents()) == []

    def test_present_names_what_is_there_with_its_size(
        self, store: RemoteStore, tmp_path: Path
    ) -> None:
        stored = [content(tmp_path, noise(size)) for size in (0, 1, 1000)]
        for each in stored:
            store.write(each.digest, each.path)
        sizes = {each.digest: len(each.data) for each in stored}
        asked = [*sizes, *(digest_of(b"%d" % number) for number in range(1000))]
        assert store.present(sizes) == sizes
        assert store.present(asked[:8]) == sizes  # few may be asked for in another way than many
        assert store.present(asked) == sizes
        assert store.present(dict.fromkeys(asked).keys()) == sizes

    def test_many_threads_may_ask_and_read_at_once(
        self, store: RemoteStore, second_store: RemoteStore, tmp_path: Path
    ) -> None:
        stored = [content(tmp_path, noise(1000, seed)) for seed in range(32)]
        together(lambda each: store.write(each.digest, each.path), stored)
        assert together(lambda each: read(second_store, each.digest), stored) == [
            each.data for each in stored
        ]
        assert together(lambda each: store.present([each.digest]), stored) == [
            {each.digest: 1000} for each in stored
        ]

    @pytest.mark.parametrize("digest", _NO_DIGESTS)
    def test_what_is_no_digest_leads_nowhere(
        self, store: RemoteStore, tmp_path: Path, digest: str
    ) -> None:
        """Digests come from records that others wrote, and paths are made from them."""
        harmless = content(tmp_path, b"")
        with pytest.raises(DigestInvalid):
            read(store, digest)
        with pytest.raises(DigestInvalid):
            store.present([digest])
        with pytest.raises(DigestInvalid):
            store.write(digest, harmless.path)
        with pytest.raises(DigestInvalid):
            store.delete([digest])


def _raising(error: Exception) -> Sink:
    def sink(_chunk: bytes) -> None:
        raise error

    return sink
