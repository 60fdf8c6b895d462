"""Tombstones: where they lie, what they say, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.ids import MalformedRunId
from runref.model.schema import InvalidDocument
from runref.model.tombstones import (
    Tombstone,
    UnreadableTombstone,
    dump_tombstone,
    load_tombstone,
    tombstone_name,
    tombstone_path,
)

RUN = "20261121-4f1c9b2e7a3d"
TIME = "2026-11-28T18:00:00.123456Z"
ADA = "Ada Lovelace <ada@example.org>"


def test_path_and_name() -> None:
    name = tombstone_name(TIME, "vm-4f1c9b2e")
    assert name == "2026-11-28T180000123456Z-vm-4f1c9b2e.yaml"
    assert tombstone_path(RUN, name) == ("tombstones", "2026-11", "21", "4", RUN, name)
    with pytest.raises(MalformedRunId):
        tombstone_path("../../x", name)


@given(
    reason=st.text(min_size=1, max_size=2000).filter(lambda text: text.strip()),
    record=st.sampled_from(["", "ab" * 20, "cd" * 32]),
)
def test_what_is_written_comes_back(reason: str, record: str) -> None:
    tombstone = Tombstone(RUN, TIME, ADA, reason, record)
    assert load_tombstone(RUN, dump_tombstone(tombstone)) == tombstone


def test_a_file_for_people() -> None:
    assert dump_tombstone(Tombstone(RUN, TIME, ADA, "personal data")).decode() == (
        f"run: {RUN}\ntime: '{TIME}'\nauthor: {ADA}\nreason: personal data\nformat: 1\n"
    )


@pytest.mark.parametrize("reason", ["", " \n", "x" * 2001])
def test_a_reason_is_needed_and_is_no_book(reason: str) -> None:
    with pytest.raises(InvalidDocument, match="reason"):
        dump_tombstone(Tombstone(RUN, TIME, ADA, reason))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"format: 1", b"format: 2"),
        (b"reason: personal data\n", b""),
        (b"reason:", b"surprise: 1\nreason:"),
        (RUN.encode(), b"20261121-4f1c9b2e7a3e"),
        (b"11-28T18", b"13-28T18"),
        (b"reason: personal data", b"reason: &a personal data"),
    ],
)
def test_what_is_no_tombstone_of_the_run(old: bytes, new: bytes) -> None:
    data = dump_tombstone(Tombstone(RUN, TIME, ADA, "personal data"))
    assert old in data
    with pytest.raises(UnreadableTombstone, match=RUN):
        load_tombstone(RUN, data.replace(old, new))
