"""Artifacts to remotes and back, from the command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runref.artifacts.transfer.failing import Failure
from runref.artifacts.transfer.push import Pushed
from runref.cli.progress import TransferBar
from runref.cli.pushing_artifacts import _status

pytestmark = pytest.mark.slow  # `make check` is for all day

RECORD = """\
import runref
with runref.init(console=False) as run:
    run.use_input("data.csv")
    open("model.bin", "w").write({content!r})
    run.log_output("model.bin")
    run.log_output("folder")
print(run.id)
"""


def record(repo: Any, content: str = "weights") -> str:
    """Record a run with an input, an output and a directory of two files; return its id."""
    repo.write("data.csv", "1,2\n")
    repo.write("folder/a", "the first")
    repo.write("folder/b", f"second {content}")
    repo.write(".gitignore", "*.bin\nfolder\n")
    program = RECORD.format(content=content)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repo.path, capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-1]


def stored(folder: Path) -> set[Path]:
    return {path for path in folder.glob("sha256/*/*") if path.is_file()}


@pytest.fixture
def lab(repo: Any, cli: Any, tmp_path: Path) -> Path:
    """A folder that is a remote of the repository."""
    assert cli("remote", "add", "lab", str(tmp_path / "lab")).status == 0
    return tmp_path / "lab"


def clone_of(repo: Any, make_repo: Any) -> Any:
    """Another clone, with the records and the settings, and without artifacts."""
    other = make_repo("other")
    other.git("fetch", "-q", str(repo.path), "refs/runref/runs:refs/runref/runs")
    shutil.copy(repo.path / ".runref.yaml", other.path)
    return other


def test_what_runs_hold_is_sent_once(repo: Any, cli: Any, lab: Path) -> None:
    record(repo)
    dry = cli("push", "--artifacts", "--dry-run")
    assert dry.out.startswith("lab: 5 files, ")
    assert dry.out.endswith(" to send, 0 there already\n")
    assert not stored(lab)
    done = cli("push", "--artifacts")
    assert (done.status, done.err) == (0, "")
    assert done.out == dry.out.replace("to send", "sent")
    assert len(stored(lab)) == 5
    for path in stored(lab):
        digest = subprocess.run(["sha256sum", path], capture_output=True, check=True).stdout[:64]
        assert digest.decode() == path.parent.name + path.name
    assert cli("push", "--artifacts").out == "lab: nothing sent, 5 there already\n"


@pytest.mark.slow
def test_a_push_of_named_runs(repo: Any, cli: Any, lab: Path) -> None:
    first, second = record(repo, "one"), record(repo, "two")
    assert cli("push", "--artifacts", first).out.startswith("lab: 5 files")
    assert cli("push", "--artifacts", "@").out.startswith("lab: 3 files")
    assert cli("push", "--artifacts", first, second).out.startswith("lab: nothing sent, 8 ")
    unknown = cli("push", "--artifacts", "--json", "0000")
    assert (unknown.status, unknown.error["code"]) == (2, "unknown-run")


def test_policy_says_where_a_push_goes(repo: Any, cli: Any, lab: Path, tmp_path: Path) -> None:
    record(repo)
    cli("remote", "add", "cold", str(tmp_path / "cold"), "--no-push", "--local")
    cli("remote", "add", "nfs", str(tmp_path / "nfs"))
    done = cli("push", "--artifacts")
    assert [line.split(":")[0] for line in done.out.splitlines()] == ["lab", "nfs"]
    assert not (tmp_path / "cold").exists()
    assert cli("push", "--artifacts", "--remote", "cold").out.startswith("cold: 5 files")
    assert len(stored(tmp_path / "cold")) == 5


def test_another_clone_gets_everything(repo: Any, cli: Any, make_repo: Any, lab: Path) -> None:
    record(repo)
    cli("push", "--artifacts")
    other = clone_of(repo, make_repo)
    done = cli("pull", "--artifacts", "-j", "2", "--limit-rate", "20 MB", cwd=other.path)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("5 files, ")
    assert done.out.endswith(" received, 0 here already\n")
    shutil.rmtree(lab)
    again = cli("pull", "--artifacts", cwd=other.path)
    assert (again.status, again.out) == (0, "nothing received, 5 here already\n")
    assert cli("get", "@", cwd=other.path).status == 0
    assert (other.path / "folder/b").read_text() == "second weights"


@pytest.mark.slow
def test_what_is_nowhere_is_told(
    repo: Any, cli: Any, make_repo: Any, lab: Path, validate: Any
) -> None:
    """All of the history is pushed as far as it is here; a run that is named must be there."""
    run_id = record(repo)
    cli("push", "--artifacts")
    record(repo, "never pushed")
    other = clone_of(repo, make_repo)
    every = cli("push", "--artifacts", cwd=other.path)
    assert every.status == 0
    assert "2 are neither here nor there: sha256:" in every.err
    assert cli("push", "--artifacts", run_id, cwd=other.path).status == 0
    named = cli("push", "--artifacts", "--json", "@", cwd=other.path)
    assert named.status == 1
    validate("push", named.json)
    assert len(named.json["remotes"][0]["missing"]) == 2
    pulled = cli("pull", "--artifacts", cwd=other.path)
    assert pulled.status == 1
    assert pulled.out.startswith("5 files")
    assert "2 are neither here nor at a remote" in pulled.err
    document = cli("pull", "--artifacts", "--json", cwd=other.path)
    validate("pull", document.json)
    assert len(document.json["artifacts"]["missing"]) == 2


def test_one_remote_that_fails_does_not_stop_the_others(
    repo: Any, cli: Any, lab: Path, tmp_path: Path, validate: Any
) -> None:
    record(repo)
    (tmp_path / "file").write_text("no folder")
    cli("remote", "add", "bad", str(tmp_path / "file/below"), "--default")
    done = cli("push", "--artifacts", "--remote", "bad", "--remote", "lab", "--json")
    assert done.status == 1
    validate("push", done.json)
    bad, good = done.json["remotes"]
    assert bad["ended_by"]["code"].startswith("remote-") or bad["failed"]
    assert (good["sent"], good["ended_by"]) == (5, None)
    told = cli("push", "--artifacts")
    assert told.status == 1
    assert "bad: " in told.err
    assert "lab: nothing sent, 5 there already" in told.out


def test_the_only_remote_that_fails_is_an_error(
    repo: Any, cli: Any, make_repo: Any, tmp_path: Path
) -> None:
    record(repo)
    (tmp_path / "file").write_text("no folder")
    cli("remote", "add", "bad", str(tmp_path / "file/below"))
    pushed = cli("push", "--artifacts", "--json")
    assert (pushed.status, pushed.out) == (3, "")
    assert pushed.error["code"].startswith("remote-")
    assert pushed.error["hint"]
    repo.write(".runref.yaml", "remotes: {bad: {url: s3://b/x, options: {secret: hunter2}}}\n")
    other = clone_of(repo, make_repo)
    pulled = cli("pull", "--artifacts", "--json", cwd=other.path)
    assert (pulled.status, pulled.out) == (2, "")
    assert pulled.error["code"] == "secret-in-settings"


def test_what_is_damaged_is_named_and_comes_from_elsewhere(
    repo: Any, cli: Any, make_repo: Any, lab: Path, tmp_path: Path, validate: Any
) -> None:
    record(repo)
    cli("remote", "add", "nfs", str(tmp_path / "nfs"))
    cli("push", "--artifacts")
    broken = sorted(stored(lab))[0]
    broken.chmod(0o644)
    broken.write_bytes(bytes(broken.stat().st_size))
    other = clone_of(repo, make_repo)
    done = cli("pull", "--artifacts", cwd=other.path)
    assert done.status == 0
    digest = f"sha256:{broken.parent.name}{broken.name}"
    assert f"lab: 1 is damaged there: {digest[:19]}" in done.err
    shutil.rmtree(other.path / ".git/runref/artifacts")
    document = cli("pull", "--artifacts", "--json", cwd=other.path).json
    validate("pull", document)
    assert document["artifacts"]["damaged"] == [{"digest": digest, "remote": "lab"}]


def test_what_is_damaged_here_is_not_sent(repo: Any, cli: Any, lab: Path, validate: Any) -> None:
    record(repo)
    (broken, *_) = sorted(stored(repo.path / ".git/runref/artifacts"))
    broken.chmod(0o644)
    broken.write_bytes(bytes(broken.stat().st_size))
    done = cli("push", "--artifacts", "--json")
    assert done.status == 1
    validate("push", done.json)
    (remote,) = done.json["remotes"]
    digest = f"sha256:{broken.parent.name}{broken.name}"
    assert digest in {each["digest"] for each in remote["failed"]}
    told = cli("push", "--artifacts").err
    assert digest[:19] in told
    assert all(path.name != broken.name for path in stored(lab))


def test_what_is_damaged_there_is_mended_on_demand(
    repo: Any, cli: Any, lab: Path, validate: Any
) -> None:
    record(repo)
    cli("push", "--artifacts")
    (broken, gone, *_) = sorted(stored(lab))
    whole = broken.read_bytes()
    for each in (broken, gone):
        each.chmod(0o644)
        each.write_bytes(bytes(each.stat().st_size))
    (repo.path / ".git/runref/artifacts/sha256" / gone.parent.name / gone.name).unlink()

    assert "nothing sent" in cli("push", "--artifacts").out
    told = cli("push", "--artifacts", "--verify", "--dry-run", "--json")
    validate("push", told.json)
    done = cli("push", "--artifacts", "--verify")

    broken_digest, gone_digest = (
        f"sha256:{each.parent.name}{each.name}" for each in (broken, gone)
    )
    (remote,) = told.json["remotes"]
    assert (remote["replaced"], remote["damaged"]) == ([broken_digest], [gone_digest])
    assert done.status == 1
    assert "1 file had another size or content there" in done.err
    assert f"1 is damaged there, and not here: {gone_digest[:19]}" in done.err
    assert broken.read_bytes() == whole


@pytest.mark.parametrize("command", ["push", "pull"])
def test_what_is_no_transfer(repo: Any, cli: Any, command: str, tmp_path: Path) -> None:
    bare = cli(command, "--json")
    assert (bare.status, bare.error["code"]) == (2, "no-git-remote")
    assert cli(command, "one", "two").status == 2
    nothing = cli(command, "--artifacts", "--json")
    assert (nothing.status, nothing.error["code"]) == (2, "no-remote")
    cli("remote", "add", "lab", str(tmp_path / "lab"))
    unknown = cli(command, "--artifacts", "--json", "--remote", "s3://key:hunter2@b/x")
    assert unknown.error["code"] == "unknown-remote"
    assert "hunter2" not in unknown.err
    for words in (("-j", "0"), ("--limit-rate", "fast"), ("--limit-rate", "0")):
        assert cli(command, "--artifacts", *words).status == 2


def test_a_repository_without_runs_has_nothing_to_send(repo: Any, cli: Any, lab: Path) -> None:
    assert cli("push", "--artifacts").out == "lab: nothing sent, 0 there already\n"
    assert cli("pull", "--artifacts").out == "nothing received, 0 here already\n"
    assert not lab.exists()


def test_exit_status() -> None:
    from runref.artifacts.remote.store import RemoteFull

    full = RemoteFull("full")
    assert _status([Pushed(), Pushed(sent=1)], named=True) == 0
    assert _status([Pushed(missing=("a",), withheld=("b",))], named=False) == 0
    assert _status([Pushed(), Pushed(missing=("a",))], named=True) == 1
    assert _status([Pushed(), Pushed(failed=(Failure("a", full),))], named=False) == 1
    assert _status([Pushed(), Pushed(ended_by=full)], named=False) == 1
    assert _status([Pushed(), Pushed(damaged=("a",))], named=False) == 1


def test_retries_are_told_once_and_counted(capfd: pytest.CaptureFixture[str]) -> None:
    from runref.artifacts.remote.store import RemoteInterrupted, RemoteUnreachable

    bar = TransferBar("to lab")
    for _ in range(5):
        bar.retry("reading x", RemoteUnreachable("lab does not answer"), 1, 0.5)
    bar.retry("reading y", RemoteInterrupted("lab broke\noff"), 1, 0.5)
    bar.close()
    assert capfd.readouterr().err.splitlines() == [
        "runref: lab does not answer; trying again",
        "runref: lab broke\\noff; trying again",
        "runref: to lab: 6 requests were made again",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("width", [30, 100])
def test_a_progress_bar_on_a_terminal_only(
    repo: Any, cli: Any, process: Any, lab: Path, width: int
) -> None:
    """There is more to send than the limit lets through before the bar shows itself."""
    repo.write("folder/large", bytes(300_000))
    record(repo)
    argv = ("push", "--artifacts", "--limit-rate", "100 kB")
    shown = on_terminal(repo.path, argv, COLUMNS=str(width), NO_COLOR="1")
    assert "/6 files" in shown
    assert ("B/s" in shown) == (width == 100)
    lines = [line for line in re.split(r"[\r\n]", shown) if line.strip()]
    assert {line.split()[0] for line in lines} == {"to", "lab:"}  # none goes on in the next one
    assert lines[-1].startswith("lab: 6 files, ")
    shutil.rmtree(lab)
    piped = process(*argv)
    assert (piped.returncode, piped.stderr) == (0, "")
    assert piped.stdout.startswith("lab: 6 files, ")


def on_terminal(cwd: Path, argv: tuple[str, ...], **environ: str) -> str:
    """Run a command on a pseudo-terminal and return what it shows, without movements."""
    import pty

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
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r\n", "\n")
