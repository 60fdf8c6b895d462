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
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they are
        return self._stored(absolute, self._shown(absolute))

    def add_made(self, name: str, save: Callable[..., Any]) -> DataFile:
        """Store what ``save(file)`` writes, as the output `name`."""
        with tempfile.TemporaryDirectory(prefix="runref-") as folder:
            target = Path(folder) / Path(name).name
            try:
                save(target)
            except (OSError, ValueError, TypeError) as error:
                return DataFile(name, "file", "", 0, stored=False, problem=str(error))
            return self._stored(target, name)

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
        kind = "directory" if path.is_dir() else "file"
        return DataFile(shown, kind, "", 0, stored=False, problem=problem)

    def _shown(self, path: Path) -> str:
        for candidate in (path, path.resolve()):
            if candidate.is_relative_to(self._root):
                return candidate.relative_to(self._root).as_posix()
        return str(path)
