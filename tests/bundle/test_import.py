"""Taking bundles in: whole, once, and beside what is here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bundle.forging import Forge

from runref.bundle.errors import BundleRefused, BundleTooNew, NoBundle
from runref.bundle.manifest import Manifest, Request, parse_manifest

pytestmark = pytest.mark.slow  # `make check` is for all day


def test_everything_arrives_and_a_second_time_nothing(recorded, bundle, empty, cli):
    done = cli(empty, "bundle", "import", str(bundle), "--json")
    assert done.status == 0, done.err
    assert done.json["runs"] == recorded.runs() == empty.runs()
    assert (done.json["already"], done.json["annotations"], done.json["stored"]) == (0, 1, 11)
    assert done.json["absent"] == []
    contents = {digits: path.read_bytes() for digits, path in recorded.artifacts().items()}
    assert {digits: path.read_bytes() for digits, path in empty.artifacts().items()} == contents
    empty.git("fsck", "--strict", "--full")
    assert cli(empty, "ls", "--json").json["runs"] == cli(recorded, "ls", "--json").json["runs"]
    before = empty.state()
    done = cli(empty, "bundle", "import", str(bundle), "--json")
    assert (done.json["runs"], done.json["already"], done.json["stored"]) == ([], 3, 0)
    assert empty.state() == before


def test_runs_stay_beside_those_that_are_here(recorded, empty, cli, tmp_path):
    ids = recorded.runs()
    first, second = tmp_path / "1.rrb", tmp_path / "2.rrb"
    parts = ("--with", "inputs,outputs")
    cli(recorded, "bundle", "create", str(first), *ids[:2], *parts)
    cli(recorded, "tag", "-a", "late", ids[0])
    cli(recorded, "bundle", "create", str(second), "--since", str(first), *parts)
    for order in ((second, first), (first, second)):
        for path in order:
            assert cli(empty, "bundle", "import", str(path)).status == 0
        assert empty.runs() == ids
        assert empty.artifacts().keys() == recorded.artifacts().keys()
        tags = {run["id"]: run["tags"] for run in cli(empty, "ls", "--json").json["runs"]}
        assert tags[ids[0]] == [*cli(recorded, "show", ids[0], "--json").json["tags"]]
        shutil.rmtree(empty.path)
        empty.path.mkdir()
        empty.git("init", "-q")


def test_what_is_in_no_bundle_is_named(recorded, empty, cli, tmp_path):
    target = tmp_path / "records.rrb"
    cli(recorded, "bundle", "create", str(target))
    done = cli(empty, "bundle", "import", str(target), "--json")
    assert len(done.json["absent"]) == 7  # the input, three models, three lists of files
    done = cli(empty, "bundle", "import", str(target))
    assert "7 are named by its records, and neither in it nor here" in done.err


def test_a_pipe_will_do(bundle, empty):
    with bundle.open("rb") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "runref", "bundle", "import", "-"],
            cwd=empty.path,
            stdin=stream,
            capture_output=True,
            check=False,
        )
    assert b"3 runs received" in done.stdout, done.stderr


def test_inspecting_needs_no_repository_and_writes_nothing(bundle, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "runref", "bundle", "inspect", str(bundle)],
        cwd=outside,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 runs, 1 annotation, 11 artifacts of 1008 B: all verified" in done.stdout, done.stderr
    assert not any(outside.iterdir())


def test_another_run_under_an_id_that_is_here_is_refused(recorded, bundle, cli, tmp_path):
    forge = Forge.of(bundle)
    (folder, *_) = forge.paths().values()
    forge.put(f"{folder}/console.log", "blob", b"other output\n")
    path = forge.save(tmp_path / "other.rrb")
    runs = recorded.git("rev-parse", "refs/runref/runs")
    done = cli(recorded, "bundle", "import", str(path), "--json")
    assert (done.status, done.error["code"]) == (1, "histories-disagree")
    assert recorded.git("rev-parse", "refs/runref/runs") == runs


def test_another_object_format_is_told(bundle, make_repo, cli):
    place = make_repo("other", "--object-format=sha256")
    done = cli(place, "bundle", "import", str(bundle), "--json")
    assert (done.status, done.error["code"]) == (3, "other-object-format")


def test_a_repository_of_sha256_has_bundles_too(recorded_once, make_repo, cli, tmp_path):
    from tests.bundle.conftest import Place

    source = Place(make_repo("source", "--object-format=sha256").path)
    target = Place(make_repo("target", "--object-format=sha256").path)
    (source.path / "train.py").write_text("print('hello')\n")
    source.runref("run", "--", sys.executable, "train.py")
    path = tmp_path / "x.rrb"
    assert cli(source, "bundle", "create", str(path)).status == 0
    assert cli(target, "bundle", "import", str(path)).status == 0
    assert target.runs() == source.runs()
    target.git("fsck", "--strict")


def test_what_was_forgotten_does_not_come_back(recorded, bundle, cli, tmp_path):
    ids = recorded.runs()
    forgetting = tmp_path / "forgetting.rrb"
    cli(recorded, "bundle", "create", str(forgetting), *ids[:2], "--with", "inputs,outputs")
    forge = Forge.of(forgetting)
    gone = Forge.of(bundle).paths()[ids[2]].removeprefix("runs/")
    tombstone = f"run: {ids[2]}\n".encode()
    forge.put(f"tombstones/{gone}/2026-11-28T000000000000Z-x-00000000.yaml", "blob", tombstone)
    tree = forge.entries(forge.manifest.root)[b"tombstones"].oid
    forge.adjust = lambda manifest: replace(manifest, tombstones=tree)
    done = cli(recorded, "bundle", "import", str(forge.save(forgetting)), "--json")
    assert done.json["forgotten"] == [ids[2]], done.err
    assert recorded.runs() == ids[:2]
    for path in recorded.artifacts().values():
        path.unlink()
    done = cli(recorded, "bundle", "import", str(bundle), "--json")
    assert (done.json["runs"], done.json["refused"]) == ([], [ids[2]])
    assert recorded.runs() == ids[:2]
    assert done.json["stored"] == 8, "the model, the file and the list of the third are not stored"


hexadecimal = st.text("0123456789abcdef", min_size=64, max_size=64)
oids = st.text("0123456789abcdef", min_size=40, max_size=40)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
manifests = st.builds(
    Manifest,
    object_format=st.just("sha1"),
    commit=oids,
    root=oids,
    tombstones=st.just("") | oids,
    created=st.datetimes().map(lambda each: f"{each.isoformat(timespec='microseconds')}Z"),
    author=words,
    runref=words,
    request=st.builds(
        Request,
        runs=st.lists(words, max_size=3).map(tuple),
        query=words,
        parts=st.lists(words, max_size=2).map(tuple),
        since=words,
        allow_secrets=st.booleans(),
    ),
    runs=st.dictionaries(
        st.text("0123456789abcdef", min_size=12, max_size=12).map(lambda each: f"20260101-{each}"),
        oids,
        max_size=4,
    ),
    missing=st.lists(hexadecimal.map(lambda each: f"sha256:{each}"), max_size=2).map(tuple),
    records=hexadecimal,
    records_size=st.integers(0, 1 << 60),
    artifacts=st.dictionaries(
        hexadecimal.map(lambda each: f"sha256:{each}"), st.integers(0, 1 << 60), max_size=4
    ),
)


@given(manifest=manifests)
def test_a_manifest_comes_back_equal(manifest):
    assert parse_manifest(manifest.encode()) == manifest


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(manifest=manifests, data=st.data())
def test_no_other_bytes_are_the_same_manifest(manifest, data):
    encoded = bytearray(manifest.encode())
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] = data.draw(st.integers(0, 255).filter(lambda each: each != encoded[place]))
    try:
        other = parse_manifest(bytes(encoded))
    except (BundleRefused, BundleTooNew, NoBundle):
        return
    assert other != manifest
    assert other.encode() == bytes(encoded)


def test_a_request_for_what_does_not_exist_is_a_usage_error(recorded, cli, tmp_path):
    for arguments in (("--with", "code"), ("--query", "lr >"), ("no-such-run",)):
        done = cli(recorded, "bundle", "create", str(tmp_path / "x.rrb"), *arguments)
        assert done.status in (2, 3), arguments
        assert not (tmp_path / "x.rrb").exists()


@pytest.mark.parametrize("command", ["inspect", "import"])
def test_a_file_that_is_not_there(empty, cli, command):
    done = cli(empty, "bundle", command, "nowhere.rrb", "--json")
    assert (done.status, done.error["code"]) == (3, "operating-system")
