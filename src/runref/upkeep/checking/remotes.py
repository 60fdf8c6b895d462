"""Artifacts at a remote: there, of the right size, and the right bytes as far as it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import SystemRandom

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing
from runref.artifacts.manifest import (
    Manifest,
    ManifestInvalid,
    ManifestTooNew,
    ManifestUnsafe,
    parse_manifest,
)
from runref.artifacts.remote.store import RemoteStore
from runref.artifacts.remote.verified import Verified
from runref.artifacts.transfer.progress import Meter
from runref.artifacts.transfer.rereading import Reread, reread
from runref.errors import RunrefError
from runref.model.damage import NOT_RUNREF
from runref.upkeep.checking.contents import Contents


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of a remote is read, and how.

    Attributes:
        sample: How many contents, drawn anew each time; none for all.
        meter: Told what is read.
        concurrency: How many are read at once.
    """

    sample: int | None
    meter: Meter
    concurrency: int


@dataclass(frozen=True, slots=True)
class RemoteChecked:
    """What was found out about one remote.

    Attributes:
        name: Its name.
        wanted: How many contents should be there.
        present: How many are, with the right size.
        read: How many of those were read whole.
        size: The bytes of those that were read.
        missing: Digests of those that are not there.
        damaged: Digests of those that have another size or other bytes.
        held: Digests of those that are there with the right size and were not found damaged.
        error: What the remote said instead of answering; none where it answered.
    """

    name: str
    wanted: int = 0
    present: int = 0
    read: int = 0
    size: int = 0
    missing: frozenset[str] = frozenset()
    damaged: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    error: RunrefError | None = None


def check_remote(store: RemoteStore, contents: Contents, reading: Reading) -> RemoteChecked:
    """Ask a remote for every content, and read some of them; what is wrong is noted.

    Args:
        store: The remote. What ends the check of it is in the answer, and is not raised.
        contents: What should be there.
        reading: How much of it to read.
    """
    try:
        present = store.present(contents.digests) if contents.digests else {}
        _follow_manifests(store, contents, present)
        if more := contents.digests - present.keys():
            present = {**present, **store.present(more)}
        return _compare(store, contents, present, reading)
    except RunrefError as error:
        return RemoteChecked(store.name, len(contents.digests), error=error)


def _follow_manifests(store: RemoteStore, contents: Contents, present: Mapping[str, int]) -> None:
    """Take in the files of directories whose manifests only the remote has."""
    for digest in sorted((contents.directories.keys() - contents.followed) & present.keys()):
        try:
            contents.follow(digest, _manifest(store, digest, present[digest]))
        except (ArtifactDamaged, ArtifactMissing):
            continue  # told when it is read as content, or when somebody asks for it
        except (ManifestInvalid, ManifestTooNew, ManifestUnsafe) as error:
            contents.note(error.code, digest, error.message, NOT_RUNREF)


def _manifest(store: RemoteStore, digest: str, size: int) -> Manifest:
    data = bytearray()
    Verified(store).read(digest, data.extend, size=size)
    return parse_manifest(bytes(data))


def _compare(
    store: RemoteStore, contents: Contents, present: Mapping[str, int], reading: Reading
) -> RemoteChecked:
    wanted = contents.digests
    missing = wanted - present.keys()
    sizes = {each: size for each, size in present.items() if each in wanted}
    other = {each for each, size in sizes.items() if contents.files.get(each) not in (size, None)}
    right = {each: size for each, size in sizes.items() if each not in other}
    chosen = _drawn(right, reading.sample)
    # What has another size than records say is read: it may be the record that is wrong.
    there = reread(
        store,
        {each: sizes[each] for each in (*chosen, *other)},
        meter=reading.meter,
        concurrency=reading.concurrency,
    )
    missing |= there.gone
    _note(store.name, contents, missing, there)
    unknown = {each.digest for each in there.failed}
    read = (chosen | other) - unknown - there.gone
    return RemoteChecked(
        store.name,
        wanted=len(wanted),
        present=len(sizes.keys() - there.gone - there.damaged),
        read=len(read),
        size=sum(sizes[each] for each in read),
        missing=frozenset(missing),
        damaged=frozenset(there.damaged),
        held=frozenset(sizes.keys() - there.gone - there.damaged),
        error=there.failed[0].error if there.failed else None,
    )


def _drawn(sizes: Mapping[str, int], sample: int | None) -> set[str]:
    if sample is None or sample >= len(sizes):
        return set(sizes)
    # Nobody can know beforehand what is looked at.
    return set(SystemRandom().sample(sorted(sizes), sample))


def _note(name: str, contents: Contents, missing: set[str], there: Reread) -> None:
    hint = f"`runref fsck --repair --remote {name}` sends it from where it is whole"
    for digest in sorted(missing):
        contents.note("remote-missing", digest, f"it is not at {name}", hint)
    for digest in sorted(there.damaged):
        contents.note("remote-damaged", digest, f"{name} has something else in its place", hint)
