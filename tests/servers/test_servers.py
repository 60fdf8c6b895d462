"""The servers are as tests believe them to be."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError, SSLError
from tests.servers.nfs import NfsServer
from tests.servers.node import MOUNT, Node
from tests.servers.s3 import Endpoint
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.server import Server
from tests.servers.sshd import Sshd

pytestmark = pytest.mark.slow


@pytest.fixture(params=["seaweedfs", "seaweedfs_https", "moto", "rclone_s3"])
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    return request.getfixturevalue(request.param)


@contextmanager
def using(endpoint: Endpoint, key: str, secret: str) -> Iterator[Any]:
    """Yield a client with other credentials."""
    other = Endpoint(endpoint.url, key, secret, endpoint.ca_bundle)
    try:
        yield other.client
    finally:
        other.hang_up()


def test_an_object_comes_back_to_who_knows_the_secret(endpoint: Endpoint):
    bucket = endpoint.new_bucket()
    endpoint.client.put_object(Bucket=bucket, Key="a/b", Body=b"content")
    assert endpoint.client.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"content"
    with using(endpoint, endpoint.key, "wrong") as client, pytest.raises(ClientError) as refused:
        client.get_object(Bucket=bucket, Key="a/b")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize(
    ("name", "kept"), [("seaweedfs", b"first"), ("moto", b"first"), ("rclone_s3", b"second")]
)
def test_conditional_writes(request: pytest.FixtureRequest, name: str, kept: bytes):
    server = request.getfixturevalue(name)
    bucket = server.new_bucket()
    with suppress(ClientError):
        for body in (b"first", b"second"):
            server.client.put_object(Bucket=bucket, Key="key", Body=body, IfNoneMatch="*")
    assert server.client.get_object(Bucket=bucket, Key="key")["Body"].read() == kept


def test_the_read_only_key_reads(seaweedfs: SeaweedFS):
    bucket = seaweedfs.new_bucket()
    seaweedfs.client.put_object(Bucket=bucket, Key="key", Body=b"content")
    with using(seaweedfs, seaweedfs.readonly_key, seaweedfs.readonly_secret) as client:
        assert client.get_object(Bucket=bucket, Key="key")["Body"].read() == b"content"
        with pytest.raises(ClientError, match="AccessDenied"):
            client.put_object(Bucket=bucket, Key="key", Body=b"other")


def test_the_certificate_needs_its_authority(seaweedfs_https: Endpoint):
    trusting_others = Endpoint(seaweedfs_https.url, seaweedfs_https.key, seaweedfs_https.secret)
    with pytest.raises(SSLError):
        trusting_others.client.list_buckets()
    trusting_others.hang_up()


def test_a_kill_loses_nothing(tmp_path: Path):
    with SeaweedFS(tmp_path / "server") as server:
        bucket = server.new_bucket()
        server.client.put_object(Bucket=bucket, Key="key", Body=b"content")
        server.kill()
        server.start()
        assert server.client.get_object(Bucket=bucket, Key="key")["Body"].read() == b"content"
        server.restart()
        assert server.client.get_object(Bucket=bucket, Key="key")["Body"].read() == b"content"


def test_ssh_lets_in_who_has_the_key(sshd: Sshd):
    def log_in(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = ["ssh", *map(str, arguments), "echo inside"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert log_in("-F", sshd.config, "box").stdout == "inside\n"
    stranger = [*("-F", "none", "-i", sshd.id_other, "-p", sshd.port, "-o", "BatchMode=yes")]
    stranger += ["-o", f"UserKnownHostsFile={sshd.known_hosts}", "-o", "IdentitiesOnly=yes"]
    assert "Permission denied" in log_in(*stranger, f"{sshd.user}@{sshd.host}").stderr


@pytest.mark.parametrize(
    "name", ["seaweedfs", "moto", "rclone_s3", "sshd", "nfs", "git_http", "git_ssh"]
)
def test_nobody_else_reaches_them(request: pytest.FixtureRequest, name: str):
    server: Server = request.getfixturevalue(name)
    connections = psutil.Process(server.process.pid).net_connections("inet")
    listening = {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    assert {each.removeprefix("::ffff:") for each in listening} == {"127.0.0.1"}


def test_a_node_shares_files_over_nfs(nfs: NfsServer, tmp_path: Path):
    (nfs.export / "question").write_text("who?")
    script = (
        f"grep ' {MOUNT} nfs4 ' /proc/mounts && cd {MOUNT} && (cat question; hostname) > answer"
    )
    with Node("other", tmp_path / "node", nfs, ["sh", "-c", script]) as node:
        node.wait()
    assert (nfs.export / "answer").read_text() == "who?other\n"


def test_a_node_whose_command_fails_shows_its_log(nfs: NfsServer, tmp_path: Path):
    failing = Node("other", tmp_path / "node", nfs, ["sh", "-c", "echo no luck; exit 3"])
    with failing, pytest.raises(pytest.fail.Exception, match=r"(?s)status 3.*no luck"):
        failing.wait()
