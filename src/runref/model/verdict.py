"""Whether a reproduction held: pure comparison of series and outputs.

| verdict | meaning |
|---|---|
| ``identical`` | every point of every series and every output is the same to the bit |
| ``within-tolerance`` | every point is within the tolerance; every output is the same to the bit |
| ``equivalent`` | every point is within the tolerance, but an output differs or is unknown |
| ``different`` | a point is out of tolerance, or a series or output is missing or new |
| ``failed`` | the command ended otherwise than the original's |
| ``not-runnable`` | nothing could be compared: code or inputs are missing, or no results |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runref.model.difference import same_value
from runref.model.values import Number

IDENTICAL = "identical"
WITHIN_TOLERANCE = "within-tolerance"
EQUIVALENT = "equivalent"
DIFFERENT = "different"
FAILED = "failed"
NOT_RUNNABLE = "not-runnable"
VERDICTS = (IDENTICAL, WITHIN_TOLERANCE, EQUIVALENT, DIFFERENT, FAILED, NOT_RUNNABLE)
HELD = frozenset({IDENTICAL, WITHIN_TOLERANCE, EQUIVALENT})
MISSING, NEW, UNKNOWN = "missing", "new", "unknown"
"""Results besides the verdicts' words: only the original has it, only the reproduction has it, or
the original's output was never hashed, so that nothing can be said."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two values may be apart: ``|a - b| <= absolute + relative * max(|a|, |b|)``.

    The defaults are those of ``numpy.allclose``, made symmetric as in PEP 485.
    """

    relative: float = 1e-5
    absolute: float = 1e-8

    def allows(self, left: Number, right: Number) -> bool:
        """Tell whether two values are within the tolerance; NaN is near NaN only."""
        if same_value(left, right) or left == right:
            return True
        if not (math.isfinite(left) and math.isfinite(right)):
            return False
        return abs(left - right) <= self.absolute + self.relative * max(abs(left), abs(right))


@dataclass(frozen=True, slots=True)
class Points:
    """A series without its times: what a reproduction must give again. It has at least one."""

    steps: Sequence[int]
    values: Sequence[Number]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run left behind that a reproduction can be held against.

    Attributes:
        ending: Status and exit status, as one word for people.
        series: Points by name.
        outputs: Digest by path; empty where it could not be hashed, which proves nothing.
    """

    ending: str
    series: Mapping[str, Points]
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SeriesComparison:
    """How one series came out.

    Attributes:
        name: Name of the metric.
        result: ``identical``, ``within-tolerance``, ``different``, ``missing`` or ``new``.
        left: Last value of the original, where it has one.
        right: Last value of the reproduction, where it has one.
        points: Points of the longer series.
        equal: Points that are the same to the bit, step included.
        largest: Largest absolute difference of two finite values.
        first_difference: Step of the first point that is not the same; none where all are.
    """

    name: str
    result: str
    left: Number | None
    right: Number | None
    points: int
    equal: int = 0
    largest: float = 0.0
    first_difference: int | None = None


@dataclass(frozen=True, slots=True)
class OutputComparison:
    """How one output came out.

    Attributes:
        path: Path of the output, as recorded.
        result: ``identical``, ``different``, ``missing``, ``new``, or ``unknown`` where the
            original could not be hashed.
    """

    path: str
    result: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and what it rests on."""

    verdict: str
    series: tuple[SeriesComparison, ...]
    outputs: tuple[OutputComparison, ...]
    reasons: tuple[str, ...]


def judge(original: Evidence, again: Evidence, tolerance: Tolerance | None = None) -> Judgement:
    """Compare what two runs left behind and return the verdict with its reasons."""
    allowed = tolerance or Tolerance()
    series = tuple(
        compare_series(name, original.series.get(name), again.series.get(name), allowed)
        for name in sorted(original.series.keys() | again.series.keys())
    )
    outputs = tuple(
        OutputComparison(path, _output_result(original.outputs.get(path), again.outputs.get(path)))
        for path in sorted(original.outputs.keys() | again.outputs.keys())
    )
    if original.ending != again.ending:
        reason = f"the original {original.ending}, the reproduction {again.ending}"
        return Judgement(FAILED, series, outputs, (reason,))
    return Judgement(_verdict(series, outputs), series, outputs, _reasons(series, outputs, allowed))


def can_be_judged(original: Evidence) -> bool:
    """Tell whether a run left anything behind that a reproduction can be held against."""
    return bool(original.series) or any(original.outputs.values())


def compare_series(
    name: str, left: Points | None, right: Points | None, tolerance: Tolerance
) -> SeriesComparison:
    """Compare two series point by point, in the order in which they were logged."""
    if left is None or right is None:
        present = left or right
        assert present is not None  # noqa: S101 - one of the two named the series
        last = present.values[-1]
        return SeriesComparison(
            name,
            NEW if left is None else MISSING,
            left=None if left is None else last,
            right=None if right is None else last,
            points=len(present.values),
        )
    same = [
        step == other_step and same_value(value, other)
        for step, value, other_step, other in zip(
            left.steps, left.values, right.steps, right.values, strict=False
        )
    ]
    equal_length = len(left.values) == len(right.values)
    points = max(len(left.values), len(right.values))
    first = next((i for i, equal in enumerate(same) if not equal), None)
    if first is None and not equal_length:
        first = len(same)
    longer = left if len(left.values) >= len(right.values) else right
    return SeriesComparison(
        name,
        _series_result(left, right, all(same) and equal_length, tolerance),
        left=left.values[-1],
        right=right.values[-1],
        points=points,
        equal=sum(same),
        largest=_largest_difference(left.values, right.values),
        first_difference=None if first is None else longer.steps[first],
    )


def _series_result(left: Points, right: Points, identical: bool, tolerance: Tolerance) -> str:  # noqa: FBT001
    if identical:
        return IDENTICAL
    near = list(left.steps) == list(right.steps) and all(
        map(tolerance.allows, left.values, right.values)
    )
    return WITHIN_TOLERANCE if near else DIFFERENT


def _largest_difference(left: Sequence[Number], right: Sequence[Number]) -> float:
    return max(
        (
            abs(float(a) - float(b))
            for a, b in zip(left, right, strict=False)
            if math.isfinite(a) and math.isfinite(b)
        ),
        default=0.0,
    )


def _output_result(left: str | None, right: str | None) -> str:
    if left is None:
        return NEW
    if right is None or (left and not right):
        return MISSING
    if not left:
        return UNKNOWN
    return IDENTICAL if left == right else DIFFERENT


def _verdict(series: Sequence[SeriesComparison], outputs: Sequence[OutputComparison]) -> str:
    series_results = {each.result for each in series}
    output_results = {each.result for each in outputs}
    if not series and output_results <= {UNKNOWN}:
        return NOT_RUNNABLE
    if series_results - {IDENTICAL, WITHIN_TOLERANCE} or output_results & {MISSING, NEW}:
        return DIFFERENT
    if DIFFERENT in output_results and not series:
        return DIFFERENT
    if output_results & {DIFFERENT, UNKNOWN}:
        return EQUIVALENT
    return WITHIN_TOLERANCE if WITHIN_TOLERANCE in series_results else IDENTICAL


def _reasons(
    series: Sequence[SeriesComparison],
    outputs: Sequence[OutputComparison],
    tolerance: Tolerance,
) -> tuple[str, ...]:
    points = sum(each.points for each in series)
    equal = sum(each.equal for each in series)
    reasons = []
    if series:
        reasons.append(f"{equal} of {points} points of {len(series)} series identical")
    if any(each.result == WITHIN_TOLERANCE for each in series):
        reasons.append(
            f"compared within relative {tolerance.relative:g}, absolute {tolerance.absolute:g}"
        )
    reasons += [f"series {each.name} {each.result}" for each in series if _notable(each.result)]
    if outputs:
        same = sum(each.result == IDENTICAL for each in outputs)
        reasons.append(f"{same} of {len(outputs)} outputs identical")
    reasons += [f"output {each.path} {each.result}" for each in outputs if _notable(each.result)]
    return tuple(reasons) or ("neither series nor outputs to compare",)


def _notable(result: str) -> bool:
    return result not in (IDENTICAL, WITHIN_TOLERANCE)
