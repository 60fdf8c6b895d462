"""``runref fsck`` names every kind of damage: which run, file and object, and what is wrong."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.upkeep.history import History, flip

from runref.git.objects import TreeEntry
from runref.model.codec import dump_yaml, load_yaml
from runref.model.ids import run_path
from runref.model.schema import load_schema
from runref.store.trees import BLOB, TREE

pytestmark = pytest.mark.slow  # `make check` is for all day

Fsck = Callable[..., Any]
Named = set[tuple[str, str, str]]


@pytest.fixture
def fsck(history: History, cli: Any) -> Fsck:
    """Run ``runref fsck`` and return its document; the exit status must fit it."""

    def call(*arguments: str) -> Any:
        done = cli("fsck", "--json", *arguments)
        found = done.json
        assert done.status == (1 if found["damage"] else 0)
        follow_schema(found)
        return found

    return call


def follow_schema(document: Any) -> None:
    schema = {**load_schema("cli"), "$ref": "#/$defs/fsck"}
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []


def named(found: Any) -> Named:
    return {(each["run"], each["place"], each["kind"]) for each in found["damage"]}


def test_nothing_is_wrong_with_a_history_as_it_was_recorded(
    history: History, run_id: str, fsck: Fsck, cli: Any
) -> None:
    cli("tag", "-a", "good", run_id)
    before = history.runs.tip()
    found = fsck("--full")
    assert found["damage"] == []
    checked = found["checked"]
    assert (checked["commits"], checked["runs"], checked["annotations"]) == (2, 1, 1)
    assert checked["artifacts"] == 4  # a file, a manifest, and two files in it
    assert checked["points"] == 5
    assert history.runs.tip() == before


def test_an_empty_repository_has_nothing_to_check(history: History, repo: Any, fsck: Fsck) -> None:
    repo.git("update-ref", "-d", "refs/runref/runs")
    assert "nothing is recorded yet" in fsck()["notes"][0]


def test_series_that_do_not_come_to_their_summary_are_named(
    history: History, run_id: str, fsck: Fsck
) -> None:
    def change(document: dict[str, Any]) -> None:
        document["metrics"]["loss"]["max"] = 7.0
        document["metrics"]["acc"]["last_step"] = 2
        document["metrics"]["never"] = dict(document["metrics"]["acc"])

    history.forge_record(run_id, change)
    assert named(fsck()) == {
        (run_id, "metrics loss.max", "series-summary"),
        (run_id, "metrics acc.last_step", "series-summary"),
        (run_id, "metrics never", "series-summary"),
    }


def test_series_that_are_none_are_named(history: History, run_id: str, fsck: Fsck) -> None:
    import hashlib

    data = b'{"step":0,"elapsed":0.1,"values":{"loss":1.0}}\nrubbish\n'

    def change(document: dict[str, Any]) -> None:
        digest = hashlib.sha256(data).hexdigest()
        document["files"]["metrics.jsonl"] = {"sha256": digest, "size": len(data)}

    history.forge_record(run_id, change)
    history.forge(run_id, {"metrics.jsonl": data})
    assert named(fsck()) == {(run_id, "metrics.jsonl", "series-line")}


def test_a_run_at_another_path_is_named(history: History, run_id: str, fsck: Fsck) -> None:
    tree = history.stored(run_id).tree
    history.put(("runs", "2020-01", "01", "0", run_id), TREE, tree)
    history.put(("runs", "2020-01", "01", "0", "a run"), TREE, tree)
    history.put(("notes.txt",), BLOB, history.repository.objects.write_blob(b"hello"))
    assert named(fsck()) == {
        (run_id, f"runs/2020-01/01/0/{run_id}", "wrong-path"),
        ("", "runs/2020-01/01/0/a run", "wrong-path"),
        ("", "notes.txt", "unknown-entry"),
    }


@pytest.mark.parametrize(
    ("content", "kind"), [(b"runref 99\n", "unsupported-format"), (b"svn 1\n", "damaged-ref")]
)
def test_an_unknown_format_is_named(
    history: History, run_id: str, fsck: Fsck, content: bytes, kind: str
) -> None:
    history.put(("FORMAT",), BLOB, history.repository.objects.write_blob(content))
    assert named(fsck()) == {("", "FORMAT", kind)}


def test_annotations_are_checked(history: History, run_id: str, fsck: Fsck, cli: Any) -> None:
    cli("tag", "-a", "good", run_id)
    path = ("annotations", *run_path(run_id))
    objects = history.repository.objects
    (name,) = history.runs.annotation_files(run_id)
    good = load_yaml(history.runs.annotation_files(run_id)[name])
    gone = "20200101-0123456789ab"
    for number, document in enumerate(
        [{**good, "run": gone}, {**good, "add_tags": [""]}, {**good, "time": "yesterday"}]
    ):
        history.put((*path, f"{number}.yaml"), BLOB, objects.write_blob(dump_yaml(document)))
    history.put((*path, "3.yaml"), BLOB, objects.write_blob(b"*alias"))
    history.put((*path, "4.txt"), BLOB, objects.write_blob(b""))
    orphan = ("annotations", *run_path(gone))
    document = dump_yaml({**good, "run": gone})
    history.put((*orphan, "0.yaml"), BLOB, objects.write_blob(document))
    above = "/".join(path)
    assert named(fsck()) == {
        (run_id, f"{above}/0.yaml", "annotation-run"),
        (run_id, f"{above}/1.yaml", "annotation-invalid"),
        (run_id, f"{above}/2.yaml", "annotation-invalid"),
        (run_id, f"{above}/3.yaml", "annotation-invalid"),
        (run_id, f"{above}/4.txt", "unknown-entry"),
        (gone, "/".join(orphan), "annotation-orphan"),
    }


def digests(history: History, run_id: str) -> dict[str, str]:
    return {each["path"]: each["digest"] for each in history.document(run_id)["outputs"]}


def test_artifacts_that_are_missing_cut_short_or_swapped_are_named(
    history: History, run_id: str, fsck: Fsck
) -> None:
    import hashlib

    other = history.record("other")
    model = history.artifact(digests(history, run_id)["model.bin"])
    theirs = history.artifact(digests(history, other)["model.bin"])
    one = history.artifact("sha256:" + hashlib.sha256(b"one").hexdigest())
    held = model.read_bytes()
    model.chmod(0o644)
    model.write_bytes(theirs.read_bytes())
    theirs.chmod(0o644)
    theirs.write_bytes(held[:100])
    one.unlink()
    found = fsck()
    assert named(found) == {
        (run_id, "outputs model.bin", "artifact-damaged"),
        (other, "outputs model.bin", "artifact-damaged"),
        (run_id, "outputs made: one.txt", "artifact-missing"),
        (other, "outputs made: one.txt", "artifact-missing"),
    }
    assert all("--repair" in each["hint"] for each in found["damage"])


def test_a_directory_whose_manifest_is_gone_or_no_manifest_is_named(
    history: History, run_id: str, fsck: Fsck
) -> None:
    manifest = history.artifact(digests(history, run_id)["made"])
    flip(manifest)
    assert named(fsck()) == {(run_id, "outputs made", "artifact-damaged")}
    manifest.unlink()
    assert named(fsck()) == {(run_id, "outputs made", "artifact-missing")}


def test_sizes_that_records_claim_are_checked(history: History, run_id: str, fsck: Fsck) -> None:
    def change(document: dict[str, Any]) -> None:
        for each in document["outputs"]:
            each["size"] += 1

    history.forge_record(run_id, change)
    assert named(fsck()) == {
        (run_id, "outputs model.bin", "artifact-size"),
        (run_id, "outputs made", "artifact-size"),
    }


def test_commits_that_rewrite_what_was_recorded_are_named_by_a_full_check(
    history: History, run_id: str, fsck: Fsck
) -> None:
    other = history.record("other")
    tree = history.stored(other).tree
    history.put(("runs", *run_path(run_id)), TREE, history.rewritten(tree, {}))
    assert (run_id, "run.yaml", "record-id") in named(fsck())
    place = "/".join(("runs", *run_path(run_id)))
    assert (run_id, place, "history-rewritten") in named(fsck("--full"))


def test_a_commit_or_folder_that_is_gone_is_named(
    history: History, run_id: str, fsck: Fsck
) -> None:
    first = history.runs.tip()
    first_root = history.repository.objects.read_commit(first).tree
    history.record("other")
    history.loose(first_root).unlink()
    (damage,) = fsck()["damage"]
    assert (damage["kind"], damage["object"]) == ("object-missing", first_root)
    history.loose(first).unlink()
    (damage,) = fsck()["damage"]
    assert (damage["kind"], damage["object"]) == ("object-missing", first)
    tip = history.runs.tip()
    flip(history.loose(tip), 5)
    (damage,) = fsck()["damage"]
    assert (damage["kind"], damage["object"]) == ("object-damaged", tip)


def test_runs_that_are_named_are_checked_alone(history: History, run_id: str, fsck: Fsck) -> None:
    other = history.record("other")
    history.forge(other, {"console.log": b"nothing"})
    assert fsck(run_id[9:])["damage"] == []
    assert fsck(history.stored(run_id).tree[:10])["checked"]["runs"] == 1
    assert named(fsck("@")) == {(other, "console.log", "file-digest")}
    history.loose(history.stored(other).tree).unlink()
    assert named(fsck(other)) == {(other, "", "object-missing")}  # no record need be readable


@pytest.mark.parametrize("place", ["remote", "seaweedfs"])
def test_what_remotes_lack_or_have_damaged_is_named(
    history: History, run_id: str, fsck: Fsck, cli: Any, tmp_path: Path, place: str, request: Any
) -> None:
    if place == "remote":
        url, options = str(tmp_path / "lab"), []
    else:
        server = request.getfixturevalue("seaweedfs")
        url, options = s3(server)
    assert cli("remote", "add", "lab", url, *options).status == 0
    assert cli("push", "--artifacts", "--remote", "lab").status == 0
    assert named(fsck("--remote", "lab", "--full")) == set()
    from runref.project.project import open_project

    (remote,) = open_project(history.path, os.environ).remotes.all
    store = remote.connect()
    held = digests(history, run_id)
    store.delete([held["model.bin"]])
    found = fsck("--remote", "lab", "--sample", "0")
    assert named(found) == {(run_id, "outputs model.bin", "remote-missing")}
    (told,) = found["remotes"]
    assert (told["wanted"], told["present"], told["read"]) == (4, 3, 0)
    assert told["missing"] == [held["model.bin"]]
    # Not here either, but at a remote that was asked: no damage.
    history.artifact(held["made"]).unlink()
    found = fsck("--remote", "lab")
    assert named(found) == {(run_id, "outputs model.bin", "remote-missing")}
    assert found["elsewhere"] == 1
    assert named(fsck()) == {(run_id, "outputs made", "artifact-missing")}


def s3(server: Any) -> tuple[str, list[str]]:
    options = [f"--option={name}={value}" for name, value in server.options().items()]
    return server.remote_url(server.new_bucket(), "lab"), ["--local", *options]


def test_damage_at_a_remote_is_found_by_a_full_check(
    history: History, run_id: str, fsck: Fsck, cli: Any, tmp_path: Path
) -> None:
    cli("remote", "add", "lab", str(tmp_path / "lab"))
    assert cli("push", "--artifacts").status == 0
    digest = digests(history, run_id)["model.bin"]
    digits = digest.removeprefix("sha256:")
    flip(tmp_path / "lab" / "sha256" / digits[:2] / digits[2:])
    found = fsck("--remote", "lab", "--full")
    assert named(found) == {(run_id, "outputs model.bin", "remote-damaged")}
    assert found["remotes"][0]["read"] == 4


def test_a_remote_that_does_not_answer_is_told_and_the_rest_is_checked(
    history: History, repo: Any, run_id: str, cli: Any
) -> None:
    repo.write(".runref.yaml", "remotes: {far: {url: 'hdfs://nowhere/runs'}}\n")
    done = cli("fsck", "--remote", "far")
    assert done.status == 1
    assert "far: not checked" in done.out
    assert "1 run" in done.out


def test_people_read_which_run_which_file_and_what_can_be_done(
    history: History, run_id: str, cli: Any
) -> None:
    entries = history.entries(history.stored(run_id).tree)
    history.loose(entries["console.log"].oid).unlink()
    done = cli("fsck")
    assert done.status == 1
    lines = done.out.splitlines()
    assert lines[0] == f"run {run_id}"
    assert lines[1].startswith(f"  console.log: object {entries['console.log'].oid} is not in")
    assert lines[2].startswith("  hint: `runref fsck --repair` brings it back from a git remote")
    assert any(line.startswith("checked: 1 commit, 1 run, ") for line in lines)
    assert any(line.startswith("not checked: ") for line in lines)
    assert lines[-1] == "damage: 1 thing, in 1 run"


def test_waiting_runs_are_notes_and_no_damage(history: History, run_id: str, fsck: Fsck) -> None:
    spool = history.git_dir / "runref" / "spool"
    (spool / ".new-20200101-0123456789ab-1234").mkdir(parents=True)
    found = fsck()
    assert found["damage"] == []
    assert "1 left-overs of killed processes" in " ".join(found["notes"])


def test_a_snapshot_with_a_submodule_that_was_not_checked_out_is_whole(
    history: History, run_id: str, fsck: Fsck
) -> None:
    repo_objects = history.repository.objects
    code = history.entries(history.stored(run_id).tree)["code"]
    link = TreeEntry(b"zub", 0o160000, "1" * 40)
    tree = repo_objects.write_tree([*repo_objects.read_tree(code.oid), link])
    from runref.capture.snapshot import manifest_digest, manifest_of

    def change(document: dict[str, Any]) -> None:
        document["code"]["tree"] = tree
        document["code"]["files"] += 1
        document["code"]["manifest"] = manifest_digest(manifest_of(repo_objects, tree))

    history.forge_record(run_id, change)
    history.forge(run_id, {"code": TreeEntry(b"code", TREE, tree)})
    assert fsck()["damage"] == []


def test_signatures_that_are_over_something_else_are_named(
    history: History, run_id: str, fsck: Fsck, cli: Any, repo: Any, ssh_keys: Any
) -> None:
    key = ssh_keys.make()
    repo.git("config", "gpg.format", "ssh")
    repo.git("config", "user.signingKey", str(key.path))
    repo.git("config", "gpg.ssh.allowedSignersFile", str(ssh_keys.allow(key)))
    assert cli("sign", run_id).status == 0
    found = fsck()
    assert (found["damage"], found["checked"]["signatures"]) == ([], 1)
    history.forge_record(run_id, lambda document: document.update(note="never said"))
    (damage,) = fsck()["damage"]
    assert (damage["run"], damage["kind"]) == (run_id, "signature-bad")
    assert "record-changed" in damage["message"]


def test_tombstones_are_checked(history: History, run_id: str, fsck: Fsck, cli: Any) -> None:
    gone, path = "20200101-0123456789ab", "tombstones/2020-01/01/0/20200101-0123456789ab"
    objects = history.repository.objects
    time = "2026-11-21T14:03:12.123456Z"
    good = {"run": gone, "time": time, "author": "Ada <a@x>", "reason": "why", "format": 1}
    for number, document in enumerate([good, {**good, "run": run_id}, {**good, "reason": 7}]):
        blob = objects.write_blob(dump_yaml(document))
        history.put((*path.split("/"), f"{number}.yaml"), BLOB, blob)
    back = ("tombstones", *run_path(run_id))
    blob = objects.write_blob(dump_yaml({**good, "run": run_id}))
    history.put((*back, "0.yaml"), BLOB, blob)
    found = fsck()
    assert found["checked"]["tombstones"] == 2
    assert named(found) == {
        (gone, f"{path}/1.yaml", "tombstone-run"),
        (gone, f"{path}/2.yaml", "tombstone-invalid"),
        (run_id, "/".join(back), "forgotten-run"),
    }


def test_a_file_that_the_disk_does_not_read_is_named(
    history: History, run_id: str, fsck: Fsck
) -> None:
    console = history.loose(history.entries(history.stored(run_id).tree)["console.log"].oid)
    console.unlink()
    console.mkdir()  # reading it is an error of the operating system, for root as well
    assert named(fsck()) == {(run_id, "console.log", "object-damaged")}


def test_the_end_of_a_shallow_history_is_no_damage(
    history: History, run_id: str, fsck: Fsck, repo: Any, tmp_path: Path
) -> None:
    history.record("other")
    whole = history.runs.tip()
    repo.git("init", "-q", str(tmp_path / "shallow"))
    here = f"file://{history.path}"
    subprocess.run(
        ["git", "fetch", "-q", "--depth=1", here, "+refs/runref/runs:refs/runref/runs"],
        cwd=tmp_path / "shallow",
        check=True,
    )
    shallow = History(tmp_path / "shallow")
    assert shallow.runs.tip() == whole
    found = fsck("--store", str(shallow.path))
    assert {each["kind"] for each in found["damage"]} == {"artifact-missing"}
    assert (found["checked"]["commits"], found["checked"]["runs"]) == (1, 2)
    assert any("shallow" in each for each in found["unchecked"])
