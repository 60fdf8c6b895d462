"""What a run of a command records of where it ran and of what Python ran it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runref.model.record import Record
from runref.project.project import open_project
from runref.store.recorded import read_record
from runref.tracking.command import track_command
from runref.tracking.start import Request


def tracked(root: Path, *argv: str) -> Record:
    project = open_project(root, os.environ)
    request = Request(argv=argv, directory=root)
    run = track_command(project.stores, request, tell=lambda _: None).run
    stored = project.runs.find(run.id)
    assert stored is not None
    return read_record(project.repository.objects, run.id, stored.tree)


def test_the_folders_are_those_of_the_interpreter_that_runs_it(repo: Any, tmp_path: Path) -> None:
    """An editable install of the project in the environment of the command, not in runref's."""
    environment = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "_editable_impl_pkg.pth").write_text(f"{repo.path / 'pkg'}\n")
    record = tracked(repo.path, str(environment / "bin" / "python"), "train.py")
    assert record.command.python_path == ("pkg",)
    assert tracked(repo.path, sys.executable, "train.py").command.python_path == ()


def test_a_spool_inside_the_working_tree_is_not_published(repo: Any) -> None:
    repo.write(".runref.yaml", "spool: live\n")
    repo.commit()
    left = open_project(repo.path, os.environ).spool.path / "another-run" / "console"
    left.parent.mkdir(parents=True)
    left.write_text("what another run printed")
    code = tracked(repo.path, sys.executable, "train.py").code
    assert code is not None
    names = repo.git("ls-tree", "-r", "--name-only", code.tree).splitlines()
    assert names == [".runref.yaml", "pkg/model.py", "train.py"]


def test_the_users_own_settings_of_git_hold_in_repositories_inside(
    repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    inner = repo.path / "inner"
    inner.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=inner, check=True)
    repo.write("inner/kept.py", "x = 1\n")
    repo.write("inner/noise.tmp", "y\n")
    ignore = tmp_path / "settings" / "git" / "ignore"
    ignore.parent.mkdir(parents=True)
    ignore.write_text("*.tmp\n")
    code = tracked(repo.path, sys.executable, "train.py").code
    assert code is not None
    names = repo.git("ls-tree", "-r", "--name-only", code.tree).splitlines()
    assert "inner/kept.py" in names
    assert "inner/noise.tmp" not in names
