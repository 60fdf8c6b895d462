from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runref.query.version import AFTER_LOCAL, is_version, public_key, sort_key

ORDERED = [
    "anything", "0", "0.9", "1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0a1.post1.dev2", "1.0a1.post1",
    "1.0b1", "1.0rc1", "1.0", "1.0+abc", "1.0+abc.5", "1.0+5", "1.0+5.a", "1.0.post1.dev1",
    "1.0.post1", "1.1", "1.9.10", "1.10", "2", "10.0", "1!0.5",
]  # fmt: skip


def test_versions_sort_as_python_sorts_them() -> None:
    for lower, higher in pairwise(map(sort_key, ORDERED)):
        assert lower < higher


def test_ways_to_write_one_version_are_one() -> None:
    pairs = [
        ("1.0", "1"), ("v1.0", "1.0.0"), ("1.0c3", "1.0rc3"), ("1.0-1", "1.0.post1"),
        ("1.0_ALPHA.2", "1.0a2"), ("1.0+A-b", "1.0+a.b"), ("1.0a", "1.0a0"),
    ]  # fmt: skip
    for left, right in pairs:
        assert sort_key(left) == sort_key(right)


def test_what_is_no_version_is_said_to_be_none() -> None:
    for text in ["", "unknown", "1.x", "1..2", "9" * 150, "1." * 150]:
        assert not is_version(text)
        assert sort_key(text) == f"0{text}"


@given(
    st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|b|rc)[0-9])?(\.post[0-9])?(\.dev[0-9])?\Z")
)
def test_local_versions_stand_between_their_version_and_the_next(text: str) -> None:
    public = public_key(text)
    assert public is not None
    for local in ("+0", "+zz", "+a.1"):
        assert sort_key(text) < sort_key(text + local) < public + AFTER_LOCAL


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=4),
    st.lists(st.integers(0, 1000), min_size=1, max_size=4),
)
def test_releases_sort_by_their_numbers(left: list[int], right: list[int]) -> None:
    longest = max(len(left), len(right))
    padded = [[*each, *[0] * (longest - len(each))] for each in (left, right)]
    keys = [sort_key(".".join(map(str, each))) for each in (left, right)]
    assert (keys[0] < keys[1]) is (padded[0] < padded[1])
