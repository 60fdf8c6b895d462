"""Finding runs among 10,000 and 100,000: first index, ``ls``, a query, ten new runs, memory.

``python benchmarks/index.py first lists refresh memory floor`` measures some of its parts. Making
a history of 100,000 runs takes minutes; ``RUNREF_BENCH_HISTORIES`` may name a folder with ``h10k``
and ``h100k`` made by ``histories.py``, which are only read. ``ROUNDS`` says how many rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from histories import build
from measure import Figure, by_turns, git, repository, show, whole

RUNREF = str(Path(sys.executable).with_name("runref"))
QUERY = 'val/acc > 0.9 and lr < 1e-2 and "baseline" not in tags'
LS = (RUNREF, "ls")
FIND = (RUNREF, "ls", QUERY, "--sort", "-val/acc", "--limit", "10")
REBUILD = (RUNREF, "index", "rebuild")
NAMES = {"h10k": 10_000, "h100k": 100_000}
SHORT, LONG = NAMES
ROUNDS = int(os.environ.get("ROUNDS", "7"))

MAIN = """
import sys
from runref.cli.main import run
status = run(sys.argv[1:])
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(line.split()[1], file=sys.stderr)
sys.exit(status)
"""
PARSE = """
import sys, time, yaml
texts = sys.stdin.buffer.read().split(b"\\0")
begin = time.perf_counter()
for text in texts:
    yaml.load(text, yaml.CSafeLoader)
print(time.perf_counter() - begin)
"""


def first(roots: dict[str, Path]) -> None:
    """Show a first index; it starts without one, and a rebuild after it is the same work."""
    for name, target in ((SHORT, "4 s"), (LONG, "45 s")):
        rounds = min(ROUNDS, 3)
        rebuild = whole(*REBUILD, cwd=roots[name])
        seconds = tuple(rebuild() for _ in range(rounds))
        show(Figure(f"first index of {NAMES[name]:,} runs", "s", seconds, target=target))


def floor(roots: dict[str, Path]) -> None:
    """Show a first index by turns with its floor: PyYAML's fastest loader on two processes."""
    for name, target in ((SHORT, "4 s"), (LONG, "45 s")):
        halves = _halves(roots[name])
        seconds, bare = [], []
        for _ in range(1 if name == LONG else 3):
            bare.append(_parsed(halves))
            seconds.append(whole(*REBUILD, cwd=roots[name])())
        what = f"first index of {NAMES[name]:,} runs"
        show(Figure(what, "s", tuple(seconds), statistics.median(bare), target))


def lists(roots: dict[str, Path]) -> None:
    """Show ``ls`` and a query with a sort, at both lengths, by turns with what starting costs."""
    ways: dict[str, Callable[[], float]] = {
        "pass": whole(sys.executable, "-c", "pass", cwd=roots[SHORT]),
        "help": whole(RUNREF, "--help", cwd=roots[SHORT]),
    }
    for name, root in roots.items():
        ways[f"ls {name}"] = whole(*LS, cwd=root)
        ways[f"query {name}"] = whole(*FIND, cwd=root)
    for name in roots:
        ways[f"ls {name}"]()  # builds the index where no other part did
    took = by_turns(ways, ROUNDS)
    start = statistics.median(took["help"])
    show(
        Figure("`python -c pass`", "s", took["pass"]),
        Figure("`runref --help`", "s", took["help"]),
    )
    for what, targets in (("ls", ("0.15 s", "0.2 s")), ("query", ("0.25 s", "0.5 s"))):
        for (name, runs), target in zip(NAMES.items(), targets, strict=True):
            label = f"{'`ls`' if what == 'ls' else 'the query, sorted,'} of {runs:,} runs"
            show(Figure(label, "s", took[f"{what} {name}"], start, target))
    for what in ("ls", "query"):
        above = [statistics.median(took[f"{what} {name}"]) - start for name in (SHORT, LONG)]
        show(Figure(f"{what}: growth above start-up", "x", (above[1] / above[0],), None, "10x"))


def refresh(roots: dict[str, Path]) -> None:
    """Show how much longer ``ls`` takes after ten new runs, in a copy of the long history."""
    root = roots[LONG].parent / "grown"
    if not root.exists():
        subprocess.run(["cp", "-r", "--reflink=auto", roots[LONG].resolve(), root], check=True)
    subprocess.run(LS, cwd=root, check=True, capture_output=True)
    numbers = count()

    def grown() -> float:
        number = next(numbers)
        start = NAMES[LONG] + 10 * number
        build(root, 10, seed=1_000 + number, first=start, pool=10, repack=False)
        return whole(*LS, cwd=root)()

    took = by_turns({"new": grown, "none": whole(*LS, cwd=root)}, ROUNDS)
    more = tuple(1000 * (new - none) for new, none in zip(took["new"], took["none"], strict=True))
    show(
        Figure("`ls` of 100,000 runs, nothing new", "s", took["none"]),
        Figure("`ls` after 10 new runs", "s", took["new"], statistics.median(took["none"])),
        Figure("10 new runs: what they add", "ms", more, target="50 ms"),
    )


def memory(roots: dict[str, Path]) -> None:
    """Show the peak memory at 100,000 runs: of the process, and of the largest it started."""
    subprocess.run(LS, cwd=roots[LONG], check=True, capture_output=True)
    for what, command in (("`ls`", LS), ("the query", FIND), ("first index", REBUILD)):
        own, largest = _peaks(command[1:], roots[LONG])
        show(Figure(f"peak memory: {what}", "MiB", (own,), target="400 MB"))
        if largest:
            show(Figure("peak memory: its largest reader", "MiB", (largest,), target="400 MB"))


def _peaks(arguments: tuple[str, ...], root: Path) -> tuple[float, float]:
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        largest = 0.0
        while process.poll() is None:
            largest = max([largest, *_peaks_of_children(process.pid)])
            time.sleep(0.02)  # a peak never falls, so the last look before the end counts
        told = process.stderr.read() if process.stderr else ""
    return int(told.split()[-1]) / 1024, largest


def _peaks_of_children(parent: int) -> list[float]:
    peaks = []
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                lines = Path(f"/proc/{child}/status").read_text().splitlines()
                peaks += [int(x.split()[1]) / 1024 for x in lines if x.startswith("VmHWM")]
        except OSError:
            continue  # it has ended
    return peaks


def _halves(root: Path) -> tuple[bytes, bytes]:
    """Return the texts of all records in two halves, separated by NUL."""
    tree = git(root, "ls-tree", "-r", "refs/runref/runs")
    oids = [line.split()[2] for line in tree.splitlines() if line.endswith("/run.yaml")]
    texts = []
    with subprocess.Popen(
        ["git", "cat-file", "--batch", "--buffer"],
        cwd=root,
        stdin=_file_of("\n".join(oids) + "\n"),
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        for _ in oids:
            size = int(process.stdout.readline().split()[2])
            texts.append(process.stdout.read(size + 1)[:-1])
    return b"\0".join(texts[::2]), b"\0".join(texts[1::2])


def _file_of(text: str) -> int:
    file = os.memfd_create("oids")
    os.write(file, text.encode())
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _parsed(halves: tuple[bytes, bytes]) -> float:
    import threading

    told: list[float] = []

    def parse(half: bytes) -> None:
        command = [sys.executable, "-c", PARSE]
        done = subprocess.run(command, input=half, check=True, capture_output=True)
        told.append(float(done.stdout))

    threads = [threading.Thread(target=parse, args=(half,)) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(told)


PARTS = {"floor": floor, "first": first, "lists": lists, "refresh": refresh, "memory": memory}
DEFAULT = ("floor", "lists", "refresh", "memory")


def main() -> None:
    with repository() as root:
        made = Path(os.environ.get("RUNREF_BENCH_HISTORIES") or root.parent)
        roots = {}
        for name, runs in NAMES.items():
            roots[name] = root.parent / name
            if made != root.parent:
                roots[name].symlink_to(made / name)
                continue
            subprocess.run(["cp", "-r", root, roots[name]], check=True)
            build(roots[name], runs)
        for part in sys.argv[1:] or DEFAULT:
            PARTS[part](roots)


if __name__ == "__main__":
    main()
