"""What the proxy can do to a request: values, which a rule of a test chooses from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the proxy sees it, before anything is done about it.

    Attributes:
        number: Counts all requests, from 1.
        nth: Counts the requests with this method, path and query, from 1: a second try is the 2nd.
        method: ``GET``, ``PUT`` and so on.
        path: Path of the URL, as it was sent.
        query: What stands behind the ``?`` of the URL.
        headers: Headers by their names in lower case.
    """

    number: int
    nth: int
    method: str
    path: str
    query: str
    headers: Mapping[str, str]


class Fault:
    """Something that happens to a request instead of its being served."""


@dataclass(frozen=True, slots=True)
class HangUpBefore(Fault):
    """The connection ends; the server never hears of the request."""


@dataclass(frozen=True, slots=True)
class HangUpAfter(Fault):
    """The server does what was asked, and the connection ends instead of its answer."""


@dataclass(frozen=True, slots=True)
class CutUpload(Fault):
    """The connections end after `keep` bytes of the request's body, on both sides."""

    keep: int


@dataclass(frozen=True, slots=True)
class CutBody(Fault):
    """The connection ends after `keep` bytes of the answer's body, short of what was announced."""

    keep: int


@dataclass(frozen=True, slots=True)
class ShortBody(Fault):
    """The answer's body is `keep` bytes long, and no header but the ETag contradicts it."""

    keep: int


@dataclass(frozen=True, slots=True)
class Delay(Fault):
    """The request is served, so many seconds later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Refuse(Fault):
    """The answer is an S3 error, and the server never hears of the request."""

    status: int
    code: str


SLOW_DOWN = Refuse(503, "SlowDown")
INTERNAL_ERROR = Refuse(500, "InternalError")

Rule = Callable[[Call], Fault | None]
"""Decides what happens to a request; with none it is served. Called by many threads."""


def harmless(_call: Call) -> Fault | None:
    """Let every request pass."""
    return None
