"""The artifact store of a repository, on its own disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from runref.artifacts import restoring
from runref.artifacts.artifact import Artifact, ArtifactDamaged, ArtifactMissing
from runref.artifacts.batch import Batch
from runref.artifacts.blobs import DAMAGED, Blobs, damaged
from runref.artifacts.keeping import keep
from runref.artifacts.linking import MayLink, is_linked
from runref.artifacts.manifest import Manifest, parse_manifest
from runref.artifacts.parallel import Progress
from runref.artifacts.reading import OnBytes, opened, status_of
from runref.artifacts.receiving import Receiver, receiving
from runref.artifacts.remote.store import Stored
from runref.artifacts.staging import Staging
from runref.artifacts.stat_cache import StatCache
from runref.artifacts.tree import Found, describe, hash_bytes, hash_found, list_names
from runref.artifacts.unused import make_old, partials, remove_unused, time_of_store


class LocalStore:
    """Content by digest under ``<directory>/sha256/ab/cdef…``, safe for concurrent processes.

    A digest that exists is complete: content appears under its name by one rename. The stored files
    are read-only, and the same content is stored once. What was read before and has not changed
    since (size, times, inode) is not read again.

    Args:
        directory: Created when something is stored; ``<git common dir>/runref/artifacts``.
        fsync: Whether stored content survives a power cut from the moment `add` returns.
        may_link: Asked whether `add` may make a large file read-only and a hard link into the
            store, where it would have to be copied; none: no file may.
    """

    def __init__(
        self, directory: Path, *, fsync: bool = True, may_link: MayLink | None = None
    ) -> None:
        self.directory = directory
        self._blobs = Blobs(directory, fsync=fsync)
        self._may_link = may_link
        self._cache = StatCache(directory / "digests.json")

    def add(self, path: Path, *, on_progress: OnBytes | None = None) -> Artifact:
        """Store a file or directory, and return what it is.

        Args:
            path: A file or directory; a symbolic link is followed. Links inside a directory are
                kept as links. Sockets, pipes and devices inside one, and what git refuses the name
                of (``.git`` in all its spellings), are left out and named.
            on_progress: Told the number of bytes dealt with since its last call, by one thread at
                a time.

        Raises:
            ArtifactVanished: The path, or a file below it, is not there (any more).
            ArtifactChanged: A file was written to while it was read.
            ArtifactSpecial: The path is a socket, pipe or device.
            ArtifactUnreadable: The operating system refuses to let it be read.
            StoreFull: There is no room in the store.
            StoreUnusable: The operating system refuses to let the store be read or written.
        """
        self._blobs.sweep()
        with Batch(self._blobs) as batch:

            def digest(found: Found, on_bytes: OnBytes) -> tuple[str, int]:
                return self._keep(found, on_bytes, batch)

            artifact = describe(path, digest, batch.keep, Progress(on_progress))
        self._blobs.sync()
        self._cache.save()
        return artifact

    def hash(self, path: Path, *, on_progress: OnBytes | None = None) -> Artifact:
        """Return what a file or directory is without storing it; raises what `add` raises."""
        artifact = describe(path, self._hash, hash_bytes, Progress(on_progress))
        self._cache.save()
        return artifact

    def contains(self, digest: str) -> bool:
        """Tell whether the content of a digest is stored."""
        return self._blobs.size_of(digest) is not None

    def path_of(self, digest: str) -> Path:
        """Return the file that holds the content of a digest, or would; only to be read."""
        return Path(self._blobs.path_of(digest))

    def size_of(self, digest: str) -> int | None:
        """Return the size of a stored content in bytes; none where it is not stored."""
        return self._blobs.size_of(digest)

    def contents(self) -> Iterator[Stored]:
        """Yield everything that is stored, in any order, with the time of its last use by `add`.

        Raises:
            StoreUnusable: The operating system refuses to let the store be read.
        """
        return self._blobs.contents()

    def delete(self, digests: Iterable[str]) -> int:
        """Remove contents, and return the bytes that are free now; absent ones are no error.

        Raises:
            StoreUnusable: The operating system refuses.
        """
        return sum(map(self._blobs.delete, digests))

    def delete_unused(self, digest: str, before: float) -> int | None:
        """Remove a content that was neither stored nor used since a moment.

        Args:
            digest: The content.
            before: That moment, in seconds since the epoch by the store's clock: see `now`.

        Returns:
            The bytes that are free now; none where the content was used since, or is gone.

        Raises:
            StoreUnusable: The operating system refuses.
        """
        return remove_unused(self._blobs, digest, before)

    def make_old(self, digests: Iterable[str]) -> float:
        """Let contents look unused for long, and return the moment for `delete_unused`."""
        return make_old(self._blobs, digests)

    def now(self) -> float:
        """Return what time it is by the clock of the store's file system."""
        return time_of_store(self._blobs)

    def unfinished(self, before: float, *, remove: bool) -> tuple[int, int]:
        """Return number and bytes of what was begun, and not gone on with since a moment.

        Args:
            before: That moment, in seconds since the epoch by the store's clock.
            remove: Remove it, too.
        """
        return partials(self._blobs, before, remove=remove)

    def set_aside(self, digest: str) -> None:
        """Move damaged content to ``damaged/<hex>``, so that it can be brought again.

        What is not there, or is whole after all, stays as it is.

        Raises:
            StoreUnusable: The operating system refuses.
        """
        try:
            self._blobs.verify(digest)
        except ArtifactDamaged:
            self._blobs.set_aside(digest)
        except ArtifactMissing:
            return

    def mend(self, digest: str, source: Path) -> None:
        """Move a file, whose content is verified, to where content is missing or damaged.

        What was there gets a further name, ``damaged/<hex>``, and gives up this one in the same
        moment: whenever the process is killed, the content is as before or whole.

        Raises:
            StoreUnusable: The operating system refuses.
        """
        self._blobs.supersede(digest, str(source))

    def set_aside_contents(self) -> list[Path]:
        """Return the files that hold what `set_aside` and `mend` took out of the way."""
        folder = self.directory / DAMAGED
        return list(folder.iterdir()) if folder.is_dir() else []

    def receive(self, digest: str, size: int) -> AbstractContextManager[Receiver]:
        """Store content that comes piece by piece from elsewhere.

        Where `Receiver.finish` is not reached, large content stays unnamed for the next attempt,
        which goes on at `Receiver.start`, also after a kill. Two that receive the same at once are
        harmless: the second one starts at 0.

        Args:
            digest: What its bytes must hash to.
            size: How many bytes it has; more are refused.

        Raises:
            StoreUnusable: The operating system refuses to let the store be written.
        """
        return receiving(self._blobs, digest, size)

    def staging(self) -> Staging:
        """Return a context manager that receives contents which appear later, or not at all."""
        self._blobs.sweep()
        return Staging(self._blobs)

    def needs(self, digest: str, size: int) -> bool:
        """Tell whether a content is to be stored; one that need not is kept from the collector.

        Raises:
            StoreUnusable: The operating system refuses.
        """
        return not self._blobs.holds(digest, size)

    def room(self) -> int:
        """Return how many bytes are free where the store is.

        Raises:
            StoreUnusable: The operating system refuses.
        """
        return self._blobs.room()

    def sync(self) -> None:
        """Make what was received survive a power cut; `add` does so by itself."""
        self._blobs.sync()

    def open(self, digest: str) -> BinaryIO:
        """Open stored content for reading. The bytes are not verified: see `verify`.

        Raises:
            ArtifactMissing: It is not stored.
        """
        return self._blobs.open(digest)

    def read_manifest(self, digest: str) -> Manifest:
        """Return the manifest of a stored directory, verified.

        Raises:
            ArtifactMissing: It is not stored.
            ArtifactDamaged: The stored bytes are others.
            ManifestInvalid: They are no manifest.
            ManifestTooNew: A later runref wrote it.
            ManifestUnsafe: It names something outside the directory.
        """
        with self._blobs.open(digest) as file:
            data = file.read()
        if hash_bytes(data) != digest:
            raise damaged(digest, self._blobs.path_of(digest))
        return parse_manifest(data)

    def verify(self, digest: str, *, on_progress: OnBytes | None = None) -> None:
        """Read stored content and compare it with its digest.

        Raises:
            ArtifactMissing: It is not stored.
            ArtifactDamaged: The stored bytes are others.
        """
        self._blobs.verify(digest, Progress(on_progress))

    def restore(
        self,
        digest: str,
        kind: str,
        target: Path,
        *,
        replace: bool = False,
        links_out: bool = False,
        on_progress: OnBytes | None = None,
    ) -> None:
        """Bring stored content back, verified while it is copied.

        The target appears whole, by a rename, or not at all. It is the user's own file: writable,
        and no link into the store.

        Args:
            digest: The artifact.
            kind: ``file``, or ``directory`` where the digest is of a manifest.
            target: Where to; its folders are created.
            replace: Whether what is there already may be replaced.
            links_out: Whether a directory may hold symbolic links that lead out of it. Whoever
                follows one later reads or writes elsewhere, so only for a trusted record.
            on_progress: Told the number of bytes copied since its last call.

        Raises:
            TargetExists: Something is there, and `replace` is not set.
            TargetUnwritable: The target cannot be written, or must not be: it is or holds this
                store or a working tree, or lies in a git directory.
            ArtifactMissing: The content, or that of a file of the directory, is not stored.
            ArtifactDamaged: The stored bytes are others.
            ManifestInvalid: A directory's manifest is none.
            ManifestTooNew: A later runref wrote it.
            ManifestUnsafe: It names something outside the target, or something that git refuses.
        """
        restoring.check_target(target, None, self.directory, "the artifact store")
        progress = Progress(on_progress)
        with restoring.replacing(target, replace=replace) as new:
            if kind == "file":
                restoring.write_file(self._blobs, digest, new, progress)
            else:
                manifest = self.read_manifest(digest)
                restoring.write_directory(self._blobs, manifest, new, progress, links_out=links_out)

    def unrecorded(self, digest: str, kind: str, target: Path) -> list[str]:
        """Return what a directory holds and an artifact does not: what `restore` would remove.

        Args:
            digest: The artifact.
            kind: ``file``, or ``directory`` where the digest is of a manifest.
            target: What is to be replaced; a link or a file holds nothing.

        Returns:
            Paths relative to `target`, sorted.

        Raises:
            ArtifactUnreadable: The operating system does not let the directory be listed.
            ArtifactMissing: The manifest is not stored.
            ArtifactDamaged: The stored bytes are others.
            ManifestInvalid: They are no manifest.
            ManifestTooNew: A later runref wrote it.
            ManifestUnsafe: It names something outside the directory.
        """
        if target.is_symlink() or not target.is_dir():
            return []
        entries = self.read_manifest(digest).entries if kind == "directory" else ()
        return sorted(set(list_names(target)) - {entry.path for entry in entries})

    def _keep(self, found: Found, on_bytes: OnBytes, batch: Batch) -> tuple[str, int]:
        known = self._cache.digest_of(found.path, found.status)
        if known is not None and self._blobs.holds(known, found.status.st_size):
            on_bytes(found.status.st_size)
            self._remember_link(found.path, found.status, known)
            return known, found.status.st_size
        with opened(found.path, follow=not found.name) as source:
            digest = keep(self._blobs, batch, source, on_bytes, self._may_link)
            self._cache.remember(found.path, source.status, digest)
            self._remember_link(found.path, source.status, digest)
            return digest, source.status.st_size

    def _remember_link(self, path: str, status: os.stat_result, digest: str) -> None:
        """Note the times of a link, which its naming and each renewal of its time change."""
        if is_linked(self._blobs, status, digest):
            self._cache.remember(path, status_of(path), digest, linked=True)

    def _hash(self, found: Found, on_bytes: OnBytes) -> tuple[str, int]:
        known = self._cache.digest_of(found.path, found.status)
        if known is not None:
            on_bytes(found.status.st_size)
            return known, found.status.st_size
        digest, size = hash_found(found, on_bytes)
        self._cache.remember(found.path, found.status, digest)
        return digest, size
