"""Files of an S3 bucket, through s3fs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runref.artifacts.reading import OnBytes, Source
from runref.artifacts.remote.failures import code_of
from runref.artifacts.remote.listing import read_quickly, without_date
from runref.artifacts.remote.objects import Objects
from runref.artifacts.remote.place import Entry
from runref.version import __version__

_DELETED_AT_ONCE = 1000
"""The most that S3 deletes in one request."""

_CONNECTIONS = 100
"""Requests at once that need not wait for each other's connection."""


class Bucket(Objects):
    """A folder of an S3 bucket.

    Listings, sizes and deletions go to S3's own operations: s3fs asks more than once where it has
    to make folders out of keys.

    Args:
        fs: s3fs's file system.
        root: Bucket and prefix, without a slash at its end.
    """

    shard_digits = 1

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs, root)
        self.bucket, _, prefix = root.partition("/")
        self._prefix = f"{prefix}/" if prefix else ""

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; see `Place.size`."""
        try:
            answer = self.fs.call_s3("head_object", Bucket=self.bucket, Key=self._prefix + path)
        except FileNotFoundError:
            return None
        except OSError as error:
            if not code_of(error).startswith("4"):
                raise
            # The answer to this kind of request has no words; the same refusal of another has.
            self.confirm()
            raise
        return int(answer["ContentLength"])

    def confirm(self) -> None:
        """Raise where the bucket does not exist: the answer about a size does not tell."""
        self._page(self._prefix, None, 1)

    def below(self, folder: str) -> Iterator[Entry]:
        """Yield the files below a folder; see `Place.below`."""
        # A name with a slash in front of its last digits is part of a folder's name already.
        prefix = self._prefix + folder + ("" if folder.startswith("sha256/") else "/")
        token = None
        while True:
            page = self._page(prefix, token, 1000)
            for each in page.get("Contents", ()):
                path = each["Key"][len(self._prefix) :]
                yield Entry(path, each["Size"], each["LastModified"].timestamp())
            token = page.get("NextContinuationToken")
            if not page.get("IsTruncated") or not token:
                return

    def put(self, path: str, data: bytes) -> None:
        """Write a small file; see `Place.put`.

        By the MD5 the server sees that a request was cut off. Without it SeaweedFS makes an empty
        file of one whose sender died between its headers and its body.
        """
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode("ascii")
        self.fs.pipe_file(self._at(path), data, ContentMD5=md5)

    def unfinished(self, before: float, *, remove: bool) -> tuple[int, int]:
        """Return number and bytes of uploads in parts; see `Place.unfinished`."""
        from runref.artifacts.remote.unfinished import abandoned, abort

        found = list(abandoned(self.fs, self.root, before))
        if remove:
            abort(self.fs, self.root, found)
        return len(found), sum(each.size for each in found)

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files; see `Place.remove`."""
        for start in range(0, len(paths), _DELETED_AT_ONCE):
            some = paths[start : start + _DELETED_AT_ONCE]
            try:
                self._delete(some)
            except (OSError, ValueError) as error:
                # Google's S3 has no such operation, and servers of before 2025 want it signed
                # with an MD5 that today's botocore does not send.
                if code_of(error) not in ("NotImplemented", "InvalidRequest", "MissingContentMD5"):
                    raise
                super().remove(some)

    def _delete(self, paths: Sequence[str]) -> None:
        objects = [{"Key": self._prefix + path} for path in paths]
        answer = self.fs.call_s3(
            "delete_objects", Bucket=self.bucket, Delete={"Objects": objects, "Quiet": True}
        )
        for refused in answer.get("Errors") or ():
            if refused.get("Code") not in ("NoSuchKey", "404"):
                raise _Refused(refused)

    def _store_large(self, path: str, source: Source, digest: str, on_bytes: OnBytes) -> None:
        from pathlib import Path

        from runref.artifacts.remote import multipart

        size = source.status.st_size
        multipart.upload(self.fs, self._at(path), Path(source.path), digest, size, on_bytes)

    def _page(self, prefix: str, token: str | None, most: int) -> dict[str, Any]:
        more = {"ContinuationToken": token} if token else {}
        return dict(
            self.fs.call_s3(
                "list_objects_v2", Bucket=self.bucket, Prefix=prefix, MaxKeys=most, **more
            )
        )


class _Refused(OSError):
    """One of several deletions that the server refused, told like a refused request."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("Message") or error.get("Code")))
        self.response = {"Error": dict(error)}


def connect(url: str, options: Mapping[str, Any]) -> Bucket:
    """Return the bucket and prefix that a URL names; asks nothing of the server yet."""
    from s3fs import S3FileSystem

    fs = S3FileSystem(**_tuned(options), skip_instance_cache=True, use_listings_cache=False)
    # `Retrying` decides when something is tried again, and tells; two who do multiply the waits.
    fs.retries = 1
    read_quickly(fs.s3)
    fs.s3.meta.events.register("before-parse.s3.GetObject", without_date)
    root = "/".join(part for part in fs._strip_protocol(url).split("/") if part)  # noqa: SLF001
    return Bucket(fs, root)


def _tuned(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with what runref needs of botocore, where they say nothing of it."""
    from botocore.config import Config

    defaults: dict[str, Any] = {
        "retries": {"total_max_attempts": 1},
        "max_pool_connections": _CONNECTIONS,
        "connect_timeout": 10,
        # Without a name of its own, botocore puts one together anew for each request.
        "user_agent": f"runref/{__version__}",
        "read_timeout": 60,  # a server answers a part of a large file when it has stored it
        # Sums of their own kind, which botocore adds since 2025, are unknown to many servers.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    known = {name: each for name, each in defaults.items() if name in Config.OPTION_DEFAULTS}
    config = {**known, **options.get("config_kwargs", {})}
    # One request for a file: s3fs would ask for its size first, so as to read it in parallel.
    return {"max_concurrency": 1, **options, "config_kwargs": config}
