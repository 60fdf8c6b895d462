"""docs/reference/cli.md names the keys of what ``--json`` prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.signers import SshKeys

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md").read_text("utf-8")

TRAIN = """\
import runref
with runref.init() as run:
    run.log({"loss": 0.5})
    open("out.txt", "w").write("x")
    run.log_output("out.txt")
"""

COMMANDS: Mapping[str, list[str]] = {
    "init": [],
    "ls": [],
    "diff": ["@", "@"],
    "plot": ["loss", "-o", "loss.svg"],
    "reproduce": ["@"],
    "get": ["@", "-o", "restored"],
    "bundle create": ["all.rrb", "--with", "outputs"],
    "bundle inspect": ["all.rrb"],
    "bundle import": ["all.rrb"],
    "tag": ["-a", "baseline", "@"],
    "note": ["-m", "text", "@"],
    "sign": ["@"],
    "verify": ["@"],
    "amend": ["--status", "failed", "@"],
    "rm": ["@"],
    "recover": [],
    "fsck": [],
    "sql": ["select 1"],
    "index status": [],
    "index rebuild": [],
    "doctor": [],
}


def documented(command: str) -> set[str]:
    (row,) = re.findall(rf"^\| `{command}` \| (.*) \|$", TEXT, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row))


def runref(repo: Any, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-I", "-m", "runref", *arguments],
        cwd=repo.path,
        env=dict(os.environ),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_documents_have_the_keys_that_are_named(repo: Any, ssh_keys: SshKeys) -> None:
    ssh_keys.set_up(repo)
    repo.write("train.py", TRAIN)
    run = runref(repo, "run", "--json", "--", sys.executable, "train.py")
    assert documented("run") - {"live"} <= run.keys() | {"live"}
    for command, arguments in COMMANDS.items():
        document = runref(repo, *command.split(), "--json", *arguments)
        assert set(document) == documented(command), command
    (removed,) = runref(repo, "ls", "--json", "--removed")["runs"]
    assert set(runref(repo, "restore", "--json", removed["id"])) == documented("restore")
    shown = runref(repo, "show", "--json", "@")
    assert set(shown) - {"environment_document", "reproduction"} >= set(run) - {"reproduction"}
    assert {"environment_document", "signatures"} <= documented("show")
