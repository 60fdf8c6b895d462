from __future__ import annotations

from pathlib import Path

import pytest
from tests.artifacts.transfer.parts import Counting, Workshop

from runref.artifacts.remote.location import open_remote


@pytest.fixture
def here(tmp_path: Path) -> Workshop:
    """The machine that has the artifacts."""
    (tmp_path / "here").mkdir()
    return Workshop(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Workshop:
    """A machine that never saw them."""
    (tmp_path / "there").mkdir()
    return Workshop(tmp_path / "there")


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """The folder of a remote."""
    return tmp_path / "shelf"


@pytest.fixture
def lab(shelf: Path) -> Counting:
    """A remote."""
    return Counting(open_remote(str(shelf), name="lab"))


@pytest.fixture
def attic(tmp_path: Path) -> Counting:
    """Another remote."""
    return Counting(open_remote(str(tmp_path / "loft"), name="attic"))
