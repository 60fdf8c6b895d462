"""Records through git, beside plain git moving the same objects over the same transport.

``python benchmarks/sync.py file http ssh first merge`` measures some of its parts. ``ROUNDS`` says
how many rounds; ``RUNREF_BENCH_HISTORIES`` may name a folder with ``h10k`` and ``h100k`` made by
``histories.py``, which are copied.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from histories import build
from measure import Figure, by_turns, git, python, repository, show

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.servers.git_hosting import WRITERS, GitHost
from tests.servers.git_http import GitHttp
from tests.servers.git_ssh import GitSsh

RUNREF = str(Path(sys.executable).with_name("runref"))
RUNS = "refs/runref/runs"
NAMES = {"h10k": 10_000, "h100k": 100_000}
ROUNDS = int(os.environ.get("ROUNDS", "5"))

JOIN = """
import os, time
from pathlib import Path
from runref.project.project import open_project
from runref.store.joining import join
project = open_project(Path.cwd(), os.environ)
tip = project.repository.ref("refs/theirs").read()
begin = time.perf_counter()
joined = join(project.runs, tip, origin="theirs")
print(time.perf_counter() - begin)
assert len(joined.runs) == 1000
"""


class Folders(GitHost):
    """Repositories on this disk, by their paths."""

    def __init__(self, repositories: Path) -> None:
        repositories.mkdir(parents=True)
        super().__init__(repositories, {})

    def url(self, name: str, user: str | None = None) -> str:
        del user
        return f"{self.repositories}/{name}.git"


class Bench:
    """A history in four clones and in two repositories of a server: runref's, and plain git's."""

    def __init__(self, history: Path, folder: Path, host: GitHost) -> None:
        self._numbers = count()
        self._host = host
        self.names = {way: f"{folder.name}-{way}" for way in ("runref", "git")}
        self.clones = {
            f"{way} {side}": folder / f"{way}-{side}"
            for way in self.names
            for side in ("sends", "receives")
        }
        for clone in self.clones.values():
            shutil.copytree(history, clone)
            git(clone, "remote", "add", "origin", self.url(clone.name.split("-")[0]))
        for name in self.names.values():
            served = host.create(name)
            shutil.rmtree(served / "objects")
            shutil.copytree(history / ".git/objects", served / "objects")
            git(served, "update-ref", RUNS, git(history, "rev-parse", RUNS).strip())
        for side in ("sends", "receives"):
            _process(self.clones[f"runref {side}"], RUNREF, "sync")

    def url(self, way: str) -> str:
        return self._host.url(self.names[way], WRITERS[0])

    def add(self, runs: int) -> None:
        """Record the same new runs in both clones that send."""
        number = next(self._numbers)
        for way in self.names:
            root = self.clones[f"{way} sends"]
            first = 200_000 + number * runs
            build(root, runs, seed=5_000 + number, first=first, pool=runs, repack=False)

    def ways(self, runs: int) -> dict[str, Callable[[], float]]:
        """Return the ways to push and to fetch so many new runs, in the order to go."""

        def push_git() -> float:
            self.add(runs)
            return _process(
                self.clones["git sends"], "git", "push", "-q", self.url("git"), f"{RUNS}:{RUNS}"
            )

        def fetch_git() -> float:
            return _process(
                self.clones["git receives"], "git", "fetch", "-q", self.url("git"), f"{RUNS}:{RUNS}"
            )

        def push() -> float:
            return _process(self.clones["runref sends"], RUNREF, "push", "--no-artifacts")

        def pull() -> float:
            return _process(self.clones["runref receives"], RUNREF, "pull")

        return {"git push": push_git, "push": push, "git fetch": fetch_git, "pull": pull}


def _process(root: Path, *argv: str) -> float:
    begin = time.perf_counter()
    subprocess.run(argv, cwd=root, check=True, capture_output=True)
    return time.perf_counter() - begin


def transport(name: str, host: GitHost, histories: dict[str, Path], folder: Path) -> None:
    """Show what it takes to push and to fetch 10 new runs among many."""
    medians = {}
    for history, root in histories.items():
        place = folder / f"{name}-{history}"
        took = by_turns(Bench(root, place, host).ways(10), ROUNDS)
        shutil.rmtree(place)
        for verb, plain in (("push", "git push"), ("pull", "git fetch")):
            medians[verb, history] = statistics.median(took[verb])
            show(
                Figure(
                    f"{name}: {verb} of 10 new runs, {NAMES[history]:,} exist",
                    "s",
                    took[verb],
                    statistics.median(took[plain]),
                    "3x `git`",
                )
            )
    for verb in ("push", "pull"):
        ratio = medians[verb, "h100k"] / medians[verb, "h10k"]
        show(Figure(f"{name}: {verb}, 100,000 to 10,000", "x", (ratio,), None, "1.5x"))


def first(host: GitHost, histories: dict[str, Path], folder: Path) -> None:
    """Show what a first fetch of 10,000 runs takes."""
    served = host.create("first")
    shutil.rmtree(served / "objects")
    shutil.copytree(histories["h10k"] / ".git/objects", served / "objects")
    git(served, "update-ref", RUNS, git(histories["h10k"], "rev-parse", RUNS).strip())
    url = host.url("first", WRITERS[0])

    def way(*argv: str) -> Callable[[], float]:
        def run() -> float:
            fresh = folder / "fresh"
            fresh.mkdir()
            git(fresh, "init", "-q")
            try:
                return _process(fresh, *argv)
            finally:
                shutil.rmtree(fresh)

        return run

    took = by_turns(
        {"git": way("git", "fetch", "-q", url, f"{RUNS}:{RUNS}"), "pull": way(RUNREF, "pull", url)},
        min(ROUNDS, 3),
    )
    floor = statistics.median(took["git"])
    show(Figure("http: first pull of 10,000 runs", "s", took["pull"], floor, "2x `git`"))


def merge(histories: dict[str, Path], folder: Path) -> None:
    """Show what the union of 1,000 new runs with 1,000 others takes."""
    root = folder / "merged"
    shutil.copytree(histories["h10k"], root)
    base = git(root, "rev-parse", RUNS).strip()
    build(root, 1_000, seed=71, first=300_000, pool=10, repack=False)
    git(root, "update-ref", "refs/theirs", RUNS)
    git(root, "update-ref", RUNS, base)
    build(root, 1_000, seed=72, first=300_000, pool=10, repack=False)
    ours = git(root, "rev-parse", RUNS).strip()
    seconds = []
    for _ in range(ROUNDS):
        git(root, "update-ref", RUNS, ours)
        seconds.append(float(python(JOIN, root)))
    shutil.rmtree(root)
    show(Figure("merge of 1,000 with 1,000 new runs", "s", tuple(seconds), None, "1 s"))


@contextmanager
def _histories(root: Path) -> Iterator[dict[str, Path]]:
    made = os.environ.get("RUNREF_BENCH_HISTORIES")
    found = {}
    for name, runs in NAMES.items():
        found[name] = Path(made or root.parent) / name
        if not made:
            shutil.copytree(root, found[name])
            build(found[name], runs)
    yield found


def main() -> None:
    parts = sys.argv[1:] or ["file", "http", "ssh", "first", "merge"]
    with repository() as root, _histories(root) as histories:
        folder = root.parent
        with GitHttp(folder / "http") as http, GitSsh(folder / "ssh") as ssh:
            os.environ.update(ssh.client_environment)
            hosts = {"file": Folders(folder / "served"), "http": http, "ssh": ssh}
            for name in parts:
                if name in hosts:
                    transport(name, hosts[name], histories, folder)
        with GitHttp(folder / "http-again") as http:
            if "first" in parts:
                first(http, histories, folder)
        if "merge" in parts:
            merge(histories, folder)


if __name__ == "__main__":
    main()
