r"""The manifest of a snapshot: its files by SHA-256, whatever hash the repository itself uses.

One line for each file, sorted by the bytes of the path, each ended by a newline::

    <mode> <sha256> <size> <path>

* ``mode``: git's, six octal digits: ``100644``, ``100755`` (executable), ``120000`` (symbolic link)
  or ``160000`` (a submodule that was not checked out).
* ``sha256``: 64 hexadecimal digits, of the file's bytes; of a link the bytes of its target; of a
  submodule the name of its commit stands here instead.
* ``size``: bytes of what was hashed, decimal; 0 for a submodule.
* ``path``: relative to the root, with slashes. A path that holds a control character (below 0x20,
  or 0x7f), a double quote or a backslash, or is not UTF-8, stands in double quotes: there ``"`` and
  ``\`` follow a backslash, and a control character and every byte from 0x80 on is a backslash with
  three octal digits.

Folders have no lines, and a snapshot without files has an empty manifest. The record holds the
SHA-256 of the manifest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_UNUSUAL = re.compile(rb'[\x00-\x1f\x7f"\\]')
_TO_ESCAPE = re.compile(rb'[\x00-\x1f\x7f-\xff"\\]')


def manifest_line(path: bytes, mode: int, digest: str, size: int) -> bytes:
    """One line of a manifest.

    Args:
        path: Relative to the root of the snapshot.
        mode: Git's mode.
        digest: SHA-256 of the content, or the commit of a submodule, in hexadecimal.
        size: Bytes of the content; 0 for a submodule.
    """
    return b"%06o %s %d %s\n" % (mode, digest.encode(), size, _quoted(path))


def manifest_digest(manifest: bytes) -> str:
    """The ``sha256:<hex>`` of a manifest."""
    return "sha256:" + hashlib.sha256(manifest).hexdigest()


def join_lines(lines: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Put the lines of a manifest, given with their paths, in order."""
    return b"".join(line for _, line in sorted(lines))


def _quoted(path: bytes) -> bytes:
    if _UNUSUAL.search(path) is None and _is_utf8(path):
        return path
    return b'"' + _TO_ESCAPE.sub(_escape, path) + b'"'


def _escape(found: re.Match[bytes]) -> bytes:
    byte = found[0]
    return b"\\" + byte if byte in b'"\\' else b"\\%03o" % byte[0]


def _is_utf8(path: bytes) -> bool:
    if path.isascii():
        return True
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True
