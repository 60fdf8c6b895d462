"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_LONGEST = 200
_MOST = 20_000
"""Names that are looked at, so that an error comes at once among a hundred thousand."""


def nearest(text: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that is most like `text`; none where none is much like it."""
    from difflib import get_close_matches

    if len(text) > _LONGEST:
        return None
    names = sorted({name for name in candidates if len(name) <= _LONGEST and name != text})
    folded = text.casefold()
    for name in names:
        if name.casefold() == folded:
            return name
    close = get_close_matches(text, islice(names, _MOST), n=1, cutoff=0.6)
    return close[0] if close else None


def listed(names: Iterable[str], most: int = 6) -> str:
    """Return the first few names with commas between them."""
    first = list(islice(names, most + 1))
    shown = ", ".join(name[:60] for name in first[:most])
    return f"{shown}, …" if len(first) > most else shown
