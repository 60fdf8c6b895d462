"""The cluster runs jobs as clusters do."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil
import pytest
from tests.servers.slurm import Slurm

pytestmark = pytest.mark.slow


def test_an_array_runs_a_script_for_each_number(slurm: Slurm, tmp_path: Path):
    job = slurm.sbatch(f"echo $SLURM_ARRAY_JOB_ID > {tmp_path}/$SLURM_ARRAY_TASK_ID", array="1-5")
    slurm.wait(job)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        str(number): f"{job}\n" for number in range(1, 6)
    }


def test_a_job_that_fails_shows_what_it_printed(slurm: Slurm):
    job = slurm.sbatch("echo no luck in $SLURM_ARRAY_TASK_ID; exit $SLURM_ARRAY_TASK_ID", "0-1")
    with pytest.raises(pytest.fail.Exception, match=r"(?s)COMPLETED.*FAILED.*no luck in 1"):
        slurm.wait(job)


def test_its_node_is_another_machine_with_the_same_files(slurm: Slurm, tmp_path: Path):
    job = slurm.sbatch(f"hostname > {tmp_path}/host; readlink /proc/self/ns/pid > {tmp_path}/pid")
    slurm.wait(job)
    assert (tmp_path / "host").read_text() == f"{slurm.node_name}\n" != f"{socket.gethostname()}\n"
    assert (tmp_path / "pid").read_text() != f"{Path('/proc/self/ns/pid').readlink()}\n"


def test_jobs_end_with_the_cluster(tmp_path: Path):
    os.mkfifo(tmp_path / "alive")
    with Slurm(tmp_path / "cluster") as cluster:
        cluster.sbatch(f"exec > {tmp_path}/alive; echo; sleep 1000")
        with (tmp_path / "alive").open() as alive:
            assert alive.readline() == "\n"
            cluster.kill()
            assert alive.read() == ""  # which waits for the end of all that could write there


def test_nobody_else_reaches_it(slurm: Slurm):
    processes = psutil.Process(slurm.process.pid).children(recursive=True)
    connections = [each for process in processes for each in process.net_connections("inet")]
    listening = {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
