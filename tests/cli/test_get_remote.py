"""`runref get` where the content is elsewhere, and where its place here is taken."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from runref.cli.commands.get import places
from runref.model.record import DataFile

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

WRITE = """\
import pathlib
for name in ("model.bin", "ckpt/1.pt", "ckpt/sub/2.pt", "ckpt/empty/3.pt"):
    pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(name).write_text(name)
pathlib.Path("ckpt/empty/3.pt").unlink()
tool = pathlib.Path("tool")
tool.write_text("#!/bin/sh")
tool.chmod(0o755)
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    folder = tmp_path / "lab"
    folder.mkdir()
    return folder


@pytest.fixture
def pushed(repo: Any, cli: Any, lab: Path) -> Any:
    """A repository with a run whose outputs are at a remote and nowhere else."""
    repo.write(".gitignore", "*.bin\nckpt/\ntool\n")
    repo.write("train.py", WRITE)
    repo.write(".runref.yaml", f"remotes: {{lab: {{url: {json.dumps(str(lab))}}}}}\n")
    outputs = [word for name in ("model.bin", "ckpt", "tool") for word in ("-o", name)]
    assert cli("run", *outputs, "--", "python", "train.py").status == 0
    assert cli("push", "--artifacts").status == 0
    shutil.rmtree(repo.path / ".git/runref/artifacts")
    for name in ("model.bin", "tool"):
        (repo.path / name).unlink()
    shutil.rmtree(repo.path / "ckpt")
    return repo


def found(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_outputs_come_from_a_remote(pushed: Any, cli: Any) -> None:
    done = cli("get", "--json", "@")
    assert done.status == 0, done.err
    assert (pushed.path / "model.bin").read_text() == "model.bin"
    assert found(pushed.path / "ckpt") == ["1.pt", "sub/2.pt"]
    assert (pushed.path / "ckpt/empty").is_dir()
    assert os.access(pushed.path / "tool", os.X_OK)
    assert not os.access(pushed.path / "model.bin", os.X_OK)


def test_nothing_is_asked_where_nothing_is_to_be(pushed: Any, cli: Any, tmp_path: Path) -> None:
    done = cli("get", "--json", "--no-fetch", "@", "-o", str(tmp_path / "got"))
    assert (done.status, done.error["code"]) == (3, "artifact-missing")
    assert "no remote was asked" in done.error["message"]
    assert "lab" in done.error["hint"]
    assert not (tmp_path / "got").exists()


def test_what_is_nowhere_is_named_with_where_it_was_looked_for(
    pushed: Any, cli: Any, lab: Path, tmp_path: Path
) -> None:
    shutil.rmtree(lab / "sha256")
    done = cli("get", "--json", "@", "model.bin", "ckpt", "-o", str(tmp_path / "got"))
    assert (done.status, done.error["code"]) == (3, "artifact-missing")
    assert "model.bin" in done.error["message"]
    assert "ckpt" in done.error["message"]
    assert "lab does not have it" in done.error["message"]
    assert "runref push --artifacts" in done.error["hint"]
    (pushed.path / ".runref.yaml").unlink()
    done = cli("get", "--json", "@", "-o", str(tmp_path / "got"))
    assert "no remote to ask" in done.error["message"]
    assert "runref remote add" in done.error["hint"]
    assert not (tmp_path / "got").exists()


def test_a_remote_that_could_not_be_asked_says_what_helps(pushed: Any, cli: Any) -> None:
    pushed.write(".runref.yaml", "remotes: {lab: {url: s3://b/x, options: {secret: hunter2}}}\n")
    done = cli("get", "--json", "@", "model.bin")
    assert (done.status, done.error["code"]) == (3, "artifact-missing")
    assert "lab could not be asked" in done.error["message"]
    assert "remote add --local lab" in done.error["hint"]
    assert "hunter2" not in done.err


def test_damage_here_is_set_aside_and_mended(pushed: Any, cli: Any, tmp_path: Path) -> None:
    assert cli("pull", "--artifacts").status == 0
    store = pushed.path / ".git/runref/artifacts"
    (damaged,) = [
        path
        for path in (store / "sha256").rglob("*")
        if path.is_file() and path.read_bytes() == b"ckpt/sub/2.pt"
    ]
    damaged.chmod(0o644)
    damaged.write_text("ckpt/sub/3.pt")
    done = cli("get", "@", "-o", str(tmp_path / "got"))
    assert done.status == 0, done.err
    assert (tmp_path / "got/ckpt/sub/2.pt").read_text() == "ckpt/sub/2.pt"
    assert "set aside" in done.err
    assert [path.read_text() for path in (store / "damaged").iterdir()] == ["ckpt/sub/3.pt"]


def test_damage_without_a_remote_stays_an_error(pushed: Any, cli: Any, tmp_path: Path) -> None:
    assert cli("pull", "--artifacts").status == 0
    (pushed.path / ".runref.yaml").unlink()
    for path in (pushed.path / ".git/runref/artifacts/sha256").rglob("*"):
        if path.is_file() and path.read_bytes() == b"model.bin":
            path.chmod(0o644)
            path.write_text("modem.bin")
    done = cli("get", "--json", "@", "model.bin", "-o", str(tmp_path / "got"))
    assert (done.status, done.error["code"]) == (1, "artifact-damaged")


def test_a_place_that_is_taken_is_found_out_before_anything_is_fetched(
    pushed: Any, cli: Any
) -> None:
    pushed.write("model.bin", "mine")
    done = cli("get", "--json", "@")
    assert done.error["code"] == "target-exists"
    assert not (pushed.path / ".git/runref/artifacts/sha256").exists()
    assert (pushed.path / "model.bin").read_text() == "mine"


def test_nothing_is_written_through_a_link_out_of_the_tree(
    pushed: Any, cli: Any, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (pushed.path / "ckpt").symlink_to(outside)
    pushed.write("train.py", WRITE)
    assert cli("run", "-o", "ckpt/1.pt", "--", "python", "train.py").status == 0
    (outside / "1.pt").unlink()
    for words in ((), ("-f",), ("-o", ".")):
        done = cli("get", "--json", "@", "ckpt/1.pt", *words)
        assert (done.status, done.error["code"]) == (3, "target-unwritable"), words
        assert not (outside / "1.pt").exists()
    assert cli("get", "@", "ckpt/1.pt", "-o", str(tmp_path / "got")).status == 0
    assert (tmp_path / "got/ckpt/1.pt").read_text() == "ckpt/1.pt"


def test_a_link_to_a_file_is_replaced_and_not_written_through(
    pushed: Any, cli: Any, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (pushed.path / "model.bin").symlink_to(mine)
    assert cli("get", "-f", "@", "model.bin").status == 0
    assert mine.read_text() == "mine"
    assert not (pushed.path / "model.bin").is_symlink()


def test_outputs_of_one_name_from_outside_do_not_collide(
    repo: Any, cli: Any, tmp_path: Path
) -> None:
    folders = [tmp_path / "scratch" / name for name in ("a", "b")]
    program = "import pathlib, sys\nfor each in sys.argv[1:]: pathlib.Path(each).write_text(each)"
    files = [str(folder / "model.pkl") for folder in folders]
    for folder in folders:
        folder.mkdir(parents=True)
    outputs = [word for file in files for word in ("-o", file)]
    assert cli("run", *outputs, "--", "python", "-c", program, *files).status == 0
    assert cli("get", "@", "-o", str(tmp_path / "got")).status == 0
    assert found(tmp_path / "got") == ["a/model.pkl", "b/model.pkl"]
    assert (tmp_path / "got/b/model.pkl").read_text() == files[1]
    assert cli("get", "@", files[0], "-o", str(tmp_path / "one")).status == 0
    assert found(tmp_path / "one") == ["model.pkl"]


def test_a_directory_and_what_it_holds_are_written_once(pushed: Any, cli: Any) -> None:
    words = [word for name in ("ckpt/**", "model.bin") for word in ("-o", name)]
    done = cli("run", "--json", *words, "--", "python", "train.py")
    paths = [each["path"] for each in done.json["outputs"]]
    assert {"ckpt", "ckpt/1.pt", "ckpt/sub", "ckpt/empty"} <= set(paths)
    shutil.rmtree(pushed.path / "ckpt")
    (pushed.path / "model.bin").unlink()
    done = cli("get", "--json", "@")
    assert done.status == 0, done.err
    assert done.err == ""
    assert found(pushed.path / "ckpt") == ["1.pt", "sub/2.pt"]


def test_what_a_directory_has_otherwise_is_told(repo: Any, cli: Any, tmp_path: Path) -> None:
    program = """
import pathlib, runref
run = runref.init()
best = pathlib.Path("ckpt/best.pt")
best.parent.mkdir()
best.write_text("early")
run.log_output(best)
best.write_text("late")
run.log_output("ckpt")
"""
    repo.write(".gitignore", "ckpt\n")
    assert cli("run", "--", "python", "-c", program).status == 0
    done = cli("get", "@", "-o", str(tmp_path / "all"))
    assert done.status == 0
    assert "ckpt/best.pt was recorded with other content" in done.err
    assert (tmp_path / "all/ckpt/best.pt").read_text() == "late"
    assert cli("get", "@", "ckpt/best.pt", "-o", str(tmp_path / "best")).status == 0
    assert (tmp_path / "best/ckpt/best.pt").read_text() == "early"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/a/m", "/b/m"], ["a/m", "b/m"]),
        (["/a/x/m", "/b/x/m", "/c/n"], ["a/x/m", "b/x/m", "n"]),
        (["m", "/a/m"], ["m", "a/m"]),
        (["d/m", "/d"], ["d/m", "d"]),
        (["d/m", "/x/d"], ["d/m", "x/d"]),
        (["s3://b/m.csv"], ["m.csv"]),
        (["s3://a/m", "s3://b/m", "gs://b/m"], ["a/m", "s3/b/m", "gs/b/m"]),
        (["s3://bucket/data/"], ["data"]),
        (["../../etc/m"], ["m"]),
    ],
)
def test_places(paths: list[str], expected: list[str]) -> None:
    files = [DataFile(path, "file", f"sha256:{n:064}", 1) for n, path in enumerate(paths)]
    assert [place.as_posix() for place in places(files, Path())] == expected


def test_show_says_which_choice_was_made(repo: Any, cli: Any) -> None:
    repo.write(".runref.yaml", "artifacts: {reference_over: 10 KiB}\n")
    repo.write("large", "x" * 20_000)
    repo.write("small", "x")
    inputs = [word for name in ("large", "small") for word in ("-i", name)]
    cli("run", *inputs, "-i", "http://127.0.0.1:1/a.csv", "--", "true")
    lines = {line.split()[0]: line for line in cli("show", "@").out.splitlines() if line.strip()}
    assert lines["large"].endswith(", by reference, over 10.0 KiB")
    assert lines["small"].endswith(", copy")
    assert ", not recorded, " in lines["http://127.0.0.1:1/a.csv"]
    large, small, url = cli("show", "--json", "@").json["inputs"]
    assert (large["stored"], large["reference_over"]) == (False, 10 * 1024)
    assert (small["stored"], small["reference_over"]) == (True, None)
    assert (url["stored"], url["problem"] != "") == (False, True)
