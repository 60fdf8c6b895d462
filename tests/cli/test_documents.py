"""What every command prints with --json is what the schema says, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.mark.slow
def test_every_command_prints_what_the_schema_says(
    training: Any, cli: Any, validate: Any, tmp_path: Any
) -> None:
    assert cli("init", "--json").json["created"]
    again = cli("init", "--json")
    validate("init", again.json)
    assert not again.json["created"]
    recorded = cli(
        "run",
        "--json",
        "-o",
        "model.bin",
        "-t",
        "t",
        "-m",
        "why",
        "--",
        "python",
        "train.py",
        "--lr",
        "0.1",
    )
    assert recorded.status == 0
    assert "trained with 0.1" in recorded.err
    validate("run", recorded.json)
    cli("run", "-i", "train.py", "--", "python", "train.py", "--lr", "0.2")
    cli("run", "--", "python", "-c", "raise ValueError('boo')")
    validate("tag", cli("tag", "--json", "-a", "later", "@").json)
    validate("note", cli("note", "--json", "-m", "noted", "@").json)
    listing = cli("ls", "--json").json
    validate("ls", listing)
    assert [run["status"] for run in listing["runs"]] == ["failed", "finished", "finished"]
    assert listing["runs"][0]["tags"] == ["later"]
    assert listing["runs"][0]["notes"][0]["text"] == "noted"
    validate("ls", cli("ls", "--json", "--group-by", "status").json)
    validate("sql", cli("sql", "select * from metrics", "--json").json)
    validate("indexStatus", cli("index", "status", "--json").json)
    validate("indexRebuild", cli("index", "rebuild", "--json").json)
    validate("show", cli("show", "--json", "@").json)
    different = cli("diff", "--json", "@~2", "@~1")
    assert different.status == 1
    validate("diff", different.json)
    target = str(tmp_path / "loss.svg")
    validate("plot", cli("plot", "--json", "loss", "-o", target).json)
    validate("get", cli("get", "--json", "@~2", "-o", str(tmp_path / "got")).json)
    validate("reproduce", cli("reproduce", "--json", "--dry-run", "@~2").json)
    reproduced = cli("reproduce", "--json", "@~2")
    validate("reproduce", reproduced.json)
    assert reproduced.json["verdict"] == "identical"
    not_runnable = cli("reproduce", "--json", "--dry-run", "@~1")
    validate("reproduce", not_runnable.json)
    validate("recover", cli("recover", "--json").json)
    validate("doctor", cli("doctor", "--json").json)


@pytest.mark.slow
def test_a_live_run_and_values_that_json_lacks(
    training: Any, cli: Any, validate: Any, process: Any
) -> None:
    training.write(
        "nan.py",
        """\
import json, subprocess, sys, runref
with runref.init(params={"x": float("inf"), "nested": {"a": [1, None]}}) as run:
    run.log({"loss": float("nan")})
    for command in ("ls", "show"):
        words = [run.id] if command == "show" else []
        out = subprocess.check_output([sys.executable, "-m", "runref", command, "--json", *words])
        open(f"{command}.json", "wb").write(out)
""",
    )
    assert cli("run", "--", "python", "nan.py").status == 0
    for command in ("ls", "show"):
        document = json.loads((training.path / f"{command}.json").read_text())
        validate(command, document)
        run = document["runs"][0] if command == "ls" else document
        assert run["status"] == "running"
        assert run["params"]["x"]["value"] == "Infinity"
        assert run["metrics"]["loss"]["last"] == "NaN"
        assert run["live"]


@pytest.mark.slow
def test_errors_are_documents_on_stderr(cli: Any, validate: Any, tmp_path: Any) -> None:
    for argv, status, code in (
        (("show", "--json", "@"), 2, "unknown-run"),
        (("show", "--json", "zz"), 2, "unknown-run"),
        (("ls", "--json", "--limit", "0"), 2, "usage"),
        (("ls", "--json", "--nonsense"), 2, "usage"),
        (("run", "--json", "--", "no-such-program"), 3, "command-not-found"),
        (("run", "--json", "-i", "no-such-file", "--", "true"), 2, "usage"),
        (("plot", "--json", "nope", "-o", "nope.svg"), 2, "nothing-to-plot"),
        (("-C", str(tmp_path / "none"), "ls", "--json"), 3, "operating-system"),
    ):
        done = cli(*argv)
        validate("error", {"error": done.error})
        assert (done.status, done.error["code"], done.out) == (status, code, "")


def test_the_programs_own_json_option_is_the_programs(training: Any, cli: Any) -> None:
    training.write("echo.py", "import sys; print(sys.argv[1:])")
    done = cli("run", "--", "python", "echo.py", "--json")
    assert done.out == "['--json']\n"


def test_paths_that_are_no_unicode_are_valid_json(training: Any, cli: Any) -> None:
    import orjson

    done = cli(
        "run",
        "--json",
        "-o",
        "caf\udce9.bin",
        "--",
        "python",
        "-c",
        "open(b'caf\\xe9.bin', 'w').write('x')",
    )
    (output,) = orjson.loads(done.out)["outputs"]
    assert output["path"] == "bytes:caf%E9.bin"
