"""Regular expressions in time that grows with the text only: RE2. Its only importer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

_LONGEST = 1000
"""Characters of a pattern."""


class PatternRefused(ValueError):
    """A text is no pattern of RE2, or too large a one."""


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a function that tells whether `pattern` is found anywhere in a text.

    Code points that UTF-8 cannot hold, as in file names that are no UTF-8, count as ``?``.

    Raises:
        PatternRefused: it is no regular expression, has look-around or back-references, or is too
            large.
    """
    return _compiled(pattern)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Callable[[str], bool]:
    import re2

    if len(pattern) > _LONGEST:
        raise PatternRefused(f"the pattern has {len(pattern)} characters; at most {_LONGEST} fit")
    options = re2.Options()
    options.log_errors = False
    try:
        search = re2.compile(pattern, options).search
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if isinstance(error, re2.error) and error.args else error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise PatternRefused(text) from error

    def found(text: str) -> bool:
        try:
            return search(text) is not None
        except UnicodeEncodeError:
            return search(text.encode("utf-8", "replace").decode()) is not None

    return found
