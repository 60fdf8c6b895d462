"""The manifest of a directory: what is in it, so that it can be brought back and compared.

A manifest is JSON lines in canonical form: keys sorted, no white space, UTF-8. The first line says
what it is; every other line is one entry, in the order of the paths' bytes. Equal directories
therefore have equal manifests, and a manifest's digest stands for the directory. It is stored like
any other content and can be read with any tool::

    {"format":"runref-manifest","version":1}
    {"digest":"sha256:…","mode":"100644","path":"data/train.csv","size":1048576}
    {"digest":"sha256:…","mode":"100755","path":"fetch.sh","size":312}
    {"mode":"120000","path":"latest","target":"data"}
    {"mode":"040000","path":"logs"}

Modes are git's: a file, an executable file, a symbolic link, and a directory where it is empty.
A path or target that is no Unicode is written as ``bytes:`` and its bytes in percent-encoding, and
so is one that itself begins with ``bytes:``: the way records spell such paths.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import quote_from_bytes, unquote_to_bytes

import orjson

from runref.errors import RunrefError
from runref.git.refused_names import refused

FORMAT = "runref-manifest"
VERSION = 1

Mode = Literal["100644", "100755", "120000", "040000"]
FILE: Mode = "100644"
EXECUTABLE: Mode = "100755"
LINK: Mode = "120000"
DIRECTORY: Mode = "040000"

_KEYS: Mapping[object, frozenset[str]] = {
    FILE: frozenset({"path", "mode", "digest", "size"}),
    EXECUTABLE: frozenset({"path", "mode", "digest", "size"}),
    LINK: frozenset({"path", "mode", "target"}),
    DIRECTORY: frozenset({"path", "mode"}),
}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_BYTES = "bytes:"


class ManifestInvalid(RunrefError):
    """Bytes that should be a manifest are none."""

    code = "manifest-invalid"


class ManifestTooNew(RunrefError):
    """A manifest has a format version that this runref does not know."""

    code = "manifest-too-new"


class ManifestUnsafe(RunrefError):
    """A manifest asks for something outside the directory it describes."""

    code = "manifest-unsafe"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a directory.

    Attributes:
        path: Relative to the directory, with ``/``; bytes that are no UTF-8 as ``os.fsdecode`` has
            them.
        mode: ``100644`` file, ``100755`` executable file, ``120000`` symbolic link, ``040000``
            empty directory.
        digest: ``sha256:<hex>`` of a file's content; empty for others.
        size: Bytes of a file's content.
        target: What a symbolic link says; empty for others.
    """

    path: str
    mode: Mode
    digest: str = ""
    size: int = 0
    target: str = ""

    @property
    def is_file(self) -> bool:
        """Whether the entry has content."""
        return self.mode in (FILE, EXECUTABLE)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The entries of a directory, in the order of their paths' bytes."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Manifest:
        """Return the manifest of entries that come in any order."""
        return cls(tuple(sorted(entries, key=_order)))

    @property
    def files(self) -> int:
        """How many files the directory holds."""
        return sum(entry.is_file for entry in self.entries)

    @property
    def size(self) -> int:
        """Bytes of all its files together."""
        return sum(entry.size for entry in self.entries)

    def encode(self) -> bytes:
        """Return the canonical bytes, which the manifest's digest is of."""
        lines: list[dict[str, object]] = [{"format": FORMAT, "version": VERSION}]
        lines += map(_document, self.entries)
        options = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        return b"".join(orjson.dumps(line, option=options) for line in lines)


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest that `data` holds, checked so that restoring it can be trusted.

    Raises:
        ManifestInvalid: It is no manifest, or not in canonical form.
        ManifestTooNew: Its version is one that a later runref writes.
        ManifestUnsafe: A path is absolute, has a ``..``, or lies below something that is no
            directory.
    """
    lines = data.split(b"\n")
    if lines.pop():
        raise _invalid(len(lines) + 1, "the line is cut off")
    _check_header(lines[0] if lines else b"")
    entries = tuple(_entry(number, line) for number, line in enumerate(lines[1:], start=2))
    _check_order(entries)
    _check_nesting(entries)
    return Manifest(entries)


def refused_entry(manifest: Manifest) -> str:
    """Return the first path that git would refuse in a tree; empty where there is none.

    A directory that holds ``.git``, however a disk may spell it, becomes a repository where it is
    brought back, with hooks and settings of whoever made the manifest, which git then obeys.
    """
    for entry in manifest.entries:
        if refused_path(entry.path, is_regular=entry.is_file):
            return entry.path
    return ""


def refused_path(path: str, *, is_regular: bool) -> bool:
    """Tell whether git would refuse a path, for one of its components.

    Args:
        path: Relative to a directory, with ``/``.
        is_regular: Whether a regular file is there.
    """
    *folders, last = os.fsencode(path).split(b"/")
    return refused(last, is_regular=is_regular) or any(
        refused(each, is_regular=False) for each in folders
    )


def encode_name(name: str) -> str:
    """Return a path or link target as Unicode."""
    if name.isascii() and not name.startswith(_BYTES):
        return name
    raw = name.encode("utf-8", "surrogateescape")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return _BYTES + quote_from_bytes(raw)
    return _BYTES + quote_from_bytes(raw) if text.startswith(_BYTES) else text


def decode_name(text: str) -> str:
    """Return the path or link target that `encode_name` wrote."""
    if not text.startswith(_BYTES):
        return text
    return unquote_to_bytes(text.removeprefix(_BYTES)).decode("utf-8", "surrogateescape")


def _order(entry: Entry) -> bytes:
    return entry.path.encode("utf-8", "surrogateescape")


def _document(entry: Entry) -> dict[str, object]:
    document: dict[str, object] = {"path": encode_name(entry.path), "mode": entry.mode}
    if entry.is_file:
        document |= {"digest": entry.digest, "size": entry.size}
    elif entry.mode == LINK:
        document["target"] = encode_name(entry.target)
    return document


def _check_header(line: bytes) -> None:
    header = _loads(1, line)
    if header.get("format") != FORMAT:
        raise _invalid(1, f"the first line does not say {FORMAT}")
    version = header.get("version")
    if isinstance(version, int) and version > VERSION:
        raise ManifestTooNew(
            f"the manifest has version {version}, and this runref reads up to {VERSION}",
            hint="install a newer runref",
        )
    if header != {"format": FORMAT, "version": VERSION}:
        raise _invalid(1, "the first line is no header of this version")


def _loads(number: int, line: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _invalid(number, "not JSON") from error
    if not isinstance(document, dict):
        raise _invalid(number, "not a JSON object")
    return document


def _entry(number: int, line: bytes) -> Entry:
    document = _loads(number, line)
    path, mode = document.get("path"), document.get("mode")
    if not isinstance(mode, str) or document.keys() != _KEYS.get(mode):
        raise _invalid(number, "no kind of entry has these fields")
    digest, size = document.get("digest", ""), document.get("size", 0)
    if not isinstance(digest, str) or (digest and not _DIGEST.fullmatch(digest)):
        raise _invalid(number, "the digest is not sha256: and 64 hex digits")
    if type(size) is not int or size < 0 or ("digest" in document) != bool(digest):
        raise _invalid(number, "the size or the digest is none")
    return Entry(
        path=_checked_path(_name(number, path)),
        mode=cast("Mode", mode),
        digest=digest,
        size=size,
        target=_name(number, document["target"]) if mode == LINK else "",
    )


def _name(number: int, text: object) -> str:
    if not isinstance(text, str) or not text:
        raise _invalid(number, "a path is empty or no text")
    name = decode_name(text)
    # A second spelling of a path would be a second entry for one file.
    if encode_name(name) != text or "\0" in name:
        raise _invalid(number, f"{text!r} is not how a path is written")
    return name


def _checked_path(path: str) -> str:
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise ManifestUnsafe(
            f"the manifest names {path!r}, which is no path inside a directory",
            hint="the record that names this manifest is damaged or not to be trusted",
        )
    return path


def _check_order(entries: tuple[Entry, ...]) -> None:
    last = b""
    for number, entry in enumerate(entries, start=2):
        key = _order(entry)
        if key <= last:
            raise _invalid(number, f"{entry.path!r} is out of order or named twice")
        last = key


def _check_nesting(entries: tuple[Entry, ...]) -> None:
    """Refuse entries below an entry: a link could lead them out of the directory."""
    paths = {entry.path for entry in entries}
    folders = {entry.path.rpartition("/")[0] for entry in entries}
    for folder in folders:
        above = folder
        while above:
            if above in paths:
                raise ManifestUnsafe(
                    f"the manifest has {above!r} both as an entry and as a folder of others",
                    hint="the record that names this manifest is damaged or not to be trusted",
                )
            above = above.rpartition("/")[0]


def _invalid(number: int, what: str) -> ManifestInvalid:
    return ManifestInvalid(
        f"line {number} of the manifest: {what}",
        hint="the artifact is damaged or no manifest; bring it back from another store",
    )
