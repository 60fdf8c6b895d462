"""No server outlives its tests, however these end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
from tests.servers.nfs import NfsServer
from tests.servers.node import HOST, Node
from tests.servers.server import Server

ROOT = Path(__file__).resolve().parents[2]


class Silent(Server):
    """Has a child, and never serves."""

    starting_seconds = 0.5
    script = "echo no luck; sleep 1000 & wait"

    def command(self) -> Sequence[str]:
        return ["/bin/sh", "-c", self.script]

    def trouble(self) -> str:
        return "says nothing"


class Broken(Silent):
    starting_seconds = 60
    script = "echo no luck; exit 3"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "problem"), [(Silent, "not ready .* says nothing"), (Broken, "status 3")]
)
def test_a_server_that_does_not_start_shows_its_log(
    tmp_path: Path, kind: type[Server], problem: str
):
    server = kind(tmp_path / "server")
    with pytest.raises(pytest.fail.Exception, match=rf"{problem}.*\nno luck\n"), server:
        pass
    assert not server.folder.exists()
    homes = [(each.info["environ"] or {}).get("HOME") for each in psutil.process_iter(["environ"])]
    assert str(server.folder) not in homes


TEST_THAT_FAILS = """
    import json
    import psutil

    def test_that_fails({servers}):
        started = [each.pid for each in psutil.Process().children(recursive=True)]
        files = [str(path) for each in [{servers}] for path in each.left_behind() if path.exists()]
        print("started", json.dumps([started, files]), flush=True)
        input()
        raise AssertionError
    """


@pytest.mark.slow
@pytest.mark.parametrize("end", [None, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize(
    ("servers", "programs"),
    [
        ("seaweedfs, moto, rclone_s3, sshd", {"weed", "moto_server", "rclone", "sshd"}),
        ("git_http, git_ssh", {"lighttpd", "sshd"}),
        ("slurm", {"slurmctld", "slurmd"}),
    ],
)
def test_nothing_is_left_of_the_fixtures(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    servers: str,
    programs: set[str],
    end: signal.Signals | None,
):
    for name in servers.split(", "):
        request.getfixturevalue(name)  # or this test is skipped
    test = tmp_path / "test_that_fails.py"
    test.write_text(dedent(TEST_THAT_FAILS.format(servers=servers)), "utf-8")
    folders = tmp_path / "folders"
    options = ["-s", "-c", str(ROOT / "pyproject.toml"), "-p", "tests.servers.fixtures"]
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, f"--basetemp={folders}", str(test)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as inner:
        line = next(line for line in inner.stdout if "started" in line)
        numbers, files = json.loads(line.partition("started")[2])
        processes = [psutil.Process(number) for number in numbers]
        assert programs <= {each.name() for each in processes}
        assert bool(files) == ("weed" in programs)
        if end:
            inner.send_signal(end)
        inner.communicate("\n")
    assert inner.returncode in {1, 2, -signal.SIGKILL}
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
    assert not any(map(os.path.exists, files))
    assert end == signal.SIGKILL or list(folders.glob("*/server")) == []


@pytest.mark.slow
def test_nothing_is_left_of_a_node(nfs: NfsServer, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(60)
        knock = f"exec 3<>/dev/tcp/{HOST}/{door.getsockname()[1]}; sleep 1000"
        with Node("other", tmp_path / "node", nfs, ["bash", "-c", knock]) as node:
            door.accept()[0].close()
            linux = psutil.Process(node.process.pid)
            processes = [linux, *linux.children(recursive=True)]
            assert len(processes) > 2
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
    assert not node.folder.exists()
