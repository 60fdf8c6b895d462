"""What a command wrote, and what lay there before it ran."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from runref.model.record import Record
from runref.project.project import open_project
from runref.store.recorded import read_record
from runref.tracking.command import track_command
from runref.tracking.start import Request


def ran(root: Path, program: str, *outputs: str, folder: str = ".", inputs: Any = ()) -> Record:
    """Run a program of which it was said what it writes, and return its record."""
    project = open_project(root, os.environ)
    argv = [sys.executable, "-c", program]
    request = Request(argv=argv, directory=root / folder, environment={}, inputs=inputs)
    done = track_command(project.stores, request, outputs=outputs, tell=lambda _: None)
    stored = project.runs.find(done.run.id)
    assert stored is not None
    return read_record(project.repository.objects, done.run.id, stored.tree)


def paths(record: Record) -> list[str]:
    return [each.path for each in record.outputs]


def codes(record: Record) -> list[str]:
    return [each.code for each in record.notices]


FAIL = "raise SystemExit(3)"


@pytest.mark.parametrize("names", [("model.pkl",), ("ckpt",), ("ckpt/*.pt",), ("**/*.p*",)])
def test_a_run_that_fails_has_no_outputs_of_earlier_ones(repo: Any, names: Any) -> None:
    repo.write("model.pkl", "of an earlier run")
    repo.write("ckpt/1.pt", "of an earlier run")
    record = ran(repo.path, FAIL, *names)
    assert record.status == "failed"
    assert paths(record) == []
    assert codes(record) == ["output-not-written"]


def test_a_run_that_fails_has_the_outputs_that_it_wrote(repo: Any) -> None:
    repo.write("ckpt/1.pt", "of an earlier run")
    program = "import pathlib; pathlib.Path('ckpt/2.pt').write_text('x');"
    record = ran(repo.path, program + FAIL, "ckpt/*.pt", "ckpt", "never", "never/*")
    assert paths(record) == ["ckpt/2.pt", "ckpt"]
    assert record.outputs[1].files == 2
    assert codes(record) == []


@pytest.mark.parametrize(
    "write",
    [
        "open('model.pkl', 'w').write('same')",
        "open('new', 'w').write('same'); os.replace('new', 'model.pkl')",
        "open('model.pkl', 'w').write('same'); os.utime('model.pkl', ns=times)",
    ],
    ids=["in place", "by a rename", "with its old times"],
)
def test_writing_the_same_again_is_writing(repo: Any, write: str) -> None:
    repo.write("model.pkl", "same")
    program = (
        "import os; status = os.stat('model.pkl');"
        f"times = (status.st_atime_ns, status.st_mtime_ns); {write};"
    )
    record = ran(repo.path, program + FAIL, "model.pkl")
    assert paths(record) == ["model.pkl"]
    assert codes(record) == []


def test_an_output_that_is_up_to_date_is_one_and_that_is_told(repo: Any) -> None:
    repo.write("model.pkl", "of an earlier run")
    record = ran(repo.path, "", "model.pkl")
    assert paths(record) == ["model.pkl"]
    assert record.outputs[0].stored
    assert codes(record) == ["output-not-written"]


def test_of_what_every_run_may_write_this_ones_is_recorded(repo: Any) -> None:
    repo.write(".runref.yaml", "outputs: [model.pkl, report.txt, 'ckpt/*', none]\n")
    repo.write("model.pkl", "of an earlier run")
    repo.write("ckpt/1.pt", "of an earlier run")
    program = "open('report.txt', 'w').write('x'); open('ckpt/2.pt', 'w').write('x')"
    record = ran(repo.path, program)
    assert paths(record) == ["report.txt", "ckpt/2.pt"]
    assert codes(record) == []


def test_patterns_of_outputs_are_those_of_the_commands_folder(repo: Any) -> None:
    repo.write("pkg/old.pt", "1")
    program = "open('a.pt', 'w').write('x'); open('../b.pt', 'w').write('x')"
    record = ran(repo.path, program, "*.pt", "nothing*", folder="pkg")
    assert paths(record) == ["pkg/a.pt", "pkg/nothing*"]
    assert "nothing matches" in record.outputs[1].problem
    assert codes(record) == ["output-not-recorded"]


def test_an_input_that_is_overwritten_is_an_output(repo: Any) -> None:
    repo.write("weights", "before")
    record = ran(repo.path, "open('weights', 'w').write('after')", "weights", inputs=["weights"])
    (before,), (after,) = record.inputs, record.outputs
    assert before.digest != after.digest
    assert codes(record) == []
