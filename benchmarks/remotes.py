"""Push and fetch to a real S3 server, beside bare s3fs with the best settings found for it.

``python benchmarks/remotes.py small one many nothing huge`` measures some of its parts, and
``ROUNDS=1`` before it measures each of them once.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from measure import Figure, python, repository, show

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.servers.seaweedfs import SeaweedFS

ROUNDS = int(os.environ.get("ROUNDS", "2"))
"""How often each is measured, by turns; an odd number where there is time."""
GIB = 1 << 30

RECORD = """
import runref
with runref.init(console=False) as run:
    run.log_output("data")
"""
MEMORY = """
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(line.split()[1], file=sys.stderr)
"""
RUNREF = f"""
import sys
from runref.cli.main import run
status = run(sys.argv[1:])
{MEMORY}
sys.exit(status)
"""
BARE = f"""
import json, sys, time
from s3fs import S3FileSystem
job = json.load(sys.stdin)
fs = S3FileSystem(**job["fs"])
fs.exists(job["bucket"])
begin = time.perf_counter()
getattr(fs, job["verb"])(job["sources"], job["targets"], **job["settings"])
print(time.perf_counter() - begin)
{MEMORY}
"""


@dataclass(frozen=True)
class Took:
    """What one transfer took: seconds, and the most memory in MiB that its process had."""

    seconds: float
    memory: float


class Bench:
    """A repository with a recorded run whose files are sent to a server, and fetched from it."""

    def __init__(self, root: Path, server: SeaweedFS, files: Iterable[tuple[str, int]]) -> None:
        self.root = root
        self._server = server
        self._bucket = server.new_bucket()
        self._numbers = count()
        self._folder = root / "data"
        self._folder.mkdir()
        (root / ".gitignore").write_text("data\nback\n")
        for name, size in files:
            _fill(self._folder / name, size)
        python(RECORD, root)

    def runref(self, verb: str, place: str) -> Took:
        """Run ``runref push`` or ``pull``: the whole process."""
        if verb == "pull":
            shutil.rmtree(self.root / ".git/runref/artifacts")
        os.sync()  # what is still to be written slows down whoever writes next
        command = [sys.executable, "-c", RUNREF, verb, "--artifacts", "--remote", place]
        begin = time.perf_counter()
        done = subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True)
        return Took(time.perf_counter() - begin, int(done.stderr.split()[-1]) / 1024)

    def add_remote(self) -> str:
        """Return the name of a new remote, which is empty."""
        name = f"place{next(self._numbers)}"
        options = [f"--option={key}={value}" for key, value in self._server.options().items()]
        url = self._server.remote_url(self._bucket, name)
        add = [sys.executable, "-m", "runref", "remote", "add", "--local", name, url, *options]
        subprocess.run(add, cwd=self.root, check=True, capture_output=True)
        return name

    def bare(self, verb: str, place: str, most: int = 1 << 30, **settings: Any) -> Took:
        """Run ``fs.put`` or ``fs.get``: the call alone, in a process that is connected."""
        here = [str(path) for path in sorted(self._folder.iterdir())[:most]]
        there = [f"{self._bucket}/{place}/{Path(path).name}" for path in here]
        if verb == "get":
            shutil.rmtree(self.root / "back", ignore_errors=True)
            here = [path.replace("/data/", "/back/") for path in here]
        sources, targets = (here, there) if verb == "put" else (there, here)
        job = {
            "fs": self._server.options() | {"config_kwargs": _PATIENT},
            "bucket": self._bucket,
            "verb": verb,
            "sources": sources,
            "targets": targets,
            "settings": settings,
        }
        os.sync()
        done = subprocess.run(
            [sys.executable, "-c", BARE],
            input=json.dumps(job),
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
        )
        return Took(float(done.stdout), int(done.stderr.split()[-1]) / 1024)

    def best(self, verb: str, place: str, tried: list[dict[str, int]], most: int) -> dict[str, int]:
        """Return the settings with which bare s3fs is the fastest, by trying the first files."""
        if len(tried) == 1:
            return tried[0]
        took = {}
        for number, settings in enumerate(tried):
            to = f"{place}-{number}" if verb == "put" else place
            took[number] = self.bare(verb, to, most, **settings).seconds
        return tried[min(took, key=took.__getitem__)]


def compare(bench: Bench, what: str, tried: list[dict[str, int]], most: int) -> None:
    """Push and fetch by turns with bare s3fs, and show both."""
    sent, fetched, put, got = [], [], [], []
    to_put = bench.best("put", "tried", tried, most)
    to_get = bench.best("get", "tried-0", tried, most)
    for number in range(ROUNDS):
        put.append(bench.bare("put", f"bare{number}", **to_put))
        name = bench.add_remote()
        sent.append(bench.runref("push", name))
        got.append(bench.bare("get", f"bare{number}", **to_get))
        fetched.append(bench.runref("pull", name))
    for verb, ours, theirs, settings in (
        ("push", sent, put, to_put),
        ("fetch", fetched, got, to_get),
    ):
        floor = [each.seconds for each in theirs]
        values = tuple(each.seconds for each in ours)
        ratio = statistics.median(floor) / statistics.median(values)
        target = f"{ratio:.2f} of its throughput; 0.8"
        show(
            Figure(f"{verb} {what}", "s", values, statistics.median(floor), target),
            Figure(f"s3fs, {_shown(settings)}", "s", tuple(floor)),
            _memory(f"{verb} {what}: memory", ours),
            _memory("s3fs: memory", theirs, ""),
        )


def small(server: SeaweedFS) -> None:
    tried = [{"batch_size": size} for size in (32, 64, 128)]
    with bench(server, ((f"{number:05d}", 4096) for number in range(10_000))) as here:
        compare(here, "10,000 files of 4 KiB", tried, 1000)
        nothing_to_do(here)


def nothing(server: SeaweedFS) -> None:
    with bench(server, ((f"{number:05d}", 4096) for number in range(10_000))) as here:
        nothing_to_do(here)


def nothing_to_do(here: Bench) -> None:
    name = here.add_remote()
    here.runref("push", name)
    took = [here.runref("push", name) for _ in range(5)]
    seconds = tuple(each.seconds for each in took)
    show(Figure("push 10,000 artifacts, nothing to do", "s", seconds, None, "2 s"))


def many(server: SeaweedFS) -> None:
    with bench(server, ((f"{number:05d}", GIB // 16) for number in range(16))) as here:
        compare(here, "16 files of 64 MiB", _IN_PARTS, 4)


def one(server: SeaweedFS) -> None:
    with bench(server, [("large", GIB)]) as here:
        compare(here, "a file of 1 GiB", _IN_PARTS[:1], 1)


def huge(server: SeaweedFS) -> None:
    with bench(server, [("huge", 4 * GIB)]) as here:
        name = here.add_remote()
        for verb in ("push", "pull"):
            took = [here.runref(verb, name)]
            show(_memory(f"{verb} a file of 4 GiB: memory", took))


_IN_PARTS = [
    {"chunksize": part << 20, "max_concurrency": at_once}
    for part, at_once in ((8, 10), (16, 8), (50, 10))
]
_PATIENT = {"max_pool_connections": 128, "read_timeout": 300}
PARTS = {"small": small, "many": many, "one": one, "huge": huge, "nothing": nothing}


@contextmanager
def bench(server: SeaweedFS, files: Iterable[tuple[str, int]]) -> Iterator[Bench]:
    with repository() as root:
        yield Bench(root, server, files)


def _fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        if size > GIB:  # sparse: what counts there is the memory
            file.truncate(size)
            return
        for start in range(0, size, 1 << 20):
            file.write(os.urandom(min(1 << 20, size - start)))


def _memory(what: str, took: list[Took], target: str = "300 MB") -> Figure:
    return Figure(what, "MiB", tuple(each.memory for each in took), None, target)


def _shown(settings: dict[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def main() -> None:
    with repository() as root, SeaweedFS(root / "server") as server:
        for name in sys.argv[1:] or ("small", "many", "one", "huge"):
            PARTS[name](server)


if __name__ == "__main__":
    main()
