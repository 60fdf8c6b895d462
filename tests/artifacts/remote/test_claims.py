"""Claims and marks: whoever pushes and whoever removes see each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from runref.artifacts.remote.claimed import RENEWED_AFTER, Claimed
from runref.artifacts.remote.claims import (
    CLOCK,
    MARKS,
    STALE_SECONDS,
    Claimant,
    ClaimInvalid,
    RemoteBusy,
    claim,
    marked,
    read_claims,
    time_there,
)
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteStore

DIGITS = Claimant("20261121-4f1c9b2e7a3d", "digits")
CATS = Claimant("20261002-aaaabbbbcccc", "cats")
ONE, TWO, THREE = (f"sha256:{digit * 64}" for digit in "123")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture
def store(folder: Path) -> RemoteStore:
    return open_remote(str(folder), {}, name="lab")


def make_older(path: Path, seconds: float) -> None:
    moment = path.stat().st_mtime - seconds
    os.utime(path, (moment, moment))


def test_claims_add_up(store: RemoteStore) -> None:
    claim(store, DIGITS, [ONE, TWO])
    claim(store, DIGITS, [THREE])
    claim(store, CATS, [ONE])
    claims = read_claims(store, 0)
    assert claims.digests == {ONE, TWO, THREE}
    assert {each.name: each.oldest_run for each in claims.claimants} == {
        "digits": DIGITS.oldest_run,
        "cats": CATS.oldest_run,
    }
    assert claims.expired == []


def test_an_empty_remote_has_no_claims(store: RemoteStore) -> None:
    claims = read_claims(store, 0)
    assert (claims.digests, claims.claimants, claims.expired) == (set(), [], [])


def test_old_claims_do_not_count_but_their_repository_stays_known(
    store: RemoteStore, folder: Path
) -> None:
    claim(store, DIGITS, [ONE])
    (old,) = (folder / "claims").rglob("*.jsonl")
    make_older(old, 1000)
    claim(store, DIGITS, [TWO])
    claims = read_claims(store, old.stat().st_mtime + 500)
    assert claims.digests == {TWO}
    assert claims.expired == [old.relative_to(folder).as_posix()]
    assert claims.claimants == [DIGITS]


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b'{"format":"runref-claim","version":2}\n', b"\xff\n"]
)
def test_a_claim_that_cannot_be_understood_is_no_empty_claim(
    store: RemoteStore, content: bytes
) -> None:
    store.write_note(f"claims/{CATS.oldest_run}/abc.jsonl", content)
    with pytest.raises(ClaimInvalid, match=r"abc\.jsonl"):
        read_claims(store, 0)


def test_a_claim_during_a_gc_stops_the_push_and_names_who(store: RemoteStore) -> None:
    with marked(store, "Ada on node7"):
        with pytest.raises(RemoteBusy, match="Ada on node7"):
            claim(store, DIGITS, [ONE])
        # It was written before it was refused: gc sees it at its next look.
        assert read_claims(store, 0).digests == {ONE}
    claim(store, DIGITS, [TWO])


def test_two_gcs_exclude_each_other(store: RemoteStore) -> None:
    with (
        marked(store, "Ada"),
        pytest.raises(RemoteBusy, match="Ada"),
        marked(store, "Bob"),
    ):
        pass
    with marked(store, "Bob"):
        pass


@pytest.mark.parametrize("step", range(4))
def test_a_gc_that_begins_between_two_steps_of_another_excludes_it_or_itself(
    store: RemoteStore, step: int
) -> None:
    going: list[str] = []
    with ExitStack() as ada:

        def begin() -> None:
            with suppress(RemoteBusy):
                ada.enter_context(marked(store, "Ada"))
                going.append("Ada")

        at_once = cast("RemoteStore", Interrupted(store, step, begin))
        with suppress(RemoteBusy), marked(at_once, "Bob"):
            going.append("Bob")
    assert len(going) <= 1
    assert store.notes(MARKS) == []


def test_the_mark_of_a_killed_gc_counts_for_a_day(store: RemoteStore, folder: Path) -> None:
    store.write_note(f"{MARKS}/ada.json", b'{"who": "Ada"}')
    with pytest.raises(RemoteBusy):
        claim(store, DIGITS, [ONE])
    make_older(folder / MARKS / "ada.json", STALE_SECONDS + 60)
    claim(store, DIGITS, [ONE])
    with marked(store, "Bob"):
        (mark,) = store.notes(MARKS)
        assert b"Bob" in (store.read_note(mark.name) or b"")
    assert store.notes(MARKS) == []


def test_the_time_there_is_that_of_the_remote(store: RemoteStore, folder: Path) -> None:
    with marked(store, "Ada") as now:
        assert [now] == [path.stat().st_mtime for path in (folder / MARKS).iterdir()]
    there = time_there(store)
    assert there is not None
    assert there >= now
    assert store.notes(CLOCK) == []


class Interrupted:
    """A remote at which something else happens before one of the steps that somebody takes."""

    def __init__(self, store: RemoteStore, step: int, event: Callable[[], None]) -> None:
        self._store = store
        self._left = step
        self._event = event

    def __getattr__(self, name: str) -> Any:
        taken = getattr(self._store, name)
        if callable(taken):
            self._left -= 1
            if self._left == -1:
                self._event()
        return taken


@pytest.mark.parametrize("step", range(6))
def test_a_gc_that_begins_between_two_steps_of_a_push_is_seen_or_sees_it(
    store: RemoteStore, step: int
) -> None:
    with ExitStack() as gc:
        known: list[str] = []

        def begin() -> None:
            gc.enter_context(marked(store, "Ada"))
            known.extend(read_claims(store, 0).digests)

        try:
            claim(cast("RemoteStore", Interrupted(store, step, begin)), DIGITS, [ONE])
        except RemoteBusy:
            return
        assert known in ([ONE], [])
        if not known:  # the push was over before the gc began
            begin()
            assert known == [ONE]


def test_a_clone_remembers_what_it_claimed_for_a_week(tmp_path: Path) -> None:
    Claimed(tmp_path, "s3://lab/a").remember([ONE], "claims/one.json")
    claimed = Claimed(tmp_path, "s3://lab/a")
    assert claimed.without([ONE, TWO]) == [TWO]
    assert claimed.names() == ["claims/one.json"]
    assert Claimed(tmp_path, "s3://lab/b").without([ONE]) == [ONE]
    (file,) = tmp_path.glob("*.json")
    known = json.loads(file.read_text())
    file.write_text(json.dumps({name: when - RENEWED_AFTER - 60 for name, when in known.items()}))
    assert claimed.without([ONE]) == [ONE]


REMEMBERS = """
import sys
from pathlib import Path
from runref.artifacts.remote.claimed import Claimed
claimed = Claimed(Path(sys.argv[1]), "s3://lab/a")
sys.stdin.readline()
for number in range(50):
    claimed.remember([], f"claims/{sys.argv[2]}-{number}.json")
"""


def test_pushes_of_one_clone_at_once_forget_no_claim(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", REMEMBERS, str(tmp_path), name], stdin=subprocess.PIPE
        )
        for name in "ab"
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    names = {f"claims/{name}-{number}.json" for name in "ab" for number in range(50)}
    assert set(Claimed(tmp_path, "s3://lab/a").names()) == names


def test_what_is_claimed_during_a_withdrawal_stays_known(tmp_path: Path) -> None:
    claimed = Claimed(tmp_path, "s3://lab/a")
    claimed.remember([ONE], "claims/one.json")
    old = claimed.names()
    claimed.remember([TWO], "claims/two.json")
    claimed.withdrawn([ONE], old, ["claims/rest.json"])
    assert set(claimed.names()) == {"claims/two.json", "claims/rest.json"}
    assert claimed.without([ONE, TWO]) == [ONE]


def test_a_damaged_memory_claims_again(tmp_path: Path) -> None:
    claimed = Claimed(tmp_path, "s3://lab/a")
    claimed.remember([ONE], "claims/one.json")
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(b"{")
    assert claimed.without([ONE]) == [ONE]
    claimed.remember([ONE], "claims/one.json")
    assert claimed.without([ONE]) == []
