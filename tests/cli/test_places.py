"""Where commands are started: subfolders, worktrees, bare repositories, none at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day


def test_the_transcript(training: Any, cli: Any) -> None:
    """A dirty tree with an untracked helper; the commit is rebased away; the run comes back."""
    training.write("helper.py", "SCALE = 2\n")
    train = (training.path / "train.py").read_text()
    training.write("train.py", "from helper import SCALE\n" + train.replace("1 / (", "SCALE / ("))
    cli(
        "run",
        "-e",
        "digits",
        "-t",
        "baseline",
        "-o",
        "model.bin",
        "--",
        "python",
        "train.py",
        "--lr",
        "0.1",
    )
    run = cli("ls", "--json").json["runs"][0]
    training.commit("wip")
    training.git("commit", "-q", "--amend", "-m", "wip, reworded")
    training.git("reset", "-q", "--hard", "HEAD~2")
    training.git("reflog", "expire", "--expire=now", "--all")
    training.git("gc", "-q", "--prune=now")
    (training.path / "model.bin").unlink()
    commit = training.git("log", "--format=%h", "refs/runref/runs").splitlines()[-1]
    for address in (run["id"][9:13], run["record_hash"][:7], commit, run["id"]):
        done = cli("reproduce", address)
        assert done.status == 0, done
        lines = done.out.splitlines()
        assert "checked out (2 files differ from commit" in lines[0]
        assert lines[0].endswith(", 1 was untracked)")
        assert lines[1].startswith("  environment same packages (")
        assert ", same Python " in lines[1]
        assert lines[1].endswith(", same CPU")
        assert lines[2] == "  command     python train.py --lr 0.1"
        assert lines[3] == "trained with 0.1"
        assert lines[4].startswith("  metrics     val/acc ")
        assert lines[4].endswith("(10 of 10 points identical)")
        assert lines[5] == "  outputs     model.bin identical"
        assert lines[6].startswith("  verdict     identical")
        assert f"reproduces {run['id']})" in lines[6]
    log = training.git("log", "--format=%s", "refs/runref/runs").splitlines()
    assert log[-1].startswith("digits · python train.py --lr 0.1 · val/acc")
    training.fsck()


def test_a_linked_worktree_shares_the_runs(training: Any, cli: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    training.git("worktree", "add", "-q", str(other))
    assert cli("run", "-o", "model.bin", "--", "python", "train.py", cwd=other).status == 0
    run = cli("ls", "--json").json["runs"][0]
    assert run["code"]["branch"] == "other"
    assert cli("reproduce", "@", cwd=other).status == 0
    assert cli("reproduce", "@~1").status == 0


def test_without_the_git_program(training: Any, process: Any, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    words = [sys.executable, "train.py"]
    assert process("run", "-o", "model.bin", "--", *words, PATH=str(programs)).returncode == 0
    done = process("reproduce", "@", PATH=str(programs))
    assert (done.returncode, done.stderr) == (0, "")
    assert "verdict     identical" in done.stdout
    training.fsck()


def test_a_program_that_calls_init_itself(training: Any, cli: Any) -> None:
    subprocess.run(
        [sys.executable, "train.py", "--lr", "0.3"],
        cwd=training.path,
        check=True,
        capture_output=True,
    )
    assert cli("show", "--json", "@").json["params"]["lr"]["value"] == 0.3
    done = cli("reproduce", "@")
    assert done.status == 0
    assert "verdict     identical" in done.out


def test_outside_a_repository(cli: Any, tmp_path: Path) -> None:
    for argv in (("ls",), ("run", "--", "true"), ("init",), ("show", "@"), ("doctor",)):
        done = cli(*argv, cwd=tmp_path)
        assert done.status == 3
        assert "is in no git repository" in done.err
        assert "`git init`" in done.err
        assert done.out == ""


def test_a_bare_repository_can_be_read_but_runs_need_a_working_tree(
    training: Any, cli: Any, tmp_path: Path
) -> None:
    cli("run", "-o", "model.bin", "--", "python", "train.py")
    bare = tmp_path / "bare.git"
    training.git("clone", "-q", "--bare", ".", str(bare))
    training.git("push", "-q", str(bare), "refs/runref/runs")
    assert len(cli("ls", "--json", cwd=bare).json["runs"]) == 1
    assert cli("reproduce", "@", cwd=bare).status == 0
    assert cli("doctor", cwd=bare).status == 0
    for argv in (("run", "--", "true"), ("init",)):
        done = cli(*argv, cwd=bare)
        assert (done.status, done.out) == (2, "")
        assert "has no working tree" in done.err


def test_store_names_the_repository_of_a_folder_that_is_no_checkout(
    repo: Any, cli: Any, tmp_path: Path
) -> None:
    copied = tmp_path / "copied"
    copied.mkdir()
    (copied / "train.py").write_text("import runref; runref.init().log({'a': 1})")
    store = ("--store", str(repo.path))
    assert cli("run", *store, "--", "python", "train.py", cwd=copied).status == 0
    done = cli("reproduce", *store, "@", cwd=copied)
    assert "(1 file, no commit)" in done.out
    assert done.status == 0
    assert len(cli("ls", "--json").json["runs"]) == 2


def test_a_repository_without_a_commit(make_repo: Any, cli: Any) -> None:
    repo = make_repo("fresh")
    repo.write("train.py", "import runref; runref.init().log({'a': 1})")
    assert cli("run", "--", "python", "train.py", cwd=repo.path).status == 0
    assert cli("reproduce", "@", cwd=repo.path).status == 0


def test_a_detached_head(training: Any, cli: Any) -> None:
    training.git("checkout", "-q", "--detach")
    cli("run", "-o", "model.bin", "--", "python", "train.py")
    code = cli("show", "--json", "@").json["code"]
    assert (code["branch"], bool(code["commit"])) == ("", True)
    assert cli("reproduce", "@").status == 0


@pytest.mark.parametrize(
    "name", ["with space", "new\nline", "caf\udce9", "日本", "-dash", "q'uo\"te"]
)
def test_odd_paths(repo: Any, cli: Any, name: str, tmp_path: Path) -> None:
    repo.write(f"in {name}", "content")
    repo.write(".gitignore", "out*\n")
    program = "import os, sys; open(os.fsencode(sys.argv[2]), 'w').write(open(sys.argv[1]).read())"
    names = (f"./in {name}", f"./out {name}")
    assert (
        cli("run", "-i", names[0], "-o", names[1], "--", "python", "-c", program, *names).status
        == 0
    )
    done = cli("reproduce", "--json", "@")
    assert done.json["verdict"] == "identical", done
    assert cli("show", "@").status == 0
    assert cli("ls", "--columns", "id,command").status == 0
    (repo.path / f"out {name}").unlink()
    assert cli("get", "@~1", f"out {name}").status == 0
    assert (repo.path / f"out {name}").read_text() == "content"
    repo.fsck()


def test_the_working_directory_is_gone(repo: Any, process: Any, tmp_path: Path) -> None:
    doomed = repo.path / "doomed"
    doomed.mkdir()
    program = "import os, shutil, sys; shutil.rmtree(os.getcwd()); os.execv(sys.executable, "
    program += "[sys.executable, '-m', 'runref', 'ls'])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=doomed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_ls_in_a_repository_that_may_only_be_read(training: Any, cli: Any) -> None:
    cli("run", "--", "true")
    subprocess.run(["chmod", "-R", "a-w", str(training.path / ".git")], check=True)
    try:
        assert len(cli("ls").out.splitlines()) == 2
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(training.path / ".git")], check=True)


def test_a_damaged_cache_is_built_again(training: Any, cli: Any, isolated_home: Path) -> None:
    cli("run", "--", "true")
    cli("ls")
    (index,) = isolated_home.glob(".cache/runref/index/*")
    index.write_bytes(b"not a database" * 100)
    assert len(cli("ls").out.splitlines()) == 2
    shutil.rmtree(isolated_home / ".cache")
    assert len(cli("ls").out.splitlines()) == 2
