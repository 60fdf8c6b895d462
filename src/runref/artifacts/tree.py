"""Describing a file or directory: its digest, size and, for a directory, its manifest."""

# ruff: noqa: PTH115, PTH118
# Paths are str here: for small files, Path objects cost more than reading the files does.

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from runref.artifacts.artifact import Artifact
from runref.artifacts.manifest import DIRECTORY, EXECUTABLE, FILE, LINK, Entry, Manifest
from runref.artifacts.parallel import Progress, in_parallel
from runref.artifacts.reading import OnBytes, opened, special, status_of, unreadable, what_is
from runref.git.refused_names import refused


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file that is to be described.

    Attributes:
        path: Where it is.
        name: Its path inside the directory; empty for a file that was named itself.
        status: What the operating system said when it was found.
    """

    path: str
    name: str
    status: os.stat_result


Digester = Callable[[Found, OnBytes], tuple[str, int]]
"""Returns the digest and size in bytes of a file, and may store it on the way."""


@dataclass(slots=True)
class _Listing:
    files: list[Found] = field(default_factory=list)
    others: list[Entry] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def describe(
    path: Path, digester: Digester, keep_manifest: Callable[[bytes], str], progress: Progress
) -> Artifact:
    """Return the artifact at a path; a symbolic link is followed here, and nowhere below.

    Args:
        path: A file or directory.
        digester: Called for every file, from several threads.
        keep_manifest: Given a directory's manifest, returns its digest.
        progress: Told about every byte.

    Raises:
        ArtifactVanished: The path, or a file below it, is not there (any more).
        ArtifactChanged: A file was written to while it was read.
        ArtifactSpecial: The path is a socket, pipe or device.
        ArtifactUnreadable: The operating system refuses.
    """
    root = os.fspath(path)
    status = status_of(root)
    if not stat.S_ISDIR(status.st_mode):
        if not stat.S_ISREG(status.st_mode):
            raise special(root, status.st_mode)
        digest, size = digester(Found(root, "", status), progress)
        return Artifact("file", digest, size)
    listing = _list(root)
    manifest = Manifest.of([*_digest(listing.files, digester, progress), *listing.others])
    return Artifact(
        "directory",
        keep_manifest(manifest.encode()),
        manifest.size,
        len(listing.files),
        tuple(sorted(listing.left_out)),
    )


def hash_path(path: Path, on_progress: OnBytes | None = None) -> Artifact:
    """Return the artifact at a path without storing anything.

    Args:
        path: A file or directory.
        on_progress: Told the number of bytes read since its last call, by one thread at a time.

    Raises:
        ArtifactVanished: The path, or a file below it, is not there (any more).
        ArtifactChanged: A file was written to while it was read.
        ArtifactSpecial: The path is a socket, pipe or device.
        ArtifactUnreadable: The operating system refuses.
    """
    return describe(path, hash_found, hash_bytes, Progress(on_progress))


def hash_found(found: Found, on_bytes: OnBytes) -> tuple[str, int]:
    """Return a found file's digest and size in bytes."""
    with opened(found.path, follow=not found.name) as source:
        digest = source.digest(None, on_bytes)
        return digest, source.confirm().st_size


def hash_bytes(data: bytes) -> str:
    """Return the digest of bytes."""
    import hashlib

    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def list_names(directory: Path) -> list[str]:
    """Return the paths of everything below a directory that is no directory itself.

    Raises:
        ArtifactVanished: The directory, or one below it, is not there (any more).
        ArtifactUnreadable: The operating system refuses.
    """
    listing = _list(os.fspath(directory))
    links = [entry.path for entry in listing.others if entry.mode == LINK]
    return [found.name for found in listing.files] + links + listing.left_out


def _digest(files: list[Found], digester: Digester, progress: Progress) -> list[Entry]:
    def entry(found: Found) -> Entry:
        digest, size = digester(found, progress)
        mode = EXECUTABLE if found.status.st_mode & stat.S_IXUSR else FILE
        return Entry(found.name, mode, digest, size)

    return in_parallel(entry, files, size=lambda found: found.status.st_size, progress=progress)


def _list(root: str) -> _Listing:
    """Find everything in a directory. Nothing is opened, and no link is followed."""
    listing = _Listing()
    folders = [""]
    while folders:
        prefix = folders.pop()
        folder = os.path.join(root, prefix)
        try:
            with os.scandir(folder) as scan:
                children = list(scan)
        except OSError as error:
            raise unreadable(folder, error) from error
        if not children and prefix:
            listing.others.append(Entry(prefix.removesuffix("/"), DIRECTORY))
        for child in children:
            name = prefix + child.name
            regular = child.is_file(follow_symlinks=False)
            if refused(os.fsencode(child.name), is_regular=regular):
                # Brought back, it would make a repository of the directory, with hooks and all.
                listing.left_out.append(f"{name}: a name that git refuses")
            elif child.is_dir(follow_symlinks=False):
                folders.append(f"{name}/")
            else:
                _note(listing, child, name)
    return listing


def _note(listing: _Listing, child: os.DirEntry[str], name: str) -> None:
    try:
        if child.is_symlink():
            # Path.readlink would rewrite "./x" to "x".
            listing.others.append(Entry(name, LINK, target=os.readlink(child.path)))
            return
        status = child.stat(follow_symlinks=False)
    except OSError as error:
        raise unreadable(child.path, error) from error
    if stat.S_ISREG(status.st_mode):
        listing.files.append(Found(child.path, name, status))
    else:
        listing.left_out.append(f"{name}: {what_is(status.st_mode)}")
