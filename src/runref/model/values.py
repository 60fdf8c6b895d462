"""Numbers and plain values: what a metric or a parameter may be, and how the format writes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from os import PathLike, fspath
from typing import Any, TypeAlias, TypeGuard

from runref.errors import ExitStatus, RunrefError

Number: TypeAlias = int | float

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""What the format writes for the floats that JSON has no way to write."""
_INTEGER_BITS = 1023
"""Any integer of so many bits converts to a float, so every number can be compared and plotted."""
_ARRAY_LIMIT = 1000
"""Elements of an array that a parameter may hold; larger ones are data, not parameters."""
_DEPTH_LIMIT = 64
"""Levels of nesting that a parameter may have, so that one that holds itself has an end."""


class NotANumber(RunrefError):
    """A value that was logged as a metric is no number."""

    code = "not-a-number"
    exit_status = ExitStatus.USAGE


def to_number(value: object) -> Number:
    """Return `value` as a Python number.

    Accepts what converts without loss of meaning: real numbers of Python and numpy (booleans as 0
    and 1; integers stay integers, all others become floats), and the one element of an array or
    tensor of numpy, torch, jax and their like, through ``item()``.

    Raises:
        NotANumber: `value` is text, a complex number, a larger array, beyond the range of a float,
            or anything else.
    """
    kind = type(value)
    if kind is float:
        return value  # type: ignore[return-value]
    if isinstance(value, Integral):
        return _in_range(int(value))
    if isinstance(value, (Real, Decimal)):
        return _to_float(value)
    item = getattr(value, "item", None)
    if callable(item):
        try:
            element = item()
        except (TypeError, ValueError, RuntimeError) as error:
            raise NotANumber(f"{kind.__name__} is not a single number: {error}") from error
        if isinstance(element, Real):
            return to_number(element)
    raise NotANumber(f"{_shown(value)} is not a number")


def _in_range(number: int) -> int:
    if number.bit_length() > _INTEGER_BITS:
        raise NotANumber(f"an integer of {number.bit_length()} bits is too large; at most 1023 fit")
    return number


def _to_float(value: Real | Decimal) -> float:
    try:
        number = float(value)
    except (OverflowError, ValueError) as error:  # a huge fraction, a signalling NaN
        raise NotANumber(f"{_shown(value)} is not a number: {error}") from error
    if math.isinf(number) and value != number:
        raise NotANumber(f"{_shown(value)} is beyond the range of a float")
    return number


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python prints no integers of more than 4300 digits
        return f"a value of type {type(value).__name__}"
    return f"{text[:40]}… ({type(value).__name__})" if len(text) > 40 else text


def encode_number(value: Number) -> Number | str:
    """Return `value` as JSON and YAML can hold it: NaN and infinities become their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def decode_number(value: object) -> Number:
    """Undo `encode_number`.

    Raises:
        NotANumber: `value` is neither a number in the range of a float nor one of the three names.
    """
    kind = type(value)
    if kind is float:
        return value  # type: ignore[return-value]
    if kind is int:
        return _in_range(value)  # type: ignore[arg-type]
    if isinstance(value, str) and value in NON_FINITE:
        return NON_FINITE[value]
    raise NotANumber(f"{_shown(value)} is not a number of the format")


def to_plain(value: object) -> Any:
    """Return a parameter's value as JSON and YAML can hold it, nested as it was given.

    Mappings and sequences are kept with their nesting, small arrays become lists, and sets are
    sorted; enumerations become their names, functions and classes their import path; paths, dates
    and anything else become text. So do integers beyond the range of a float (in hexadecimal), and
    what is nested more than 64 levels deep.
    """
    return _to_plain(value, _DEPTH_LIMIT)


def _to_plain(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral):
        number = int(value)
        return number if number.bit_length() <= _INTEGER_BITS else hex(number)
    if isinstance(value, float):
        return encode_number(float(value))
    return _nested_to_plain(value, depth) if depth else _to_text(value)


def _nested_to_plain(value: object, depth: int) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _to_plain(inner, depth - 1) for name, inner in value.items()}
    if isinstance(value, Set):
        return sorted((_to_plain(inner, depth - 1) for inner in value), key=repr)
    if isinstance(value, (list, tuple)) or _is_short_sequence(value):
        return [_to_plain(inner, depth - 1) for inner in value]
    to_list = getattr(value, "tolist", None)
    if callable(to_list) and _element_count(value) <= _ARRAY_LIMIT:
        return _to_plain(to_list(), depth - 1)
    return _to_text(value)


def _is_short_sequence(value: object) -> TypeGuard[Sequence[object]]:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return False
    return isinstance(value, Sequence) and len(value) <= _ARRAY_LIMIT


def _element_count(value: object) -> int:
    size = getattr(value, "size", None)
    if callable(size):  # torch: size() is the shape, numel() the count
        size = getattr(value, "numel", lambda: None)()
    return size if isinstance(size, int) else _ARRAY_LIMIT + 1


def _to_text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, PathLike):
        path = fspath(value)
        return path if isinstance(path, str) else path.decode("utf-8", "surrogateescape")
    name = getattr(value, "__qualname__", None)
    return f"{getattr(value, '__module__', '')}.{name}" if name else str(value)
