# Text paths: Path costs more than most of the system calls made here.
# ruff: noqa: PTH118, PTH123
"""The object database: read any object, write new ones, in one pack where there are many."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from runref.errors import RunrefError
from runref.git.batch import Batch
from runref.git.files import Sharing
from runref.git.format import (
    Commit,
    Kind,
    ObjectFormat,
    TreeEntry,
    decode_commit,
    decode_tree,
    encode_commit,
    encode_tree,
    header,
)
from runref.git.loose import LooseObjects, split
from runref.git.packs import PackDamaged, Packs

__all__ = ["Commit", "Kind", "ObjectDamaged", "ObjectMissing", "ObjectStore", "TreeEntry"]

_ALTERNATES_DEPTH = 5

_MEND = "`git fsck` lists all damage; fetch the object from another clone"
_FETCH = "it may be in another clone, or outside a shallow or partial one: fetch it"


class ObjectMissing(RunrefError):
    """An object is not in the repository."""

    code = "object-missing"


class ObjectDamaged(RunrefError):
    """An object is in the repository, but its content is not what its name says."""

    code = "object-damaged"


class ObjectStore:
    """The objects of one repository, with those it borrows through alternates.

    May be used from several threads. A batch belongs to the thread that opened it.

    Attributes:
        fsync: Wait until new objects are on the disk before they get their names.
        lender: Objects of another folder, which count as this one's but are only read.
    """

    def __init__(
        self,
        folder: str,
        object_format: ObjectFormat,
        *,
        sharing: Sharing = Sharing(),  # noqa: B008 - frozen
        fsync: bool = True,
        lender: ObjectStore | None = None,
    ) -> None:
        self.fsync = fsync
        self.lender = lender
        self._folder = folder
        self._format = object_format
        self._sharing = sharing
        self._loose = LooseObjects(folder, sharing)
        self._places_found: tuple[tuple[LooseObjects, Packs], ...] = ()
        self._local = threading.local()

    @property
    def folder(self) -> str:
        """Where the repository's own objects lie."""
        return self._folder

    @property
    def _places(self) -> tuple[tuple[LooseObjects, Packs], ...]:
        if not self._places_found:
            folders = [self._folder, *_alternates(self._folder)]
            self._places_found = tuple(
                (LooseObjects(folder, self._sharing), Packs(folder, self._format))
                for folder in dict.fromkeys(folders)
            )
            if self.lender is not None:
                self._places_found += self.lender._places  # noqa: SLF001
        return self._places_found

    @property
    def _batch(self) -> Batch | None:
        return getattr(self._local, "batch", None)

    # writing

    def hash(self, kind: Kind, body: bytes) -> str:
        """The name an object has or would have; nothing is written."""
        return self._format.oid(kind, body)

    def write(self, kind: Kind, body: bytes) -> str:
        """Write an object unless the repository has it, and return its name.

        One that is there is made young, so that a ``git gc`` at the same time keeps it.

        Raises:
            CannotWrite: The system refused it.
        """
        oid = self.hash(kind, body)
        batch = self._batch
        if (batch is not None and oid in batch) or self._make_young(oid):
            return oid
        if batch is not None:
            batch.add(oid, kind, body)
        else:
            self._loose.write(oid, header(kind, len(body)), body, fsync=self.fsync)
        return oid

    def write_blob(self, data: bytes) -> str:
        """Write the content of a file."""
        return self.write("blob", data)

    def write_tree(self, entries: Iterable[TreeEntry]) -> str:
        """Write a tree; the entries may come in any order."""
        return self.write("tree", encode_tree(entries))

    def write_commit(
        self,
        *,
        tree: str,
        parents: Sequence[str],
        identity: str,
        time: int,
        message: str,
        signer: Callable[[bytes], bytes] | None = None,
    ) -> str:
        """Write a commit by ``identity`` (``Name <mail>``) at ``time`` (Unix seconds).

        ``signer`` is given the commit's body and returns it with a signature.
        """
        body = encode_commit(
            tree=tree, parents=parents, identity=identity, time=time, message=message
        )
        return self.write("commit", signer(body) if signer else body)

    def mend(self, kind: Kind, body: bytes, aside: str) -> str:
        """Write an object that the repository cannot read, and return its name.

        A loose file in its place gets a further name in the folder `aside` and gives up this one
        in the same moment: whenever the process is killed, the object is as before or whole. Where
        a pack is damaged, the loose file stands in for it, for git as well.

        Raises:
            CannotWrite: The system refused it.
        """
        oid = self.hash(kind, body)
        self._loose.set_aside(oid, aside)
        self._loose.write(oid, header(kind, len(body)), body, fsync=self.fsync)
        return oid

    def freshen(self, oid: str) -> None:
        """Make an object young, so that a ``git gc`` at the same time keeps it.

        Raises:
            ObjectMissing: It is not in the repository.
        """
        batch = self._batch
        if (batch is None or oid not in batch) and not self._make_young(oid):
            kind, body = self.read(oid)
            self._loose.write(oid, header(kind, len(body)), body, fsync=self.fsync)

    def _make_young(self, oid: str) -> bool:
        if any(loose.freshen(oid) or packs.freshen(oid) for loose, packs in self._places):
            return True
        return self.lender is not None and self.lender.contains(oid)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Collect what this thread writes inside the block and store it at the end.

        Up to 200 new objects become loose files, more become one pack. Reads inside see them; if
        the block raises, none is stored. A batch inside a batch is part of the outer one.

        Raises:
            CannotWrite: The system refused it.
        """
        if self._batch is not None:
            yield
            return
        batch = Batch(self._folder, self._format, self._sharing)
        self._local.batch = batch
        try:
            yield
            self._local.batch = None
            batch.store(self._loose, fsync=self.fsync)
        finally:
            self._local.batch = None
            batch.discard()

    # reading

    def contains(self, oid: str) -> bool:
        """Whether the repository has the object now."""
        batch = self._batch
        if batch is not None and oid in batch:
            return True
        if not self._format.is_oid(oid):
            return False
        for _ in self._looks(oid):
            if any(loose.contains(oid) or packs.contains(oid) for loose, packs in self._places):
                return True
        return False

    def read(self, oid: str) -> tuple[Kind, bytes]:
        """Kind and content of an object; the content is checked against the name.

        Raises:
            ObjectMissing: The repository has no such object.
            ObjectDamaged: It has, but cannot read it, or it is something else.
        """
        batch = self._batch
        if batch is not None and oid in batch:
            return batch.read(oid)
        if not self._format.is_oid(oid):
            raise ObjectMissing(f"{oid!r} is no object name of this {self._format.name} repository")
        damage: list[str] = []
        for _ in self._looks(oid):
            for loose, packs in self._places:
                found = self._read_from(loose, packs, oid, damage)
                if found is not None:
                    return found
        if damage:
            raise ObjectDamaged(
                f"object {oid} is damaged ({damage[0]})",
                hint=_MEND,
            )
        raise ObjectMissing(
            f"object {oid} is not in the repository",
            hint=_FETCH,
        )

    def _looks(self, oid: str) -> Iterator[None]:
        """Look twice: an object may move into a new pack, or out of a removed one, meanwhile."""
        yield
        for loose, packs in self._places:
            loose.refresh(oid)
            packs.refresh()
        yield

    def _read_from(
        self, loose: LooseObjects, packs: Packs, oid: str, damage: list[str]
    ) -> tuple[Kind, bytes] | None:
        try:
            data = loose.read(oid)
            if data is not None and self._format.digest(data).hex() == oid:
                return split(data)
            if data is not None:
                damage.append("its loose file holds something else")
        except (zlib.error, ValueError, OSError) as problem:  # also a disk that cannot read it
            damage.append(f"its loose file: {problem}")
        try:
            found = packs.read(oid)
        except PackDamaged as problem:
            damage.append(str(problem))
            return None
        if found is not None and self.hash(*found) != oid:
            damage.append("its pack holds something else")
            return None
        return found

    def size(self, oid: str) -> int:
        """Bytes of an object, told without unpacking it: what a stranger's may take is known first.

        Raises:
            ObjectMissing: The repository has no such object.
            ObjectDamaged: It has, but cannot tell.
        """
        batch = self._batch
        if batch is not None and oid in batch:
            return len(batch.read(oid)[1])
        try:
            for _ in self._looks(oid) if self._format.is_oid(oid) else ():
                for loose, packs in self._places:
                    size = loose.size(oid)
                    size = packs.size(oid) if size is None else size
                    if size is not None:
                        return size
        except (zlib.error, ValueError, PackDamaged) as problem:
            raise ObjectDamaged(f"object {oid} is damaged ({problem})", hint=_MEND) from problem
        raise ObjectMissing(f"object {oid} is not in the repository", hint=_FETCH)

    def read_blob(self, oid: str) -> bytes:
        """The content of a file."""
        return self._read_kind(oid, "blob")

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree, in git's order."""
        body = self._read_kind(oid, "tree")
        try:
            return decode_tree(body, self._format.hex_length // 2)
        except ValueError as problem:
            raise ObjectDamaged(f"tree {oid} is damaged: {problem}", hint=_MEND) from problem

    def read_commit(self, oid: str) -> Commit:
        """A commit."""
        body = self._read_kind(oid, "commit")
        try:
            return decode_commit(body)
        except ValueError as problem:
            raise ObjectDamaged(f"commit {oid} is damaged: {problem}", hint=_MEND) from problem

    def _read_kind(self, oid: str, wanted: Kind) -> bytes:
        kind, body = self.read(oid)
        if kind != wanted:
            raise ObjectDamaged(
                f"object {oid} is a {kind}, where a {wanted} should be",
                hint="what names it was not made by runref or is damaged: `git fsck` tells more",
            )
        return body

    def resolve_prefix(self, prefix: str) -> list[str]:
        """All objects whose name starts with ``prefix``, sorted.

        Args:
            prefix: At least four hexadecimal digits; with fewer the answer is empty.
        """
        prefix = prefix.lower()
        if len(prefix) < 4 or prefix.strip("0123456789abcdef"):
            return []
        found: set[str] = set()
        for loose, packs in self._places:
            found.update(loose.starting_with(prefix))
            found.update(packs.starting_with(prefix))
        batch = self._batch
        if batch is not None:
            found.update(batch.starting_with(prefix))
        return sorted(found)


def _alternates(folder: str, depth: int = _ALTERNATES_DEPTH) -> Iterator[str]:
    """Object folders that this one borrows from, and those they borrow from."""
    try:
        with open(f"{folder}/info/alternates", "rb") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        if line and not line.startswith(b"#") and depth:
            other = os.path.normpath(os.path.join(folder, os.fsdecode(line)))
            yield other
            yield from _alternates(other, depth - 1)
