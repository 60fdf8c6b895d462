"""Checking 10,000 runs, beside ``git fsck``, which reads the same objects and knows no records.

``RUNREF_BENCH_HISTORIES`` may name a folder with ``h10k`` made by ``histories.py``. ``ROUNDS`` says
how many rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from histories import build
from measure import Figure, by_turns, repository, show, whole

RUNREF = str(Path(sys.executable).with_name("runref"))
RUNS = 10_000
ROUNDS = int(os.environ.get("ROUNDS", "3"))


def check(root: Path) -> None:
    """Show a check, and one that compares every state, by turns with git's own."""
    ways = {
        "git": whole("git", "fsck", "--no-dangling", "--no-progress", cwd=root),
        "fsck": whole(RUNREF, "fsck", cwd=root),
        "full": whole(RUNREF, "fsck", "--full", cwd=root),
    }
    seconds = by_turns(ways, ROUNDS)
    floor = statistics.median(seconds["git"])
    show(
        Figure(f"`fsck` of {RUNS:,} runs", "s", seconds["fsck"], floor),
        Figure("the same with `--full`", "s", seconds["full"], floor),
    )


def main() -> None:
    with repository() as root:
        made = os.environ.get("RUNREF_BENCH_HISTORIES")
        history = root.parent / "h10k"
        if made:
            history.symlink_to(Path(made) / "h10k")
        else:
            subprocess.run(["cp", "-r", root, history], check=True)
            build(history, RUNS)
        check(history)


if __name__ == "__main__":
    main()
