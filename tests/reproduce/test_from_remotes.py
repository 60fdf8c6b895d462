"""A run comes back on a machine that never saw its data: two clones, and remotes between them."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runref.project.project import open_project
from runref.project.supply import options_for

pytestmark = pytest.mark.slow  # many processes: `make check` is for all day

TRAIN = """\
import os, subprocess, runref
run = runref.init()
size = len(open("data/train.csv").read()) + len(open("data/folder/a").read())
run.log({"size": size, "said": len(subprocess.check_output(["./tool"]))})
open("model.txt", "w").write(f"weights {size}")
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    folder = tmp_path / "lab"
    folder.mkdir()
    return folder


@pytest.fixture
def recorded(repo: Any, cli: Any, lab: Path) -> Any:
    """A repository with a run, whose artifacts were pushed to a folder that it names a remote."""
    repo.write(".gitignore", "data/\ntool\nmodel.txt\n")
    repo.write("train.py", TRAIN)
    repo.write(".runref.yaml", f"remotes: {{lab: {{url: {json.dumps(str(lab))}}}}}\n")
    repo.write("data/train.csv", "1,2,3\n" * 1000)
    repo.write("data/folder/a", "a")
    repo.write("data/folder/empty/b", "")
    repo.write("tool", "#!/bin/sh\necho told\n").chmod(0o755)
    repo.commit("a training")
    words = ["run", "--json", "-o", "model.txt"]
    words += [word for name in ("data/*", "tool") for word in ("-i", name)]
    done = cli(*words, "--", "python", "train.py")
    assert done.status == 0, done.err
    assert [each["path"] for each in done.json["inputs"]] == [
        "data/folder",
        "data/train.csv",
        "tool",
    ]
    assert cli("push", "--artifacts").status == 0
    return repo


@pytest.fixture
def clone(recorded: Any, tmp_path: Path) -> Path:
    """A clone of the repository, to which the records came by git."""
    path = tmp_path / "elsewhere"
    recorded.git("clone", "-q", ".", str(path))
    recorded.git("-C", str(path), "fetch", "-q", "origin", "refs/runref/runs:refs/runref/runs")
    return path


def sources(done: Any) -> list[tuple[str, str, str]]:
    return [(each["path"], each["source"], each["remote"]) for each in done.json["inputs"]]


def test_a_run_is_reproduced_where_its_data_never_was(cli: Any, clone: Path, lab: Path) -> None:
    planned = cli("reproduce", "--dry-run", "--json", "@", cwd=clone)
    assert sources(planned) == [
        ("data/folder", "remote", "lab"),
        ("data/train.csv", "remote", "lab"),
        ("tool", "remote", "lab"),
    ]
    assert planned.json["problems"] == []
    told = cli("reproduce", "--dry-run", "@", cwd=clone).out
    assert "  inputs      0 of 3 at hand by digest, 3 from remote lab\n" in told
    assert stored(clone) == []
    done = cli("reproduce", "--json", "@", cwd=clone)
    assert done.status == 0, done
    assert done.json["verdict"] == "identical"
    assert done.json["outputs"] == [{"path": "model.txt", "result": "identical"}]
    assert not (clone / "data").exists()
    # It is here now: the remote is not needed any more.
    shutil.rmtree(lab)
    again = cli("reproduce", "--json", "@", cwd=clone)
    assert again.json["verdict"] == "identical"
    assert {source for _, source, _ in sources(again)} == {"stored"}


def stored(root: Path) -> list[Path]:
    return [path for path in (root / ".git/runref/artifacts/sha256").rglob("*") if path.is_file()]


def test_without_fetching_the_inputs_are_missing(cli: Any, clone: Path) -> None:
    done = cli("reproduce", "--no-fetch", "--json", "@", cwd=clone)
    assert done.status == 3
    assert done.json["verdict"] == "not-runnable"
    assert "input data/train.csv is missing" in done.json["problems"]
    assert stored(clone) == []


def test_an_input_that_changed_in_the_tree_comes_from_a_remote(cli: Any, clone: Path) -> None:
    (clone / "data").mkdir()
    (clone / "data/train.csv").write_text("other")
    done = cli("reproduce", "--json", "@", cwd=clone)
    assert ("data/train.csv", "remote", "lab") in sources(done)
    assert done.json["verdict"] == "identical"
    assert (clone / "data/train.csv").read_text() == "other"


def test_what_is_nowhere_is_named_with_the_remotes_that_were_asked(
    cli: Any, clone: Path, lab: Path, tmp_path: Path
) -> None:
    nas = {"url": "sftp://127.0.0.1:1/nas", "options": {"known_hosts": str(tmp_path / "none")}}
    settings = {"remotes": {"lab": {"url": str(lab)}, "nas": nas}}
    (clone / ".runref.yaml").write_text(json.dumps(settings))
    for path in lab.rglob("*"):
        if path.is_file() and path.read_bytes().startswith(b"1,2,3"):
            path.unlink()
    done = cli("reproduce", "--dry-run", "--json", "@", cwd=clone)
    (problem,) = done.json["problems"]
    assert problem.startswith(
        "input data/train.csv is missing, also at lab; nas could not be asked"
    )
    assert done.status == 3


def test_the_nearest_remote_is_read_and_the_next_where_it_is_damaged(
    cli: Any, clone: Path, lab: Path, tmp_path: Path
) -> None:
    """A folder of this machine is nearer than a server, whatever the order."""
    near, far = tmp_path / "near", lab
    shutil.copytree(far, near)
    settings = {"remotes": {"far": {"url": str(far)}, "near": {"url": str(near)}}}
    settings["default_remote"] = "near"  # type: ignore[assignment]
    (clone / ".runref.yaml").write_text(json.dumps(settings))
    planned = cli("reproduce", "--dry-run", "--json", "@", cwd=clone)
    assert {remote for _, _, remote in sources(planned)} == {"near"}
    for path in near.rglob("*"):
        if path.is_file() and path.read_bytes().startswith(b"1,2,3"):
            path.chmod(0o644)
            path.write_bytes(b"x,y,z\n" * 1000)
    done = cli("reproduce", "@", cwd=clone)
    assert "verdict     identical" in done.out
    assert "near has other content" in done.err


def test_damage_in_the_local_store_is_mended_from_a_remote(cli: Any, recorded: Any) -> None:
    shutil.rmtree(recorded.path / "data")
    damaged = 0
    for path in stored(recorded.path):
        path.chmod(0o644)
        data = bytearray(path.read_bytes())
        if data:
            data[0] ^= 1
            path.write_bytes(data)
            damaged += 1
    assert damaged > 3
    done = cli("reproduce", "@")
    assert "verdict     identical" in done.out, done
    assert "set aside" in done.err


def test_what_is_left_of_a_directory_is_not_taken_for_all_of_it(cli: Any, clone: Path) -> None:
    """A fetch that was killed leaves manifests without their files."""
    assert cli("pull", "--artifacts", cwd=clone).status == 0
    for path in stored(clone):
        if path.read_bytes() == b"a":
            path.unlink()
    done = cli("reproduce", "--json", "@", cwd=clone)
    assert ("data/folder", "remote", "lab") in sources(done)
    assert done.json["verdict"] == "identical"


def test_an_input_by_reference_is_copied_to_the_checkout_and_not_stored(
    repo: Any, cli: Any
) -> None:
    repo.write(".gitignore", "data/\ntool\n")
    repo.write(".runref.yaml", "artifacts: {reference_over: 3}\n")
    repo.write("train.py", TRAIN)
    repo.write("data/train.csv", "1,2,3\n" * 1000)
    repo.write("data/folder/a", "aaaa")
    repo.write("tool", "#!/bin/sh\necho told\n").chmod(0o755)
    recorded = cli("run", "--json", "-i", "data/*", "-i", "tool", "--", "python", "train.py")
    assert [each["stored"] for each in recorded.json["inputs"]] == [False] * 3
    done = cli("reproduce", "--json", "@")
    assert done.json["verdict"] == "identical", done
    assert {source for _, source, _ in sources(done)} == {"in place"}
    assert stored(repo.path) == []
    (repo.path / "data/train.csv").write_text("other")
    assert cli("reproduce", "--json", "@~1").json["problems"] == [
        "input data/train.csv has changed, and what the run read is not stored here"
    ]


# URLs

READ_URL = """\
import fsspec, json, os, runref
run = runref.init()
options = json.loads(os.environ["OPTIONS"])
with fsspec.open(os.environ["URL"], **options) as file:
    run.log({"size": len(file.read())})
"""


@pytest.fixture
def bucket(repo: Any, seaweedfs: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Puts an object into a bucket whose server the repository knows, and returns its URL."""
    name = seaweedfs.new_bucket()
    options = seaweedfs.options()
    lab = {"url": f"s3://{name}/artifacts", "options": options}
    path = repo.path / ".git/runref/remotes.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"remotes": {"lab": lab}}))
    url = f"s3://{name}/train.csv"
    monkeypatch.setenv("URL", url)
    monkeypatch.setenv("OPTIONS", json.dumps(options))
    repo.write("train.py", READ_URL)

    def put(body: bytes) -> str:
        seaweedfs.client.put_object(Bucket=name, Key="train.csv", Body=body)
        return url

    return put


def test_an_input_at_a_url_is_read_where_it_is_while_it_is_the_same(
    repo: Any, cli: Any, bucket: Callable[..., Any]
) -> None:
    url = bucket(b"1,2,3")
    assert cli("run", "-i", url, "--", "python", "train.py").status == 0
    done = cli("reproduce", "--json", "@")
    assert done.json["verdict"] == "identical", done
    assert sources(done) == [(url, "in place", "")]
    again = cli("show", "--json", "@").json["inputs"]
    assert again == cli("show", "--json", "@~1").json["inputs"]
    bucket(b"4,5,6")
    changed = cli("reproduce", "--json", "@~1")
    (problem,) = changed.json["problems"]
    assert problem.startswith(f"input {url} has changed")
    assert problem.endswith("was not stored")
    assert changed.status == 3


def test_what_was_copied_from_a_url_comes_back(
    repo: Any, cli: Any, bucket: Callable[..., Any], tmp_path: Path
) -> None:
    url = bucket(b"1,2,3")
    assert cli("run", "--copy", "-i", url, "--", "python", "train.py").status == 0
    bucket(b"4,5,6")
    (problem,) = cli("reproduce", "--json", "@").json["problems"]
    assert "`runref get" in problem
    assert cli("get", "@", url, "-o", str(tmp_path / "got")).status == 0
    assert (tmp_path / "got/train.csv").read_bytes() == b"1,2,3"


def test_options_are_those_of_the_remote_on_the_same_server(
    repo: Any, bucket: Callable[..., Any], seaweedfs: Any
) -> None:
    url = bucket(b"1")
    options = functools.partial(options_for, open_project(repo.path, {}))
    assert options(url) == options(url.replace("s3://", "s3://who:what@")) == seaweedfs.options()
    assert options("s3://another-bucket/train.csv") == {}
    assert options(url.replace("s3://", "gs://")) == {}
