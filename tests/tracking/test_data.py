"""Inputs and outputs: what is described, and what is not recorded and says so."""

from __future__ import annotations

import os
import socket

import pytest

from runref.tracking.attach import attach


@pytest.mark.parametrize(
    ("path", "shown", "why"),
    [
        (".", ".", "is the whole working tree"),
        ("link", ".", "is the whole working tree"),
        ("..", "", "holds the whole working tree"),
        (".git", ".git", "is the git directory"),
        (".git/HEAD", ".git/HEAD", "lies in the git directory"),
    ],
)
def test_a_repository_is_no_data(tracker, repo, path, shown, why):
    (repo.path / "link").symlink_to(".")
    with tracker.start() as run:
        run.log_output(repo.path / path)
        joined = attach(run.directory.path, 1, tracker.told.append, os.environ)
        joined.use_input(repo.path / path)
        joined.finish()
    record = tracker.record(run)
    for file in (*record.outputs, *record.inputs):
        assert why in file.problem
        assert (file.digest, file.stored, file.size) == ("", False, 0)
        assert file.path == ("link" if path == "link" else shown or str(repo.path.parent))
    assert len(record.outputs) == len(record.inputs) == 1
    codes = {notice.code for notice in record.notices}
    assert codes == {"output-not-recorded", "input-not-recorded"}
    assert not (repo.path / ".git/runref/artifacts/sha256").exists()


def test_inputs_named_at_the_start_are_no_repository_either(tracker, repo):
    with tracker.start(inputs=["."]) as run:
        run.log({"loss": 1})
    (file,) = tracker.record(run).inputs
    assert "is the whole working tree" in file.problem
    assert file.digest == ""


def test_what_has_no_content_is_named_and_the_rest_is_recorded(tracker, repo):
    folder = repo.path / "out"
    folder.mkdir()
    (folder / "model").write_text("weights")
    for name in ("a", "b", "c"):
        os.mkfifo(folder / name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "d"))
        with tracker.start() as run:
            run.log_output(folder)
    record = tracker.record(run)
    (file,) = record.outputs
    assert file.digest.startswith("sha256:")
    assert (file.stored, file.files) == (True, 1)
    assert file.problem == "recorded without a: pipe, b: pipe, c: pipe and 1 more"
    assert [notice.code for notice in record.notices] == ["output-not-recorded"]
