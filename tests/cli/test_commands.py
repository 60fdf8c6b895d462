"""Every command as people use it."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from runref.project.project import open_project

pytestmark = pytest.mark.slow  # `make check` is for all day


@pytest.fixture
def two_runs(training: Any, cli: Any) -> Any:
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
    cli("run", "-e", "digits", "-o", "model.bin", "--", "python", "train.py", "--lr", "0.4")
    return training


def log(repo: Any, *runs: str) -> None:
    """Record runs quickly, in one process: each is a literal dictionary of `init`'s arguments."""
    lines = ["import runref", "nan = float('nan')"]
    for each in runs:
        lines += [
            f"arguments, values = {each}",
            "run = runref.init(console=False, **arguments)",
            "run.log(values)",
            "run.finish()",
        ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=repo.path, check=True)


def test_run_says_how_it_came_out(training: Any, cli: Any) -> None:
    done = cli("run", "--", "python", "train.py", "--lr", "0.1")
    assert done.out == "trained with 0.1\n"
    words = done.err.split()
    assert words[:3] == ["run", words[1], "finished"]
    assert "val/acc 0.5833 · loss 0.7143 · record " in done.err
    assert training.git("rev-parse", "refs/runref/runs").strip()


@pytest.mark.parametrize(("program", "status"), [("raise SystemExit(7)", 7), ("1/0", 1), ("", 0)])
def test_run_passes_on_the_commands_status(repo: Any, cli: Any, program: str, status: int) -> None:
    assert cli("run", "--", "python", "-c", program).status == status
    assert cli("ls").status == 0


def test_run_passes_on_a_signal_as_a_shell_does(repo: Any, cli: Any) -> None:
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert cli("run", "--", "python", "-c", program).status == 137
    assert cli("show", "--json", "@").json["signal"] == "SIGKILL"


def test_given_parameters_outweigh_those_of_the_command_line(training: Any, cli: Any) -> None:
    cli("run", "-p", "lr=7", "-p", "name=x y", "--", "python", "train.py", "--lr", "0.1")
    params = cli("show", "--json", "@").json["params"]
    assert params["lr"] == {"value": 7, "source": "given"}
    assert params["name"]["value"] == "x y"


def test_ls_shows_what_tells_runs_apart(two_runs: Any, cli: Any) -> None:
    done = cli("ls")
    head, newest, oldest = done.out.splitlines()
    assert head.split() == [
        "id",
        "started",
        "experiment",
        "tags",
        "status",
        "duration",
        "lr",
        "val/acc",
        "loss",
    ]
    assert newest.split()[-3:] == ["0.4", "0.7222", "0.3846"]
    assert oldest.split()[4] == "baseline"


def test_ls_sorts_and_limits(repo: Any, cli: Any) -> None:
    log(
        repo,
        *[
            f"({{'name': 'n{i}'}}, {{'acc': {value}}})"
            for i, value in enumerate(["0.5", "nan", "0.9", "0.7"])
        ],
        "({'name': 'none'}, {})",
    )
    names = lambda *options: [  # noqa: E731
        run["name"] for run in cli("ls", "--json", *options).json["runs"]
    ]
    assert names("--sort", "acc") == ["n0", "n3", "n2", "none", "n1"]
    assert names("--sort", "-acc") == ["n2", "n3", "n0", "none", "n1"]
    assert names("--sort", "-acc", "--limit", "1") == ["n2"]
    assert names("--sort", "name", "--limit", "2") == ["n0", "n1"]
    assert names("--limit", "2") == ["none", "n3"]
    done = cli("ls", "--limit", "2")
    assert "… 3 more: `runref ls --all`" in done.err
    assert len(cli("ls", "--all").out.splitlines()) == 6


def test_ls_columns(two_runs: Any, cli: Any) -> None:
    done = cli("ls", "--columns", "lr,loss.max,loss.step_of_min,record,depth")
    assert done.out.splitlines()[1].split()[:3] == ["0.4", "1", "4"]
    for argv in (("--columns", "lr,los"), ("--sort", "-los"), ("los > 3",)):
        done = cli("ls", *argv)
        assert (done.status, done.out) == (2, "")
        assert 'unknown name "los": did you mean "loss"?' in done.err


def test_csv_has_everything_exactly(two_runs: Any, cli: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("ls", "--csv").out)))
    assert rows[0]["lr"] == "0.4"
    assert float(rows[0]["loss"]) == 1 / (1 + 0.4 * 4)
    assert rows[0]["depth"] == "3"
    assert cli("ls", "--csv", "--columns", "lr").out == "lr\n0.4\n0.1\n"


def test_a_corrupt_record_is_named_skipped_and_counted(two_runs: Any, cli: Any) -> None:
    run_id = cli("ls", "--json").json["runs"][0]["id"]
    damage(two_runs, run_id)
    done = cli("ls")
    assert done.status == 0
    assert run_id not in done.out
    assert len(done.out.splitlines()) == 2
    assert f"unreadable: run {run_id}" in done.err
    assert "1 run could not be read; the others are unaffected" in done.err
    assert "more" not in done.err
    document = cli("ls", "--json").json
    assert [each["id"] for each in document["unreadable"]] == [run_id]
    assert document["total"] == 1
    doctor = cli("doctor")
    assert doctor.status == 1
    assert "1 of 2 runs unreadable" in doctor.out
    assert cli("show", run_id).status == 3
    assert cli("show", "@").status == 0


def damage(repo: Any, run_id: str) -> None:
    """Replace a run's record by a text, in a commit of its own."""
    day = f"{run_id[:4]}-{run_id[4:6]}"
    path = f"runs/{day}/{run_id[6:8]}/{run_id[9]}/{run_id}/run.yaml"
    blob = repo.git("hash-object", "-w", "--stdin", input=b"not: [a record")
    index = {**os.environ, "GIT_INDEX_FILE": str(repo.path / ".git/damage")}
    git = lambda *words: subprocess.check_output(  # noqa: E731
        ["git", *words], cwd=repo.path, env=index, text=True
    ).strip()
    git("read-tree", "refs/runref/runs")
    git("update-index", "--cacheinfo", f"100644,{blob},{path}")
    commit = git("commit-tree", "-p", "refs/runref/runs", "-m", "damage", git("write-tree"))
    git("update-ref", "refs/runref/runs", commit)


def test_show_tells_everything(two_runs: Any, cli: Any) -> None:
    cli("note", "-m", "first\nsecond line", "@")
    done = cli("show", "@")
    for expected in (
        "command      python train.py --lr 0.4",
        "parameters:\n  depth",
        "outputs:\n",
        "model.bin  11 B, sha256:",
        "metrics: ",
        "python\n",
        "packages (",
        "first\n    second line",
        "status       finished",
        "duration",
    ):
        assert expected in done.out
    assert cli("show", "--console", "@").out == "trained with 0.4\n"


def test_show_tells_how_a_run_failed(repo: Any, cli: Any) -> None:
    repo.write("train.py", "import runref; runref.init(); raise ValueError('boo')")
    cli("run", "--", "python", "train.py")
    done = cli("show", "@")
    assert "status       failed (exit status 1)" in done.out
    assert "failure: ValueError: boo\n  Traceback" in done.out


def test_control_characters_of_a_record_do_not_reach_the_terminal(repo: Any, cli: Any) -> None:
    log(
        repo, "({'name': 'a\\x1b[31mred\\nline', 'params': {'p': '\\x1b]0;t\\x07'}}, {'m\\x1b': 1})"
    )
    for argv in (("ls",), ("show", "@"), ("ls", "--columns", "p")):
        assert "\x1b" not in cli(*argv).out


def test_diff_tells_each_section(two_runs: Any, cli: Any) -> None:
    two_runs.write("data.csv", "1")
    two_runs.write("train.py", "print('short')")
    cli("run", "-i", "data.csv", "--", "python", "train.py")
    done = cli("diff", "@~1", "@")
    assert done.status == 1
    for expected in (
        "code:\n  + data.csv  +1\n  ~ train.py  +1 -10\n",
        "parameters:\n  - depth  3\n",
        "inputs:\n  + data.csv  sha256:",
        "outputs:\n  - model.bin",
        "metrics:\n  - ",
    ):
        assert expected in done.out
    values = cli("diff", "@~2", "@~1").out
    assert "lr  0.1 → 0.4" in values
    assert "loss  0.7143 → 0.3846  (-0.3297)" in values
    assert cli("diff", "@", "@").out == "no difference\n"
    assert cli("diff", "@", "@").status == 0


def test_get_brings_back_and_never_overwrites(two_runs: Any, cli: Any, tmp_path: Path) -> None:
    model = two_runs.path / "model.bin"
    model.write_text("my own")
    refused = cli("get", "@~1")
    assert refused.status == 3
    assert "exists" in refused.err
    assert model.read_text() == "my own"
    assert cli("get", "@~1", "-o", str(tmp_path / "there")).status == 0
    assert (tmp_path / "there/model.bin").read_text() == "weights 0.1"
    cli("get", "-f", "@~1", "model.bin")
    assert model.read_text() == "weights 0.1"
    unknown = cli("get", "@", "nope")
    assert unknown.status == 2
    assert "It has: model.bin" in unknown.err


def test_get_writes_nothing_where_one_of_several_exists(repo: Any, cli: Any) -> None:
    cli("run", "-o", "a", "-o", "b", "--", "sh", "-c", "echo 1 > a; echo 1 > b")
    (repo.path / "a").unlink()
    assert cli("get", "@").status == 3
    assert not (repo.path / "a").exists()


def test_get_never_replaces_the_repository(repo: Any, cli: Any, tmp_path: Path) -> None:
    done = cli("run", "-o", ".", "-o", "model", "--", "sh", "-c", "echo 1 > model")
    assert done.status == 0
    assert "output .: it is the whole working tree" in done.err
    assert [each["path"] for each in cli("show", "--json", "@").json["outputs"]] == [".", "model"]
    before = repo.git("rev-parse", "HEAD", "refs/runref/runs")
    refused = cli("get", "-f", "@")
    assert refused.status == 2
    assert "stored are: model" in refused.err
    assert cli("get", "-f", "@", "model").status == 0
    assert repo.git("rev-parse", "HEAD", "refs/runref/runs") == before


def test_get_replaces_no_repository_with_an_output_of_its_name(
    repo: Any, cli: Any, tmp_path: Path
) -> None:
    """What a folder of the working tree was once may be where a repository is today."""
    inner = repo.path / "inner"
    cli("run", "-o", "inner", "--", "sh", "-c", "mkdir inner; echo 1 > inner/a")
    repo.git("init", "-q", str(inner))
    refused = cli("get", "-f", "@")
    assert refused.status == 3
    assert "is the working tree of a repository" in refused.err
    assert (inner / ".git/HEAD").exists()


@pytest.mark.parametrize("linked", [False, True])
def test_get_never_replaces_the_working_tree_it_is_called_in(
    repo: Any, cli: Any, linked: bool
) -> None:
    """An output that is called like the working tree, brought back into the folder above it."""
    work = repo.path
    if linked:
        work = repo.path.parent / "linked"
        repo.git("worktree", "add", "-q", str(work))
    name = work.name
    cli("run", "-o", name, "--", "sh", "-c", f"mkdir {name}; echo 1 > {name}/a", cwd=work)
    refused = cli("get", "-f", "@", "-o", "..", cwd=work)
    assert (refused.status, refused.out) == (3, "")
    assert "is the whole working tree" in refused.err
    assert (work / "train.py").exists()
    into_git = cli("get", "-f", "@", "-o", str(repo.path / ".git/hooks"), cwd=work)
    assert (into_git.status, "lies in the git directory" in into_git.err) == (3, True)
    assert cli("get", "@", "-o", "../beside", cwd=work).status == 0


def test_get_deletes_no_file_that_was_never_recorded(repo: Any, cli: Any, tmp_path: Path) -> None:
    cli("run", "-o", "out", "-o", "flat", "--", "sh", "-c", "mkdir out; echo 1 | tee out/a > flat")
    for name in "bcdef":
        repo.write(f"out/{name}", "mine")
    repo.write("out/a", "changed")
    refused = cli("get", "-f", "@", "out")
    assert refused.status == 3
    assert "holds 5 files that the run did not record: b, c, d …" in refused.err
    assert "-o" in refused.err
    assert (repo.path / "out/a").read_text() == "changed"
    for name in "bcdef":
        (repo.path / "out" / name).unlink()
    assert cli("get", "-f", "@", "out").status == 0
    assert (repo.path / "out/a").read_text() == "1\n"
    (repo.path / "flat").unlink()
    repo.write("flat/precious", "mine")
    assert cli("get", "-f", "@", "flat").status == 3
    assert (repo.path / "flat/precious").read_text() == "mine"


def test_get_says_what_can_be_brought_back(repo: Any, cli: Any) -> None:
    cli("run", "-o", "a", "-o", "b", "-o", "gone", "--", "sh", "-c", "echo 1 > a; echo 1 > b")
    lost = cli("get", "--json", "@", "-o", "there")
    assert (lost.status, lost.error["code"]) == (2, "not-recorded")
    assert lost.error["hint"] == "Name what is to be brought back; stored are: a, b."
    assert not (repo.path / "there").exists()
    assert cli("get", "@", "a", "b", "-o", "there").status == 0


def test_get_code_that_was_not_recorded(repo: Any, cli: Any) -> None:
    (repo.path / ".git/index").write_bytes(b"no index")
    cli("run", "--", "true")
    lost = cli("get", "--json", "@", "--code", "-o", "there")
    assert (lost.status, lost.error["code"]) == (2, "not-recorded")
    assert "`runref show" in lost.error["hint"]
    assert not (repo.path / "there").exists()


def test_get_in_a_subfolder_names_files_from_there(repo: Any, cli: Any, tmp_path: Path) -> None:
    folder = repo.path / "exp"
    folder.mkdir()
    cli("run", "-o", "out", "--", "sh", "-c", "echo hi > out", cwd=folder)
    (folder / "out").unlink()
    assert cli("get", "@", "out", cwd=folder).status == 0
    assert (folder / "out").read_text() == "hi\n"


def test_get_code(two_runs: Any, cli: Any, tmp_path: Path) -> None:
    target = tmp_path / "code"
    assert cli("get", "@", "--code", "-o", str(target)).status == 0
    assert (target / "train.py").read_text() == (two_runs.path / "train.py").read_text()
    assert cli("get", "@", "--code", "-o", str(target)).status == 3
    assert cli("get", "@", "--code").status == 2


def test_tags_and_notes_are_added_and_the_record_stays(two_runs: Any, cli: Any) -> None:
    before = cli("show", "--json", "@").json["record_hash"]
    assert cli("tag", "-a", "good", "-a", "best", "@", "@~1").status == 0
    assert cli("tag", "-d", "baseline", "@~1").out.endswith("good best\n")
    cli("note", "-m", "a thought", "@")
    shown = cli("show", "--json", "@").json
    assert shown["record_hash"] == before
    assert shown["tags"] == ["good", "best"]
    assert cli("tag", "@").status == 2
    assert cli("note", "-m", "  ", "@").status == 2
    two_runs.fsck()


def test_a_run_that_is_named_twice_is_annotated_once(two_runs: Any, cli: Any) -> None:
    commits = lambda: int(two_runs.git("rev-list", "--count", "refs/runref/runs"))  # noqa: E731
    before = commits()
    run_id = cli("show", "--json", "@").json["id"]
    document = cli("note", "--json", "-m", "once", "@", "@", run_id).json
    assert document["runs"] == [run_id]
    assert len(cli("show", "--json", "@").json["notes"]) == 1
    assert cli("tag", "-a", "x", "@", run_id, "@~1").out.count("\n") == 2
    assert commits() == before + 3
    log = two_runs.git("log", "-g", "-1", "--format=%gs", "refs/runref/runs")
    assert log == "runref: annotate 2 runs"


def test_note_opens_an_editor(two_runs: Any, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = two_runs.write("editor.sh", "#!/bin/sh\necho from the editor > $1\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    assert cli("note", "@").status == 0
    assert "from the editor" in cli("show", "@").out


def test_plot_writes_a_picture(two_runs: Any, cli: Any, tmp_path: Path) -> None:
    png, svg = tmp_path / "p.png", tmp_path / "p.svg"
    assert cli("plot", "loss", "-o", str(png)).status == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    cli("plot", "loss", "@", "@~1", "-o", str(svg))
    assert ">digits<" in svg.read_text()  # once, above
    assert ">lr=0.1 " in svg.read_text()
    assert ">lr=0.4 " in svg.read_text()
    cli("plot", "loss", "@", "-o", str(svg))
    assert ">digits " in svg.read_text()
    assert cli("plot", "nope", "-o", str(png)).status == 2
    assert "loss, val/acc" in cli("plot", "nope", "-o", str(png)).err
    assert cli("plot", "loss", "-o", str(tmp_path / "x.gif")).status == 2


def test_recover_records_a_killed_run(repo: Any, cli: Any, validate: Any) -> None:
    program = """
import os, runref
run = runref.init()
run.log({"a": 1})
print(run.id, flush=True)
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repo.path,
        stdout=subprocess.PIPE,
        check=False,
        text=True,
    )
    doctor = cli("doctor")
    assert doctor.status == 1
    assert "1 killed" in doctor.out
    document = cli("recover", "--json").json
    validate("recover", document)
    assert document["recovered"] == [killed.stdout.strip()]
    assert cli("show", "--json", "@").json["status"] == "interrupted"
    assert cli("recover").out == "0 runs recorded\n"
    assert cli("doctor").status == 0


def test_a_long_name_leaves_room_for_what_tells_runs_apart(
    repo: Any, cli: Any, tmp_path: Path
) -> None:
    names = [f"a very long name of a run, number {i}" for i in range(2)]
    log(repo, *(f"({{'name': {n!r}, 'params': {{'lr': {n!r}}}}}, {{'x': 1}})" for n in names))
    svg = tmp_path / "p.svg"
    document = cli("plot", "--json", "x", "-o", str(svg)).json
    assert document["panels"][0]["curves"][0]["label"].startswith(
        "a very lo…number 0 lr=a very long"
    )
    log(
        repo,
        *(
            f"({{'experiment': {'e' * 30!r}, 'params': {{'lr': {i}}}}}, {{'y': 1}})"
            for i in range(2)
        ),
    )
    (panel,) = cli("plot", "--json", "y", "-o", str(svg)).json["panels"]
    labels = [each["label"] for each in panel["curves"]]
    assert [label.split()[0] for label in labels] == ["lr=0", "lr=1"]


def test_a_run_that_waits_for_its_record_is_shown_and_listed(repo: Any, cli: Any) -> None:
    runs = open_project(repo.path, os.environ).runs
    with runs.lock(0):
        done = cli("run", "--json", "--", "echo", "from the program")
        run_id = done.json["id"]
        assert done.json["record_hash"] == ""
        assert cli("show", "--console", run_id).out == "from the program\n"
        started = time.monotonic()
        assert run_id in cli("ls").out
        assert time.monotonic() - started < 4  # `recover` would wait for 5 s
    assert "waits" not in cli("ls").err
    assert cli("show", "--console", "@").out == "from the program\n"


def test_doctor_tells_the_age_of_a_lock(repo: Any, cli: Any) -> None:
    cli("run", "--", "true")
    lock = repo.path / ".git/refs/runref/runs.lock"
    lock.touch()
    fresh = cli("doctor")
    assert fresh.status == 0
    assert "the lock of refs/runref/runs is 0 s old" in fresh.out
    os.utime(lock, (time.time() - 60, time.time() - 60))
    stale = cli("doctor")
    assert stale.status == 1
    assert "BAD  locks" in stale.out
    assert "is 60 s old" in stale.out
    lock.unlink()
    assert "locks        none" in cli("doctor").out


def test_an_input_that_does_not_exist_stops_the_run(repo: Any, cli: Any, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for path in ("dta.csv", str(tmp_path / "dta.csv")):
        done = cli("run", "-i", "train.py", "-i", path, "--", "touch", str(ran))
        assert done.status == 2
        assert f"The input {path} does not exist, so nothing was run." in done.err
    repo.write(".runref.yaml", "inputs: [train.py, pkg/dta.csv]\n")
    done = cli("run", "--json", "--", "touch", str(ran))
    assert (done.status, done.error["code"]) == (2, "invalid-config")
    assert done.error["message"].startswith("the input pkg/dta.csv of ")
    assert not ran.exists()
    repo.write(".runref.yaml", "inputs: [train.py]\n")
    folder = repo.path / "pkg"
    assert cli("run", "-i", "model.py", "--", "touch", str(ran), cwd=folder).status == 0
    assert cli("ls", "--json").json["total"] == 1


def test_doctor_names_bad_settings(repo: Any, cli: Any) -> None:
    repo.write(".runref.yaml", "consle: {}\n")
    done = cli("doctor")
    assert done.status == 2
    assert "consle" in done.err


def test_unexpected_errors_show_their_trace(
    repo: Any, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runref.project.project import Project

    monkeypatch.setattr(Project, "index", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli("ls")
