"""Telling metrics from runs among the words of `runref plot`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from runref.errors import ExitStatus, RunrefError
from runref.model.address import UnknownRun, parse_address

_NAMED = 12
"""How many names a hint lists."""


class NothingToPlot(RunrefError):
    """No chosen run has what was asked for."""

    code = "nothing-to-plot"
    exit_status = ExitStatus.USAGE


def told_apart(words: Sequence[str], metrics: Collection[str]) -> tuple[list[str], list[str]]:
    """Return the metrics and the runs among words, each in their order and once.

    A word that is a known metric is one, also where it could name a run; `--run` is for the rest.

    Raises:
        NothingToPlot: a word is neither a known metric nor what can name a run.
    """
    named: dict[str, None] = {}
    runs: dict[str, None] = {}
    for word in words:
        if word in metrics:
            named[word] = None
        elif can_name_a_run(word):
            runs[word] = None
        else:
            raise unknown(word, metrics, "metric")
    return list(named), list(runs)


def can_name_a_run(word: str) -> bool:
    """Tell whether a word has the form of a run's id, of a hash, or of ``@``."""
    try:
        parse_address(word)
    except UnknownRun:
        return False
    return True


def unknown(name: str, known: Collection[str], what: str) -> NothingToPlot:
    """Return the error for a name that no chosen run has, with the nearest one as a hint.

    Args:
        name: What was asked for.
        known: The names that there are.
        what: ``metric`` or ``column``.
    """
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    lowered = {each.lower(): each for each in known}
    near = near or [lowered[name.lower()]] if name.lower() in lowered else near
    advice = f"Did you mean {near[0]!r}? " if near else ""
    listed = ", ".join(list(known)[:_NAMED]) or "none"
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return NothingToPlot(
        f"no chosen run has the {what} {name!r}",
        hint=f"{advice}{what.capitalize()}s of the runs: {listed}{more}.",
    )
