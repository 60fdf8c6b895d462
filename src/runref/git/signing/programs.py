"""Running a program that signs or checks, so that it cannot hold up who calls it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from runref.errors import RunrefError

_PATIENCE_SECONDS = 10.0
"""For a program that may not ask anything; a busy machine, or a key on a slow token."""


class CannotSign(RunrefError):
    """A signature could not be made."""

    code = "cannot-sign"


class SigningProgramMissing(RunrefError):
    """The program that makes or checks signatures cannot be started."""

    code = "signing-program-missing"


class Ended(NamedTuple):
    """What a program said: its exit status, standard output, and standard error as text."""

    status: int
    out: bytes
    err: str

    def last_words(self, *, without: Sequence[str] = ()) -> str:
        """Return the last line of standard error that says something."""
        lines = (line.strip() for line in reversed(self.err.splitlines()))
        said = next((line for line in lines if line and line not in without), "")
        return said or f"exit status {self.status}"


def run_program(
    argv: Sequence[str], data: bytes, environ: Mapping[str, str], *, may_ask: bool = False
) -> Ended:
    """Run a program over `data`.

    Args:
        argv: The program and its arguments.
        data: Its standard input.
        environ: Its environment variables; its messages are made English.
        may_ask: Whether it may use the terminal and take its time. Otherwise it has none, and is
            ended after ten seconds.

    Raises:
        SigningProgramMissing: It cannot be started.
        CannotSign: It did not end in time.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environ, "LC_ALL": "C", **({} if may_ask else {"SSH_ASKPASS_REQUIRE": "never"})},
            start_new_session=not may_ask,  # without a terminal nothing can be asked
        )
    except OSError as error:
        raise SigningProgramMissing(
            f"{argv[0]} cannot be started: {error.strerror}",
            hint="Install it, or name it: `git config gpg.program` and `gpg.ssh.program`.",
        ) from error
    with process:
        try:
            out, err = process.communicate(data, None if may_ask else _PATIENCE_SECONDS)
        except subprocess.TimeoutExpired as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise CannotSign(
                f"{argv[0]} did not end within {_PATIENCE_SECONDS:g} s",
                hint="See whether it waits for a passphrase or a token; an agent can hold the key.",
            ) from error
    return Ended(process.returncode, out, err.decode("utf-8", "replace"))
