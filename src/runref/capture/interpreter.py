"""The Python interpreter that runs this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from runref.capture.folded_home import folded


def interpreter(*, home: str) -> dict[str, object]:
    """Return implementation, exact build and place of the running interpreter.

    ``executable`` and ``prefix`` are absolute, with the home directory written ``~``.
    """
    build, _, compiler = sys.version.partition("\n")[2].rpartition("\n")
    if not compiler:  # "3.11.7 (main, Jan  1 2024, 00:00:00) [GCC 12.2.0]" in one line
        build, _, compiler = sys.version.partition(" ")[2].rpartition(" [")
    return {
        "implementation": sys.implementation.name,
        "version": _version(),
        "build": build.strip("() \n"),
        "compiler": compiler.strip("[] \n"),
        "abi": f"{sys.implementation.cache_tag}{sys.abiflags}",
        "executable": folded(sys.executable or "", home),
        "prefix": folded(sys.prefix, home),
        "environment": _environment(Path(sys.prefix)),
    }


def _version() -> str:
    version = sys.version_info
    number = f"{version.major}.{version.minor}.{version.micro}"
    level = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(version.releaselevel)
    return f"{number}{level}{version.serial}" if level else number


def _environment(prefix: Path) -> dict[str, object]:
    """Return the kind of environment that `prefix` is, and its name."""
    if (prefix / "conda-meta").is_dir():
        named = prefix.parent.name == "envs"
        return {"kind": "conda", "name": prefix.name if named else "base"}
    if sys.prefix == sys.base_prefix:
        return {"kind": "none"}
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        settings = ""
    keys = {line.partition("=")[0].strip() for line in settings.splitlines()}
    kind = next((each for each in ("uv", "virtualenv") if each in keys), "venv")
    return {"kind": kind, "name": os.path.basename(prefix)}  # noqa: PTH119 - a name, no file
