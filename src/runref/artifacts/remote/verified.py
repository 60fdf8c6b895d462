"""Believing a remote nothing."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from runref.artifacts.artifact import ArtifactDamaged
from runref.artifacts.reading import OnBytes, ignore, status_of
from runref.artifacts.remote.store import RemoteUnusable, Sink
from runref.artifacts.remote.wrapping import Wrapped


class Verified(Wrapped):
    """A remote whose contents are compared with their digests as they pass."""

    def read(self, digest: str, sink: Sink, *, start: int = 0, size: int | None = None) -> None:
        """Hand the bytes of a content to `sink`, and verify them; see `RemoteStore.read`.

        They are handed on before they are verified, as a content may be larger than memory: `sink`
        must not act on them before this returns. A content that is read from the middle cannot be
        verified here and is not: `LocalStore.receive` hashes what it had before.

        Raises:
            ArtifactDamaged: All bytes were handed on, and they have another digest.
        """
        if start > 0:
            super().read(digest, sink, start=start, size=size)
            return
        sha256 = hashlib.sha256()

        def hash_and_hand_on(chunk: bytes) -> None:
            sha256.update(chunk)
            sink(chunk)

        super().read(digest, hash_and_hand_on, size=size)
        if f"sha256:{sha256.hexdigest()}" != digest:
            raise ArtifactDamaged(
                f"{digest} is damaged on {self.name}: its bytes have another digest",
                hint="delete it there, and push it again from where it is whole",
            )

    def write(self, digest: str, path: Path, *, on_bytes: OnBytes = ignore) -> None:
        """Store the content of a local file, and look whether it is there; see `RemoteStore.write`.

        Raises:
            RemoteUnusable: The remote took it, and does not have it or not all of it.
            ArtifactVanished: The local file was removed meanwhile.
        """
        super().write(digest, path, on_bytes=on_bytes)
        size = status_of(os.fspath(path)).st_size
        found = self.present([digest]).get(digest)
        if found != size:
            state = "is not there" if found is None else f"has {found} of {size} bytes there"
            raise RemoteUnusable(
                f"{self.name} took {digest}, which {state} now",
                hint="a server or proxy loses what it is given: see `runref remote check`",
            )
