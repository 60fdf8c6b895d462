"""What S3 does with an object that is sent in parts."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runref.artifacts.remote.failures import code_of, explain
from runref.artifacts.remote.store import RemoteUnreachable

UNKNOWN = frozenset({"NotImplemented", "MethodNotAllowed", "501", "405"})
"""What a server says that has no such operation."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that a server holds.

    Attributes:
        number: From 1.
        etag: As the server wrote it: within quotes, on most servers the MD5 of the part.
        size: Bytes.
        modified: When it arrived, in seconds since the epoch by the server's clock.
    """

    number: int
    etag: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class ObjectInParts:
    """One key of a bucket, there or not.

    Attributes:
        fs: s3fs's file system.
        bucket: The bucket.
        key: The key in it.
    """

    fs: Any
    bucket: str
    key: str

    @property
    def url(self) -> str:
        """What tells it from the objects of all other servers."""
        return f"{self.fs.s3.meta.endpoint_url}/{self.bucket}/{self.key}"

    def size(self) -> int | None:
        """Return the object's size in bytes; none where it is not there."""
        try:
            return int(self._call("head_object")["ContentLength"])
        except FileNotFoundError:
            return None

    def begin(self) -> str:
        """Begin an upload and return the server's name for it."""
        return str(self._call("create_multipart_upload")["UploadId"])

    def parts(self, upload_id: str) -> list[Part] | None:
        """Return the parts of an upload; none where the server knows no such upload.

        SeaweedFS lists a part twice that was sent twice.
        """
        try:
            return [
                Part(
                    number=each["PartNumber"],
                    etag=each["ETag"],
                    size=each["Size"],
                    modified=each["LastModified"].timestamp(),
                )
                for page in self._pages(upload_id)
                for each in page.get("Parts") or ()
            ]
        except OSError as error:
            if code_of(error) == "NoSuchUpload":
                return None
            raise

    async def send(self, upload_id: str, number: int, data: bytes, md5: bytes) -> str:
        """Send a part and return its ETag; runs on the loop of s3fs.

        With the MD5 the server refuses a part that was changed on the wire. All servers take it,
        which is not so with the sums that botocore adds by itself.
        """
        request = {
            "Bucket": self.bucket,
            "Key": self.key,
            "UploadId": upload_id,
            "PartNumber": number,
            "Body": data,
            "ContentMD5": base64.b64encode(md5).decode("ascii"),
        }
        try:
            answer = await self.fs._call_s3("upload_part", **request)  # noqa: SLF001
        except Exception as error:
            if not isinstance(explain(error, self.key, "send"), RemoteUnreachable):
                raise
            # Whoever tries it all again reads the whole file again, for one part in thousands.
            answer = await self.fs._call_s3("upload_part", **request)  # noqa: SLF001
        return str(answer["ETag"])

    def complete(self, upload_id: str, etags: list[str]) -> None:
        """Make the object of its parts; the server refuses where it has another in their place."""
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        self._call(
            "complete_multipart_upload", UploadId=upload_id, MultipartUpload={"Parts": parts}
        )

    def drop(self, upload_id: str) -> None:
        """Let the server drop an upload and its parts; one it does not know is no error."""
        try:
            self._call("abort_multipart_upload", UploadId=upload_id)
        except OSError as error:
            if code_of(error) != "NoSuchUpload":
                raise

    def _pages(self, upload_id: str) -> Iterator[dict[str, Any]]:
        marker = 0
        while True:
            page = self._call("list_parts", UploadId=upload_id, PartNumberMarker=marker)
            yield page
            following = int(page.get("NextPartNumberMarker") or 0)
            if not page.get("IsTruncated") or following <= marker:
                return
            marker = following

    def _call(self, operation: str, **more: Any) -> dict[str, Any]:
        return dict(self.fs.call_s3(operation, Bucket=self.bucket, Key=self.key, **more))
