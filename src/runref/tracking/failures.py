"""How a run ended, read off the exception or the exit status that ended it."""

from __future__ import annotations

import signal
import traceback
from dataclasses import dataclass

from runref.model.record import FAILED, FINISHED, INTERRUPTED, Failure, Resources
from runref.tracking.run_directory import End

_TRACEBACK_LIMIT = 64 << 10
_STOPPING = frozenset({"SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"})
_STOPPING_STATUS = {128 + signal.Signals[name]: name for name in _STOPPING}


class Terminated(BaseException):
    """The process was told to stop by a signal other than SIGINT."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.signal = signal_name(number)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended."""

    status: str = FINISHED
    exit_status: int | None = None
    signal: str = ""
    failure: Failure | None = None
    resources: Resources | None = None

    def after(self, duration: float) -> End:
        """Return this ending of a run that took `duration` seconds."""
        return End(
            status=self.status,
            duration=duration,
            exit_status=self.exit_status,
            signal=self.signal,
            failure=self.failure,
            resources=self.resources,
        )


def ending_of(error: BaseException | None) -> Ending:
    """Return how a run ended whose block was left by `error`, or normally."""
    if error is None:
        return Ending()
    if isinstance(error, KeyboardInterrupt):
        return Ending(INTERRUPTED, signal="SIGINT")
    if isinstance(error, Terminated):
        return Ending(INTERRUPTED, signal=error.signal)
    if isinstance(error, SystemExit):
        status = exit_status_of(error)
        return Ending(FAILED if status else FINISHED, exit_status=status)
    return Ending(FAILED, failure=describe(error))


def ending_of_command(exit_status: int, signal_name: str, resources: Resources) -> Ending:
    """Return how a run ended whose command left `exit_status` or was ended by a signal.

    A shell in between tells of a signal by a status over 128; those of the stopping signals count
    as such.
    """
    stopped = signal_name or _STOPPING_STATUS.get(exit_status, "")
    if stopped in _STOPPING:
        status = INTERRUPTED
    else:
        status = FAILED if exit_status or signal_name else FINISHED
    return Ending(status, exit_status=exit_status, signal=stopped, resources=resources)


def describe(error: BaseException) -> Failure:
    """Return an exception as the record keeps it, a very long traceback by its end."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return Failure(type(error).__qualname__, str(error)[:2000], text[-_TRACEBACK_LIMIT:])


def exit_status_of(error: SystemExit) -> int:
    """Return the exit status that Python gives the shell for `error`."""
    if error.code is None:
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1


def signal_name(number: int) -> str:
    """Return ``SIGTERM`` for 15."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
