"""What a program and a shell wait for: import, ``init()``, ``--help``, ``ls``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from measure import Figure, process, python, repository, show

RUNREF = str(Path(sys.executable).with_name("runref"))

IMPORT = "import time; b = time.perf_counter(); import runref; print(time.perf_counter() - b)"
INIT = """
import time
begin = time.perf_counter()
import runref
run = runref.init()
run.log({"loss": 0.5})
print(time.perf_counter() - begin)
run.finish()
"""
MANY = """
import runref
for number in range(1000):
    with runref.init(experiment="many", params={"lr": number / 1000}, console=False) as run:
        run.log({"loss": 1 / (number + 1)})
"""


def seconds(code: str, root: Path, rounds: int = 7) -> tuple[float, ...]:
    python(code, root)
    return tuple(float(python(code, root).split()[-1]) for _ in range(rounds))


def main() -> None:
    with repository() as root:
        os.chdir(root)
        bare = min(process(sys.executable, "-c", "pass", cwd=root))
        show(Figure("import runref", "s", seconds(IMPORT, root), target="0.08 s"))
        helped = process(RUNREF, "--help", cwd=root)
        show(Figure("runref --help, whole process", "s", helped, bare, "0.12 s"))
        python(MANY, root)
        listed = process(RUNREF, "ls", cwd=root)
        show(Figure("runref ls over 1,000 runs, whole process", "s", listed, bare, "0.3 s"))
        every = process(RUNREF, "ls", "--all", cwd=root)
        show(Figure("runref ls --all over 1,000 runs", "s", every, bare))
    for files, target in ((1_000, "0.25 s"), (10_000, "0.5 s")):
        with repository(files) as root:
            taken = seconds(INIT, root)
            show(Figure(f"init() to first line, {files:,} files", "s", taken, target=target))


if __name__ == "__main__":
    main()
