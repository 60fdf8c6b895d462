"""A bundle of large artifacts, made, inspected and imported, beside `tar` and `sha256sum`.

`tar` writes the same artifacts into a file, `sha256sum` reads that file, and what was written is
put onto the disk, as `runref bundle create` does. Rounds alternate. Peaks of memory are those of a
whole process. `RUNREF_BENCH_BUNDLE_MIB` says how much there is; twice as much must be free.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Figure, show

MEGABYTES = int(os.environ.get("RUNREF_BENCH_BUNDLE_MIB", "256"))
FILES = 8
ROUNDS = int(os.environ.get("RUNREF_BENCH_BUNDLE_ROUNDS", "3"))
RUNREF = [sys.executable, "-m", "runref"]

PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""

WRITE = """
import os, pathlib, sys
folder = pathlib.Path("out")
folder.mkdir()
for number in range({files}):
    with (folder / f"{{number}}.bin").open("wb") as file:
        for _ in range({each}):
            file.write(os.urandom(1 << 20))
"""


def prepare(folder: Path) -> Path:
    """Record a run with large outputs, which are in the store alone afterwards."""
    repository = folder / "repository"
    repository.mkdir()

    def do(*command: str) -> None:
        subprocess.run(command, cwd=repository, check=True, capture_output=True)

    do("git", "init", "-q")
    source = WRITE.format(files=FILES, each=MEGABYTES // FILES)
    (repository / "write.py").write_text(source)
    (repository / ".gitignore").write_text("out\n")
    do("git", "add", "-A")
    do("git", "-c", "user.name=b", "-c", "user.email=b@x", "commit", "-q", "-m", "first")
    do(*RUNREF, "run", "-o", "out", "--", sys.executable, "write.py")
    do("rm", "-r", "out")
    return repository


def timed(cwd: Path, *command: str) -> tuple[float, float]:
    """Return the seconds that a command took, and the MiB that it needed."""
    os.sync()
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *command], cwd=cwd, check=True, capture_output=True, text=True
    )
    return time.perf_counter() - begin, int(done.stdout) / 1024


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("RUNREF_BENCH_FOLDER")) as name:
        folder = Path(name)
        repository = prepare(folder)
        store = repository / ".git/runref/artifacts"
        bundle, tar, other = folder / "x.rrb", folder / "x.tar", folder / "other"
        plain = f"tar cf {tar} sha256 && sha256sum {tar} && sync {tar}"
        seconds: dict[str, list[float]] = {}
        peaks: dict[str, float] = {}

        def measure(what: str, cwd: Path, *command: str) -> None:
            took, peak = timed(cwd, *command)
            seconds.setdefault(what, []).append(took)
            peaks[what] = max(peaks.get(what, 0.0), peak)

        for _ in range(ROUNDS):
            measure("tar + sha256sum", store, "sh", "-ec", plain)
            tar.unlink()
            create = ("bundle", "create", str(bundle), "--with", "outputs")
            measure("create", repository, *RUNREF, *create)
            measure("inspect", folder, *RUNREF, "bundle", "inspect", str(bundle))
            subprocess.run(["git", "init", "-q", str(other)], check=True)
            measure("import", other, *RUNREF, "bundle", "import", str(bundle))
            subprocess.run(["rm", "-r", str(other)], check=True)
            bundle.unlink()
    floor = statistics.median(seconds["tar + sha256sum"])
    targets = {"create": "2x"}
    for what, each in seconds.items():
        shown = f"{what}, {MEGABYTES} MiB of artifacts"
        beside = None if what == "tar + sha256sum" else floor
        show(Figure(shown, "s", tuple(each), beside, targets.get(what, "")))
    for what, peak in peaks.items():
        target = "300 MiB" if what == "create" else ""
        show(Figure(f"{what}, peak memory", "MiB", (peak,), None, target))


if __name__ == "__main__":
    main()
