"""What the snapshot holds for one file: its content, a pointer to it, or nothing, and why."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from runref.capture.snapshot.conversion import Conversion
from runref.capture.snapshot.secrets import SECRET_NAMES, Globs, find_keys
from runref.capture.snapshot.stat_cache import CachedFile, Stamp, stamp, unsettled
from runref.capture.snapshot.survey import Fresh
from runref.git.format import EXECUTABLE, FILE, SYMLINK
from runref.git.refused_names import refused
from runref.model.record import LeftOut

if TYPE_CHECKING:
    from runref.git.objects import ObjectStore

_POINTER_START = b"version https://git-lfs.github.com/spec/v1\n"
_POINTER_AT_MOST = 1024
"""Bytes: what git-lfs takes for a pointer at most."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class SnapshotRules:
    """What may go into a snapshot.

    Attributes:
        max_file_size: Bytes. A larger file is left out, unless git tracks it and it is unchanged.
        secret_names: Patterns for names of files with secrets, beyond the built-in ones, in the
            language of ``.gitignore`` (``!name`` takes one back).
        keep: Patterns for files that are kept whatever their size, name and content; one that ends
            in a slash is for all files below such a folder.
    """

    max_file_size: int = 1 << 20
    secret_names: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


@lru_cache(maxsize=16)
def _compiled(patterns: tuple[str, ...], *, ignore_case: bool) -> Globs:
    return Globs(patterns, ignore_case=ignore_case)


class Examiner:
    """Decides about new and changed files, and writes what the snapshot holds of them."""

    def __init__(self, objects: ObjectStore, root: bytes, rules: SnapshotRules) -> None:
        self._objects = objects
        self._root = root + b"/"
        self._max_size = rules.max_file_size
        self._rules = rules
        self._conversion = Conversion()

    @property
    def _secret_names(self) -> Globs:
        # Compiled for the first file that is new: most snapshots have none.
        return _compiled(SECRET_NAMES + self._rules.secret_names, ignore_case=True)

    @property
    def _keep(self) -> Globs:
        return _compiled(self._rules.keep, ignore_case=False)

    def examine(self, file: Fresh) -> CachedFile | LeftOut:
        """Decide about one file.

        Returns:
            What to remember of it; a bare `LeftOut` where it could not be read.
        """
        name = file.path[file.path.rfind(b"/") + 1 :]
        kind = stat.S_IFMT(file.status.st_mode)
        if refused(name, is_regular=kind == stat.S_IFREG):
            return self._left_out(file, "name", "git refuses this name")
        try:
            if kind == stat.S_IFLNK:
                target = os.readlink(self._root + file.path)  # noqa: PTH115  (bytes)
                return self._kept(file, stamp(file.status), target)
            if kind == stat.S_IFREG:
                return self._regular(file)
        except OSError as problem:
            return _unread(file, problem)
        return self._left_out(file, "special", _SPECIAL.get(kind, "no regular file"))

    def _regular(self, file: Fresh) -> CachedFile | LeftOut:
        if file.known is not None and file.known.plain:
            return file.known._replace(git_mode=_git_mode(file), tracked=file.tracked)
        filter_name = file.scope.filter_of(file.path)
        if b"crypt" in filter_name:
            return self._encrypted(file, filter_name)
        if filter_name == b"lfs" and file.status.st_size:
            return self._large(file)
        if self._keep.match(file.path):
            return self._kept(file, *self._read(file))
        pattern = self._secret_names.match(file.path)
        if pattern:
            return self._unless_committed(file, "secret-name", f"matches {pattern}")
        if file.status.st_size > self._max_size:
            return self._unless_committed(file, "size", f"larger than {self._max_size} bytes")
        read_at, data = self._read(file)
        if self._is_indexed(file, data):
            return self._as_indexed(file, read_at, data)
        keys = find_keys(data)
        if keys:
            return self._with_keys(file, read_at, data, keys)
        return self._kept(file, read_at, data)

    def _unless_committed(self, file: Fresh, reason: str, detail: str) -> CachedFile | LeftOut:
        """Leave a file out, unless it is what git has anyway."""
        if file.tracked:
            read_at, data = self._read(file)
            if self._is_indexed(file, data):
                return self._as_indexed(file, read_at, data)
            detail += "; edited since it was added to git"
        return self._left_out(file, reason, detail, plain=False)

    def _with_keys(
        self, file: Fresh, read_at: Stamp, data: bytes, keys: dict[bytes, str]
    ) -> CachedFile | LeftOut:
        """Leave a file out for its keys, unless git has these keys anyway."""
        committed = _committed(file)
        if committed is not None and all(key in committed for key in keys):
            return self._kept(file, read_at, data, plain=False)
        return self._left_out(file, "secret-content", ", ".join(keys.values()), plain=False)

    def _large(self, file: Fresh) -> CachedFile | LeftOut:
        """A file of Git LFS: the snapshot holds its pointer, as git does."""
        if file.known is not None and file.known.oid:
            kept = file.known._replace(git_mode=_git_mode(file), tracked=file.tracked)
            pointer = self._objects.read_blob(kept.oid)
        else:
            read_at, pointer = self._pointer(file)
            kept = self._kept(file, read_at, pointer, plain=False)
        indexed = file.scope.indexed(file.path) if file.tracked else None
        if indexed is None:
            return kept._replace(reason="lfs", detail="not in git; the snapshot has its pointer")
        if self._is_indexed(file, pointer):
            return kept._replace(reason="", detail="")
        return kept._replace(
            reason="lfs", detail="edited since it was added to git; the snapshot has its pointer"
        )

    def _pointer(self, file: Fresh) -> tuple[Stamp, bytes]:
        if file.status.st_size < _POINTER_AT_MOST:
            read_at, data = self._read(file)
            if data.startswith(_POINTER_START):
                return read_at, data
        digest, size = hashlib.sha256(), 0
        with Reading(self._root + file.path) as reading:
            while chunk := os.read(reading.descriptor, _CHUNK):
                digest.update(chunk)
                size += len(chunk)
            read_at = reading.stamp()
        pointer = b"%soid sha256:%s\nsize %d\n" % (
            _POINTER_START,
            digest.hexdigest().encode(),
            size,
        )
        return read_at, pointer

    def _encrypted(self, file: Fresh, filter_name: bytes) -> CachedFile | LeftOut:
        """A file that git keeps encrypted: its plain text must not go into the repository."""
        detail = f"encrypted in git by filter={os.fsdecode(filter_name)}"
        committed = _committed(file)
        if committed is None:
            return self._left_out(file, "secret-content", detail, plain=False)
        kept = self._kept(file, stamp(file.status), committed, plain=False)
        detail += "; the snapshot has what was added to git"
        return kept._replace(reason="secret-content", detail=detail)

    def _is_indexed(self, file: Fresh, data: bytes) -> bool:
        """Whether git tracks this content under this path, so that nothing is new in it."""
        indexed = file.scope.indexed(file.path) if file.tracked else None
        repository = file.scope.repository
        if indexed is None or repository is None:
            return False
        if repository.objects.hash("blob", data) == indexed.oid:
            return True
        return self._conversion.blob_of(file, data) == indexed.oid

    def _read(self, file: Fresh) -> tuple[Stamp, bytes]:
        with Reading(self._root + file.path) as reading:
            chunks = []
            # One byte more than there should be: a file that did not grow is read in one go.
            while chunk := os.read(reading.descriptor, max(reading.size + 1, 4096)):
                chunks.append(chunk)
                if len(chunk) == reading.size:
                    break
            return reading.stamp(), b"".join(chunks)

    def _as_indexed(self, file: Fresh, read_at: Stamp, data: bytes) -> CachedFile:
        """Keep a file that is what the index has, or would be with its line endings converted."""
        indexed, repository = file.scope.indexed(file.path), file.scope.repository
        oid = ""
        if indexed and repository and repository.objects is self._objects:
            exactly = self._conversion.blob_of(file, data) != indexed.oid
            # The index keeps it from being pruned, so it need not be made young either.
            oid = indexed.oid if exactly and self._objects.contains(indexed.oid) else ""
        return self._kept(file, read_at, data, plain=False, oid=oid)

    def _kept(
        self, file: Fresh, read_at: Stamp, data: bytes, *, plain: bool = True, oid: str = ""
    ) -> CachedFile:
        return CachedFile(
            *read_at,
            git_mode=_git_mode(file),
            oid=oid or self._objects.write_blob(data),
            digest=hashlib.sha256(data).hexdigest(),
            length=len(data),
            tracked=file.tracked,
            plain=plain,
            git_oid=self._conversion.blob_of(file, data),
        )

    @staticmethod
    def _left_out(file: Fresh, reason: str, detail: str, *, plain: bool = True) -> CachedFile:
        return CachedFile(
            *stamp(file.status),
            git_mode=0,
            tracked=file.tracked,
            plain=plain,
            reason=reason,
            detail=detail,
        )


class Reading:
    """A regular file being read; no link is followed, and no pipe waited for."""

    def __init__(self, path: bytes) -> None:
        self._path = path

    def __enter__(self) -> Reading:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self.descriptor = os.open(self._path, flags)
        self._before = os.fstat(self.descriptor)
        if not stat.S_ISREG(self._before.st_mode):
            os.close(self.descriptor)
            raise FileNotFoundError(0, "replaced while it was read")
        self.size = self._before.st_size
        return self

    def stamp(self) -> Stamp:
        """The stamp of what was read; one that nothing matches if it was written meanwhile."""
        before, after = stamp(self._before), stamp(os.fstat(self.descriptor))
        return after if before == after else unsettled(after)

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


def _committed(file: Fresh) -> bytes | None:
    """What was last added to git under a path; ``None`` where git has nothing, or not here."""
    repository = file.scope.repository
    indexed = file.scope.indexed(file.path) if file.tracked else None
    if repository is None or indexed is None or not repository.objects.contains(indexed.oid):
        return None
    return repository.objects.read_blob(indexed.oid)


_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def _unread(file: Fresh, problem: OSError) -> LeftOut:
    gone = isinstance(problem, (FileNotFoundError, NotADirectoryError))
    return LeftOut(
        os.fsdecode(file.path),
        file.status.st_size,
        "vanished" if gone else "unreadable",
        problem.strerror or "",
    )


def _git_mode(file: Fresh) -> int:
    mode = file.status.st_mode
    if stat.S_ISLNK(mode):
        return SYMLINK
    if not file.scope.keeps_exec_bit:
        indexed = file.scope.indexed(file.path)
        return EXECUTABLE if indexed is not None and indexed.mode == EXECUTABLE else FILE
    return EXECUTABLE if mode & stat.S_IXUSR else FILE
