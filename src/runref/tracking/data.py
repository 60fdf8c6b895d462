"""Inputs and outputs of a run: from a path to its digest, its content stored."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runref.artifacts import LocalStore
from runref.errors import RunrefError
from runref.model.record import DataFile


class DataStore:
    """Records what a run reads and writes.

    Args:
        store: Where contents go.
        root: Root of the working tree; paths inside are recorded relative to it.
        on_progress: Told the bytes read since it was last called.
    """

    def __init__(
        self,
        store: LocalStore,
        root: Path,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self._store = store
        self._root = root
        self._on_progress = on_progress

    def add(self, path: str | os.PathLike[str]) -> DataFile:
        """Store what lies at `path` and return its description; never raises for the content.

        What could not be read or stored is said in ``problem``.
        """
        given = os.fsdecode(path)
        try:
            absolute = os.path.abspath(given)  # noqa: PTH100 - links stay as they are
            shown = self._shown(absolute)
        except FileNotFoundError:
            return _lost(given, "the working directory was deleted")
        except ValueError as error:  # a path with a zero byte
            return _lost(given, str(error))
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
                shown, artifact.kind, artifact.digest, artifact.size, files=artifact.files
            )
        return _lost(shown, problem, kind="directory" if path.is_dir() else "file")

    def _shown(self, path: str) -> str:
        """Return a path relative to the working tree's root where it lies inside, else whole."""
        root = os.fspath(self._root)
        for candidate in (path, os.path.realpath(path)):
            if Path(candidate).is_relative_to(root):
                return Path(candidate).relative_to(root).as_posix()
        return path


def _lost(shown: str, problem: str, *, kind: str = "file") -> DataFile:
    return DataFile(shown, kind, "", 0, stored=False, problem=problem)
