from __future__ import annotations

import uuid

import pytest

from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.store import RemoteStore
from runref.testing import Beside, StoreContract

pytestmark = pytest.mark.slow


class Memory(Beside):
    """What fsspec's memory holds below a path."""

    def __init__(self, root: str) -> None:
        from fsspec.implementations.memory import MemoryFileSystem

        self._fs = MemoryFileSystem()
        self._root = root

    def files(self) -> dict[str, bytes]:
        return {path[len(self._root) + 1 :]: self._fs.cat_file(path) for path in self._paths()}

    def put(self, path: str, data: bytes) -> None:
        self._fs.pipe_file(f"{self._root}/{path}", data)

    def remove_all(self) -> None:
        for path in self._paths():
            self._fs.rm_file(path)

    def _paths(self) -> list[str]:
        return list(self._fs.find(self._root))


class TestMemory(StoreContract):
    @pytest.fixture
    def root(self):
        root = f"/{uuid.uuid4().hex}/shared"
        yield root
        Memory(root).remove_all()

    @pytest.fixture
    def store(self, root: str) -> RemoteStore:
        return open_remote(f"memory://{root}")

    @pytest.fixture
    def second_store(self, root: str) -> RemoteStore:
        return open_remote(f"memory://{root}")

    @pytest.fixture
    def beside(self, root: str) -> Beside:
        return Memory(root)
