"""Laws about what can be seen of a content while it is being written."""

# ruff: noqa: D102, S101
# The name of a law says what it is.

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from runref.artifacts.artifact import ArtifactDamaged
from runref.artifacts.remote.store import RemoteStore
from runref.testing.content import UNKNOWN, Content, content, digest_of, noise, read


class VisibilityLaws:
    """A content that is there is complete, whenever one looks."""

    large_size: int

    def test_what_is_refused_is_never_seen(
        self, store: RemoteStore, second_store: RemoteStore, tmp_path: Path
    ) -> None:
        wrong = Content(UNKNOWN, content(tmp_path, noise(self.large_size)).path)
        with _writing(store, wrong) as still_writing:
            while still_writing():
                assert second_store.present([UNKNOWN]) == {}
                assert list(second_store.contents()) == []
        assert second_store.present([UNKNOWN]) == {}

    def test_what_is_seen_is_complete(
        self, store: RemoteStore, second_store: RemoteStore, tmp_path: Path
    ) -> None:
        right = content(tmp_path, noise(self.large_size))
        sizes: list[int] = []
        with _writing(store, right) as still_writing:
            while still_writing() and not sizes:
                sizes = list(second_store.present([right.digest]).values())
            if sizes:
                assert sizes == [self.large_size]
                assert digest_of(read(second_store, right.digest)) == right.digest
        assert second_store.present([right.digest]) == {right.digest: self.large_size}


@contextmanager
def _writing(store: RemoteStore, each: Content) -> Iterator[Callable[[], bool]]:
    """Write a content in a thread, and give what tells whether that is going on."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        writing = executor.submit(store.write, each.digest, each.path)
        yield lambda: not writing.done()
        if each.digest == UNKNOWN:
            with pytest.raises(ArtifactDamaged):
                writing.result()
        else:
            writing.result()
