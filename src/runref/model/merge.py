"""Merging two histories: all that either holds, less the runs that either has forgotten.

A history holds three sets that only grow: runs, annotations and tombstones. Their union, less the
runs that a tombstone names, is a two-phase set (Shapiro, Preguiça, Baquero, Zawirski, "A
comprehensive study of convergent and commutative replicated data types", 2011): whoever merges
whatever with whomever, in any order and however often, ends with the same. Which of the two
histories of commits goes on is decided by the tombstones alone; see ADR 0012.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from runref.errors import ExitStatus, RunrefError


class HistoriesDisagree(RunrefError):
    """Two histories hold the same thing with different contents."""

    code = "histories-disagree"
    exit_status = ExitStatus.NO


class Kind(Enum):
    """What a history holds; the value is the folder in the tree of the runs ref."""

    RUN = "runs"
    ANNOTATION = "annotations"
    TOMBSTONE = "tombstones"


class Item(NamedTuple):
    """One thing that a history holds.

    Attributes:
        kind: What it is.
        run: Id of the run that it is, or that it is about.
        name: File name of an annotation or a tombstone.
    """

    kind: Kind
    run: str
    name: str = ""


class Side(Enum):
    """Which of two histories of commits goes on."""

    EITHER = "either"
    """Both have forgotten the same runs: their commits may have a common child."""
    OURS = "ours"
    """Ours has forgotten more; commits of theirs would bring that back."""
    THEIRS = "theirs"
    NEITHER = "neither"
    """Each has forgotten runs that the other one still holds in its commits."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What two histories come to.

    Attributes:
        goes_on: Whose commits go on.
        from_ours: What only ours holds and the result does, by object id.
        from_theirs: What only theirs holds and the result does, by object id.
        forgotten_here: Runs of ours that theirs has forgotten.
        forgotten_there: Runs of theirs that ours has forgotten.
    """

    goes_on: Side
    from_ours: Mapping[Item, str] = field(default_factory=dict)
    from_theirs: Mapping[Item, str] = field(default_factory=dict)
    forgotten_here: tuple[str, ...] = ()
    forgotten_there: tuple[str, ...] = ()


def merge(
    ours: Mapping[Item, str], theirs: Mapping[Item, str], forgotten: Collection[str] = ()
) -> Merge:
    """Merge two histories, given all they hold, or only that in which they differ.

    Args:
        ours: Object id of each thing in our history.
        theirs: The same of theirs.
        forgotten: Runs with a tombstone in either, as far as neither mapping tells.

    Raises:
        HistoriesDisagree: both hold one thing with different contents.
    """
    both = ours.keys() & theirs.keys()
    disagreeing = sorted({item.run for item in both if ours[item] != theirs[item]})
    if disagreeing:
        raise _disagree(disagreeing)
    gone = {*forgotten, *_named_by_tombstones(ours), *_named_by_tombstones(theirs)}
    only_ours = {item: oid for item, oid in ours.items() if item not in both}
    only_theirs = {item: oid for item, oid in theirs.items() if item not in both}
    return Merge(
        goes_on=_goes_on(only_ours, only_theirs),
        from_ours=_kept(only_ours, gone),
        from_theirs=_kept(only_theirs, gone),
        forgotten_here=_buried(ours, gone),
        forgotten_there=_buried(only_theirs, gone),
    )


def _named_by_tombstones(items: Mapping[Item, str]) -> set[str]:
    return {item.run for item in items if item.kind is Kind.TOMBSTONE}


def _goes_on(ours: Mapping[Item, str], theirs: Mapping[Item, str]) -> Side:
    match bool(_named_by_tombstones(ours)), bool(_named_by_tombstones(theirs)):
        case True, True:
            return Side.NEITHER
        case True, False:
            return Side.OURS
        case False, True:
            return Side.THEIRS
    return Side.EITHER


def _kept(items: Mapping[Item, str], gone: Collection[str]) -> dict[Item, str]:
    return {
        item: oid
        for item, oid in items.items()
        if item.kind is Kind.TOMBSTONE or item.run not in gone
    }


def _buried(items: Mapping[Item, str], gone: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(each.run for each in items if each.kind is Kind.RUN and each.run in gone))


def _disagree(runs: list[str]) -> HistoriesDisagree:
    more = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
    return HistoriesDisagree(
        f"run {runs[0]}{more} is not the same in both histories, and a recorded run never changes",
        hint="One was altered: `runref fsck` here and in the other clone says which.",
    )
