"""Packages that conda installed and that are no Python packages: CUDA, BLAS, compilers."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from runref.capture.environment.packages import normalised

_RECORD = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.json")
_CHANNEL = re.compile(rb'"channel":\s*"([^"]*)"')


def conda_packages(prefix: Path, python_packages: Collection[str]) -> list[dict[str, object]]:
    """Return name, version, build and channel of conda's packages in `prefix`, sorted by name.

    Args:
        prefix: Root of the environment; one without ``conda-meta`` has no such packages.
        python_packages: Normalised names of packages that are listed already.
    """
    found = []
    try:
        names = sorted(os.listdir(prefix / "conda-meta"))  # noqa: PTH208 - only names are needed
    except OSError:
        return []
    for file_name in names:
        record = _RECORD.fullmatch(file_name)
        if record is None or normalised(record["name"]) in python_packages:
            continue
        package: dict[str, object] = record.groupdict()
        if channel := _CHANNEL.search((prefix / "conda-meta" / file_name).read_bytes()):
            package["channel"] = _channel_name(channel[1].decode("utf-8", "replace"))
        found.append({key: package[key] for key in sorted(package)})
    return found


def _channel_name(channel: str) -> str:
    """Return ``conda-forge`` for https://conda.anaconda.org/conda-forge/linux-64, also on mirrors.

    A mirror's address may hold a token, and says nothing about the package.
    """
    parts = [part for part in channel.rstrip("/").split("/") if part]
    if len(parts) > 1 and re.fullmatch(r"noarch|(?:linux|osx|win)-[a-z0-9_]+", parts[-1]):
        parts.pop()
    return parts[-1] if parts else ""
