from __future__ import annotations

from pathlib import Path

import pytest

from runref.artifacts.remote.files import Files
from runref.artifacts.remote.filesystem import FsspecStore
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteStore
from runref.testing import Beside, StoreContract

pytestmark = pytest.mark.slow


class InFolder(StoreContract):
    """A remote that is a folder of this machine, by whatever means."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "a remote"

    @pytest.fixture
    def beside(self, folder: Path) -> Beside:
        return Beside(folder)


class TestPath(InFolder):
    @pytest.fixture
    def store(self, folder: Path) -> RemoteStore:
        return open_remote(str(folder))

    @pytest.fixture
    def second_store(self, folder: Path) -> RemoteStore:
        return open_remote(folder.as_uri())


class TestAnyFileSystem(InFolder):
    """What fsspec's drivers of file systems are used for, with the one that is always there."""

    @pytest.fixture
    def store(self, folder: Path) -> RemoteStore:
        return self._open(folder)

    @pytest.fixture
    def second_store(self, folder: Path) -> RemoteStore:
        return self._open(folder)

    def _open(self, folder: Path) -> RemoteStore:
        def connect() -> Files:
            from fsspec.implementations.local import LocalFileSystem

            return Files(LocalFileSystem(skip_instance_cache=True), str(folder))

        return FsspecStore("any", connect)
