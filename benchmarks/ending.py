"""What the end of a run costs: a long series, a sweep, objects and bytes in the repository."""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from pathlib import Path

from measure import Figure, git, repository, show

LINES = 100_000
RUNS = 100


def long_series() -> tuple[float, float]:
    """Return seconds of ``finish()`` and of only hashing and deflating the same bytes."""
    import runref

    run = runref.init(nested=True, console=False)
    for step in range(LINES):
        run.log({"loss": 1 / (step + 1), "val/acc": step / LINES}, step=step)
    assert run.directory is not None
    data = next(run.directory.path.glob("metrics.*")).read_bytes()
    begin = time.perf_counter()
    run.finish()
    taken = time.perf_counter() - begin
    begin = time.perf_counter()
    hashlib.sha256(data).digest()
    hashlib.sha1(data, usedforsecurity=False).digest()
    zlib.compress(data, 1)
    return taken, time.perf_counter() - begin


def sweep() -> float:
    """Return milliseconds a run of a sweep in one process."""
    import runref

    begin = time.perf_counter()
    for number in range(RUNS):
        params = {f"param{place}": number / (place + 1) for place in range(10)}
        with runref.init(experiment="sweep", params=params, console=False, nested=True) as run:
            for step in range(20):
                run.log({"loss": 1 / (step + number + 1), "val/acc": step / (20 + number)})
    return (time.perf_counter() - begin) / RUNS * 1e3


def loose_objects(root: Path) -> int:
    return int(git(root, "count-objects").split()[0])


def packed_kib(root: Path) -> int:
    git(root, "gc", "-q")
    lines = dict(line.split(": ") for line in git(root, "count-objects", "-v").splitlines())
    return int(lines["size-pack"])


def main() -> None:
    with repository() as root:
        os.chdir(root)
        taken, floors = zip(*(long_series() for _ in range(5)), strict=True)
        show(Figure("finish() of 100,000 lines", "s", taken, min(floors), "0.5 s"))
    with repository() as root:
        os.chdir(root)
        sweep()
        git(root, "gc", "-q")
        before, packed = loose_objects(root), packed_kib(root)
        show(Figure("sweep of 100 runs, each", "ms", (sweep(),), target="5 ms"))
        objects = (loose_objects(root) - before) / RUNS
        show(Figure("new objects a run, metrics included", "", (objects,), target="9"))
        size = (packed_kib(root) - packed) / RUNS
        show(Figure("packed size a run", "KiB", (size,), target="3 KB"))
        show(Figure("sweep of 100 more runs, each", "ms", tuple(sweep() for _ in range(4))))


if __name__ == "__main__":
    main()
