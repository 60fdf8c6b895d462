from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runref.artifacts import ArtifactChanged, ArtifactDamaged, LocalStore

SIZE = (1 << 20) + 17
USER = 65534

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files are linked on Linux only")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(directory: Path) -> LocalStore:
    return LocalStore(directory, may_link=lambda _path: True)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_bytes(os.urandom(SIZE))
    path.chmod(0o640)
    return path


def sha256(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_large_file_becomes_read_only_and_a_name_of_the_stored_one(
    store: LocalStore, directory: Path, model: Path
) -> None:
    artifact = store.add(model)
    kept = store.path_of(artifact.digest)
    assert artifact.digest == sha256(model)
    assert kept.samefile(model)
    assert mode(model) == 0o440
    assert list((directory / "tmp").iterdir()) == []
    store.verify(artifact.digest)


def test_a_link_is_not_read_again(directory: Path, model: Path) -> None:
    def calls() -> list[int]:
        counts: list[int] = []
        again = LocalStore(directory, may_link=lambda _path: True)
        artifact = again.add(model, on_progress=counts.append)
        assert again.path_of(artifact.digest).samefile(model)
        assert mode(model) == 0o440
        return counts

    assert calls() == [1 << 20, 17]
    assert calls() == [SIZE]
    past = time.time() - 7200
    os.utime(model, (past, past))  # read once more, and its time renewed
    LocalStore(directory).add(model)
    assert calls() == [SIZE]


def test_small_files_and_those_that_may_not_are_copied(
    directory: Path, model: Path, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.write_bytes(b"x" * 1000)
    asked: list[str] = []
    store = LocalStore(directory, may_link=lambda path: bool(asked.append(path)))
    for path in (small, model):
        kept = store.path_of(store.add(path).digest)
        assert not kept.samefile(path)
        assert mode(path) & stat.S_IWUSR
    assert asked == [str(model)]


def test_a_file_with_another_name_is_copied(store: LocalStore, model: Path, tmp_path: Path) -> None:
    (tmp_path / "other").hardlink_to(model)
    kept = store.path_of(store.add(model).digest)
    assert not kept.samefile(model)
    assert mode(model) == 0o640


@pytest.mark.parametrize("open_mode", ["r+b", "ab"])
def test_a_file_that_is_open_for_writing_is_copied(
    store: LocalStore, model: Path, open_mode: str
) -> None:
    with model.open(open_mode) as file:
        digest = store.add(model).digest
        file.write(b"more")
    assert mode(model) == 0o640
    store.verify(digest)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be another user")
def test_a_file_of_another_user_is_copied(store: LocalStore, model: Path) -> None:
    os.chown(model, USER, USER)
    kept = store.path_of(store.add(model).digest)
    assert not kept.samefile(model)
    assert mode(model) == 0o640


def test_a_file_on_another_disk_is_copied(store: LocalStore) -> None:
    path = Path(f"/dev/shm/runref-test-{os.getpid()}")
    if not path.parent.is_dir() or path.parent.stat().st_dev == Path.cwd().stat().st_dev:
        pytest.skip("no other file system here")
    path.write_bytes(os.urandom(SIZE))
    try:
        store.verify(store.add(path).digest)
        assert mode(path) & stat.S_IWUSR
    finally:
        path.unlink()


def test_content_that_is_stored_already_leaves_the_file_as_it_was(
    store: LocalStore, model: Path, tmp_path: Path
) -> None:
    kept = store.path_of(store.add(model).digest)
    other = tmp_path / "other.pkl"
    other.write_bytes(model.read_bytes())
    other.chmod(0o600)
    assert store.path_of(store.add(other).digest) == kept
    assert not kept.samefile(other)
    assert mode(other) == 0o600


def test_a_file_that_changes_is_not_stored_and_stays_writable(
    store: LocalStore, directory: Path, model: Path
) -> None:
    """Root writes in spite of permissions; the owner may give them back."""

    def write(_count: int) -> None:
        model.chmod(0o600)
        with model.open("r+b") as file:
            file.write(b"other")

    with pytest.raises(ArtifactChanged):
        store.add(model, on_progress=write)
    assert mode(model) == 0o640
    assert list(store.contents()) == []


def test_what_is_written_through_a_link_is_found(
    store: LocalStore, model: Path, tmp_path: Path
) -> None:
    digest = store.add(model).digest
    model.chmod(0o600)
    with model.open("r+b") as file:
        file.write(b"other")
    with pytest.raises(ArtifactDamaged):
        store.verify(digest)
    with pytest.raises(ArtifactDamaged):
        store.restore(digest, "file", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_restored_file_is_writable_and_apart(
    store: LocalStore, model: Path, tmp_path: Path
) -> None:
    digest = store.add(model).digest
    store.restore(digest, "file", model, replace=True)
    assert mode(model) & stat.S_IWUSR
    assert not store.path_of(digest).samefile(model)


AS_USER = """
import os, sys
os.setgid(65534); os.setuid(65534)
with open(sys.argv[1], "wb"):
    pass
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be another user")
def test_a_program_that_overwrites_the_file_is_refused(directory: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    path = folder / "model.pkl"
    path.write_bytes(os.urandom(SIZE))
    store = LocalStore(directory, may_link=lambda _path: True)
    digest = store.add(path).digest
    # As the file's new owner, who may not write to it any more; opened by a path that he may use.
    os.chown(path, USER, USER)
    folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", AS_USER, "model.pkl"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "PermissionError" in done.stderr
    store.verify(digest)
