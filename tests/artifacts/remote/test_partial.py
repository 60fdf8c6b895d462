"""Uploads to file systems: cut off, gone on with, swept; and folders that people share."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runref.artifacts.artifact import ArtifactDamaged
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.partial import RESUMED
from runref.artifacts.remote.store import RemoteAbsent, RemoteFull
from runref.testing.content import Content, content, noise, read, together

SIZE = RESUMED + (32 << 20) + 4567
WRITE = Path(__file__).with_name("write_content.py")
GROUP, ADA, BEN = 4200, 4201, 4202


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(tmp_path_factory.mktemp("large"), noise(SIZE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture(params=["path", "sftp"])
def url(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "path":
        return str(folder)
    request.getfixturevalue("ssh_home")
    return f"sftp://box{folder}"


def partials(folder: Path) -> list[Path]:
    return sorted((folder / "tmp").iterdir())


def cut_off(url: str, large: Content, after: int) -> None:
    """Kill a process that writes when it has dealt with so many bytes."""
    command = [sys.executable, WRITE, url, large.digest, large.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        done = 0
        while done < after:
            done += int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def finished(folder: Path, large: Content) -> Path:
    """Return the file of the content after it was seen to be right, and alone."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files == [folder / large.place]
    assert files[0].read_bytes() == large.data
    return files[0]


@pytest.mark.slow
def test_an_upload_that_was_killed_is_gone_on_with(url: str, folder: Path, large: Content) -> None:
    cut_off(url, large, after=40 << 20)
    (partial,) = partials(folder)
    assert 0 < partial.stat().st_size < SIZE
    assert open_remote(url).present([large.digest]) == {}
    assert list(open_remote(url).contents()) == []
    inode = partial.stat().st_ino
    counts: list[int] = []
    open_remote(url).write(large.digest, large.path, on_bytes=counts.append)
    assert finished(folder, large).stat().st_ino == inode
    assert sum(counts) == SIZE


@pytest.mark.slow
def test_an_upload_may_be_killed_again_and_again(url: str, folder: Path, large: Content) -> None:
    for after in (8 << 20, 24 << 20, 70 << 20):
        cut_off(url, large, after)
    assert len(partials(folder)) == 1
    open_remote(url).write(large.digest, large.path)
    finished(folder, large)


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["a changed byte", "a torn end", "more than there is"])
def test_what_is_there_is_not_trusted(url: str, folder: Path, large: Content, harm: str) -> None:
    cut_off(url, large, after=40 << 20)
    (partial,) = partials(folder)
    with partial.open("r+b") as file:
        if harm == "a changed byte":
            file.seek(10_000_000)
            file.write(bytes([large.data[10_000_000] ^ 1]))
        elif harm == "a torn end":
            file.seek(-70_000, os.SEEK_END)
            file.write(bytes(70_000))
        else:
            file.write(large.data + b"more")
    open_remote(url).write(large.digest, large.path)
    finished(folder, large)


@pytest.mark.slow
def test_two_do_not_go_on_with_one_upload(url: str, folder: Path, large: Content) -> None:
    cut_off(url, large, after=40 << 20)
    stores = [open_remote(url) for _ in range(3)]
    together(lambda store: store.write(large.digest, large.path), stores)
    finished(folder, large)


@pytest.mark.slow
def test_a_file_that_is_wrong_leaves_no_upload(
    url: str, folder: Path, large: Content, tmp_path: Path
) -> None:
    cut_off(url, large, after=40 << 20)
    (partial,) = partials(folder)
    wrong = content(tmp_path, large.data[:-1] + b"?")
    with pytest.raises(ArtifactDamaged):
        open_remote(url).write(large.digest, wrong.path)
    assert partials(folder) == [partial]  # of another file: it may still be gone on with
    large_but_changed = large.path.read_bytes()[:-1] + b"?"
    large.path.write_bytes(large_but_changed)
    try:
        with pytest.raises(ArtifactDamaged):
            open_remote(url).write(large.digest, large.path)
    finally:
        large.path.write_bytes(large.data)
    assert partials(folder) == []


def test_what_was_left_long_ago_is_removed(folder: Path, tmp_path: Path) -> None:
    store = open_remote(str(folder))
    store.write_note("claims/1", b"{}")
    old, young = folder / "tmp" / "old", folder / "tmp" / "young"
    for path in (old, young):
        path.write_bytes(b"part")
    week = 7 * 24 * 3600
    for path, age in ((old, week + 60), (young, week - 60)):
        os.utime(path, (time.time() - age,) * 2)
    each = content(tmp_path, b"content")
    open_remote(str(folder)).write(each.digest, each.path)
    assert partials(folder) == [young]


def test_uploads_given_up_are_counted_and_removed(folder: Path) -> None:
    store = open_remote(str(folder))
    store.write_note("claims/1", b"{}")
    for name, age in (("old", 200), ("young", 0)):
        path = folder / "tmp" / name
        path.write_bytes(b"part")
        os.utime(path, (time.time() - age,) * 2)
    before = time.time() - 100
    assert store.unfinished(before, remove=False) == (1, 4)
    assert store.unfinished(before, remove=True) == (1, 4)
    assert [path.name for path in partials(folder)] == ["young"]


def test_a_folder_above_that_is_not_mounted(tmp_path: Path) -> None:
    store = open_remote(str(tmp_path / "mount" / "remote"))
    each = content(tmp_path, b"content")
    assert store.present([each.digest]) == {}
    with pytest.raises(RemoteAbsent, match="mount"):
        store.write(each.digest, each.path)
    assert not (tmp_path / "mount").exists()


def test_a_file_in_the_way_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "remote").write_text("a file")
    store = open_remote(str(tmp_path / "remote"))
    each = content(tmp_path, b"content")
    assert store.present([each.digest]) == {}
    with pytest.raises(Exception, match=r"Not a directory|File exists"):
        store.write(each.digest, each.path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"file systems cannot be mounted here: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


@pytest.mark.parametrize("size", [5 << 20, 20 << 20])
def test_a_full_disk(small_disk: Path, tmp_path: Path, size: int) -> None:
    store = open_remote(str(small_disk / "remote"))
    too_large, fits = content(tmp_path, noise(size)), content(tmp_path, noise(1000))
    with pytest.raises(RemoteFull) as raised:
        store.write(too_large.digest, too_large.path)
    assert os.strerror(errno.ENOSPC) in raised.value.message
    assert store.present([too_large.digest]) == {}
    assert partials(small_disk / "remote") == []
    store.write(fits.digest, fits.path)
    assert read(store, fits.digest) == fits.data


@pytest.fixture
def shared(open_tmp_path: Path) -> Path:
    """A folder that ADA owns and GROUP may write to."""
    if os.getuid():
        pytest.skip("only root can act for several users")
    folder = open_tmp_path / "shared"
    folder.mkdir()
    os.chown(folder, ADA, GROUP)
    folder.chmod(0o2770)
    store = open_remote(str(folder))  # loads what the others may not be able to read
    store.write_note("claims/root", b"{}")
    store.delete_note("claims/root")
    for path in folder.iterdir():
        path.rmdir()
    return folder


def _as_user(uid: int, umask: int, do: Callable[[], object]) -> None:
    def child() -> None:
        os.setgroups([])
        os.setgid(GROUP)
        os.setuid(uid)
        os.umask(umask)
        do()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == 0


@pytest.mark.parametrize("umask", [0o022, 0o077], ids=["usual umask", "strict umask"])
def test_a_group_shares_a_folder(shared: Path, open_tmp_path: Path, umask: int) -> None:
    mine, ours = (content(open_tmp_path, data) for data in (b"mine", noise(9 << 20)))
    digests = [mine.digest, ours.digest]

    def push(*contents: Content) -> None:
        store = open_remote(str(shared))
        for each in contents:
            store.write(each.digest, each.path)
            store.write_note("claims/last", each.digest.encode())
            assert read(store, each.digest) == each.data

    _as_user(ADA, umask, lambda: push(mine))
    _as_user(BEN, umask, lambda: push(mine, ours))
    _as_user(ADA, umask, lambda: push(ours))
    assert len(open_remote(str(shared)).present(digests)) == 2
    for path in shared.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o2770 if path.is_dir() else 0o440)
        assert path.stat().st_gid == GROUP
    _as_user(BEN, umask, lambda: open_remote(str(shared)).delete(digests))
    assert open_remote(str(shared)).present(digests) == {}


def test_a_folder_of_one_user_stays_that_users(tmp_path: Path) -> None:
    folder = tmp_path / "remote"
    folder.mkdir(mode=0o700)
    each = content(tmp_path, b"content")
    open_remote(str(folder)).write(each.digest, each.path)
    for path in folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o400)
