"""Curves: one metric of 200 runs into arrays, 400,000 points of one run, and a plot of 50 runs.

``ROUNDS=3`` before it measures each so often.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from histories import build
from measure import Figure, by_turns, python, repository, show, whole

RUNREF = str(Path(sys.executable).with_name("runref"))
ROUNDS = int(os.environ.get("ROUNDS", "7"))
RUNS, STEPS, POINTS = 200, 1_000, 400_000

SERIES = """
import time
import numpy
import runref
runs = runref.open(".").runs(limit={runs})
begin = time.perf_counter()
series = runs.series("loss")
print(time.perf_counter() - begin)
assert len(series) == {runs}
assert all(len(each.value) == {points} for each in series.values())
"""
MATPLOTLIB = """
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
"""


def series(root: Path, runs: int, points: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the seconds of reading one metric, first time and seen before, each in a process."""
    code = SERIES.format(runs=runs, points=points)

    def fresh() -> float:
        folder = tempfile.mkdtemp(prefix="cache-", dir=root.parent)
        os.environ["XDG_CACHE_HOME"] = folder
        return float(python(code, root))

    took = by_turns({"first": fresh, "again": lambda: float(python(code, root))}, ROUNDS)
    return took["first"], took["again"]


def curves(root: Path) -> None:
    for what, target, took in zip(
        ("first time", "seen before"),
        ("0.6 ms", "0.15 ms"),
        series(root, RUNS, STEPS),
        strict=True,
    ):
        each = tuple(1000 * seconds / RUNS for seconds in took)
        show(Figure(f"`loss` of 200 runs x 1,000 steps, a run, {what}", "ms", each, None, target))


def plot(root: Path) -> None:
    """Show ``plot`` of 50 runs, by turns with the import of matplotlib alone."""
    picture = str(root.parent / "loss.png")
    took = by_turns(
        {
            "plot": whole(RUNREF, "plot", "loss", "--limit", "50", "-o", picture, cwd=root),
            "import": whole(sys.executable, "-c", MATPLOTLIB, cwd=root),
        },
        ROUNDS,
    )
    show(
        Figure("`plot` of 50 runs x 1,000 steps", "s", took["plot"], min(took["import"]), "2.5 s"),
        Figure("import of matplotlib's Figure and Agg", "s", took["import"]),
    )


def one(root: Path) -> None:
    for what, took in zip(("first time", "seen before"), series(root, 1, POINTS), strict=True):
        show(Figure(f"400,000 points of one run, {what}", "s", took, None, "0.5 s"))


def main() -> None:
    with repository() as root:
        build(root, RUNS, steps=(STEPS, STEPS), pool=RUNS)
        curves(root)
        plot(root)
    with repository() as root:
        build(root, 1, steps=(POINTS, POINTS), pool=1)
        one(root)


if __name__ == "__main__":
    main()
