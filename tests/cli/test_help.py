"""Help, completion, and what a bare command may import."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from typing import Any

import click
import pytest

from runref.cli.main import group

COMMANDS = group.list_commands(click.Context(group))


def command_of(name: str) -> click.Command:
    found = group.get_command(click.Context(group), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_an_example_and_described_options(name: str) -> None:
    command = command_of(name)
    text = inspect.cleandoc(command.help or "")
    _, _, examples = text.partition("\b\nExamples:\n")
    assert f"runref {name}" in examples
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_prints_its_help(cli: Any, name: str) -> None:
    done = cli(name, "--help")
    assert done.status == 0
    assert done.out.startswith(f"Usage: runref {name}")


def test_examples_name_options_that_exist() -> None:
    for name in COMMANDS:
        command = command_of(name)
        known = {opt for each in command.params for opt in (*each.opts, *each.secondary_opts)}
        for line in (command.help or "").splitlines():
            if line.strip().startswith(f"runref {name} "):
                own = line.split(" -- ")[0].split(" #")[0].split(" | ")[0].split(" && ")[0]
                for word in own.split():
                    assert not word.startswith("--") or word in known, line


def test_the_list_of_commands_is_that_of_the_folder() -> None:
    from pathlib import Path

    import runref.cli.commands

    folder = Path(runref.cli.commands.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(COMMANDS)


THIRD_PARTY = {
    ("--help",): {"click"},
    ("--version",): {"click"},
    # Before Python 3.11, dulwich needs typing_extensions.
    ("ls",): {"click", "orjson", "dulwich", "typing_extensions"},
}
"""What a bare command may import that Python does not bring along; of dulwich the reader of git's
configuration alone."""

HEAVY = {
    "rich",
    "matplotlib",
    "numpy",
    "jsonschema_rs",
    "fsspec",
    "s3fs",
    "psutil",
    "yaml",
    "importlib.metadata",
    "multiprocessing",
    "dulwich.repo",
    "dulwich.objects",
    "runref.artifacts",
    "runref.capture.snapshot",
    "runref.tracking.run",
    # Python 3.10's uuid, which orjson imports, brings it along.
    *(["subprocess"] if sys.version_info >= (3, 11) else []),
}


@pytest.mark.parametrize("argv", THIRD_PARTY)
def test_what_a_bare_command_imports(repo: Any, argv: tuple[str, ...]) -> None:
    program = f"""\
import sys
before = set(sys.modules)
from runref.cli.main import run
run({argv!r})
import json
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo.path, capture_output=True, text=True, check=True
    )
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    assert not modules & HEAVY
    tops = {name.partition(".")[0] for name in modules}
    own = {"runref", *sys.stdlib_module_names}
    assert {name for name in tops - own if not name.startswith("_")} <= THIRD_PARTY[argv]


COMPLETE = "_RUNREF_COMPLETE"


def complete(cwd: Any, shell: str, *words: str) -> str:
    """Ask for completions of the last word through the protocol that the shells' scripts use."""
    asked = {"COMP_WORDS": " ".join(("runref", *words)), "COMP_CWORD": str(len(words))}
    if shell == "fish":
        asked["COMP_CWORD"] = words[-1]
    done = subprocess.run(
        [sys.executable, "-m", "runref"],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **asked, COMPLETE: f"{shell}_complete"},
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_runs_id_is_completed(repo: Any, cli: Any, shell: str) -> None:
    cli("run", "-e", "digits", "--", "true")
    run_id = cli("ls", "--json").json["runs"][0]["id"]
    assert run_id[9:] in complete(repo.path, shell, "show", run_id[9:11])
    assert run_id in complete(repo.path, shell, "reproduce", run_id[:10])
    assert "reproduce" in complete(repo.path, shell, "repr")


@pytest.mark.slow
def test_removed_runs_are_completed_where_they_come_back(repo: Any, cli: Any) -> None:
    for _ in range(2):
        cli("run", "--", "true")
    listed, removed = (run["id"] for run in cli("ls", "--json").json["runs"])
    cli("rm", removed)
    assert complete(repo.path, "bash", "restore", "").split() == [f"plain,{removed[9:]}"]
    assert complete(repo.path, "bash", "show", "").split() == [f"plain,{listed[9:]}"]


def test_completion_outside_a_repository_is_silent(tmp_path: Any) -> None:
    assert complete(tmp_path, "bash", "show", "a").strip() == ""


@pytest.mark.slow
def test_bash_completes_with_the_printed_script(repo: Any, cli: Any) -> None:
    cli("run", "--", "true")
    run_id = cli("ls", "--json").json["runs"][0]["id"]
    program = f"""
runref() {{ {sys.executable} -m runref "$@"; }}
export -f runref
eval "$(runref completion bash | sed 's/env COMP_WORDS/COMP_WORDS/; s/ \\$1)/ runref)/')"
COMP_WORDS=(runref show {run_id[9:12]}); COMP_CWORD=2
_runref_completion runref
echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", program], cwd=repo.path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == run_id[9:], done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(cli: Any, shell: str) -> None:
    done = cli("completion", shell)
    assert done.status == 0
    assert COMPLETE in done.out
    assert cli("completion", "tcsh").status == 2
