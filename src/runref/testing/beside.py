"""Looking at what a remote holds without the remote."""

from __future__ import annotations

from pathlib import Path


class Beside:
    """The files below a remote's URL as other programs see them; here, those of a folder.

    Derive from it for a remote that is no folder, and use the storage's own client: what is checked
    here is that ``sha256sum`` and a file manager find what runref says.

    Args:
        folder: Where the remote's URL leads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self) -> dict[str, bytes]:
        """Return every file, unfinished ones included, by its path below the URL."""
        return {
            each.relative_to(self._folder).as_posix(): each.read_bytes()
            for each in self._folder.rglob("*")
            if each.is_file()
        }

    def put(self, path: str, data: bytes) -> None:
        """Write a file, replacing what is there."""
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_bytes(data)
