"""Laws about writing contents."""

# ruff: noqa: D102, S101
# The name of a law says what it is.

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing
from runref.artifacts.remote.store import RemoteStore
from runref.testing.beside import Beside
from runref.testing.content import UNKNOWN, content, digest_of, noise, read, together


class WritingLaws:
    """What `write` promises."""

    large_size: int

    def test_a_content_is_a_file_that_sha256sum_confirms(
        self, store: RemoteStore, beside: Beside, tmp_path: Path
    ) -> None:
        stored = [content(tmp_path, noise(size)) for size in (0, 1, 1000, self.large_size)]
        for each in stored:
            store.write(each.digest, each.path)
        files = beside.files()
        assert sorted(files) == sorted(each.place for each in stored)
        for each in stored:
            assert digest_of(files[each.place]) == each.digest

    def test_what_has_another_digest_is_refused(self, store: RemoteStore, tmp_path: Path) -> None:
        for size in (0, 1, 1000, self.large_size):
            other = content(tmp_path, noise(size))
            with pytest.raises(ArtifactDamaged) as raised:
                store.write(UNKNOWN, other.path)
            assert str(other.path) in raised.value.message
        assert store.present([UNKNOWN]) == {}
        assert list(store.contents()) == []

    def test_what_was_refused_leaves_no_file(
        self, store: RemoteStore, beside: Beside, tmp_path: Path
    ) -> None:
        for size in (1, self.large_size):
            with pytest.raises(ArtifactDamaged):
                store.write(UNKNOWN, content(tmp_path, noise(size)).path)
        assert beside.files() == {}

    def test_what_was_refused_does_not_harm_what_is_there(
        self, store: RemoteStore, tmp_path: Path
    ) -> None:
        right = content(tmp_path, noise(1000))
        store.write(right.digest, right.path)
        with pytest.raises(ArtifactDamaged):
            store.write(right.digest, content(tmp_path, noise(999)).path)
        assert read(store, right.digest) == right.data

    def test_a_file_that_is_not_there(self, store: RemoteStore, tmp_path: Path) -> None:
        with pytest.raises(ArtifactMissing):
            store.write(UNKNOWN, tmp_path / "nothing")
        assert store.present([UNKNOWN]) == {}

    def test_writing_twice_changes_nothing(
        self, store: RemoteStore, second_store: RemoteStore, tmp_path: Path
    ) -> None:
        for size in (0, 1000, self.large_size):
            each = content(tmp_path, noise(size))
            for writer in (store, store, second_store):
                writer.write(each.digest, each.path)
            assert store.present([each.digest]) == {each.digest: size}
            assert read(store, each.digest) == each.data

    def test_what_has_another_size_is_replaced(
        self, store: RemoteStore, beside: Beside, tmp_path: Path
    ) -> None:
        """So that what a power cut or another program cut short heals."""
        for size, wrongs in ((1000, (0, 999, 1004)), (self.large_size, (self.large_size - 1,))):
            each = content(tmp_path, noise(size))
            for wrong in ((each.data + b"more")[:length] for length in wrongs):
                beside.put(each.place, wrong)
                store.write(each.digest, each.path)
                assert read(store, each.digest) == each.data

    def test_every_byte_is_reported_once(self, store: RemoteStore, tmp_path: Path) -> None:
        for size in (0, 1000, self.large_size):
            each = content(tmp_path, noise(size))
            for _attempt in ("new", "already there"):
                counts: list[int] = []
                store.write(each.digest, each.path, on_bytes=counts.append)
                assert sum(counts) == size

    def test_what_was_written_is_not_unfinished(self, store: RemoteStore, tmp_path: Path) -> None:
        stored = [content(tmp_path, noise(size)) for size in (1000, self.large_size)]
        for each in stored:
            store.write(each.digest, each.path)
        for remove in (False, True):
            assert store.unfinished(math.inf, remove=remove) == (0, 0)
        assert len(store.present([each.digest for each in stored])) == 2

    def test_the_file_is_only_read(self, store: RemoteStore, tmp_path: Path) -> None:
        for size in (1000, self.large_size):
            each = content(tmp_path, noise(size))
            each.path.chmod(0o400)
            before = _state(each.path)
            store.write(each.digest, each.path)
            assert _state(each.path) == before
            assert each.path.read_bytes() == each.data

    def test_writers_of_one_content_do_not_harm_each_other(
        self, store: RemoteStore, second_store: RemoteStore, tmp_path: Path
    ) -> None:
        for size in (1000, self.large_size):
            each = content(tmp_path, noise(size))
            writers = [store, second_store] * 2
            together(lambda writer: writer.write(each.digest, each.path), writers)  # noqa: B023
            assert store.present([each.digest]) == {each.digest: size}
            assert read(second_store, each.digest) == each.data

    def test_writers_leave_contents_alone(
        self, store: RemoteStore, second_store: RemoteStore, beside: Beside, tmp_path: Path
    ) -> None:
        each = content(tmp_path, noise(self.large_size))
        writers = [store, second_store] * 2
        together(lambda writer: writer.write(each.digest, each.path), writers)
        assert list(beside.files()) == [each.place]


def _state(path: Path) -> tuple[int, int, int]:
    status = os.stat(path)  # noqa: PTH116
    return status.st_mode, status.st_size, status.st_mtime_ns
