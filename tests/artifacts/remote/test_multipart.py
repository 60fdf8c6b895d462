from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from botocore.exceptions import ConnectionClosedError
from hypothesis import given
from hypothesis import strategies as st
from tests.artifacts.remote.large_files import PART, Large, Target, large
from tests.servers.faults import (
    SLOW_DOWN,
    Call,
    CutUpload,
    Fault,
    HangUpAfter,
    HangUpBefore,
    Refuse,
    harmless,
)
from tests.servers.proxy import Proxy
from tests.servers.rclone import Rclone
from tests.servers.seaweedfs import SeaweedFS

from runref.artifacts.artifact import ArtifactDamaged, ArtifactMissing
from runref.artifacts.remote.journal import claim
from runref.artifacts.remote.multipart import part_size, upload
from runref.artifacts.remote.parts import ObjectInParts

pytestmark = pytest.mark.slow

SENDER = Path(__file__).with_name("send_large.py")


@pytest.fixture(params=["seaweedfs", "moto", "rclone_s3"])
def target(request: pytest.FixtureRequest) -> Target:
    return Target(request.getfixturevalue(request.param))


@pytest.fixture
def seaweed_target(seaweedfs: SeaweedFS, s3_proxy: Proxy) -> Target:
    """A bucket of SeaweedFS that runref reaches through the proxy."""
    return Target(seaweedfs, s3_proxy.url)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where the machine remembers its uploads."""
    return tmp_path / "uploads"


@pytest.fixture
def file(tmp_path: Path) -> Large:
    return large(tmp_path, 3 * PART + 12345)


def send(target: Target, file: Large, notes: Path, digest: str | None = None) -> int:
    """Upload a file and return how many bytes were reported."""
    told: list[int] = []
    digest = digest or file.digest
    size = len(file.data)
    upload(target.fs, target.key_of(digest), file.path, digest, size, told.append, folder=notes)
    return sum(told)


def place_of(target: Target, digest: str) -> str:
    return ObjectInParts(target.fs, *target.fs.split_path(target.key_of(digest))[:2]).url


def remember(target: Target, file: Large, notes: Path, upload_id: str) -> None:
    """Leave behind what a killed process leaves that had begun an upload."""
    with claim(place_of(target, file.digest), notes) as own:
        assert own is not None
        own.remember(upload_id)


def part_of(call: Call) -> int:
    """Return which part a request sends; 0 for all other requests."""
    return int(parse_qs(call.query).get("partNumber", ["0"])[0]) if call.method == "PUT" else 0


def sent_parts(proxy: Proxy) -> list[int]:
    return sorted(filter(None, map(part_of, proxy.calls)))


def begun(proxy: Proxy) -> int:
    return sum(call.method == "POST" and "uploads" in call.query for call in proxy.calls)


def test_every_server_puts_the_parts_together(target: Target, file: Large, notes: Path) -> None:
    assert send(target, file, notes) == len(file.data)
    assert target.content(file.digest) == file.data
    assert target.uploads() == []
    assert list(notes.iterdir()) == []


def test_other_content_never_appears(target: Target, file: Large, notes: Path) -> None:
    with pytest.raises(ArtifactDamaged, match=file.path.name):
        send(target, file, notes, digest="sha256:" + "5" * 64)
    assert target.objects() == []
    assert target.uploads() == []


@pytest.mark.parametrize("changed", [-1, 1])
def test_a_file_that_is_not_as_long_as_it_was_never_appears(
    target: Target, file: Large, notes: Path, changed: int
) -> None:
    file.path.write_bytes((file.data + b"x")[: len(file.data) + changed])
    with pytest.raises(ArtifactDamaged):
        send(target, file, notes)
    assert target.objects() == []


def test_a_file_that_is_not_there_is_missing(target: Target, file: Large, notes: Path) -> None:
    file.path.unlink()
    with pytest.raises(ArtifactMissing, match=file.path.name):
        send(target, file, notes)


def test_parts_that_an_earlier_attempt_sent_are_compared(
    target: Target, file: Large, notes: Path
) -> None:
    first, *others = file.parts
    remember(target, file, notes, target.begin(file.digest, [os.urandom(len(first)), *others]))
    assert send(target, file, notes) == len(file.data)
    assert target.content(file.digest) == file.data
    assert target.uploads() == []


def test_an_upload_that_the_server_forgot_begins_anew(
    target: Target, file: Large, notes: Path
) -> None:
    upload_id = target.begin(file.digest, file.parts[:1])
    remember(target, file, notes, upload_id)
    target.client.abort_multipart_upload(**target.name_of(file.digest), UploadId=upload_id)
    send(target, file, notes)
    assert target.content(file.digest) == file.data


def test_what_another_process_is_at_is_left_alone(target: Target, file: Large, notes: Path) -> None:
    theirs = target.begin(file.digest, file.parts[:2])
    with claim(place_of(target, file.digest), notes) as own:
        assert own is not None
        own.remember(theirs)
        send(target, file, notes)
    assert target.content(file.digest) == file.data
    assert target.uploads() == [theirs]


def test_two_machines_send_the_same_at_once(target: Target, file: Large, notes: Path) -> None:
    with ThreadPoolExecutor() as executor:
        told = executor.map(lambda machine: send(target, file, notes / machine), "abc")
    assert list(told) == [len(file.data)] * 3
    assert target.content(file.digest) == file.data
    assert target.uploads() == []


def test_no_folder_to_remember_in_is_no_obstacle(target: Target, file: Large, notes: Path) -> None:
    notes.write_text("a file")
    assert send(target, file, notes) == len(file.data)
    assert target.content(file.digest) == file.data


def test_a_killed_upload_goes_on_where_it_ended(
    seaweed_target: Target, s3_proxy: Proxy, tmp_path: Path, notes: Path
) -> None:
    file = large(tmp_path, 6 * PART)
    killed = threading.Event()

    def rule(call: Call) -> Fault | None:
        if part_of(call) > 3:
            killed.wait()
            return HangUpBefore()
        return None

    s3_proxy.rule = rule
    target = seaweed_target
    child = subprocess.Popen(
        [sys.executable, SENDER, target.url, s3_proxy.url, target.options["key"],
         target.options["secret"], target.key_of(file.digest), file.path, file.digest, notes],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    with child:
        assert child.stdout is not None
        for _part in range(3):
            assert child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.wait()
        killed.set()
    assert target.objects() == []
    (upload_id,) = target.uploads()

    s3_proxy.rule = harmless
    s3_proxy.calls.clear()
    assert send(target, file, notes) == len(file.data)
    assert sent_parts(s3_proxy) == [4, 5, 6]
    assert target.content(file.digest) == file.data
    assert target.uploads() == []
    assert upload_id


def test_an_attempt_in_the_same_process_goes_on_too(
    seaweed_target: Target, s3_proxy: Proxy, file: Large, notes: Path
) -> None:
    s3_proxy.rule = lambda call: SLOW_DOWN if part_of(call) == 4 else None
    with pytest.raises(OSError, match="Refused by the proxy"):
        send(seaweed_target, file, notes)
    s3_proxy.rule = harmless
    s3_proxy.calls.clear()
    assert send(seaweed_target, file, notes) == len(file.data)
    assert 4 in sent_parts(s3_proxy)
    assert begun(s3_proxy) == 0
    assert seaweed_target.content(file.digest) == file.data


@pytest.mark.parametrize("fault", [HangUpBefore(), HangUpAfter(), SLOW_DOWN, CutUpload(100_000)])
def test_a_part_that_fails_once_is_sent_again_alone(
    seaweed_target: Target, s3_proxy: Proxy, file: Large, notes: Path, fault: Fault
) -> None:
    s3_proxy.rule = lambda call: fault if part_of(call) == 2 and call.nth == 1 else None
    assert send(seaweed_target, file, notes) == len(file.data)
    assert sent_parts(s3_proxy) == [1, 2, 2, 3, 4]
    assert begun(s3_proxy) == 1
    assert seaweed_target.content(file.digest) == file.data


def test_a_refusal_is_not_asked_again(
    seaweed_target: Target, s3_proxy: Proxy, file: Large, notes: Path
) -> None:
    s3_proxy.rule = lambda call: Refuse(403, "AccessDenied") if part_of(call) == 2 else None
    with pytest.raises(PermissionError):
        send(seaweed_target, file, notes)
    assert sent_parts(s3_proxy).count(2) == 1
    assert seaweed_target.objects() == []


@pytest.mark.parametrize("code", ["NotImplemented", "AccessDenied"])
def test_where_parts_cannot_be_listed_an_upload_begins_anew(
    seaweed_target: Target, s3_proxy: Proxy, file: Large, notes: Path, code: str
) -> None:
    remember(seaweed_target, file, notes, seaweed_target.begin(file.digest, file.parts[:1]))

    def rule(call: Call) -> Fault | None:
        lists = call.method == "GET" and "uploadId" in call.query
        return Refuse(501 if code == "NotImplemented" else 403, code) if lists else None

    s3_proxy.rule = rule
    send(seaweed_target, file, notes)
    assert begun(s3_proxy) == 1
    assert seaweed_target.content(file.digest) == file.data


def test_an_upload_that_is_dropped_on_the_way_begins_anew(
    seaweed_target: Target, s3_proxy: Proxy, file: Large, notes: Path
) -> None:
    name = seaweed_target.name_of(file.digest)

    def rule(call: Call) -> Fault | None:
        if part_of(call) == 3 and begun(s3_proxy) == 1:
            for upload_id in seaweed_target.uploads():
                seaweed_target.client.abort_multipart_upload(**name, UploadId=upload_id)
        return None

    s3_proxy.rule = rule
    assert send(seaweed_target, file, notes) == len(file.data)
    assert begun(s3_proxy) == 2
    assert seaweed_target.content(file.digest) == file.data


def test_after_a_lost_answer_to_the_completion_it_is_sent_again(
    seaweed_target: Target, s3_proxy: Proxy, file: Large, notes: Path
) -> None:
    def rule(call: Call) -> Fault | None:
        completes = call.method == "POST" and "uploadId" in call.query
        return HangUpAfter() if completes and call.nth == 1 else None

    s3_proxy.rule = rule
    with pytest.raises(ConnectionClosedError):
        send(seaweed_target, file, notes)
    assert seaweed_target.content(file.digest) == file.data
    s3_proxy.rule = harmless
    assert send(seaweed_target, file, notes) == len(file.data)
    assert seaweed_target.content(file.digest) == file.data
    assert seaweed_target.uploads() == []


@pytest.fixture
def rclone_proxy(rclone_s3: Rclone) -> Iterator[Proxy]:
    with Proxy(rclone_s3.url) as proxy:
        yield proxy


def test_a_server_that_drops_an_upload_for_a_part_that_was_cut_off(
    rclone_s3: Rclone, rclone_proxy: Proxy, file: Large, notes: Path
) -> None:
    target = Target(rclone_s3, rclone_proxy.url)
    cut = CutUpload(100_000)
    rclone_proxy.rule = lambda call: cut if part_of(call) == 2 and call.nth == 1 else None
    assert send(target, file, notes) == len(file.data)
    assert target.content(file.digest) == file.data


def test_memory_does_not_grow_with_the_file(
    seaweedfs: SeaweedFS, tmp_path: Path, notes: Path
) -> None:
    target = Target(seaweedfs)
    file = large(tmp_path, 40 * PART)
    child = subprocess.run(
        [sys.executable, SENDER, target.url, seaweedfs.url, seaweedfs.key, seaweedfs.secret,
         target.key_of(file.digest), file.path, file.digest, notes],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    peak = int(child.stdout.split()[-1]) << 10
    assert peak < 300 << 20
    assert peak < len(file.data)


@given(st.integers(1, 5 << 40))
def test_parts_are_as_many_and_as_large_as_s3_allows(size: int) -> None:
    part = part_size(size)
    assert 5 << 20 <= part <= 5 << 30
    assert -(-size // part) <= 10_000
    assert part - (1 << 20) < max(PART, size / 10_000)
