"""The operating system: kernel, distribution and C library."""

from __future__ import annotations

import os
from pathlib import Path


def operating_system(root: Path) -> dict[str, object]:
    """Return system, kernel release, architecture, distribution and C library.

    Args:
        root: Where the file system to look at begins.
    """
    system = os.uname()
    described: dict[str, object] = {
        "system": system.sysname,
        "release": system.release,
        "machine": system.machine,
    }
    if system.sysname == "Darwin":
        import platform

        described["distribution"] = f"macOS {platform.mac_ver()[0]}".strip()
    elif distribution := _distribution(root):
        described["distribution"] = distribution
    if libc := _libc(root):
        described["libc"] = libc
    return described


def _distribution(root: Path) -> str:
    for place in ("etc/os-release", "usr/lib/os-release"):  # the order of os-release(5)
        try:
            lines = (root / place).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        fields = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
        name = fields.get("PRETTY_NAME") or fields.get("NAME", "")
        return name.strip().strip("\"'")
    return ""


def _libc(root: Path) -> str:
    try:
        version = os.confstr("CS_GNU_LIBC_VERSION")  # "glibc 2.36"
    except (ValueError, OSError):  # another C library does not know the name
        version = None
    if version:
        return version
    return "musl" if any(root.glob("lib/ld-musl-*.so.1")) else ""
