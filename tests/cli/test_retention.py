"""``runref gc`` without ``--artifacts``: runs that a policy lets go."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # `make check` is for all day

RECORD = """\
import sys
import runref
experiment, accuracy, ending = sys.argv[1:4]
with runref.init(console=False, experiment=experiment, tags=sys.argv[4:]) as run:
    print(run.id, flush=True)
    run.log({"val/acc": float(accuracy), "loss": 1 - float(accuracy)})
    if ending == "failed":
        raise SystemExit(3)
"""


def record(
    repo: Any, accuracy: str, *, ending: str = "ok", experiment: str = "e", tag: str = ""
) -> str:
    done = subprocess.run(
        [sys.executable, "-c", RECORD, experiment, accuracy, ending, *([tag] if tag else [])],
        cwd=repo.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (3 if ending == "failed" else 0), done.stderr
    return done.stdout.split()[0]


@pytest.fixture
def history(repo: Any) -> dict[str, str]:
    """Seven runs: three that failed, one of them tagged; two experiments."""
    return {
        "bad": record(repo, "0.1", ending="failed"),
        "worse": record(repo, "0.2", ending="failed"),
        "tagged": record(repo, "0.0", ending="failed", tag="keep"),
        "good": record(repo, "0.9"),
        "better": record(repo, "0.95"),
        "other": record(repo, "0.5", experiment="f"),
        "other failed": record(repo, "0.4", ending="failed", experiment="f"),
    }


def going(history: dict[str, str], done: Any) -> set[str]:
    names = {run_id: name for name, run_id in history.items()}
    return {names[each["id"]] for each in done.json["going"]}


def test_what_goes_and_what_stays(
    repo: Any, cli: Any, history: dict[str, str], validate: Any
) -> None:
    policy = ["--failed", "0s", "--keep-best", "2", "--by", "val/acc", "--keep-tagged"]
    done = cli("gc", *policy, "--dry-run", "--json")
    assert done.status == 0, done.err
    validate("gc", done.json)
    assert going(history, done) == {"bad", "worse"}
    assert done.json["total"] == 7
    assert [(each["id"], each["reason"]) for each in done.json["kept"]] == [
        (history["other failed"], "among the best 2 of f by val/acc (failed, over 0 d old)"),
        (history["tagged"], "tagged (failed, over 0 d old)"),
    ]
    assert len(done.json["plan"]["runs"]) == 2
    assert done.json["plan"]["objects"]["size"] > 0
    told = cli("gc", *policy, "--dry-run")
    assert told.out.startswith("2 of 7 runs go\n")
    assert "would free here: " in told.out
    assert len(cli("ls", "--json").json["runs"]) == 7

    assert cli("gc", *policy).status == 2  # nobody to ask
    assert "give --yes" in cli("gc", *policy).err
    done = cli("gc", *policy, "--yes", "--json")
    assert done.status == 0, done.err
    validate("gc", done.json)
    assert set(done.json["forgotten"]["runs"]) == {history["bad"], history["worse"]}
    assert len(cli("ls", "--json").json["runs"]) == 5
    told = cli("show", history["bad"], "--json").error["message"]
    assert "retention: failed 0s, keep-best 2 by val/acc, keep-tagged" in told
    repo.fsck()
    again = cli("gc", *policy, "--yes")
    assert (again.status, again.out.split("\n")[0]) == (0, "0 of 5 runs go")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (["--failed", "30d"], set()),
        (["--older-than", "0s", "--keep-tagged", "--query", 'experiment == "f"'],
         {"other", "other failed"}),
        (["--query", "loss > 0.85"], {"bad", "tagged"}),
        (["--query", "loss > 0.85", "--older-than", "1d"], set()),
        (["--older-than", "0s", "--keep-best", "1", "--by", "loss", "--min"],
         {"bad", "worse", "tagged", "good", "other failed"}),
        (["--older-than", "0s", "--keep-best", "1", "--by", "loss"],
         {"bad", "worse", "good", "better", "other"}),
        (["--interrupted", "0s"], set()),
    ],
)  # fmt: skip
def test_policies(cli: Any, history: dict[str, str], policy: list[str], expected: set[str]) -> None:
    assert going(history, cli("gc", *policy, "--dry-run", "--json")) == expected


def test_removed_runs_go_after_a_while(cli: Any, history: dict[str, str]) -> None:
    cli("rm", history["good"])
    assert going(history, cli("gc", "--removed", "1d", "--dry-run", "--json")) == set()
    policy = ["--removed", "0s", "--keep-best", "9", "--by", "val/acc"]
    assert going(history, cli("gc", *policy, "--dry-run", "--json")) == {"good"}


def test_the_policy_of_the_settings(repo: Any, cli: Any, history: dict[str, str]) -> None:
    repo.write(".runref.yaml", "retention:\n  failed: 0s\n  keep_tagged: true\n")
    done = cli("gc", "--dry-run", "--json")
    assert going(history, done) == {"bad", "worse", "other failed"}
    # Options take the place of all of it.
    done = cli("gc", "--failed", "0s", "--dry-run", "--json")
    assert going(history, done) == {"bad", "worse", "tagged", "other failed"}
    repo.write(".runref.yaml", "retention:\n  failed: soon\n")
    assert cli("gc", "--dry-run", "--json").error["code"] == "invalid-config"
    repo.write(".runref.yaml", "retention:\n  keep_best: 3\n")
    assert cli("gc", "--dry-run", "--json").error["code"] == "invalid-config"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give an age"),
        (["--keep-tagged"], "give an age"),
        (["--failed", "0s", "--keep-best", "3"], "go together"),
        (["--failed", "0s", "--artifacts"], "not both"),
        (["--failed", "0s", "--remote", "lab"], "go with --artifacts"),
        (["--failed", "soon"], "no duration"),
        (["--failed", "0s", "--keep-best", "1", "--by", "experiment"], "which is no number"),
        (["--failed", "0s", "--keep-best", "1", "--by", "nothing"], "nothing"),
    ],
)
def test_what_is_no_policy(cli: Any, history: dict[str, str], words: list[str], said: str) -> None:
    done = cli("gc", *words, "--dry-run")
    assert done.status == 2
    assert said in done.err


def test_on_a_terminal_it_asks(repo: Any, cli: Any, history: dict[str, str]) -> None:
    for answer, left in ((b"n\n", 7), (b"y\n", 3)):
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "runref", "gc", "--failed", "0s"]
        process = subprocess.Popen(
            command, cwd=repo.path, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        os.close(theirs)
        os.write(ours, answer)
        out, err = process.communicate(timeout=120)
        os.close(ours)
        assert b"Forget 4 runs here?" in out + err
        assert process.returncode == (130 if left == 7 else 0), err
        assert len(cli("ls", "--json").json["runs"]) == left
