"""What tests of transfers are made of: trees in stores, remotes that count or fail, processes."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runref.artifacts import Artifact, LocalStore, hash_file
from runref.artifacts.manifest import Manifest
from runref.artifacts.reading import OnBytes, ignore
from runref.artifacts.remote.store import RemoteStore, Sink
from runref.artifacts.remote.wrapping import Wrapped
from runref.artifacts.transfer.wanted import Wanted
from runref.errors import RunrefError

Tree = Mapping[str, bytes | str | None]
"""Paths with a file's content, a link's target, or none for an empty directory."""


class Counting(Wrapped):
    """A remote that notes what it is asked."""

    def __init__(self, store: RemoteStore) -> None:
        super().__init__(store)
        self.looked = 0
        self.written: list[str] = []
        self.read_from: list[tuple[str, int]] = []

    def present(self, digests: Collection[str]) -> dict[str, int]:
        self.looked += 1
        return super().present(digests)

    def read(self, digest: str, sink: Sink, *, start: int = 0, size: int | None = None) -> None:
        self.read_from.append((digest, start))
        super().read(digest, sink, start=start, size=size)

    def write(self, digest: str, path: Path, *, on_bytes: OnBytes = ignore) -> None:
        super().write(digest, path, on_bytes=on_bytes)
        self.written.append(digest)


class Failing(Counting):
    """A remote that does nothing but fail where it is told to."""

    def __init__(self, store: RemoteStore, fail: Callable[[str], RunrefError | None]) -> None:
        super().__init__(store)
        self._fail = fail
        self.failures = 0

    def present(self, digests: Collection[str]) -> dict[str, int]:
        self._check("present")
        return super().present(digests)

    def read(self, digest: str, sink: Sink, *, start: int = 0, size: int | None = None) -> None:
        self._check(digest)
        super().read(digest, sink, start=start, size=size)

    def write(self, digest: str, path: Path, *, on_bytes: OnBytes = ignore) -> None:
        self._check(digest)
        super().write(digest, path, on_bytes=on_bytes)

    def _check(self, what: str) -> None:
        error = self._fail(what)
        if error is not None:
            self.failures += 1
            raise error


class Listener:
    """Adds up what a transfer tells, and notices when it makes no sense."""

    def __init__(self) -> None:
        self.size = self.files = self.done = self.files_done = 0
        self.notices: list[str] = []
        self._busy = threading.Lock()

    def total(self, size: int, files: int, /) -> None:
        with self._alone():
            self.size, self.files = size, files

    def advance(self, size: int, /) -> None:
        with self._alone():
            self.done += size
            assert 0 <= self.done <= self.size

    def file_done(self) -> None:
        with self._alone():
            self.files_done += 1
            assert self.files_done <= self.files

    def notice(self, message: str, /) -> None:
        self.notices.append(message)

    def _alone(self) -> threading.Lock:
        assert not self._busy.locked()
        return self._busy


class Workshop:
    """A local store, and a folder in which trees are made that go into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.local = LocalStore(folder / "store", fsync=False)
        self._count = 0

    def file(self, data: bytes) -> Wanted:
        """Store a file."""
        path = self._new()
        path.write_bytes(data)
        return wanted(self.local.add(path))

    def tree(self, tree: Tree) -> Wanted:
        """Store a directory."""
        root = self._new()
        build(root, tree)
        return wanted(self.local.add(root))

    def manifest(self, data: Manifest | bytes) -> Wanted:
        """Store a manifest as someone would who does not follow the rules."""
        kept = self.file(data if isinstance(data, bytes) else data.encode())
        return Wanted(kept.digest, "directory", 0)

    def data(self, artifact: Wanted) -> bytes:
        """Return the bytes of a file, or of a directory's manifest."""
        return place(self.folder / "store", artifact.digest).read_bytes()

    def restored(self, artifact: Wanted) -> dict[str, object]:
        """Bring an artifact back, and return what is in it."""
        target = self._new()
        self.local.restore(artifact.digest, artifact.kind, target)
        return contents(target)

    def _new(self) -> Path:
        self._count += 1
        return self.folder / str(self._count)


def wanted(artifact: Artifact) -> Wanted:
    """What a record would say of an artifact."""
    return Wanted(artifact.digest, artifact.kind, artifact.size)


def build(root: Path, tree: Tree) -> None:
    """Make a directory."""
    root.mkdir()
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        elif isinstance(content, str):
            path.symlink_to(content)
        else:
            path.write_bytes(content)


def contents(root: Path) -> dict[str, object]:
    """What a restored artifact must have in common with the original."""
    found: dict[str, object] = {}
    for path in sorted([root, *root.rglob("*")]):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = os.readlink(path)  # noqa: PTH115 -- Path would tidy it
        elif path.is_dir():
            found[name] = None
        else:
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
    return found


def place(folder: Path, digest: str) -> Path:
    """Where a store, local or remote, has a content."""
    digits = digest.removeprefix("sha256:")
    return folder / "sha256" / digits[:2] / digits[2:]


def flip(path: Path, at: int = -1) -> None:
    """Change a bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def cut(path: Path) -> None:
    """Take the last byte of a file away."""
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])


class Mover:
    """A process of its own that pushes or fetches; see ``mover.py``."""

    def __init__(
        self,
        *,
        push: bool,
        local: Path,
        url: str,
        wanted: Iterable[Wanted],
        options: Mapping[str, Any] | None = None,
        concurrency: int = 4,
        rate: float | None = None,
    ) -> None:
        task = {
            "push": push,
            "local": str(local),
            "url": url,
            "options": options or {},
            "wanted": [asdict(each) for each in wanted],
            "concurrency": concurrency,
            "rate": rate,
        }
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("mover.py"), json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def go(self) -> None:
        """Let it begin."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> dict[str, Any]:
        """Wait until it has done its work, and return what it says of it."""
        out, err = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, err
        done: dict[str, Any] = json.loads(out)
        return done

    def kill(self) -> None:
        """Kill it; it may be done already."""
        self.process.kill()
        self.process.communicate(timeout=30)


def verified(folder: Path) -> dict[str, int]:
    """Return the contents of a store's folder with their sizes; fails where a name is a lie."""
    found = {}
    for path in (folder / "sha256").rglob("*"):
        if path.is_file():
            digest, size = hash_file(path)
            assert place(folder, digest) == path
            found[digest] = size
    return found


def verified_remote(store: RemoteStore) -> dict[str, int]:
    """Return the contents of a remote with their sizes; fails where a digest is a lie."""
    found = {}
    for each in store.contents():
        pieces: list[bytes] = []
        store.read(each.digest, pieces.append)
        data = b"".join(pieces)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert (digest, len(data)) == (each.digest, each.size), data.count(0)
        found[each.digest] = each.size
    return found
