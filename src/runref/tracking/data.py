"""Inputs and outputs of a run: from how they are named to what the record says of them."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from runref.artifacts import LocalStore, conflict
from runref.artifacts.artifact import Artifact
from runref.capture.secrecy import mask_text, strip_credentials
from runref.errors import RunrefError
from runref.git.sweep_mark import sweep_mark
from runref.model.record import DataFile
from runref.tracking.at_urls import UrlOptions, copied, no_options, referred
from runref.tracking.naming import is_elsewhere, local_path, paths_named

_NAMED = 3
"""How many of several files a message names."""

StrPath = str | os.PathLike[str]


class DataStore:
    """Records what a run reads and writes. Nothing that it does raises for the content.

    What could not be read or stored is said in ``problem``. The working tree as a whole and the git
    directory are neither input nor output: who brings them back would replace the repository.

    Args:
        store: Where contents go.
        root: Root of the working tree; paths inside are recorded relative to it.
        common_dir: The git directory that all worktrees share: no data of any run.
        reference_over: Bytes; larger local inputs are hashed and not stored. None: no limit.
        url_options: Returns the options for a URL.
        on_progress: Told the bytes of local files read since it was last called.
        on_download: Told how many bytes of a URL came, and of how many.
    """

    def __init__(
        self,
        store: LocalStore,
        root: Path,
        common_dir: Path,
        *,
        reference_over: int | None = None,
        url_options: UrlOptions = no_options,
        on_progress: Callable[[int], None] | None = None,
        on_download: Callable[[int, int], None] | None = None,
    ) -> None:
        self._store = store
        self._root = root
        self._common_dir = common_dir
        self._reference_over = reference_over
        self._url_options = url_options
        self._on_progress = on_progress
        self._on_download = on_download

    def inputs(
        self, name: StrPath, folder: Path = Path(), *, copy: bool = False
    ) -> Iterator[DataFile]:
        """Yield the description of everything that a name leads to, stored or by reference.

        Args:
            name: A path, a pattern (see `paths_named`) or a URL.
            folder: Where a relative name begins.
            copy: Store the content also of a URL, and of what is larger than `reference_over`.
        """
        given = os.fsdecode(name)
        if is_elsewhere(given):
            yield self._at_url(given, copy=copy)
        else:
            limit = None if copy else self._reference_over
            yield from self._named(local_path(given), folder, limit)

    def outputs(self, name: StrPath, folder: Path = Path()) -> Iterator[DataFile]:
        """Yield the description of everything that a name leads to, stored.

        Args:
            name: A path or a pattern (see `paths_named`).
            folder: Where a relative name begins.
        """
        given = os.fsdecode(name)
        if is_elsewhere(given):
            yield _lost(strip_credentials(given), "an output is a file or folder of this machine")
        else:
            yield from self._named(local_path(given), folder, None)

    def output_made(
        self, name: str, save: Callable[..., Any], record: Callable[[DataFile], None]
    ) -> None:
        """Store what ``save(file)`` writes, as the output `name`, and record it."""
        try:
            with tempfile.TemporaryDirectory(prefix="runref-") as folder:
                target = Path(folder) / (Path(name).name or "figure")
                save(target)
                self.recorded(lambda: [self._stored(target, name)], record)
        except Exception as error:  # noqa: BLE001 - drawing is foreign code and may raise anything
            record(_lost(name, str(error) or type(error).__name__))

    def recorded(
        self, describe: Callable[[], Iterable[DataFile]], record: Callable[[DataFile], None]
    ) -> None:
        """Record files that `describe` stores and describes.

        What was stored before the record named it may be freed by somebody who saw no use of it.
        Then it is stored once more.
        """
        mark = sweep_mark(self._common_dir)
        for file in describe():
            record(file)
        while mark != (mark := sweep_mark(self._common_dir)):
            for _ in describe():
                pass

    def _named(self, name: str, folder: Path, limit: int | None) -> Iterator[DataFile]:
        try:
            paths = paths_named(name, folder)
            shown = self._shown(os.path.abspath(folder / name))  # noqa: PTH100 - links stay
        except FileNotFoundError:
            yield _lost(name, "the working directory was deleted")
            return
        except OSError as error:
            yield _lost(name, f"{error.filename} cannot be read: {error.strerror}")
            return
        except ValueError as error:  # a path with a zero byte
            yield _lost(name, str(error))
            return
        if not paths:
            yield _lost(shown, "nothing matches this pattern")
        for path in paths:
            yield self._file(path, limit)

    def _at_url(self, url: str, *, copy: bool) -> DataFile:
        shown = strip_credentials(url)
        try:
            options = self._url_options(url)
            if not copy:
                return referred(url, options, shown)
            return copied(
                url,
                options,
                shown,
                store=self._store,
                folder=self._store.directory,
                on_progress=self._on_download,
            )
        except RunrefError as error:
            problem = error.message
        except Exception as error:  # noqa: BLE001 - drivers are foreign code and may raise anything
            problem = str(error) or type(error).__name__
        # What a server or a driver says may repeat what it was asked.
        problem = mask_text(problem.replace(url, shown))
        return _lost(shown, problem, kind="directory" if url.endswith("/") else "file")

    def _file(self, path: Path, limit: int | None) -> DataFile:
        absolute = os.path.abspath(path)  # noqa: PTH100 - links stay as they are
        shown = self._shown(absolute)
        real = Path(os.path.realpath(absolute))
        problem = conflict(real, self._root, self._common_dir)
        if problem:
            problem = f"it {problem}; name the files or the folder that hold the data"
            return _lost(shown, problem, kind="directory" if real.is_dir() else "file")
        return self._stored(Path(absolute), shown, limit)

    def _stored(self, path: Path, shown: str, limit: int | None = None) -> DataFile:
        try:
            refer = limit is not None and _is_larger(path, limit)
            artifact = self._hashed(path) if refer else self._kept(path)
            executable = artifact.kind == "file" and bool(path.stat().st_mode & stat.S_IXUSR)
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
                stored=not refer,
                problem=_without(artifact.left_out),
                reference_over=limit if refer else None,
                executable=executable,
            )
        return _lost(shown, problem, kind="directory" if path.is_dir() else "file")

    def _hashed(self, path: Path) -> Artifact:
        return self._store.hash(path, on_progress=self._on_progress)

    def _kept(self, path: Path) -> Artifact:
        return self._store.add(path, on_progress=self._on_progress)

    def _shown(self, path: str) -> str:
        """Return a path relative to the working tree's root where it lies inside, else whole."""
        root = os.fspath(self._root)
        for candidate in (path, os.path.realpath(path)):
            if Path(candidate).is_relative_to(root):
                return Path(candidate).relative_to(root).as_posix()
        return path


def _is_larger(path: Path, limit: int) -> bool:
    """Tell whether a file, or all files of a folder together, have more than `limit` bytes."""
    total = 0
    waiting = [path]
    while waiting:
        each = waiting.pop()
        status = each.stat() if each is path else each.lstat()
        if stat.S_ISDIR(status.st_mode):
            waiting += each.iterdir()
        elif stat.S_ISREG(status.st_mode):
            total += status.st_size
        if total > limit:
            return True
    return False


def _without(left_out: Sequence[str]) -> str:
    if not left_out:
        return ""
    more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
    return f"recorded without {', '.join(left_out[:_NAMED])}{more}"


def _lost(shown: str, problem: str, *, kind: str = "file") -> DataFile:
    return DataFile(shown, kind, "", 0, stored=False, problem=problem)
