"""``runref forget``: what goes, what stays, and that the bytes are free."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # `make check` is for all day

SECRET = "the-name-of-a-patient"
RECORD = """\
import sys
import runref
with runref.init(console=False, experiment="e", params={"who": sys.argv[1]}) as run:
    run.log({"loss": 1.0})
    run.use_input("data.csv")
    run.log_output("folder")
print(run.id)
"""


def record(repo: Any, text: str, **environ: str) -> str:
    """Record a run with a snapshot, an input and a directory that only it has; return its id."""
    repo.write("code.txt", f"{text} " + text.encode().hex() * 20)
    repo.write("data.csv", f"input {text}")
    repo.write("folder/a", "of all runs")
    repo.write("folder/b", f"output {text}")
    done = subprocess.run(
        [sys.executable, "-c", RECORD, text],
        cwd=repo.path,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1]


def place(run_id: str) -> str:
    return f"runs/{run_id[:4]}-{run_id[4:6]}/{run_id[6:8]}/{run_id[9]}/{run_id}"


def blob(repo: Any, run_id: str, path: str = "code/code.txt") -> str:
    return repo.git("rev-parse", f"refs/runref/runs:{place(run_id)}/{path}")


def has(repo: Any, oid: str) -> bool:
    done = subprocess.run(["git", "cat-file", "-e", oid], cwd=repo.path, check=False)
    return done.returncode == 0


def used(folder: Path) -> int:
    """Return the bytes of the disk that a folder takes up."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def holds_text(git_dir: Path, text: str) -> list[str]:
    """Return where in a git directory a text stands, packs and objects unpacked."""
    found = [
        str(path)
        for path in git_dir.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    ]
    git = ["git", f"--git-dir={git_dir}", "cat-file"]
    listed = subprocess.run(
        [*git, "--batch-all-objects", "--batch-check"], capture_output=True, check=True
    )
    for line in listed.stdout.split(b"\n")[:-1]:
        oid, kind, _ = line.split()
        body = subprocess.run([*git, kind, oid], capture_output=True, check=True).stdout
        if text.encode() in body:
            found.append(oid.decode())
    return found


def stored(folder: Path) -> set[str]:
    return {path.read_text() for path in folder.glob("sha256/*/*")}


@pytest.fixture(params=["loose", "packed", "sha256"])
def kept(request: Any, make_repo: Callable[..., Any]) -> Any:
    """A repository with objects of one kind, and a way to bring them into that state."""
    name = request.param
    repo = make_repo("kept", *(["--object-format=sha256"] if name == "sha256" else []))
    repo.write(".gitignore", "data.csv\nfolder\n")
    repo.commit("first")
    repo.settle = lambda: repo.git("gc", "-q") if name != "loose" else None
    return repo


@pytest.fixture
def run(kept: Any, cli: Any) -> Callable[..., Any]:
    return lambda *argv, cwd=None: cli(*argv, cwd=cwd or kept.path)


def test_nothing_of_a_forgotten_run_is_left(kept: Any, run: Any, validate: Any) -> None:
    first = record(kept, "one")
    noise = kept.write("noise", os.urandom(900_000))
    secret = record(kept, SECRET)
    noise.unlink()
    last = record(kept, "two")
    run("note", "-m", f"about {SECRET}", secret)
    oids = [blob(kept, secret), blob(kept, secret, "run.yaml")]
    others = {
        each: kept.git("rev-parse", f"refs/runref/runs:{place(each)}") for each in (first, last)
    }
    kept.settle()
    git_dir = kept.path / ".git"
    assert holds_text(git_dir, SECRET)
    before = used(git_dir)

    done = run("forget", secret, "--reason", "personal data", "--json")
    assert done.status == 0, done.err
    validate("forget", done.json)
    assert done.json["runs"] == [secret]
    assert not any(has(kept, oid) for oid in oids)
    assert holds_text(git_dir, SECRET) == []
    objects = done.json["objects"]
    assert objects["count"] >= 10
    assert objects["size"] > 900_000
    assert before - used(git_dir) > 750_000  # the new history takes up some blocks
    kept.fsck()
    for each, tree in others.items():
        assert kept.git("rev-parse", f"refs/runref/runs:{place(each)}") == tree
    assert {each["id"] for each in run("ls", "--json").json["runs"]} == {first, last}
    assert stored(git_dir / "runref/artifacts").isdisjoint({f"input {SECRET}", f"output {SECRET}"})
    assert "input one" in stored(git_dir / "runref/artifacts")


def test_a_tombstone_stays_and_says_who_and_why(kept: Any, run: Any) -> None:
    record(kept, "one")
    gone = record(kept, SECRET)
    tree = kept.git("rev-parse", f"refs/runref/runs:{place(gone)}")
    run("tag", "-a", "x", gone)
    assert run("forget", gone, "--reason", "personal data").status == 0
    (path,) = kept.git("ls-tree", "-r", "--name-only", "refs/runref/runs", "tombstones").split()
    assert path.startswith(place(gone).replace("runs", "tombstones", 1))
    text = kept.git("show", f"refs/runref/runs:{path}")
    assert f"run: {gone}" in text
    assert "author: Ada Tester <ada@example.org>\nreason: personal data" in text
    assert f"record: {tree}" in text
    assert kept.git("log", "--format=%P%n%B", "refs/runref/runs").split() == (
        f"forget 1 run: personal data Forgets: {gone}".split()
    )
    assert kept.git("ls-tree", "--name-only", "refs/runref/runs").split() == [
        "FORMAT",
        "runs",
        "tombstones",
    ]
    assert len(kept.git("reflog", "show", "refs/runref/runs").split("\n")) == 1
    for address in (gone, gone[9:14]):
        told = run("show", address, "--json")
        assert told.status == 2
        assert told.error["code"] == "forgotten-run"
        assert "by Ada Tester <ada@example.org>: personal data" in told.error["message"]


def test_what_a_branch_shares_with_it_stays(kept: Any, run: Any) -> None:
    record(kept, "one")
    gone = record(kept, "shared")
    shared, alone = blob(kept, gone), blob(kept, gone, "run.yaml")
    kept.git("checkout", "-q", "-b", "mine")
    kept.commit("the same file")
    kept.write("code.txt", "later")
    kept.commit("it is only in an older commit now")
    kept.settle()
    assert run("forget", gone, "--reason", "test").status == 0
    assert (has(kept, shared), has(kept, alone)) == (True, False)
    kept.fsck()


def test_what_only_a_reflog_or_the_index_of_a_worktree_holds_stays(kept: Any, run: Any) -> None:
    record(kept, "one")
    first, second = record(kept, "in a reflog"), record(kept, "in an index")
    oids = [blob(kept, first), blob(kept, second)]
    kept.git("worktree", "add", "-q", "../linked")
    linked = type(kept)(kept.path.parent / "linked")
    linked.write("code.txt", kept.git("cat-file", "blob", oids[1]))
    linked.git("add", "code.txt")
    kept.write("code.txt", kept.git("cat-file", "blob", oids[0]))
    kept.commit("to be undone")
    kept.git("reset", "-q", "--hard", "HEAD~1")
    kept.settle()
    # From the linked worktree: it is one repository.
    done = run("forget", first, second, "--reason", "test", cwd=linked.path)
    assert done.status == 0, done.err
    assert [has(kept, oid) for oid in oids] == [True, True]
    kept.fsck()


def test_a_tag_on_the_old_history_is_told_and_a_second_time_frees(
    kept: Any, run: Any, validate: Any
) -> None:
    record(kept, "one")
    gone = record(kept, SECRET)
    oid = blob(kept, gone)
    kept.git("tag", "paper", "refs/runref/runs")
    kept.settle()
    done = run("forget", gone, "--reason", "test", "--json")
    assert done.status == 1
    validate("forget", done.json)
    assert done.json["kept_by"] == {"refs/tags/paper": [gone]}
    assert has(kept, oid)
    kept.fsck()
    assert "refs/tags/paper still holds" in run("forget", gone).err
    kept.git("tag", "-d", "paper")
    again = run("forget", gone[9:], "--json")
    assert (again.status, again.json["forgotten_before"]) == (0, [gone])
    assert not has(kept, oid)
    assert holds_text(kept.path / ".git", SECRET) == []
    kept.fsck()


def test_what_only_a_reflog_leads_to_is_told(repo: Any, cli: Any) -> None:
    record(repo, "one")
    gone = record(repo, SECRET)
    repo.git("update-ref", "--create-reflog", "-m", "x", "refs/heads/x", "refs/runref/runs")
    repo.git("update-ref", "-m", "y", "refs/heads/x", "HEAD")
    done = cli("forget", gone, "--reason", "test", "--json")
    assert done.status == 1
    (failed,) = done.json["failed"]
    assert failed["error"]["code"] == "still-there"
    assert gone in failed["error"]["message"]
    repo.git("reflog", "expire", "--expire=now", "refs/heads/x")
    assert cli("forget", gone).status == 0
    assert holds_text(repo.path / ".git", SECRET) == []


def test_packs_that_are_protected_or_listed(repo: Any, cli: Any) -> None:
    record(repo, "one")
    gone = record(repo, SECRET)
    repo.git("repack", "-q", "-a", "-d")
    repo.git("multi-pack-index", "write")
    repo.git("commit-graph", "write", "--reachable")
    repo.git("update-server-info")
    packs = repo.path / ".git/objects/pack"
    (pack,) = packs.glob("*.pack")
    keep = pack.with_suffix(".keep")
    keep.touch()
    done = cli("forget", gone, "--reason", "test", "--json")
    assert done.status == 1
    assert f"which {keep.name} protects" in done.json["objects"]["kept"][0]
    repo.fsck()
    keep.unlink()
    assert cli("forget", gone).status == 0
    assert holds_text(repo.path / ".git", SECRET) == []
    repo.fsck()
    repo.git("multi-pack-index", "verify")
    repo.git("commit-graph", "verify")
    (new,) = packs.glob("*.pack")
    assert new.name in (packs.parent / "info/packs").read_text()
    assert new.name != pack.name


def test_what_another_repository_lends_stays_and_is_told(
    repo: Any, cli: Any, tmp_path: Path
) -> None:
    record(repo, "one")
    gone = record(repo, SECRET)
    repo.git("clone", "-q", "--shared", ".", str(tmp_path / "borrower"))
    borrower = type(repo)(tmp_path / "borrower")
    borrower.git("fetch", "-q", "origin", "refs/runref/runs:refs/runref/runs")
    done = cli("forget", gone, "--reason", "test", "--local", "--json", cwd=borrower.path)
    assert done.status == 1
    assert [each["error"]["code"] for each in done.json["failed"]] == ["still-there"]
    borrower.fsck()
    repo.fsck()


def test_what_was_written_in_vain_and_leads_to_it_goes_too(kept: Any, run: Any) -> None:
    record(kept, "one")
    gone = record(kept, "two")
    runs = kept.git("rev-parse", "refs/runref/runs:runs")
    tree = kept.git("mktree", input=f"040000 tree {runs}\tx\n".encode())
    old = kept.path / f".git/objects/{tree[:2]}/{tree[2:]}"
    os.utime(old, (1, 1))
    assert run("forget", gone, "--reason", "test").status == 0
    assert not has(kept, tree)
    kept.fsck()


def test_runs_that_name_it_stay_and_are_told(repo: Any, cli: Any) -> None:
    parent = record(repo, "one")
    child = record(repo, "two", RUNREF_RUN=f"/spool/{parent}")
    planned = cli("forget", "--dry-run", parent)
    assert f"{child}, which was opened within {parent}, stays" in planned.out
    done = cli("forget", parent, "--reason", "test", "--json")
    assert done.json["mentions"] == {child: f"was opened within {parent}"}
    assert [each["id"] for each in cli("ls", "--json").json["runs"]] == [child]


def test_a_dry_run_tells_bytes_and_writes_nothing(repo: Any, cli: Any, validate: Any) -> None:
    record(repo, "one")
    gone = record(repo, "two")
    tip, count = repo.git("rev-parse", "refs/runref/runs"), repo.git("count-objects")
    done = cli("forget", "--dry-run", gone, "--json")
    assert done.status == 0
    validate("forget", done.json)
    assert done.json["runs"] == [gone]
    assert done.json["objects"]["count"] >= 4
    assert done.json["artifacts"]["count"] == 3  # the input, one of two files, the manifest
    assert (repo.git("rev-parse", "refs/runref/runs"), repo.git("count-objects")) == (tip, count)


def test_without_a_git_program_it_is_said_and_done_later(
    repo: Any, cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record(repo, "one")
    gone = record(repo, SECRET)
    oid = blob(repo, gone)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path))
    done = cli("forget", gone, "--reason", "test", "--json")
    assert done.status == 1
    assert [each["error"]["code"] for each in done.json["failed"]] == ["no-git-program"]
    assert [each["freed"]["count"] for each in done.json["artifacts"]] == [3]
    monkeypatch.setenv("PATH", path)
    assert has(repo, oid)
    assert cli("forget", gone).status == 0
    assert not has(repo, oid)
    repo.fsck()


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (["forget", "@", "--reason", " "], 2, "reason-missing"),
        (["forget", "@"], 2, "reason-missing"),
        (["forget", "0000aaaa", "--reason", "x"], 2, "unknown-run"),
        (["forget", "@", "--reason", "x" * 2001], 3, "invalid-document"),
        (["forget", "@", "--reason", "x", "--local", "--remote", "origin"], 2, "usage"),
    ],
)
def test_what_is_no_request(repo: Any, cli: Any, words: list[str], status: int, code: str) -> None:
    record(repo, "one")
    tip = repo.git("rev-parse", "refs/runref/runs")
    done = cli(*words, "--json")
    assert (done.status, done.error["code"]) == (status, code)
    assert repo.git("rev-parse", "refs/runref/runs") == tip


@pytest.fixture
def going_on(repo: Any) -> Iterator[str]:
    """A run that goes on until the test ends."""
    source = (
        "import runref, sys\n"
        "with runref.init(console=False) as run:\n"
        "    print(run.id, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", source],
        cwd=repo.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.communicate("")


def test_a_live_run_is_not_forgotten_and_keeps_what_it_uses(
    repo: Any, cli: Any, going_on: str
) -> None:
    assert cli("forget", going_on, "--reason", "x", "--json").error["code"] == "still-running"
    # It has the same snapshot as the one that goes on.
    subprocess.run(
        [sys.executable, "-c", "import runref\nwith runref.init(console=False): pass"],
        cwd=repo.path,
        check=True,
    )
    (gone,) = [each["id"] for each in cli("ls", "--json").json["runs"] if not each["live"]]
    code = repo.git("rev-parse", f"refs/runref/runs:{place(gone)}/code")
    assert cli("forget", gone, "--reason", "x").status == 0
    assert has(repo, code)
