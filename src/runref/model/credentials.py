"""What of a URL and its options is a secret, so that it is neither shared nor printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<userinfo>[^/?#\s]*)@")
_QUERY = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://[^\s?#\"'<>]*)\?[^\s\"'<>]*")

_SECRET = re.compile(
    r"""
    key | token | secret | pass | sas | cookies? | authorization | credentials?
    | \w*(?:password|passwd|passphrase|secret) | \w*_(?:key|token|sas|credentials?)
    | (?:connection|conn)_(?:string|str)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PUBLIC = frozenset({"google_default", "cloud", "browser", "anon", "cache"})
"""Values of gcsfs's ``token`` that say where to look for one."""


def credentials_in(url: str, options: Mapping[str, Any]) -> list[str]:
    """Return the names of what looks secret: options, and ``password in the URL``.

    Access to secrets goes by name (``profile``) or by file (``key_filename``): neither is one.

    Args:
        url: A remote's URL.
        options: Its options, nested or with dotted names.
    """
    found = sorted(_secret_names(options))
    if _password_in(url):
        found.append("password in the URL")
    return found


def without_credentials(text: str) -> str:
    """Return a URL, or a text with URLs in it, without passwords and query strings.

    A query is left out whole: it may sign the URL. A user name stays where no password follows it,
    as in ``sftp://ada@host/path``; over HTTP it goes, too, as tokens are given in its place.
    """
    return _QUERY.sub(r"\g<before>", _USERINFO.sub(_without_password, text))


def _without_password(found: re.Match[str]) -> str:
    userinfo = found["userinfo"]
    over_http = found["scheme"].lower() in ("http://", "https://")
    keeps = userinfo and not over_http and ":" not in userinfo and "@" not in userinfo
    return f"{found['scheme']}{userinfo}@" if keeps else found["scheme"]


def _secret_names(options: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _secret_names(value, f"{above}{name}.")
        elif value and not isinstance(value, bool) and _is_secret(name, value):
            yield f"{above}{name}"


def _is_secret(name: str, value: Any) -> bool:
    last = name.rpartition(".")[2]
    if last.lower() == "token" and value in _PUBLIC:
        return False
    return _SECRET.fullmatch(last) is not None


def _password_in(url: str) -> bool:
    authority = urlsplit(url).netloc
    userinfo, at, _host = authority.rpartition("@")
    return bool(at) and ":" in userinfo
