"""The bytes of git's trees and commits (pure functions), and the two object formats."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["blob", "tree", "commit", "tag"]

FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
GITLINK = 0o160000
TREE = 0o040000


class TreeEntry(NamedTuple):
    """One name in a git tree.

    Attributes:
        name: File name, without slashes.
        mode: Git's mode: `FILE`, `EXECUTABLE`, `SYMLINK`, `GITLINK` or `TREE`.
        oid: Hexadecimal name of the object behind it.
    """

    name: bytes
    mode: int
    oid: str

    @property
    def is_tree(self) -> bool:
        """Whether the entry is a folder."""
        return self.mode & 0o170000 == TREE


@dataclass(frozen=True, slots=True)
class Commit:
    """What runref reads of a commit; ``time`` is the author's, in Unix seconds."""

    tree: str
    parents: tuple[str, ...]
    time: int
    author: str
    message: str


@dataclass(frozen=True, slots=True)
class ObjectFormat:
    """How a repository names its objects: ``sha1`` or ``sha256``."""

    name: str
    hex_length: int

    def digest(self, *parts: bytes) -> bytes:
        """The binary hash of the concatenated parts."""
        hasher = hashlib.new(self.name, usedforsecurity=False)
        for part in parts:
            hasher.update(part)
        return hasher.digest()

    def oid(self, kind: Kind, body: bytes) -> str:
        """The name of an object with this content."""
        return self.digest(header(kind, len(body)), body).hex()

    def is_oid(self, text: str) -> bool:
        """Whether ``text`` can be the full name of an object."""
        return len(text) == self.hex_length and not text.strip("0123456789abcdef")


FORMATS = {"sha1": ObjectFormat("sha1", 40), "sha256": ObjectFormat("sha256", 64)}


def header(kind: Kind, size: int) -> bytes:
    """What stands before an object's body in its hash and in a loose file."""
    return b"%s %d\0" % (kind.encode(), size)


def encode_tree(entries: Iterable[TreeEntry]) -> bytes:
    """The body of a tree, its entries in git's order (a folder sorts as if it ended in ``/``)."""
    ordered = sorted(entries, key=lambda entry: entry.name + b"/" if entry.is_tree else entry.name)
    return b"".join(
        b"%o %s\0%s" % (entry.mode, entry.name, bytes.fromhex(entry.oid)) for entry in ordered
    )


def decode_tree(body: bytes, oid_length: int) -> tuple[TreeEntry, ...]:
    """The entries of a tree.

    Args:
        body: The tree's content.
        oid_length: Bytes in a binary object name: 20 or 32.

    Raises:
        ValueError: The bytes are no tree.
    """
    entries: list[TreeEntry] = []
    position, end = 0, len(body)
    while position < end:
        space = body.index(b" ", position)
        null = body.index(b"\0", space)
        after = null + 1 + oid_length
        if after > end:
            raise ValueError("a tree entry ends in the middle of an object name")
        mode = int(body[position:space], 8)
        entries.append(TreeEntry(body[space + 1 : null], mode, body[null + 1 : after].hex()))
        position = after
    return tuple(entries)


def encode_commit(
    *, tree: str, parents: Sequence[str], identity: str, time: int, message: str
) -> bytes:
    """The body of a commit whose author and committer are the same, in UTC.

    Args:
        tree: Object name of the tree.
        parents: Object names of the parents.
        identity: ``Name <mail>``.
        time: Unix seconds.
        message: Text; a final newline is added, and null characters, which git refuses, left out.
    """
    # Lone surrogates and undecodable bytes must not lose a run: they are shown escaped.
    text = message.replace("\0", "").rstrip("\n") + "\n"
    signature = f"{identity} {time} +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {signature}", f"committer {signature}", "", text]
    return "\n".join(lines).encode("utf-8", "backslashreplace")


def decode_commit(body: bytes) -> Commit:
    """Read a commit.

    Raises:
        ValueError: The bytes are no commit.
    """
    head, _, message = body.partition(b"\n\n")
    tree, parents, author, encoding = "", [], b"", "utf-8"
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name == b"tree":
            tree = value.decode("ascii")
        elif name == b"parent":
            parents.append(value.decode("ascii"))
        elif name == b"author":
            author = value
        elif name == b"encoding":
            encoding = value.decode("ascii", "replace")
    who, _, when = author.rpartition(b"> ")
    if not tree or not when:
        raise ValueError("a commit without tree or author")
    seconds = int(when.split()[0])
    return Commit(
        tree, tuple(parents), seconds, _text(who + b">", encoding), _text(message, encoding)
    )


def _text(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except (LookupError, UnicodeDecodeError):
        return data.decode("utf-8", "replace")
