from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runref.artifacts import (
    Artifact,
    ArtifactChanged,
    ArtifactDamaged,
    ArtifactMissing,
    ArtifactSpecial,
    ArtifactUnreadable,
    ArtifactVanished,
    DigestInvalid,
    LocalStore,
    ManifestUnsafe,
    StoreFull,
    StoreUnusable,
    TargetExists,
    TargetUnwritable,
    hash_file,
    hash_path,
)
from runref.artifacts.manifest import DIRECTORY, EXECUTABLE, FILE, LINK, Entry, Manifest
from runref.artifacts.parallel import Progress, in_parallel
from runref.artifacts.reflink import clone

LARGE = 3 * (1 << 20) + 17  # several buffers and a rest
HUGE = 20 * (1 << 20) + 17  # several steps of the thread that copies


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(directory: Path) -> LocalStore:
    return LocalStore(directory)


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def stored(directory: Path, digest: str) -> Path:
    digits = digest.removeprefix("sha256:")
    return directory / "sha256" / digits[:2] / digits[2:]


def files_below(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def contents(root: Path) -> dict[str, object]:
    """Everything that a restored directory must have in common with the original."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))  # noqa: PTH115 -- Path would tidy it
        elif path.is_dir():
            found[name] = "directory"
        else:
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
    return found


def put(store: LocalStore, directory: Path, manifest: Manifest) -> str:
    """Store a manifest as someone with bad intentions would."""
    data = manifest.encode()
    source = directory.parent / "manifest"
    source.write_bytes(data)
    return store.add(source).digest


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, LARGE, 8 << 20, HUGE])
def test_a_file_is_stored_under_its_digest(
    store: LocalStore, directory: Path, tmp_path: Path, size: int
) -> None:
    data = os.urandom(size)
    path = tmp_path / "model.pkl"
    path.write_bytes(data)

    artifact = store.add(path)

    assert artifact == Artifact("file", sha256(data), size)
    assert artifact == hash_path(path) == store.hash(path)
    assert hash_file(path) == (artifact.digest, size)
    kept = stored(directory, artifact.digest)
    assert kept.read_bytes() == data
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
    assert store.contains(artifact.digest)
    assert not list((directory / "tmp").iterdir())
    with store.open(artifact.digest) as file:
        assert file.read() == data
    store.verify(artifact.digest)


def test_sha256sum_confirms_a_stored_file(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"content")
    kept = stored(directory, store.add(tmp_path / "a").digest)
    printed = subprocess.run(["sha256sum", kept], capture_output=True, text=True, check=True)
    assert printed.stdout.split()[0] == kept.parent.name + kept.name


@pytest.mark.parametrize("size", [10, LARGE, HUGE])
def test_equal_content_is_stored_once_and_untouched(
    store: LocalStore, directory: Path, tmp_path: Path, size: int
) -> None:
    data = os.urandom(size)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(data)
    kept = stored(directory, store.add(tmp_path / "a").digest)
    inode = kept.stat().st_ino

    store.add(tmp_path / "b")

    assert kept.stat().st_ino == inode
    assert [p for p in files_below(directory) if p.name != "digests.json"] == [kept]


def test_equal_files_of_one_directory_are_stored_once(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    for number in range(300):
        path = tmp_path / "data" / str(number)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"ab"[number % 2 : number % 2 + 1])
    artifact = store.add(tmp_path / "data")
    kept = {
        f"sha256:{path.parent.name}{path.name}" for path in (directory / "sha256").rglob("??*/*")
    }
    assert kept == {sha256(b"a"), sha256(b"b"), artifact.digest}
    assert names(directory / "tmp") == []


def test_a_large_file_comes_from_another_disk(small_disk: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(os.urandom(HUGE))
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    store = LocalStore(small_disk / "store")
    store.verify(store.add(path).digest)


def test_the_digest_is_that_of_the_stored_bytes(directory: Path, tmp_path: Path) -> None:
    """A writer that no time betrays makes the recording late, never the store wrong."""
    path = tmp_path / "model.pkl"
    path.write_bytes(bytes(HUGE))
    before = path.stat()

    def write(_count: int) -> None:
        with path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    store = LocalStore(directory)
    store.verify(store.add(path, on_progress=write).digest)


def test_the_users_file_stays_writable_and_apart(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"a" * LARGE)
    digest = store.add(path).digest
    with path.open("r+b") as file:
        file.write(b"b")
    store.verify(digest)


def test_a_file_that_a_power_cut_emptied_is_replaced(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    kept = stored(directory, store.add(path).digest)
    kept.unlink()
    kept.write_bytes(b"")

    store.add(path)

    assert kept.read_bytes() == b"content"


def test_progress_adds_up_to_the_size(store: LocalStore, tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    for number in range(200):
        (root / f"{number}.bin").write_bytes(b"x" * number)
    (root / "large").write_bytes(os.urandom(LARGE))
    for _ in range(2):
        seen: list[int] = []
        assert sum(seen) == 0
        artifact = store.add(root, on_progress=seen.append)
        assert sum(seen) == artifact.size


# ---------------------------------------------------------------------------- directories


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "outputs"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "model.bin").write_bytes(os.urandom(LARGE))
    (root / "deep" / "er" / "naïve name\nwith newline").write_text("text")
    (root / os.fsdecode(b"latin-\xe9")).write_text("bytes")
    (root / "bytes:odd").write_text("prefix")
    script = root / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    (root / "latest").symlink_to("./deep//er")
    (root / "broken").symlink_to("nothing")
    return root


def test_a_directory_comes_back_as_it_was(store: LocalStore, tree: Path, tmp_path: Path) -> None:
    artifact = store.add(tree)

    store.restore(artifact.digest, "directory", tmp_path / "deep" / "restored")

    assert contents(tmp_path / "deep" / "restored") == contents(tree)
    assert (artifact.kind, artifact.files, artifact.left_out) == ("directory", 5, ())
    assert artifact == hash_path(tree)
    manifest = store.read_manifest(artifact.digest)
    assert (manifest.files, manifest.size) == (artifact.files, artifact.size)


def test_the_digest_of_a_directory_tells_every_difference(tree: Path) -> None:
    digests = {hash_path(tree).digest}
    for change in (
        (tree / "empty").rmdir,
        lambda: (tree / "run.sh").chmod(0o644),
        lambda: (tree / "run.sh").write_text("#!/bin/bash\n"),
        lambda: (tree / "run.sh").rename(tree / "go.sh"),
        (tree / "broken").unlink,
    ):
        change()
        digests.add(hash_path(tree).digest)
    assert len(digests) == 6


tree_names = st.sampled_from(["a", "b", "c", "é", "\udcff", "x y", "bytes:", "%41"])
trees = st.recursive(
    st.binary(max_size=20)
    | st.tuples(st.binary(max_size=5), st.just(True))
    | st.sampled_from(["a", "b/../c", "."]),
    lambda inner: st.dictionaries(tree_names, inner, max_size=4),
    max_leaves=10,
)


def build(path: Path, node: object) -> None:
    if isinstance(node, dict):
        path.mkdir()
        for name, inner in node.items():
            build(path / name, inner)
    elif isinstance(node, str):
        path.symlink_to(node)
    else:
        data, executable = node if isinstance(node, tuple) else (node, False)
        path.write_bytes(data)
        path.chmod(0o755 if executable else 0o644)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tree=st.dictionaries(tree_names, trees, max_size=5))
def test_restore_of_add_is_the_same_tree(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object]
) -> None:
    base = tmp_path_factory.mktemp("law")
    build(base / "tree", tree)
    store = LocalStore(base / "store", fsync=False)
    artifact = store.add(base / "tree")
    store.restore(artifact.digest, "directory", base / "again", links_out=True)
    assert contents(base / "again") == contents(base / "tree")
    assert store.add(base / "again") == artifact


def test_links_are_never_followed_out_of_a_directory(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "data"
    root.mkdir()
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to("..")

    artifact = store.add(root)

    assert artifact.files == 0
    assert not store.contains(sha256(b"secret"))
    assert [entry.mode for entry in store.read_manifest(artifact.digest).entries] == [LINK, LINK]


def test_a_link_that_is_named_itself_is_followed(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "model-7.pkl").write_text("weights")
    (tmp_path / "latest").symlink_to("model-7.pkl")
    assert store.add(tmp_path / "latest") == Artifact("file", sha256(b"weights"), 7)


def test_special_files_are_left_out_and_named(store: LocalStore, tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    os.mkfifo(root / "pipe")
    (root / "file").write_text("x")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        artifact = store.add(root)
    assert artifact.files == 1
    assert artifact.left_out == ("pipe: pipe", "socket: socket")


def test_a_pipe_is_refused_without_waiting_for_a_writer(store: LocalStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtifactSpecial, match="is a pipe") as caught:
        store.add(tmp_path / "pipe")
    assert caught.value.code == "artifact-special"
    with pytest.raises(ArtifactSpecial):
        hash_file(tmp_path / "pipe")


# ---------------------------------------------------------------------------- files that move


def test_a_file_that_is_not_there(store: LocalStore, tmp_path: Path) -> None:
    for use in (store.add, store.hash, hash_path, hash_file):
        with pytest.raises(ArtifactVanished, match="none does not exist") as caught:
            use(tmp_path / "none")
        assert caught.value.code == "artifact-vanished"


class AtFirstBytes:
    """Does something to the file in the middle of its reading, from the progress callback."""

    def __init__(self, path: Path, what: str) -> None:
        self.path, self.what = path, what

    def __call__(self, _count: int) -> None:
        what, self.what = self.what, ""
        if what == "grow":
            with self.path.open("ab") as file:
                file.write(b"more")
        elif what == "truncate":
            os.truncate(self.path, 50)
        elif what == "rewrite":
            with self.path.open("r+b") as file:
                file.write(b"other")
        elif what == "replace":
            other = self.path.with_name("other")
            other.write_bytes(b"x" * LARGE)
            other.rename(self.path)
        elif what == "remove":
            self.path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("size", [100, LARGE, HUGE])
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("what", ["grow", "truncate", "rewrite", "replace", "remove"])
def test_a_file_that_does_not_hold_still(
    store: LocalStore, directory: Path, tmp_path: Path, what: str, inside: bool, size: int
) -> None:
    path = tmp_path / "data" / "model.pkl"
    path.parent.mkdir()
    path.write_bytes(os.urandom(size))
    error = ArtifactVanished if what == "remove" else ArtifactChanged
    with pytest.raises(error, match=r"model\.pkl") as caught:
        store.add(path.parent if inside else path, on_progress=AtFirstBytes(path, what))
    assert caught.value.code == error.code
    assert files_below(directory) == []


@pytest.mark.parametrize("what", ["grow", "rewrite", "remove"])
def test_hashing_alone_notices_too(tmp_path: Path, what: str) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(os.urandom(LARGE))
    with pytest.raises((ArtifactChanged, ArtifactVanished)):
        hash_path(path, AtFirstBytes(path, what))


def test_a_small_file_that_is_cut_short(tmp_path: Path) -> None:
    # The kernel's files say size 0 and have content: what is read is not what was promised.
    with pytest.raises(ArtifactChanged):
        LocalStore(tmp_path / "store").add(Path("/proc/self/status"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(store: LocalStore, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0)
    with pytest.raises(ArtifactUnreadable, match="Permission denied"):
        store.add(path)


def test_a_disk_that_fails_is_named(tmp_path: Path) -> None:
    # Offset 0 of a process's memory cannot be read: the one I/O error that needs no broken disk.
    with pytest.raises((ArtifactUnreadable, ArtifactChanged)) as caught:
        LocalStore(tmp_path / "store").add(Path("/proc/self/mem"))
    assert caught.value.code == "artifact-unreadable"


# ---------------------------------------------------------------------------- the cache


def aged(path: Path, content: bytes) -> Path:
    """Write a file whose times are certain to be older than the next reading of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    written = path.stat().st_ctime_ns
    while time.time_ns() < written + 150_000_000:
        os.sched_yield()
    return path


class Reads:
    """Counts how often stored files are opened, through Python's own audit events."""

    opened: ClassVar[list[str]] = []

    def __init__(self) -> None:
        if not Reads.opened:
            Reads.opened.append("the hook is set, and stays")
            sys.addaudithook(
                lambda event, args: (
                    Reads.opened.append(os.fsdecode(args[0]))
                    if event == "open" and isinstance(args[0], (str, bytes))
                    else None
                )
            )
        self._start = len(Reads.opened)

    def of(self, path: Path) -> int:
        return Reads.opened[self._start :].count(str(path))


def test_unchanged_data_is_not_read_again(directory: Path, tmp_path: Path) -> None:
    path = aged(tmp_path / "train.csv", b"x" * 100)
    reads = Reads()
    first = LocalStore(directory).add(path)
    assert reads.of(path) == 1

    again = LocalStore(directory)  # as another process would

    assert again.add(path) == again.hash(path) == first
    assert reads.of(path) == 1


@pytest.mark.slow
@pytest.mark.parametrize("change", ["content", "times", "inode", "store"])
def test_changed_data_is_read_again(directory: Path, tmp_path: Path, change: str) -> None:
    path = aged(tmp_path / "train.csv", b"x" * 100)
    store = LocalStore(directory)
    before = path.stat()
    first = store.add(path)
    expected = b"y" * 100
    if change == "content":
        path.write_bytes(expected)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # ctime tells all the same
    elif change == "inode":
        aged(tmp_path / "other", expected)
        os.utime(tmp_path / "other", ns=(before.st_atime_ns, before.st_mtime_ns))
        (tmp_path / "other").rename(path)
    elif change == "times":
        path.write_bytes(expected)
    else:
        expected = b"x" * 100
        stored(directory, first.digest).unlink()
    assert store.add(path).digest == sha256(expected)
    assert store.contains(sha256(expected))


def test_a_file_written_a_moment_ago_is_not_trusted(directory: Path, tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_bytes(b"x")
    path.touch()
    reads = Reads()
    future = time.time_ns() + 10**10
    os.utime(path, ns=(future, future))
    store = LocalStore(directory)
    store.add(path)
    store.add(path)
    assert reads.of(path) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"version":99}', b'{"version":1}', b'{"version":1,"files":[]}']
)
def test_a_damaged_cache_costs_a_reading(directory: Path, tmp_path: Path, damage: bytes) -> None:
    path = aged(tmp_path / "train.csv", b"x" * 100)
    first = LocalStore(directory).add(path)
    (directory / "digests.json").write_bytes(damage)
    assert LocalStore(directory).add(path) == first


@pytest.mark.slow
def test_two_processes_that_save_lose_nothing_but_time(directory: Path, tmp_path: Path) -> None:
    one, two = LocalStore(directory), LocalStore(directory)
    paths = [aged(tmp_path / os.fsdecode(name), name) for name in (b"a", b"\xff")]
    one.hash(paths[0])
    two.hash(paths[1])
    reads = Reads()
    third = LocalStore(directory)
    for path in paths:
        third.hash(path)
        assert reads.of(path) == 0


# ---------------------------------------------------------------------------- restoring


def test_a_restored_file_is_the_users_own(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(os.urandom(LARGE))
    digest = store.add(tmp_path / "a").digest
    target = tmp_path / "new" / "b"
    store.restore(digest, "file", target)
    assert target.read_bytes() == (tmp_path / "a").read_bytes()
    assert target.stat().st_mode & stat.S_IWUSR
    assert target.stat().st_ino != stored(directory, digest).stat().st_ino
    assert names(target.parent) == ["b"]


@pytest.mark.parametrize("old", ["file", "directory", "link"])
@pytest.mark.parametrize("new", ["file", "directory"])
def test_what_is_there_stays_unless_told(
    store: LocalStore, tmp_path: Path, old: str, new: str
) -> None:
    source, target = tmp_path / "source", tmp_path / "place" / "target"
    build(source, b"new" if new == "file" else {"inner": b"new"})
    target.parent.mkdir()
    (tmp_path / "elsewhere").mkdir()
    if old == "link":
        target.symlink_to(tmp_path / "elsewhere")
    else:
        build(target, b"old" if old == "file" else {"inner": b"old", "more": {}})
    digest = store.add(source).digest

    with pytest.raises(TargetExists, match="target exists already") as caught:
        store.restore(digest, new, target)
    assert caught.value.code == "target-exists"
    store.restore(digest, new, target, replace=True)

    assert names(target.parent) == ["target"]
    assert not target.is_symlink()
    assert target.read_bytes() == b"new" if new == "file" else contents(target) == contents(source)
    assert names(tmp_path / "elsewhere") == []


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_flipped_bit_is_found_and_nothing_is_left(
    store: LocalStore, directory: Path, tmp_path: Path, size: int
) -> None:
    (tmp_path / "a").write_bytes(os.urandom(size))
    digest = store.add(tmp_path / "a").digest
    flip(stored(directory, digest), size - 1)
    (tmp_path / "place").mkdir()
    for use in (
        lambda: store.verify(digest),
        lambda: store.restore(digest, "file", tmp_path / "place" / "b"),
        lambda: store.read_manifest(digest),
    ):
        with pytest.raises(ArtifactDamaged, match=digest) as caught:
            use()
        assert caught.value.code == "artifact-damaged"
    assert names(tmp_path / "place") == []


def test_a_damaged_file_inside_a_directory_leaves_the_old_target(
    store: LocalStore, directory: Path, tree: Path, tmp_path: Path
) -> None:
    digest = store.add(tree).digest
    flip(stored(directory, sha256(b"prefix")), 0)
    target = tmp_path / "place" / "target"
    build(target.parent, {"target": {"old": b"old"}})
    with pytest.raises(ArtifactDamaged):
        store.restore(digest, "directory", target, replace=True)
    assert contents(target.parent) == {"target": "directory", "target/old": (b"old", False)}


def test_content_that_is_not_stored(store: LocalStore, tmp_path: Path) -> None:
    digest = sha256(b"nowhere")
    for use in (
        lambda: store.open(digest),
        lambda: store.verify(digest),
        lambda: store.read_manifest(digest),
        lambda: store.restore(digest, "file", tmp_path / "b"),
        lambda: store.restore(digest, "directory", tmp_path / "b"),
    ):
        with pytest.raises(ArtifactMissing, match=digest) as caught:
            use()
        assert caught.value.code == "artifact-missing"
    assert not store.contains(digest)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "md5:" + "0" * 32, "sha256:../../" + "0" * 58, "sha256:" + "A" * 64]
)
def test_a_digest_is_checked_before_it_becomes_a_path(store: LocalStore, digest: str) -> None:
    with pytest.raises(DigestInvalid) as caught:
        store.contains(digest)
    assert caught.value.code == "digest-invalid"


def test_a_target_that_cannot_be_written(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    digest = store.add(tmp_path / "a").digest
    with pytest.raises(TargetUnwritable, match="cannot write") as caught:
        store.restore(digest, "file", tmp_path / "a" / "below-a-file")
    assert caught.value.code == "target-unwritable"


@pytest.mark.parametrize("path", [".git/hooks/post-merge", ".GIT/config", "lib/.git", "way/config"])
def test_nothing_is_restored_into_a_git_directory(
    store: LocalStore, tmp_path: Path, path: str
) -> None:
    (tmp_path / "a").write_bytes(b"#!/bin/sh")
    (tmp_path / "place" / ".git").mkdir(parents=True)
    (tmp_path / "place" / "way").symlink_to(".git")
    digest = store.add(tmp_path / "a").digest
    with pytest.raises(TargetUnwritable, match="lies in a git directory"):
        store.restore(digest, "file", tmp_path / "place" / path, replace=True)
    assert names(tmp_path / "place" / ".git") == []


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_repository_is_never_replaced(store: LocalStore, tmp_path: Path, kind: str) -> None:
    build(tmp_path / "source", b"data" if kind == "file" else {"a": b"data"})
    digest = store.add(tmp_path / "source").digest
    for git in ({"HEAD": b"ref"}, b"gitdir: /elsewhere"):
        target = tmp_path / f"work-{type(git).__name__}"
        build(target, {".git": git})
        with pytest.raises(TargetUnwritable, match="is the working tree of a repository"):
            store.restore(digest, kind, target, replace=True)
        assert names(target) == [".git"]


def test_the_store_is_never_replaced_or_written_into(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    digest = store.add(tmp_path / "a").digest
    for target, word in (
        (directory, "is the artifact store"),
        (tmp_path, "holds the artifact store"),
        (directory / "sha256" / "new", "lies in the artifact store"),
    ):
        with pytest.raises(TargetUnwritable, match=word):
            store.restore(digest, "file", target, replace=True)
    store.verify(digest)


def test_what_a_directory_holds_beyond_an_artifact(
    store: LocalStore, tree: Path, tmp_path: Path
) -> None:
    artifact = store.add(tree)
    target = tmp_path / "again"
    store.restore(artifact.digest, "directory", target)
    assert store.unrecorded(artifact.digest, "directory", target) == []
    (target / "notes.txt").write_text("mine")
    (target / "deep" / "link").symlink_to("er")
    (target / "deep" / "empty too").mkdir()
    (target / "run.sh").unlink()
    (target / "run.sh").mkdir()
    (target / "run.sh" / "inside").write_text("mine")
    os.mkfifo(target / "pipe")
    extra = ["deep/link", "notes.txt", "pipe: pipe", "run.sh/inside"]
    assert store.unrecorded(artifact.digest, "directory", target) == extra
    everything = store.unrecorded(sha256(b"a file"), "file", target)
    assert {*extra, "model.bin"} <= set(everything)
    (tmp_path / "link").symlink_to(target)
    for harmless in (tmp_path / "link", target / "notes.txt", tmp_path / "nothing"):
        assert store.unrecorded(artifact.digest, "directory", harmless) == []


INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from runref.artifacts import LocalStore
event, countdown, number = sys.argv[4], int(sys.argv[5]), getattr(signal, sys.argv[6])
def hook(happening, arguments):
    global countdown
    if happening == event and (event != "shutil.rmtree" or ".replaced-" in str(arguments[0])):
        countdown -= 1
        if countdown == 0:
            signal.raise_signal(number)
sys.addaudithook(hook)
LocalStore(Path(sys.argv[1])).restore(sys.argv[2], "directory", Path(sys.argv[3]), replace=True)
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGKILL"])
@pytest.mark.parametrize(
    ("event", "countdown"), [("os.rename", 1), ("os.rename", 2), ("shutil.rmtree", 1)]
)
def test_an_interrupted_replacement_loses_nothing(
    store: LocalStore, directory: Path, tmp_path: Path, event: str, countdown: int, number: str
) -> None:
    source, target = tmp_path / "source", tmp_path / "place" / "outputs"
    build(source, {"new": b"new"})
    build(tmp_path / "place", {"outputs": {"old": b"old"}})
    digest = store.add(source).digest
    arguments = [str(directory), digest, str(target), event, str(countdown), number]

    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *arguments], capture_output=True, check=False
    )

    assert done.returncode == -getattr(signal, number), done.stderr
    old = [each for each in target.parent.iterdir() if (each / "old").exists()]
    assert [(each / "old").read_bytes() for each in old] == [b"old"]
    if event == "shutil.rmtree":
        assert names(target) == ["new"]
    if (number, event) == ("SIGINT", "os.rename"):
        assert names(target.parent) == ["outputs"]
    if old != [target]:
        assert old[0].name.startswith(".outputs.replaced-")


# ---------------------------------------------------------------------------- hostile manifests


@pytest.mark.parametrize(
    "links",
    [
        {"out": "/etc/passwd"},
        {"out": "../outside"},
        {"in/out": "../../outside"},
        {"in/here": "..", "in/out": "here/../outside"},
        {"in/here": "..", "zz": "in/here/../outside"},
    ],
)
def test_a_link_out_of_the_directory_is_refused(
    store: LocalStore, directory: Path, tmp_path: Path, links: dict[str, str]
) -> None:
    (tmp_path / "outside").write_text("mine")
    manifest = Manifest.of([Entry(path, LINK, target=to) for path, to in links.items()])
    digest = put(store, directory, manifest)
    target = tmp_path / "place" / "target"
    with pytest.raises(ManifestUnsafe, match="symbolic link"):
        store.restore(digest, "directory", target)
    assert names(target.parent) == []

    store.restore(digest, "directory", target, links_out=True)
    assert {path: str((target / path).readlink()) for path in links} == links


def test_links_inside_the_directory_are_kept(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    manifest = Manifest.of(
        [
            Entry("in/here", LINK, target=".."),
            Entry("root", LINK, target="."),
            Entry("loop", LINK, target="loop"),
            Entry("none", LINK, target="in/nothing/here"),
            Entry("empty", DIRECTORY),
        ]
    )
    store.restore(put(store, directory, manifest), "directory", tmp_path / "t")
    assert (tmp_path / "t" / "in" / "here").readlink() == Path("..")


@pytest.mark.parametrize("path", [".git/hooks/post-checkout", "deep/.GIT/config", "git~1/config"])
def test_a_directory_never_becomes_a_repository_of_somebody_elses(
    store: LocalStore, directory: Path, tmp_path: Path, path: str
) -> None:
    (tmp_path / "a").write_bytes(b"evil")
    content = store.add(tmp_path / "a").digest
    manifest = Manifest.of([Entry("good", FILE, content, 4), Entry(path, EXECUTABLE, content, 4)])
    digest = put(store, directory, manifest)
    with pytest.raises(ManifestUnsafe, match="git refuses"):
        store.restore(digest, "directory", tmp_path / "place" / "target")
    assert not (tmp_path / "place" / "target").exists()


def test_what_could_not_be_brought_back_is_left_out_and_named(
    store: LocalStore, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    (root / "file").write_text("x")
    (root / ".gitignore").write_text("*.tmp")
    (root / "sub").mkdir()
    (root / "sub" / ".git").write_text("gitdir: ../.git/modules/sub")
    artifact = store.add(root)
    assert artifact.left_out == (
        ".git: a name that git refuses",
        "sub/.git: a name that git refuses",
    )
    store.restore(artifact.digest, "directory", tmp_path / "back")
    assert sorted(each.name for each in (tmp_path / "back").iterdir()) == [".gitignore", "file"]


def test_nothing_is_written_outside_the_target(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"evil")
    content = store.add(tmp_path / "a").digest
    for path in ("../evil", "/tmp/evil-runref", "x/../../evil"):
        digest = put(store, directory, Manifest.of([Entry(path, FILE, content, 4)]))
        with pytest.raises(ManifestUnsafe):
            store.restore(digest, "directory", tmp_path / "place" / "target")
    through = [Entry("d", LINK, target=str(tmp_path)), Entry("d/evil", EXECUTABLE, content, 4)]
    with pytest.raises(ManifestUnsafe):
        store.restore(
            put(store, directory, Manifest.of(through)),
            "directory",
            tmp_path / "place" / "target",
            links_out=True,
        )
    assert not list(tmp_path.rglob("evil*"))


# ---------------------------------------------------------------------------- faults


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "runref-test", str(mount)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("not allowed to mount a file system")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.parametrize("kind", ["large", "many"])
def test_a_full_disk_is_told_and_leaves_what_was_there(
    small_disk: Path, tmp_path: Path, kind: str
) -> None:
    store = LocalStore(small_disk / "store")
    (tmp_path / "a").write_bytes(b"first")
    first = store.add(tmp_path / "a").digest
    data = tmp_path / "data"
    data.mkdir()
    for number in range(1 if kind == "large" else 300):
        (data / str(number)).write_bytes(os.urandom((24 << 20) if kind == "large" else 1 << 16))

    with pytest.raises(StoreFull, match="No space left") as caught:
        store.add(data)

    assert caught.value.code == "artifact-store-full"
    assert list((small_disk / "store" / "tmp").iterdir()) == []
    store.verify(first)
    for path in files_below(small_disk / "store" / "sha256"):
        store.verify(f"sha256:{path.parent.name}{path.name}")


def test_a_target_on_a_full_disk(small_disk: Path, tmp_path: Path, store: LocalStore) -> None:
    (tmp_path / "a").write_bytes(os.urandom(8 << 20))
    digest = store.add(tmp_path / "a").digest
    with pytest.raises(TargetUnwritable, match="no room for"):
        store.restore(digest, "file", small_disk / "a")
    assert names(small_disk) == []


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(StoreUnusable, match="Not a directory") as caught:
        LocalStore(tmp_path / "a" / "store").add(tmp_path / "a")
    assert caught.value.code == "artifact-store-unusable"


KILLED = """
import os, signal, sys
from pathlib import Path
from runref.artifacts import LocalStore
budget = int(sys.argv[3])
def on_progress(count):
    global budget
    budget -= count
    if budget < 0:
        os.kill(os.getpid(), signal.SIGKILL)
LocalStore(Path(sys.argv[1])).add(Path(sys.argv[2]), on_progress=on_progress)
"""


@pytest.mark.slow
def test_a_killed_add_leaves_only_temporary_files(
    directory: Path, tree: Path, tmp_path: Path
) -> None:
    for number in range(300):
        (tree / f"{number}.bin").write_bytes(os.urandom(2000))
    total = hash_path(tree).size
    for part in range(8):
        budget = total * part // 8
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(directory), str(tree), str(budget)], check=False
        )
        assert done.returncode == -9
        for path in files_below(directory / "sha256"):
            assert sha256(path.read_bytes()) == f"sha256:{path.parent.name}{path.name}"

    store = LocalStore(directory)
    artifact = store.add(tree)

    store.restore(artifact.digest, "directory", tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tree)


def test_what_killed_processes_left_is_swept_after_a_day(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    temporary = directory / "tmp"
    temporary.mkdir(parents=True)
    for name, age in (("old", 25 * 3600), ("fresh", 23 * 3600)):
        (temporary / name).write_bytes(b"half")
        os.utime(temporary / name, (time.time() - age,) * 2)
    (tmp_path / "a").write_bytes(b"x")
    store.add(tmp_path / "a")
    assert names(temporary) == ["fresh"]


def test_what_a_killed_download_left_is_swept_after_a_day(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    build(tmp_path / "outside", {"mine": b"mine"})
    past = time.time() - 25 * 3600
    for name, grows in (("old", False), ("growing", True)):
        folder = directory / "tmp" / f"download-{name}"
        folder.mkdir(parents=True)
        build(folder / "data", {"deep": {"half": b"half"}})
        (folder / "data" / "out").symlink_to(tmp_path / "outside")
        for path in (folder, *folder.rglob("*")):
            os.utime(path, (past, past), follow_symlinks=False)
        if grows:
            os.utime(folder / "data" / "deep" / "half")
    assert store.unfinished(time.time() - 24 * 3600, remove=False)[0] == 1
    (tmp_path / "a").write_bytes(b"x")
    store.add(tmp_path / "a")
    assert names(directory / "tmp") == ["download-growing"]
    assert contents(tmp_path / "outside") == {"mine": (b"mine", False)}
    assert store.unfinished(time.time() + 60, remove=True)[0] == 1
    assert names(directory / "tmp") == []
    assert names(tmp_path / "outside") == ["mine"]


def test_many_writers_of_one_digest(directory: Path, tree: Path, tmp_path: Path) -> None:
    found: list[Artifact] = []
    threads = [
        threading.Thread(target=lambda: found.append(LocalStore(directory).add(tree)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [hash_path(tree)] * 8
    assert list((directory / "tmp").iterdir()) == []
    LocalStore(directory).restore(found[0].digest, "directory", tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tree)


def test_a_file_that_grows_faster_than_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "training.log"
    path.write_bytes(os.urandom(LARGE))
    calls: list[int] = []

    def grow(count: int) -> None:
        calls.append(count)
        assert len(calls) < 100
        with path.open("ab") as file:
            file.write(b"x" * count)

    with pytest.raises(ArtifactChanged):
        hash_path(path, grow)


def test_the_first_error_ends_all_threads(
    store: LocalStore, directory: Path, tmp_path: Path
) -> None:
    others = threading.active_count()  # those of a client of S3, where its tests came before
    root = tmp_path / "data"
    root.mkdir()
    size = 64 << 20
    for number in range(6):
        with (root / str(number)).open("wb") as file:
            file.truncate(size)
    counts: list[int] = []

    def interrupt(count: int) -> None:
        counts.append(count)
        if len(counts) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add(root, on_progress=interrupt)
    assert len(counts) == 5
    assert list((directory / "tmp").iterdir()) == []
    assert threading.active_count() == others


def test_an_error_in_one_thread_ends_the_others_and_is_the_one_that_is_told() -> None:
    progress = Progress(None)
    waiting = threading.Barrier(2)

    def work(item: int) -> None:
        waiting.wait()
        if item == 0:
            raise ArtifactVanished("gone")
        while True:
            progress(1)

    with pytest.raises(ArtifactVanished):
        in_parallel(work, [0, 1], size=lambda _item: 8 << 20, progress=progress)


# ---------------------------------------------------------------------------- clones


@pytest.fixture
def cloning_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system whose files may share blocks."""
    image, mount = tmp_path / "image", tmp_path / "cloning"
    with image.open("wb") as file:
        file.truncate(400 << 20)
    mount.mkdir()
    for make in (["mkfs.xfs", "-q", "-m", "reflink=1"], ["mkfs.btrfs", "-q"]):
        if shutil.which(make[0]) is None:
            continue
        subprocess.run([*make, str(image)], check=True)
        command = ["mount", "-o", "loop", str(image), str(mount)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            break
    else:
        pytest.skip("no file system that clones can be made and mounted here")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.slow
def test_large_files_share_their_blocks_where_the_disk_can(cloning_disk: Path) -> None:
    size = 64 << 20
    path = cloning_disk / "model.pkl"
    path.write_bytes(os.urandom(size))
    os.sync()
    before = os.statvfs(cloning_disk)
    store = LocalStore(cloning_disk / "store")

    artifact = store.add(path)
    store.restore(artifact.digest, "file", cloning_disk / "again")

    os.sync()
    after = os.statvfs(cloning_disk)
    assert (before.f_bfree - after.f_bfree) * before.f_frsize < size / 4
    assert artifact == Artifact("file", sha256(path.read_bytes()), size)
    with path.open("r+b") as file:
        file.write(b"changed")
    store.verify(artifact.digest)
    assert hash_file(cloning_disk / "again") == (artifact.digest, size)


def test_files_are_copied_where_the_disk_cannot_clone(small_disk: Path) -> None:
    with (small_disk / "a").open("wb+") as source, (small_disk / "b").open("wb+") as target:
        source.write(b"x" * 4096)
        source.flush()
        assert not clone(source.fileno(), target.fileno())
    store = LocalStore(small_disk / "store")
    (small_disk / "a").write_bytes(b"x" * (1 << 20))
    store.restore(store.add(small_disk / "a").digest, "file", small_disk / "c")
    assert (small_disk / "c").read_bytes() == b"x" * (1 << 20)
