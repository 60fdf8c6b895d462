"""What differs inside texts, tables and JSON documents."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.content_difference import BYTES, CSV, JSON, NAMED, TEXT, compare_contents
from runref.model.difference import ADDED, CHANGED, REMOVED, Change

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=3)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)
cells = st.text(alphabet='ab,"\n\r\x0c\u2028 1', max_size=3)
tables = st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=6)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def as_csv(rows: Any) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def counts(found: Any) -> tuple[int, int, int]:
    return found.added, found.removed, found.changed


@given(documents, documents)
def test_json_differs_where_the_values_do_and_sides_swap(left: Any, right: Any) -> None:
    there = compare_contents("x.json", as_json(left), as_json(right))
    back = compare_contents("x.json", as_json(right), as_json(left))
    assert there.kind == JSON
    assert counts(there) == (back.removed, back.added, back.changed)
    assert counts(compare_contents("x.json", as_json(left), as_json(left))) == (0, 0, 0)
    if as_json(left) == as_json(right):
        assert counts(there) == (0, 0, 0)
    elif left != right and left == left and right == right:
        assert any(counts(there)) or "NaN" in json.dumps([left, right])


@given(tables, tables)
def test_tables_differ_where_the_cells_do_and_sides_swap(left: Any, right: Any) -> None:
    there = compare_contents("x.csv", as_csv(left), as_csv(right))
    back = compare_contents("x.csv", as_csv(right), as_csv(left))
    assert there.kind == back.kind == CSV
    assert there.added - there.removed == back.removed - back.added
    same = compare_contents("x.csv", as_csv(left), as_csv(left))
    assert (counts(same), same.cells, same.columns) == ((0, 0, 0), 0, ())
    if left != right:
        assert any(counts(there)) or there.columns or is_only_reordered(left, right)


def is_only_reordered(left: Any, right: Any) -> bool:
    """Whether the rows that follow the first have nothing that a column would show."""
    return left[0] != right[0] or [r for r in left if r] == [r for r in right if r]


@given(st.binary(max_size=60), st.binary(max_size=60), st.sampled_from(["a", "a.csv", "a.json"]))
def test_any_bytes_can_be_compared(left: bytes, right: bytes, path: str) -> None:
    found = compare_contents(path, left, right)
    assert found.kind in (BYTES, CSV, JSON, TEXT)
    assert len(found.first) <= NAMED
    assert not any(counts(compare_contents(path, left, left)))


def test_paths_of_json() -> None:
    left = {"a": {"b": [1, 2, 3]}, "x.y": 1, "gone": None, "n": 2**70, "z": [{"k": 1}, {"k": 2}]}
    right = {"a": {"b": [1, 5, 3]}, "x.y": "1", "n": 2**70 + 1, "z": [{"k": 2}], "new\n": [1]}
    found = compare_contents("r.json", as_json(left), as_json(right))
    assert found.first == (
        Change("gone", REMOVED, left=None),
        Change('["new\\n"]', ADDED, right="[1]"),
        Change("a.b[1]", CHANGED, 2, 5),
        Change("n", CHANGED, 2**70, 2**70 + 1),
        Change('["x.y"]', CHANGED, 1, "1"),
        Change("z[0]", REMOVED, left='{"k": 1}'),
    )
    assert counts(found) == (1, 2, 3)


def test_a_whole_document_of_another_kind() -> None:
    found = compare_contents("r.json", b"[1]", b"{}")
    assert found.first == (Change("the whole", CHANGED, "[1]", "{}"),)


@pytest.mark.parametrize("broken", [b"{", b"", b"[" * 100_000, b'{"a": 1} x'])
def test_what_is_no_json_is_compared_as_text(broken: bytes) -> None:
    found = compare_contents("r.json", b'{"a": 1}', broken)
    assert found.kind == TEXT
    assert found.problem


def test_cells_rows_and_columns() -> None:
    left = "\ufeffid,lr,old\n1,0.1,x\n2,0.2,y\n3,0.3,z\n4,0.4,z\n"
    right = "new,id,lr\n,1,0.1\n,2,0.9\n,4,0.4\n,5,0.5\n,6,0.6\n"
    found = compare_contents("t.csv", left.encode(), right.encode())
    assert found.columns == (Change("old", REMOVED), Change("new", ADDED))
    assert found.first == (
        Change("row 2, lr", CHANGED, "0.2", "0.9"),
        Change("row 3", REMOVED, left="3, 0.3"),
        Change("row 4", ADDED, right="5, 0.5"),
        Change("row 5", ADDED, right="6, 0.6"),
    )
    assert (counts(found), found.cells) == ((2, 1, 1), 1)


def test_ragged_rows_and_names_that_occur_twice() -> None:
    found = compare_contents("t.csv", b"a,a\n1\n1,2,3\n,\n", b"a,a\n1,2\n1,2,4\n,\n")
    assert found.first == (
        Change("row 1, column 2", CHANGED, "(no cell)", "2"),
        Change("row 2, column 3", CHANGED, "3", "4"),
    )


def test_tabs_and_quotes() -> None:
    assert compare_contents("t.tsv", b"a\tb\n1\t2\n", b"a\tb\n1\t3\n").cells == 1
    same = compare_contents("t.csv", b'a,b\n1,"2"\n', b"a,b\r\n1,2\r\n")
    assert (same.kind, counts(same)) == (CSV, (0, 0, 0))
    inner = compare_contents("t.csv", b'a\n"x\r\ny"\n', b'a\n"x\ny"\n')
    assert inner.first == (Change("row 1, a", CHANGED, "x\r\ny", "x\ny"),)
    endless = compare_contents("t.csv", b'a\n"1', b"a\n1\n")
    assert endless.kind == TEXT
    assert endless.problem.startswith("no table on both sides")


def test_lines_are_named_and_the_rest_counted() -> None:
    left = "".join(f"{number}\n" for number in range(100))
    found = compare_contents("log.txt", left.encode(), b"caf\xe9\n")
    assert (found.kind, counts(found)) == (TEXT, (1, 100, 0))
    assert found.first[0] == Change("line 1", REMOVED, left="0")
    assert len(found.first) == NAMED
    assert found.more == 101 - NAMED
    one = compare_contents("one.txt", b"x" * 10_000_000, b"y" * 10_000_000)
    assert one.first[1] == Change("line 1", ADDED, right="y" * 200 + "…")


def test_binary_contents_are_not_looked_into() -> None:
    found = compare_contents("m.csv", b"a\0", b"a")
    assert found.kind == BYTES
    assert counts(found) == (0, 0, 0)


def test_contents_with_too_many_lines_say_so() -> None:
    found = compare_contents("t.csv", b"\n" * 2_000_001, b"a\n")
    assert (found.kind, found.problem) == ("", "over 2000000 lines: not looked into")
