from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from tests.artifacts.transfer.parts import Counting, Failing, Listener, cut, flip, place

from runref.artifacts import ArtifactDamaged, ArtifactMissing, ManifestInvalid
from runref.artifacts.manifest import FILE, Entry, Manifest
from runref.artifacts.remote.store import RemoteFull, RemoteRefused, RemoteUnreachable
from runref.artifacts.transfer.push import Pushed, push
from runref.artifacts.transfer.wanted import Wanted

pytestmark = pytest.mark.slow  # `make check` is for all day

TREE = {
    "a": b"alpha",
    "again": b"alpha",
    "b/large": os.urandom(3 << 20),
    "empty": b"",
    "link": "a",
    "nothing": None,
}
ABSENT = "sha256:" + "ab" * 32


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def hashes(shelf: Path) -> set[str]:
    """What is on a remote by the hashes of its bytes; fails where a name is another."""
    found = set()
    for path in (shelf / "sha256").rglob("*"):
        if path.is_file():
            found.add(digest_of(path.read_bytes()))
            assert place(shelf, digest_of(path.read_bytes())) == path
    return found


def test_a_push_sends_every_content_once(here, lab, shelf):
    tree = here.tree(TREE)
    file = here.file(b"alpha")

    pushed = push(here.local, lab, [tree, file, tree])

    manifest = len(here.data(tree))
    assert pushed == Pushed(sent=4, sent_bytes=5 + (3 << 20) + 0 + manifest)
    assert pushed.is_complete
    assert hashes(shelf) == {tree.digest, *map(digest_of, (b"alpha", b"", TREE["b/large"]))}
    assert not [path for path in shelf.rglob("tmp/*") if path.is_file()]


def test_with_nothing_to_do_the_remote_is_asked_once(here, lab):
    artifacts = [here.tree({str(n): bytes([n]) for n in range(100)}), here.file(b"x")]
    push(here.local, lab, artifacts)
    lab.written.clear()
    lab.looked = 0

    pushed = push(here.local, lab, artifacts)

    assert pushed == Pushed(already=102)
    assert (lab.looked, lab.written) == (1, [])


def test_with_nothing_wanted_the_remote_is_not_asked(here, lab):
    assert push(here.local, lab, []) == Pushed()
    assert lab.looked == 0


def test_a_manifest_follows_the_files_it_names(here, lab):
    inner = here.tree({"a": b"a"})
    middle = here.tree({"manifest": here.data(inner), "b": b"b"})
    outer = here.tree({"deep": here.data(middle)})

    push(here.local, lab, [outer, middle, inner])

    assert lab.written[-3:] == [inner.digest, middle.digest, outer.digest]


def test_what_is_neither_here_nor_there_is_named_and_its_manifest_withheld(here, lab, shelf):
    whole, torn = here.tree({"a": b"a"}), here.tree({"a": b"a", "b": b"b"})
    lost = digest_of(b"b")
    here.local.delete([lost])

    pushed = push(here.local, lab, [whole, torn, Wanted(ABSENT, "directory", 1)])

    assert set(pushed.missing) == {lost, ABSENT}
    assert pushed.withheld == (torn.digest,)
    assert not pushed.is_complete
    assert hashes(shelf) == {whole.digest, digest_of(b"a")}


def test_what_is_not_here_but_there_is_not_missing(here, there, lab):
    tree = here.tree({"a": b"a", "b": b"b"})
    push(here.local, lab, [tree])
    same = there.tree({"a": b"a", "b": b"b"})
    there.local.delete([digest_of(b"b")])

    assert push(there.local, lab, [same]) == Pushed(already=3)

    there.local.delete([tree.digest])
    assert push(there.local, lab, [same]) == Pushed(already=1)


def test_damage_here_is_named_and_stays_here(here, lab, shelf):
    tree = here.tree({"a": b"alpha", "b": b"beta"})
    fine = here.file(b"gamma")
    flip(place(here.folder / "store", digest_of(b"alpha")))

    pushed = push(here.local, lab, [tree, fine])

    (failure,) = pushed.failed
    assert failure.digest == digest_of(b"alpha")
    assert isinstance(failure.error, ArtifactDamaged)
    assert failure.error.hint
    assert pushed.withheld == (tree.digest,)
    assert hashes(shelf) == {fine.digest, digest_of(b"beta")}


def test_what_vanishes_meanwhile_is_named(here, shelf, lab):
    doomed, fine = here.file(b"doomed"), here.file(b"fine")

    class Vanishing(Counting):
        def write(self, digest, path, **options):
            if digest == doomed.digest:
                path.unlink()
            super().write(digest, path, **options)

    pushed = push(here.local, Vanishing(lab.store), [doomed, fine])

    (failure,) = pushed.failed
    assert isinstance(failure.error, ArtifactMissing)
    assert hashes(shelf) == {fine.digest}


@pytest.mark.parametrize("data", [b"no manifest", b""])
def test_what_is_no_manifest_is_not_sent_as_one(here, lab, shelf, data):
    pushed = push(here.local, lab, [here.manifest(data), here.file(b"fine")])

    (failure,) = pushed.failed
    assert isinstance(failure.error, ManifestInvalid)
    assert hashes(shelf) == {digest_of(b"fine")}


def test_a_damaged_manifest_is_named(here, lab):
    tree = here.tree({"a": b"a"})
    flip(place(here.folder / "store", tree.digest))

    (failure,) = push(here.local, lab, [tree]).failed
    assert isinstance(failure.error, ArtifactDamaged)


def test_what_is_cut_off_on_the_remote_is_replaced(here, lab, shelf):
    tree = here.tree(TREE)
    push(here.local, lab, [tree])
    for digest in (tree.digest, digest_of(TREE["b/large"])):
        cut(place(shelf, digest))

    pushed = push(here.local, lab, [tree])

    assert set(pushed.replaced) == {tree.digest, digest_of(TREE["b/large"])}
    assert (pushed.sent, pushed.already, pushed.is_complete) == (2, 2, True)
    assert tree.digest in hashes(shelf)


def test_what_is_cut_off_there_and_not_here_is_missing(here, lab, shelf):
    file = here.file(b"content")
    push(here.local, lab, [file])
    cut(place(shelf, file.digest))
    here.local.delete([file.digest])

    assert push(here.local, lab, [file]).missing == (file.digest,)


def test_a_record_that_lies_about_a_size_changes_nothing(here, lab, shelf):
    file = here.file(b"content")
    for claim in (file, Wanted(file.digest, "file", 2), Wanted(file.digest, "file", 7)):
        assert push(here.local, lab, [file, claim]).is_complete
        assert push(here.local, lab, [claim]).is_complete
    assert hashes(shelf) == {file.digest}


@pytest.mark.parametrize("error", [RemoteRefused, RemoteFull])
def test_an_error_for_good_ends_the_push_at_once(here, shelf, lab, error):
    large = [here.file(bytes(size)) for size in range(1000, 1010)]
    small = [here.file(b"%d" % n) for n in range(50)]
    turn = {each.digest for each in small}
    store = Failing(lab.store, lambda what: error("no") if what in turn else None)

    pushed = push(here.local, store, [*small, *large], concurrency=2)

    assert isinstance(pushed.ended_by, error)
    assert not pushed.is_complete
    assert store.failures <= 2
    arrived = hashes(shelf)
    assert 9 <= pushed.sent <= len(arrived) <= 10  # the other thread was told to leave
    again = push(here.local, lab, [*small, *large])
    assert again.is_complete
    assert again.already == len(arrived)


def test_a_remote_that_refuses_to_be_asked_ends_the_push(here, lab):
    store = Failing(lab.store, lambda _what: RemoteRefused("no"))
    pushed = push(here.local, store, [here.file(b"x")])
    assert isinstance(pushed.ended_by, RemoteRefused)
    assert store.written == []


def test_one_content_that_does_not_get_through_does_not_stop_the_others(here, lab, shelf):
    tree = here.tree({str(n): b"%d" % n for n in range(50)})
    lost = digest_of(b"7")
    error = RemoteUnreachable("no answer")

    pushed = push(
        here.local, Failing(lab.store, lambda what: error if what == lost else None), [tree]
    )

    assert [failure.digest for failure in pushed.failed] == [lost]
    assert (pushed.sent, pushed.withheld, pushed.ended_by) == (49, (tree.digest,), None)
    assert tree.digest not in hashes(shelf)


def test_a_remote_that_is_gone_is_not_tried_for_every_content(here, lab):
    files = [here.file(b"%d" % n) for n in range(100)]
    store = Failing(lab.store, lambda what: RemoteUnreachable("?") if what != "present" else None)

    pushed = push(here.local, store, files, concurrency=4)

    assert isinstance(pushed.ended_by, RemoteUnreachable)
    assert 3 <= store.failures <= 3 + 4


def test_a_dry_run_tells_what_would_be_sent_and_sends_nothing(here, lab, shelf):
    tree, torn = here.tree(TREE), here.tree({"lost": b"lost", "kept": b"kept"})
    here.local.delete([digest_of(b"lost")])

    told = push(here.local, lab, [tree, torn], dry_run=True)

    assert lab.written == []
    assert not shelf.exists() or hashes(shelf) == set()
    assert told == push(here.local, lab, [tree, torn])
    assert told.withheld == (torn.digest,)


def test_progress_adds_up(here, lab):
    tree = here.tree(TREE)
    push(here.local, lab, [here.file(b"alpha")])
    listener = Listener()

    pushed = push(here.local, lab, [tree], progress=listener)

    assert listener.done == listener.size == pushed.sent_bytes
    assert listener.files_done == listener.files == pushed.sent == 3


@pytest.mark.parametrize("error", [RemoteUnreachable, ArtifactDamaged])
def test_bytes_that_did_not_arrive_are_not_counted(here, lab, error):
    fine, lost = here.file(b"fine"), here.file(b"lost")

    class Losing(Counting):
        def write(self, digest, path, *, on_bytes):
            if digest == lost.digest:
                on_bytes(3)
                raise error("lost")
            super().write(digest, path, on_bytes=on_bytes)

    listener = Listener()
    push(here.local, Losing(lab.store), [fine, lost], progress=listener)
    assert (listener.size, listener.done) == (8, 4)
    assert (listener.files, listener.files_done) == (2, 1)


def test_bytes_that_are_sent_again_are_counted_once(here, lab):
    file = here.file(os.urandom(3 << 20))

    class Twice(Counting):
        def write(self, digest, path, *, on_bytes):
            on_bytes(2 << 20)
            super().write(digest, path, on_bytes=on_bytes)

    listener = Listener()
    push(here.local, Twice(lab.store), [file], progress=listener)
    assert listener.done == listener.size == 3 << 20


def test_a_file_of_two_directories_and_a_lying_manifest(here, lab, shelf):
    """A manifest says what size its files have; the digest says what is true."""
    file = here.file(b"content")
    liar = here.manifest(Manifest((Entry("f", FILE, file.digest, 3),)))

    pushed = push(here.local, lab, [here.tree({"f": b"content"}), liar])

    assert pushed.is_complete
    assert file.digest in hashes(shelf)


def test_what_is_damaged_there_with_its_size_is_mended_on_demand(here, lab, shelf):
    tree = here.tree(TREE)
    push(here.local, lab, [tree])
    large = digest_of(TREE["b/large"])
    for digest in (large, tree.digest):
        flip(place(shelf, digest))
    listener = Listener()

    assert push(here.local, lab, [tree]) == Pushed(already=4)
    told = push(here.local, lab, [tree], verify=True, dry_run=True)
    mended = push(here.local, lab, [tree], verify=True, progress=listener)

    assert set(told.replaced) == set(mended.replaced) == {large, tree.digest}
    assert (told.sent, mended.sent, mended.already) == (2, 2, 2)
    assert mended.is_complete
    assert hashes(shelf) == {tree.digest, *map(digest_of, (b"alpha", b"", TREE["b/large"]))}
    assert listener.done == listener.size
    assert push(here.local, lab, [tree], verify=True) == Pushed(already=4)


@pytest.mark.parametrize("state", ["absent", "damaged"])
def test_what_is_damaged_there_stays_where_there_is_nothing_better(here, lab, shelf, state):
    file = here.file(b"content")
    push(here.local, lab, [file])
    flip(place(shelf, file.digest))
    if state == "absent":
        here.local.delete([file.digest])
    else:
        flip(place(here.folder / "store", file.digest), at=0)

    pushed = push(here.local, lab, [file], verify=True)

    assert not pushed.is_complete
    assert pushed.damaged == ((file.digest,) if state == "absent" else ())
    assert [each.digest for each in pushed.failed] == ([] if state == "absent" else [file.digest])
    assert place(shelf, file.digest).exists()


def test_what_cannot_be_read_back_is_named(here, lab):
    files = [here.file(b"first"), here.file(b"second")]
    push(here.local, lab, files)
    silent = Failing(
        lab, lambda what: RemoteUnreachable("silent") if what == files[0].digest else None
    )

    pushed = push(here.local, silent, files, verify=True)

    assert [each.digest for each in pushed.failed] == [files[0].digest]
    assert (pushed.sent, pushed.already) == (0, 1)
