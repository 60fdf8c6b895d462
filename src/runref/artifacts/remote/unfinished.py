"""Uploads in parts that nobody goes on with: S3 keeps their parts, and there is no object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from runref.artifacts.remote.failures import code_of
from runref.artifacts.remote.parts import UNKNOWN, ObjectInParts


@dataclass(frozen=True, slots=True)
class Abandoned:
    """An upload that nobody goes on with.

    Attributes:
        key: Of the object that it was to become, within the bucket.
        upload_id: The server's name for it.
        size: Bytes of its parts, which the server keeps and may charge for.
    """

    key: str
    upload_id: str
    size: int


def abandoned(fs: Any, root: str, before: float) -> Iterator[Abandoned]:
    """Yield the uploads of contents below a root that got no part since some time.

    A server that cannot tell has none.

    Args:
        fs: s3fs's file system.
        root: Bucket and prefix, without a slash at its end.
        before: That time, in seconds since the epoch by the server's clock.
    """
    bucket, _, prefix = root.partition("/")
    contents = f"{prefix}/sha256/" if prefix else "sha256/"
    try:
        for each in _uploads(fs, Bucket=bucket, Prefix=contents):
            parts = ObjectInParts(fs, bucket, each["Key"]).parts(each["UploadId"])
            if parts is None:
                continue  # completed since
            # Where there are parts they tell: moto has every upload begin in 2010.
            last = max((part.modified for part in parts), default=each["Initiated"].timestamp())
            if last < before:
                size = sum(part.size for part in parts)
                yield Abandoned(each["Key"], each["UploadId"], size)
    except OSError as error:
        if code_of(error) not in UNKNOWN:
            raise


def abort(fs: Any, root: str, uploads: Iterable[Abandoned]) -> None:
    """Let the server drop uploads and their parts; those it does not know are no error.

    Args:
        fs: s3fs's file system.
        root: Bucket and prefix, as for `abandoned`.
        uploads: What it returned.
    """
    bucket = root.partition("/")[0]
    for each in uploads:
        ObjectInParts(fs, bucket, each.key).drop(each.upload_id)


def _uploads(fs: Any, **request: Any) -> Iterator[dict[str, Any]]:
    markers: dict[str, str] = {}
    while True:
        page = fs.call_s3("list_multipart_uploads", **markers, **request)
        yield from page.get("Uploads") or ()
        following = {
            name: page[f"Next{name}"]
            for name in ("KeyMarker", "UploadIdMarker")
            if page.get(f"Next{name}")
        }
        if not page.get("IsTruncated") or following in ({}, markers):
            return
        markers = following
