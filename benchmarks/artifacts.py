"""Hashing and storing an output of 1 GB beside `cp` and `openssl dgst -sha256` of it."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from measure import Figure, show, timed

SIZE = 1 << 30


def main() -> None:
    from runref.artifacts import LocalStore

    with tempfile.TemporaryDirectory(prefix="runref-bench-") as folder:
        source = Path(folder) / "model.bin"
        with source.open("wb") as file:
            for _ in range(SIZE >> 20):
                file.write(os.urandom(1 << 20))
        os.utime(source, (1, 1))
        copy = Path(folder) / "copy.bin"

        def cp_and_digest() -> None:
            copy.unlink(missing_ok=True)
            subprocess.run(["cp", source, copy], check=True)
            subprocess.run(
                ["openssl", "dgst", "-sha256", source], check=True, stdout=subprocess.DEVNULL
            )

        floors, first = [], []
        for number in range(4):
            os.sync()  # what is still to be written slows down whoever writes next
            floors += timed(cp_and_digest, 1)
            os.sync()
            store = LocalStore(Path(folder) / f"store{number}", fsync=False)
            first += timed(lambda store=store: store.add(source), 1)
            shutil.rmtree(Path(folder) / f"store{number - 1}", ignore_errors=True)
        floor = statistics.median(floors[1:])
        show(Figure("add a file of 1 GiB", "s", tuple(first[1:]), floor, "cp + openssl: 1.2x"))
        again = timed(lambda: store.add(source), 5)
        show(Figure("add it again, unchanged", "s", again))


if __name__ == "__main__":
    main()
