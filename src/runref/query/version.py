"""The order of versions, as texts that sort by code point.

PEP 440: epoch, release, then pre-releases, the release, post-releases, each with its development
releases before it, and local versions after the version they belong to; ``2.1`` equals ``2.1.0``.
What is no such version sorts before all that are, by its text.
"""

from __future__ import annotations

import re

_VERSION = re.compile(
    r"""v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>[0-9]*))?
    (?P<post>-(?P<implicit>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>[0-9]*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?""",
    re.VERBOSE | re.ASCII,
)
_PRE = {"alpha": "a", "a": "a", "beta": "b", "b": "b"}
_LONGEST = 200
"""Characters of the longest text that is read as a version."""
_DIGITS = 99
"""Digits of the longest number in a version."""

AFTER_LOCAL = "3"
"""Comes after every local version of the public version whose key it is appended to."""


def is_version(text: str) -> bool:
    """Tell whether `text` is a version of PEP 440."""
    return public_key(text) is not None


def has_local(text: str) -> bool:
    """Tell whether a version names a local version: ``2.1.0+cu118``."""
    return "+" in text


def sort_key(text: str) -> str:
    """Return a text that sorts by code point as `text` sorts as a version."""
    public = public_key(text)
    if public is None:
        return f"0{text}"
    local = text.strip().lower().partition("+")[2]
    segments = re.split(r"[-_.]", local) if local else []
    return public + "".join(map(_segment, segments)) + "0"


def public_key(text: str) -> str | None:
    """Return the part of `sort_key` that all local versions share; none for what is no version."""
    match = _VERSION.fullmatch(text.strip().lower()) if len(text) <= _LONGEST else None
    if match is None or any(len(digits) > _DIGITS for digits in re.findall(r"[0-9]+", text)):
        return None
    release = [int(part) for part in match["release"].split(".")]
    while len(release) > 1 and not release[-1]:
        release.pop()
    parts = ["1", _number(match["epoch"])]
    parts += [f"2{_number(part)}" for part in release]
    parts.append("1")
    return "".join(parts) + _phase(match)


def _phase(match: re.Match[str]) -> str:
    if match["pre"]:
        pre = f"1{_PRE.get(match['pre'], 'r')}{_number(match['pre_number'])}"
    else:
        pre = "0" if match["dev"] and not match["post"] else "2"
    post = f"1{_number(match['implicit'] or match['post_number'])}" if match["post"] else "0"
    dev = f"0{_number(match['dev_number'])}" if match["dev"] else "1"
    return pre + post + dev


def _segment(local: str) -> str:
    return f"2{_number(local)}" if local.isdigit() else f"1{local}!"


def _number(digits: str | int | None) -> str:
    text = str(int(digits or 0))
    return f"{len(text):02d}{text}"
