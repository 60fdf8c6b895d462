"""What lies at a URL that a run reads: described without reading it, or brought here whole."""

from __future__ import annotations

import hashlib
import queue
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

import orjson

from runref.artifacts.artifact import Kind
from runref.artifacts.reading import ArtifactChanged, OnBytes
from runref.artifacts.remote import threads
from runref.artifacts.remote.failures import callers, explained
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.retrying import Backoff
from runref.artifacts.remote.store import RemoteInterrupted, RemoteUnreachable
from runref.errors import ExitStatus, RunrefError

T = TypeVar("T")

OnProgress = Callable[[int, int], None]
"""Told how many bytes came so far, and how many there are, by one thread at a time."""

_PATIENCE_FOR_OBJECT, _PATIENCE_FOR_LISTING = 15.0, 120.0
"""Seconds after which a server that has not said what lies at a URL is given up: a run waits for
it, and the pages of a listing come one after the other."""

_PATIENCE_FOR_BYTES = 60.0
"""Seconds without a single byte after which a download is given up."""

_BACKOFF = Backoff(first=0.5, attempts=3)
"""A server that is busy, or a connection that broke, is worth a second and a third attempt."""

_ETAGS = ("ETag", "etag", "Content-MD5", "md5Hash")
_VERSIONS = ("VersionId", "version_id", "generation")
_TIMES = ("LastModified", "Last-Modified", "last_modified", "updated", "mtime", "modified")
"""What drivers call them. None of the names means anything else in another driver."""


class UrlInvalid(RunrefError):
    """A URL leads to nothing that can be an input."""

    code = "url-invalid"
    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Described:
    """What a server says of the content at a URL.

    Attributes:
        kind: ``directory`` where the URL ends in a slash.
        size: Bytes, of all files together.
        files: How many files.
        etag: Its ETag; else ``modified:`` and the time of its last change; of a directory
            ``listing:`` and the SHA-256 of its listing; empty where the server says neither.
        version: Its id among the versions that the server keeps, if it does.
    """

    kind: Kind
    size: int
    files: int
    etag: str
    version: str


@dataclass(frozen=True, slots=True)
class _Item:
    """A file at a URL: its path below it, which is empty for the file itself, and the driver's."""

    path: str
    key: str
    size: int
    etag: str
    version: str


def describe(url: str, options: Mapping[str, Any], *, name: str) -> Described:
    """Ask what lies at a URL, without reading it.

    Args:
        url: An object, or with a slash at the end everything below it.
        options: As for `open_remote`.
        name: What messages call it: the URL without credentials.

    Raises:
        RunrefError: it is not there, cannot be reached within seconds, or is refused.
    """
    patience = _PATIENCE_FOR_LISTING if url.endswith("/") else _PATIENCE_FOR_OBJECT

    def work(_moved: Callable[[], None]) -> Described:
        return _Url(url, options, name).describe()

    return _patiently(work, patience, name, "describe it")


def download(
    url: str,
    options: Mapping[str, Any],
    target: Path,
    *,
    name: str,
    on_progress: OnProgress | None = None,
) -> Described:
    """Bring what lies at a URL here.

    Args:
        url: An object, or with a slash at the end everything below it.
        options: As for `open_remote`.
        target: File or folder to make, in a folder that exists.
        name: What messages call it: the URL without credentials.
        on_progress: Told how many bytes came, and of how many.

    Returns:
        What the server says of it, before and after the same.

    Raises:
        ArtifactChanged: it changed meanwhile.
        RunrefError: it is not there, cannot be reached, or breaks off.
    """

    def work(moved: Callable[[], None]) -> Described:
        def tell(done: int, size: int) -> None:
            moved()
            if on_progress is not None:
                on_progress(done, size)

        return _Url(url, options, name).download(target, tell)

    return _patiently(work, _PATIENCE_FOR_BYTES, name, "read it")


class _Url:
    """What lies at a URL, through fsspec's driver for it."""

    def __init__(self, url: str, options: Mapping[str, Any], name: str) -> None:
        self._name = name
        self._is_folder = url.endswith("/")
        self._is_web = url.lower().startswith(("http://", "https://"))
        if self._is_web:
            options = {**_web_options(), **options}
        elif "?versionId=" in url:
            options = {"version_aware": True, **options}
        place: Any = open_remote(url, options, name=name).place
        self._driver = place.fs
        self._path: str = self._driver._strip_protocol(url)  # noqa: SLF001 - no public name

    def describe(self) -> Described:
        """Return what the server says of it."""
        return self._described(self._items())

    def download(self, target: Path, on_progress: OnProgress) -> Described:
        """Bring it to `target`, and return what the server said of it before and after."""
        items = self._items()
        size, done = sum(item.size for item in items), 0
        one_at_a_time = threading.Lock()

        def received(count: int) -> None:
            nonlocal done
            with one_at_a_time:
                done += count
                on_progress(done, size)

        several = threads.each if self._is_folder else map
        for _done in several(lambda item: self._fetch(item, target, received), items):
            pass
        if self._items() != items:
            raise ArtifactChanged(
                f"{self._name} changed while it was read",
                hint="wait until nobody writes there any more",
            )
        return self._described(items)

    def _fetch(self, item: _Item, target: Path, on_bytes: OnBytes) -> None:
        from fsspec.callbacks import Callback

        class Received(Callback):  # type: ignore[misc]  # fsspec is not typed
            def relative_update(self, inc: int = 1) -> None:
                callers(on_bytes)(inc)

        path = target / item.path if item.path else target
        path.parent.mkdir(parents=True, exist_ok=True)
        self._driver.get_file(item.key, str(path), callback=Received())
        received = path.stat().st_size
        if received != item.size:
            raise RemoteInterrupted(
                f"{self._name} broke off: {received} of {item.size} bytes came",
                hint="it is worth another attempt",
            )

    def _items(self) -> list[_Item]:
        """Return the files that are there, in the order of their paths."""
        return self._folder() if self._is_folder else [self._file()]

    def _file(self) -> _Item:
        info = self._driver.info(self._path)
        if info.get("type") == "directory":
            raise UrlInvalid(
                f"{self._name} is a folder", hint=f"a folder ends in a slash: {self._name}/"
            )
        return _item(info, "", self._path, self._name)

    def _folder(self) -> list[_Item]:
        if self._is_web:
            raise UrlInvalid(
                f"{self._name} ends in a slash, and the web has no folders",
                hint="name the files that the run reads, each by its own URL",
            )
        root = self._path.rstrip("/") + "/"
        found = self._driver.find(root, detail=True).items()
        # A folder may have an object of its own, which is empty and ends in a slash.
        below = {key: info for key, info in found if key.startswith(root) and key[-1] != "/"}
        if not below:
            raise UrlInvalid(f"there is nothing at {self._name}", hint="check the URL")
        for key, info in below.items():
            if info["type"] != "file":
                raise UrlInvalid(
                    f"{self._name} holds {key.removeprefix(root)!r}, which is a {info['type']}",
                    hint="name the files that the run reads, each by its own URL",
                )
        items = [
            _item(below[key], key.removeprefix(root), key, self._name) for key in sorted(below)
        ]
        _check_names({item.path for item in items}, self._name)
        return items

    def _described(self, items: list[_Item]) -> Described:
        size = sum(item.size for item in items)
        if not self._is_folder:
            return Described("file", size, 1, items[0].etag, items[0].version)
        listing = hashlib.sha256()
        for item in items:
            line = [item.path, item.etag, item.size]
            listing.update(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        known = all(item.etag for item in items)
        etag = f"listing:{listing.hexdigest()}" if known else ""
        return Described("directory", size, len(items), etag, "")


def _patiently(
    work: Callable[[Callable[[], None]], T],
    patience: float,
    name: str,
    doing: str,
) -> T:
    """Do work in a thread, and leave it to itself once nothing has moved for `patience` seconds.

    Drivers have limits of their own, but no two of them the same, and none for looking up a host.
    """
    outcome: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()
    moving, left = threading.Event(), threading.Event()

    def attempt() -> T:
        with explained(name, doing):
            return work(moving.set)

    def run() -> None:
        try:
            result = _again_and_again(attempt, left)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            outcome.put(_raising(error))
        else:
            outcome.put(lambda: result)

    threading.Thread(target=run, name=f"runref: {name}", daemon=True).start()
    while True:
        moving.clear()
        try:
            return outcome.get(timeout=patience)()
        except queue.Empty:
            if not moving.is_set():
                left.set()
                raise RemoteUnreachable(
                    f"{name} does not answer: cannot {doing}: nothing came for {patience:g} s",
                    hint="check the network and the URL, and try again",
                ) from None


def _again_and_again(work: Callable[[], T], left: threading.Event) -> T:
    for failures in range(1, _BACKOFF.attempts):
        try:
            return work()
        except RemoteUnreachable:
            if left.wait(random.uniform(0.0, _BACKOFF.limit(failures))):  # noqa: S311 - no secret
                raise
    return work()


def _raising(error: BaseException) -> Callable[[], Any]:
    def throw() -> Any:
        raise error

    return throw


def _check_names(paths: set[str], name: str) -> None:
    """Refuse names that no folder of files can have: whoever fills a bucket may choose any."""
    for path in paths:
        parts = path.split("/")
        above = {"/".join(parts[:count]) for count in range(1, len(parts))}
        if {"", ".", ".."} & set(parts) or "\0" in path or above & paths:
            raise UrlInvalid(
                f"{name} holds {path!r}, which cannot be a file in a folder",
                hint="name the objects that the run reads, each by its own URL",
            )


def _web_options() -> dict[str, Any]:
    from aiohttp import ClientTimeout

    # A download may take longer than the five minutes that aiohttp gives one, and what it sends is
    # compared with the size that the server told. Proxies and passwords are the machine's.
    timeout = ClientTimeout(total=None, sock_connect=10, sock_read=_PATIENCE_FOR_BYTES)
    return {
        "headers": {"Accept-Encoding": "identity"},
        "client_kwargs": {"timeout": timeout, "trust_env": True},
    }


def _item(info: Mapping[str, Any], path: str, key: str, name: str) -> _Item:
    size = info.get("size")
    if not isinstance(size, int):
        raise UrlInvalid(
            f"the server does not say how large {name} is",
            hint="download it, and name the file as the input",
        )
    etag = str(_first(info, _ETAGS) or "").replace('"', "")
    version = str(_first(info, _VERSIONS) or "")
    modified = _first(info, _TIMES)
    if not etag and modified:
        etag = f"modified:{_moment(modified)}"
    # Where a bucket keeps versions no longer, or not yet, S3 calls the only one "null".
    version = "" if version == "null" else version
    return _Item(path, key, size, etag, version)


def _first(info: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((info[name] for name in names if info.get(name)), None)


def _moment(value: object) -> str:
    if isinstance(value, (int, float)):
        value = datetime.fromtimestamp(value, timezone.utc)
    return value.isoformat() if isinstance(value, datetime) else str(value)
