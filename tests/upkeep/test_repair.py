"""``runref fsck --repair`` brings back what another place has, and changes nothing else."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.upkeep.history import History, flip

from runref.git.repository import Repository

pytestmark = pytest.mark.slow  # `make check` is for all day

Paths = dict[str, bytes]


def state(history: History) -> Paths:
    """Everything that a repair must not change: refs, index, files, and what git says of them."""
    kept = {}
    for path in sorted(history.path.rglob("*")):
        inside = path.relative_to(history.path).as_posix()
        if path.is_file() and not inside.startswith((".git/objects/", ".git/runref/")):
            kept[inside] = path.read_bytes()
    return kept


def tree_objects(history: History) -> list[str]:
    """Every object that the runs ref names, in git's own words."""
    done = subprocess.run(
        ["git", "rev-list", "--objects", "refs/runref/runs"],
        cwd=history.path,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().splitlines()


@pytest.fixture
def clone(history: History, tmp_path: Path) -> Path:
    """Another clone that has everything."""
    shutil.copytree(history.path, tmp_path / "clone")
    return tmp_path / "clone"


@pytest.fixture
def team(history: History, repo: Any, tmp_path: Path) -> Path:
    """A git remote that has the history, and nothing of the artifacts."""
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "team.git")], check=True)
    repo.git("remote", "add", "origin", "../team.git")
    repo.git("push", "-q", "origin", "refs/runref/runs")
    return tmp_path / "team.git"


def lose_all(history: History, run_id: str) -> list[str]:
    """Lose a commit, folders, a record, and files of the snapshot; return their names."""
    tip = history.runs.tip()
    run = history.stored(run_id)
    entries = history.entries(run.tree)
    train = history.entries(entries["code"].oid)["train.py"].oid
    root = history.repository.objects.read_commit(tip).tree
    lost = [tip, root, run.tree, entries["run.yaml"].oid, entries["code"].oid]
    for oid in lost:
        history.loose(oid).unlink()
    flip(history.loose(train))
    return [*lost, train]


def test_objects_come_back_from_another_clone(
    history: History, run_id: str, clone: Path, cli: Any
) -> None:
    before, named = state(history), tree_objects(history)
    lost = lose_all(history, run_id)
    done = cli("fsck", "--repair", "--from", str(clone), "--json")
    assert done.status == 0, done.out + done.err
    assert sorted(done.json["repaired"]["objects"]) == sorted(lost)
    assert done.json["damage"] == []
    assert (state(history), tree_objects(history)) == (before, named)
    kept = [path.name for path in (history.git_dir / "runref" / "damaged").iterdir()]
    assert kept == [lost[-1]]  # what was there and damaged has another name


def test_objects_come_back_from_a_git_remote(
    history: History, run_id: str, team: Path, repo: Any, cli: Any
) -> None:
    before, named = state(history), tree_objects(history)
    lost = lose_all(history, run_id)
    done = cli("fsck", "--repair", "--json")
    assert done.status == 0, done.out + done.err
    assert sorted(done.json["repaired"]["objects"]) == sorted(lost)
    assert (state(history), tree_objects(history)) == (before, named)
    assert list((history.git_dir / "runref" / "incoming").iterdir()) == []
    repo.fsck()


def test_damaged_packs_are_made_good(
    history: History, run_id: str, team: Path, repo: Any, cli: Any
) -> None:
    repo.git("gc", "-q", "--prune=now")
    named = tree_objects(history)
    (pack,) = (history.git_dir / "objects" / "pack").glob("*.pack")
    for place in range(40, pack.stat().st_size - 40, 97):
        flip(pack, place)
    before = state(history)
    assert cli("fsck").status == 1
    done = cli("fsck", "--repair", "--json")
    assert done.status == 0, done.out + done.err
    assert len(done.json["repaired"]["objects"]) > 5
    assert state(history) == before
    assert tree_objects(history) == named  # git reads what was written beside the pack


@pytest.mark.slow
def test_any_flipped_byte_of_a_pack_is_named_and_mended(
    history: History, run_id: str, team: Path, repo: Any, cli: Any
) -> None:
    repo.git("gc", "-q", "--prune=now")
    folder = history.git_dir / "objects" / "pack"
    (pack,), (index,) = folder.glob("*.pack"), folder.glob("*.idx")
    for file in (pack, index):
        data = file.read_bytes()
        for place in range(0, len(data), max(1, len(data) // 80)):
            flip(file, place)
            found = cli("fsck", "--json")
            assert found.status in (0, 1), found.err  # a byte may be one that nobody needs
            done = cli("fsck", "--repair", "--json")
            assert done.status == 0, (file.suffix, place, done.out, done.err)
            file.chmod(0o644)
            file.write_bytes(data)


def digests(history: History, run_id: str) -> dict[str, str]:
    return {each["path"]: each["digest"] for each in history.document(run_id)["outputs"]}


ONE = "sha256:" + hashlib.sha256(b"one").hexdigest()


@pytest.mark.parametrize("source", ["remote", "clone"])
def test_artifacts_come_back_here(
    history: History, run_id: str, clone: Path, cli: Any, tmp_path: Path, source: str
) -> None:
    arguments = ["--from", str(clone)]
    if source == "remote":
        arguments = []
        cli("remote", "add", "lab", str(tmp_path / "lab"))
        assert cli("push", "--artifacts", "--remote", "lab").status == 0
    before = state(history)
    held = digests(history, run_id)
    model, manifest, one = map(history.artifact, (held["model.bin"], held["made"], ONE))
    whole = model.read_bytes()
    flip(model)
    flipped = model.read_bytes()
    manifest.unlink()
    one.unlink()  # and nobody knows of it before the manifest is back
    done = cli("fsck", "--repair", "--json", *arguments)
    assert done.status == 0, done.out + done.err
    assert sorted(done.json["repaired"]["artifacts"]) == sorted(
        [held["model.bin"], held["made"], ONE]
    )
    assert model.read_bytes() == whole
    assert state(history) == before
    store = history.git_dir / "runref" / "artifacts"
    (aside,) = (store / "damaged").iterdir()
    assert aside.read_bytes() == flipped
    assert not (store / "mending").exists()


def test_what_nobody_has_whole_stays_as_it_is_and_named(
    history: History, run_id: str, clone: Path, cli: Any, tmp_path: Path
) -> None:
    cli("remote", "add", "lab", str(tmp_path / "lab"))
    assert cli("push", "--artifacts").status == 0
    held = digests(history, run_id)
    model = history.artifact(held["model.bin"])
    console = history.entries(history.stored(run_id).tree)["console.log"].oid
    for path in (model, History(clone).artifact(held["model.bin"]), _at(tmp_path / "lab", held)):
        flip(path)
    for each in (history, History(clone)):
        flip(each.loose(console))
    files = {path: path.read_bytes() for path in (model, history.loose(console))}
    done = cli("fsck", "--repair", "--from", str(clone), "--json")
    assert done.status == 1
    assert {(each["kind"], each["object"]) for each in done.json["damage"]} == {
        ("object-damaged", console),
        ("artifact-damaged", held["model.bin"]),
    }
    assert done.json["repaired"]["objects"] == done.json["repaired"]["artifacts"] == []
    problems = " ".join(done.json["repaired"]["problems"])
    assert console in problems
    assert f"lab has something else in the place of {held['model.bin']}" in problems
    assert {path: path.read_bytes() for path in files} == files


def _at(remote: Path, held: dict[str, str]) -> Path:
    digits = held["model.bin"].removeprefix("sha256:")
    return remote / "sha256" / digits[:2] / digits[2:]


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_remotes_get_back_what_they_lost(
    history: History, run_id: str, cli: Any, tmp_path: Path, kind: str, request: Any
) -> None:
    url, options = str(tmp_path / "lab"), []
    if kind == "s3":
        server = request.getfixturevalue("seaweedfs")
        url = server.remote_url(server.new_bucket(), "lab")
        options = [f"--option={name}={value}" for name, value in server.options().items()]
    assert cli("remote", "add", "--local", "lab", url, *options).status == 0
    assert cli("push", "--artifacts").status == 0
    from runref.project.project import open_project

    (remote,) = open_project(history.path, os.environ).remotes.all
    store = remote.connect()
    held = digests(history, run_id)
    store.delete([held["made"], ONE])
    expected = {held["made"], ONE}
    if kind == "folder":
        flip(_at(tmp_path / "lab", held))
        expected.add(held["model.bin"])
    before = state(history)
    found = cli("fsck", "--remote", "lab", "--full", "--json").json
    assert {each["object"] for each in found["damage"]} == expected
    done = cli("fsck", "--remote", "lab", "--full", "--repair", "--json")
    assert done.status == 0, done.out + done.err
    assert done.json["repaired"]["sent"] == {"lab": len(expected)}
    assert state(history) == before


def test_a_remote_gets_back_what_only_another_one_has(
    history: History, run_id: str, cli: Any, tmp_path: Path
) -> None:
    for name in ("lab", "nas"):
        cli("remote", "add", name, str(tmp_path / name))
    assert cli("push", "--artifacts").status == 0
    held = digests(history, run_id)
    _at(tmp_path / "lab", held).unlink()
    history.artifact(held["model.bin"]).unlink()
    done = cli("fsck", "--remote", "lab", "--remote", "nas", "--repair", "--json")
    assert done.status == 0, done.out + done.err
    assert _at(tmp_path / "lab", held).exists()


KILLED = """\
import itertools, os, signal, sys
from runref.{module} import {owner}
whole = {owner}.{method}
calls = itertools.count(1)
def killed(*arguments, **named):
    number = next(calls)
    {before}
    answer = whole(*arguments, **named)
    {after}
    return answer
{owner}.{method} = killed
from runref.cli.main import run
sys.exit(run(["fsck", "--repair", "--from", sys.argv[1]]))
"""
DIE = "if number == {}: os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("module", "owner", "method", "call"),
    [
        *(("git.loose", "LooseObjects", "set_aside", call) for call in (1, 6)),
        *(("git.loose", "LooseObjects", "write", call) for call in (1, 6)),
        *(("artifacts.blobs", "Blobs", "supersede", call) for call in (1, 2, 3)),
        # Two are named when they were received, then take their places: one of them is damaged.
        *(("artifacts.blobs", "Blobs", "_name", call) for call in (1, 3, 4)),
        ("artifacts.receiving", "_Small", "finish", 1),
    ],
)
def test_a_killed_repair_leaves_everything_as_before_or_whole(
    history: History,
    run_id: str,
    clone: Path,
    cli: Any,
    module: str,
    owner: str,
    method: str,
    moment: str,
    call: int,
) -> None:
    held = digests(history, run_id)
    lost = lose_all(history, run_id)
    model = history.artifact(held["model.bin"])
    flip(model)
    history.artifact(ONE).unlink()
    history.artifact(held["made"]).unlink()
    train = history.loose(lost[-1])
    possible = {
        path: {path.read_bytes(), whole}
        for path, whole in (
            (train, History(clone).loose(lost[-1]).read_bytes()),
            (model, History(clone).artifact(held["model.bin"]).read_bytes()),
        )
    }
    program = KILLED.format(
        module=module,
        owner=owner,
        method=method,
        before=DIE.format(call) if moment == "before" else "pass",
        after=DIE.format(call) if moment == "after" else "pass",
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, str(clone)],
        cwd=history.path,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert model.read_bytes() in possible[model]
    oids = [lost[-1]] if train.read_bytes() in possible[train] else []
    objects = Repository.open(history.path, environ=os.environ).objects
    assert oids or objects.read(lost[-1])  # written anew, it need not be the same zlib stream
    for oid in lost[:-1]:
        if history.loose(oid).exists():
            objects.read(oid)
    assert cli("fsck", "--repair", "--from", str(clone), "--json").status == 0
    mending = history.git_dir / "runref" / "artifacts" / "mending"
    assert [path for path in mending.rglob("*") if path.is_file()] == []


def test_a_repair_of_nothing_asks_nobody(
    history: History, run_id: str, repo: Any, cli: Any, tmp_path: Path
) -> None:
    repo.git("remote", "add", "origin", str(tmp_path / "nowhere"))
    done = cli("fsck", "--repair", "--json")
    assert (done.status, done.json["repaired"]) == (0, None)


def test_a_git_remote_that_cannot_be_reached_is_told(
    history: History, run_id: str, repo: Any, cli: Any, tmp_path: Path
) -> None:
    repo.git("remote", "add", "origin", str(tmp_path / "nowhere"))
    lose_all(history, run_id)
    done = cli("fsck", "--repair", "--json")
    assert done.status == 1
    assert any("git remote origin" in each for each in done.json["repaired"]["problems"])


Usage = Callable[..., Any]


@pytest.mark.parametrize(
    "arguments", [("--from", "."), ("--full", "--sample", "3"), ("--remote", "unknown")]
)
def test_wrong_usage_is_refused(history: History, cli: Usage, arguments: tuple[str, ...]) -> None:
    assert cli("fsck", *arguments).status == 2


def test_what_was_damaged_before_is_kept_beside_what_is_damaged_now(
    history: History, run_id: str, clone: Path, cli: Any
) -> None:
    model = history.artifact(digests(history, run_id)["model.bin"])
    console = history.loose(history.entries(history.stored(run_id).tree)["console.log"].oid)
    flipped: dict[Path, list[bytes]] = {model: [], console: []}
    for place in (10, 20):
        for path, seen in flipped.items():
            flip(path, place)
            seen.append(path.read_bytes())
        assert cli("fsck", "--repair", "--from", str(clone)).status == 0
    own = history.git_dir / "runref"
    for path, folder in ((model, own / "artifacts" / "damaged"), (console, own / "damaged")):
        assert [each.read_bytes() for each in sorted(folder.iterdir())] == flipped[path]


def test_a_repository_of_the_other_hash_is_mended_by_its_like_alone(
    history: History, make_repo: Callable[..., Any], cli: Any, tmp_path: Path
) -> None:
    repo = make_repo("other-hash", "--object-format=sha256")
    repo.write("train.py", (history.path / "train.py").read_bytes())
    repo.commit("a training")
    other = History(repo.path)
    run_id = other.record()
    shutil.copytree(other.path, tmp_path / "like")
    store = ("--store", str(other.path))
    assert cli("fsck", *store).status == 0
    lost = lose_all(other, run_id)
    done = cli("fsck", *store, "--repair", "--from", str(history.path), "--json")
    assert (done.status, done.json["repaired"]["objects"]) == (1, [])
    done = cli("fsck", *store, "--repair", "--from", str(tmp_path / "like"), "--json")
    assert done.status == 0, done.out + done.err
    assert sorted(done.json["repaired"]["objects"]) == sorted(lost)
