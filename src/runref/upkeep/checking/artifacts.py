"""Artifacts in the local store: there, and equal to their digests."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing
from runref.artifacts.local import LocalStore
from runref.artifacts.manifest import ManifestInvalid, ManifestTooNew, ManifestUnsafe
from runref.artifacts.transfer.crew import Crew
from runref.artifacts.transfer.progress import FileMeter, Meter
from runref.errors import RunrefError
from runref.model.damage import NOT_RUNREF
from runref.upkeep.checking.contents import Contents

FROM_REMOTE = "`runref fsck --repair` brings it back from a remote that has it"
_BAD_MANIFESTS = (ManifestInvalid, ManifestTooNew, ManifestUnsafe)
_THREADS = 4
"""Hashing takes one core; the others wait for the disk."""


@dataclass(slots=True)
class LocalChecked:
    """What was found out about the local store.

    Attributes:
        whole: How many contents are as they should be.
        size: Their bytes.
        missing: Digests of those that are not there.
        damaged: Digests of those that are there and something else.
        unreadable: Digests of those that the operating system does not let be read.
    """

    whole: int = 0
    size: int = 0
    missing: set[str] = field(default_factory=set)
    damaged: set[str] = field(default_factory=set)
    unreadable: dict[str, RunrefError] = field(default_factory=dict)


def follow_manifests(local: LocalStore, contents: Contents) -> None:
    """Take in the files of every directory whose manifest is here whole.

    Those that are damaged or not here are told by `check_local`, as all contents are.
    """
    for digest in list(contents.directories.keys() - contents.followed):
        try:
            contents.follow(digest, local.read_manifest(digest))
        except (ArtifactMissing, ArtifactDamaged):
            continue
        except _BAD_MANIFESTS as error:
            contents.note(error.code, digest, error.message, NOT_RUNREF)
        except OSError:
            continue  # told when it is read as content


def check_local(local: LocalStore, contents: Contents, meter: Meter) -> LocalChecked:
    """Read every content that is here, and compare it with its digest.

    Raises:
        StoreUnusable: The operating system does not let the local store be looked at.
    """
    found = LocalChecked()
    there: dict[str, int] = {}
    for digest in sorted(contents.digests):
        held = local.size_of(digest)
        if held is None:
            found.missing.add(digest)
        else:
            there[digest] = held
    lock = threading.Lock()

    def work(digest: str, stop: threading.Event) -> None:
        bytes_read = FileMeter(meter, there[digest], stop)
        try:
            local.verify(digest, on_progress=bytes_read)
        except ArtifactDamaged:
            found.damaged.add(digest)
        except ArtifactMissing:
            found.missing.add(digest)
        except RunrefError as error:
            found.unreadable[digest] = error
        else:
            with lock:
                found.whole += 1
                found.size += there[digest]
        bytes_read.complete()

    meter.expect(sum(there.values()), len(there))
    Crew(work, there, threads=_THREADS).run()
    for digest in sorted(there.keys() - found.damaged - found.missing - found.unreadable.keys()):
        said = contents.files.get(digest)
        if said not in (there[digest], None):
            message = f"its record or manifest says {said} bytes, and it has {there[digest]}"
            contents.note("artifact-size", digest, message, NOT_RUNREF)
    return found


def note_local(found: LocalChecked, contents: Contents, local: LocalStore) -> None:
    """Name what is wrong here: what is missing is, unless it was taken out of `found.missing`."""
    for digest in sorted(found.missing):
        message = "it is not in the local artifact store"
        contents.note("artifact-missing", digest, message, FROM_REMOTE)
    for digest in sorted(found.damaged):
        message = f"{local.path_of(digest)} holds something else"
        contents.note("artifact-damaged", digest, message, FROM_REMOTE)
    for digest, error in sorted(found.unreadable.items()):
        contents.note("artifact-unreadable", digest, error.message, error.hint)
