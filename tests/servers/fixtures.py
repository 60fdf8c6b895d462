"""The servers as fixtures: started when a test first asks, stopped after the last test.

Each process of pytest-xdist has its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.servers.git_http import GitAddress, GitHttp
from tests.servers.git_ssh import GitSsh
from tests.servers.moto import Moto
from tests.servers.nfs import NfsServer
from tests.servers.proxy import Proxy
from tests.servers.rclone import Rclone
from tests.servers.s3 import Endpoint
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.slurm import Slurm
from tests.servers.sshd import Sshd


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("seaweedfs") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def seaweedfs_https(seaweedfs: SeaweedFS) -> Endpoint:
    """SeaweedFS over https, with a certificate of an authority that nobody knows."""
    return seaweedfs.https


@pytest.fixture
def s3_proxy(seaweedfs: SeaweedFS) -> Iterator[Proxy]:
    """A proxy in front of SeaweedFS, which lets all pass until its rule is set."""
    with Proxy(seaweedfs.url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    with Moto(tmp_path_factory.mktemp("moto") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def rclone_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rclone]:
    with Rclone(tmp_path_factory.mktemp("rclone") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def nfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NfsServer]:
    with NfsServer(tmp_path_factory.mktemp("nfs") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def git_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHttp]:
    with GitHttp(tmp_path_factory.mktemp("git_http") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def git_https(git_http: GitHttp) -> GitAddress:
    """The repositories of `git_http` over https, certified by an authority that nobody knows."""
    return git_http.https


@pytest.fixture
def git_proxy(git_http: GitHttp) -> Iterator[Proxy]:
    """A proxy in front of `git_http`, which lets all pass until its rule is set."""
    with Proxy(git_http.base) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def git_ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitSsh]:
    with GitSsh(tmp_path_factory.mktemp("git_ssh") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    with Slurm(tmp_path_factory.mktemp("slurm") / "server") as server:
        yield server
