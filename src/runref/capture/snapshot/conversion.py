"""Files that git has with other line endings than the working tree."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runref.capture.snapshot.survey import Fresh
    from runref.git.line_endings import LineEndings


class Conversion:
    """What git would make of the files of one working tree, as its rules are now."""

    def __init__(self) -> None:
        self._line_endings: dict[bytes, LineEndings] = {}

    def blob_of(self, file: Fresh, data: bytes) -> str:
        """Name the blob that git would store for a file; empty where that has the same bytes."""
        repository = file.scope.repository
        if repository is None or b"\r\n" not in data or not stat.S_ISREG(file.status.st_mode):
            return ""
        folder = file.scope.folder
        if folder not in self._line_endings:
            self._line_endings[folder] = repository.line_endings()
        stored = self._line_endings[folder].stored(file.path[len(folder) :], data)
        return "" if stored is data else repository.objects.hash("blob", stored)
