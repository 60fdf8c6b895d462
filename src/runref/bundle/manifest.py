"""The manifest of a bundle: what is in it, by name, size and SHA-256, before any of it comes.

JSON lines with sorted keys and no white space: a header, one line for each run, one for each
artifact that was nowhere, one for the pack of records, one for each artifact in the order of their
digests. One bundle has one manifest: bytes that are not what `Manifest.encode` makes of them are
refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from runref.artifacts.artifact import digest_hex
from runref.bundle.errors import BundleTooNew, NoBundle, refused
from runref.git.format import FORMATS
from runref.model.ids import is_run_id
from runref.model.times import parse_time

FORMAT = "runref-bundle"
VERSION = 1
MANIFEST = "MANIFEST"
SIGNATURE = "MANIFEST.sig"
RECORDS = "records.pack"
LARGEST = 256 << 20
"""Bytes of a manifest: some 1.6 million artifacts."""

_DIGEST = re.compile("sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked to be in a bundle.

    Attributes:
        runs: Ids of the runs that were named.
        query: Which runs besides; all of them where neither says anything.
        parts: ``inputs`` and ``outputs``: whose contents come along.
        since: What is left out: the runs of an earlier bundle, by its manifest's SHA-256, or those
            that ended before a time.
        allow_secrets: Whether what looks secret might be in it, too.
    """

    runs: tuple[str, ...] = ()
    query: str = ""
    parts: tuple[str, ...] = ()
    since: str = ""
    allow_secrets: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a bundle.

    Attributes:
        object_format: ``sha1`` or ``sha256``: how git names the objects of the records.
        commit: Commit in the pack that all its objects are reached from.
        root: Root tree of that commit, laid out as that of the runs ref.
        tombstones: Tree of the tombstones in it; empty where there are none.
        created: RFC 3339 UTC time.
        author: ``Name <mail>``.
        runref: Version of the program.
        request: What was asked for.
        runs: Record hashes by run id, in the order of the ids.
        missing: Digests of what was asked for and was nowhere, in order.
        records: SHA-256 of the pack, in hex digits.
        records_size: Bytes of the pack.
        artifacts: Sizes in bytes by digest, ``sha256:<hex>``, in the order of the digests.
    """

    object_format: str
    commit: str
    root: str
    tombstones: str
    created: str
    author: str
    runref: str
    request: Request
    runs: Mapping[str, str]
    missing: tuple[str, ...]
    records: str
    records_size: int
    artifacts: Mapping[str, int]

    @property
    def seconds(self) -> int:
        """When the bundle was made, in seconds since the epoch."""
        return int(parse_time(self.created).timestamp())

    def sizes(self) -> Iterator[int]:
        """Yield the sizes of the files behind the manifest."""
        yield self.records_size
        yield from self.artifacts.values()

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        options = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        return b"".join(orjson.dumps(line, option=options) for line in self._lines())

    def _lines(self) -> Iterator[dict[str, object]]:
        yield {
            "format": FORMAT,
            "version": VERSION,
            "object_format": self.object_format,
            "commit": self.commit,
            "root": self.root,
            "tombstones": self.tombstones,
            "created": self.created,
            "author": self.author,
            "runref": self.runref,
            "asked": {
                "runs": list(self.request.runs),
                "query": self.request.query,
                "with": list(self.request.parts),
                "since": self.request.since,
                "allow_secrets": self.request.allow_secrets,
            },
        }
        for run_id in sorted(self.runs):
            yield {"run": run_id, "record": self.runs[run_id]}
        for digest in self.missing:
            yield {"missing": digest}
        yield {"name": RECORDS, "sha256": self.records, "size": self.records_size}
        for digest in sorted(self.artifacts):
            hexadecimal = digest_hex(digest)
            size = self.artifacts[digest]
            yield {"name": artifact_name(digest), "sha256": hexadecimal, "size": size}


def artifact_name(digest: str) -> str:
    """Return the name of an artifact in a bundle, which is that at a remote."""
    digits = digest_hex(digest)
    return f"sha256/{digits[:2]}/{digits[2:]}"


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest that `data` holds, every field checked.

    Raises:
        NoBundle: It is no manifest of a bundle.
        BundleTooNew: A later version wrote it.
        BundleRefused: It is not what this version would have written.
    """
    first, _, rest = data.partition(b"\n")
    header = _header(first)
    runs: dict[str, str] = {}
    missing: list[str] = []
    files: dict[str, tuple[str, int]] = {}
    for line in rest.splitlines():
        document = _loads(line)
        if document.keys() == {"run", "record"}:
            runs[_text(document, "run")] = _text(document, "record")
        elif document.keys() == {"missing"}:
            missing.append(_text(document, "missing"))
        else:
            files[_text(document, "name")] = (_text(document, "sha256"), _size(document))
    records, records_size = files.pop(RECORDS, ("", 0))
    asked = header.get("asked")
    manifest = Manifest(
        **{name: _text(header, name) for name in _TEXTS},
        request=_request(asked if isinstance(asked, dict) else {}),
        runs=runs,
        missing=tuple(missing),
        records=records,
        records_size=records_size,
        artifacts={f"sha256:{sha256}": size for sha256, size in files.values()},
    )
    _check(manifest)
    if manifest.encode() != data:
        raise refused("its manifest is not in the one form that it can have")
    return manifest


_TEXTS = ("object_format", "commit", "root", "tombstones", "created", "author", "runref")


def _header(line: bytes) -> dict[str, Any]:
    try:
        header = orjson.loads(line)
    except orjson.JSONDecodeError:
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise NoBundle("the file is no bundle: its first line is not that of a manifest")
    version = header.get("version")
    if isinstance(version, int) and version > VERSION:
        raise BundleTooNew(
            f"the bundle has version {version}, and this runref reads up to {VERSION}",
            hint="install a newer runref",
        )
    return header


def _loads(line: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise refused(f"a line of its manifest is no JSON: {line[:80]!r}") from error
    if not isinstance(document, dict):
        raise refused(f"a line of its manifest is no object: {line[:80]!r}")
    return document


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise refused(f"{name!r} is no text in its manifest")
    return value


def _size(document: Mapping[str, Any]) -> int:
    size = document.get("size")
    if type(size) is not int or not 0 <= size < 1 << 62:
        raise refused(f"a size in its manifest makes no sense: {size!r:.40}")
    return size


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise refused(f"{name!r} is no list of texts in its manifest")
    return tuple(value)


def _request(asked: Mapping[str, Any]) -> Request:
    return Request(
        runs=_texts(asked, "runs"),
        query=_text(asked, "query"),
        parts=_texts(asked, "with"),
        since=_text(asked, "since"),
        allow_secrets=asked.get("allow_secrets") is True,
    )


def _check(manifest: Manifest) -> None:
    object_format = FORMATS.get(manifest.object_format)
    if object_format is None:
        raise refused(f"git has no object format {manifest.object_format!r:.40}")
    oids = (manifest.commit, manifest.root, *manifest.runs.values())
    if manifest.tombstones:
        oids = (*oids, manifest.tombstones)
    if not all(map(object_format.is_oid, oids)):
        raise refused("something in its manifest is no name of a git object")
    if not all(map(is_run_id, manifest.runs)):
        raise refused("something in its manifest is no run id")
    named = (f"sha256:{manifest.records}", *manifest.artifacts, *manifest.missing)
    if not all(map(_DIGEST.fullmatch, named)):
        raise refused("something in its manifest is no SHA-256")
    try:
        parse_time(manifest.created)
    except ValueError as error:
        raise refused(f"its time makes no sense: {manifest.created!r:.40}") from error
