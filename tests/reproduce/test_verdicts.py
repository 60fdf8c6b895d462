"""Each verdict by a real program."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

# Every program counts, in a file outside the working tree, how often it ran.
COUNTING = """\
import os, pathlib, runref
place = pathlib.Path(os.environ["COUNT"])
count = int(place.read_text()) + 1 if place.exists() else 0
place.write_text(str(count))
run = runref.init()
"""


@pytest.fixture(autouse=True)
def counter(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    return tmp_path / "count"


def again(repo: Any, cli: Any, program: str, *options: str) -> Any:
    repo.write("train.py", COUNTING + program)
    recorded = cli("run", "--json", *options, "--", "python", "train.py").json
    done = cli("reproduce", "--json", recorded["id"][9:13])
    return done.status, done.json


def test_identical(repo: Any, cli: Any) -> None:
    program = """
for step in range(3):
    run.log({"loss": 1 / (step + 1), "odd": float("nan")}, step=step)
open("model", "w").write("weights")
"""
    status, document = again(repo, cli, program, "-o", "model")
    assert (status, document["verdict"]) == (0, "identical")
    assert document["outputs"] == [{"path": "model", "result": "identical"}]
    assert [each["equal"] for each in document["series"]] == [3, 3]


def test_within_tolerance(repo: Any, cli: Any) -> None:
    status, document = again(repo, cli, 'run.log({"loss": 0.5 + count * 1e-7})')
    assert (status, document["verdict"]) == (0, "within-tolerance")
    assert document["series"][0]["largest"] == pytest.approx(1e-7)


def test_a_tolerance_that_is_given_counts(repo: Any, cli: Any) -> None:
    repo.write("train.py", COUNTING + 'run.log({"loss": 0.5 + count * 1e-7})')
    cli("run", "--", "python", "train.py")
    done = cli("reproduce", "@", "--rtol", "0", "--atol", "1e-9")
    assert done.status == 1
    assert "verdict     different" in done.out


def test_equivalent(repo: Any, cli: Any) -> None:
    program = 'run.log({"loss": 0.5}); open("model", "w").write(str(count))'
    status, document = again(repo, cli, program, "-o", "model")
    assert (status, document["verdict"]) == (0, "equivalent")


def test_different_by_a_value(repo: Any, cli: Any) -> None:
    program = """
for step in range(10):
    run.log({"loss": 1.0 if step < 7 else 1.0 + count}, step=step)
"""
    status, document = again(repo, cli, program)
    assert (status, document["verdict"]) == (1, "different")
    assert document["series"][0]["first_difference"] == 7
    assert document["series"][0]["equal"] == 7


def test_different_by_a_missing_output(repo: Any, cli: Any) -> None:
    program = 'run.log({"loss": 1})\nif not count: open("model", "w").write("x")'
    status, document = again(repo, cli, program, "-o", "model")
    assert (status, document["verdict"]) == (1, "different")
    assert document["outputs"] == [{"path": "model", "result": "missing"}]


def test_different_by_outputs_alone(repo: Any, cli: Any) -> None:
    status, document = again(repo, cli, 'open("model", "w").write(str(count))', "-o", "model")
    assert (status, document["verdict"]) == (1, "different")


def test_failed(repo: Any, cli: Any) -> None:
    status, document = again(repo, cli, 'run.log({"loss": 1})\nif count: raise SystemExit(4)')
    assert (status, document["verdict"]) == (1, "failed")
    expected = "the original finished, the reproduction failed with exit status 4"
    assert document["reasons"] == [expected]


def test_a_failure_that_happens_again_is_no_difference(repo: Any, cli: Any) -> None:
    status, document = again(repo, cli, 'run.log({"loss": 1}); raise SystemExit(4)')
    assert (status, document["verdict"]) == (0, "identical")


def test_a_failure_of_a_program_started_plainly_happens_again(repo: Any, cli: Any) -> None:
    import subprocess
    import sys

    repo.write("train.py", COUNTING + 'run.log({"loss": 1}); raise ValueError("boo")')
    subprocess.run([sys.executable, "train.py"], cwd=repo.path, check=False, capture_output=True)
    assert cli("reproduce", "--json", "@").json["verdict"] == "identical"


def test_not_runnable_without_results(repo: Any, cli: Any, counter: Any) -> None:
    status, document = again(repo, cli, "")
    assert (status, document["verdict"]) == (3, "not-runnable")
    assert document["problems"] == ["the run recorded neither metrics nor outputs to compare with"]
    assert counter.read_text() == "0"


def test_an_output_that_was_not_hashed_proves_nothing(repo: Any, cli: Any) -> None:
    status, document = again(repo, cli, 'run.log({"loss": 1})', "-o", "never-written")
    assert document["outputs"] == [{"path": "never-written", "result": "unknown"}]
    assert (status, document["verdict"]) == (0, "equivalent")


def test_the_reproduction_is_a_run_that_names_the_original(repo: Any, cli: Any) -> None:
    _, document = again(repo, cli, 'run.log({"loss": 1})', "-e", "digits", "-p", "lr=0.1")
    recorded = cli("show", "--json", "@").json
    assert recorded["id"] == document["reproduction"]
    assert recorded["reproduction"]["run"] == document["run"]
    assert recorded["reproduction"]["verdict"] == "identical"
    assert recorded["experiment"] == "digits"
    assert recorded["params"]["lr"]["value"] == 0.1
    log = repo.git("log", "-1", "--format=%B", "refs/runref/runs")
    assert f"Reproduces: {document['run']}" in log
    assert "Verdict: identical" in log
    assert f"reproduces {document['run'][9:17]}: identical" in log.splitlines()[0]
    repo.fsck()


def test_reproducing_a_reproduction_runs_the_original_again(repo: Any, cli: Any) -> None:
    _, document = again(repo, cli, 'run.log({"loss": 1})')
    second = cli("reproduce", "--json", "@")
    assert second.json["run"] == document["run"]
    assert f"run {document['reproduction']} is a reproduction" in second.err
