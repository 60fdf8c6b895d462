"""Adding to the local store: a file of 1 GiB and 10,000 of 4 KB, beside `cp` and `openssl`.

Rounds alternate, and what is still to be written goes to the disk before each measurement, as it
would slow down whoever writes next. A large copy is removed before the next one is made, so that
all get the same pages of memory. Small copies stay until the end: ext4 looks long for an inode
where many were freed a moment ago.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from measure import Figure, show

SIZE = 1 << 30
FILES = 10_000
ROUNDS = 5

Way = Callable[[Path], object]
"""Does the same work as the others, into a place that does not exist yet."""

ADD = """
import sys, time
from pathlib import Path
from runref.artifacts import LocalStore
store = LocalStore(Path(sys.argv[2]), fsync=sys.argv[3] == "fsync",
                   may_link=(lambda path: True) if sys.argv[4] == "link" else None)
begin = time.perf_counter()
store.add(Path(sys.argv[1]))
print(time.perf_counter() - begin)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


class Adding:
    """Adds a path in a process of its own; keeps the seconds and the peak memory it told."""

    def __init__(self, source: Path, *, fsync: bool = True, link: bool = False) -> None:
        self._arguments = [source, "fsync" if fsync else "no", "link" if link else "no"]
        self.peak = 0.0

    def __call__(self, place: Path) -> float:
        source, fsync, link = self._arguments
        done = subprocess.run(
            [sys.executable, "-c", ADD, source, place, fsync, link],
            check=True,
            capture_output=True,
            text=True,
        )
        seconds, kib = done.stdout.split()
        self.peak = max(self.peak, int(kib) / 1024)
        return float(seconds)


def shell(command: str) -> Way:
    """Return the way of a shell command, with its place as ``$1``."""

    def run(place: Path) -> None:
        subprocess.run(["sh", "-ec", command, "sh", place], check=True, stdout=subprocess.DEVNULL)

    return run


def measured(
    folder: Path, ways: Mapping[str, Way], *, remove: bool
) -> dict[str, tuple[float, ...]]:
    """Return the seconds of every way in alternating rounds; the first round warms up."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            place = folder / f"{number}-{name}"
            os.sync()
            begin = time.perf_counter()
            told = way(place)
            spent = time.perf_counter() - begin
            seconds[name].append(told if isinstance(told, float) else spent)
            if remove:
                shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    return {name: tuple(each[1:]) for name, each in seconds.items()}


def large(folder: Path) -> None:
    source = folder / "model.bin"
    with source.open("wb") as file:
        for _ in range(SIZE >> 20):
            file.write(os.urandom(1 << 20))
    digest = f"openssl dgst -sha256 '{source}'"
    ways = {
        "floor": shell(f"cp --reflink=never '{source}' \"$1\"; {digest}"),
        "synced floor": shell(f'cp --reflink=never \'{source}\' "$1"; {digest}; sync "$1"'),
        "digest": shell(digest),
        "add": Adding(source),
        "without fsync": Adding(source, fsync=False),
    }
    places = folder / "large"
    places.mkdir()
    seconds = measured(places, ways, remove=True)
    floor, synced = (statistics.median(seconds[each]) for each in ("floor", "synced floor"))
    show(
        Figure("add 1 GiB", "s", seconds["add"], floor, "cp + openssl: 1.2x"),
        Figure("the same", "s", seconds["add"], synced, "cp + openssl + sync"),
        Figure("`fsync: false`", "s", seconds["without fsync"], floor, "cp + openssl: 1.2x"),
        Figure("peak memory", "MiB", (ways["add"].peak,), target="300 MB"),
    )
    linked(folder, source)


def linked(folder: Path, source: Path) -> None:
    """A linked file has one name more afterwards, so each round has a fresh inode to link."""
    add = Adding(source, link=True)
    digest, seconds = [], []
    for number in range(ROUNDS + 1):
        os.sync()
        begin = time.perf_counter()
        subprocess.run(
            ["openssl", "dgst", "-sha256", source], check=True, stdout=subprocess.DEVNULL
        )
        digest.append(time.perf_counter() - begin)
        place = folder / f"linked-{number}"
        seconds.append(add(place))
        shutil.rmtree(place)
        source.chmod(0o644)
    floor = statistics.median(digest[1:])
    show(Figure("add 1 GiB, `link: hard`", "s", tuple(seconds[1:]), floor, "openssl: 1.2x"))


def small(folder: Path) -> None:
    source = folder / "small"
    for number in range(FILES):
        path = source / f"{number // 100:03d}" / f"{number:05d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(4096))
    add = Adding(source)
    ways = {
        "floor": shell(f"cp -r '{source}' \"$1\""),
        "synced floor": shell(f'cp -r \'{source}\' "$1"; sync -f "$1"'),
        "add": add,
        "without fsync": Adding(source, fsync=False),
    }
    places = folder / "places"
    places.mkdir()
    seconds = measured(places, ways, remove=False)
    floor, synced = (statistics.median(seconds[each]) for each in ("floor", "synced floor"))
    store = folder / "again"
    add(store)
    again = tuple(add(store) for _ in range(ROUNDS))
    show(
        Figure("add 10,000 files of 4 KB", "s", seconds["add"], floor, "cp -r: 2x"),
        Figure("the same", "s", seconds["add"], synced, "cp -r + sync"),
        Figure("`fsync: false`", "s", seconds["without fsync"], floor, "cp -r: 2x"),
        Figure("add them again, unchanged", "s", again, target="0.3 s"),
        Figure("peak memory", "MiB", (add.peak,), target="300 MB"),
    )


def main() -> None:
    # Another disk may be named: one that clones, for example.
    with tempfile.TemporaryDirectory(
        prefix="runref-bench-", dir=sys.argv[1] if sys.argv[1:] else None
    ) as folder:
        large(Path(folder))
        small(Path(folder))


if __name__ == "__main__":
    main()
