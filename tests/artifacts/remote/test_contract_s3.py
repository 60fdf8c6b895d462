from __future__ import annotations

import pytest
from tests.servers.moto import Moto
from tests.servers.rclone import Rclone
from tests.servers.s3 import Endpoint
from tests.servers.seaweedfs import SeaweedFS

from runref.artifacts.remote.filesystem import FsspecStore
from runref.artifacts.remote.limits import Limited
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.objects import Objects
from runref.artifacts.remote.retrying import Backoff, Retrying
from runref.artifacts.remote.s3 import connect
from runref.artifacts.remote.store import RemoteStore
from runref.testing import Beside, StoreContract

pytestmark = pytest.mark.slow


class Bucket(Beside):
    """What a bucket holds below a prefix, by botocore alone."""

    def __init__(self, endpoint: Endpoint, bucket: str, prefix: str) -> None:
        self._client = endpoint.client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def files(self) -> dict[str, bytes]:
        listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix)
        keys = [each["Key"] for each in listed.get("Contents", ())]
        return {key[len(self._prefix) :]: self._get(key) for key in keys}

    def put(self, path: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=self._prefix + path, Body=data)

    def _get(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()


def as_used(store: RemoteStore) -> RemoteStore:
    """Return a store with what commands put around it.

    A server may say to any request that it cannot serve it now: moto answers 500 to some of those
    that write one key at the same time, as others do under load.
    """
    return Retrying(Limited(store, 16), Backoff(first=0.05))


class InBucket(StoreContract):
    """A remote that is a new bucket, or a prefix in one."""

    prefix = "team a/run+ref"

    @pytest.fixture
    def endpoint(self) -> Endpoint:
        raise NotImplementedError

    @pytest.fixture
    def bucket(self, endpoint: Endpoint) -> str:
        return endpoint.new_bucket()

    @pytest.fixture
    def store(self, endpoint: Endpoint, bucket: str) -> RemoteStore:
        return as_used(self.bare(endpoint, bucket))

    @pytest.fixture
    def second_store(self, endpoint: Endpoint, bucket: str) -> RemoteStore:
        return as_used(self.bare(endpoint, bucket))

    def bare(self, endpoint: Endpoint, bucket: str) -> RemoteStore:
        """Return the store itself, which fails at the first failure."""
        return open_remote(endpoint.remote_url(bucket, self.prefix), endpoint.options())

    @pytest.fixture
    def beside(self, endpoint: Endpoint, bucket: str) -> Beside:
        return Bucket(endpoint, bucket, self.prefix)


class TestSeaweedFS(InBucket):
    @pytest.fixture
    def endpoint(self, seaweedfs: SeaweedFS) -> Endpoint:
        return seaweedfs


class TestSeaweedFSOverHttps(InBucket):
    prefix = ""

    @pytest.fixture
    def endpoint(self, seaweedfs_https: Endpoint) -> Endpoint:
        return seaweedfs_https


class TestMoto(InBucket):
    @pytest.fixture
    def endpoint(self, moto: Moto) -> Endpoint:
        return moto


class TestRclone(InBucket):
    @pytest.fixture
    def endpoint(self, rclone_s3: Rclone) -> Endpoint:
        return rclone_s3


class TestAnyObjectStore(InBucket):
    """What fsspec's drivers of object stores are used for, with the one that is always there."""

    @pytest.fixture
    def endpoint(self, seaweedfs: SeaweedFS) -> Endpoint:
        return seaweedfs

    def bare(self, endpoint: Endpoint, bucket: str) -> RemoteStore:
        def connected() -> Objects:
            place = connect(endpoint.remote_url(bucket, self.prefix), endpoint.options())
            return Objects(place.fs, place.root)

        return FsspecStore("any", connected)
