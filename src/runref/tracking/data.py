"""Inputs and outputs of a run: from a path to its digest, its content stored."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from runref.artifacts import LocalStore, conflict
from runref.errors import RunrefError
from runref.model.record import DataFile

_NAMED = 3
"""How many of several files a message names."""


class DataStore:
    """Records what a run reads and writes.

    Args:
        store: Where contents go.
        root: Root of the working tree; paths inside are recorded relative to it.
        common_dir: The git directory that all worktrees share: no data of any run.
        on_progress: Told the bytes read since it was last called.
    """

    def __init__(
        self,
        store: LocalStore,
        root: Path,
        common_dir: Path,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self._store = store
        self._root = root
        self._common_dir = common_dir
        self._on_progress = on_progress

    def add(self, path: str | os.PathLike[str]) -> DataFile:
        """Store what lies at `path` and return its description; never raises for the content.

        What could not be read or stored is said in ``problem``. The working tree as a whole and the
        git directory are neither: who brings them back would replace the repository.
        """
        given = os.fsdecode(path)
        try:
            absolute = os.path.abspath(given)  # noqa: PTH100 - links stay as they are
            shown = self._shown(absolute)
        except FileNotFoundError:
            return _lost(given, "the working directory was deleted")
        except ValueError as error:  # a path with a zero byte
            return _lost(given, str(error))
        real = Path(os.path.realpath(absolute))
        problem = conflict(real, self._root, self._common_dir)
        if problem:
            problem = f"it {problem}; name the files or the folder that hold the data"
            return _lost(shown, problem, kind="directory" if real.is_dir() else "file")
        return self._stored(Path(absolute), shown)

    def add_made(self, name: str, save: Callable[..., Any]) -> DataFile:
        """Store what ``save(file)`` writes, as the output `name`."""
        try:
            with tempfile.TemporaryDirectory(prefix="runref-") as folder:
                target = Path(folder) / (Path(name).name or "figure")
                save(target)
                return self._stored(target, name)
        except Exception as error:  # noqa: BLE001 - drawing is foreign code and may raise anything
            return _lost(name, str(error) or type(error).__name__)

    def _stored(self, path: Path, shown: str) -> DataFile:
        try:
            artifact = self._store.add(path, on_progress=self._on_progress)
        except RunrefError as error:
            problem = error.message
        except OSError as error:
            problem = error.strerror or str(error)
        else:
            return DataFile(
                shown,
                artifact.kind,
                artifact.digest,
                artifact.size,
                files=artifact.files,
                problem=_without(artifact.left_out),
            )
        return _lost(shown, problem, kind="directory" if path.is_dir() else "file")

    def _shown(self, path: str) -> str:
        """Return a path relative to the working tree's root where it lies inside, else whole."""
        root = os.fspath(self._root)
        for candidate in (path, os.path.realpath(path)):
            if Path(candidate).is_relative_to(root):
                return Path(candidate).relative_to(root).as_posix()
        return path


def _without(left_out: Sequence[str]) -> str:
    if not left_out:
        return ""
    more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
    return f"recorded without what has no content: {', '.join(left_out[:_NAMED])}{more}"


def _lost(shown: str, problem: str, *, kind: str = "file") -> DataFile:
    return DataFile(shown, kind, "", 0, stored=False, problem=problem)
