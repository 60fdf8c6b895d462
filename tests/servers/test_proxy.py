"""The proxy does to a request what its rule says, and nothing to all others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.servers.faults import (
    SLOW_DOWN,
    Call,
    CutBody,
    CutUpload,
    Delay,
    Fault,
    HangUpAfter,
    HangUpBefore,
    Rule,
    ShortBody,
)
from tests.servers.proxy import Proxy
from tests.servers.s3 import Endpoint
from tests.servers.seaweedfs import SeaweedFS

pytestmark = pytest.mark.slow

CONTENT = os.urandom(300_000)


@pytest.fixture(scope="module")
def bucket(seaweedfs: SeaweedFS) -> str:
    bucket = seaweedfs.new_bucket()
    seaweedfs.client.put_object(Bucket=bucket, Key="there", Body=CONTENT)
    return bucket


@pytest.fixture
def client(s3_proxy: Proxy, seaweedfs: SeaweedFS) -> Iterator[Any]:
    """A client that tries once, through the proxy."""
    through = Endpoint(s3_proxy.url, seaweedfs.key, seaweedfs.secret)
    yield through.client
    through.hang_up()


def once(method: str, fault: Fault) -> Rule:
    """Return the rule that the first request with a method meets a fault."""
    return lambda call: fault if call.method == method and call.nth == 1 else None


def keys(seaweedfs: SeaweedFS, bucket: str) -> list[str]:
    listing = seaweedfs.client.list_objects_v2(Bucket=bucket)
    return [each["Key"] for each in listing.get("Contents", [])]


def test_without_faults_all_passes_as_it_is(s3_proxy, seaweedfs, client, bucket):
    client.put_object(Bucket=bucket, Key="a b+c/ü", Body=CONTENT)
    assert client.get_object(Bucket=bucket, Key="a b+c/ü")["Body"].read() == CONTENT
    assert client.head_object(Bucket=bucket, Key="there")["ContentLength"] == len(CONTENT)
    part = client.get_object(Bucket=bucket, Key="there", Range="bytes=5-9")
    assert part["Body"].read() == CONTENT[5:10]
    client.delete_object(Bucket=bucket, Key="a b+c/ü")
    assert "a b+c/ü" not in keys(seaweedfs, bucket)
    assert [call.method for call in s3_proxy.calls] == ["PUT", "GET", "HEAD", "GET", "DELETE"]
    assert s3_proxy.count("GET") == 2
    assert [call.number for call in s3_proxy.calls] == [1, 2, 3, 4, 5]


def test_a_wrong_secret_is_still_refused(s3_proxy, seaweedfs, bucket):
    stranger = Endpoint(s3_proxy.url, seaweedfs.key, "wrong")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stranger.client.get_object(Bucket=bucket, Key="there")
    stranger.hang_up()


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [(HangUpBefore(), False), (CutUpload(1000), False), (SLOW_DOWN, False), (HangUpAfter(), True)],
)
def test_an_upload_that_fails(s3_proxy, seaweedfs, client, bucket, fault, arrives):
    name = type(fault).__name__
    s3_proxy.rule = once("PUT", fault)
    with pytest.raises((BotoCoreError, ClientError)):
        client.put_object(Bucket=bucket, Key=name, Body=CONTENT)
    assert (name in keys(seaweedfs, bucket)) == arrives
    client.put_object(Bucket=bucket, Key=name, Body=CONTENT)
    assert [call.nth for call in s3_proxy.calls] == [1, 2]
    assert seaweedfs.client.get_object(Bucket=bucket, Key=name)["Body"].read() == CONTENT


@pytest.mark.parametrize("fault", [HangUpBefore(), HangUpAfter(), CutBody(1000), SLOW_DOWN])
def test_a_download_that_fails(s3_proxy, client, bucket, fault):
    s3_proxy.rule = once("GET", fault)
    with pytest.raises((BotoCoreError, ClientError)):
        client.get_object(Bucket=bucket, Key="there")["Body"].read()
    assert client.get_object(Bucket=bucket, Key="there")["Body"].read() == CONTENT


def test_a_refusal_has_its_status_and_code(s3_proxy, client, bucket):
    s3_proxy.rule = once("GET", SLOW_DOWN)
    with pytest.raises(ClientError) as refused:
        client.get_object(Bucket=bucket, Key="there")
    assert refused.value.response["Error"]["Code"] == "SlowDown"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_a_short_body_looks_complete(s3_proxy, client, bucket):
    s3_proxy.rule = once("GET", ShortBody(1000))
    answer = client.get_object(Bucket=bucket, Key="there")
    assert answer["Body"].read() == CONTENT[:1000]
    assert client.get_object(Bucket=bucket, Key="there")["Body"].read() == CONTENT


def test_a_delayed_answer_is_whole(s3_proxy, client, bucket):
    s3_proxy.rule = once("GET", Delay(0.05))
    assert client.get_object(Bucket=bucket, Key="there")["Body"].read() == CONTENT


def test_an_error_in_a_rule_is_not_lost(seaweedfs):
    def wrong(_call: Call) -> None:
        raise LookupError("a mistake in a test")

    def ask() -> None:
        with Proxy(seaweedfs.url, wrong) as proxy:
            through = Endpoint(proxy.url, seaweedfs.key, seaweedfs.secret)
            with pytest.raises(BotoCoreError):
                through.new_bucket()
            through.hang_up()

    with pytest.raises(LookupError, match="mistake"):
        ask()
