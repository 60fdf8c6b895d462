"""What tests kill: sends a file in parts, and prints a line for what has arrived.

Usage: send_large.py URL ENDPOINT KEY SECRET TARGET PATH DIGEST NOTES
"""

from __future__ import annotations

import sys
from pathlib import Path

from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.multipart import upload


def told(count: int) -> None:
    print(count, flush=True)


def main(
    url: str, endpoint: str, key: str, secret: str, target: str, path: str, digest: str, notes: str
) -> None:
    options = {"endpoint_url": endpoint, "key": key, "secret": secret}
    fs = open_remote(url, options).place.fs
    size = Path(path).stat().st_size
    upload(fs, target, Path(path), digest, size, told, folder=Path(notes))
    # Not `ru_maxrss`: that has the peak of the process in it which forked this one.
    status = Path("/proc/self/status").read_text("ascii")
    print("peak KiB", status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
