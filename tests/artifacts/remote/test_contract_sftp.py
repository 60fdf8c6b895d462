from __future__ import annotations

from pathlib import Path

import pytest
from tests.servers.sshd import Sshd

from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteStore
from runref.testing import Beside, StoreContract

pytestmark = pytest.mark.slow


class TestOpenSSH(StoreContract):
    many = 300  # each is five round trips, and nothing is listed in pages

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "a remote"

    @pytest.fixture
    def store(self, ssh_home: Sshd, folder: Path) -> RemoteStore:
        return open_remote(f"sftp://box{folder}")

    @pytest.fixture
    def second_store(self, ssh_home: Sshd, folder: Path) -> RemoteStore:
        return open_remote(f"ssh://{ssh_home.user}@{ssh_home.host}:{ssh_home.port}{folder}")

    @pytest.fixture
    def beside(self, folder: Path) -> Beside:
        return Beside(folder)
