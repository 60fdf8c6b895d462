"""Runs in clones that do not have all of the history."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.conftest import GitRepo

from runref.project.project import open_project
from runref.tracking.start import Request, start_run


@pytest.mark.slow
@pytest.mark.parametrize("how_much", ["--depth=1", "--filter=blob:none"])
def test_a_run_is_recorded_with_its_code(repo: GitRepo, tmp_path: Path, how_much: str):
    repo.write("pkg/model.py", "DEPTH = 4\n")
    repo.commit("second")
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "-q", how_much, f"file://{repo.path}", str(tmp_path / "clone"))
    clone = GitRepo(tmp_path / "clone")
    clone.write("train.py", "print('edited')\n")
    project = open_project(clone.path, os.environ)
    told: list[str] = []
    request = Request(argv=["train"], directory=clone.path, environment={})
    run = start_run(project.stores, request, told.append)
    run.log({"loss": 1})
    run.finish()
    record = project.read(run.id).record
    assert (told, record.notices) == ([], ())
    assert record.code is not None
    assert (record.code.commit, record.code.edited) == (clone.git("rev-parse", "HEAD"), 1)
    assert clone.git("show", f"{record.code.tree}:train.py") == "print('edited')"
    assert clone.git("show", f"{record.code.tree}:pkg/model.py") == "DEPTH = 4"
    clone.fsck()
