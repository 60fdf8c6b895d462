"""Laws about listing and deleting contents."""

# ruff: noqa: D102, S101
# The name of a law says what it is.

from __future__ import annotations

from pathlib import Path

from runref.artifacts.remote.store import RemoteStore
from runref.testing.beside import Beside
from runref.testing.content import UNKNOWN, content, noise, read, together


class ListingLaws:
    """What `contents` and `delete` promise."""

    many: int

    def test_every_content_is_listed(self, store: RemoteStore, tmp_path: Path) -> None:
        stored = [content(tmp_path, noise(size)) for size in (0, 1, 1000)]
        for each in stored:
            store.write(each.digest, each.path)
        listed = list(store.contents())
        assert {each.digest: each.size for each in listed} == {
            each.digest: len(each.data) for each in stored
        }
        assert len(listed) == len(stored)
        assert all(each.modified is None or each.modified > 0 for each in listed)

    def test_what_is_no_content_is_not_listed(
        self, store: RemoteStore, beside: Beside, tmp_path: Path
    ) -> None:
        each = content(tmp_path, b"content")
        store.write(each.digest, each.path)
        store.write_note("claims/one.jsonl", b"note")
        beside.put("README", b"of the people who own the bucket")
        beside.put("sha256/README", b"the same")
        beside.put("sha256/ab/README", b"the same")
        beside.put(f"tmp/{UNKNOWN[7:]}-unfinished", b"unfinis")
        assert [found.digest for found in store.contents()] == [each.digest]
        assert store.present([UNKNOWN, each.digest]) == {each.digest: 7}

    def test_many_contents_are_listed_found_and_deleted(
        self, store: RemoteStore, tmp_path: Path
    ) -> None:
        """More than one page of a listing, more than one request's worth of deletions."""
        stored = [content(tmp_path, b"%d" % number) for number in range(self.many)]
        together(lambda each: store.write(each.digest, each.path), stored)
        sizes = {each.digest: len(each.data) for each in stored}
        assert {each.digest: each.size for each in store.contents()} == sizes
        assert store.present([*sizes, UNKNOWN]) == sizes
        assert store.present(list(sizes)[:500]) == dict(list(sizes.items())[:500])
        *doomed, kept = sizes
        store.delete([*doomed, UNKNOWN])
        assert [each.digest for each in store.contents()] == [kept]

    def test_what_was_deleted_is_gone_and_may_come_back(
        self, store: RemoteStore, second_store: RemoteStore, tmp_path: Path
    ) -> None:
        gone, kept = (content(tmp_path, data) for data in (b"gone", b"kept"))
        for each in (gone, kept):
            store.write(each.digest, each.path)
        store.delete(digest for digest in [gone.digest])
        assert second_store.present([gone.digest, kept.digest]) == {kept.digest: 4}
        assert [each.digest for each in second_store.contents()] == [kept.digest]
        store.write(gone.digest, gone.path)
        assert read(second_store, gone.digest) == b"gone"

    def test_deleting_what_is_not_there_is_no_error(
        self, store: RemoteStore, tmp_path: Path
    ) -> None:
        store.delete([])
        store.delete([UNKNOWN])
        each = content(tmp_path, b"content")
        store.write(each.digest, each.path)
        store.delete([each.digest, UNKNOWN])
        store.delete([each.digest])
        assert store.present([each.digest]) == {}
