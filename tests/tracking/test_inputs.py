"""Inputs by pattern, by reference and by URL: which content a record says the run read."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runref.artifacts import hash_path
from runref.artifacts.remote import urls
from runref.model.record import DataFile, Record
from runref.project.supply import options_for

pytestmark = pytest.mark.slow  # `make check` is for all day


def settings(repo: Any, text: str) -> None:
    repo.write(".runref.yaml", text)


def inputs(tracker: Any, *names: str, **request: Any) -> list[DataFile]:
    with tracker.start(inputs=names, **request) as run:
        run.log({"loss": 1})
    return list(tracker.record(run).inputs)


def local_store(repo: Any) -> list[Path]:
    return [
        path for path in (repo.path / ".git/runref/artifacts/sha256").rglob("*") if path.is_file()
    ]


def test_every_match_of_a_pattern_is_an_input_of_its_own(tracker: Any, repo: Any) -> None:
    for name in ("b.csv", "a.csv", "c.txt", ".hidden.csv", "deep/er/d.csv"):
        repo.write(f"data/{name}", name)
    found = inputs(tracker, "data/*.csv", "data/**/d.csv", "data/d*")
    assert [(each.path, each.kind) for each in found] == [
        ("data/a.csv", "file"),
        ("data/b.csv", "file"),
        ("data/deep/er/d.csv", "file"),
        ("data/deep", "directory"),
    ]
    assert all(each.stored and each.digest and not each.problem for each in found)


def test_a_path_that_exists_is_no_pattern(tracker: Any, repo: Any) -> None:
    repo.write("data/[a].csv", "brackets")
    repo.write("data/a.csv", "letter")
    (found,) = inputs(tracker, "data/[a].csv")
    assert found.path == "data/[a].csv"
    assert found.digest == hash_path(repo.path / "data/[a].csv").digest


def test_a_folder_whose_name_looks_like_a_pattern_is_no_part_of_one(
    make_repo: Callable[..., Any], tmp_path: Path
) -> None:
    from tests.tracking.conftest import Tracker

    repo = make_repo("re[po]")
    repo.write("a.csv", "here")
    (tmp_path / "rep").mkdir()
    (tmp_path / "rep" / "a.csv").write_text("elsewhere")
    (found,) = inputs(Tracker(repo.path), "*.csv")
    assert found.path == "a.csv"
    assert found.digest == hash_path(repo.path / "a.csv").digest


def test_a_pattern_does_not_follow_links_in_circles(tracker: Any, repo: Any) -> None:
    repo.write("data/a.csv", "1")
    (repo.path / "data/again").symlink_to(".")
    assert [each.path for each in inputs(tracker, "**/*.csv")] == ["data/a.csv"]


def test_a_pattern_without_a_match_is_a_problem_that_stops_nothing(tracker: Any, repo: Any) -> None:
    with tracker.start(inputs=["data/*.csv"]) as run:
        run.use_input(repo.path / "nothing" / "**")
    record: Record = tracker.record(run)
    assert [(each.path, each.digest, each.stored) for each in record.inputs] == [
        ("data/*.csv", "", False),
        ("nothing/**", "", False),
    ]
    assert all("nothing matches" in each.problem for each in record.inputs)
    assert {each.code for each in record.notices} == {"input-not-recorded"}


def test_patterns_of_the_settings_and_of_the_program(tracker: Any, repo: Any) -> None:
    settings(repo, "inputs: ['data/*.csv']\n")
    repo.write("data/a.csv", "1")
    repo.write("more/b.csv", "2")
    with tracker.start() as run:
        run.use_input(repo.path / "more" / "*.csv")
        run.log_output(repo.path / "data" / "?.csv")
    record = tracker.record(run)
    assert [each.path for each in record.inputs] == ["data/a.csv", "more/b.csv"]
    assert [each.path for each in record.outputs] == ["data/a.csv"]


def test_large_inputs_are_hashed_and_not_copied(tracker: Any, repo: Any) -> None:
    settings(repo, "artifacts: {reference_over: 10}\n")
    repo.write("data/part-1", "1234567")
    repo.write("data/part-2", "1234567")
    repo.write("ten", "0123456789")
    with tracker.start(inputs=["data", "data/part-1", "ten"]) as run:
        run.use_input(repo.path / "data")
        run.log_output(repo.path / "data")
    record = tracker.record(run)
    folder, *small = record.inputs
    assert folder.digest == hash_path(repo.path / "data").digest
    assert (folder.stored, folder.reference_over, folder.problem) == (False, 10, "")
    assert (folder.size, folder.files, folder.by_reference) == (14, 2, True)
    assert all(each.stored and each.reference_over is None for each in small)
    # What a run writes is nowhere else: it is stored whatever its size.
    (output,) = record.outputs
    assert output.stored
    assert output.reference_over is None


def test_a_process_that_joins_a_run_keeps_to_its_limits(tracker: Any, repo: Any) -> None:
    from runref.tracking.attach import attach

    settings(repo, "artifacts: {reference_over: 3}\n")
    repo.write("data.csv", "1,2,3")
    with tracker.start() as run:
        assert run.directory is not None
        joined = attach(run.directory.path, 1, tracker.told.append, os.environ)
        joined.use_input(repo.path / "data.csv")
        joined.finish()
    (found,) = tracker.record(run).inputs
    assert (found.stored, found.reference_over) == (False, 3)
    assert local_store(repo) == []


def test_copy_stores_what_is_over_the_limit(tracker: Any, repo: Any) -> None:
    settings(repo, "artifacts: {reference_over: 3}\n")
    repo.write("data.csv", "1,2,3")
    (found,) = inputs(tracker, "data.csv", copy_inputs=True)
    assert (found.stored, found.reference_over) == (True, None)
    with tracker.start() as run:
        run.use_input(repo.path / "data.csv", copy=True)
    assert tracker.record(run).inputs[0].stored


def test_whether_a_file_may_be_executed_is_recorded(tracker: Any, repo: Any) -> None:
    repo.write("tool", "#!/bin/sh\n").chmod(0o755)
    repo.write("data", "1")
    repo.write("folder/tool", "1").chmod(0o755)
    found = {each.path: each.executable for each in inputs(tracker, "tool", "data", "folder")}
    assert found == {"tool": True, "data": False, "folder": False}


def test_a_url_of_this_machine_is_a_path(tracker: Any, repo: Any) -> None:
    path = repo.write("data/with space.csv", "1")
    (found,) = inputs(tracker, f"file://{path.parent}/with%20space.csv")
    assert (found.path, found.stored) == ("data/with space.csv", True)


# URLs


class Bucket:
    """A bucket, the tracker of a repository that knows its server, and the bucket's URL."""

    def __init__(self, tracker: Any, server: Any) -> None:
        self.server = server
        self.name = server.new_bucket()
        self.url = f"s3://{self.name}"
        lab = {"url": f"{self.url}/artifacts", "options": server.options()}
        settings_of_clone(tracker.root, lab=lab)
        self._tracker = tracker

    def put(self, key: str, body: bytes) -> Any:
        return self.server.client.put_object(Bucket=self.name, Key=key, Body=body)

    def inputs(self, *names: str, **request: Any) -> list[DataFile]:
        options = functools.partial(options_for, self._tracker.project)
        return inputs(self._tracker, *names, url_options=options, **request)


def settings_of_clone(root: Path, **remotes: Any) -> None:
    import json

    path = root / ".git/runref/remotes.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"remotes": remotes}))


@pytest.fixture
def bucket(tracker: Any, seaweedfs: Any) -> Bucket:
    return Bucket(tracker, seaweedfs)


def test_an_object_is_recorded_by_reference(bucket: Bucket, repo: Any) -> None:
    etag = bucket.put("data/train.csv", b"1,2,3")["ETag"].strip('"')
    (found,) = bucket.inputs(f"{bucket.url}/data/train.csv")
    assert found == DataFile(f"{bucket.url}/data/train.csv", "file", "", 5, stored=False, etag=etag)
    assert found.by_reference
    assert local_store(repo) == []


def test_an_object_of_a_bucket_with_versions(bucket: Bucket) -> None:
    bucket.server.client.put_bucket_versioning(
        Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"}
    )
    old = bucket.put("train.csv", b"old")["VersionId"]
    new = bucket.put("train.csv", b"newer")["VersionId"]
    url = f"{bucket.url}/train.csv"
    newest, older = bucket.inputs(url, f"{url}?versionId={old}")
    assert (newest.version, newest.size) == (new, 5)
    assert (older.version, older.size) == (old, 3)
    (copied,) = bucket.inputs(f"{url}?versionId={old}", copy_inputs=True)
    assert copied.size == 3


def test_an_object_is_copied(bucket: Bucket, repo: Any) -> None:
    body = os.urandom(3 << 20)
    etag = bucket.put("train.bin", body)["ETag"].strip('"')
    told: list[tuple[int, int]] = []
    (found,) = bucket.inputs(
        f"{bucket.url}/train.bin",
        copy_inputs=True,
        on_download=lambda done, size: told.append((done, size)),
    )
    (stored,) = local_store(repo)
    assert stored.read_bytes() == body
    assert found.digest == hash_path(stored).digest
    assert (found.stored, found.size, found.etag, found.problem) == (True, len(body), etag, "")
    assert told[-1] == (len(body), len(body))
    assert list((repo.path / ".git/runref/artifacts/tmp").iterdir()) == []


def test_a_folder_of_a_bucket_is_recorded_by_its_listing(bucket: Bucket) -> None:
    b = bucket.put("data/b.csv", b"22")["ETag"]
    a = bucket.put("data/sub/a.csv", b"1")["ETag"]
    bucket.put("data2/other.csv", b"333")
    (first,) = bucket.inputs(f"{bucket.url}/data/")
    assert (first.kind, first.files, first.size, first.stored) == ("directory", 2, 3, False)
    listing = f'["b.csv",{b},2]\n["sub/a.csv",{a},1]\n'
    assert first.etag == f"listing:{hashlib.sha256(listing.encode()).hexdigest()}"
    assert bucket.inputs(f"{bucket.url}/data/") == [first]
    bucket.put("data/b.csv", b"23")
    (second,) = bucket.inputs(f"{bucket.url}/data/")
    assert second.size == first.size
    assert second.etag != first.etag


def test_a_folder_of_a_bucket_is_copied(bucket: Bucket, repo: Any) -> None:
    for key in ("b.csv", "sub/a.csv", "sub/c.csv"):
        bucket.put(f"data/{key}", key.encode())
        repo.write(f"data/{key}", key)
    (found,) = bucket.inputs(f"{bucket.url}/data/", copy_inputs=True)
    assert found.digest == hash_path(repo.path / "data").digest
    assert (found.stored, found.files, found.kind) == (True, 3, "directory")


def test_a_folder_needs_its_slash(bucket: Bucket) -> None:
    bucket.put("data/b.csv", b"22")
    (found,) = bucket.inputs(f"{bucket.url}/data")
    assert f"{bucket.url}/data is a folder" in found.problem


@pytest.mark.parametrize("keys", [("x", "x/y"), ("a/../../b",), ("./a",)])
def test_names_that_no_folder_can_hold_are_refused(
    tracker: Any, moto: Any, keys: tuple[str, ...], tmp_path: Path
) -> None:
    bucket = Bucket(tracker, moto)
    for key in keys:
        bucket.put(f"data/{key}", b"1")
    (found,) = bucket.inputs(f"{bucket.url}/data/", copy_inputs=True)
    assert "cannot be a file in a folder" in found.problem
    assert not found.stored
    assert found.digest == ""


@pytest.mark.parametrize(
    ("path", "says"),
    [("nothing.csv", "does not exist"), ("none/", "there is nothing")],
)
def test_what_is_not_there_is_a_problem(bucket: Bucket, path: str, says: str) -> None:
    (found,) = bucket.inputs(f"{bucket.url}/{path}")
    assert says in found.problem
    assert (found.stored, found.by_reference) == (False, False)


def test_a_server_that_refuses_is_a_problem_without_the_secret(
    tracker: Any, seaweedfs: Any
) -> None:
    bucket = Bucket(tracker, seaweedfs)
    bucket.put("a.csv", b"1")
    options = seaweedfs.options(secret="not-the-secret-at-all")
    settings_of_clone(tracker.root, lab={"url": bucket.url, "options": options})
    (found,) = bucket.inputs(f"{bucket.url}/a.csv", copy_inputs=True)
    assert found.problem
    assert "not-the-secret-at-all" not in found.problem
    assert f"{bucket.url}/a.csv" in found.problem


def test_a_body_that_is_cut_short_is_no_content(
    tracker: Any, s3_proxy: Any, seaweedfs: Any, repo: Any
) -> None:
    from tests.servers.faults import CutBody

    bucket = Bucket(tracker, seaweedfs)
    bucket.put("a.bin", os.urandom(1 << 20))
    lab = {"url": bucket.url, "options": seaweedfs.options(endpoint_url=s3_proxy.url)}
    settings_of_clone(tracker.root, lab=lab)
    s3_proxy.rule = lambda call: CutBody(1000) if call.method == "GET" else None
    (found,) = bucket.inputs(f"{bucket.url}/a.bin", copy_inputs=True)
    assert found.problem
    assert not found.stored
    assert local_store(repo) == []


def test_a_server_that_cannot_be_reached_is_a_problem(tracker: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    options = {"endpoint_url": f"http://127.0.0.1:{port}", "key": "k", "secret": "s"}
    settings_of_clone(tracker.root, lab={"url": "s3://bucket", "options": options})
    request = {"url_options": functools.partial(options_for, tracker.project)}
    names = ("s3://bucket/a.csv", "nonsense://a/b", "s3://", "http://[a/b", "s3::zip://a/b")
    found = inputs(tracker, *names, **request)
    assert [bool(each.problem) for each in found] == [True] * len(names)
    assert "s3://bucket/a.csv does not answer" in found[0].problem


def test_a_driver_that_does_not_know_an_option_is_a_problem(tracker: Any) -> None:
    settings_of_clone(
        tracker.root, lab={"url": "s3://bucket", "options": {"client_kwargs.nonsense": 1}}
    )
    request = {"url_options": functools.partial(options_for, tracker.project)}
    (found,) = inputs(tracker, "s3://bucket/b.csv", **request)
    assert "nonsense" in found.problem


def test_a_server_that_says_nothing_is_given_up(
    tracker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urls, "_PATIENCE_FOR_OBJECT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        (found,) = inputs(tracker, f"http://127.0.0.1:{port}/a.csv")
    assert "nothing came for 0.2 s" in found.problem


def test_what_a_url_says_of_who_asks_is_not_recorded(tracker: Any, seaweedfs: Any) -> None:
    bucket = Bucket(tracker, seaweedfs)
    bucket.put("a.csv", b"1,2")
    signed = seaweedfs.client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket.name, "Key": "a.csv"}
    )
    (found,) = inputs(tracker, signed)
    signature = signed.partition("ignature=")[2].partition("&")[0]
    assert signature
    assert signature not in repr(found) + repr(tracker.told)
    (typed,) = inputs(tracker, "sftp://ada:hunter2@127.0.0.1:1/a.csv")
    assert typed.path == "sftp://127.0.0.1:1/a.csv"
    assert "hunter2" not in repr(typed) + repr(tracker.told)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server over a folder, without ETags."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_words: Any) -> None: ...

    folder = tmp_path / "web"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


def test_a_file_of_the_web(tracker: Any, web: tuple[str, Path]) -> None:
    url, folder = web
    (folder / "a.csv").write_text("1,2,3")
    (found,) = inputs(tracker, f"{url}/a.csv")
    assert found.etag.startswith("modified:")
    assert (found.size, found.stored) == (5, False)
    (copied,) = inputs(tracker, f"{url}/a.csv", copy_inputs=True)
    assert copied.digest == hash_path(folder / "a.csv").digest
    (refused,) = inputs(tracker, f"{url}/")
    assert "no folders" in refused.problem


def test_a_file_of_an_ssh_server(tracker: Any, sshd: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1,2,3")
    host = f"sftp://{sshd.user}@{sshd.host}:{sshd.port}"
    options = {"key_filename": str(sshd.id), "known_hosts": str(sshd.known_hosts)}
    settings_of_clone(tracker.root, lab={"url": f"{host}{tmp_path}/remote", "options": options})
    known = functools.partial(options_for, tracker.project)
    url = f"sftp://{sshd.host}:{sshd.port}{tmp_path}/data"
    (found,) = inputs(tracker, f"{url}/a.csv", url_options=known)
    assert (found.problem, found.size, found.etag[:9]) == ("", 5, "modified:")
    file, folder = inputs(tracker, f"{url}/a.csv", f"{url}/", url_options=known, copy_inputs=True)
    assert file.digest == hash_path(tmp_path / "data" / "a.csv").digest
    assert folder.digest == hash_path(tmp_path / "data").digest


def test_a_program_names_a_url_under_runref_run(
    bucket: Bucket, repo: Any, tracker: Any, tmp_path: Path
) -> None:
    """The child finds the options of the remote, in whatever folder it works and began."""
    copied = tmp_path / "copied"
    copied.mkdir()
    bucket.put("a.csv", b"1,2")
    program = (
        "import os, runref; run = runref.init(); os.chdir('/');"
        f"run.use_input('{bucket.url}/a.csv', copy=True); run.log(dict(x=1))"
    )
    words = [sys.executable, "-m", "runref", "run", "--store", str(repo.path), "--"]
    words += [sys.executable, "-c", program]
    subprocess.run(words, cwd=copied, check=True, capture_output=True)
    (run,) = tracker.project.index().newest()
    (found,) = run.record.inputs
    assert (found.problem, found.path, found.stored) == ("", f"{bucket.url}/a.csv", True)
