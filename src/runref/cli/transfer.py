"""What ``runref push`` and ``runref pull`` have in common: options, and telling what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runref.cli.output import printable, tell
from runref.cli.text import count_of, format_size
from runref.errors import RunrefError
from runref.project.config import InvalidConfig, parse_size

if TYPE_CHECKING:
    from runref.artifacts.transfer.failing import Failure
    from runref.project.remotes import Remote

F = TypeVar("F", bound=Callable[..., Any])

_NAMED = 3
"""How many of several contents a message names."""
_DIGITS = 19
"""``sha256:`` and 12 digits, as many as tell contents apart."""


class Rate(click.ParamType[int]):
    """A size as bytes per second."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes per second."""
        try:
            rate = parse_size(value)
        except InvalidConfig as error:
            self.fail(f"{error.message}: {error.hint}", param, ctx)
        if not rate:
            self.fail("Nothing moves at 0 bytes per second.", param, ctx)
        return rate


def transfer_options(command: F) -> F:
    """Declare which remotes of artifacts take part, and how much may be asked of them."""
    for option in (
        click.option(
            "--limit-rate", metavar="SIZE", type=Rate(), help="Bytes per second: 20 MB, 512 KiB …"
        ),
        click.option(
            "-j",
            "--jobs",
            metavar="N",
            type=click.IntRange(min=1),
            help="Requests at once; by default, what the settings say.",
        ),
        click.option(
            "--remote",
            "remotes",
            metavar="NAME",
            multiple=True,
            help="Artifacts: only this remote; repeatable.",
        ),
    ):
        command = option(command)
    return command


def adjusted(
    remotes: Iterable[Remote], jobs: int | None, limit_rate: int | None
) -> tuple[Remote, ...]:
    """Return remotes of which no more is asked than a command's options say."""
    return tuple(
        replace(
            remote,
            concurrency=jobs or remote.concurrency,
            max_rate=limit_rate or remote.max_rate,
        )
        for remote in remotes
    )


def moved(count: int, size: int) -> str:
    """Return ``12 files, 3.4 MiB``."""
    return f"{count:,} {'file' if count == 1 else 'files'}, {format_size(size)}"


def tell_some(where: str, digests: Sequence[str], state: str) -> None:
    """Name contents, the first few by digest, and say what is the matter with them."""
    if digests:
        verb = "is" if len(digests) == 1 else "are"
        tell(f"{where}: {len(digests):,} {verb} {state}: {_some(digests)}")


def tell_failed(where: str, failed: Sequence[Failure]) -> None:
    """Name what could not be moved, and why."""
    for each in failed[:_NAMED]:
        tell(f"{where}: {_short(each.digest)}: {_explained(each.error)}")
    if len(failed) > _NAMED:
        tell(f"{where}: {count_of(len(failed) - _NAMED, 'file')} more could not be moved")


def tell_error(where: str, error: RunrefError) -> None:
    """Tell what ended a transfer."""
    tell(f"{where}: {_explained(error)}")


def error_document(error: RunrefError | None) -> dict[str, str] | None:
    """Return an error as JSON shows it."""
    if error is None:
        return None
    return {"code": error.code, "message": error.message, "hint": error.hint}


def failure_documents(failed: Iterable[Failure]) -> list[dict[str, object]]:
    """Return failures as JSON shows them."""
    return [{"digest": each.digest, "error": error_document(each.error)} for each in failed]


def _explained(error: RunrefError) -> str:
    return printable(f"{error.message} ({error.hint})" if error.hint else error.message)


def _some(digests: Sequence[str]) -> str:
    more = f" and {len(digests) - _NAMED} more" if len(digests) > _NAMED else ""
    return ", ".join(map(_short, digests[:_NAMED])) + more


def _short(digest: str) -> str:
    return digest[:_DIGITS]
