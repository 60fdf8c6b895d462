from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runref.artifacts.remote.journal import claim

PLACE = "https://minio.lab/bucket/key"
HOLDER = """
import pathlib, sys, time
from runref.artifacts.remote.journal import claim
with claim(sys.argv[1], pathlib.Path(sys.argv[2])) as own:
    own.remember("upload of the dead")
    print("claimed", flush=True)
    time.sleep(600)
"""


def remembered(folder: Path, place: str = PLACE) -> str | None:
    with claim(place, folder) as own:
        assert own is not None
        return own.upload_id


def test_what_is_remembered_is_there_for_the_next(tmp_path: Path) -> None:
    with claim(PLACE, tmp_path) as own:
        assert own is not None
        own.remember("a longer name of an upload")
        own.remember("one")
    assert remembered(tmp_path) == "one"
    assert remembered(tmp_path, PLACE + "2") is None


def test_what_is_forgotten_leaves_no_file(tmp_path: Path) -> None:
    with claim(PLACE, tmp_path) as own:
        assert own is not None
        own.remember("one")
        own.forget()
    assert list(tmp_path.iterdir()) == []
    assert remembered(tmp_path) is None


def test_one_process_has_it_until_it_is_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, PLACE, tmp_path], stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"claimed\n"
        with claim(PLACE, tmp_path) as own:
            assert own is None
        holder.send_signal(signal.SIGKILL)
    assert remembered(tmp_path) == "upload of the dead"


def test_a_thread_keeps_the_others_of_its_process_away(tmp_path: Path) -> None:
    with claim(PLACE, tmp_path) as own, claim(PLACE, tmp_path) as second:
        assert own is not None
        assert second is None


def test_who_waited_while_it_was_forgotten_has_nothing(tmp_path: Path) -> None:
    with claim(PLACE, tmp_path) as own:
        assert own is not None
        own.forget()
        with claim(PLACE, tmp_path) as second:
            assert second is not None
            second.remember("two")
        assert remembered(tmp_path) == "two"


def test_the_place_can_not_be_read_from_the_file(tmp_path: Path) -> None:
    remembered(tmp_path, "https://minio.lab/secret-project/key")
    (path,) = tmp_path.iterdir()
    assert "secret" not in path.name
    assert path.read_bytes() == b""
    assert path.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with claim(PLACE, tmp_path / "file") as own:
        assert own is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives folders to others")
def test_a_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir(mode=0o777)
    os.chown(folder, 1234, 1234)
    with claim(PLACE, folder) as own:
        assert own is None
    assert list(folder.iterdir()) == []


def test_the_folder_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with claim(PLACE) as own:
        assert own is not None
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert path.parent.stat().st_mode & 0o077 == 0
