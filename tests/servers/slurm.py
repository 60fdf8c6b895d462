"""Slurm: a cluster of one node, which runs jobs as clusters do."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent

import pytest
from tests.servers.process import program, unavailable
from tests.servers.server import Server

UNFINISHED = {"PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "STOPPED"}


class Slurm(Server):
    """A Slurm cluster for root, in which nothing is limited but the number of jobs at once.

    Its node has processes, mounts and a host name of its own, as another machine has, and this
    machine's files. What a job starts ends with the cluster at the latest.

    Attributes:
        node_name: The host name of the node.
        outputs: The folder of what jobs print.
    """

    # A name that is an address of the loopback device everywhere: Slurm listens on its own name's.
    node_name = "localhost"

    def __init__(self, folder: Path, cpus: int = 4) -> None:
        self.programs = {
            name: program(name, f"{name} of Debian") for name in ("slurmctld", "slurmd")
        }
        self.client = {
            name: program(name, "slurm-client of Debian")
            for name in ("sbatch", "scontrol", "sinfo")
        }
        self.unshare = program("unshare", "util-linux of Debian")
        if os.geteuid() != 0:
            unavailable("only root can start a cluster with jobs of its own")
        super().__init__(folder, ports=2)
        self.outputs = folder / "outputs"
        for path in (self.outputs, folder / "state", folder / "spool"):
            path.mkdir()
        self.configuration = folder / "slurm.conf"
        self.configuration.write_text(self._settings(cpus), "utf-8")
        # Nothing is limited; but without this, slurmd looks for control groups, and gives up.
        (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n", "utf-8")

    def _settings(self, cpus: int) -> str:
        controller, node = self.ports.numbers
        return dedent(f"""\
            ClusterName=test
            SlurmctldHost={self.node_name}(127.0.0.1)
            SlurmctldPort={controller}
            CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
            AuthType=auth/none
            CredType=cred/none
            SlurmUser=root
            SlurmdUser=root
            StateSaveLocation={self.folder / "state"}
            SlurmdSpoolDir={self.folder / "spool"}
            SlurmctldPidFile={self.folder / "slurmctld.pid"}
            SlurmdPidFile={self.folder / "slurmd.pid"}
            ProctrackType=proctrack/linuxproc
            TaskPlugin=task/none
            SwitchType=switch/none
            MpiDefault=none
            SelectType=select/cons_tres
            SelectTypeParameters=CR_Core
            SchedulerType=sched/backfill
            SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
            AccountingStorageType=accounting_storage/none
            JobAcctGatherType=jobacct_gather/none
            SlurmdParameters=config_overrides
            ReturnToService=2
            MinJobAge=3600
            KillWait=2
            NodeName=node NodeHostname={self.node_name} NodeAddr=127.0.0.1 Port={node} CPUs={cpus}
            PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
            """)

    def command(self) -> Sequence[str]:
        daemons = f"{self.programs['slurmctld']} -D -i & {self.programs['slurmd']} -D -N node &"
        script = f"echo {self.node_name} > /proc/sys/kernel/hostname; {daemons} wait -n"
        own = ("--uts", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child")
        return [self.unshare, *own, "bash", "-c", script]

    def environment(self) -> Mapping[str, str]:
        return {"SLURM_CONF": str(self.configuration)}

    def trouble(self) -> str:
        done = self._ask("sinfo", "--noheader", "--Node", "--format=%T", check=False)
        return "" if done.strip() == "idle" else f"its node is {done.strip() or 'not known'}"

    def stop(self) -> None:
        """End the cluster with all its jobs, as a power failure does."""
        self.kill()

    def sbatch(self, script: str, array: str = "", **options: str) -> int:
        """Submit a batch script, once or for each number of an array; return the job's number.

        Jobs have the environment and the working directory of the caller.
        """
        named = {"array": array, "output": f"{self.outputs}/%A_%a", **options}
        flags = [f"--{name}={value}" for name, value in named.items() if value]
        return int(self._ask("sbatch", "--parsable", *flags, given=f"#!/bin/bash\n{script}"))

    def wait(self, job: int, seconds: float = 300) -> None:
        """Wait until all of a job is done; fail with what it printed when one part failed."""
        end = time.monotonic() + seconds
        while UNFINISHED & (states := self._states(job)).keys():
            if time.monotonic() > end:
                pytest.fail(f"job {job} is not done after {seconds} s: {states}")
            time.sleep(0.1)
        if states.keys() != {"COMPLETED"}:
            printed = (path.read_text() for path in sorted(self.outputs.glob(f"{job}_*")))
            pytest.fail(f"job {job}: {states}\n{''.join(printed)[-4000:]}")

    def _states(self, job: int) -> dict[str, int]:
        """Return how many parts of a job are in each state; those that wait may count as one."""
        told = self._ask("scontrol", "show", "job", str(job), "--oneliner")
        found = re.findall(r" JobState=(\w+)", told)
        return {state: found.count(state) for state in sorted(found)}

    def _ask(self, name: str, *arguments: str, given: str = "", check: bool = True) -> str:
        command = [self.client[name], *arguments]
        environ = os.environ | self.environment()
        done = subprocess.run(
            command, env=environ, input=given, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            self.fail(f"{shlex.join(command)} says {done.stderr}")
        return done.stdout
