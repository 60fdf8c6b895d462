"""32 processes that end 50 runs each at once: nothing lost, nobody waits long."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from measure import Figure, git, repository, show

PROCESSES, RUNS = 32, 50

WORKER = f"""
import sys, time
import runref
runs = [runref.init(nested=True, console=False, experiment="many") for _ in range({RUNS})]
for run in runs:
    run.log({{"loss": 0.5}})
print("ready", flush=True)
sys.stdin.readline()
waits = []
for run in runs:
    begin = time.perf_counter()
    run.finish()
    waits.append(time.perf_counter() - begin)
print(max(waits), sum(waits) / len(waits))
"""


def main() -> None:
    with repository() as root:
        os.chdir(root)
        pipe = subprocess.PIPE
        workers = [
            subprocess.Popen([sys.executable, "-c", WORKER], stdin=pipe, stdout=pipe, text=True)
            for _ in range(PROCESSES)
        ]
        for worker in workers:
            assert worker.stdout
            assert worker.stdout.readline() == "ready\n"
        begin = time.perf_counter()
        for worker in workers:
            assert worker.stdin
            worker.stdin.write("go\n")
            worker.stdin.flush()
        waits = [list(map(float, worker.communicate()[0].split())) for worker in workers]
        taken = time.perf_counter() - begin
        left = len(list((root / ".git/runref/spool").glob("*.ready")))
        log = git(root, "log", "--format=%(trailers:key=Run,valueonly)", "refs/runref/runs")
        committed = len(set(log.split()))
        show(
            Figure("runs in the ref of 1,600 ended at once", "", (committed,), target="1,600"),
            Figure("runs left for the next command", "", (left,), target="0"),
            Figure("runs a second", "", (PROCESSES * RUNS / taken,)),
            Figure(
                "longest wait of a process", "s", (max(wait[0] for wait in waits),), None, "2 s"
            ),
            Figure("mean wait", "s", tuple(wait[1] for wait in waits)),
        )
        git(root, "fsck", "--strict")


if __name__ == "__main__":
    main()
