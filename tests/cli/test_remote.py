"""Remotes at the command line: adding, listing, checking and removing them."""

from __future__ import annotations

import inspect
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from runref.cli.commands.remote import command

S3 = "s3://experiments/team-a"
ENDPOINT = ("--option", "endpoint_url=https://minio.lab:9000")


def files_with(text: str, *folders: Path) -> Iterator[Path]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and text.encode() in path.read_bytes():
                yield path


def test_a_remote_is_added_listed_and_removed(repo: Any, cli: Any) -> None:
    added = cli("remote", "add", "lab", S3, *ENDPOINT)
    assert added.status == 0
    assert f"wrote remote lab to {repo.path}/.runref.yaml" in added.out
    assert "runref remote check lab" in added.out
    cli("remote", "add", "nfs", "/mnt/team", "--no-push", "--default", "--local")
    head, lab, nfs = cli("remote", "ls").out.splitlines()
    assert head.split() == ["name", "url", "push", "default", "set", "in", "options"]
    assert lab.split() == [
        "lab",
        S3,
        "yes",
        ".runref.yaml",
        "endpoint_url=https://minio.lab:9000",
    ]
    assert nfs.split() == ["nfs", "/mnt/team", "no", "yes", "this", "clone"]
    assert "removed remote lab" in cli("remote", "rm", "lab").out
    assert cli("remote", "rm", "nfs").status == 2
    assert cli("remote", "rm", "nfs", "--local").status == 0
    done = cli("remote", "ls")
    assert (done.status, done.out) == (0, "")
    assert "runref remote add" in done.err


@pytest.mark.slow
def test_documents_are_what_the_schema_says(repo: Any, cli: Any, validate: Any) -> None:
    added = cli("remote", "add", "--json", "lab", S3, "--option", "anonymous=true").json
    validate("remoteAdd", added)
    assert added == {"remote": "lab", "settings": str(repo.path / ".runref.yaml")}
    cli("remote", "add", "nfs", str(repo.path.parent / "nfs"), "--local")
    listed = cli("remote", "ls", "--json").json
    validate("remoteLs", listed)
    assert [each["name"] for each in listed["remotes"]] == ["lab", "nfs"]
    assert listed["remotes"][0]["options"] == {"anonymous": True}
    assert [each["default"] for each in listed["remotes"]] == [True, False]
    checked = cli("remote", "check", "--json", "nfs")
    assert checked.status == 0
    validate("remoteCheck", checked.json)
    validate("remoteRm", cli("remote", "rm", "--json", "lab").json)


@pytest.mark.slow
def test_a_secret_is_written_to_one_private_file_and_shown_nowhere(
    training: Any, cli: Any, isolated_home: Path, tmp_path: Path
) -> None:
    secret = "hunter2-Zq8"
    add = ("remote", "add", "lab", f"s3://{'b' * 8}/x", "--option", f"secret={secret}")
    outputs = [cli(*add), cli(*add, "--json"), cli(*add, "--local")]
    assert [done.status for done in outputs] == [2, 2, 0]
    assert "--local" in outputs[0].err
    assert outputs[1].error["code"] == "secret-in-settings"
    url = f"sftp://ada:{secret}@localhost:1/x"
    outputs += [cli("remote", "add", "box", url), cli("remote", "add", "box", url, "--local")]
    outputs += [cli(*add, "--local"), cli("remote", "add", "x", S3, "--option", secret)]
    outputs += [cli("remote", "ls"), cli("remote", "ls", "--json"), cli("remote", "check", "box")]
    outputs += [cli("run", "-o", "model.bin", "--", "python", "train.py")]
    outputs += [cli("show", "@"), cli("doctor"), cli("remote", "rm", "box", "--local")]
    assert [secret for done in outputs if secret in done.out + done.err] == []
    (found,) = files_with(secret, repo_folder := training.path, isolated_home)
    assert found == repo_folder / ".git/runref/remotes.yaml"
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert secret not in training.git("log", "-p", "--all", "refs/runref/runs")


def test_a_committed_secret_is_told_and_not_used(repo: Any, cli: Any, tmp_path: Path) -> None:
    repo.write(
        ".runref.yaml",
        f"remotes: {{lab: {{url: {tmp_path}/lab, options: {{password: hunter2}}}}}}\n",
    )
    assert cli("ls").status == 0
    listed = cli("remote", "ls")
    assert listed.status == 0
    assert "holds credentials of remote lab: password" in listed.err
    checked = cli("remote", "check")
    assert checked.status == 1
    assert "BAD  settings" in checked.out
    pushed = cli("push", "--artifacts", "--json")
    assert (pushed.status, pushed.error["code"]) == (2, "secret-in-settings")
    assert "hunter2" not in "".join(
        done.out + done.err for done in (listed, checked, pushed, cli("remote", "ls", "--json"))
    )


def test_the_settings_of_a_user_stay_as_they_are_written(repo: Any, cli: Any) -> None:
    text = "# ours\nfsync: true   # safe\n\nremotes:\n  # the old one\n  nfs:\n    url: /mnt/x\n"
    path = repo.write(".runref.yaml", text)
    cli("remote", "add", "lab", S3)
    assert path.read_text() == text + f"  lab:\n    url: {S3}\n"
    cli("remote", "rm", "lab")
    assert path.read_text() == text


def test_a_file_that_cannot_be_edited_is_left_alone_and_the_lines_are_shown(
    repo: Any, cli: Any
) -> None:
    """A line can only follow this text where it gets the line break that it ends without."""
    path = repo.write(".runref.yaml", "experiment: |\n  digits")
    done = cli("remote", "add", "lab", S3, *ENDPOINT, "--json")
    assert done.error["code"] == "settings-not-edited"
    assert f"    url: {S3}\n" in done.error["hint"]
    assert path.read_text() == "experiment: |\n  digits"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "lab", "gopher://x/y"), "remote-unsupported"),
        (("add", "lab", S3, "--option", "endpoint_url=minio"), "remote-invalid"),
        (("add", "lab"), "unknown-remote"),
        (("add", "a/b", S3), "invalid-config"),
        (("add", "lab", S3, "--option", "x"), "usage"),
        (("rm", "lab"), "unknown-remote"),
        (("check", "lab"), "unknown-remote"),
        (("check",), "no-remote"),
    ],
)
def test_what_cannot_be_done_is_told(repo: Any, cli: Any, words: Any, code: str) -> None:
    done = cli("remote", *words, "--json")
    assert done.error["code"] == code
    assert done.status in (2, 3)
    assert done.out == ""
    assert not (repo.path / ".runref.yaml").exists()


def test_options_have_types_and_nothing_is_asked_of_a_remote(repo: Any, cli: Any) -> None:
    """The host does not exist: whoever asked for it would fail."""
    given = ("port=2222", "anonymous=true", "profile=12", "region=eu-central-1")
    words = [word for each in given for word in ("--option", each)]
    assert cli("remote", "add", "lab", "s3://x.invalid/y", *words).status == 0
    (lab,) = cli("remote", "ls", "--json").json["remotes"]
    assert lab["options"] == {
        "port": 2222,
        "anonymous": True,
        "profile": "12",
        "region": "eu-central-1",
    }


def test_a_check_names_what_failed(repo: Any, cli: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cli("remote", "add", "good", str(tmp_path / "good"))
    cli("remote", "add", "bad", str(tmp_path / "file/below"))
    done = cli("remote", "check")
    assert done.status == 1
    good, bad = done.out.split("bad  ", 1)
    assert "BAD" not in good
    assert "BAD" in bad
    for name in ("reachable", "credentials", "write", "read", "delete", "latency", "clock"):
        assert f"ok   {name} " in good
    assert cli("remote", "check", "good").status == 0
    assert [path for path in (tmp_path / "good").rglob("*") if path.is_file()] == []


def test_a_bare_repository_has_only_remotes_of_its_own(make_repo: Any, cli: Any) -> None:
    bare = make_repo("bare.git", "--bare")
    refused = cli("remote", "add", "lab", S3, "--json", cwd=bare.path)
    assert refused.error["code"] == "no-working-tree"
    assert "--local" in refused.error["hint"]
    assert cli("remote", "add", "lab", S3, "--local", cwd=bare.path).status == 0
    assert "this clone" in cli("remote", "ls", cwd=bare.path).out


def test_subcommands_have_help_and_examples_with_options_that_exist() -> None:
    assert isinstance(command, click.Group)
    assert list(command.commands) == ["add", "ls", "rm", "check"]
    for name, each in command.commands.items():
        text = inspect.cleandoc(each.help or "")
        examples = text.partition("\b\nExamples:\n")[2].splitlines()
        assert examples
        known = {opt for parameter in each.params for opt in parameter.opts}
        for line in examples:
            assert line.strip().startswith(f"runref remote {name}")
            assert {word for word in line.split() if word.startswith("--")} <= known
        for parameter in each.params:
            if isinstance(parameter, click.Option):
                assert parameter.help


@pytest.mark.slow
def test_on_a_narrow_terminal_without_colour_and_in_a_pipe(
    repo: Any, cli: Any, process: Any, tmp_path: Path
) -> None:
    cli("remote", "add", "lab", S3, *ENDPOINT)
    cli("remote", "add", "here", str(tmp_path / "here"))
    for argv in (("remote", "ls"), ("remote", "check", "here")):
        coloured, plain = (
            on_terminal(repo.path, argv, COLUMNS="40", **environ)
            for environ in ({}, {"NO_COLOR": "1"})
        )
        assert "\x1b[" in coloured
        assert "\x1b[" not in plain
        assert "\x1b[" not in process(*argv).stdout
    table = on_terminal(repo.path, ("remote", "ls"), COLUMNS="40", NO_COLOR="1").splitlines()
    assert max(len(line) for line in table if not line.startswith("…")) <= 40
    assert any(line.startswith("…") for line in table)


def on_terminal(cwd: Path, argv: tuple[str, ...], **environ: str) -> str:
    """Run a command on a pseudo-terminal and return what it shows."""
    import pty
    import sys

    pid, master = pty.fork()
    if not pid:
        os.chdir(cwd)
        words = [sys.executable, "-m", "runref", *argv]
        os.execve(sys.executable, words, {**os.environ, "TERM": "xterm", **environ})
    shown = b""
    while True:
        try:
            shown += os.read(master, 1 << 16)
        except OSError:  # the other end is closed
            break
    os.waitpid(pid, 0)
    os.close(master)
    return shown.decode().replace("\r\n", "\n")
