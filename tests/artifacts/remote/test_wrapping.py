from __future__ import annotations

from itertools import cycle
from pathlib import Path

import pytest

from runref.artifacts.remote.limits import Limited
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.retrying import Backoff, Retrying
from runref.artifacts.remote.store import RemoteStore, RemoteUnreachable
from runref.artifacts.remote.verified import Verified
from runref.testing import Beside, StoreContract

from .breaking import Breaking, memory


@pytest.mark.slow
class TestAllPolicies(StoreContract):
    """Nothing that a remote promises is lost by wrapping it."""

    many = 100

    @pytest.fixture
    def store(self, tmp_path: Path) -> RemoteStore:
        return Verified(Retrying(Limited(open_remote(str(tmp_path / "remote")), 4, 1e9)))

    @pytest.fixture
    def beside(self, tmp_path: Path) -> Beside:
        return Beside(tmp_path / "remote")


@pytest.mark.slow
class TestAllPoliciesInMemory(StoreContract):
    """The same where nothing is renamed."""

    many = 100

    @pytest.fixture
    def store(self) -> RemoteStore:
        return Verified(Retrying(Limited(memory(), 4, 1e9)))


@pytest.mark.slow
class TestAroundFailures(StoreContract):
    """A remote that does not answer every other time is as good as any, when it is asked again."""

    many = 100

    @pytest.fixture
    def store(self) -> RemoteStore:
        failing = Breaking(memory(), cycle([RemoteUnreachable("away"), None]))
        return Verified(Retrying(failing, Backoff(first=0.0, attempts=100)))
