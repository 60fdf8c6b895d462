"""``log()`` of two metrics beside the floor: orjson.dumps and os.write of the same line."""

from __future__ import annotations

import os
import resource
import statistics
import time
from pathlib import Path

import orjson
from measure import Figure, repository, show

CALLS = 200_000


def floor(path: Path) -> float:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    row = {"step": 1, "elapsed": 1.234567, "values": {"loss": 0.123456789, "val/acc": 0.987654321}}
    begin = time.perf_counter()
    for _ in range(CALLS):
        os.write(descriptor, orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return (time.perf_counter() - begin) / CALLS * 1e6


def call() -> float:
    import runref

    with runref.init(nested=True, console=False) as run:
        run.log({"loss": 0.1, "val/acc": 0.9})
        begin = time.perf_counter()
        for step in range(CALLS):
            run.log({"loss": 0.123456789, "val/acc": 0.987654321}, step=step)
        return (time.perf_counter() - begin) / CALLS * 1e6


def memory() -> tuple[float, float]:
    """Return the growth of resident memory in MiB over a first and a second 500,000 calls."""
    import runref

    def resident() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20

    with runref.init(nested=True, console=False) as run:
        sizes = [resident()]
        for _ in range(2):
            for step in range(500_000):
                run.log({"loss": 0.123456789, "val/acc": 0.987654321}, step=step)
            sizes.append(resident())
        return sizes[1] - sizes[0], sizes[2] - sizes[1]


def main() -> None:
    with repository() as root:
        os.chdir(root)
        floors, calls = [], []
        for number in range(5):
            floors.append(floor(root.parent / f"floor{number}"))
            calls.append(call())
        show(
            Figure(
                "log() of two metrics",
                "us",
                tuple(calls),
                statistics.median(floors),
                "3x the floor",
            )
        )
        first, second = memory()
        show(Figure("memory, first 500,000 calls", "MiB", (first,)))
        show(Figure("memory, next 500,000 calls", "MiB", (second,), target="flat"))


if __name__ == "__main__":
    main()
