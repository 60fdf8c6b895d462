"""Inputs at URLs: by reference, as their server describes them, or by content."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from runref.artifacts import LocalStore
from runref.model.record import DataFile

UrlOptions = Callable[[str], Mapping[str, Any]]
"""Returns the options of fsspec's driver for a URL: where its server is, who asks."""


def no_options(_url: str) -> Mapping[str, Any]:
    """Leave everything to what the machine is set up for: credentials, region, proxies."""
    return {}


def referred(url: str, options: Mapping[str, Any], shown: str) -> DataFile:
    """Return the description of an input at a URL, which is not read.

    Args:
        url: With a slash at the end, everything below it.
        options: For the driver.
        shown: The URL without credentials.

    Raises:
        RunrefError: it is not there, or cannot be reached within seconds.
    """
    from runref.artifacts.remote.urls import describe

    found = describe(url, options, name=shown)
    problem = ""
    if not (found.etag or found.version):
        problem = "the server does not say which content it is; --copy records the content"
    return DataFile(
        shown,
        found.kind,
        "",
        found.size,
        files=found.files,
        stored=False,
        problem=problem,
        etag=found.etag,
        version=found.version,
    )


def copied(
    url: str,
    options: Mapping[str, Any],
    shown: str,
    *,
    store: LocalStore,
    folder: Path,
    on_progress: Callable[[int, int], None] | None,
) -> DataFile:
    """Return the description of an input at a URL whose content is in the store now.

    Args:
        url: With a slash at the end, everything below it.
        options: For the driver.
        shown: The URL without credentials.
        store: Where its content goes.
        folder: The store's own, on whose disk it can be linked to its place.
        on_progress: Told how many bytes came, and of how many.

    Raises:
        RunrefError: it is not there, cannot be reached, breaks off, or cannot be stored.
        OSError: there is no room for it.
    """
    from runref.artifacts.remote.urls import download

    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="download-", dir=temporary) as download_folder:
        target = Path(download_folder, last_part(url))
        found = download(url, options, target, name=shown, on_progress=on_progress)
        artifact = store.add(target)
    return DataFile(
        shown,
        artifact.kind,
        artifact.digest,
        artifact.size,
        files=artifact.files,
        etag=found.etag,
        version=found.version,
    )


def last_part(url: str) -> str:
    """Return the last part of a URL's path, as a name for a file or folder."""
    return PurePosixPath(urlsplit(url).path).name or "content"
