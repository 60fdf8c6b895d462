"""How a user names a run: ``@``, ``@~2``, an id, a prefix, a record hash or a commit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runref.errors import ExitStatus, RunrefError

_NEWEST = re.compile(r"@(?:~([0-9]*))?")
_HEX = re.compile(r"[0-9a-f]{4,64}")
_ID_PREFIX = re.compile(r"[0-9]{8}-[0-9a-f]{1,12}")


class UnknownRun(RunrefError):
    """No run has the given address."""

    code = "unknown-run"
    exit_status = ExitStatus.USAGE


class AmbiguousRun(RunrefError):
    """Several runs begin with the given address."""

    code = "ambiguous-run"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Newest:
    """The run `back` places before the newest one."""

    back: int


@dataclass(frozen=True, slots=True)
class ByPrefix:
    """A run whose id, random part, record hash or commit begins with `text`."""

    text: str


def parse_address(text: str) -> Newest | ByPrefix:
    """Return what `text` asks for.

    Raises:
        UnknownRun: `text` cannot name a run.
    """
    if match := _NEWEST.fullmatch(text):
        return Newest(int(match[1] or 1) if "~" in text else 0)
    lower = text.lower()
    if _HEX.fullmatch(lower) or _ID_PREFIX.fullmatch(lower):
        return ByPrefix(lower)
    raise UnknownRun(
        f"{text!r} cannot name a run",
        hint="Use an id, at least 4 digits of its random part, a record hash, a commit of "
        "refs/runref/runs, or @ (newest), @~1 (the one before).",
    )


def matching_ids(text: str, run_ids: Iterable[str]) -> list[str]:
    """Return the run ids that begin with `text`, or whose random part does."""
    return [each for each in run_ids if each.startswith(text) or each[9:].startswith(text)]


def the_only(text: str, candidates: Sequence[str]) -> str:
    """Return the single candidate.

    Raises:
        UnknownRun: there is none.
        AmbiguousRun: there are several.
    """
    if not candidates:
        raise UnknownRun(f"no run matches {text!r}", hint="`runref ls` shows the runs.")
    if len(candidates) > 1:
        shown = ", ".join(sorted(candidates)[:4])
        raise AmbiguousRun(
            f"{text!r} matches {len(candidates)} runs: {shown}", hint="Give more digits."
        )
    return candidates[0]
