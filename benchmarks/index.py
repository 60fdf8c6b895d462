"""Finding, reading and drawing runs among 10,000 and 100,000.

Histories are built by `histories.py`, which takes minutes; ``RUNREF_BENCH_HISTORIES`` names a
folder that keeps them, as ``h10k``, ``h100k`` and ``long``, for the next time.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from histories import build
from measure import Figure, process, python, repository, show, timed

RUNREF = str(Path(sys.executable).with_name("runref"))
QUERY = 'val/acc > 0.9 and lr < 1e-2 and "baseline" not in tags'
SERIES = """
import sys, time
import runref
from pathlib import Path
import numpy
runs = runref.open(".").runs("loss.count > 900", limit=200)
for _ in range(2):
    begin = time.perf_counter()
    found = runs.series("loss")
    print((time.perf_counter() - begin) / len(found) * 1000)
"""
LONG = """
import time
import numpy
import runref
run = runref.open(".").run("@")
begin = time.perf_counter()
assert len(run.series("loss").step) == 400_000
print(time.perf_counter() - begin)
"""
DRAW = "from matplotlib.figure import Figure; import matplotlib.backends.backend_agg"
PARSE = """
import sys, yaml
from concurrent.futures import ProcessPoolExecutor
def parse(texts):
    for text in texts: yaml.load(text, Loader=yaml.CSafeLoader)
if __name__ == "__main__":
    import pathlib, subprocess, time
    found = subprocess.run("git ls-tree -r refs/runref/runs | awk '/run.yaml$/ {print $3}'"
        " | git cat-file --batch", shell=True, capture_output=True, check=True).stdout
    texts, at = [], 0
    while at < len(found):
        end = found.index(b"\\n", at); size = int(found[at:end].split()[2])
        texts.append(found[end + 1 : end + 1 + size]); at = end + 2 + size
    begin = time.perf_counter()
    with ProcessPoolExecutor(2) as pool: list(pool.map(parse, [texts[::2], texts[1::2]]))
    print(time.perf_counter() - begin)
"""


def main() -> None:
    with histories() as folder:
        os.environ.update(HOME=str(folder), XDG_CACHE_HOME=str(folder / "cache"))
        start = process(RUNREF, "--help", cwd=folder)
        show(Figure("`runref --help`", "s", start))
        bare, found = {}, {}
        for name, ls, query in (("h10k", 0.15, 0.25), ("h100k", 0.2, 0.5)):
            root = folder / name
            first_index(root, name, {"h10k": 4, "h100k": 45}[name])
            bare[name] = process(RUNREF, "ls", cwd=root)
            show(Figure(f"`ls`, newest 20, {name}", "s", bare[name], target=f"{ls} s"))
            words = ("ls", QUERY, "--sort", "-val/acc", "--limit", "10")
            found[name] = process(RUNREF, *words, cwd=root)
            show(Figure(f"the query, sorted, {name}", "s", found[name], target=f"{query} s"))
            grouped = process(RUNREF, "ls", "--group-by", "optimizer", cwd=root, rounds=3)
            show(Figure(f"`ls --group-by optimizer`, {name}", "s", grouped))
        growth(start, bare, "ls")
        growth(start, found, "the query")
        refresh(folder / "h100k")
        curves(folder / "h10k")
        long_run(folder / "long")
        draw(folder / "h10k")


def first_index(root: Path, name: str, target: float) -> None:
    rounds = 3 if name == "h10k" else 1
    floor = float(python_file(PARSE, root))
    seconds = timed(lambda: run("index", "rebuild", cwd=root), rounds)
    what = f"first index, {name} (floor: CSafeLoader alone, 2 processes)"
    show(Figure(what, "s", seconds, floor, f"{target} s"))
    code = (
        "import subprocess, resource, sys;"
        f"subprocess.run([{RUNREF!r}, *sys.argv[1:]], check=True, capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    for words in (("index", "rebuild"), ("ls",), ("ls", QUERY)):
        done = subprocess.run([sys.executable, "-c", code, *words], cwd=root, check=True,
                              capture_output=True, text=True)  # fmt: skip
        label = f"peak memory of `{' '.join(words)}`, {name}".replace(QUERY, "the query")
        show(Figure(label, "MiB", (float(done.stdout),), target="400 MB"))


def growth(start: tuple[float, ...], seconds: dict[str, tuple[float, ...]], what: str) -> None:
    """Show by how much the cost above start-up grows where the history is ten times as long."""
    low, high = (statistics.median(seconds[each]) for each in ("h10k", "h100k"))
    base = statistics.median(start)
    show(
        Figure(f"{what}: growth above start-up", "x", ((high - base) / (low - base),), target="10x")
    )


def refresh(root: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="runref-bench-") as folder:
        copy = Path(folder) / "copy"
        subprocess.run(["cp", "-r", root, copy], check=True)
        run("ls", cwd=copy)
        after, before = [], []
        for number in range(5):
            before += timed(lambda: run("ls", cwd=copy), 1)
            build(copy, 10, seed=100 + number, first=200_000 + 10 * number, repack=False)
            after += timed(lambda: run("ls", cwd=copy), 1)
        cost = tuple((new - old) * 1000 for new, old in zip(after, before, strict=True))
        show(Figure("refresh after 10 new runs, above `ls`, h100k", "ms", cost, target="50 ms"))


def curves(root: Path) -> None:
    first, again = [], []
    for _ in range(5):
        (root.parent / "cache/runref/index/series.sqlite3").unlink(missing_ok=True)
        one, other = map(float, python(SERIES, root).split())
        first.append(one)
        again.append(other)
    what = "one metric of 200 runs of over 900 steps, a run"
    show(Figure(f"{what}, first time", "ms", tuple(first), target="0.6 ms"))
    show(Figure(f"{what}, again", "ms", tuple(again), target="0.15 ms"))


def long_run(root: Path) -> None:
    seconds = []
    for _ in range(3):
        (root.parent / "cache/runref/index/series.sqlite3").unlink(missing_ok=True)
        seconds.append(float(python(LONG, root)))
    show(Figure("400,000 points of one run", "s", tuple(seconds), target="0.5 s"))


def draw(root: Path) -> None:
    floor = statistics.median(process(sys.executable, "-c", DRAW, cwd=root, rounds=3))
    words = ("plot", "loss", "--query", "loss.count > 900", "--limit", "50", "-o", "curves.png")
    seconds = process(RUNREF, *words, cwd=root, rounds=5)
    what = "`plot` of 50 runs (floor: importing matplotlib)"
    show(Figure(what, "s", seconds, floor, "2.5 s"))


@contextmanager
def histories() -> Iterator[Path]:
    kept = os.environ.get("RUNREF_BENCH_HISTORIES")
    with tempfile.TemporaryDirectory(prefix="runref-bench-") as temporary:
        folder = Path(kept or temporary)
        for name, runs in (("h10k", 10_000), ("h100k", 100_000), ("long", 0)):
            if not (folder / name).exists():
                with repository() as root:
                    if runs:
                        build(root, runs)
                    else:
                        record_long_run(root)
                    shutil.copytree(root, folder / name, symlinks=True)
        yield folder


def record_long_run(root: Path) -> None:
    code = (
        "import runref\n"
        "with runref.init(console=False) as run:\n"
        "    for step in range(400_000): run.log({'loss': 1 / (1 + step)}, step=step)\n"
    )
    python(code, root)


def python_file(code: str, cwd: Path) -> str:
    """Run Python code as a file, which processes that it starts can import."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(code)
        file.flush()
        done = subprocess.run([sys.executable, file.name], cwd=cwd, check=True,
                              capture_output=True, text=True)  # fmt: skip
    return done.stdout


def run(*words: str, cwd: Path) -> None:
    subprocess.run([RUNREF, *words], cwd=cwd, check=True, capture_output=True)


if __name__ == "__main__":
    main()
