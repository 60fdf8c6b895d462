"""What tests kill: writes a content to a remote, and prints a line for what was dealt with.

Usage: write_content.py URL DIGEST PATH
"""

from __future__ import annotations

import sys
from pathlib import Path

from runref.artifacts.remote.location import open_remote


def told(count: int) -> None:
    print(count, flush=True)


def main(url: str, digest: str, path: str) -> None:
    open_remote(url).write(digest, Path(path), on_bytes=told)


if __name__ == "__main__":
    main(*sys.argv[1:])
