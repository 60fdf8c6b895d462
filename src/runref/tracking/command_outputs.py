"""The outputs that a command is to write, told apart from what lay there before it ran."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from runref.tracking.naming import is_pattern, paths_named
from runref.tracking.run import Run


@dataclass(frozen=True, slots=True)
class NamedOutput:
    """An output as it was named before the command ran.

    Attributes:
        name: A path or a pattern.
        folder: Where a relative name begins.
        of_every_run: Whether the settings name it, for all runs alike.
    """

    name: str
    folder: Path
    of_every_run: bool = False


class CommandOutputs:
    """What a command is to write.

    What lies there unchanged since before the command ran is an output of some earlier run. The
    status of a file tells: its inode, its size and its times, among them the one that no program
    sets at will. No clock is compared with another one.

    Args:
        names: How the outputs are named.
    """

    def __init__(self, names: Iterable[NamedOutput]) -> None:
        self._names = tuple(names)
        self._before: dict[Path, bytes] = {}

    def remember(self) -> None:
        """Note how what is there lies there, before the command runs."""
        paths = {path for output in self._names for path in _paths(output)}
        self._before = {path: stamp for path in paths if (stamp := _stamp(path))}

    def record(self, run: Run, *, finished: bool) -> None:
        """Record what the command wrote, now that it has ended.

        What it did not write is recorded only where it was named by its path and the run finished,
        as a program may find it up to date; that is told in any case. What the settings name for
        every run is recorded where this one wrote it.

        Args:
            run: The run.
            finished: Whether the command did what it was to do.
        """
        for output in self._names:
            paths = list(_paths(output))
            written = [path for path in paths if self._is_written(path)]
            for path in written:
                run.log_output(path)
            if written or output.of_every_run:
                continue
            if paths:
                _record_unwritten(run, output, finished=finished)
            elif finished:
                run.log_output(Path(escape(os.fspath(output.folder)), output.name))

    def _is_written(self, path: Path) -> bool:
        return path not in self._before or self._before[path] != _stamp(path)


def _record_unwritten(run: Run, output: NamedOutput, *, finished: bool) -> None:
    recorded = finished and not is_pattern(output.name, output.folder)
    if recorded:
        run.log_output(output.folder / output.name)
    run.report(
        "output-not-written",
        f"output {output.name} lay there before the run, which did not write it"
        f"{'' if recorded else ': not recorded'}",
    )


def _paths(output: NamedOutput) -> Iterator[Path]:
    """Yield what is there; that a folder cannot be read is told by whoever records the name."""
    try:
        paths = paths_named(output.name, output.folder)
    except OSError:
        return
    yield from (path for path in paths if path.exists())


def _stamp(path: Path) -> bytes:
    """Return what changes whenever a file, or a file of a folder, is written or replaced.

    Nothing where that cannot be seen, or changes this very moment.
    """
    summary = hashlib.sha256()
    try:
        for name, status in _statuses(os.fspath(path)):
            parts = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            summary.update(repr((name, parts)).encode("utf-8", "surrogateescape"))
    except OSError:
        return b""
    return summary.digest()


def _statuses(path: str) -> Iterator[tuple[str, os.stat_result]]:
    yield path, os.stat(path)  # noqa: PTH116 - a folder may hold many files
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            below = f"{folder}{os.sep}{name}"
            yield below, os.lstat(below)
