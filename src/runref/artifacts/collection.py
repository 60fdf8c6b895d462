"""Removing contents that no record holds any more.

Nothing is removed that was stored or used lately: whoever has just stored it may be about to
record it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice

from runref.artifacts.local import LocalStore
from runref.artifacts.remote.claims import FOLDER, Claimant, marked, read_claims, time_there
from runref.artifacts.remote.store import RemoteStore, Stored
from runref.errors import RunrefError

_BATCH = 1000
"""Contents removed between two looks at the claims; S3 removes as many by one request."""


class RemoteShared(RunrefError):
    """A remote holds artifacts of a repository whose records are not known here."""

    code = "remote-shared"


@dataclass(frozen=True, slots=True)
class Amount:
    """How many contents, and their bytes."""

    count: int
    size: int

    @classmethod
    def of(cls, contents: Collection[Stored]) -> Amount:
        """Return how much some contents are."""
        return cls(len(contents), sum(each.size for each in contents))


@dataclass(frozen=True, slots=True)
class Sorted:
    """The contents of a store, by whether they may go.

    Attributes:
        free: No record holds them.
        claimed: No record that is known here does, but somebody claimed them lately.
        young: Nobody holds them, and they were stored or used lately, or nobody knows when.
        held: Records hold them.
    """

    free: tuple[Stored, ...]
    claimed: Amount
    young: Amount
    held: Amount


def sort_out(
    contents: Iterable[Stored], held: Collection[str], claimed: Collection[str], before: float
) -> Sorted:
    """Sort contents by whether they may go.

    Args:
        contents: What a store holds.
        held: Digests that records hold.
        claimed: Digests that somebody claimed lately.
        before: What was stored or used later stays; seconds since the epoch by the store's clock.
    """
    kinds: dict[str, list[Stored]] = {"free": [], "claimed": [], "young": [], "held": []}
    for each in contents:
        if each.digest in held:
            kind = "held"
        elif each.digest in claimed:
            kind = "claimed"
        elif each.modified is None or each.modified >= before:
            kind = "young"
        else:
            kind = "free"
        kinds[kind].append(each)
    amounts = {kind: Amount.of(kinds[kind]) for kind in ("claimed", "young", "held")}
    return Sorted(free=tuple(kinds["free"]), **amounts)


@dataclass(frozen=True, slots=True)
class Collected:
    """What gc found in one place, and did or would do.

    Attributes:
        freed: What no record holds: removed, or in a dry run to be removed.
        claimed: Kept for others.
        young: Kept for its age.
        held: What records hold.
        partial: Files of transfers that were given up long ago, removed or to be removed.
    """

    freed: Amount
    claimed: Amount
    young: Amount
    held: Amount
    partial: Amount


def collect_local(
    local: LocalStore,
    held: Collection[str],
    min_age: float,
    *,
    dry_run: bool = False,
    on_removed: Callable[[int], None] | None = None,
) -> Collected:
    """Remove from the local store what no record holds.

    A process that adds content which is here already makes it young first; where that comes
    between the look and the removal, the store notices and keeps it.

    Args:
        local: The store.
        held: Digests that records hold.
        min_age: Seconds since its last use after which content may go.
        dry_run: Only tell what would go.
        on_removed: Told how many contents were removed since its last call.

    Raises:
        StoreUnusable: The operating system refuses.
    """
    before = local.now() - min_age
    found = sort_out(local.contents(), held, (), before)
    if dry_run:
        freed = Amount.of(found.free)
    else:
        freed = _free_locally(local, found.free, before, on_removed)
    partial = Amount(*local.unfinished(before, remove=not dry_run))
    return Collected(freed, found.claimed, found.young, found.held, partial)


def _free_locally(
    local: LocalStore,
    free: Sequence[Stored],
    before: float,
    on_removed: Callable[[int], None] | None,
) -> Amount:
    count = size = 0
    for each in free:
        freed = local.delete_unused(each.digest, before)
        count, size = count + (freed is not None), size + (freed or 0)
        if on_removed:
            on_removed(1)
    return Amount(count, size)


def collect_remote(
    store: RemoteStore,
    held: Collection[str],
    known_runs: Collection[str],
    min_age: float,
    *,
    who: str,
    dry_run: bool = False,
    on_removed: Callable[[int], None] | None = None,
) -> Collected:
    """Remove from a remote what no record holds and nobody claimed lately.

    Args:
        store: The remote.
        held: Digests that records hold.
        known_runs: Ids of the runs whose records these are.
        min_age: Seconds after which content and claims may go, by the remote's clock.
        who: Who does it, for those who push meanwhile.
        dry_run: Only tell what would go; nobody is kept from pushing meanwhile.
        on_removed: Told how many contents were removed since its last call.

    Raises:
        RemoteBusy: Another gc is going on there.
        RemoteShared: A repository pushes there whose runs are not known here.
        ClaimInvalid: A claim cannot be understood.
    """
    with nullcontext(time_there(store)) if dry_run else marked(store, who) as now:
        before = float("-inf") if now is None else now - min_age
        claims = read_claims(store, before)
        refuse_strangers(store, claims.claimants, known_runs)
        found = sort_out(store.contents(), held, claims.digests, before)
        freed = Amount.of(found.free)
        if not dry_run:
            freed = _free_remotely(store, found.free, before, on_removed)
            for name in claims.expired:
                store.delete_note(name)
        partial = Amount(*store.unfinished(before, remove=not dry_run))
        return Collected(freed, found.claimed, found.young, found.held, partial)


def _free_remotely(
    store: RemoteStore,
    free: Sequence[Stored],
    before: float,
    on_removed: Callable[[int], None] | None,
) -> Amount:
    count = size = 0
    for batch in _batches(free):
        claimed = read_claims(store, before).digests
        going = [each for each in batch if each.digest not in claimed]
        store.delete(each.digest for each in going)
        amount = Amount.of(going)
        count, size = count + amount.count, size + amount.size
        if on_removed:
            on_removed(len(batch))
    return Amount(count, size)


def refuse_strangers(
    store: RemoteStore, claimants: Iterable[Claimant], known_runs: Collection[str]
) -> None:
    """Refuse to remove anything from a remote that serves a repository which is not known here.

    Raises:
        RemoteShared: It does.
    """
    for each in claimants:
        if each.oldest_run not in known_runs:
            raise RemoteShared(
                f"{store.name} also holds artifacts of the repository {each.name!r}, "
                f"whose oldest run is {each.oldest_run}",
                hint="name a clone of it, with its newest runs, by --also; where that history is "
                f"gone for good, remove {FOLDER}/{each.oldest_run} there",
            )


def _batches(contents: Iterable[Stored]) -> Iterator[list[Stored]]:
    rest = iter(contents)
    while batch := list(islice(rest, _BATCH)):
        yield batch
