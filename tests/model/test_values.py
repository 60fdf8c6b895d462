from __future__ import annotations

import math
import struct
from argparse import Namespace
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.codec import dump_yaml, load_yaml
from runref.model.values import NotANumber, decode_number, encode_number, to_number, to_plain


class Tensor:
    """What torch's tensors and jax's arrays have in common."""

    def __init__(self, *elements: Any) -> None:
        self.elements = elements

    def item(self) -> Any:
        if len(self.elements) != 1:
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self.elements[0]


def bits(number: float) -> bytes:
    return struct.pack("<d", number)


@given(st.floats() | st.integers(-(2**1023) + 1, 2**1023 - 1))
def test_a_python_number_keeps_its_kind_and_all_its_bits(number: float) -> None:
    made = to_number(number)
    assert type(made) is type(number)
    assert made == number if isinstance(number, int) else bits(made) == bits(number)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, 1),
        (False, 0),
        (np.bool_(True), 1),
        (np.int64(2**62), 2**62),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.int8(-3), -3),
        (np.float64(0.1), 0.1),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float16(0.5), 0.5),
        (np.longdouble("0.25"), 0.25),
        (np.array(7), 7),
        (np.array([1.5]), 1.5),
        (np.array([[2]]), 2),
        (np.array([np.longdouble(0.25)]), 0.25),
        (Decimal("0.1"), 0.1),
        (Decimal("Infinity"), math.inf),
        (Fraction(1, 4), 0.25),
        (Tensor(3.5), 3.5),
        (Tensor(True), 1),
        (-0.0, -0.0),
    ],
)
def test_what_converts_without_loss_of_meaning_is_a_number(value: object, expected: float) -> None:
    made = to_number(value)
    assert type(made) is type(expected)
    assert bits(float(made)) == bits(float(expected))


@pytest.mark.parametrize("value", [math.nan, np.float32("nan"), Decimal("NaN"), Tensor(math.nan)])
def test_nan_is_a_number(value: object) -> None:
    assert math.isnan(to_number(value))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("0.5", "'0.5' is not a number"),
        (b"1", "b'1' is not a number"),
        (None, "None is not a number"),
        (1 + 2j, "(1+2j) is not a number"),
        (np.complex128(1), "is not a number"),
        (np.array([1 + 0j]), "is not a number"),
        (np.array(["x"]), "is not a number"),
        (np.datetime64("2026-11-21"), "is not a number"),
        (np.array([1, 2]), "ndarray is not a single number"),
        (np.array([]), "ndarray is not a single number"),
        (Tensor(1, 2), "Tensor is not a single number: a Tensor with 2 elements"),
        (Tensor("x"), "is not a number"),
        ({"item": 1}, "{'item': 1} is not a number"),
        ([1.0], "[1.0] is not a number"),
        ("x" * 200, "… (str) is not a number"),
        (Decimal("sNaN"), "signaling NaN"),
        (Decimal("1e400"), "beyond the range of a float"),
        (Fraction(10**400), "is not a number"),
        (10**400, "an integer of 1329 bits is too large"),
        (-(10**5000), "bits is too large; at most 1023 fit"),
        (Fraction(10**5000), "a value of type Fraction is not a number"),
        ([10**5000], "a value of type list is not a number"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_refused_with_a_message_that_shows_it(value: object, words: str) -> None:
    with pytest.raises(NotANumber) as caught:
        to_number(value)
    assert words in caught.value.message
    assert len(caught.value.message) < 250


@given(st.floats() | st.integers(-(2**1023) + 1, 2**1023 - 1))
def test_encoding_comes_back_with_all_bits(number: float) -> None:
    back = decode_number(encode_number(number))
    assert type(back) is type(number)
    assert math.isnan(back) if math.isnan(number) else bits_or_int(back) == bits_or_int(number)


def bits_or_int(number: float) -> object:
    return number if isinstance(number, int) else bits(number)


def test_only_non_finite_floats_are_encoded_by_name() -> None:
    encoded = [encode_number(each) for each in (math.nan, math.inf, -math.inf, 1.5, 2**70)]
    assert encoded == ["NaN", "Infinity", "-Infinity", 1.5, 2**70]


@pytest.mark.parametrize("value", ["nan", "inf", "1", "", None, True, [1], 2**1024])
def test_what_is_no_number_of_the_format_is_not_decoded(value: object) -> None:
    with pytest.raises(NotANumber):
        decode_number(value)


class Optimiser(Enum):
    ADAM = "adam"


class Depth(IntEnum):
    DEEP = 101


class Mode(str, Enum):
    FAST = "fast"


@dataclass
class Options:
    lr: float
    inner: dict[str, object]


def build_model() -> None: ...


class Layer:
    def __call__(self) -> None: ...

    def __repr__(self) -> str:
        return "Layer(3)"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.1, 0.1),
        (math.nan, "NaN"),
        ("text", "text"),
        (np.str_("text"), "text"),
        (np.float32(0.5), 0.5),
        (np.int64(5), 5),
        (np.bool_(True), True),
        (np.longdouble(0.5), "0.5"),
        (np.clongdouble(1), "(1+0j)"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(math.inf), "Infinity"),
        (np.datetime64("2026-11-21"), "2026-11-21"),
        ({"a": {"b": (1, 2)}}, {"a": {"b": [1, 2]}}),
        ({1: "x", None: "y"}, {"1": "x", "None": "y"}),
        ({"c", "a", "b"}, ["a", "b", "c"]),
        (frozenset([3, 1]), [1, 3]),
        (range(3), [0, 1, 2]),
        (Optimiser.ADAM, "ADAM"),
        (Depth.DEEP, "DEEP"),
        (Mode.FAST, "FAST"),
        (Options(0.1, {"k": Depth.DEEP}), {"lr": 0.1, "inner": {"k": "DEEP"}}),
        (PurePosixPath("a/b"), "a/b"),
        (date(2026, 11, 21), "2026-11-21"),
        (datetime(2026, 11, 21, 1, tzinfo=timezone.utc), "2026-11-21T01:00:00+00:00"),
        (Decimal("0.10"), "0.10"),
        (b"\xff", "b'\\xff'"),
        (1j, "1j"),
        (Namespace(a=1), "Namespace(a=1)"),
        (Layer(), "Layer(3)"),
        (len, "builtins.len"),
        (dict, "builtins.dict"),
        (2**1023 - 1, 2**1023 - 1),
        (2**20000, hex(2**20000)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_parameter_becomes_a_plain_value(value: object, expected: object) -> None:
    plain = to_plain(value)
    assert plain == expected
    assert type(plain) is type(expected)
    assert load_yaml(dump_yaml({"value": plain})) == {"value": expected}


def test_functions_and_classes_become_their_import_path() -> None:
    assert to_plain(build_model).endswith("test_values.build_model")
    assert to_plain(Layer).endswith("test_values.Layer")


def test_a_path_that_is_no_unicode_comes_back() -> None:
    class RawPath:
        def __fspath__(self) -> bytes:
            return b"\xff/a"

    assert to_plain(RawPath()) == "\udcff/a"
    assert to_plain(Path("\udcff")) == "\udcff"


def test_a_large_array_is_no_parameter_and_becomes_text() -> None:
    assert len(to_plain(np.arange(1000))) == 1000
    assert isinstance(to_plain(np.arange(1001)), str)
    assert to_plain(range(10**9)) == "range(0, 1000000000)"


def test_a_value_that_holds_itself_has_an_end() -> None:
    endless: list[object] = []
    endless.append(endless)
    plain = to_plain(endless)
    assert load_yaml(dump_yaml({"value": plain}))["value"] == plain
    for _ in range(64):
        (plain,) = plain
    assert plain == "[[...]]"
