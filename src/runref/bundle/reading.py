"""A bundle as it comes: every byte is compared with the manifest, which comes first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from runref.artifacts.reading import OnBytes, ignore
from runref.bundle.container import Header, TarReader
from runref.bundle.errors import BundleDamaged, NoBundle, damaged, refused
from runref.bundle.manifest import (
    LARGEST,
    MANIFEST,
    RECORDS,
    SIGNATURE,
    Manifest,
    artifact_name,
    parse_manifest,
)

_LARGEST_SIGNATURE = 1 << 16


@dataclass(frozen=True, slots=True)
class Head:
    """What stands at the beginning of a bundle.

    Attributes:
        manifest: What is in it.
        encoded: The bytes of the manifest, which a signature is of.
        signature: A signature of them; empty where there is none.
    """

    manifest: Manifest
    encoded: bytes
    signature: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, in hex digits: by it, the bundle is known."""
        return hashlib.sha256(self.encoded).hexdigest()


Vet = Callable[[Head], None]
"""Looks at the head of a bundle before the rest is read, and may raise."""


def ignore_head(_head: Head) -> None:
    """Take any bundle."""


class Content:
    """One file of a bundle, read once and compared with what the manifest says.

    Attributes:
        name: Its name in the tar.
        size: Its bytes.
        taken: How many of them were read.
    """

    def __init__(
        self, tar: TarReader, name: str, sha256: str, size: int, on_bytes: OnBytes
    ) -> None:
        self.name = name
        self.size = size
        self.taken = 0
        self._tar = tar
        self._sha256 = sha256
        self._hasher = hashlib.sha256()
        self._on_bytes = on_bytes

    @property
    def sha256_so_far(self) -> str:
        """SHA-256 of what was read, in hex digits."""
        return self._hasher.hexdigest()

    def read(self, size: int) -> bytes:
        """Return up to so many bytes, none at the end.

        Raises:
            BundleDamaged: The bundle ends too early.
        """
        data = self._tar.read(size)
        self.taken += len(data)
        self._hasher.update(data)
        self._on_bytes(len(data))
        return data

    def finish(self) -> None:
        """Read what is left, and compare.

        Raises:
            BundleDamaged: It is other content.
        """
        while self.read(1 << 20):
            pass
        if self._hasher.hexdigest() != self._sha256:
            raise damaged(f"{self.name} has another SHA-256 than its manifest says")


class BundleReader:
    """Reads a bundle in one pass: the head, then the records, then the artifacts.

    Args:
        stream: Need not be seekable.
        on_bytes: Told the number of bytes read since its last call.

    Raises:
        NoBundle: It is none.
        BundleTooNew: A later version made it.
        BundleDamaged: It ends too early.
        BundleRefused: Its manifest is not what runref writes.
    """

    def __init__(self, stream: BinaryIO, *, on_bytes: OnBytes = ignore) -> None:
        self._tar = TarReader(stream)
        self._on_bytes = on_bytes
        self._next: Header | None = None
        self.head = self._read_head()

    def records(self) -> Content:
        """Return the pack of records, to be read first."""
        manifest = self.head.manifest
        return self._expect(RECORDS, manifest.records, manifest.records_size)

    def artifacts(self) -> Iterator[tuple[str, Content]]:
        """Yield the artifacts by digest, each to be finished before the next.

        Raises:
            BundleDamaged: The bundle ends too early.
            BundleRefused: Something else is in it, or more.
        """
        for digest, size in self.head.manifest.artifacts.items():
            name = artifact_name(digest)
            yield digest, self._expect(name, digest.removeprefix("sha256:"), size)
        if (more := self._header()) is not None:
            raise refused(f"{more.name!r:.120} is in it, and not in its manifest")

    def _expect(self, name: str, sha256: str, size: int) -> Content:
        header = self._header()
        if header is None:
            raise damaged(f"{name} is not in it")
        if header.name != name:
            raise refused(f"{header.name!r:.120} stands where {name} should be")
        if header.size != size:
            raise refused(f"{name} has {header.size:,} bytes, and {size:,} by its manifest")
        return Content(self._tar, name, sha256, size, self._on_bytes)

    def _header(self) -> Header | None:
        header, self._next = self._next, None
        return header or self._tar.next()

    def _read_head(self) -> Head:
        try:
            first = self._tar.next()
        except BundleDamaged as error:
            raise NoBundle("the file is no bundle: it is no tar") from error
        if first is None or first.name != MANIFEST:
            raise NoBundle(f"the file is no bundle: it does not begin with {MANIFEST}")
        if first.size > LARGEST:
            raise refused(f"its manifest has {first.size:,} bytes")
        encoded = self._whole(first)
        manifest = parse_manifest(encoded)
        self._next = self._tar.next()
        signature = b""
        if self._next is not None and self._next.name == SIGNATURE:
            if self._next.size > _LARGEST_SIGNATURE:
                raise refused(f"its signature has {self._next.size:,} bytes")
            signature, self._next = self._whole(self._next), None
        return Head(manifest, encoded, signature)

    def _whole(self, header: Header) -> bytes:
        data = bytearray()
        while chunk := self._tar.read(1 << 20):
            data += chunk
        if len(data) != header.size:
            raise damaged(f"it ends in the middle of {header.name}")
        return bytes(data)
