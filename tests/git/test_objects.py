"""Objects: what runref writes is what git writes, and it reads whatever git did to them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runref.git.files import CannotWrite
from runref.git.format import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, decode_tree, encode_tree
from runref.git.objects import ObjectDamaged, ObjectMissing, TreeEntry
from runref.git.repository import Repository

FORMATS = pytest.mark.parametrize("object_format", ["sha1", "sha256"])


def objects_of(repo):
    return Repository.open(repo.path, environ=os.environ).objects


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def loose_path(repo, oid: str) -> Path:
    return repo.path / ".git/objects" / oid[:2] / oid[2:]


@FORMATS
def test_git_reads_what_was_written_and_gives_it_the_same_name(make_repo, object_format):
    repo = make_repo("r", f"--object-format={object_format}")
    objects = objects_of(repo)
    blob = objects.write_blob(b"some\0bytes\n")
    entries = [
        TreeEntry(b"b", TREE, objects.write_tree([])),
        TreeEntry(b"b.txt", FILE, blob),
        TreeEntry(b"a", EXECUTABLE, blob),
    ]
    tree = objects.write_tree(entries)
    commit = objects.write_commit(
        tree=tree, parents=(), identity="Zoë <z@x.org>", time=1700000000, message="gr\u00fcn"
    )
    repo.git("update-ref", "refs/runref/runs", commit)

    assert repo.git("hash-object", "--stdin", input=b"some\0bytes\n") == blob
    assert repo.git("ls-tree", "--name-only", commit).split() == ["a", "b.txt", "b"]
    assert repo.git("log", "-1", "--format=%an %ae %at %s", commit) == "Zoë z@x.org 1700000000 grün"
    repo.fsck()


@FORMATS
def test_reads_what_git_wrote_loose_and_packed(make_repo, object_format):
    repo = make_repo("r", f"--object-format={object_format}")
    repo.write("a/b.txt", "content\n")
    commit = repo.commit("subject\n\nbody")
    for packed in (False, True):
        if packed:
            repo.git("gc", "-q")
        objects = objects_of(repo)
        read = objects.read_commit(commit)
        assert (read.message, read.author) == ("subject\n\nbody\n", "Ada Tester <ada@example.org>")
        assert str(read.time) == repo.git("log", "-1", "--format=%at")
        (folder,) = objects.read_tree(read.tree)
        (file,) = objects.read_tree(folder.oid)
        assert (folder.name, folder.mode, file.name, file.mode) == (b"a", TREE, b"b.txt", FILE)
        assert objects.read_blob(file.oid) == b"content\n"


def test_a_commit_message_of_any_text_makes_a_commit_git_accepts(repo):
    objects = objects_of(repo)
    tree = objects.write_tree([])
    commit = objects.write_commit(
        tree=tree, parents=[], identity="A <a@b>", time=0, message="null \0 and lone \ud800\n\n\n"
    )
    repo.git("update-ref", "refs/runref/runs", commit)
    repo.fsck()
    assert objects.read_commit(commit).message == "null  and lone \\ud800\n"


@pytest.mark.parametrize("place", ["loose", "packed", "alternate"])
def test_nothing_that_is_present_is_written_again(repo, make_repo, place):
    body = (repo.path / "train.py").read_bytes()
    if place == "packed":
        repo.git("gc", "-q")
    if place == "alternate":
        other = make_repo("borrower")
        alternates = other.path / ".git/objects/info/alternates"
        alternates.write_text(f"{repo.path}/.git/objects\n")
        repo = other
    before = files_below(repo.path / ".git/objects")
    objects = objects_of(repo)
    oid = objects.write_blob(body)
    with objects.batch():
        assert objects.write_blob(body) == oid
    assert files_below(repo.path / ".git/objects") == before
    assert objects.read_blob(oid) == body


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_present_is_made_young_so_that_gc_keeps_it(repo, packed):
    old = 1_000_000_000
    oid = repo.git("rev-parse", "HEAD:train.py")
    path = loose_path(repo, oid)
    if packed:
        repo.git("gc", "-q")
        (path,) = (repo.path / ".git/objects/pack").glob("*.pack")
    os.utime(path, (old, old))
    objects_of(repo).freshen(oid)
    assert path.stat().st_mtime > old


def test_an_object_nobody_refers_to_survives_gc_when_it_was_written_again(repo):
    objects = objects_of(repo)
    oid = objects.write_blob(b"unreferenced\n")
    os.utime(loose_path(repo, oid), (1, 1))
    objects.write_blob(b"unreferenced\n")
    repo.git("gc", "-q")
    assert objects_of(repo).read_blob(oid) == b"unreferenced\n"


@pytest.mark.parametrize("how", ["write", "freshen", "batch"])
def test_an_object_in_a_cruft_pack_is_made_young(repo, how):
    """Such a pack has the ages of its objects in a file of its own, whatever the pack's age."""
    objects = objects_of(repo)
    content = b"unreferenced\n"
    oid = objects.write_blob(content)
    os.utime(loose_path(repo, oid), (1_000_000_000, 1_000_000_000))
    repo.git("gc", "-q", "--cruft", "--prune=2000-01-01")
    assert list((repo.path / ".git/objects/pack").glob("*.mtimes"))
    assert not loose_path(repo, oid).exists()
    objects = objects_of(repo)
    if how == "freshen":
        objects.freshen(oid)
    elif how == "write":
        assert objects.write_blob(content) == oid
    else:
        with objects.batch():
            objects.write_blob(content)
    repo.git("gc", "-q", "--cruft", "--prune=1.day.ago")
    assert repo.git("cat-file", "blob", oid) == "unreferenced"


def test_no_second_copy_is_written_beside_one_that_could_be_made_young(repo):
    """The object is in a cruft pack, and in a pack that a fetch brought."""
    objects = objects_of(repo)
    oid = objects.write_blob(b"here and there\n")
    os.utime(loose_path(repo, oid), (1_000_000_000, 1_000_000_000))
    repo.git("gc", "-q", "--cruft", "--prune=2000-01-01")
    both = f"{oid}\n{repo.git('rev-parse', 'HEAD:train.py')}\n"
    repo.git("pack-objects", ".git/objects/pack/pack", input=both.encode())
    assert objects_of(repo).write_blob(b"here and there\n") == oid
    assert not loose_path(repo, oid).exists()


def test_an_empty_object_file_left_by_a_power_failure_is_written_again(repo):
    objects = objects_of(repo)
    oid = objects.write_blob(b"precious\n")
    path = loose_path(repo, oid)
    path.chmod(0o644)
    path.write_bytes(b"")
    assert not objects.contains(oid)
    assert objects.write_blob(b"precious\n") == oid
    assert objects.read_blob(oid) == b"precious\n"


def test_missing_objects_and_impossible_names_are_told_apart_from_damage(repo):
    objects = objects_of(repo)
    for name in ("0" * 40, "", "../../config", "zz" * 20, "A" * 40, "a" * 64):
        with pytest.raises(ObjectMissing, match=name or "''"):
            objects.read(name)
        assert not objects.contains(name)
    with pytest.raises(ObjectMissing):
        objects.freshen("0" * 40)


def test_damaged_loose_objects_are_named(repo):
    objects = objects_of(repo)
    first, second = objects.write_blob(b"first"), objects.write_blob(b"second")
    for path in (loose_path(repo, first), loose_path(repo, second)):
        path.chmod(0o644)
    loose_path(repo, first).write_bytes(loose_path(repo, second).read_bytes())
    loose_path(repo, second).write_bytes(b"x\x9cgarbage")
    for oid in (first, second):
        with pytest.raises(ObjectDamaged, match=oid):
            objects.read(oid)


def test_a_damaged_pack_is_named_and_a_good_copy_elsewhere_is_used(repo):
    oid, body = repo.git("rev-parse", "HEAD:train.py"), (repo.path / "train.py").read_bytes()
    repo.git("gc", "-q")
    (pack,) = (repo.path / ".git/objects/pack").glob("*.pack")
    data = bytearray(pack.read_bytes())
    data[12:-20] = bytes(len(data) - 32)
    pack.chmod(0o644)
    pack.write_bytes(data)
    with pytest.raises(ObjectDamaged, match=oid):
        objects_of(repo).read(oid)
    copy = repo.git("hash-object", "--stdin", input=body)
    assert copy == oid
    loose = loose_path(repo, oid)
    loose.parent.mkdir(exist_ok=True)
    loose.write_bytes(zlib.compress(b"blob %d\0%s" % (len(body), body)))
    assert objects_of(repo).read_blob(oid) == body


def test_the_kind_is_checked(repo):
    objects = objects_of(repo)
    with pytest.raises(ObjectDamaged, match="is a commit, where a tree") as caught:
        objects.read_tree(repo.git("rev-parse", "HEAD"))
    assert "git fsck" in caught.value.hint


@pytest.mark.parametrize("kind", ["tree", "commit"])
def test_an_object_that_makes_no_sense_is_named_with_what_to_do(repo, kind):
    objects = objects_of(repo)
    oid = objects.write(kind, b"nonsense")
    read = objects.read_tree if kind == "tree" else objects.read_commit
    with pytest.raises(ObjectDamaged, match=f"{kind} {oid} is damaged") as caught:
        read(oid)
    assert "fetch" in caught.value.hint


def test_an_open_store_follows_objects_through_gc_and_repack(repo):
    objects = objects_of(repo)
    oid, body = repo.git("rev-parse", "HEAD:train.py"), (repo.path / "train.py").read_bytes()
    assert objects.read_blob(oid) == body
    for _ in range(3):
        repo.write("more.txt", os.urandom(16).hex())
        new = repo.commit()
        repo.git("gc", "-q", "--prune=now")
        assert objects.read_commit(new).parents
        assert objects.read_blob(oid) == body
    repo.git("repack", "-adq")
    assert objects.contains(oid)
    # Unpack everything and remove the packs while the store has them open.
    for pack in list((repo.path / ".git/objects/pack").glob("*.pack")):
        moved = pack.rename(repo.path / pack.name)
        pack.with_suffix(".idx").unlink()
        repo.git("unpack-objects", "-q", input=moved.read_bytes())
    assert objects.read_blob(oid) == body
    assert objects_of(repo).read_blob(oid) == body


def test_a_pack_that_vanishes_before_it_was_opened_is_forgotten(repo):
    repo.git("gc", "-q")
    objects = objects_of(repo)
    oid = repo.git("rev-parse", "HEAD:train.py")
    assert objects.contains(oid)  # the index is open, the pack is not
    repo.write("x", "x")
    repo.commit()
    repo.git("repack", "-adq")
    assert objects.read_blob(oid) == (repo.path / "train.py").read_bytes()


class Unnoticed:
    """Changes to the pack folder inside the block leave its time as it was: one clock tick."""

    def __init__(self, repo) -> None:
        self.folder = repo.path / ".git/objects/pack"

    def __enter__(self) -> None:
        self.before = self.folder.stat()

    def __exit__(self, *problem) -> None:
        os.utime(self.folder, ns=(self.before.st_atime_ns, self.before.st_mtime_ns))


def test_a_pack_that_comes_within_a_tick_of_the_clock_is_seen(repo):
    objects = objects_of(repo)
    repo.git("gc", "-q")
    assert objects.contains(repo.git("rev-parse", "HEAD"))
    repo.write("new", "new")
    oid = repo.git("hash-object", "-w", "new")
    repo.commit()
    with Unnoticed(repo):
        repo.git("repack", "-dq")
    assert not loose_path(repo, oid).exists()
    assert objects.read_blob(oid) == b"new"


def test_packs_that_go_within_a_tick_of_the_clock_are_forgotten(repo):
    objects = objects_of(repo)
    repo.git("repack", "-adq")
    repo.write("new", "new")
    oid = repo.git("hash-object", "-w", "new")
    repo.commit()
    repo.git("repack", "-dq")
    assert len(list((repo.path / ".git/objects/pack").glob("*.pack"))) == 2
    objects.resolve_prefix("ffffffff")  # opens the indexes, not the packs
    only_listed = objects_of(repo)
    only_listed._places[0][1].refresh()
    with Unnoticed(repo):
        repo.git("repack", "-adq")
    assert objects.read_blob(oid) == b"new"
    assert only_listed.read_blob(oid) == b"new"


def test_objects_of_a_removed_pack_are_not_taken_for_present(repo):
    objects = objects_of(repo)
    body = (repo.path / "train.py").read_bytes()
    repo.git("gc", "-q")
    oid = repo.git("rev-parse", "HEAD:train.py")
    assert objects.read_blob(oid) == body
    for path in (repo.path / ".git/objects/pack").iterdir():
        path.unlink()
    assert not objects.contains(oid)
    objects.write_blob(body)
    assert loose_path(repo, oid).exists()


def test_resolve_prefix_finds_loose_packed_borrowed_and_batched(repo, make_repo):
    packed = repo.git("rev-parse", "HEAD")
    repo.git("gc", "-q")
    other = make_repo("borrower")
    (other.path / ".git/objects/info/alternates").write_text(f"{repo.path}/.git/objects\n")
    objects = objects_of(other)
    loose = objects.write_blob(b"loose")
    for oid in (packed, loose):
        for length in (4, 5, 12, 39, 40):
            assert oid in objects.resolve_prefix(oid[:length])
        assert objects.resolve_prefix(oid.upper()[:20]) == [oid]
    with objects.batch():
        waiting = objects.write_blob(b"waiting")
        assert objects.resolve_prefix(waiting[:10]) == [waiting]
    for nothing in ("", "abc", "zzzz", "0000000000000000", "../.."):
        assert objects.resolve_prefix(nothing) == []


def test_resolve_prefix_lists_every_match_in_a_large_pack(make_repo):
    objects = objects_of(make_repo())
    with objects.batch():
        oids = [objects.write_blob(b"%d" % number) for number in range(3000)]
    for first in {oid[:4] for oid in oids[:300]}:
        expected = sorted(oid for oid in oids if oid.startswith(first))
        assert objects.resolve_prefix(first) == expected


# batches


@pytest.mark.slow
@FORMATS
@pytest.mark.parametrize(("count", "packs"), [(1, 0), (200, 0), (201, 1), (1000, 1)])
def test_a_batch_stores_few_objects_loose_and_many_as_one_pack(
    make_repo, object_format, count, packs
):
    repo = make_repo("r", f"--object-format={object_format}")
    objects = objects_of(repo)
    bodies = [b"number %d\n" % number * (number % 40) + b"%d" % number for number in range(count)]
    with objects.batch():
        oids = [objects.write_blob(body) for body in bodies]
        assert not list((repo.path / ".git/objects").glob("??/*"))
        assert not list((repo.path / ".git/objects/pack").glob("pack-*"))
        assert [objects.read_blob(oid) for oid in oids] == bodies
        assert all(map(objects.contains, oids))
    assert len(list((repo.path / ".git/objects/pack").glob("*.pack"))) == packs
    assert len(list((repo.path / ".git/objects").glob("??/*"))) == (0 if packs else count)
    assert [objects.read_blob(oid) for oid in oids] == bodies
    listing = repo.git("cat-file", "--batch-check=%(objecttype)", input="\n".join(oids).encode())
    assert listing.split() == ["blob"] * count
    repo.fsck()
    for index in (repo.path / ".git/objects/pack").glob("*.idx"):
        repo.git("verify-pack", str(index))
        assert stat.S_IMODE(index.stat().st_mode) == 0o444
        assert stat.S_IMODE(index.with_suffix(".pack").stat().st_mode) == 0o444


@pytest.mark.parametrize("count", [3, 500])
def test_a_batch_that_fails_stores_nothing(repo, count):
    objects = objects_of(repo)
    before = files_below(repo.path / ".git/objects")

    def fill_and_fail():
        with objects.batch():
            for number in range(count):
                objects.write_blob(b"%d" % number)
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fill_and_fail()
    assert files_below(repo.path / ".git/objects") == before
    assert not objects.contains(objects.hash("blob", b"0"))
    objects.write_blob(b"0")
    assert objects.contains(objects.hash("blob", b"0"))


def test_a_batch_inside_a_batch_belongs_to_the_outer_one(repo):
    objects = objects_of(repo)
    with objects.batch():
        with objects.batch():
            inner = objects.write_blob(b"inner")
        assert not loose_path(repo, inner).exists()
        assert objects.read_blob(inner) == b"inner"
    assert loose_path(repo, inner).exists()


def test_an_empty_batch_leaves_nothing(repo):
    before = files_below(repo.path / ".git/objects")
    with objects_of(repo).batch():
        pass
    assert files_below(repo.path / ".git/objects") == before


@pytest.mark.slow
def test_a_large_batch_does_not_stay_in_memory(repo):
    objects = objects_of(repo)
    block = bytes(1 << 20)
    with objects.batch():
        oids = [objects.write_blob(bytes([number]) + block) for number in range(70)]
        assert list((repo.path / ".git/objects/pack").glob("tmp_pack_*"))
        assert objects.read_blob(oids[69])[1:] == block
    assert objects.read_blob(oids[0])[1:] == block
    repo.fsck()


# permissions and refusals


@pytest.mark.parametrize(
    ("shared", "file_mode", "folder_mode"),
    [
        ("false", 0o400, 0o700),
        ("group", 0o440, 0o2770),
        ("all", 0o444, 0o2775),
        ("0640", 0o440, 0o2750),
    ],
)
def test_new_files_get_the_permissions_the_repository_shares(
    make_repo, shared, file_mode, folder_mode
):
    repo = make_repo("r", f"--shared={shared}")
    script = (
        "import os,sys; from pathlib import Path; os.umask(0o077)\n"
        "from runref.git.repository import Repository\n"
        "r = Repository.open(Path(sys.argv[1]))\n"
        "o = r.objects.write_blob(b'x'); print(o)\n"
        "c = r.objects.write_commit(tree=r.objects.write_tree([]), parents=[], identity='a <b>',"
        " time=1, message='m')\n"
        "assert r.ref('refs/runref/runs').compare_and_swap('', c, message='m')\n"
        "with r.objects.batch():\n"
        "    for n in range(300): r.objects.write_blob(b'%d' % n)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(repo.path)], capture_output=True, text=True, check=True
    )
    written = loose_path(repo, done.stdout.strip())
    packs = list((repo.path / ".git/objects/pack").iterdir())
    assert len(packs) == 2
    for path in (written, *packs):
        assert stat.S_IMODE(path.stat().st_mode) == file_mode, path
    for path in (
        written.parent,
        repo.path / ".git/refs/runref",
        repo.path / ".git/logs/refs/runref",
    ):
        assert stat.S_IMODE(path.stat().st_mode) == folder_mode, path
    ref_mode = stat.S_IMODE((repo.path / ".git/refs/runref/runs").stat().st_mode)
    assert ref_mode & 0o444 == file_mode


@pytest.mark.parametrize("batch", [False, True])
def test_a_refused_write_is_named_and_leaves_nothing(repo, batch):
    before = files_below(repo.path / ".git")
    script = (
        "import os,sys,resource,contextlib; from pathlib import Path\n"
        "from runref.git.repository import Repository\n"
        "from runref.git.files import CannotWrite\n"
        "r = Repository.open(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    with r.objects.batch() if sys.argv[2] == 'True' else contextlib.nullcontext():\n"
        "        for n in range(300): r.objects.write_blob(os.urandom(5000))\n"
        "except CannotWrite as e: print('refused', e.message)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(repo.path), str(batch)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("refused cannot write")
    assert files_below(repo.path / ".git") == before


def test_a_folder_that_cannot_be_written_is_named(repo):
    objects = objects_of(repo)
    oid = objects.hash("blob", b"blocked")
    loose_path(repo, oid).parent.write_text("a file where the folder should be")
    with pytest.raises(CannotWrite, match="objects"):
        objects.write_blob(b"blocked")
    assert not list((repo.path / ".git/objects").glob("tmp_obj_*"))


# laws


def may_be_a_name(name: bytes) -> bool:
    return (
        not set(name) & {0, ord("/")} and name not in (b".", b"..") and b"git" not in name.lower()
    )


names = st.binary(min_size=1, max_size=12).filter(may_be_a_name)


@FORMATS
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(entries=st.dictionaries(names, st.sampled_from([FILE, EXECUTABLE, SYMLINK, GITLINK, TREE])))
def test_write_tree_is_git_mktree(tmp_path_factory, object_format, entries):
    repo = _shared_repo(tmp_path_factory, object_format)
    objects = Repository.open(repo).objects
    behind = {
        FILE: objects.write_blob(b"x"),
        TREE: objects.write_tree([]),
        GITLINK: objects.hash("commit", b"elsewhere"),
    }
    kinds = {TREE: "tree", GITLINK: "commit"}
    made = [TreeEntry(name, mode, behind.get(mode, behind[FILE])) for name, mode in entries.items()]
    lines = b"".join(
        b"%06o %s %s\t%s\0" % (e.mode, kinds.get(e.mode, "blob").encode(), e.oid.encode(), e.name)
        for e in made
    )
    done = subprocess.run(
        ["git", "mktree", "-z", "--missing"], cwd=repo, input=lines, capture_output=True, check=True
    )
    assert objects.write_tree(made) == done.stdout.decode().strip()
    assert sorted(objects.read_tree(objects.write_tree(made))) == sorted(made)


def _shared_repo(tmp_path_factory, object_format: str) -> Path:
    path = tmp_path_factory.getbasetemp() / f"mktree-{object_format}"
    if not path.exists():
        subprocess.run(["git", "init", "-q", f"--object-format={object_format}", path], check=True)
    return path


@given(st.dictionaries(names, st.sampled_from([FILE, TREE])))
def test_a_tree_reads_back_whatever_its_order(entries):
    made = [TreeEntry(name, mode, "ab" * 20) for name, mode in entries.items()]
    assert decode_tree(encode_tree(made), 20) == decode_tree(encode_tree(reversed(made)), 20)
    assert set(decode_tree(encode_tree(made), 20)) == set(made)


@given(st.binary(max_size=60))
def test_garbage_is_no_tree_but_never_crashes(body):
    with suppress(ValueError):
        decode_tree(body, 20)
