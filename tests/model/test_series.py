from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runref.model.codec import dump_json_line
from runref.model.record import MetricSummary
from runref.model.series import (
    DamagedSeries,
    Lines,
    Row,
    Summariser,
    merge_writers,
    parse_segment_name,
    read_lines,
    rows_of,
    segment_name,
    segments,
)
from runref.model.values import Number, decode_number, encode_number

# Floats of every size, and a few values that are often equal.
values = (
    st.floats()
    | st.integers(-(2**1023) + 1, 2**1023 - 1)
    | st.sampled_from([0.0, -0.0, 0, 1, 1.0, math.nan, math.inf, -math.inf, 1.7e308, -1.7e308])
)
names = st.sampled_from(["loss", "val/acc", "größe", "a\nb", "\udcff"])
steps = st.integers(-3, 10) | st.integers(-(2**70), 2**70)


@st.composite
def row_lists(draw: st.DrawFn, max_size: int = 12) -> list[Row]:
    drawn = draw(st.lists(st.tuples(steps, st.dictionaries(names, values)), max_size=max_size))
    return [Row(step, place / 8, held) for place, (step, held) in enumerate(drawn)]


def line_of(row: Row) -> bytes:
    encoded = {name: encode_number(value) for name, value in row.values.items()}
    return dump_json_line({"step": row.step, "elapsed": row.elapsed, "values": encoded})


def lines_of(rows: Iterable[Row]) -> bytes:
    return b"".join(map(line_of, rows))


def exact(value: Number) -> object:
    return ("NaN",) if value != value else (type(value), struct.pack("<d", value), value)


def exact_rows(rows: Iterable[Row]) -> list[object]:
    return [
        (row.step, row.elapsed, {name: exact(value) for name, value in row.values.items()})
        for row in rows
    ]


@given(row_lists())
def test_rows_come_back_with_all_their_bits(rows: list[Row]) -> None:
    assert exact_rows(rows_of(lines_of(rows))) == exact_rows(rows)


@given(row_lists(), st.data())
def test_a_file_cut_at_any_byte_keeps_every_whole_line(
    rows: list[Row], data: st.DataObject
) -> None:
    whole = lines_of(rows)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    lines = read_lines(cut)
    assert lines.good + lines.torn == cut
    assert lines.good == lines_of(rows[: len(lines.rows)])
    assert len(lines.rows) == cut.count(b"\n")
    assert lines.damaged == ()


DAMAGE = [
    b"\x00" * 64,
    b"{",
    b'{"step":1,"elapsed":0.5',
    b'"values":{}}',
    b"]",
    b"[1,2]",
    b"null",
    b"{},{}",
    b'{"step":1,"elapsed":0,"values":{}},{"step":2,"elapsed":0,"values":{}}',
    b'{"step":1.5,"elapsed":0,"values":{}}',
    b'{"step":true,"elapsed":0,"values":{}}',
    b'{"step":1,"elapsed":"0","values":{}}',
    b'{"step":1,"elapsed":0,"values":[]}',
    b'{"step":1,"elapsed":0,"values":{},"more":1}',
    b'{"step":1,"elapsed":0}',
    b'{"step":1,"elapsed":0,"values":{"loss":"low"}}',
    b'{"step":1,"elapsed":0,"values":{"loss":null}}',
    b'{"step":1,"elapsed":0,"values":{"loss":true}}',
    b'{"step":1,"elapsed":0,"values":{"loss":NaN}}',
    b'{"step":1,"elapsed":0,"values":{"loss":1e999}}',
    b'{"step":1,"elapsed":0,"values":{"loss":1' + b"0" * 400 + b"}}",
    b'{"step":1,"elapsed":0,\r"values":{"loss":{}}}',
]


@given(row_lists(4), row_lists(4), st.lists(st.sampled_from(DAMAGE), min_size=1, max_size=3))
@example([], [], [b'{"step":1,"elapsed":0.5', b'"values":{}}'])
def test_a_damaged_middle_is_set_aside_and_the_rest_is_kept(
    before: list[Row], after: list[Row], damage: list[bytes]
) -> None:
    damaged = tuple(line + b"\n" for line in damage)
    lines = read_lines(lines_of(before) + b"".join(damaged) + lines_of(after))
    assert lines.good == lines_of([*before, *after])
    assert len(lines.rows) == len(before) + len(after)
    assert lines.damaged == damaged
    Summariser().add(lines.rows)


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_kind_of_damage_is_noticed_by_itself(damage: bytes) -> None:
    row = line_of(Row(1, 0.0, {"loss": math.nan}))
    assert read_lines(damage + b"\n" + row).damaged == (damage + b"\n",)
    assert read_lines(row + damage + b"\n").good == row


def test_blank_lines_are_no_damage() -> None:
    row = line_of(Row(1, 0.0, {"loss": 1.0}))
    assert read_lines(b"\n" + row + b"\n \n" + row).damaged == ()
    assert read_lines(b"\n" + row + b"\n \n" + row).good == row * 2


@pytest.mark.parametrize("tail", [b'{"step":1', b'{"step":1}\n', b"x"])
def test_a_committed_series_must_be_whole(tail: bytes) -> None:
    with pytest.raises(DamagedSeries) as caught:
        rows_of(line_of(Row(1, 0.0, {})) + tail)
    assert tail.decode().strip() in caught.value.message


def naive_summary(points: Sequence[tuple[int, Number]]) -> MetricSummary:
    """The summary by its definition, in exact arithmetic."""
    known = [(step, value) for step, value in points if not math.isnan(value)]
    finite = [Fraction(float(value)) for _, value in known if math.isfinite(value)]
    low = min(known, key=lambda point: point[1], default=(points[0][0], math.nan))
    high = max(known, key=lambda point: point[1], default=(points[0][0], math.nan))
    return MetricSummary(
        count=len(points),
        first=points[0][1],
        last=points[-1][1],
        min=low[1],
        max=high[1],
        mean=float(sum(finite, Fraction()) / len(finite)) if finite else math.nan,
        last_step=points[-1][0],
        step_of_min=low[0],
        step_of_max=high[0],
    )


def summarise(pieces: Iterable[Sequence[Mapping[str, Any]]]) -> dict[str, list[object]]:
    summariser = Summariser()
    for piece in pieces:
        summariser.add(piece)
    return shown(summariser.result())


def shown(summaries: Mapping[str, MetricSummary]) -> dict[str, list[object]]:
    return {
        name: [
            exact(value) if field in ("first", "last", "min", "max", "mean") else value
            for field in MetricSummary.__slots__
            for value in [getattr(each, field)]
        ]
        for name, each in summaries.items()
    }


@given(row_lists(30), st.lists(st.integers(0, 30), max_size=4))
def test_summaries_are_those_of_a_naive_evaluator_however_the_rows_arrive(
    rows: list[Row], cuts: list[int]
) -> None:
    parsed = read_lines(lines_of(rows)).rows
    points: dict[str, list[tuple[int, Number]]] = {}
    for row in rows:
        for name, value in row.values.items():
            points.setdefault(name, []).append((row.step, value))
    expected = shown({name: naive_summary(of_name) for name, of_name in points.items()})
    ends = [0, *sorted(cuts), len(parsed)]
    pieces = [parsed[start:end] for start, end in pairwise(ends)]
    assert summarise([parsed]) == expected
    assert summarise(pieces) == expected
    assert summarise([row] for row in parsed) == expected


def test_the_mean_of_numbers_whose_sum_no_float_holds() -> None:
    summary = Summariser()
    summary.add([{"step": i, "values": {"x": 1.7e308}} for i in range(4)])
    assert summary.result()["x"].mean == 1.7e308


def test_nan_is_neither_minimum_nor_maximum_and_the_first_of_equal_values_counts() -> None:
    values = ["NaN", 2, 1.0, "Infinity", 1, 2.0, "NaN"]
    summariser = Summariser()
    summariser.add([{"step": 10 + i, "values": {"x": value}} for i, value in enumerate(values)])
    found = summariser.result()["x"]
    assert (found.count, found.last_step, found.step_of_min, found.step_of_max) == (7, 16, 12, 13)
    assert (found.min, found.max, found.mean) == (1.0, math.inf, 1.5)
    assert math.isnan(found.first)
    assert math.isnan(found.last)


@given(st.lists(row_lists(6), max_size=4))
def test_merging_writers_keeps_every_line_and_orders_them_by_time(writers: list[list[Row]]) -> None:
    parts = [read_lines(lines_of(rows)) for rows in writers]
    merged = merge_writers(parts)
    # A stable sort: lines of one moment stay in the order of the writers.
    expected = sorted((row for rows in writers for row in rows), key=lambda row: row.elapsed)
    assert merged.good == lines_of(expected)
    assert exact_rows(rows_of(merged.good)) == exact_rows(expected)
    assert [row["step"] for row in merged.rows] == [row.step for row in expected]


def test_merging_keeps_what_is_damaged_and_the_bytes_of_a_single_writer() -> None:
    spaced = b'{"step": 1,\r "elapsed": 2, "values": {}}\n'
    one, two = read_lines(spaced + b"bad\n"), read_lines(b"worse\n" + line_of(Row(0, 1.0, {})))
    assert merge_writers([one]) is one
    merged = merge_writers([one, two])
    assert merged.good == line_of(Row(0, 1.0, {})) + spaced
    assert merged.damaged == (b"bad\n", b"worse\n")
    assert merge_writers([]) == Lines(b"", [], ())


@given(row_lists(20), st.integers(1, 200))
def test_segments_are_whole_lines_of_at_most_the_size(rows: list[Row], size: int) -> None:
    data = lines_of(rows)
    pieces = list(segments(data, size))
    assert b"".join(pieces) == data
    for piece in pieces:
        assert piece.endswith(b"\n")
        assert len(piece) <= size or piece.count(b"\n") == 1
    for piece, following in pairwise(pieces):
        first_line = following.split(b"\n")[0] + b"\n"
        assert len(piece) + len(first_line) > size  # no piece is shorter than it need be


def test_a_segment_may_be_filled_to_the_last_byte() -> None:
    assert list(segments(b"ab\ncd\nef\n", 6)) == [b"ab\ncd\n", b"ef\n"]
    assert list(segments(b"ab\ncd\nef\n", 5)) == [b"ab\n", b"cd\n", b"ef\n"]
    assert list(segments(b"", 5)) == []


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_segment_names_come_back(rank: int, number: int) -> None:
    assert parse_segment_name(segment_name(rank, number)) == (rank, number)


def test_segment_names() -> None:
    assert segment_name(0, 1) == "metrics.jsonl"
    assert segment_name(1, 2) == "metrics.rank-1.part-2.jsonl"


@pytest.mark.parametrize(
    "name",
    [
        *("run.yaml", "system.jsonl", "metrics", "metrics.json", "metrics.jsonl.gz", ""),
        *("metrics.rank-0.jsonl", "metrics.part-1.jsonl", "metrics.rank-01.jsonl"),
        *("metrics.part-2.rank-1.jsonl", "metrics.rank-1.rank-2.jsonl", "metrics.rank-x.jsonl"),
        *("metrics.rank-１.jsonl", "metrics..jsonl", "metrics.rank-1.jsonl\n"),  # noqa: RUF001
    ],
)
def test_other_files_are_no_segments(name: str) -> None:
    assert parse_segment_name(name) is None


def test_decoding_rows_gives_numbers() -> None:
    line = b'{"step":3,"elapsed":1.25,"values":{"loss":"NaN","acc":0.5,"n":7}}\n'
    (row,) = rows_of(line)
    assert math.isnan(row.values["loss"])
    assert dict(row.values, loss=0) == {"loss": 0, "acc": 0.5, "n": 7}
    assert decode_number("-Infinity") == -math.inf
