"""Contents for the laws to store."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from runref.artifacts.remote.store import RemoteStore

Item = TypeVar("Item")
Result = TypeVar("Result")

UNKNOWN = "sha256:" + "0" * 64
"""A digest that no content has."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file and its digest.

    Attributes:
        digest: ``sha256:<hex>``.
        path: Where the file is.
        data: What it holds.
    """

    digest: str
    path: Path
    data: bytes = b""

    @property
    def place(self) -> str:
        """Where it belongs on every remote."""
        digits = self.digest.removeprefix("sha256:")
        return f"sha256/{digits[:2]}/{digits[2:]}"


def content(folder: Path, data: bytes) -> Content:
    """Write a file, and return it as a content."""
    digest = digest_of(data)
    path = folder / f"content-{digest[7:23]}"
    path.write_bytes(data)
    return Content(digest, path, data)


def noise(size: int, seed: int = 0) -> bytes:
    """Return bytes that do not compress and are always the same."""
    return random.Random(f"{size} {seed}").randbytes(size)  # noqa: S311


def digest_of(data: bytes) -> str:
    """Return the digest of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read(store: RemoteStore, digest: str, start: int = 0, size: int | None = None) -> bytes:
    """Return what a store hands out of a content."""
    chunks: list[bytes] = []
    store.read(digest, chunks.append, start=start, size=size)
    return b"".join(chunks)


def together(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return ``work(item)`` for every item, done by 16 threads."""
    with ThreadPoolExecutor(max_workers=16) as executor:
        return list(executor.map(work, items))
