from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.artifacts.transfer.parts import Counting, Failing, Listener, cut, flip, place

from runref.artifacts import ManifestInvalid, ManifestUnsafe, StoreFull
from runref.artifacts.manifest import FILE, LINK, Entry, Manifest
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import (
    RemoteAbsent,
    RemoteInterrupted,
    RemoteRefused,
    RemoteUnreachable,
)
from runref.artifacts.transfer.fetch import Fetched, fetch
from runref.artifacts.transfer.gathering import Damage
from runref.artifacts.transfer.push import push
from runref.artifacts.transfer.wanted import Wanted

pytestmark = pytest.mark.slow  # `make check` is for all day

LARGE = os.urandom((3 << 20) + 17)
TREE = {
    "a": b"alpha",
    "again": b"alpha",
    "b/large": LARGE,
    "empty": b"",
    "link": "a",
    "nothing": None,
}
ABSENT = "sha256:" + "ab" * 32


@pytest.fixture
def tree(here, lab) -> Wanted:
    """A directory that the first remote has."""
    tree = here.tree(TREE)
    assert push(here.local, lab, [tree]).is_complete
    return tree


@pytest.fixture
def copied(here, attic, tree) -> Wanted:
    """A directory that both remotes have."""
    assert push(here.local, attic, [tree]).is_complete
    return tree


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_pushed_comes_back(here, there, lab, tree):
    fetched = fetch(there.local, [lab], [tree, tree])

    size = 5 + len(LARGE) + len(here.data(tree))
    assert fetched == Fetched(received=4, received_bytes=size)
    assert fetched.is_complete
    assert there.restored(tree) == here.restored(tree)


def test_what_is_here_is_not_asked_for(there, lab, tree):
    fetch(there.local, [lab], [tree])
    lab.looked = 0
    assert fetch(there.local, [lab], [tree]) == Fetched(already=4)
    assert lab.looked == 0


def test_an_empty_file_costs_no_request_of_its_own(here, there, lab):
    empty = here.file(b"")
    push(here.local, lab, [empty])
    assert fetch(there.local, [lab], [empty]).received == 1
    assert lab.read_from == []


def test_contents_come_from_the_first_remote_that_has_them(here, there, lab, attic):
    both, one, other = here.file(b"both"), here.file(b"one"), here.file(b"other")
    push(here.local, lab, [both, one])
    push(here.local, attic, [both, other])

    fetched = fetch(there.local, [attic, lab], [both, one, other])

    assert fetched == Fetched(received=3, received_bytes=12)
    assert (lab.looked, attic.looked) == (2, 2)  # each one by its push
    assert lab.read_from == [(one.digest, 0)]


def test_what_nobody_has_is_missing(here, there, lab, attic, tree):
    nowhere = [Wanted(ABSENT, "file", 3), Wanted(ABSENT[:-1] + "c", "directory", 3)]
    fetched = fetch(there.local, [lab, attic], [tree, *nowhere])
    assert fetched.received == 4
    assert fetched.missing == (ABSENT, ABSENT[:-1] + "c")
    assert not fetched.is_complete
    assert fetch(there.local, [], nowhere).missing == fetched.missing


@pytest.mark.parametrize("harm", [flip, cut])
@pytest.mark.parametrize("name", ["a", "b/large", "manifest"])
def test_damage_on_a_remote_is_named_and_mended_by_another(
    here, there, lab, shelf, attic, copied, harm, name
):
    digest = copied.digest if name == "manifest" else here.file(TREE.get(name)).digest
    harm(place(shelf, digest))
    listener = Listener()

    fetched = fetch(there.local, [lab, attic], [copied], progress=listener)

    assert fetched.damaged == (Damage(digest, "lab"),)
    assert fetched.is_complete
    assert any("lab" in notice and digest in notice for notice in listener.notices)
    assert there.restored(copied) == here.restored(copied)
    assert listener.done == listener.size == fetched.received_bytes


@pytest.mark.parametrize("harm", [flip, cut])
def test_damage_that_no_other_remote_mends_leaves_nothing(here, there, lab, shelf, tree, harm):
    digest = here.file(LARGE).digest
    harm(place(shelf, digest))

    fetched = fetch(there.local, [lab], [tree])

    assert fetched.damaged == (Damage(digest, "lab"),)
    assert fetched.missing == (digest,)
    assert not there.local.contains(digest)


def test_what_began_as_damage_is_begun_again_elsewhere(here, there, lab, shelf, attic, copied):
    digest = here.file(LARGE).digest

    class Breaking(Counting):
        """Breaks off after two thirds, as a remote does that is killed."""

        def read(self, digest, sink, *, start=0, size=None):
            def take(chunk):
                sink(chunk[: 2 << 20])
                raise RemoteInterrupted("broken off")

            super().read(digest, take if size == len(LARGE) else sink, start=start, size=size)

    flip(place(shelf, digest), at=0)
    fetched = fetch(there.local, [Breaking(lab.store)], [copied])
    assert fetched.missing == (digest,)
    listener = Listener()

    fetched = fetch(there.local, [attic], [copied], progress=listener)

    assert fetched.damaged == ()
    assert [start > 0 for _digest, start in attic.read_from] == [True, False]
    there.local.verify(digest)
    assert listener.done == listener.size == len(LARGE)


def test_a_content_that_broke_off_goes_on_from_the_next_remote(here, there, lab, attic, copied):
    class Breaking(Counting):
        def read(self, digest, sink, *, start=0, size=None):
            def take(chunk):
                sink(chunk[: 1 << 20])
                raise RemoteInterrupted("broken off")

            super().read(digest, take if size == len(LARGE) else sink, start=start, size=size)

    fetched = fetch(there.local, [Breaking(lab.store), attic], [copied])

    assert fetched.is_complete
    (outage,) = fetched.outages
    assert (outage.remote, type(outage.error)) == ("lab", RemoteInterrupted)
    ((_digest, start),) = attic.read_from
    assert start > 0


@pytest.mark.parametrize("error", [RemoteRefused, RemoteAbsent, RemoteUnreachable])
@pytest.mark.parametrize("when", ["asked", "read"])
def test_a_remote_that_fails_is_noticed_and_the_next_one_serves(
    here, there, lab, attic, copied, error, when
):
    first = Failing(
        lab.store, lambda what: error("no") if (what == "present") == (when == "asked") else None
    )
    listener = Listener()

    fetched = fetch(there.local, [first, attic], [copied], progress=listener)

    assert fetched.is_complete
    assert [(each.remote, type(each.error)) for each in fetched.outages] == [("lab", error)]
    assert listener.notices == ["lab: no"]
    assert first.failures == 1 or (error is RemoteUnreachable and when == "read")
    assert there.restored(copied) == here.restored(copied)


def test_a_remote_that_is_gone_is_not_tried_for_every_content(here, there, lab):
    files = [here.file(b"%d" % number) for number in range(100)]
    push(here.local, lab, files)
    gone = Failing(lab.store, lambda what: RemoteUnreachable("?") if what != "present" else None)

    fetched = fetch(there.local, [gone], files, concurrency=4)

    assert len(fetched.missing) == 100
    assert 3 <= gone.failures <= 3 + 4
    assert fetch(there.local, [gone, lab], files).is_complete


def test_with_no_room_here_the_fetch_ends_and_tells_what_came(here, there, lab, tree):
    full = Failing(
        lab.store, lambda what: StoreFull("full") if what == here.file(LARGE).digest else None
    )

    fetched = fetch(there.local, [full], [tree])

    assert isinstance(fetched.ended_by, StoreFull)
    assert here.file(LARGE).digest in fetched.missing
    assert fetch(there.local, [lab], [tree]).is_complete


@pytest.mark.parametrize(
    "data",
    [
        Manifest((Entry("../out", FILE, ABSENT, 3),)),
        Manifest((Entry("/tmp/out", FILE, ABSENT, 3),)),
        Manifest((Entry("in/../../out", FILE, ABSENT, 3),)),
        Manifest((Entry("in", LINK, target=".."), Entry("in/out", FILE, ABSENT, 3))),
    ],
)
def test_a_manifest_that_leads_out_is_refused(here, there, lab, shelf, tmp_path, data):
    stranger = here.manifest(data)
    shelf.joinpath("tmp").mkdir(parents=True)
    lab.write(stranger.digest, place(here.folder / "store", stranger.digest))
    before = files_below(tmp_path)

    fetched = fetch(there.local, [lab], [stranger])

    (failure,) = fetched.failed
    assert failure.digest == stranger.digest
    assert isinstance(failure.error, ManifestUnsafe)
    assert set(files_below(tmp_path)) - set(before) <= {
        place(there.folder / "store", stranger.digest)
    }
    with pytest.raises(ManifestUnsafe):
        there.restored(stranger)
    assert not (there.folder / "out").exists()


def test_a_link_that_leads_out_is_refused_when_it_would_be_made(here, there, lab):
    tree = here.tree({"link": "../../secret", "a": b"a"})
    push(here.local, lab, [tree])

    assert fetch(there.local, [lab], [tree]).is_complete
    with pytest.raises(ManifestUnsafe):
        there.restored(tree)


def test_what_is_no_manifest_is_named(here, there, lab):
    file = here.file(b"no manifest")
    push(here.local, lab, [file])
    (failure,) = fetch(there.local, [lab], [Wanted(file.digest, "directory", 1)]).failed
    assert isinstance(failure.error, ManifestInvalid)


def test_a_size_that_a_record_does_not_give_is_damage(here, there, lab):
    file = here.file(b"content")
    push(here.local, lab, [file])
    fetched = fetch(there.local, [lab], [Wanted(file.digest, "file", 6)])
    assert (fetched.damaged, fetched.missing) == ((Damage(file.digest, "lab"),), (file.digest,))


def test_records_that_contradict_each_other_leave_it_to_the_digest(here, there, lab):
    file = here.file(b"content")
    push(here.local, lab, [file])
    assert fetch(there.local, [lab], [file, Wanted(file.digest, "file", 6)]).received == 1


def test_a_record_that_lies_about_a_size_harms_nothing_that_is_here(there, lab):
    file = there.file(b"content")
    fetched = fetch(there.local, [lab], [Wanted(file.digest, "file", 6)])
    assert fetched == Fetched(already=1)
    there.local.verify(file.digest)


@pytest.mark.parametrize("name", ["b/large", "manifest"])
def test_damage_here_is_set_aside_and_mended(here, there, lab, tree, name):
    fetch(there.local, [lab], [tree])
    digest = tree.digest if name == "manifest" else here.file(TREE.get(name)).digest
    flip(place(there.folder / "store", digest))
    listener = Listener()

    fetched = fetch(there.local, [lab], [tree], verify_local=True, progress=listener)

    assert fetched.set_aside == (digest,)
    assert fetched.received == 1
    assert fetched.is_complete
    there.local.verify(digest)
    assert listener.done == listener.size


def test_what_is_cut_off_here_is_mended_without_being_asked_for(here, there, lab, tree):
    fetch(there.local, [lab], [tree])
    digest = here.file(LARGE).digest
    cut(place(there.folder / "store", digest))

    fetched = fetch(there.local, [lab], [tree])

    assert (fetched.set_aside, fetched.received) == ((digest,), 1)
    there.local.verify(digest)


def test_damage_here_that_nobody_mends_is_missing(there):
    file = there.file(b"content")
    flip(place(there.folder / "store", file.digest))
    fetched = fetch(there.local, [], [file], verify_local=True)
    assert (fetched.set_aside, fetched.missing) == ((file.digest,), (file.digest,))


def test_everything_is_asked_for_in_bulk(here, there, lab):
    trees = [here.tree({str(n): b"%d %d" % (n, each) for n in range(30)}) for each in range(5)]
    push(here.local, lab, trees)
    lab.looked = 0
    listener = Listener()

    fetched = fetch(there.local, [lab], trees, progress=listener)

    assert fetched.received == 155
    assert lab.looked == 2  # once for the manifests, once for what they name
    assert listener.done == listener.size == fetched.received_bytes
    assert listener.files_done == listener.files == 155


def test_memory_is_a_remote_too(here, there):
    store = open_remote("memory://transfer-fetch")
    tree = here.tree(TREE)
    assert push(here.local, store, [tree]).is_complete
    assert fetch(there.local, [store], [tree]).is_complete
    assert there.restored(tree) == here.restored(tree)
