"""What git stores of a text file whose lines end in CR LF in the working tree.

As ``git add`` converts it by the attributes ``text``, ``eol`` and ``crlf`` and ``core.autocrlf``
(``convert.c``): each CR LF becomes LF. Which way a checkout converts does not matter here.
"""

from __future__ import annotations

from runref.git.attributes import FilterAttributes, Value

_NON_PRINTABLE = bytes({*range(32), 127} - set(b"\b\t\n\f\r\x1b"))


class LineEndings:
    """The conversion of line endings in one working tree."""

    def __init__(self, attributes: FilterAttributes, *, auto: bool) -> None:
        """Take the rules of a working tree.

        Args:
            attributes: Of its files.
            auto: Whether ``core.autocrlf`` is ``true`` or ``input``.
        """
        self._attributes = attributes
        self._auto = auto

    def stored(self, path: bytes, data: bytes) -> bytes:
        """What git would store of a file; the very same bytes where it converts nothing.

        Args:
            path: Relative to the root of the working tree.
            data: Content of the file.
        """
        if b"\r\n" not in data:
            return data
        text, guessed = self._is_text(self._attributes.values_of(path))
        if not text or (guessed and _looks_binary(data)):
            return data
        return data.replace(b"\r\n", b"\n")

    def _is_text(self, values: dict[bytes, Value]) -> tuple[bool, bool]:
        """Whether a file is one whose line endings git converts, and whether its content counts."""
        for name in (b"text", b"crlf"):
            value = values.get(name)
            if value == b"auto":
                return True, True
            if value in (True, b"input"):
                return True, False
            if value is False:
                return False, False
        if values.get(b"eol") in (b"lf", b"crlf"):
            return True, False
        return self._auto, True


def _looks_binary(data: bytes) -> bool:
    """Git's guess, ``convert_is_binary``."""
    if b"\0" in data or data.count(b"\r") > data.count(b"\r\n"):
        return True
    line_ends = data.count(b"\n") + data.count(b"\r\n")
    odd = len(data) - len(data.translate(None, _NON_PRINTABLE))
    printable = len(data) - line_ends - odd
    # The mark that DOS puts at the end of a file is no sign.
    return printable >> 7 < odd - data.endswith(b"\x1a")
