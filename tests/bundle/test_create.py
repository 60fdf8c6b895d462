"""Making bundles: what is in them, what is left out, and going on with what was begun."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from runref.bundle.manifest import parse_manifest

pytestmark = pytest.mark.slow  # `make check` is for all day


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path, "r:") as tar:
        assert all(member.isfile() for member in tar.getmembers())
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def manifest_of(path: Path):
    return parse_manifest(members(path)["MANIFEST"])


def test_plain_tools_read_a_bundle(recorded, bundle, tmp_path):
    subprocess.run(["tar", "xf", bundle], cwd=tmp_path, check=True)
    files = list((tmp_path / "sha256").glob("*/*"))
    assert {path.parent.name + path.name: path.read_bytes() for path in files} == {
        digits: path.read_bytes() for digits, path in recorded.artifacts().items()
    }
    lines = [json.loads(line) for line in (tmp_path / "MANIFEST").read_bytes().splitlines()]
    sums = "".join(f"{line['sha256']}  {line['name']}\n" for line in lines if "sha256" in line)
    subprocess.run(["sha256sum", "-c", "-"], cwd=tmp_path, input=sums.encode(), check=True)
    git = {"GIT_DIR": str(tmp_path / "plain.git")}
    subprocess.run(["git", "init", "-q", "--bare", git["GIT_DIR"]], check=True)

    def plain(*arguments, **options):
        return subprocess.run(
            ["git", *arguments],
            env={**os.environ, **git},
            check=True,
            capture_output=True,
            **options,
        ).stdout.decode()

    with (tmp_path / "records.pack").open("rb") as pack:
        plain("index-pack", "--stdin", "--strict", stdin=pack)
    plain("update-ref", "refs/runref/runs", lines[0]["commit"])
    plain("fsck", "--strict", "--full")
    named = plain("ls-tree", "-r", "--name-only", "refs/runref/runs")
    assert named.count("/run.yaml") == named.count("/code/train.py") == 3
    assert named.count("annotations/") == 1


def test_the_same_runs_make_the_same_records(recorded, cli, tmp_path):
    for name in ("a.rrb", "b.rrb"):
        assert cli(recorded, "bundle", "create", str(tmp_path / name)).status == 0
    first, second = manifest_of(tmp_path / "a.rrb"), manifest_of(tmp_path / "b.rrb")
    assert first.root == second.root
    assert not first.artifacts


def test_runs_are_chosen_by_name_and_by_query(recorded, cli, tmp_path):
    ids = recorded.runs()
    target = tmp_path / "some.rrb"
    done = cli(recorded, "bundle", "create", str(target), "--query", "scale > 1", "--json")
    assert done.json["runs"] == list(manifest_of(target).runs)
    assert len(done.json["runs"]) == 2
    done = cli(recorded, "bundle", "create", str(target), ids[0], "--force", "--with", "outputs")
    assert list(manifest_of(target).runs) == [ids[0]]
    assert len(manifest_of(target).artifacts) == 4  # the model, two files and their list
    done = cli(recorded, "bundle", "create", str(target), "-f", "--query", "scale > 9", "--json")
    assert (done.status, done.error["code"]) == (1, "nothing-to-bundle")


def test_a_later_bundle_leaves_out_what_an_earlier_one_has(recorded, cli, tmp_path):
    ids = recorded.runs()
    first, second = tmp_path / "1.rrb", tmp_path / "2.rrb"
    cli(recorded, "bundle", "create", str(first), *ids[:2], "--with", "inputs,outputs")
    cli(recorded, "tag", "-a", "late", ids[0])
    done = cli(
        recorded, "bundle", "create", str(second), "--since", str(first), "--json",
        "--with", "inputs,outputs",
    )  # fmt: skip
    assert done.json["runs"] == ids[2:]
    assert done.json["left_out"] == 2
    both = manifest_of(first).artifacts.keys() & manifest_of(second).artifacts.keys()
    assert not both
    shown = cli(recorded, "bundle", "inspect", str(second), "--json").json
    assert shown["annotations"] == 2, "what was added to earlier runs comes along"


def test_a_date_leaves_out_what_ended_before(recorded, cli, tmp_path):
    target = tmp_path / "since.rrb"
    done = cli(recorded, "bundle", "create", str(target), "--since", "2001-01-01", "--json")
    assert (len(done.json["runs"]), done.json["left_out"]) == (3, 0)
    done = cli(recorded, "bundle", "create", str(target), "--since", "2999-01-01", "-f", "--json")
    assert (done.json["runs"], done.json["left_out"]) == ([], 3)
    done = cli(recorded, "bundle", "create", str(target), "--since", "yesterday", "-f", "--json")
    assert (done.status, done.error["code"]) == (2, "moment-invalid")


def test_what_is_nowhere_is_named_and_fails_only_where_runs_are_named(recorded, cli, tmp_path):
    ids = recorded.runs()
    lost = min(recorded.artifacts())
    recorded.artifacts()[lost].unlink()
    target = str(tmp_path / "x.rrb")
    done = cli(recorded, "bundle", "create", target, "--with", "inputs,outputs", "--json")
    assert (done.status, done.json["missing"]) == (0, [f"sha256:{lost}"])
    assert lost[:12] in done.err or done.json["missing"]
    done = cli(recorded, "bundle", "create", target, *ids, "--with", "inputs,outputs", "-f")
    assert done.status == 1
    assert lost[:12] in done.err


def test_what_is_not_here_comes_from_a_remote(recorded, cli, tmp_path):
    cli(recorded, "remote", "add", "lab", str(tmp_path / "lab"))
    assert cli(recorded, "push", "--artifacts").status == 0
    for path in recorded.artifacts().values():
        path.unlink()
    target = tmp_path / "x.rrb"
    command = ("bundle", "create", str(target), "--with", "inputs,outputs", "--json")
    assert len(cli(recorded, *command, "--no-fetch").json["missing"]) == 7
    done = cli(recorded, *command, "--force")
    assert done.json["missing"] == []
    assert cli(recorded, "bundle", "inspect", str(target)).status == 0


KEY = "hf_" + "aB3dE6gH9j" * 3 + "kLmN"


def test_what_looks_secret_is_named_and_nothing_is_written(recorded, cli, tmp_path):
    (recorded.path / "notes.txt").write_text(f"one\ntoken = {KEY}\n")
    script = (
        f"open('model.bin', 'w').write('{KEY[:5]}' + '{KEY[5:]}'); print('{KEY[:5]}' '{KEY[5:]}')"
    )
    (recorded.path / "tell.py").write_text(script)
    recorded.runref("run", "-o", "model.bin", "--", "python3", "tell.py")
    target = tmp_path / "x.rrb"
    command = ("bundle", "create", str(target), "--with", "outputs", "--json")
    done = cli(recorded, *command)
    assert (done.status, done.error["code"]) == (1, "bundle-holds-secrets")
    assert "console.log: Hugging Face token in line 1" in done.error["message"]
    assert "model.bin: Hugging Face token in line 1" in done.error["message"]
    assert KEY not in done.err + done.out
    assert names(tmp_path) == ["recorded"]
    assert cli(recorded, *command, "--allow-secrets").status == 0
    assert target.exists()


def test_what_was_not_searched_is_named(recorded, cli, tmp_path):
    done = cli(recorded, "bundle", "create", str(tmp_path / "x.rrb"), "--with", "outputs", "--json")
    assert done.json["not_scanned"] == ["model.bin"] * 3
    done = cli(recorded, "bundle", "create", str(tmp_path / "y.rrb"), "--with", "outputs")
    assert "3 files not searched for secrets, no text: model.bin" in done.err


def cut(bundle: Path, size: int) -> Path:
    """Leave a bundle as a killed process would have left it after so many bytes."""
    partial = bundle.with_name(f"{bundle.name}.partial")
    partial.write_bytes(bundle.read_bytes()[:size])
    bundle.unlink()
    return partial


def test_what_was_begun_is_gone_on_with_wherever_it_was_cut(recorded, bundle, cli):
    whole = bundle.read_bytes()
    command = ("bundle", "create", str(bundle), "--with", "outputs,inputs", "--json")
    head = whole.index(b"sha256/", whole.index(b"PACK"))
    for size in (*range(head, len(whole), 900), len(whole)):
        partial = cut(bundle, size)
        done = cli(recorded, *command)
        assert done.json["resumed"], size
        assert bundle.read_bytes() == whole
        assert not partial.exists()


def test_a_beginning_that_tells_nothing_is_begun_anew(recorded, bundle, cli):
    whole = bundle.read_bytes()
    command = ("bundle", "create", str(bundle), "--with", "outputs,inputs", "--json")
    for size in (0, 100, 512, 1000, 2000):
        cut(bundle, size)
        assert not cli(recorded, *command).json["resumed"]
        assert len(bundle.read_bytes()) == len(whole)


def test_damage_in_what_was_begun_is_written_anew(recorded, bundle, cli):
    whole = bundle.read_bytes()
    partial = cut(bundle, len(whole) - 2048)
    data = bytearray(partial.read_bytes())
    data[whole.index(b"sha256/", whole.index(b"PACK")) + 512] ^= 1  # in the first artifact
    partial.write_bytes(data)
    done = cli(recorded, "bundle", "create", str(bundle), "--with", "outputs,inputs", "--json")
    assert done.json["resumed"]
    assert bundle.read_bytes() == whole


def test_half_an_artifact_is_gone_on_with(recorded, bundle, cli):
    """What is there of it is not written again: its inode and its bytes stay."""
    whole = bundle.read_bytes()
    end = whole.index(b"\0weights") + 5
    partial = cut(bundle, end)
    inode = partial.stat().st_ino
    done = cli(recorded, "bundle", "create", str(bundle), "--with", "outputs,inputs", "--json")
    assert done.json["resumed"]
    assert bundle.read_bytes() == whole
    assert bundle.stat().st_ino == inode
    partial = cut(bundle, end)
    partial.write_bytes(partial.read_bytes()[:-3] + b"???")  # what a power cut may leave
    assert cli(recorded, "bundle", "create", str(bundle), "--with", "outputs,inputs").status == 0
    assert bundle.read_bytes() == whole


def test_another_request_begins_anew(recorded, bundle, cli):
    cut(bundle, len(bundle.read_bytes()) - 2048)
    done = cli(recorded, "bundle", "create", str(bundle), "--with", "outputs", "--json")
    assert not done.json["resumed"]
    assert manifest_of(bundle).request.parts == ("outputs",)


def test_a_run_that_is_gone_does_not_leave_in_what_was_begun(recorded, bundle, cli):
    cut(bundle, len(bundle.read_bytes()) - 2048)
    recorded.git("update-ref", "refs/runref/runs", "refs/runref/runs~2")
    done = cli(recorded, "bundle", "create", str(bundle), "--with", "outputs,inputs", "--json")
    assert not done.json["resumed"]
    assert len(done.json["runs"]) == 2


def test_a_file_that_exists_stays(recorded, cli, tmp_path):
    target = tmp_path / "x.rrb"
    target.write_text("mine")
    done = cli(recorded, "bundle", "create", str(target), "--json")
    assert (done.status, done.error["code"]) == (2, "bundle-exists")
    assert target.read_text() == "mine"
    assert names(tmp_path) == ["recorded", "x.rrb"]
    assert cli(recorded, "bundle", "create", str(target), "--force").status == 0


def test_two_processes_do_not_write_one_file(recorded, cli, tmp_path):
    target = tmp_path / "x.rrb"
    with (tmp_path / "x.rrb.partial").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = cli(recorded, "bundle", "create", str(target), "--json")
    assert (done.status, done.error["code"]) == (3, "bundle-busy")


def test_an_artifact_that_is_damaged_here_is_named(recorded, cli, tmp_path):
    digits, path = next(
        each for each in recorded.artifacts().items() if b"weights" in each[1].read_bytes()
    )
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"weights", b"Weights"))
    target = tmp_path / "x.rrb"
    command = ("bundle", "create", str(target), "--with", "inputs,outputs", "--json")
    done = cli(recorded, *command)
    assert (done.status, done.error["code"]) == (1, "artifact-damaged")
    assert digits in done.error["message"]
    assert not target.exists()
    assert cli(recorded, *command).json["missing"] == [f"sha256:{digits}"]


def test_standard_output_takes_a_bundle(recorded, cli, tmp_path):
    target = tmp_path / "piped.rrb"
    with recorded.process("bundle", "create", "-", "--with", "outputs,inputs") as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    target.write_bytes(out)
    assert b"3 runs, 11 artifacts" in err
    assert cli(recorded, "bundle", "inspect", str(target)).status == 0


def test_the_repository_is_only_read(recorded, cli, tmp_path):
    before = recorded.state()
    assert (
        cli(recorded, "bundle", "create", str(tmp_path / "x.rrb"), "--with", "outputs").status == 0
    )
    assert recorded.state() == before


def test_the_manifest_has_the_digest_that_inspect_tells(recorded, bundle, cli):
    digest = hashlib.sha256(members(bundle)["MANIFEST"]).hexdigest()
    assert cli(recorded, "bundle", "inspect", str(bundle), "--json").json["manifest"][7:] == digest
