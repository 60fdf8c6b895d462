"""A second machine for tests: Linux in a process, with a real NFS client."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

from tests.servers.nfs import NfsServer
from tests.servers.process import Process, program

if TYPE_CHECKING:
    from typing_extensions import Self

MOUNT = "/mnt/nfs"
"""Where a node has the export of the NFS server."""

HOST = "10.0.2.2"
"""How a node calls the machine that it runs on: there it reaches what listens on 127.0.0.1."""


class Node(Process):
    """User-mode Linux that boots, runs one command, and goes.

    It sees this machine's files, read-only, and may write below `MOUNT`, in its folder ``shared``
    (which both see at once) and in memory below ``/run``.

    Attributes:
        name: Its host name.
        shared: A folder with the same path here and there.
    """

    # `soft`: a server that is gone is an error, and no process that cannot be killed.
    mount_options = "vers=4.2,proto=tcp,sec=sys,soft,timeo=100"

    def __init__(
        self,
        name: str,
        folder: Path,
        nfs: NfsServer,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.linux = program("linux.uml", "user-mode-linux of Debian")
        self.slirp = program("slirp-fullbolt", "slirp of Debian")
        for needed, package in {
            "cc": "gcc",
            "ip": "iproute2",
            "modprobe": "kmod",
            "mount.nfs4": "nfs-common",
        }.items():
            program(needed, f"{package} of Debian")
        super().__init__(folder)
        self.name = name
        self.shared = folder / "shared"
        self.shared.mkdir()
        self.init = folder / "init"
        self.init.write_text(self._script(nfs.port, command, environment or {}), "utf-8")
        self.init.chmod(0o700)
        self.preloaded = folder / "xstate.so"
        source = Path(__file__).with_name("xstate.c")
        flags = ["-shared", "-fPIC", "-O2"]
        subprocess.run(["cc", *flags, "-o", self.preloaded, source, "-ldl"], check=True)

    def _script(self, port: int, command: Sequence[str], environment: Mapping[str, str]) -> str:
        """Return what the node runs as its first process; the node ends with it."""
        settings = {"HOME": "/run/home", "TMPDIR": "/run/tmp", **environment}
        return dedent(f"""\
            #!/bin/bash
            end() {{ echo "$1" > {self._quoted("status")}; sync; echo o > /proc/sysrq-trigger; }}
            mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /mnt &&
            mount -t hostfs none {self._quoted()} -o {self._quoted()} &&
            mount -t tmpfs tmpfs /run && mkdir -p /run/modules/lib/modules /run/home /run/tmp &&
            ln -s "/usr/lib/uml/modules/$(uname -r)" /run/modules/lib/modules/ &&
            echo {self.name} > /proc/sys/kernel/hostname &&
            ip link set lo up && ip address add 10.0.2.15/24 dev eth0 &&
            ip link set eth0 up && ip route add default via {HOST} &&
            modprobe -d /run/modules nfs nfs4_unique_id={self.name} &&
            modprobe -d /run/modules nfsv4 && mkdir {MOUNT} &&
            mount -t nfs4 -o port={port},{self.mount_options} {HOST}:/export {MOUNT} ||
            {{ end 125; sleep 60; }}
            export {shlex.join(f"{name}={value}" for name, value in settings.items())}
            cd {self._quoted("shared")} || exit
            {shlex.join(command)}
            status=$?
            cd / && umount {MOUNT}
            end $status
            sleep 60
            """)

    def _quoted(self, name: str = "") -> str:
        return shlex.quote(str(self.folder / name))

    def command(self) -> Sequence[str]:
        return [
            *(self.linux, "mem=512M", "quiet"),
            *("rootfstype=hostfs", "ro", f"init={self.init}"),
            *(f"umid={self.name}", f"uml_dir={self.folder}/"),
            *("con=null", "con0=null,fd:1", "ssl=null"),
            f"eth0=slirp,,{self.slirp}",
        ]

    def environment(self) -> Mapping[str, str]:
        return {"LD_PRELOAD": str(self.preloaded)}

    def wait(self, seconds: float = 300) -> None:
        """Wait for the node's end; fail when its command does, or when it does not get that far."""
        assert self.process is not None
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"has not ended after {seconds} s")
        status = self.folder / "status"
        if not status.exists():
            self.fail("crashed")
        if status.read_text() != "0\n":
            self.fail(f"ended with status {status.read_text().strip()}")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()
