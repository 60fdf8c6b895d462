"""`runref diff` on real runs: what differs, what is the same, and what cannot be told."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

TRAIN = """\
import json, os
import runref
settings = json.load(open("outsettings"))
values = settings.get("loss", [1.0, 0.5])
with runref.init(params=settings.get("params", {})) as run:
    for step, value in enumerate(values):
        run.log({"loss": float(value)}, step=step * 10)
    run.summary.update(settings.get("summary", {}))
    for path, text in settings.get("files", {}).items():
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        open(path, "wb").write(text.encode("latin-1"))
    for path in settings.get("outputs", settings.get("files", {})):
        run.log_output(path)
"""


@pytest.fixture
def lab(repo: Any, cli: Any) -> Any:
    """A repository whose runs do what they are told in JSON; their outputs are no code."""
    repo.write("train.py", TRAIN)
    repo.write(".gitignore", "out*\n")
    repo.commit("a training")
    return repo


@pytest.fixture
def record(lab: Any, cli: Any) -> Any:
    """Record a run; the command line is the same for all, so that it is no difference."""

    def call(**settings: Any) -> None:
        lab.write("outsettings", json.dumps(settings))
        done = cli("run", "--", "python", "train.py")
        assert done.status == 0, done.err

    return call


@pytest.mark.slow
def test_equal_runs_at_other_times_do_not_differ(record: Any, cli: Any) -> None:
    for _ in range(3):
        record(params={"lr": 0.1}, files={"out.txt": "a"}, loss=["nan", 1])
    for argv in (("@", "@"), ("@~1", "@")):
        done = cli("diff", *argv)
        assert (done.status, done.out.splitlines()[0]) == (0, "no difference")
    assert cli("diff", "@~1", "@", "--code").out == ""
    assert cli("diff", "@~1", "@", "--stat").status == 0
    table = cli("diff", "@~2", "@~1", "@")
    assert table.status == 0
    assert "loss" not in table.out
    assert cli("diff", "@~1", "@", "--markdown").out.splitlines()[2] == "No difference."


@pytest.mark.slow
def test_types_digits_and_long_values(record: Any, cli: Any) -> None:
    record(params={"a": 0.1, "b": 1, "c": 0.123456781, "d": "x" * 300, "e": [0.1], "f": None})
    record(params={"a": "0.1", "b": True, "c": 0.123456782, "d": "x" * 250 + "y" * 50, "e": 0.1})
    done = cli("diff", "@~1", "@")
    for line in (
        '~ a  0.1 (number) → "0.1" (text)',
        "~ b  1 (number) → true (boolean)",
        "~ c  0.123456781 → 0.123456782",
        "~ e  [0.1] (list) → 0.1 (number)",
        "- f  none",
    ):
        assert f"  {line}\n" in done.out
    (long,) = [line for line in done.out.splitlines() if line.startswith("  ~ d  ")]
    assert len(long) < 250
    assert "…" in long
    left, right = long.removeprefix("  ~ d  ").split(" → ")
    assert left != right


@pytest.mark.slow
def test_curves_part_end_and_come_to_the_same(record: Any, cli: Any, validate: Any) -> None:
    record(loss=[3, 2, 1, "nan", 4])
    record(loss=[3, 2, 0.5, "nan", 4])
    record(loss=[3, 2])
    changed = cli("diff", "@~2", "@~1")
    assert changed.status == 1
    assert "  ~ loss  last 4 on both sides, min 1 → 0.5, parts at step 20\n" in changed.out
    shorter = cli("diff", "@~1", "@").out
    assert "  ~ loss  4 → 2  (-2), min 0.5 → 2, max 4 → 3, the right one ends at step 10" in shorter
    document = cli("diff", "@", "@~1", "--json").json
    validate("diff", document)
    (metric,) = document["metrics"]
    assert metric["parting"] == {
        "step": 20,
        "equal": 2,
        "left": None,
        "right": 0.5,
        "ended": "left",
        "last_step": 10,
    }
    assert metric["right_summary"]["min"] == 0.5


@pytest.mark.slow
def test_inside_outputs(record: Any, cli: Any, validate: Any) -> None:
    record(
        files={
            "out.json": '{"a": {"b": 1, "c": [1, 2]}}',
            "out.csv": "id,v\n1,2\n2,3\n",
            "out.txt": "one\ntwo\n",
            "out.bin": "\0a",
            "outdir/kept": "k",
            "outdir/old": "o",
        },
        outputs=["out.json", "out.csv", "out.txt", "out.bin", "outdir"],
    )
    Path("outdir/old").unlink()
    record(
        files={
            "out.json": '{"a": {"b": 2, "c": [1, 2]}}',
            "out.csv": "id,v\n1,2\n2,4\n3,5\n",
            "out.txt": "one\n2\n\x1b[31m\n",
            "out.bin": "\0b",
            "outdir/kept": "k",
            "outdir/new": "n",
        },
        outputs=["out.json", "out.csv", "out.txt", "out.bin", "outdir"],
    )
    done = cli("diff", "@~1", "@")
    for expected in (
        "json: 1 path changed\n      ~ a.b  1 → 2\n",
        "csv: 1 row changed in 1 cell, 1 row added\n      ~ row 2, v  3 → 4\n      + row 3  3, 5\n",
        "text: 2 lines added, 1 line removed\n      - line 2  two\n      + line 2  2\n",
        "+ line 3  \\x1b[31m\n",
        "      binary\n",
        "directory: 1 file added, 1 file removed\n",
    ):
        assert expected in done.out
    document = cli("diff", "@~1", "@", "--json").json
    validate("diff", document)
    insides = {each["name"]: each["inside"]["kind"] for each in document["outputs"]}
    assert insides == {
        "out.json": "json",
        "out.csv": "csv",
        "out.txt": "text",
        "out.bin": "bytes",
        "outdir": "directory",
    }


@pytest.mark.slow
def test_what_is_not_here_or_damaged_is_said(lab: Any, record: Any, cli: Any) -> None:
    record(files={"out.txt": "a", "out2.txt": "c"})
    record(files={"out.txt": "b", "out2.txt": "d"})
    store = lab.path / ".git" / "runref" / "artifacts" / "sha256"
    outputs = {each["path"]: each for each in cli("show", "@", "--json").json["outputs"]}
    first, second = (
        store / d[7:9] / d[9:] for d in (outputs[p]["digest"] for p in sorted(outputs))
    )
    first.unlink()
    second.chmod(0o644)
    second.write_text("e")
    done = cli("diff", "@~1", "@")
    assert done.status == 1
    assert "      content of the right run is not in the local store\n" in done.out
    assert "is damaged in the local store\n" in done.out


@pytest.mark.slow
def test_large_outputs_are_not_looked_into(lab: Any, cli: Any) -> None:
    for last in ("a", "b"):
        code = f"f = open('out', 'wb'); f.truncate(2_100_000_000); f.seek(0, 2); f.write(b'{last}')"
        lab.write("large.py", code)
        cli("run", "-o", "out", "--", "python", "large.py")
    assert "      over 16 MiB: not looked into\n" in cli("diff", "@~1", "@").out


@pytest.mark.slow
def test_the_patch_is_what_git_applies(lab: Any, record: Any, cli: Any, process: Any) -> None:
    lab.write("gone.py", "gone\n")
    lab.write("tool.sh", "echo\n")
    lab.write("with space/caf\u00e9.txt", b"caf\xe9\r\nno newline")
    lab.write("picture", b"\0\1\2")
    (lab.path / "link").symlink_to("gone.py")
    record()
    (lab.path / "gone.py").unlink()
    (lab.path / "tool.sh").chmod(0o755)
    lab.write("with space/caf\u00e9.txt", b"caf\xe8\r\nnow one\n")
    lab.write("picture", b"\0\1\3")
    (lab.path / "link").unlink()
    lab.write("link", "a file now\n")
    record()
    trees = [cli("show", run, "--json").json["code"]["tree"] for run in ("@~1", "@")]
    done = subprocess.run(
        ["python", "-m", "runref", "diff", "@~1", "@", "--code", "--binary"],
        cwd=lab.path,
        env={**os.environ, "PATH": str(Path(os.environ["PATH"].split(os.pathsep)[0]))},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout
    assert b"-caf\xe9\r\n" in done.stdout
    lab.git("read-tree", trees[0])
    lab.git("apply", "--cached", "--whitespace=nowarn", input=done.stdout)
    assert lab.git("write-tree") == trees[1]
    plain = process("diff", "@~1", "@", "--code").stdout
    assert "Binary files a/picture and b/picture differ\n" in plain
    assert "deleted file mode 120000" in plain
    assert "old mode 100644\nnew mode 100755\n" in plain
    theirs = lab.git("diff", "--no-renames", "--abbrev=7", *trees)
    assert done.stdout.count(b"diff --git") == theirs.count("diff --git")


@pytest.mark.slow
def test_colour_paths_and_counts_of_code(lab: Any, record: Any, cli: Any) -> None:
    lab.write("src/a.py", "one\ntwo\n")
    lab.write("src/b.py", "b\n")
    record()
    lab.write("src/a.py", "one\n\x1b[31m2\n3\u009b0m\n")
    lab.write("src/b.py", "c\n")
    lab.write("src.txt", "new\n")
    record()
    coloured = cli("diff", "@~1", "@", "--code", "--color", "--", "src/a.py")
    assert "\x1b[32m+^[[31m2\x1b[m\n" in coloured.out
    assert "\x1b[32m+3<U+009B>0m\x1b[m\n" in coloured.out
    assert "b.py" not in coloured.out
    plain = cli("diff", "@~1", "@", "--code")
    assert "+\x1b[31m2\n" in plain.out
    assert [line for line in plain.out.splitlines() if line.startswith("diff")] == [
        "diff --git a/src.txt b/src.txt",
        "diff --git a/src/a.py b/src/a.py",
        "diff --git a/src/b.py b/src/b.py",
    ]
    below = cli("diff", "@~1", "@", "--code", "--", "a.py", cwd=lab.path / "src")
    assert below.out == cli("diff", "@~1", "@", "--code", "--", "src/a.py").out != ""
    assert cli("diff", "@~1", "@", "--code", "--", "nothing").status == 0
    assert cli("diff", "@~1", "@", "--stat").out == (
        " src.txt  | 1 +\n src/a.py | 3 ++-\n src/b.py | 2 +-\n"
        " 3 files changed, 4 lines added, 2 lines removed\n"
    )
    assert "code:\n  + src.txt  +1\n  ~ src/a.py  +2 -1\n" in cli("diff", "@~1", "@").out


@pytest.mark.slow
def test_a_table_of_what_varies(lab: Any, record: Any, cli: Any, validate: Any) -> None:
    record(params={"lr": 0.1, "same": 1, "n": None}, loss=[2, 1])
    lab.write("new.py", "x")
    record(params={"lr": "0.1", "same": 1}, loss=[2, 1], summary={"best": 3})
    record(params={"lr": 0.2, "same": 1, "n": None}, loss=[2, 1.5])
    done = cli("diff", "@~2", "@~1", "@")
    assert done.status == 1
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0][:2] == ["section", "what"]
    rows = {tuple(line[:2]): line[2:] for line in lines}
    assert rows["parameters", "lr"] == ["0.1", "(number)", "0.1", "(text)", "0.2", "(number)"]
    assert rows["summary", "best"] == ["—", "3", "—"]
    assert rows["code", "new.py"][0] == "—"
    assert rows["metrics", "loss"] == ["1", "1", "1.5"]
    assert "loss parts at step  —" in done.out
    assert "same" not in done.out
    document = cli("diff", "@~2", "@~1", "@", "--json").json
    validate("diff", document)
    values = {row["name"]: row["values"] for row in document["varying"]}
    assert values["n"] == [{"value": None}, None, {"value": None}]
    assert values["loss parts at step"] == [None, None, {"value": 10}]
    table = cli("diff", "@~2", "@~1", "@", "--markdown").out
    assert "| summary | best | — | 3 | — |\n" in table


@pytest.mark.slow
def test_markdown_holds_whatever_names_hold(record: Any, cli: Any) -> None:
    record(params={"a|b\n`c`": "<b>\u202e", "lr": 1}, loss=[1])
    record(params={"a|b\n`c`": "*x*", "lr": 2}, loss=[2])
    done = cli("diff", "@~1", "@", "--markdown")
    assert "| a\\|b\\\\n\\`c\\` | \\<b\\>\\\\u202e | \\*x\\* |\n" in done.out
    assert "| loss | 1 | 2 | +1, min 1 → 2, max 1 → 2, parts at step 0 |\n" in done.out


@pytest.mark.slow
def test_damage_is_named_and_the_rest_is_compared(lab: Any, record: Any, cli: Any) -> None:
    lab.write("b.py", "one\n")
    record(params={"lr": 1})
    lab.write("b.py", "two\n")
    record(params={"lr": 1})
    tree = cli("show", "@", "--json").json["code"]["tree"]
    blob = lab.git("rev-parse", f"{tree}:b.py")
    remove_object(lab, blob)
    done = cli("diff", "@~1", "@")
    assert done.status == 1
    assert f"~ b.py  object {blob} is not in the repository" in done.out
    patch = cli("diff", "@~1", "@", "--code")
    assert patch.status == 3
    assert "not in the patch: b.py" in patch.err
    remove_object(lab, tree)
    done = cli("diff", "@~1", "@")
    assert done.status == 3
    assert done.out.startswith("no difference in what was compared\n")
    assert f"! code: snapshots: object {tree} is not in the repository\n" in done.out
    several = cli("diff", "@~1", "@", "@")
    assert several.status == 3
    assert several.out.startswith("nothing varies in what was compared\n")
    assert tree in several.out


def remove_object(repo: Any, oid: str) -> None:
    """Remove an object, whether it is loose or in a pack."""
    objects = repo.path / ".git" / "objects"
    for pack in objects.glob("pack/*.pack"):
        moved = pack.rename(repo.path / ".git" / pack.name)
        for beside in objects.glob(f"pack/{pack.stem}.*"):
            beside.unlink()
        repo.git("unpack-objects", "-q", input=moved.read_bytes())
    loose = objects / oid[:2] / oid[2:]
    loose.chmod(0o644)
    loose.unlink()


def test_what_was_asked_wrongly(record: Any, cli: Any) -> None:
    record()
    for argv in (
        ("@",),
        ("@", "@", "@", "--code"),
        ("@", "@", "--json", "--markdown"),
        ("@", "@", "--json", "--stat"),
        ("@", "@", "--binary"),
        ("@", "@", "--", "src"),
        ("@", "nope"),
    ):
        assert cli("diff", *argv).status == 2, argv


@pytest.mark.slow
def test_a_damaged_series_is_named_and_the_summaries_are_compared(
    lab: Any, record: Any, cli: Any
) -> None:
    record(loss=[2, 1])
    record(loss=[3, 1])
    tree = cli("show", "@", "--json").json["record_hash"]
    blob = lab.git("rev-parse", f"{tree}:metrics.jsonl")
    remove_object(lab, blob)
    done = cli("diff", "@~1", "@")
    assert done.status == 1
    assert "  ~ loss  last 1 on both sides, max 2 → 3\n" in done.out
    run_id = cli("show", "@", "--json").json["id"]
    assert f"  ! metrics: run {run_id}: object {blob} is not in the repository\n" in done.out
    table = cli("diff", "@~1", "@", "@")
    assert blob in table.out


@pytest.mark.slow
def test_a_run_without_an_end_has_nothing_to_compare(lab: Any, record: Any, cli: Any) -> None:
    record()
    lab.write(
        "live.py",
        "import subprocess, sys, runref\nrun = runref.init()\n"
        "argv = [sys.executable, '-m', 'runref', 'diff', '--json', '@', run.id]\n"
        "done = subprocess.run(argv, capture_output=True, text=True)\n"
        "open('outlive', 'w').write(f'{done.returncode} {done.stderr}')\n",
    )
    assert cli("run", "--", "python", "live.py").status == 0
    said = (lab.path / "outlive").read_text()
    assert said.startswith("2 ")
    assert '"code": "still-running"' in said


@pytest.mark.slow
def test_names_from_anyone_do_not_reach_the_terminal(record: Any, cli: Any) -> None:
    name = "out\x1b[31m\n\U0001f600"
    record(params={name: "\x1b]0;t\x07"}, summary={name: 1}, files={name: "\x1b[0m"})
    record(params={name: "\x1b[2J"}, summary={name: 2}, files={name: "\x1b[1m"})
    record()
    for argv in (
        ("@~2", "@~1"),
        ("@~2", "@~1", "@"),
        ("@~2", "@~1", "--markdown"),
        ("@~2", "@~1", "@", "--markdown"),
        ("@~2", "@~1", "--json"),
    ):
        done = cli("diff", *argv)
        assert done.status == 1
        assert "\x1b" not in done.out
    assert "out\\x1b[31m\\n\U0001f600" in cli("diff", "@~2", "@~1").out


def test_runs_of_one_table_that_begin_alike_keep_whole_names() -> None:
    from runref.cli.difference.several import heads_of

    alike = ["20261121-4f1c9b2e7a3d", "20261121-4f1c9b2e7a3e", "20261122-4f1c9b2e7a3d"]
    assert heads_of(alike) == alike
    assert heads_of(alike[:1]) == ["4f1c9b2e"]
