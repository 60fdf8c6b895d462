"""Every benchmark, as tables: ``python benchmarks``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measure import HEADER

NAMES = (
    "log_call",
    "start_up",
    "ending",
    "many_writers",
    "index",
    "curves",
    "artifacts",
    "remotes",
    "sync",
    "bundle",
    "signing",
    "fsck",
)


def main() -> None:
    folder = Path(__file__).parent
    for name in sys.argv[1:] or NAMES:
        print(f"\n{name}\n\n{HEADER}", flush=True)
        subprocess.run([sys.executable, folder / f"{name}.py"], check=True)


if __name__ == "__main__":
    main()
