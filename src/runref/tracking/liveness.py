"""Whether the process that writes a run is still there.

On the same machine the process itself tells: its number and its start time, which together never
come again. From another machine, or where processes of other users are hidden, only its heartbeat
can be seen.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HEARTBEAT_SECONDS = 15.0
DEAD_AFTER_SECONDS = 300.0
"""Silence after which a process on another machine counts as gone: 20 missed heartbeats, more than
NFS keeps attributes in its cache (60 s by default)."""

_HIDDEN = "hidden"
"""Said of a process that another user may not look at (``hidepid``, proc(5))."""


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


def is_alive(process: Process, heartbeat: float, clock: Callable[[], float] = time.time) -> bool:
    """Tell whether `process` runs.

    Args:
        process: On this machine or on another one.
        heartbeat: Unix time of its last sign of life.
        clock: Tells the time by the clock that stamped the sign. It is asked only where the local
            clock takes a silence for death, so that nobody is dead by one wrong clock.
    """
    if process.machine == machine():
        started = _start_of(process.pid)
        if started != _HIDDEN:
            return started == process.started
    if time.time() - heartbeat < DEAD_AFTER_SECONDS:
        return True
    return clock() - heartbeat < DEAD_AFTER_SECONDS


def file_system_time(folder: Path) -> float:
    """Return the present Unix time by the clock that stamps the files of `folder`.

    A file server's clock, and that of any other machine, may differ from ours.

    Raises:
        OSError: nothing can be written there.
    """
    path = folder / f".clock-{os.urandom(4).hex()}"
    path.touch(exist_ok=False)
    try:
        return path.stat().st_mtime
    finally:
        path.unlink(missing_ok=True)


def _start_of(pid: int) -> str:
    """Return when `pid` started, in the kernel's own ticks; empty where there is no such process.

    Field 22 of /proc/<pid>/stat (proc(5)) counts from boot and so does not move with the clock.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        if not Path("/proc/self/stat").exists():
            return _start_by_psutil(pid)
        return _HIDDEN if _is_there(pid) else ""
    fields = stat[stat.rindex(b")") + 2 :].split()
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode("ascii")


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _start_by_psutil(pid: int) -> str:
    import psutil

    try:
        return f"{psutil.Process(pid).create_time():.3f}"
    except psutil.NoSuchProcess:
        return ""
