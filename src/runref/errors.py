"""The base of every error that runref raises on purpose, and the exit statuses.

Leaves stand beside the code that raises them. Each has a stable ``code`` that scripts may rely on
and that ``docs/reference/errors.md`` describes; only the command line turns an error into output.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitStatus(IntEnum):
    """What a runref command tells the shell."""

    DONE = 0
    NO = 1
    """The answer is no: runs differ, a gate failed, damage was found."""
    USAGE = 2
    COULD_NOT_RUN = 3
    INTERRUPTED = 130


class RunrefError(Exception):
    """Something runref can explain: what happened, to which object, and what to do next.

    Attributes:
        message: What happened, naming the object it happened to.
        hint: What the user can do about it; empty where nothing can be advised.
        code: Stable, documented identifier of the kind of error (kebab-case).
        exit_status: What the command line exits with.
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[ExitStatus] = ExitStatus.COULD_NOT_RUN

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
