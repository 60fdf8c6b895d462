"""Finding out whether a remote can do what runref needs of it, before something depends on it."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from inspect import signature
from typing import Any

from runref.artifacts.remote.failures import code_of, explained
from runref.artifacts.remote.filesystem import FsspecStore
from runref.artifacts.remote.objects import Objects
from runref.artifacts.remote.store import Note, RemoteRefused, RemoteStore
from runref.artifacts.remote.wrapping import Wrapped
from runref.errors import RunrefError

FOLDER = "check"
"""Where the small files lie that a check writes and removes again."""

_SKEW = 60.0
"""Seconds that a remote's clock may be off before it is worth a warning. S3 refuses signatures from
15 minutes on, and `runref gc` tells by the remote's clock what is too young to be removed."""

_SAMPLES = 5

_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
"""What S3 servers answer to a writer who wants a name to be new that is not."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a remote can or cannot do.

    Attributes:
        name: What was checked.
        ok: Whether it works; none where there is nothing to pass: it was not checked, as the detail
            says, or it is only worth knowing.
        detail: What was found.
        hint: What to do about it; empty where nothing needs to be done.
        seconds: How long it took.
    """

    name: str
    ok: bool | None
    detail: str
    hint: str = ""
    seconds: float = 0.0


def check_remote(store: RemoteStore, *, now: Callable[[], float] = time.time) -> Iterator[Check]:
    """Try everything that runref does with a remote, and yield what was found, one by one.

    Small files are written below ``check/``, and nothing is left behind: not where a check fails,
    and not where the caller stops halfway. A remote that is asked again when it fails
    (`Retrying`) takes long to fail here.

    Args:
        store: What to check.
        now: Tells the seconds since the epoch by this machine's clock.
    """
    visit = _Visit(store, now)
    blocked: dict[str, str] = {}
    try:
        for name, needs, look in visit.looks():
            cause = next((blocked[need] for need in needs if need in blocked), None)
            check = _skipped(name, cause) if cause else _timed(name, look)
            if check.ok is False or cause:
                blocked[name] = cause or name
            yield check
    finally:
        visit.tidy()


def creates_exclusively(store: RemoteStore, name: str) -> bool | None:
    """Tell whether an object store honours a conditional put, by trying.

    Args:
        store: The remote.
        name: Of a note that does not exist; it may afterwards.

    Returns:
        Whether the second of two writers of one name was refused. None where it cannot be told: a
        file system needs no such thing, as files get their names by a rename there, and not every
        driver can ask for it.
    """
    while isinstance(store, Wrapped):
        store = store.store
    if not isinstance(store, FsspecStore):
        return None
    with explained(store.name, f"create {name}"):
        place = store.place
        if not isinstance(place, Objects) or not _knows_creation(place.fs):
            return None
        path = f"{place.root}/{name}"
        place.fs.pipe_file(path, b"first", mode="create")
        try:
            place.fs.pipe_file(path, b"second", mode="create")
        except OSError as error:
            if isinstance(error, FileExistsError) or code_of(error) in _TAKEN:
                return True
            raise
    return False


def _knows_creation(fs: Any) -> bool:
    from fsspec import AbstractFileSystem

    # fsspec's own way asks whether there is a file and then writes: that tells of no server.
    inherited = getattr(fs.pipe_file, "__func__", None) is AbstractFileSystem.pipe_file
    return not inherited and "mode" in signature(fs.pipe_file).parameters


@dataclass(frozen=True, slots=True)
class _Found:
    detail: str
    ok: bool | None = True
    hint: str = ""


_Look = Callable[[], _Found]


def _skipped(name: str, cause: str) -> Check:
    return Check(name, None, f"not checked, as {cause} failed")


def _timed(name: str, look: _Look) -> Check:
    start = time.perf_counter()
    try:
        found = look()
    except RunrefError as error:
        found = _Found(error.message, ok=False, hint=error.hint)
    return Check(name, found.ok, found.detail, found.hint, time.perf_counter() - start)


class _Visit:
    """The checks, and what they know of each other."""

    def __init__(self, store: RemoteStore, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        # Every byte, so that whoever takes it for text is found out.
        self._data = bytes(range(256)) + os.urandom(1024)
        self._note = f"{FOLDER}/{os.urandom(12).hex()}"
        self._contested = f"{FOLDER}/{os.urandom(12).hex()}"
        self._left: set[str] = set()
        self._refusal: RemoteRefused | None = None
        self._written = (0.0, 0.0)
        self._listed: Note | None = None

    def looks(self) -> Iterator[tuple[str, tuple[str, ...], _Look]]:
        """Yield the name of each check, those that have to pass before it, and what does it."""
        yield "reachable", (), self._reach
        yield "credentials", ("reachable",), self._authenticate
        yield "write", ("credentials",), self._write
        yield "read", ("write",), self._read
        yield "list", ("write",), self._list
        yield "delete", ("write",), self._delete
        yield "conditional put", ("delete",), self._create
        yield "latency", ("credentials",), self._time
        yield "clock", ("list",), self._compare_clocks

    def tidy(self) -> None:
        """Remove what is, or may be, left."""
        for name in sorted(self._left):
            # The check that failed has said what is wrong; this could only say it again.
            with suppress(RunrefError):
                self._store.delete_note(name)
                self._left.discard(name)

    def _reach(self) -> _Found:
        try:
            self._store.notes(FOLDER)
        except RemoteRefused as error:
            self._refusal = error
        return _Found(f"{self._store.name} answers")

    def _authenticate(self) -> _Found:
        if self._refusal is not None:
            hint = "correct or renew them where the driver finds them: environment, profile, …"
            return _Found(self._refusal.message, ok=False, hint=hint)
        return _Found("accepted")

    def _write(self) -> _Found:
        self._left.add(self._note)
        start = self._now()
        try:
            self._store.write_note(self._note, self._data)
        except RemoteRefused as error:
            hint = "these credentials may only read: that is enough to pull, and not to push"
            return _Found(error.message, ok=False, hint=hint)
        self._written = (start, self._now())
        return _Found(f"{len(self._data)} bytes")

    def _read(self) -> _Found:
        data = self._store.read_note(self._note)
        if data == self._data:
            return _Found("the same bytes")
        found = "nothing" if data is None else "other bytes"
        return _Found(
            f"{found} where a file was written",
            ok=False,
            hint="a server or proxy in between loses or changes what it is given",
        )

    def _list(self) -> _Found:
        for note in self._store.notes(FOLDER):
            if note.name == self._note and note.size == len(self._data):
                self._listed = note
                return _Found("shows what was written")
        return _Found(
            "does not show what was written",
            ok=False,
            hint="runref finds out by listing what is there; use storage that lists at once",
        )

    def _delete(self) -> _Found:
        try:
            self._store.delete_note(self._note)
        except RunrefError as error:
            return _Found(f"{error.message}; {self._note} stays", ok=False, hint=error.hint)
        if self._store.read_note(self._note) is not None:
            hint = "`runref gc` will not be able to free space there"
            return _Found(f"{self._note} is still there", ok=False, hint=hint)
        self._left.discard(self._note)
        return _Found("gone")

    def _create(self) -> _Found:
        self._left.add(self._contested)
        try:
            honoured = creates_exclusively(self._store, self._contested)
        except RunrefError as error:
            return _Found(f"cannot be told, and is not needed: {error.message}", ok=None)
        finally:
            self.tidy()
        if honoured is None:
            return _Found("does not apply here", ok=None)
        return _Found("honoured" if honoured else "ignored, and not needed", ok=honoured or None)

    def _time(self) -> _Found:
        samples = []
        for _ in range(_SAMPLES):
            start = time.perf_counter()
            self._store.notes(FOLDER)
            samples.append(time.perf_counter() - start)
        return _Found(f"{1000 * statistics.median(samples):.1f} ms for a small request")

    def _compare_clocks(self) -> _Found:
        modified = self._listed.modified if self._listed else None
        if modified is None:
            return _Found("the remote does not tell when a file was written", ok=None)
        start, end = self._written
        skew = modified - min(max(modified, start), end)
        if abs(skew) <= _SKEW:
            return _Found(f"{abs(skew):.0f} s apart")
        return _Found(
            f"the remote is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine",
            ok=None,
            hint="set both clocks by NTP: gc trusts the times, and S3 refuses requests at 15 min",
        )
