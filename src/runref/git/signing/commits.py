"""Where a commit holds its signature (pure functions)."""

from __future__ import annotations

import re
from typing import NamedTuple

NAMESPACE = "git"
"""What ssh signatures of commits are for."""

_HEADERS = {"sha1": b"gpgsig", "sha256": b"gpgsig-sha256"}
_COMMITTER = re.compile(rb"^committer .*> (\d+) [+-]\d{4}$", re.M)


class SignedCommit(NamedTuple):
    """A commit taken apart: what was signed, and the signature; empty where it has none."""

    payload: bytes
    signature: str


def with_signature(body: bytes, signature: str, object_format: str) -> bytes:
    """Return the body of a commit with a signature over it, in the last of its headers.

    Args:
        body: The commit, without a signature.
        signature: Text in armour.
        object_format: ``sha1`` or ``sha256``: the header's name depends on it.
    """
    head, separator, message = body.partition(b"\n\n")
    lines = signature.rstrip("\n").encode("ascii", "replace").split(b"\n")
    header = b"\n%s %s" % (_HEADERS[object_format], b"\n ".join(lines))
    return head + header + separator + message


def split_signature(body: bytes, object_format: str) -> SignedCommit:
    """Take the signature out of a commit. Those of both object formats are no part of what counts.

    Args:
        body: A commit.
        object_format: ``sha1`` or ``sha256``: whose signature it is about.
    """
    head, separator, message = body.partition(b"\n\n")
    kept: list[bytes] = []
    signature: list[bytes] = []
    within = b""
    for line in head.split(b"\n"):
        if not line.startswith(b" "):
            name = line.partition(b" ")[0]
            within = name if name in _HEADERS.values() else b""
        if not within:
            kept.append(line)
        elif within == _HEADERS[object_format]:
            signature.append(line[1:] if line.startswith(b" ") else line[len(within) + 1 :])
    text = b"".join(line + b"\n" for line in signature).decode("utf-8", "surrogateescape")
    return SignedCommit(b"\n".join(kept) + separator + message, text)


def committed_at(body: bytes) -> int:
    """Return when a commit says it was committed, in Unix seconds; 0 where it does not say."""
    found = _COMMITTER.search(body.partition(b"\n\n")[0])
    return int(found[1]) if found else 0
