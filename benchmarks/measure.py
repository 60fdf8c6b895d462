"""Measuring, and showing a figure beside its floor and its target."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured figure: median and range over `rounds`, beside its floor in the same run."""

    what: str
    unit: str
    values: tuple[float, ...]
    floor: float | None = None
    target: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def line(self) -> str:
        spread = f"{min(self.values):.3g} to {max(self.values):.3g}"
        floor = "" if self.floor is None else f"{self.floor:.3g} ({self.median / self.floor:.2f}x)"
        return (
            f"| {self.what} | {self.median:.3g} {self.unit} | {spread} | {floor} | {self.target} |"
        )


HEADER = "| what | median | range | floor (ratio) | target |\n|---|---|---|---|---|"


def show(*figures: Figure) -> None:
    """Print figures as rows of a table."""
    for figure in figures:
        print(figure.line(), flush=True)


def timed(function: Callable[[], object], rounds: int = 5) -> tuple[float, ...]:
    """Return the seconds that `function` took in each of several rounds."""
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - begin)
    return tuple(seconds)


def process(*argv: str, cwd: Path, rounds: int = 7) -> tuple[float, ...]:
    """Return the seconds of whole processes, the first, cold one left out."""

    def run() -> None:
        subprocess.run(argv, cwd=cwd, check=True, capture_output=True)

    run()
    return timed(run, rounds)


def by_turns(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, tuple[float, ...]]:
    """Return the seconds that each way told, in alternating rounds; the first one warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            seconds[name].append(way())
    return {name: tuple(each[1:]) for name, each in seconds.items()}


def whole(*argv: str, cwd: Path) -> Callable[[], float]:
    """Return a way for `by_turns`: a whole process."""

    def run() -> float:
        begin = time.perf_counter()
        subprocess.run(argv, cwd=cwd, check=True, capture_output=True)
        return time.perf_counter() - begin

    return run


def python(code: str, cwd: Path) -> str:
    """Run Python code in a fresh process and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, check=True, capture_output=True, text=True
    )
    return done.stdout


@contextmanager
def repository(files: int = 50, size: int = 2_000) -> Iterator[Path]:
    """Make a repository of committed text files, with a home of its own."""
    with tempfile.TemporaryDirectory(prefix="runref-bench-") as folder:
        root = Path(folder) / "repository"
        root.mkdir()
        # Compiled modules are cached for every user; some build machines switch that off.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ.update(
            HOME=folder,
            XDG_CACHE_HOME=f"{folder}/cache",
            XDG_CONFIG_HOME=f"{folder}/config",
            GIT_CONFIG_NOSYSTEM="1",
            GIT_AUTHOR_NAME="Ada",
            GIT_AUTHOR_EMAIL="ada@example.org",
            GIT_COMMITTER_NAME="Ada",
            GIT_COMMITTER_EMAIL="ada@example.org",
        )
        for number in range(files):
            path = root / f"pkg{number // 100:03d}" / f"module{number:05d}.py"
            path.parent.mkdir(exist_ok=True)
            line = f"value_{number} = {number}  # some code\n"
            path.write_text(line * (size // len(line)))
        git(root, "init", "-q", "-b", "main")
        git(root, "add", "-A")
        git(root, "commit", "-qm", "first")
        git(root, "repack", "-adq")
        time.sleep(2.1)  # files younger than two seconds are read again: not what is measured here
        yield root


def git(root: Path, *arguments: str) -> str:
    """Run git and return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout
