"""Numbers and plain values: what a metric or a parameter may be, and how the format writes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from os import PathLike, fspath
from typing import Any, TypeAlias

from runref.errors import ExitStatus, RunrefError

Number: TypeAlias = int | float

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_ARRAY_LIMIT = 1000
"""Elements of an array that a parameter may hold; larger ones are data, not parameters."""


class NotANumber(RunrefError):
    """A value that was logged as a metric is no number."""

    code = "not-a-number"
    exit_status = ExitStatus.USAGE


def to_number(value: object) -> Number:
    """Return `value` as a Python number with all its bits.

    Accepts Python numbers and whatever converts to one without loss of meaning: booleans (as 0 and
    1), decimals and fractions (as floats), and scalars or one-element arrays of numpy, torch, jax
    and their like, through ``item()``.

    Raises:
        NotANumber: `value` is text, a complex number, a larger array or anything else.
    """
    kind = type(value)
    if kind is float or kind is int:
        return value  # type: ignore[return-value]
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return float(value) if isinstance(value, float) else int(value)
    if isinstance(value, (Decimal, Fraction)):
        return float(value)
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "size", 1) is not None:
        try:
            plain = item()
        except (TypeError, ValueError, RuntimeError) as error:
            raise NotANumber(f"{kind.__name__} is not a single number: {error}") from error
        if type(plain) in (int, float, bool):
            return to_number(plain)
    raise NotANumber(f"{_shown(value)} is not a number")


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text[:40]}… ({type(value).__name__})" if len(text) > 40 else text


def encode_number(value: Number) -> Number | str:
    """Return `value` as JSON and YAML can hold it: NaN and infinities become their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def decode_number(value: object) -> Number:
    """Undo `encode_number`.

    Raises:
        NotANumber: `value` is neither a number nor one of the three names.
    """
    if isinstance(value, str) and value in _NON_FINITE:
        return _NON_FINITE[value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise NotANumber(f"{_shown(value)} is not a number of the format")


def to_plain(value: object) -> Any:
    """Return a parameter's value as JSON and YAML can hold it, nested as it was given.

    Mappings and sequences are kept with their nesting; sets are sorted; enumerations become their
    names; paths, dates and anything else become text.
    """
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (int, float)):
        return encode_number(to_number(value))
    if isinstance(value, Mapping):
        return {str(name): to_plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(inner) for inner in value]
    if isinstance(value, Set):
        return sorted((to_plain(inner) for inner in value), key=repr)
    return _other_to_plain(value)


def _other_to_plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, PathLike):
        path = fspath(value)
        return path if isinstance(path, str) else path.decode("utf-8", "surrogateescape")
    to_list = getattr(value, "tolist", None)
    if callable(to_list) and _element_count(value) <= _ARRAY_LIMIT:
        return to_plain(to_list())
    if isinstance(value, type) or callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value)}"
    return str(value)


def _element_count(value: object) -> int:
    size = getattr(value, "size", None)
    if callable(size):  # torch: size() is the shape, numel() the count
        numel = getattr(value, "numel", None)
        return int(numel()) if callable(numel) else _ARRAY_LIMIT + 1
    return int(size) if isinstance(size, int) else _ARRAY_LIMIT + 1
