"""Laws about the small files beside the contents."""

# ruff: noqa: D102, S101
# The name of a law says what it is.

from __future__ import annotations

import pytest

from runref.artifacts.remote.store import RemoteStore
from runref.testing.content import noise, together


class NoteLaws:
    """What `read_note`, `write_note`, `notes` and `delete_note` promise."""

    def test_a_note_is_read_as_it_was_written(
        self, store: RemoteStore, second_store: RemoteStore
    ) -> None:
        for name, data in (
            ("mark.json", b"{}"),
            ("claims/run-1/20261125T120000Z-ab.jsonl", noise(100_000)),
            ("claims/run-1/empty", b""),
        ):
            store.write_note(name, data)
            assert second_store.read_note(name) == data

    def test_a_note_is_replaced(self, store: RemoteStore, second_store: RemoteStore) -> None:
        for data in (b"first and longer", b"second", b"", b"third"):
            store.write_note("gc/mark.json", data)
            assert second_store.read_note("gc/mark.json") == data
        assert [each.size for each in store.notes("gc")] == [5]

    def test_a_note_that_is_not_there(self, store: RemoteStore) -> None:
        assert store.read_note("gc/mark.json") is None
        store.delete_note("gc/mark.json")
        store.write_note("gc/mark.json", b"{}")
        assert store.read_note("gc/other.json") is None
        store.delete_note("gc/mark.json")
        assert store.read_note("gc/mark.json") is None

    def test_the_notes_of_a_folder_are_listed(self, store: RemoteStore) -> None:
        assert store.notes("claims") == []
        names = {"claims/a/1.jsonl": 1, "claims/a/2.jsonl": 20, "claims/b/3.jsonl": 0}
        beside = ["claims.json", "claims-of-others/1.jsonl", "other/claims/1.jsonl"]
        for name in beside:
            store.write_note(name, b"beside")
        assert store.notes("claims") == []
        for name, size in names.items():
            store.write_note(name, b"x" * size)
        listed = store.notes("claims")
        assert {each.name: each.size for each in listed} == names
        assert len(listed) == len(names)
        assert {each.name for each in store.notes("claims/a")} == set(list(names)[:2])
        store.delete_note("claims/a/1.jsonl")
        assert {each.name for each in store.notes("claims")} == set(list(names)[1:])

    def test_a_note_is_written_whole(self, store: RemoteStore, second_store: RemoteStore) -> None:
        versions = [noise(50_000, seed) for seed in range(16)]
        together(lambda data: store.write_note("gc/mark.json", data), versions)
        assert second_store.read_note("gc/mark.json") in versions

    def test_notes_are_no_contents(self, store: RemoteStore) -> None:
        store.write_note("claims/1.jsonl", b"claim")
        assert list(store.contents()) == []

    @pytest.mark.parametrize("name", ["", "../above", "a/../../b", "/etc/x", "a//b", "sha256/aa/b"])
    def test_a_note_stays_beside_the_contents(self, store: RemoteStore, name: str) -> None:
        """Names are made from ids that stand in records which others wrote."""
        with pytest.raises(ValueError):  # noqa: PT011  # a mistake of the program, not of a user
            store.write_note(name, b"")
        with pytest.raises(ValueError):  # noqa: PT011
            store.read_note(name)
