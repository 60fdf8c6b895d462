"""How many places text takes on a terminal."""

from __future__ import annotations

import unicodedata


def width_of(text: str) -> int:
    """Return how many places a text takes: two for wide characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_width, text))


def cut(text: str, width: int, mark: str = "…") -> str:
    """Return a text in at most so many places, with a mark where it was cut."""
    if width_of(text) <= width:
        return text
    kept, room = "", width - 1
    for char in text:
        room -= _width(char)
        if room < 0:
            break
        kept += char
    return f"{kept}{mark}"


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
