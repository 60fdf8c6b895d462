"""A repository with a training script, and runs of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.upkeep.history import TRAIN, History


@pytest.fixture
def history(repo: Any) -> History:
    repo.write("train.py", TRAIN)
    repo.write(".gitignore", "*.bin\nmade/\n__pycache__/\n")
    repo.commit("a training")
    return History(repo.path)


@pytest.fixture
def run_id(history: History) -> str:
    return history.record()
