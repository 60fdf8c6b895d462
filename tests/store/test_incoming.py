"""Places of arrival: gone after their block, and those of killed processes with the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runref.store.incoming import place

HOLDER = """
import os, sys
from pathlib import Path
from runref.git.repository import Repository
from runref.store.incoming import place
with place(Repository.open(Path(sys.argv[1]), environ=os.environ)) as folder:
    if sys.argv[2] == "make":
        folder.mkdir()
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["make", "not yet"])
def other(request: pytest.FixtureRequest, writer: Any) -> Any:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(writer.repository.common_dir), request.param],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_nothing_is_left_after_the_block(writer: Any) -> None:
    with place(writer.repository) as folder:
        folder.mkdir()
        (folder / "file").touch()
    assert list(folder.parent.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_a_living_one_holds_stays(
    writer: Any, other: Any
) -> None:
    theirs = Path(other.stdout.readline().rstrip("\n"))
    there = theirs.exists()
    with place(writer.repository):
        assert theirs.exists() == there
        assert theirs.with_suffix(".lock").exists()
    other.kill()
    other.wait()
    with place(writer.repository) as folder:
        assert list(folder.parent.iterdir()) == [folder.with_suffix(".lock")]
