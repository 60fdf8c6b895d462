"""Smoothing as TensorBoard does it, so that equal settings show equal curves."""

from __future__ import annotations

import math
from collections.abc import Sequence


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Return the exponential moving average of a series, with its bias towards zero corrected.

    The average starts at zero; dividing by ``1 - weight**n`` after n values takes that out again.
    So does TensorBoard (``classicSmoothing`` in ``webapp/widgets/line_chart_v2/
    data_transformer.ts``; the correction is that of Adam, Kingma and Ba 2015, section 3).

    Values count by their number, whatever the distance of their steps. NaN and infinities stay as
    they are and change nothing: what follows goes on from what was before.

    Args:
        values: The series, in the order in which it was logged.
        weight: How much of the average stays with each further value, from 0 (nothing is
            smoothed) to less than 1.

    Raises:
        ValueError: `weight` is out of range.
    """
    if not 0 <= weight < 1:
        raise ValueError(f"the weight {weight} is not within [0, 1)")
    result, average, remaining = [], 0.0, 1.0
    low, high = math.inf, -math.inf
    for value in values:
        if not math.isfinite(value):
            result.append(value)
            continue
        low, high = min(low, value), max(high, value)
        average = weight * average + (1 - weight) * value
        remaining *= weight
        # A mean lies between its values; rounding must not move it out, nor a constant off itself.
        result.append(min(max(average / (1 - remaining), low), high))
    return result
