"""The packages an interpreter can import, with exact versions and where they came from.

Names and versions are read off the names of the metadata folders, as pip wrote them, and files are
opened only where these do not say enough: for a hundred packages that is a few milliseconds, where
`importlib.metadata` takes a hundred. The first of two packages of one name counts, as in an import.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from runref.capture.environment.folded_home import folded
from runref.capture.secrecy import strip_credentials

_EGG_VERSION = re.compile(r"-py[0-9][0-9.]*(?:-.*)?$")
_HEADER = re.compile(rb"^(Name|Version):[ \t]*(.+?)[ \t\r]*$", re.MULTILINE)
_HEADERS_SIZE = 4096
"""Bytes at the start of a metadata file that hold its name and version."""

Package = dict[str, object]


def installed_packages(search_path: Iterable[str], *, home: str) -> list[Package]:
    """Return what is installed in the folders of `search_path`, sorted by name.

    Each package is ``{"name", "version"}``, with ``source`` where pip recorded that it came from
    a URL, a repository or a folder (PEP 610), and ``installer`` where that was not pip. Names are
    normalised (PEP 503). Folders that cannot be read are passed over, as the import system does.

    Args:
        search_path: Folders, first one first, such as ``sys.path``.
        home: The user's home directory, written ``~`` in folders.
    """
    found: dict[str, Package] = {}
    for folder in _folders(search_path):
        for package in _in_folder(folder, home):
            found.setdefault(str(package["name"]), package)
    return [found[name] for name in sorted(found)]


def normalised(name: str) -> str:
    """Return a package's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _folders(search_path: Iterable[str]) -> Iterator[str]:
    seen = set()
    for entry in search_path:
        real = os.path.realpath(entry or ".")
        if real not in seen:
            seen.add(real)
            yield real


def _in_folder(folder: str, home: str) -> Iterator[Package]:
    if folder.endswith(".egg"):  # setuptools' own format, listed in easy-install.pth
        yield from _egg(Path(folder).name[:-4], f"{folder}/EGG-INFO/PKG-INFO")
    try:
        with os.scandir(folder) as entries:
            # Sorted: of two versions left side by side, every run shall see the same one.
            names = sorted(entry.name for entry in entries)
    except OSError:  # listed in sys.path, and not there or no folder: the rule, not an exception
        return
    for name in names:
        if name.startswith("~"):  # what pip left behind when it could not remove a file
            continue
        if name.endswith(".dist-info"):
            yield from _dist_info(name[:-10], f"{folder}/{name}", home)
        elif name.endswith(".egg-info"):
            path = f"{folder}/{name}"
            yield from _egg(name[:-9], f"{path}/PKG-INFO" if Path(path).is_dir() else path)
        elif name.endswith(".egg-link"):
            yield from _egg_link(name[:-9], f"{folder}/{name}", home)


def _dist_info(stem: str, path: str, home: str) -> Iterator[Package]:
    name, _, version = stem.rpartition("-")
    if not name:
        name, version = _headers(f"{path}/METADATA", fallback=stem)
    # An uninstall leaves the folder behind when a foreign file lies in it; then there is no
    # INSTALLER, and only METADATA tells whether the package is still there.
    installer = _read(f"{path}/INSTALLER").decode("utf-8", "replace").strip()
    if not installer and not Path(f"{path}/METADATA").exists():
        return
    package: Package = {"name": normalised(name), "version": version}
    if installer not in {"", "pip"}:
        package["installer"] = installer
    if direct := _read(f"{path}/direct_url.json"):
        package["source"] = _source(direct, home)
    yield package


def _egg(stem: str, metadata: str) -> Iterator[Package]:
    name, separator, version = _EGG_VERSION.sub("", stem).partition("-")
    if not separator:
        name, version = _headers(metadata, fallback=name)
    yield {"name": normalised(name), "version": version}


def _egg_link(name: str, path: str, home: str) -> Iterator[Package]:
    target = _read(path).decode("utf-8", "surrogateescape").partition("\n")[0].strip()
    escaped = name.replace("-", "_")
    _, version = _headers(f"{target}/{escaped}.egg-info/PKG-INFO", fallback=name)
    source = {"editable": True, "folder": folded(target, home)}
    yield {"name": normalised(name), "version": version, "source": source}


def _headers(path: str, *, fallback: str) -> tuple[str, str]:
    found = {
        key: value.decode("utf-8", "replace")
        for key, value in _HEADER.findall(_read(path, _HEADERS_SIZE).partition(b"\n\n")[0])
    }
    return found.get(b"Name", fallback), found.get(b"Version", "")


def _source(direct_url: bytes, home: str) -> dict[str, object]:
    """Return what a PEP 610 file says, in one flat mapping; ``folder`` for a local project."""
    import orjson

    try:
        document = _mapping(orjson.loads(direct_url))
    except orjson.JSONDecodeError:
        document = {}
    if not document.get("url"):
        return {"unreadable": True}
    url = str(document["url"])
    folder, vcs = _mapping(document.get("dir_info")), _mapping(document.get("vcs_info"))
    source: dict[str, object] = {}
    if url.startswith("file://"):
        source["folder" if "dir_info" in document else "file"] = folded(unquote(url[7:]), home)
    else:
        source["url"] = strip_credentials(url)
    source["editable"] = bool(folder.get("editable"))
    source["vcs"] = vcs.get("vcs")
    source["commit"] = vcs.get("commit_id")
    source["revision"] = vcs.get("requested_revision")
    source["hash"] = _archive_hash(_mapping(document.get("archive_info")))
    source["subdirectory"] = document.get("subdirectory")
    return {key: source[key] for key in sorted(source) if source[key]}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _archive_hash(archive: dict[str, Any]) -> str:
    hashes = _mapping(archive.get("hashes"))
    if hashes:
        algorithm = min(hashes, key=lambda name: (name != "sha256", name))
        return f"{algorithm}:{hashes[algorithm]}"
    return str(archive.get("hash") or "").replace("=", ":", 1)


def _read(path: str, size: int = -1) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - twice as fast as Path.open
            return file.read(size) or b""
    except OSError:  # optional files, most of which are absent
        return b""
