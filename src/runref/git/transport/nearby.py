"""Repositories in a folder of this machine, which may be one of a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runref.git.files import ask_again_below
from runref.git.transport.transport import GitUnreachable, OnProgress, Transport, no_progress


@dataclass(frozen=True, slots=True)
class Nearby:
    """Another repository in a folder; see `Transport`.

    What fails is tried once more, after this machine has asked again for what another one may have
    written to either repository meanwhile.

    Attributes:
        transport: The way to it.
        folders: The git directories of both.
    """

    transport: Transport
    folders: tuple[Path, ...]

    def fetch(self, folder: Path, ref: str, *, on_progress: OnProgress = no_progress) -> str:
        """See `Transport.fetch`."""
        try:
            return self.transport.fetch(folder, ref, on_progress=on_progress)
        except GitUnreachable:
            self._look_anew()
            return self.transport.fetch(folder, ref, on_progress=on_progress)

    def push(
        self, folder: Path, ref: str, *, old: str, new: str, on_progress: OnProgress = no_progress
    ) -> None:
        """See `Transport.push`."""
        try:
            self.transport.push(folder, ref, old=old, new=new, on_progress=on_progress)
        except GitUnreachable:
            self._look_anew()
            self.transport.push(folder, ref, old=old, new=new, on_progress=on_progress)

    def _look_anew(self) -> None:
        for folder in self.folders:
            ask_again_below(str(folder))


def folder_of(url: str, start: Path) -> Path | None:
    """Return the git directory that a URL or path means on this machine; none where it is none.

    Args:
        url: As it stands in the configuration.
        start: Where relative paths begin.
    """
    path = start / url.removeprefix("file://")
    return next((each for each in (path / ".git", path) if (each / "objects").is_dir()), None)
