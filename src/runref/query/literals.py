"""The values that literals of a query stand for, by the type that they are compared with."""

from __future__ import annotations

import math
import re
from datetime import datetime, time, timedelta, tzinfo

from runref.model.times import format_time
from runref.query.errors import QueryInvalid, QueryTypeMismatch, shown
from runref.query.printing import print_operand
from runref.query.syntax import Ago, Duration, Literal, Number, Text, Word
from runref.query.tokens import SIZES

_BITS = 1023
"""Of the largest integer that the format holds."""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"([0-9.]+)(ms|[wdhms])")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_HEX = re.compile(r"[0-9a-f]{4,64}")
_ID = re.compile(r"[0-9]{8}-[0-9a-f]{0,12}")


def kind_of_literal(literal: Literal) -> str:
    """Return the word for a literal's type: that of a plain value, or time, duration or size."""
    if isinstance(literal, Text):
        return "text"
    if isinstance(literal, Number):
        return "bytes" if literal.unit else "number"
    if isinstance(literal, Duration):
        return "seconds"
    if isinstance(literal, Word) and literal.text in ("true", "false", "none"):
        return "none" if literal.text == "none" else "boolean"
    return "time"


def number_of(literal: Number | Duration) -> int | float:
    """Return a number, the seconds of a duration or the bytes of a size; NaN for ``nan``.

    Raises:
        QueryInvalid: it is beyond the range of a float.
    """
    value: int | float
    if isinstance(literal, Duration):
        value = sum(_seconds(*part) for part in _DURATION.findall(literal.text))
    elif _INTEGER.fullmatch(literal.text):
        value = int(literal.text) if len(literal.text) <= 400 else 1 << _BITS
    else:
        value = float(literal.text)
    if isinstance(literal, Number) and literal.unit:
        value *= SIZES[literal.unit]
    fits = value.bit_length() <= _BITS if isinstance(value, int) else not math.isinf(value)
    if fits or print_operand(literal) in ("inf", "-inf", "+inf"):
        return value
    raise QueryInvalid(f"{shown(print_operand(literal), 30)} is too large a number", literal.span)


def _seconds(amount: str, unit: str) -> float:
    # As a record has it: 3 ms are the float 0.003, which 3 * 0.001 need not be.
    return float(f"{amount}e-3") if unit == "ms" else float(amount) * _SECONDS[unit]


def moments_of(literal: Literal, now: datetime) -> tuple[str, str | None]:
    """Return the time that a literal stands for; where it is a day, its start and the next day's.

    Raises:
        QueryTypeMismatch: it is no time.
        QueryInvalid: there is no such time.
    """
    if isinstance(literal, Text) or kind_of_literal(literal) != "time":
        return _written_time(literal, now.tzinfo)
    try:
        if isinstance(literal, Ago):
            return format_time(now - timedelta(seconds=number_of(literal.duration))), None
        if print_operand(literal) == "now":
            return format_time(now), None
        days = 1 if print_operand(literal) == "yesterday" else 0
        return _day(datetime.combine(now.date() - timedelta(days), time()), now.tzinfo)
    except OverflowError as error:
        raise QueryInvalid("there is no such time", literal.span) from error


def prefix_of(literal: Literal, *, digest: bool = False, run_id: bool = False) -> str:
    """Return the beginning of a hash, digest or run id that a literal is.

    Raises:
        QueryTypeMismatch: it is no text.
        QueryInvalid: it is none.
    """
    what = "a run id" if run_id else "a hash"
    if not isinstance(literal, Text):
        raise QueryTypeMismatch(
            f"{what} is wanted here, in quotes: {shown(print_operand(literal))}", literal.span
        )
    text = literal.value.lower()
    digits = text.removeprefix("sha256:") if digest else text
    if _HEX.fullmatch(digits) or (run_id and _ID.fullmatch(text)):
        return f"sha256:{digits}" if digest else text
    raise QueryInvalid(
        f"{shown(literal.value)} is no beginning of {what}: at least 4 digits, 0-9 and a-f",
        literal.span,
    )


def _written_time(literal: Literal, zone: tzinfo | None) -> tuple[str, str | None]:
    if isinstance(literal, Duration):
        written = print_operand(literal)
        raise QueryTypeMismatch(
            f"{written} is a duration, no time: did you mean `{written} ago`?", literal.span
        )
    match = _TIME.fullmatch(literal.value.strip()) if isinstance(literal, Text) else None
    if match is None:
        raise QueryTypeMismatch(
            f"{shown(_shown_value(literal))} is no time", literal.span,
            hint='Times: "2026-11-01", "2026-11-01T12:00", 7d ago, today, yesterday, now.',
        )  # fmt: skip
    day, minutes, seconds, fraction, offset = match.groups()
    try:
        if minutes is None:
            return _day(datetime.fromisoformat(day), zone)
        micros = f"{fraction or '.'}000000"[:7]
        offset = "+00:00" if offset == "Z" else offset or ""
        moment = datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}{micros}{offset}")
        return format_time(moment if moment.tzinfo else moment.replace(tzinfo=zone)), None
    except (ValueError, OverflowError) as error:
        raise QueryInvalid(
            f"there is no time {shown(_shown_value(literal))}", literal.span
        ) from error


def _day(start: datetime, zone: tzinfo | None) -> tuple[str, str]:
    following = start + timedelta(days=1)
    return format_time(start.replace(tzinfo=zone)), format_time(following.replace(tzinfo=zone))


def _shown_value(literal: Literal) -> str:
    return literal.value if isinstance(literal, Text) else print_operand(literal)
