"""What an exception of a driver says: the server's answer, somewhere along the chain of causes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from runref.model.credentials import without_credentials

_DRIVERS = frozenset(
    {
        *("adlfs", "aiobotocore", "aiohttp", "asyncio", "azure", "boto3", "botocore", "concurrent"),
        *("fsspec", "gcsfs", "google", "http", "httpx", "ocifs", "oss2", "ossfs", "paramiko"),
        *("pyarrow", "requests", "s3fs", "smbprotocol", "socket", "spnego", "ssl", "urllib3"),
        "webdav4",
    }
)
"""Packages whose exceptions are a remote's failures; `OSError` is one from anywhere. Everything
else is an error of this program and stays what it is."""

_LONGEST = 500
"""Characters of a server's words: some send a page of HTML."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said went wrong.

    Attributes:
        code: Its own word for it, such as ``NoSuchBucket``; empty where it has none.
        message: Its words for people; empty where there are none.
        status: Of HTTP; 0 where it is not known.
        date: When it said so by its own clock, as HTTP spells it; empty where it is not known.
    """

    code: str = ""
    message: str = ""
    status: int = 0
    date: str = ""


def is_failure(error: BaseException) -> bool:
    """Tell whether an exception is about the remote, and none of this program's own mistakes."""
    if isinstance(error, (OSError, EOFError)):
        return True
    modules = (kind.__module__.partition(".")[0] for kind in type(error).__mro__)
    return not _DRIVERS.isdisjoint(modules)


def causes(error: BaseException) -> list[BaseException]:
    """Return an exception and what led to it, latest first."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    return chain


def answer_in(chain: Sequence[BaseException]) -> Answer | None:
    """Return the latest answer of a server in a chain of causes; none where there is none."""
    return next((answer for answer in map(_answer, chain) if answer is not None), None)


def words(answer: Answer | None, chain: Sequence[BaseException]) -> str:
    """Return the server's own words, or else the system's, in one line and without secrets."""
    if answer is not None and (answer.message or answer.code):
        text = f"{answer.message or 'no reason given'} ({answer.code or answer.status})"
    else:
        error = chain[0]
        text = str(getattr(error, "strerror", None) or error) or type(error).__name__
        file = getattr(error, "filename", None)
        text = f"{text}: {file}" if file and str(file) not in text else text
    line = " ".join(without_credentials(text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _answer(error: BaseException) -> Answer | None:
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return _of_botocore(response)
    # Of the other drivers' exceptions only the status is alike enough to be read by everybody's.
    status = next(_statuses(error, response), None)
    if status is None:
        return None
    return Answer(str(getattr(error, "error_code", None) or ""), "", status)


def _of_botocore(response: dict[str, Any]) -> Answer:
    details = response.get("Error") or {}
    metadata = response.get("ResponseMetadata") or {}
    headers = metadata.get("HTTPHeaders") or {}
    return Answer(
        str(details.get("Code") or ""),
        str(details.get("Message") or ""),
        int(metadata.get("HTTPStatusCode") or 0),
        str(headers.get("date") or ""),
    )


def _statuses(*places: Any) -> Iterator[int]:
    for place in places:
        for name in ("status_code", "status", "code"):
            status = getattr(place, name, None)
            if isinstance(status, int) and 400 <= status < 600:
                yield status
