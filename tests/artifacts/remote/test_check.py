from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.servers.moto import Moto
from tests.servers.rclone import Rclone
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS

from runref.artifacts.remote.check import Check, check_remote, creates_exclusively
from runref.artifacts.remote.filesystem import FsspecStore
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.retrying import Retrying
from runref.artifacts.remote.store import (
    Note,
    RemoteFull,
    RemoteInterrupted,
    RemoteStore,
    RemoteUnreachable,
)
from runref.artifacts.remote.wrapping import Wrapped

from .breaking import memory

NAMES = [
    "reachable",
    "credentials",
    "write",
    "read",
    "list",
    "delete",
    "conditional put",
    "latency",
    "clock",
]


def checked(store: RemoteStore) -> dict[str, Check]:
    checks = list(check_remote(store))
    assert [check.name for check in checks] == NAMES
    assert all(check.detail for check in checks)
    assert all(check.hint for check in checks if check.ok is False)
    assert all(check.seconds >= 0 for check in checks)
    return {check.name: check for check in checks}


def passed(checks: dict[str, Check]) -> dict[str, bool | None]:
    return {name: check.ok for name, check in checks.items()}


def all_but(**others: bool | None) -> dict[str, bool | None]:
    return dict.fromkeys(NAMES, True) | others


def none_but(**others: bool | None) -> dict[str, bool | None]:
    return dict.fromkeys(NAMES, None) | others


def on(server: S3Server, bucket: str, **options: str) -> FsspecStore:
    return open_remote(server.remote_url(bucket, "team"), server.options(**options), name="lab")


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_a_remote_in_memory_can_do_everything() -> None:
    store = memory()
    assert passed(checked(store)) == all_but()
    assert store.place.fs.find(store.place.root) == []


def test_a_remote_on_a_disk_can_do_everything(tmp_path: Path) -> None:
    root = tmp_path / "remote"
    checks = checked(open_remote(str(root)))
    assert passed(checks) == all_but(**{"conditional put": None})
    assert files(root) == []


def test_policies_around_a_remote_change_nothing(tmp_path: Path) -> None:
    assert passed(checked(Retrying(memory()))) == all_but()


def test_what_is_there_already_stays() -> None:
    store = memory()
    store.write_note("check/other", b"of another who checks at the same time")
    checked(store)
    assert [note.name for note in store.notes("check")] == ["check/other"]


def test_a_folder_above_that_does_not_exist(tmp_path: Path) -> None:
    checks = checked(open_remote(str(tmp_path / "not mounted" / "remote")))
    assert checks["write"].ok is False
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_nobody_listens() -> None:
    options = {"endpoint_url": "http://127.0.0.1:9", "key": "k", "secret": "s"}
    checks = checked(open_remote("s3://bucket", options, name="lab"))
    assert passed(checks) == none_but(reachable=False)
    assert checks["clock"].detail == "not checked, as reachable failed"


@pytest.mark.slow
def test_a_server_with_all_that_s3_has(seaweedfs: SeaweedFS) -> None:
    bucket = seaweedfs.new_bucket()
    assert passed(checked(on(seaweedfs, bucket))) == all_but()
    assert "Contents" not in seaweedfs.client.list_objects_v2(Bucket=bucket)


@pytest.mark.slow
def test_another_server_with_conditional_puts(moto: Moto) -> None:
    bucket = moto.new_bucket()
    assert passed(checked(on(moto, bucket))) == all_but()
    assert "Contents" not in moto.client.list_objects_v2(Bucket=bucket)


@pytest.mark.slow
def test_a_server_that_ignores_conditional_puts_passes(rclone_s3: Rclone) -> None:
    bucket = rclone_s3.new_bucket()
    checks = checked(on(rclone_s3, bucket))
    assert passed(checks) == all_but(**{"conditional put": None})
    assert "ignored" in checks["conditional put"].detail
    assert "Contents" not in rclone_s3.client.list_objects_v2(Bucket=bucket)


@pytest.mark.slow
def test_a_wrong_secret(seaweedfs: SeaweedFS) -> None:
    checks = checked(on(seaweedfs, seaweedfs.new_bucket(), secret="wrong"))
    assert passed(checks) == none_but(reachable=True, credentials=False)
    assert checks["write"].detail == "not checked, as credentials failed"
    assert "wrong" not in repr(checks)


@pytest.mark.slow
def test_a_bucket_that_does_not_exist(seaweedfs: SeaweedFS) -> None:
    checks = checked(on(seaweedfs, "no-such-bucket"))
    assert passed(checks) == none_but(reachable=False)


@pytest.mark.slow
def test_credentials_that_may_only_read(seaweedfs: SeaweedFS) -> None:
    bucket = seaweedfs.new_bucket()
    key, secret = seaweedfs.readonly_key, seaweedfs.readonly_secret
    checks = checked(on(seaweedfs, bucket, key=key, secret=secret))
    assert passed(checks) == none_but(reachable=True, credentials=True, write=False, latency=True)
    assert "only read" in checks["write"].hint


# ---------------------------------------------------------------------------- clocks


@pytest.mark.parametrize(
    ("ahead", "ok", "words"), [(59, True, ""), (3600, None, "behind"), (-3600, None, "ahead of")]
)
def test_a_clock_that_is_off(ahead: float, ok: bool | None, words: str) -> None:
    *_, clock = check_remote(memory(), now=lambda: time.time() + ahead)
    assert (clock.name, clock.ok) == ("clock", ok)
    assert bool(clock.hint) == (ok is None)
    assert words in clock.detail


class Timeless(Wrapped):
    def notes(self, folder: str) -> list[Note]:
        return [Note(note.name, note.size, None) for note in super().notes(folder)]


def test_a_remote_that_tells_no_times() -> None:
    checks = checked(Timeless(memory()))
    assert passed(checks) == all_but(clock=None)


# ---------------------------------------------------------------------------- failing midway


class Failing(Wrapped):
    """Fails at one kind of request, as often as it is made."""

    def __init__(self, store: RemoteStore, method: str, error: Exception) -> None:
        super().__init__(store)
        self.failing = method
        self.error = error

    def _fail(self, method: str) -> None:
        if method == self.failing:
            raise self.error

    def read_note(self, name: str) -> bytes | None:
        self._fail("read_note")
        return super().read_note(name)

    def write_note(self, name: str, data: bytes) -> None:
        super().write_note(name, data)
        self._fail("write_note")

    def notes(self, folder: str) -> list[Note]:
        notes = super().notes(folder)
        if notes:
            self._fail("notes")
        return notes

    def delete_note(self, name: str) -> None:
        self._fail("delete_note")
        super().delete_note(name)


@pytest.mark.parametrize(
    ("method", "failed"),
    [("write_note", {"write"}), ("read_note", {"read", "delete"}), ("notes", {"list"})],
)
@pytest.mark.parametrize("kind", [RemoteUnreachable, RemoteInterrupted, RemoteFull])
def test_nothing_is_left_by_a_check_that_fails(
    method: str, failed: set[str], kind: type[Exception]
) -> None:
    store = memory()
    error = kind("in the middle", hint="wait")
    checks = checked(Failing(store, method, error))
    assert {name for name, check in checks.items() if check.ok is False} == failed
    assert {checks[name].detail for name in failed} == {"in the middle"}
    assert store.notes("check") == []


def test_what_cannot_be_removed_is_named() -> None:
    store = memory()
    checks = checked(Failing(store, "delete_note", RemoteUnreachable("away", hint="wait")))
    (left,) = store.notes("check")
    assert checks["delete"].ok is False
    assert left.name in checks["delete"].detail
    assert checks["conditional put"].detail == "not checked, as delete failed"


@pytest.mark.parametrize("number", range(1, len(NAMES) + 1))
def test_nothing_is_left_by_a_check_that_is_stopped(number: int) -> None:
    store = memory()
    checks = check_remote(store)
    for _ in range(number):
        next(checks)
    checks.close()
    assert store.notes("check") == []


class Forgetful(Wrapped):
    """Takes notes and does something else with them."""

    def __init__(self, store: RemoteStore, kept: bytes | None) -> None:
        super().__init__(store)
        self.kept = kept

    def write_note(self, name: str, data: bytes) -> None:
        if self.kept is not None:
            super().write_note(name, self.kept)


@pytest.mark.parametrize(("kept", "word"), [(None, "nothing"), (b"other", "other bytes")])
def test_a_remote_that_does_not_keep_what_it_takes(kept: bytes | None, word: str) -> None:
    checks = checked(Forgetful(memory(), kept))
    assert passed(checks) == all_but(read=False, list=False, clock=None)
    assert word in checks["read"].detail


class Undying(Wrapped):
    def delete_note(self, name: str) -> None:
        """Say that it is gone, and keep it."""


def test_a_remote_that_does_not_delete() -> None:
    checks = checked(Undying(memory()))
    assert checks["delete"].ok is False


def test_exclusive_creation_of_a_store_that_nobody_knows() -> None:
    class Unknown:
        name = "unknown"

    assert creates_exclusively(Unknown(), "check/a") is None
