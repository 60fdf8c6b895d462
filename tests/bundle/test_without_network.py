"""Out of one machine, into a room without a network, and run again there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def cut_off() -> list[str]:
    """What to write before a command so that it, and all it starts, has no network."""
    for command in (["unshare", "-n"], ["unshare", "-rn"]):
        if (
            shutil.which("unshare")
            and not subprocess.run([*command, "true"], check=False).returncode
        ):
            return command
    pytest.skip("processes cannot be cut off from the network here")


def test_a_run_is_reproduced_where_there_is_no_network(recorded, tmp_path, cut_off, cli):
    stick = tmp_path / "week.rrb"
    done = cli(recorded, "bundle", "create", str(stick), "--with", "outputs,inputs")
    assert done.status == 0, done.err
    recorded.path.rename(tmp_path / "gone")
    room = tmp_path / "room"
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    def inside(*command: str) -> str:
        done = subprocess.run(
            [*cut_off, *command], cwd=room, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    room.mkdir()
    script = "import socket; socket.create_connection(('127.0.0.1', 9))"
    alone = subprocess.run(
        [*cut_off, sys.executable, "-c", script], capture_output=True, check=False
    )
    assert b"unreachable" in alone.stderr, "not even the loopback device is up"
    inside("git", "init", "-q")
    inside("runref", "bundle", "inspect", str(stick))
    inside("runref", "bundle", "import", str(stick))
    for run in json.loads(inside("runref", "ls", "--json"))["runs"]:
        again = json.loads(inside("runref", "reproduce", run["id"], "--json"))
        assert again["verdict"] == "identical", again
