"""The contract on the NFS mount of a node: `test_nfs` has pytest run this there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.servers.node import MOUNT

from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteStore
from runref.testing import Beside, StoreContract


class TestNfs(StoreContract):
    many = 100  # listed in one answer anyway, and each takes several round trips

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Return a folder of this test's own; what is sent lies in `tmp_path`, in memory."""
        return Path(MOUNT) / tmp_path.name

    @pytest.fixture
    def store(self, folder: Path) -> RemoteStore:
        return open_remote(str(folder))

    @pytest.fixture
    def second_store(self, folder: Path) -> RemoteStore:
        return open_remote(str(folder))

    @pytest.fixture
    def beside(self, folder: Path) -> Beside:
        return Beside(folder)
