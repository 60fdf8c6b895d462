"""What is relied on and not referred to yet, while it is freed: each such window, held open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runref.git.objects import Kind, ObjectStore
from runref.git.repository import Repository
from runref.project.project import Project, open_project
from runref.project.reach import reach
from runref.tracking.seal import seal
from runref.tracking.start import Request, start_run
from runref.upkeep.forgetting import forget, named

pytestmark = pytest.mark.slow  # `make check` is for all day


def begin(project: Project, **more: Any) -> Any:
    request = Request(argv=["python", "train.py"], directory=project.root, **more)
    return start_run(project.stores, request, lambda _message: None)


def forgetting(project: Project, *run_ids: str) -> Callable[..., None]:
    """Return what forgets runs when it is called for the first time."""
    waiting = list(run_ids)

    def once(*_: Any) -> None:
        if waiting:
            chosen = [waiting.pop() for _ in range(len(waiting))]
            other = open_project(project.root, os.environ)
            done = forget(other, named(other, chosen), "test")
            assert not done.problems

    return once


@pytest.fixture
def project(repo: Any) -> Project:
    repo.write(".gitignore", "data\n")
    repo.write("data/a", "first")
    repo.write("data/b", "second")
    repo.commit("more")
    repo.write("untracked.txt", "only snapshots have this")
    return open_project(repo.path, os.environ)


@pytest.fixture
def earlier(repo: Any, project: Project) -> str:
    """A run whose snapshot and input the next one has, too."""
    run = begin(project)
    run.use_input(project.root / "data")
    run.finish()
    return str(run.id)


def check(repo: Any, project: Project, run: Any) -> None:
    """Fail unless a run has all that its record names."""
    repo.fsck()
    record = open_project(project.root, os.environ).read(run.id).record
    assert record.code is not None
    assert not record.notices
    missing = {each for each in reach([project]).digests if not project.artifacts.contains(each)}
    assert not missing


@pytest.mark.parametrize("packed", [False, True])
def test_between_the_snapshot_and_the_spool(
    repo: Any, project: Project, earlier: str, packed: bool
) -> None:
    if packed:
        repo.git("gc", "-q")
        project.repository.objects.freshen(repo.git("rev-parse", "refs/runref/runs"))
    blob = repo.git("hash-object", "untracked.txt")
    run = begin(project, inputs=["data"], on_bytes=forgetting(project, earlier))
    assert repo.git("cat-file", "-t", blob) == "blob"
    run.finish()
    check(repo, project, run)


def test_between_the_content_and_the_event(repo: Any, project: Project, earlier: str) -> None:
    run = begin(project, on_bytes=forgetting(project, earlier))
    run.use_input(project.root / "data")
    run.finish()
    check(repo, project, run)
    assert len(project.read(run.id).record.inputs) == 1


class Interrupted(ObjectStore):
    """An object store in which something else happens while a tree is written."""

    meanwhile: Callable[..., None]

    def write(self, kind: Kind, body: bytes) -> str:
        if kind == "tree":
            self.meanwhile()
        return super().write(kind, body)


def test_between_the_objects_of_a_record_and_its_seal(repo: Any, project: Project) -> None:
    """The environment and the series of both runs are the same objects."""
    runs = []
    for _ in range(2):
        run = begin(project)
        (run.directory.path / "console.log").write_text("the same output")
        runs.append(run)
    first, second = runs
    first.finish()
    directory = second.directory
    second._conclude = None  # this test does it, below
    second.finish()
    repository = Repository.open(project.root, environ=os.environ)
    format_of = repository.objects._format
    objects = Interrupted(str(Path(repository.objects.folder)), format_of)
    objects.meanwhile = forgetting(project, first.id)
    seal(directory, objects)
    blob = repo.git("hash-object", "--stdin", input=b"the same output")
    assert repo.git("cat-file", "-t", blob) == "blob"
    project.recover()
    check(repo, project, second)
