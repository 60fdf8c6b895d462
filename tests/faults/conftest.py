"""Real processes, real disks that fill up, real kills."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from runref.model.record import Record
from runref.project.project import Project, open_project
from runref.store.recorded import read_record, read_rows
from runref.tracking.collect import Collection, recover


class Victims:
    """Starts the programs that things happen to, and reads what is left of their runs."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def start(self, source: str, *arguments: str, wrapper: tuple[str, ...] = ()):
        return subprocess.Popen(
            [*wrapper, sys.executable, "-c", dedent(source), *arguments],
            cwd=self.root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, source: str, *arguments: str, wrapper: tuple[str, ...] = ()) -> tuple[str, str]:
        """Run a program to its end, which is to be a good one; return what it printed."""
        with self.start(source, *arguments, wrapper=wrapper) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return out, err

    def project(self) -> Project:
        return open_project(self.root, os.environ)

    def recover(self) -> Collection:
        project = self.project()
        return recover(project.spool, project.runs)

    def recorded(self) -> dict[str, tuple[Record, list[int]]]:
        """Return the records of the ref and the steps of their series, by id."""
        project = self.project()
        objects = project.repository.objects
        found: dict[str, tuple[Record, list[int]]] = {}
        for run in project.runs.runs():
            assert run.id not in found
            rows = read_rows(objects, run.tree).get(0, [])
            found[run.id] = (read_record(objects, run.id, run.tree), [row.step for row in rows])
        return found


@pytest.fixture
def victims(repo) -> Victims:
    return Victims(repo.path)


READ_ONLY = (
    "unshare",
    "-m",
    "sh",
    "-c",
    'mount --bind .git .git && mount -o remount,bind,ro .git .git && exec "$0" "$@"',
)


@pytest.fixture
def read_only(repo) -> tuple[str, ...]:
    """A command that starts another one for which the git directory is read-only."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare")
    command = [*READ_ONLY, "true"]
    done = subprocess.run(command, cwd=repo.path, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    return READ_ONLY


class Disk:
    """A file system of its own in memory, of a settable size."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resize(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.path], check=True)

    def fill(self) -> None:
        """Leave no room, by a file called ``filler``."""
        with (self.path / "filler").open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                return

    def free(self) -> None:
        (self.path / "filler").unlink()


@pytest.fixture
def make_disk(tmp_path) -> Iterator[Callable[[str], Disk]]:
    mounted: list[Path] = []

    def make(size: str) -> Disk:
        path = tmp_path / f"disk{len(mounted)}"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"file systems cannot be mounted here: {done.stderr.strip()}")
        mounted.append(path)
        return Disk(path)

    yield make
    for path in mounted:
        subprocess.run(["umount", "-l", path], check=True)
