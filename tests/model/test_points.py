"""Points of one metric, read fast, are those that reading everything gives."""

from __future__ import annotations

import json
import math
import re
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model import points
from runref.model.codec import dump_json_line
from runref.model.points import Points, StepTooLarge, read_points
from runref.model.series import DamagedSeries, rows_of
from runref.model.values import encode_number

names = st.sampled_from(["m", "M", "val/acc", "ünï/😀", 'a"b\\', "bytes:x", "\udcff", ""])
values = st.one_of(
    st.floats(), st.integers(-(2**70), 2**70), st.sampled_from([0, -0.0, 2**63, 2**64, -(2**63)])
)
steps = st.integers(-(2**63), 2**63 - 1)
rows = st.tuples(
    steps, st.floats(0, 1e9) | st.integers(0, 9), st.dictionaries(names, values, max_size=3)
)


def line(step: int, elapsed: float, held: dict[str, float]) -> bytes:
    encoded = {name: encode_number(value) for name, value in held.items()}
    return dump_json_line({"step": step, "elapsed": elapsed, "values": encoded})


def naive(files: list[bytes], name: str) -> Points:
    found = [row for data in files for row in rows_of(data) if name in row.values]
    return Points(
        array("q", [row.step for row in found]),
        array("d", [row.elapsed for row in found]),
        array("d", [float(row.values[name]) for row in found]),
    )


def same(one: Points, other: Points) -> bool:
    numbers = zip(one.value, other.value, strict=True)
    return (one.step, one.elapsed) == (other.step, other.elapsed) and all(
        (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
        for a, b in numbers
    )


@given(st.lists(st.lists(rows, max_size=4), max_size=3), names)
def test_fast_and_naive_agree(files: list[list[tuple[int, float, dict[str, float]]]], name: str):
    held = [b"".join(line(*row) for row in each) for each in files]
    assert same(read_points(held, name), naive(held, name))


@pytest.mark.slow
def test_a_long_file_is_read_in_pieces_that_make_no_difference():
    odd: list[dict[str, float]] = [{"m": math.nan}, {"other": 1}, {"m": 2**70}, {"m": -0.0}, {}]
    long = b"".join(
        line(
            step % 7_000,
            step / 3,
            odd[step % 5] if step % 997 == 0 else {'a"b\\,{': step / 7, "m": 1},
        )
        for step in range(12_000)
    )
    assert len(long) > 3 * points._PIECE
    for name in ("m", 'a"b\\,{', "other", "none"):
        assert same(
            read_points([long, line(9, 9, {"m": 9})], name),
            naive([long, line(9, 9, {"m": 9})], name),
        )


@pytest.mark.slow
@pytest.mark.parametrize("damage", [b"nonsense\n", b'{"step":1,"elapsed":0}\n', b'{"step":1,'])
def test_damage_is_found_in_whichever_piece_it_is(damage: bytes):
    whole = b"".join(line(step, step, {"m": step}) for step in range(20_000))
    middle = whole.index(b"\n", len(whole) * 2 // 3) + 1
    for data in (whole[:middle] + damage + whole[middle:], whole + damage):
        assert len(data) > 2 * points._PIECE
        with pytest.raises(DamagedSeries):
            rows_of(data)
        with pytest.raises(DamagedSeries, match=re.escape(repr(damage)[2:10])):
            read_points([data], "m")


def test_a_step_beyond_64_bits_in_a_later_piece():
    data = b"".join(line(step, step, {"m": step}) for step in range(20_000))
    assert len(data) > 2 * points._PIECE
    with pytest.raises(StepTooLarge, match=str(2**63)):
        read_points([data + line(2**63, 0, {"m": 1})], "m")


@pytest.mark.parametrize(
    "text",
    [
        '{"step":1,"elapsed":0,"values":{"m":1}}',  # torn
        '{"step":1,"elapsed":0,"values":{"m":"nan"}}\n',
        '{"step":1,"elapsed":0,"values":{"m":true}}\n',
        '{"step":1,"elapsed":0,"values":{"m":null}}\n',
        '{"step":1,"elapsed":0,"values":{"m":[1]}}\n',
        '{"step":1,"elapsed":0,"values":[]}\n',
        '{"step":1.0,"elapsed":0,"values":{"m":1}}\n',
        '{"step":true,"elapsed":0,"values":{"m":1}}\n',
        '{"step":1,"elapsed":"0","values":{"m":1}}\n',
        '{"step":1,"elapsed":0}\n',
        '{"step":1,"elapsed":0,"values":{"m":1},"more":0}\n',
        '{"step":1,"elapsed":0,"valued":{"m":1}}\n',
        "1\n", "[]\n", "nonsense\n",
        '{"step":1,"elapsed":0,"values":{"m":1}},{"step":1,"elapsed":0,"values":{"m":1}}\n',
        '{"step":1,\n"elapsed":0,"values":{"m":1}}\n',
    ],
)  # fmt: skip
def test_what_is_no_log_call_is_damage_for_both(text: str):
    good = line(0, 0, {"m": 1})
    with pytest.raises(DamagedSeries):
        rows_of(good + text.encode())
    with pytest.raises(DamagedSeries):
        read_points([good + text.encode()], "m")


@pytest.mark.parametrize("step", [2**63, -(2**63) - 1, 2**200])
def test_a_step_beyond_64_bits(step: int):
    data = json.dumps({"step": step, "elapsed": 0, "values": {"m": 1}}).encode() + b"\n"
    with pytest.raises(StepTooLarge, match=str(step)):
        read_points([data], "m")
    assert len(read_points([data], "other")) == 0


def test_nothing_to_read():
    for files in ([], [b""], [b"", b""]):
        assert len(read_points(files, "m")) == 0
