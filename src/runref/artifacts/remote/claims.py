"""Who relies on which contents of a remote, so that gc there takes nothing that is needed.

A remote is shared by clones, whose newest records nobody else has seen, and perhaps by several
repositories. So a push first writes a *claim*: the digests that it relies on, those that it finds
there included. gc on a remote first writes its *mark*, then reads the claims. Each side writes its
own note before it looks for the other's; where a read sees what was written before, at least one of
the two sees the other: either gc keeps what is claimed, or the push stops and says why.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson

from runref.artifacts.remote.store import Note, RemoteStore
from runref.errors import RunrefError

FOLDER = "claims"
MARKS = "gc"
"""Folder of the marks, one for each gc that goes on."""
CLOCK = "clock"
"""Folder of notes that are only there to be asked for their time."""
STALE_SECONDS = 24 * 3600.0
"""Age at which the mark of a gc belongs to one that was killed."""

_FORMAT = "runref-claim"
_VERSION = 1
_REPOSITORY = "repository.json"


class RemoteBusy(RunrefError):
    """A gc is going on at a remote."""

    code = "remote-busy"


class ClaimInvalid(RunrefError):
    """What should be a claim at a remote cannot be understood."""

    code = "claim-invalid"


@dataclass(frozen=True, slots=True)
class Claimant:
    """A repository that keeps artifacts at a remote.

    Attributes:
        oldest_run: Id of the oldest run of its history: what all its clones have in common, and no
            other repository has.
        name: What people call it; the name of its folder.
    """

    oldest_run: str
    name: str


@dataclass(slots=True)
class Claims:
    """What the claims at a remote say.

    Attributes:
        digests: What somebody claimed lately.
        claimants: The repositories that ever pushed there.
        expired: Names of the claims that are too old to count.
    """

    digests: set[str] = field(default_factory=set)
    claimants: list[Claimant] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)


def claim(store: RemoteStore, claimant: Claimant, digests: Collection[str]) -> str:
    """Say that a repository relies on contents, there already or about to be sent.

    Returns:
        The name of the claim, by which it can be withdrawn.

    Raises:
        RemoteBusy: A gc is going on there.
    """
    folder = f"{FOLDER}/{claimant.oldest_run}"
    if store.read_note(f"{folder}/{_REPOSITORY}") is None:
        store.write_note(f"{folder}/{_REPOSITORY}", orjson.dumps({"name": claimant.name}))
    name = f"{folder}/{secrets.token_hex(12)}.jsonl"
    store.write_note(name, _encode(digests))
    marks = store.notes(MARKS)
    if not marks:
        return name
    own = _find(store.notes(folder), name)
    for mark in _going_on(marks, own.modified if own else None):
        raise RemoteBusy(
            f"{_who(store, mark)} is removing what no record holds from {store.name}",
            hint=f"push again when it has ended; {mark.name} of one that was killed counts for "
            "a day",
        )
    return name


def withdraw(store: RemoteStore, names: Iterable[str], digests: Collection[str]) -> list[str]:
    """Take back what was claimed of some contents; the rest of those claims stays.

    Args:
        store: The remote.
        names: Claims of one's own, as `claim` named them.
        digests: The contents.

    Returns:
        The names of the claims that stand in their place.

    Raises:
        ClaimInvalid: A claim cannot be understood.
    """
    stand = []
    for name in names:
        claimed = set(_decode(Note(name, 0, None), store.read_note(name)))
        rest = claimed.difference(digests)
        if rest == claimed:
            stand.append(name)
            continue
        if rest:
            new = f"{name.rpartition('/')[0]}/{secrets.token_hex(12)}.jsonl"
            store.write_note(new, _encode(rest))
            stand.append(new)
        store.delete_note(name)
    return stand


@contextmanager
def marked(store: RemoteStore, who: str) -> Iterator[float | None]:
    """Hold a mark of a gc inside the block.

    Two that begin at the same moment see each other, and then neither goes on.

    Args:
        store: The remote.
        who: Who does it, for those who have to wait.

    Yields:
        What time it is, in seconds since the epoch by the remote's own clock; none where it does
        not tell times.

    Raises:
        RemoteBusy: Another gc is going on there.
    """
    own = f"{MARKS}/{secrets.token_hex(12)}.json"
    try:
        store.write_note(own, orjson.dumps({"who": who}))
        marks = {mark.name: mark for mark in store.notes(MARKS)}
        now = marks.pop(own).modified if own in marks else None
        for mark in _going_on(marks.values(), now):
            raise RemoteBusy(
                f"{_who(store, mark)} is removing what no record holds from {store.name} already",
                hint=f"wait for it; {mark.name} of one that was killed counts for a day",
            )
        for name in marks:
            store.delete_note(name)
        yield now
    finally:
        store.delete_note(own)


def time_there(store: RemoteStore) -> float | None:
    """Return what time it is by the remote's own clock; none where it does not tell times."""
    name = f"{CLOCK}/{secrets.token_hex(12)}"
    try:
        store.write_note(name, b"")  # the only way to learn it
        note = _find(store.notes(CLOCK), name)
    finally:
        store.delete_note(name)
    return note.modified if note else None


def read_claims(store: RemoteStore, since: float | None) -> Claims:
    """Return what is claimed.

    Args:
        store: The remote.
        since: Older claims do not count; seconds since the epoch by the remote's own clock. Where
            it tells no times, all claims count.

    Raises:
        ClaimInvalid: A claim cannot be understood, so that nobody knows what it claims.
    """
    claims = Claims()
    for note in store.notes(FOLDER):
        oldest_run, _, rest = note.name.removeprefix(f"{FOLDER}/").partition("/")
        if rest == _REPOSITORY:
            claims.claimants.append(Claimant(oldest_run, _name_in(store.read_note(note.name))))
        elif since is not None and note.modified is not None and note.modified < since:
            claims.expired.append(note.name)
        else:
            claims.digests.update(_decode(note, store.read_note(note.name)))
    return claims


def _encode(digests: Iterable[str]) -> bytes:
    header = orjson.dumps({"format": _FORMAT, "version": _VERSION})
    lines = (orjson.dumps({"digest": digest}) for digest in sorted(digests))
    return b"\n".join((header, *lines, b""))


def _decode(note: Note, data: bytes | None) -> Iterator[str]:
    if data is None:
        return  # removed since it was listed, as another gc found it expired
    try:
        header, *lines = data.split(b"\n")[:-1]
        if orjson.loads(header) != {"format": _FORMAT, "version": _VERSION}:
            raise ValueError
        yield from [str(orjson.loads(line)["digest"]) for line in lines]
    except (ValueError, KeyError, TypeError) as error:
        raise ClaimInvalid(
            f"{note.name} is no claim that this runref understands",
            hint="a newer runref may have written it; if it is damaged, remove it",
        ) from error


def _name_in(data: bytes | None) -> str:
    try:
        return str(orjson.loads(data or b"")["name"])
    except (ValueError, KeyError, TypeError):
        return "unnamed"


def _going_on(marks: Iterable[Note], now: float | None) -> Iterator[Note]:
    """Yield the marks of gcs that were not killed long ago."""
    for mark in marks:
        if now is None or mark.modified is None or now - mark.modified < STALE_SECONDS:
            yield mark


def _who(store: RemoteStore, mark: Note) -> str:
    try:
        return str(orjson.loads(store.read_note(mark.name) or b"")["who"])
    except (ValueError, KeyError, TypeError):
        return "somebody"


def _find(notes: Iterable[Note], name: str) -> Note | None:
    return next((note for note in notes if note.name == name), None)
