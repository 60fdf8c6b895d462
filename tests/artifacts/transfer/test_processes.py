"""Several processes at once, interrupts, and ``kill -9`` at random moments."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from tests.artifacts.transfer.parts import Mover, place, verified, verified_remote

from runref.artifacts.remote.location import open_remote
from runref.artifacts.transfer.fetch import fetch
from runref.artifacts.transfer.push import push

ROUNDS = int(os.environ.get("RUNREF_KILL_ROUNDS", "5"))
"""Each kills a push and a fetch up to four times; set it to a hundred for a thorough search."""


@pytest.fixture
def data() -> dict[str, bytes]:
    chance = random.Random(7)
    sizes = [0, 1, 100, *[4096] * 40, *[(1 << 20) + 5] * 4, 9 << 20]
    return {f"{number % 5}/{number}": chance.randbytes(size) for number, size in enumerate(sizes)}


def implied(shop, artifact) -> set[str]:
    """The digests that must be where a directory's manifest is."""
    manifest = shop.local.read_manifest(artifact.digest)
    return {entry.digest for entry in manifest.entries if entry.is_file}


@pytest.mark.slow
def test_two_machines_push_the_same_at_once(here, there, shelf, lab, data):
    artifacts = [here.tree(data), here.tree({**data, "own": b"here"})]
    assert there.tree(data) == artifacts[0]
    other = there.tree({**data, "own": b"there"})
    movers = [
        Mover(push=True, local=here.folder / "store", url=str(shelf), wanted=artifacts),
        Mover(
            push=True, local=there.folder / "store", url=str(shelf), wanted=[artifacts[0], other]
        ),
    ]
    for mover in movers:
        mover.go()

    assert all(mover.end()["is_complete"] for mover in movers)

    found = verified(shelf)
    assert found == verified(here.folder / "store") | verified(there.folder / "store")
    assert push(here.local, lab, artifacts).already == len(implied(here, artifacts[1])) + 2


@pytest.mark.slow
def test_two_machines_fetch_into_one_store_at_once(here, there, shelf, lab, data):
    tree = here.tree(data)
    push(here.local, lab, [tree])
    movers = [
        Mover(push=False, local=there.folder / "store", url=str(shelf), wanted=[tree])
        for _ in range(2)
    ]
    for mover in movers:
        mover.go()

    assert all(mover.end()["is_complete"] for mover in movers)

    assert verified(there.folder / "store") == verified(here.folder / "store")
    assert not list((there.folder / "store" / "tmp").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("pushing", [True, False])
def test_ctrl_c_ends_it_and_the_next_one_goes_on(here, there, shelf, lab, data, pushing):
    tree = here.tree(data)
    shop = here if pushing else there
    arrived = shelf if pushing else there.folder / "store"
    if not pushing:
        push(here.local, lab, [tree])
    # So slow that it would take minutes: the large file alone has 9 MiB.
    mover = Mover(
        push=pushing, local=shop.folder / "store", url=str(shelf), wanted=[tree], rate=64 << 10
    )
    mover.go()
    while not any(path.is_file() and path.stat().st_size for path in arrived.rglob("tmp/*")):
        assert mover.process.poll() is None
        time.sleep(0.01)

    mover.process.send_signal(signal.SIGINT)
    _out, err = mover.process.communicate(timeout=30)

    assert mover.process.returncode == -signal.SIGINT, err
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert tree.digest not in verified(arrived) or not pushing
    done = push(here.local, lab, [tree]) if pushing else fetch(there.local, [lab], [tree])
    assert done.is_complete
    assert verified(arrived) == verified(here.folder / "store")


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_killed_push_leaves_nothing_half_and_the_next_one_completes_it(
    here, tmp_path, data, concurrency
):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    artifacts = [here.tree(data), here.tree({"0": b"small", "1": data["0/0"]})]
    for number in range(ROUNDS):
        shelf = tmp_path / f"shelf-{number}"
        for _ in range(4):
            mover = Mover(
                push=True,
                local=here.folder / "store",
                url=str(shelf),
                wanted=artifacts,
                concurrency=concurrency,
            )
            mover.go()
            time.sleep(chance.uniform(0, 0.3))
            mover.kill()
            found = verified(shelf)
            for each in artifacts:
                assert each.digest not in found or found.keys() >= implied(here, each), seed
        mover = Mover(push=True, local=here.folder / "store", url=str(shelf), wanted=artifacts)
        mover.go()
        assert mover.end()["is_complete"], seed
        assert verified(shelf) == verified(here.folder / "store"), seed


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_killed_fetch_leaves_nothing_half_and_the_next_one_completes_it(
    here, shelf, lab, tmp_path, data, concurrency
):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    tree = here.tree(data)
    push(here.local, lab, [tree])
    for number in range(ROUNDS):
        store = tmp_path / f"store-{number}"
        for _ in range(4):
            mover = Mover(
                push=False, local=store, url=str(shelf), wanted=[tree], concurrency=concurrency
            )
            mover.go()
            time.sleep(chance.uniform(0, 0.3))
            mover.kill()
            verified(store)
        mover = Mover(push=False, local=store, url=str(shelf), wanted=[tree])
        mover.go()
        assert mover.end()["is_complete"], seed
        assert verified(store) == verified(here.folder / "store"), seed


@pytest.mark.slow
def test_transfers_with_s3_survive_kills(here, tmp_path, data, seaweedfs):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    tree = here.tree({**data, "parts": chance.randbytes(20 << 20)})
    for number in range(max(1, ROUNDS // 3)):
        store = tmp_path / f"store-{number}"
        url, options = seaweedfs.remote_url(seaweedfs.new_bucket(), "team"), seaweedfs.options()
        remote = open_remote(url, options)
        for pushing, local in ((True, here.folder / "store"), (False, store)):
            task = {"push": pushing, "local": local, "wanted": [tree], "options": options}
            for _ in range(4):
                mover = Mover(url=url, **task)
                mover.go()
                time.sleep(chance.uniform(0, 1))
                mover.kill()
                found = verified_remote(remote) if pushing else verified(local)
                if pushing and tree.digest in found:
                    assert found.keys() >= implied(here, tree), seed
            mover = Mover(url=url, **task)
            mover.go()
            assert mover.end()["is_complete"], seed
        assert verified(store) == verified_remote(remote) == verified(here.folder / "store"), seed


@pytest.mark.slow
def test_a_killed_fetch_of_a_large_file_goes_on_where_it_ended(here, there, shelf, lab):
    large = here.file(os.urandom(20 << 20))
    push(here.local, lab, [large])
    store = there.folder / "store"
    mover = Mover(push=False, local=store, url=str(shelf), wanted=[large], rate=2 << 20)
    mover.go()
    partial = store / "tmp" / (large.digest.removeprefix("sha256:") + ".partial")
    while not partial.exists() or partial.stat().st_size < 2 << 20:
        assert mover.process.poll() is None
        time.sleep(0.01)
    mover.kill()
    kept = partial.stat().st_size

    assert fetch(there.local, [lab], [large]).is_complete

    assert lab.read_from == [(large.digest, kept)]
    assert not partial.exists()
    assert place(store, large.digest).stat().st_size == 20 << 20
