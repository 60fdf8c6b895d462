"""Removing named contents that no record holds any more, however young they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from runref.artifacts.collection import Amount, refuse_strangers
from runref.artifacts.local import LocalStore
from runref.artifacts.remote.claims import marked, read_claims
from runref.artifacts.remote.store import RemoteStore


@dataclass(frozen=True, slots=True)
class Cleared:
    """What became of contents that were to go, in one place.

    Attributes:
        freed: Those that are gone.
        held: Those that records still hold.
        claimed: Those that somebody else relies on, or used meanwhile.
    """

    freed: Amount
    held: Amount
    claimed: Amount


def clear_local(
    local: LocalStore, digests: Collection[str], held: Collection[str], before: float
) -> Cleared:
    """Remove contents from the local store whatever their age, unless they are in use.

    The caller has made them old by `LocalStore.make_old` before it found out what is held: one that
    is not old any more was used since.

    Args:
        local: The store.
        digests: What is to go.
        held: Digests that records hold.
        before: What `make_old` returned.

    Raises:
        StoreUnusable: The operating system refuses.
    """
    sizes = {digest: local.size_of(digest) for digest in digests}
    there = {digest: size for digest, size in sizes.items() if size is not None}
    freed = used = Amount(0, 0)
    for digest in there.keys() - set(held):
        free = local.delete_unused(digest, before)
        if free is None:
            used = Amount(used.count + 1, used.size + there[digest])
        else:
            freed = Amount(freed.count + 1, freed.size + free)
    kept = there.keys() & set(held)
    return Cleared(freed, Amount(len(kept), sum(there[digest] for digest in kept)), used)


def clear_remote(
    store: RemoteStore,
    digests: Collection[str],
    held: Collection[str],
    known_runs: Collection[str],
    *,
    who: str,
    guard: float,
) -> Cleared:
    """Remove contents from a remote whatever their age, unless somebody claimed them lately.

    Args:
        store: The remote.
        digests: What is to go.
        held: Digests that records hold.
        known_runs: Ids of the runs whose records these are, forgotten ones included.
        who: Who does it, for those who push meanwhile.
        guard: Seconds for which a claim counts.

    Raises:
        RemoteBusy, RemoteShared, ClaimInvalid: As for `collect_remote`.
    """
    with marked(store, who) as now:
        claims = read_claims(store, None if now is None else now - guard)
        refuse_strangers(store, claims.claimants, known_runs)
        there = store.present(digests)
        kept = {digest for digest in there if digest in held}
        claimed = {digest for digest in there if digest in claims.digests} - kept
        going = [digest for digest in there if digest not in kept | claimed]
        store.delete(going)
    return Cleared(
        *(Amount(len(each), sum(map(there.__getitem__, each))) for each in (going, kept, claimed))
    )
