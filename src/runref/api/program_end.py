"""Seeing to it that the end of the program ends its runs, as what it was."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, NoReturn

from runref.tracking.failures import Terminated

_STOPPING = (signal.SIGTERM, signal.SIGHUP)


class ProgramEnd:
    """Watches how the program ends.

    An exception that nobody catches is what the interpreter says it was (``sys.last_value``). It
    does not tell the status given to ``sys.exit``, so that function is wrapped. SIGTERM and SIGHUP
    become the exception `Terminated` in the main thread, unless the program handles them itself;
    a second one ends the program at once.

    Args:
        end_runs: Ends the runs that are open, given the exception that ends the program, or none.
    """

    def __init__(self, end_runs: Callable[[BaseException | None], None]) -> None:
        self._end_runs = end_runs
        self._watching = False
        self._exit: SystemExit | None = None
        os.register_at_fork(after_in_child=self._forked)

    def watch(self) -> None:
        """Begin to watch, unless that is done already."""
        if self._watching:
            return
        self._watching = True
        atexit.register(self._at_exit)
        self._at_end_of_worker()
        self._wrap_exit()
        self._wrap_hook()
        if threading.current_thread() is threading.main_thread():
            for number in _STOPPING:
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, self._terminate)

    def _terminate(self, number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Terminated(number)

    def _wrap_exit(self) -> None:
        original = sys.exit

        def exit_and_note(status: Any = None, /) -> NoReturn:
            try:
                original(status)
            except SystemExit as error:
                if threading.current_thread() is threading.main_thread():
                    self._exit = error.with_traceback(None)
                raise

        sys.exit = exit_and_note

    def _wrap_hook(self) -> None:
        previous = sys.excepthook

        def hide_terminated(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            if not isinstance(error, Terminated):
                previous(kind, error, trace)

        sys.excepthook = hide_terminated

    def _at_end_of_worker(self) -> None:
        """Watch the end of a ``multiprocessing`` worker too, which runs no exit functions."""
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, lambda: self._end_runs(sys.exc_info()[1]), exitpriority=-100)

    def _at_exit(self) -> None:
        error = self._ended_by()
        self._end_runs(error)
        # The shell is to see that a signal ended the program.
        if isinstance(error, KeyboardInterrupt):
            _mark_interrupted()
        elif isinstance(error, Terminated):
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os.kill(os.getpid(), error.number)

    def _ended_by(self) -> BaseException | None:
        if hasattr(sys, "ps1"):
            return None  # at a prompt, an exception does not end the program
        error: BaseException | None = getattr(sys, "last_value", None)
        return error or self._exit

    def _forked(self) -> None:
        """In a forked child: signals end it as they would without runref."""
        self._watching = False
        self._exit = None
        for number in _STOPPING:
            if signal.getsignal(number) == self._terminate:
                signal.signal(number, signal.SIG_DFL)


def _mark_interrupted() -> None:
    """Let the interpreter end itself by SIGINT, when all exit functions have run.

    It does so by itself after a KeyboardInterrupt, but forgets it with the next ``exec`` of a text,
    which the modules that the end of a run imports use (Python/pythonrun.c, run_eval_code_obj).
    """
    with suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt")  # noqa: S102 - a constant
