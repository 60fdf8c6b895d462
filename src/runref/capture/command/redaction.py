"""Words of a command and texts of a shell as a record may show them: without what looks secret.

What cannot be seen: values of options whose names say nothing (``-u user:secret``), values attached
to a letter (``-psecret``), and what a program is given without a name.
"""

from __future__ import annotations

import re

from runref.capture.secrecy import MASK, looks_secret_name, mask_text

_NAME = re.compile(  # up to where the value begins; a mask itself is no name
    r"""
    (?<!secret\])(?<![\w.-])(?P<dashes>[-.]*)(?!secret\])(?P<name>\w[\w.-]*)(?P<closing>\\*["'])?
    (?: \s*(?P<sign>=>|:=|=|:(?!:))\s* | \s+(?![\s-]) )
    """,
    re.VERBOSE,
)
_CONSTANT = re.compile(r"(?:true|false|null|none)(?![^\s,;&|)}\]'\"])", re.IGNORECASE)
_QUOTED = re.compile(  # a quote that nobody closes reaches to the end
    r"(?P<quote>\\*[\"'])(?P<inner>(?:(?!(?P=quote))(?:\\.|.))*)", re.DOTALL
)
_BRACKETED = re.compile(r"[\[{].*[\]}]", re.DOTALL)
_WORD = re.compile(r"[^\s'\"&;|]+")
_TO_LINE_END = re.compile(r"[^\r\n]+")
_TO_QUOTE = {quote: re.compile(rf"[^{quote}\r\n]+") for quote in "'\""}


def redact_text(text: str) -> str:
    """Return `text` with values behind telling names masked, and everything `mask_text` knows.

    Names are those of options, assignments, headers and entries of JSON. Masking twice changes
    nothing.
    """
    parts: list[str] = []
    done = at = 0
    while found := _NAME.search(text, at):
        at = found.end()
        if _tells(found) and not text.startswith(MASK, at) and (span := _value(found)):
            parts += (text[done : span[0]], MASK)
            done = at = span[1]
    return mask_text("".join([*parts, text[done:]]))


def _tells(found: re.Match[str]) -> bool:
    """Return whether what follows a name in a text is a secret."""
    name, is_named_option = found["name"], "-" in found["dashes"]
    if not found["sign"]:
        return name.lower() == "bearer" or (is_named_option and looks_secret_name(name))
    if name.lower() == "key" and not is_named_option and not found["closing"]:
        return False  # sorted(rows, key=len)
    if found[0].endswith(":") and not found["closing"] and _is_address(found):
        return False
    return looks_secret_name(name)


def _is_address(found: re.Match[str]) -> bool:
    """Return whether a name is of a function or an image: pkg.auth:main, registry/auth:latest."""
    return "." in found["name"] or _before(found) == "/"


def _before(found: re.Match[str]) -> str:
    return found.string[found.start() - 1 : found.start()]


def _value(found: re.Match[str]) -> tuple[int, int] | None:
    """Return where the value behind a name begins and ends, without its quotes."""
    text, at = found.string, found.end()
    if quoted := _QUOTED.match(text, at):
        return None if quoted["inner"] in ("", MASK) else quoted.span("inner")
    if _CONSTANT.match(text, at):
        return None
    pattern = _BRACKETED if _BRACKETED.match(text, at) else _WORD
    if found["name"].lower().endswith("authorization") and not found["closing"]:
        # A header: scheme and value, up to its end.
        pattern = _TO_QUOTE.get(_before(found), _TO_LINE_END)
    value = pattern.match(text, at)
    return value.span() if value else None
