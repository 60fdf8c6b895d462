from __future__ import annotations

import time

import pytest
from tests.artifacts.remote.large_files import PART, Target

from runref.artifacts.remote.parts import ObjectInParts
from runref.artifacts.remote.unfinished import Abandoned, abandoned, abort

pytestmark = pytest.mark.slow

DIGEST = "sha256:" + "ab" * 32
FAR = 10**6


@pytest.fixture(params=["seaweedfs", "moto", "rclone_s3"])
def target(request: pytest.FixtureRequest) -> Target:
    return Target(request.getfixturevalue(request.param))


def begin(target: Target, digest: str = DIGEST) -> str:
    return target.begin(digest, [b"a" * PART, b"end"])


def keeps_parts(target: Target, upload_id: str) -> bool:
    key = target.name_of(DIGEST)["Key"]
    return ObjectInParts(target.fs, target.bucket, key).parts(upload_id) is not None


def test_only_what_got_no_part_for_long_is_abandoned(target: Target) -> None:
    upload_id = begin(target)
    now = time.time()
    assert list(abandoned(target.fs, target.root, now - FAR)) == []
    key = target.name_of(DIGEST)["Key"]
    found = list(abandoned(target.fs, target.root, now + FAR))
    assert found == [Abandoned(key, upload_id, PART + 3)]


def test_what_is_abandoned_can_be_dropped_more_than_once(target: Target) -> None:
    upload_id = begin(target)
    found = list(abandoned(target.fs, target.root, time.time() + FAR))
    for _again in range(2):
        abort(target.fs, target.root, found)
        assert target.uploads() == []
    assert not keeps_parts(target, upload_id)


def test_others_of_the_bucket_are_left_alone(target: Target) -> None:
    upload_id = begin(target)
    assert list(abandoned(target.fs, f"{target.bucket}/la", time.time() + FAR)) == []
    assert list(abandoned(target.fs, target.bucket, time.time() + FAR)) == []
    assert target.uploads() == [upload_id]


def test_all_pages_are_read(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = [f"sha256:{number:064x}" for number in range(3)]
    for digest in digests:
        begin(target, digest)
    call_s3 = target.fs.call_s3

    def one_by_one(operation: str, **request: object) -> object:
        most = {"list_multipart_uploads": "MaxUploads", "list_parts": "MaxParts"}
        limit = {most[operation]: 1} if operation in most else {}
        return call_s3(operation, **request, **limit)

    monkeypatch.setattr(target.fs, "call_s3", one_by_one)
    found = list(abandoned(target.fs, target.root, time.time() + FAR))
    expected = [target.name_of(each)["Key"] for each in digests]
    assert sorted(each.key for each in found) == expected
    assert {each.size for each in found} == {PART + 3}
