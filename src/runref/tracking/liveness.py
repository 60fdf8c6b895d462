"""Whether the process that writes a run is still there.

On the same machine the process itself tells: its number and its start time, which together never
come again. From another machine only its heartbeat can be seen.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HEARTBEAT_SECONDS = 15.0
DEAD_AFTER_SECONDS = 300.0
"""Silence after which a process on another machine counts as gone: 20 missed heartbeats, more than
NFS keeps attributes in its cache (60 s by default)."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process, on one machine, since one moment."""

    machine: str
    host: str
    pid: int
    started: str


@cache
def machine() -> str:
    """Return what tells this machine and process namespace from all others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - not a path
    except OSError:  # no Linux
        import psutil

        return f"{socket.gethostname()} {int(psutil.boot_time())}"


def this_process() -> Process:
    """Return the calling process."""
    pid = os.getpid()
    return Process(machine(), socket.gethostname(), pid, _start_of(pid))


def is_alive(process: Process, heartbeat: float) -> bool:
    """Tell whether `process` runs; `heartbeat` is the Unix time of its last sign of life."""
    if process.machine == machine():
        return _start_of(process.pid) == process.started
    return time.time() - heartbeat < DEAD_AFTER_SECONDS


def _start_of(pid: int) -> str:
    """Return when `pid` started, in the kernel's own ticks; empty where there is no such process.

    Field 22 of /proc/<pid>/stat (proc(5)) counts from boot and so does not move with the clock.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _start_by_psutil(pid)
    fields = stat[stat.rindex(b")") + 2 :].split()
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode("ascii")


def _start_by_psutil(pid: int) -> str:
    import psutil

    try:
        return f"{psutil.Process(pid).create_time():.3f}"
    except psutil.NoSuchProcess:
        return ""
