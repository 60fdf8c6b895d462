"""Large files, and buckets to send them to: shared by the tests of multipart and ranged."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.s3 import Endpoint

from runref.artifacts.remote.location import open_remote

PART = 8 << 20


@dataclass(frozen=True)
class Large:
    """A file of random bytes on the disk."""

    path: Path
    data: bytes

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    @property
    def parts(self) -> list[bytes]:
        return [self.data[at : at + PART] for at in range(0, len(self.data), PART)]


def large(folder: Path, size: int) -> Large:
    data = os.urandom(size)
    path = folder / "large"
    path.write_bytes(data)
    return Large(path, data)


class Target:
    """A bucket with nothing in it, as runref's driver sees it and as botocore does."""

    def __init__(self, endpoint: Endpoint, through: str | None = None) -> None:
        self.client = endpoint.client
        self.bucket = endpoint.new_bucket()
        self.options = endpoint.options(**({"endpoint_url": through} if through else {}))
        self.url = endpoint.remote_url(self.bucket, "lab")
        self.root = f"{self.bucket}/lab"
        self.fs: Any = open_remote(self.url, self.options).place.fs

    def key_of(self, digest: str) -> str:
        return f"{self.root}/sha256/{digest[7:9]}/{digest[9:]}"

    def name_of(self, digest: str) -> dict[str, str]:
        """Return what botocore calls the object of a digest."""
        return {"Bucket": self.bucket, "Key": self.key_of(digest).partition("/")[2]}

    def content(self, digest: str) -> bytes:
        return self.client.get_object(**self.name_of(digest))["Body"].read()

    def objects(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", ())
        return [each["Key"] for each in found]

    def uploads(self) -> list[str]:
        """Return the ids of all uploads that were begun and neither completed nor dropped."""
        found = self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads") or ()
        return [each["UploadId"] for each in found]

    def begin(self, digest: str, parts: Iterable[bytes] = ()) -> str:
        """Begin an upload, as a process does that is killed then, and return its id."""
        name = self.name_of(digest)
        upload_id: str = self.client.create_multipart_upload(**name)["UploadId"]
        for number, part in enumerate(parts, 1):
            self.client.upload_part(**name, UploadId=upload_id, PartNumber=number, Body=part)
        return upload_id
