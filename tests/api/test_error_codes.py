"""What the Python interface raises has a name that programs can rely on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import runref
from runref.errors import RunrefError


def test_logging_without_a_run(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.path)
    with pytest.raises(RunrefError, match="no run is open") as caught:
        runref.active_run()
    assert caught.value.code == "no-active-run"
    assert caught.value.hint


def test_a_series_that_a_run_does_not_have(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.path)
    with runref.init(console=False) as run:
        run.log({"loss": 1.0})
    (past,) = runref.open(Path.cwd()).runs()
    with pytest.raises(RunrefError, match="no series 'lss'") as caught:
        past.series("lss")
    assert caught.value.code == "unknown-series"
    assert caught.value.hint == "It has: loss."
