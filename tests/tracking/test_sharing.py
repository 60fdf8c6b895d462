"""A repository shared by a group: one user's runs do not shut the others out."""

from __future__ import annotations

import multiprocessing
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from runref.project.project import open_project
from runref.store.recorded import read_record
from runref.tracking.collect import recover
from runref.tracking.start import Request, start_run

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")

GROUP, ADA, BEN = 4200, 4201, 4202
KILL = {"kill": True}
UMASKS = pytest.mark.parametrize("umask", [0o022, 0o077], ids=["usual umask", "strict umask"])


@pytest.fixture
def shared(make_repo, open_tmp_path: Path) -> Path:
    """A repository that ADA owns and GROUP may write to."""
    repo = make_repo("shared", "--shared=group")
    repo.write("train.py", "print('training')\n")
    repo.commit("first")
    for path in (repo.path, *repo.path.rglob("*")):
        mode = path.stat().st_mode
        os.chown(path, ADA, GROUP)  # which takes the setgid bit off
        path.chmod(stat.S_IMODE(mode) | (0o2070 if path.is_dir() else 0))
    _import_everything(make_repo("first").path)
    return repo.path


def _import_everything(root: Path) -> None:
    """Do all of it once as root: the others may not be able to read the interpreter's modules."""
    (root / "train.py").write_text("print('training')\n")
    _record(root, inputs=["train.py"])
    process = multiprocessing.get_context("fork").Process(target=_record, args=(root,), kwargs=KILL)
    process.start()
    process.join(60)
    _recover(root)
    assert _statuses(root) == ["finished", "interrupted"]


def _as_user(uid: int, umask: int, do: Callable[[], None]) -> None:
    def child() -> None:
        os.setgroups([])
        os.setgid(GROUP)
        os.setuid(uid)
        os.umask(umask)
        home = Path(os.environ["HOME"])
        os.environ["HOME"] = os.environ["XDG_CONFIG_HOME"] = f"{home}/of-{uid}"
        do()

    home = Path(os.environ["HOME"], f"of-{uid}")
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")
    for path in (home, *home.parents[:3]):
        path.chmod(0o755)
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == 0


def _record(root: Path, *, kill: bool = False, inputs: Sequence[str] = ()) -> None:
    told: list[str] = []
    project = open_project(root, os.environ)
    request = Request(argv=["train"], directory=root, environment={}, inputs=inputs)
    run = start_run(project.stores, request, told.append)
    run.log({"loss": 1})
    run.tag("x")
    if kill:
        os._exit(0)
    run.finish()
    assert told == []
    assert run.record_hash


def _recover(root: Path, count: int = 1) -> None:
    project = open_project(root, os.environ)
    done = recover(project.spool, project.runs)
    assert done.problems == {}
    assert len(done.committed) == count
    assert [path.name for path in project.spool.path.iterdir() if path.name != "artifacts"] == []


def _statuses(root: Path) -> list[str]:
    project = open_project(root, {**os.environ, "GIT_CONFIG_COUNT": "0"})
    objects = project.repository.objects
    runs = project.runs.runs()
    return sorted(read_record(objects, run.id, run.tree).status for run in runs)


@pytest.mark.slow
@UMASKS
def test_two_users_record_in_turn(shared, umask):
    for uid in (ADA, BEN, ADA):
        _as_user(uid, umask, lambda: _record(shared, inputs=["train.py"] * (umask == 0o022)))
    os.chown(shared, 0, GROUP)
    os.chown(shared / ".git", 0, GROUP)
    assert _statuses(shared) == ["finished"] * 3


@UMASKS
def test_a_killed_run_of_one_user_is_recovered_by_another(shared, umask):
    _as_user(ADA, umask, lambda: _record(shared, kill=True))
    _as_user(BEN, umask, lambda: _recover(shared))
    os.chown(shared, 0, GROUP)
    os.chown(shared / ".git", 0, GROUP)
    assert _statuses(shared) == ["interrupted"]


@pytest.mark.slow
def test_in_a_spool_elsewhere_too(shared, tmp_path):
    place = tmp_path / "nfs"
    place.mkdir()
    os.chown(place, 0, GROUP)
    place.chmod(0o2775)
    (shared / ".runref.yaml").write_text(f"spool: {place}\n")
    _as_user(ADA, 0o077, lambda: _record(shared, kill=True))
    _as_user(BEN, 0o077, lambda: _recover(shared))
    _as_user(BEN, 0o077, lambda: _record(shared))


@pytest.mark.slow
def test_a_run_of_one_who_may_not_write_the_repository_is_collected_by_its_owner(shared, tmp_path):
    place = tmp_path / "nfs"
    place.mkdir()
    os.chown(place, 0, GROUP)
    place.chmod(0o2775)
    (shared / ".runref.yaml").write_text(f"spool: {place}\n")
    for path in (shared / ".git", *(shared / ".git").rglob("*")):
        path.chmod(path.stat().st_mode & ~0o020)
    for edit in ("print('ben')\n", "print('bens second')\n"):
        (shared / "train.py").write_text(edit)
        _as_user(BEN, 0o022, lambda: _record_apart(shared))
    _as_user(ADA, 0o022, lambda: _recover(shared, count=2))
    os.chown(shared, 0, GROUP)
    os.chown(shared / ".git", 0, GROUP)
    assert _statuses(shared) == ["finished"] * 2


def _record_apart(root: Path) -> None:
    told: list[str] = []
    project = open_project(root, os.environ)
    request = Request(argv=["train"], directory=root, environment={}, inputs=["train.py"])
    run = start_run(project.stores, request, told.append)
    run.finish()
    (message,) = told
    assert "cannot be written from here" in message
