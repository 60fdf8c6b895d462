"""An S3 remote behind a proxy that breaks, and a look at the same bucket past the proxy."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.faults import Call, Fault
from tests.servers.proxy import Proxy
from tests.servers.s3 import Endpoint, S3Server

from runref.artifacts.remote.limits import Limited
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.retrying import Backoff, Retrying
from runref.artifacts.remote.store import RemoteStore, RemoteUnreachable

AT_ONCE = Backoff(first=0.0, attempts=40)


@dataclass
class Lab:
    """A bucket of a server, reached through a proxy.

    Attributes:
        server: The server.
        proxy: What stands before it.
        bucket: A bucket that is only this test's.
        told: The codes of the failures that another attempt followed.
    """

    server: S3Server
    proxy: Proxy
    bucket: str
    told: list[str] = field(default_factory=list)

    def store(self, **options: Any) -> RemoteStore:
        """Return the remote behind the proxy, as a command has it.

        At every failure, nothing but whole contents is to be seen.
        """
        return Retrying(Limited(self.bare(**options), 8), AT_ONCE, self._told)

    def bare(self, **options: Any) -> RemoteStore:
        """Return the remote behind the proxy, which fails at the first failure."""
        endpoint = Endpoint(self.proxy.url, self.server.key, self.server.secret)
        options = {"bucket": self.bucket, **endpoint.options(), **options}
        return open_remote(f"s3://{options.pop('bucket')}/team", options, name="lab")

    def past_the_proxy(self) -> RemoteStore:
        """Return the remote without the proxy."""
        url = self.server.remote_url(self.bucket, "team")
        return open_remote(url, self.server.options(), name="lab")

    def visible(self) -> set[str]:
        """Return the digests that are to be seen; fail where one is not what it says."""
        listing = self.server.client.list_objects_v2(Bucket=self.bucket)
        assert not listing["IsTruncated"]
        found = set()
        for each in listing.get("Contents", []):
            body = self.server.client.get_object(Bucket=self.bucket, Key=each["Key"])["Body"]
            digest = "sha256:" + each["Key"].removeprefix("team/sha256/").replace("/", "")
            assert digest_of(body.read()) == digest
            found.add(digest)
        return found

    def damage(self, digest: str) -> None:
        """Flip a bit of a content on the server."""
        place = {"Bucket": self.bucket, "Key": f"team/sha256/{digest[7:9]}/{digest[9:]}"}
        data = bytearray(self.server.client.get_object(**place)["Body"].read())
        data[len(data) // 2] ^= 1
        self.server.client.put_object(**place, Body=bytes(data))

    def _told(self, what: str, error: RemoteUnreachable, attempt: int, seconds: float) -> None:
        self.told.append(error.code)
        self.visible()


class First:
    """A rule: the first requests with a method meet a fault, of each path and query so many.

    Attributes:
        hits: How many did.
    """

    def __init__(self, method: str, fault: Fault, times: int = 1) -> None:
        self._method = method
        self._fault = fault
        self._times = times
        self.hits = 0

    def __call__(self, call: Call) -> Fault | None:
        if call.method != self._method or call.nth > self._times:
            return None
        self.hits += 1
        return self._fault


class Anything:
    """A rule: every third request or so meets one of some faults, but no request more than twice.

    Attributes:
        hits: How many did.
    """

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        import random

        self._faults = faults
        self._random = random.Random(seed)
        self._met: dict[tuple[str, str], int] = {}
        self.hits = 0

    def __call__(self, call: Call) -> Fault | None:
        request = call.method, call.path + call.query
        if self._met.get(request, 0) == 2 or self._random.random() > 0.35:
            return None
        self._met[request] = self._met.get(request, 0) + 1
        self.hits += 1
        return self._random.choice(self._faults)


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def noise(folder: Path, size: int) -> tuple[str, Path]:
    """Write a file of random bytes; return its digest and path."""
    data = os.urandom(size)
    path = folder / f"noise-{size}"
    path.write_bytes(data)
    return digest_of(data), path


def read(store: RemoteStore, digest: str, size: int | None = None) -> bytes:
    received = bytearray()
    store.read(digest, received.extend, size=size)
    return bytes(received)
