"""What gc takes and what it leaves, in one store."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.seaweedfs import SeaweedFS

from runref.artifacts import LocalStore
from runref.artifacts.collection import (
    Amount,
    RemoteShared,
    Sorted,
    collect_local,
    collect_remote,
    sort_out,
)
from runref.artifacts.remote.claims import Claimant, ClaimInvalid, RemoteBusy, claim, marked
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteStore, Stored

DAY = 24 * 3600.0
OURS = Claimant("20261121-4f1c9b2e7a3d", "digits")
NONE = Amount(0, 0)

_DIGESTS = [f"sha256:{number:064x}" for number in range(8)]
_CONTENTS = st.lists(
    st.builds(
        Stored,
        st.sampled_from(_DIGESTS),
        st.integers(0, 100),
        st.none() | st.floats(0, 20, allow_nan=False),
    ),
    unique_by=lambda each: each.digest,
)


@pytest.fixture
def local(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture
def store(folder: Path) -> RemoteStore:
    return open_remote(str(folder), {}, name="lab")


@pytest.fixture
def put(local: LocalStore, store: RemoteStore, tmp_path: Path) -> Callable[..., str]:
    """Store a text here and at the remote, so many days ago, and return its digest."""

    def put(text: str, days: float = 20) -> str:
        path = tmp_path / "content"
        path.write_text(text)
        digest = local.add(path).digest
        store.write(digest, path)
        for place in (local.path_of(digest), at(tmp_path / "remote", digest)):
            age(place, days)
        return digest

    return put


def at(folder: Path, digest: str) -> Path:
    return folder / "sha256" / digest[7:9] / digest[9:]


def age(path: Path, days: float) -> None:
    moment = path.stat().st_mtime - days * DAY
    os.utime(path, (moment, moment))


def digests(store: RemoteStore | LocalStore) -> set[str]:
    return {each.digest for each in store.contents()}


def collect(store: RemoteStore, held: set[str], days: float = 14, **options: Any) -> Any:
    runs = options.pop("runs", {OURS.oldest_run})
    return collect_remote(store, held, runs, days * DAY, who="Ada on node7", **options)


@given(
    _CONTENTS, st.sets(st.sampled_from(_DIGESTS)), st.sets(st.sampled_from(_DIGESTS)),
    st.floats(0, 20, allow_nan=False),
)  # fmt: skip
def test_only_what_is_old_and_wanted_by_nobody_is_free(
    contents: list[Stored], held: set[str], claimed: set[str], before: float
) -> None:
    found = sort_out(contents, held, claimed, before)
    for each in found.free:
        assert each.digest not in held | claimed
        assert each.modified is not None
        assert each.modified < before
    kept = (found.held, found.claimed, found.young)
    assert len(found.free) + sum(each.count for each in kept) == len(contents)
    assert sum(each.size for each in (*kept, Amount.of(found.free))) == sum(
        each.size for each in contents
    )
    assert found.held.count == sum(each.digest in held for each in contents)
    everything_old = [replace(each, modified=-1.0) for each in contents]
    assert sort_out(everything_old, (), (), 0) == Sorted(tuple(everything_old), NONE, NONE, NONE)


def test_the_local_store_keeps_what_is_held_or_young(
    local: LocalStore, put: Callable[..., str]
) -> None:
    held, young, free = put("held"), put("young", days=13), put("no one's")
    told: list[int] = []
    dry = collect_local(local, {held}, 14 * DAY, dry_run=True)
    assert digests(local) == {held, young, free}
    found = collect_local(local, {held}, 14 * DAY, on_removed=told.append)
    assert dry == found
    assert (found.freed, found.young, found.held) == (Amount(1, 8), Amount(1, 5), Amount(1, 4))
    assert digests(local) == {held, young}
    assert told == [1]
    assert collect_local(local, {held}, 14 * DAY).freed == NONE


@pytest.mark.parametrize("again", [False, True])
def test_what_is_used_again_is_young(
    local: LocalStore, put: Callable[..., str], tmp_path: Path, again: bool
) -> None:
    """Also where the file is known, so that it is not read again."""
    path = tmp_path / "input"
    path.write_text("input")
    while time.time_ns() < path.stat().st_ctime_ns + 150_000_000:
        os.sched_yield()  # until the cache of digests trusts it
    digest = local.add(path).digest
    age(local.path_of(digest), 20)
    before = local.now() - 14 * DAY
    if again:
        assert LocalStore(tmp_path / "store").add(path).digest == digest
    assert local.delete_unused(digest, before) == (None if again else 5)
    assert digests(local) == ({digest} if again else set())


def test_an_empty_place_has_nothing_to_remove(local: LocalStore, store: RemoteStore) -> None:
    assert collect_local(local, (), 0).freed == NONE
    found = collect(store, set())
    assert [found.freed, found.held, found.partial] == [NONE] * 3


def test_transfers_given_up_are_removed_and_the_others_stay(
    local: LocalStore, put: Callable[..., str], tmp_path: Path
) -> None:
    put("any")
    old, new = tmp_path / "store/tmp/old", tmp_path / "store/tmp/new"
    for path in (old, new):
        path.write_bytes(b"half")
    age(old, 20)
    assert collect_local(local, (), 14 * DAY, dry_run=True).partial == Amount(1, 4)
    assert old.exists()
    assert collect_local(local, (), 14 * DAY).partial == Amount(1, 4)
    assert (old.exists(), new.exists()) == (False, True)


def test_a_remote_keeps_what_is_held_claimed_or_young(
    store: RemoteStore, put: Callable[..., str], folder: Path
) -> None:
    held, claimed, young = put("held"), put("claimed"), put("young", days=13)
    forgotten, free = put("claimed long ago"), put("free")
    claim(store, OURS, [forgotten])
    (expired,) = folder.glob("claims/*/*.jsonl")
    age(expired, 15)
    claim(store, OURS, [claimed])
    dry = collect(store, {held}, dry_run=True)
    assert len(digests(store)) == 5
    assert expired.exists()
    found = collect(store, {held})
    assert found == dry
    assert found.freed == Amount(2, len("claimed long ago") + len("free"))
    assert (found.claimed, found.young, found.held) == (Amount(1, 7), Amount(1, 5), Amount(1, 4))
    assert digests(store) == {held, claimed, young}
    assert free not in digests(store)
    assert not expired.exists()
    assert not list(folder.glob("gc/*"))


def test_a_remote_of_another_repository_is_refused_and_nothing_removed(
    store: RemoteStore, put: Callable[..., str]
) -> None:
    theirs = put("theirs")
    claim(store, Claimant("20261002-aaaabbbbcccc", "cats"), [])
    for dry_run in (True, False):
        with pytest.raises(RemoteShared, match="'cats', whose oldest run is 20261002-aaaa"):
            collect(store, set(), dry_run=dry_run)
    assert digests(store) == {theirs}
    found = collect(store, set(), runs={OURS.oldest_run, "20261002-aaaabbbbcccc"})
    assert found.freed.count == 1


def test_a_claim_that_nobody_understands_stops_it(
    store: RemoteStore, put: Callable[..., str]
) -> None:
    kept = put("perhaps claimed")
    store.write_note(f"claims/{OURS.oldest_run}/new.jsonl", b'{"format":"another"}\n')
    with pytest.raises(ClaimInvalid):
        collect(store, set())
    assert digests(store) == {kept}


def test_two_at_once_and_a_dry_run_beside(store: RemoteStore, put: Callable[..., str]) -> None:
    kept = put("any")
    with marked(store, "Bob on node3"):
        with pytest.raises(RemoteBusy, match="Bob on node3"):
            collect(store, set())
        assert collect(store, set(), dry_run=True).freed.count == 1
        assert digests(store) == {kept}


def test_a_dry_run_stops_no_push(store: RemoteStore, put: Callable[..., str]) -> None:
    put("any")

    class Looking:
        """A push that begins while the contents are listed."""

        def contents(self) -> Any:
            claim(store, OURS, [])
            return store.contents()

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

    looking = cast("RemoteStore", Looking())
    assert collect(looking, set(), dry_run=True).freed.count == 1
    with pytest.raises(RemoteBusy, match="Ada on node7"):
        collect(looking, set())


def test_a_claim_between_the_look_and_the_removal_is_heeded(
    store: RemoteStore, put: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The push that made it was told to stop; it may have looked at the mark an instant before."""
    monkeypatch.setattr("runref.artifacts.collection._BATCH", 1)
    all_ = sorted(put(f"content {number}") for number in range(3))
    claimed: list[str] = []

    def claim_one(_count: int) -> None:
        if not claimed:
            left = sorted(digests(store))
            claimed.append(left[-1])
            with pytest.raises(RemoteBusy):
                claim(store, OURS, claimed)

    found = collect(store, set(), on_removed=claim_one)
    assert digests(store) == set(claimed)
    assert found.freed.count == len(all_) - 1


@pytest.mark.parametrize("ahead", [-365 * DAY, 365 * DAY])
def test_the_clock_of_this_machine_says_nothing_about_ages(
    local: LocalStore,
    store: RemoteStore,
    put: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    ahead: float,
) -> None:
    young, old, claimed = put("young", days=13), put("old", days=15), put("claimed", days=15)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + ahead)
    claim(store, OURS, [claimed])
    assert collect(store, set()).freed == Amount(1, 3)
    assert digests(store) == {young, claimed}
    assert collect_local(local, {claimed}, 14 * DAY).freed == Amount(1, 3)
    assert digests(local) == {young, claimed}
    assert old not in digests(local)


@pytest.mark.slow
def test_a_bucket_is_cleared_by_its_own_clock(seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    url = seaweedfs.remote_url(seaweedfs.new_bucket(), "team")
    store = open_remote(url, seaweedfs.options(), name="lab")
    wanted, free = set(), set()
    for number in range(30):
        path = tmp_path / str(number)
        path.write_text(f"content {number}")
        digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        store.write(digest, path)
        (wanted if number % 3 else free).add(digest)
    claimed = free.pop()
    claim(store, OURS, [claimed])
    kept = collect(store, wanted)
    assert (kept.freed, kept.held.count) == (NONE, 20)
    assert kept.young.count + kept.claimed.count == 10
    # As if all were an hour older: the guard ends in the future, and no claim counts.
    found = collect(store, wanted | {claimed}, days=-1 / 24)
    assert found.freed.count == 9
    assert digests(store) == wanted | {claimed}
    assert store.notes("gc") == []
