"""Servers that fail and networks that break: what is moved is whole, or there is an error."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.servers.faults import (
    INTERNAL_ERROR,
    SLOW_DOWN,
    CutBody,
    CutUpload,
    Delay,
    Fault,
    HangUpAfter,
    HangUpBefore,
    Refuse,
    ShortBody,
)
from tests.servers.moto import Moto
from tests.servers.proxy import Proxy
from tests.servers.seaweedfs import SeaweedFS

from runref.artifacts import ArtifactDamaged, LocalStore
from runref.artifacts.remote.location import open_remote
from runref.artifacts.remote.retrying import Retrying
from runref.artifacts.remote.store import RemoteStore, RemoteUnreachable
from runref.artifacts.remote.verified import Verified
from runref.artifacts.transfer.fetch import fetch
from runref.artifacts.transfer.push import push
from runref.artifacts.transfer.wanted import Wanted
from runref.errors import RunrefError

from .lab import AT_ONCE, Anything, First, Lab, digest_of, noise, read

pytestmark = pytest.mark.slow

SMALL, LARGE = 100_000, 18_000_000  # one request; three parts
IMPATIENT = {"config_kwargs": {"read_timeout": 1}}
LATE = Delay(2)

WRITES = [
    HangUpBefore(),
    HangUpAfter(),
    CutUpload(0),
    CutUpload(50_000),
    INTERNAL_ERROR,
    SLOW_DOWN,
    Refuse(429, "TooManyRequests"),
    LATE,
]
READS = [
    HangUpBefore(),
    HangUpAfter(),
    CutBody(0),
    CutBody(50_000),
    ShortBody(50_000),
    INTERNAL_ERROR,
    SLOW_DOWN,
    LATE,
]
SILENT = HangUpBefore | HangUpAfter | CutUpload
"""Faults after which the HTTP library asks once more by itself, and the client for parts too."""


@pytest.fixture
def lab(seaweedfs: SeaweedFS) -> Iterator[Lab]:
    with Proxy(seaweedfs.url) as proxy:
        yield Lab(seaweedfs, proxy, seaweedfs.new_bucket())


def first(method: str, fault: Fault, size: int) -> First:
    """Return the rule for a fault, so many times that it takes another attempt of runref."""
    # A large content is read in pieces, and their requests differ in a header only.
    pieces = 5 if (method, size) == ("GET", LARGE) else 1
    return First(method, fault, times=pieces * (4 if isinstance(fault, SILENT) else 2))


# ---------------------------------------------------------------------------- what passes


@pytest.mark.parametrize("fault", WRITES, ids=str)
@pytest.mark.parametrize(("method", "size"), [("PUT", SMALL), ("PUT", LARGE), ("POST", LARGE)])
def test_what_is_written_through_a_fault_is_whole(
    lab: Lab, tmp_path: Path, method: str, size: int, fault: Fault
) -> None:
    digest, path = noise(tmp_path, size)
    lab.proxy.rule = rule = first(method, fault, size)
    reported: list[int] = []

    lab.store(**IMPATIENT).write(digest, path, on_bytes=reported.append)

    assert rule.hits > 1
    assert lab.told
    assert lab.visible() == {digest}
    assert sum(reported) == size


@pytest.mark.parametrize(
    ("method", "size", "fault"),
    [
        *itertools.product(["GET"], [SMALL, LARGE], READS),
        *(("HEAD", SMALL, each) for each in READS if not isinstance(each, CutBody | ShortBody)),
    ],
    ids=str,
)
def test_what_is_read_through_a_fault_is_whole(
    lab: Lab, tmp_path: Path, method: str, size: int, fault: Fault
) -> None:
    digest, path = noise(tmp_path, size)
    lab.past_the_proxy().write(digest, path)
    lab.proxy.rule = rule = first(method, fault, size)
    known = None if method == "HEAD" else size

    assert read(Verified(lab.store(**IMPATIENT)), digest, known) == path.read_bytes()

    assert rule.hits > 1
    assert lab.told


def test_a_read_that_broke_goes_on_where_it_was(lab: Lab, tmp_path: Path) -> None:
    digest, path = noise(tmp_path, LARGE)
    lab.past_the_proxy().write(digest, path)
    lab.proxy.rule = First("GET", CutBody(1000))
    received: list[bytes] = []

    lab.store().read(digest, received.append, size=LARGE)

    assert b"".join(received) == path.read_bytes()
    # Of the pieces, the first came twice at the most: those before the break are not asked for.
    pieces = [call.headers["range"] for call in lab.proxy.calls if call.method == "GET"]
    assert set(lab.told) == {"remote-interrupted"}
    assert len(pieces) > len(set(pieces))


@pytest.mark.parametrize("seed", range(4))
def test_a_push_and_a_fetch_through_any_faults(lab: Lab, tmp_path: Path, seed: int) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for number in range(40):
        (data / f"{number}").write_bytes(os.urandom(3000 + number))
    (data / "large").write_bytes(os.urandom(LARGE))
    here, there = LocalStore(tmp_path / "here"), LocalStore(tmp_path / "there")
    artifact = here.add(data)
    wanted = [Wanted(artifact.digest, artifact.kind, artifact.size)]
    store = lab.store(**IMPATIENT)

    lab.proxy.rule = pushing = Anything([*WRITES[:-1], *READS[:-1]], seed)
    pushed = push(here, store, wanted, concurrency=4)
    lab.proxy.rule = fetching = Anything(READS, seed)
    fetched = fetch(there, [store], wanted, concurrency=4)

    assert pushed.is_complete, pushed
    assert fetched.is_complete, fetched
    assert pushing.hits > 10
    assert fetching.hits > 10
    assert len(lab.told) > 10
    assert len(lab.visible()) == pushed.sent == fetched.received == 42
    there.restore(artifact.digest, "directory", tmp_path / "again")
    assert here.hash(tmp_path / "again").digest == artifact.digest


@pytest.mark.parametrize("fault", [HangUpBefore(), INTERNAL_ERROR, SLOW_DOWN], ids=str)
def test_what_does_not_pass_is_an_error_in_the_end(lab: Lab, tmp_path: Path, fault: Fault) -> None:
    lab.proxy.rule = lambda call: fault
    digest, path = noise(tmp_path, SMALL)
    with pytest.raises(RemoteUnreachable, match="lab"):
        lab.store().write(digest, path)
    assert lab.told == ["remote-unreachable"] * (AT_ONCE.attempts - 1)
    assert lab.visible() == set()


# ---------------------------------------------------------------------------- what never will

Ask = Callable[[RemoteStore, str, Path], object]
REQUESTS: dict[str, Ask] = {
    "present": lambda store, digest, path: store.present([digest]),
    "read": lambda store, digest, path: read(store, digest),
    "write": lambda store, digest, path: store.write(digest, path),
    "contents": lambda store, digest, path: list(store.contents()),
    "note": lambda store, digest, path: store.write_note("claims/a", b"note"),
}


def refused(lab: Lab, folder: Path, request: str, *, size: int = SMALL, **options: Any) -> str:
    """Return the code of the error of a request, after which there is no other attempt."""
    digest, path = noise(folder, size)
    with pytest.raises(RunrefError, match="lab") as caught:
        REQUESTS[request](lab.store(**options), digest, path)
    assert caught.value.hint
    assert lab.server.secret not in str(caught.value)
    assert lab.told == []
    assert lab.visible() == set()
    return caught.value.code


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_wrong_secret(lab: Lab, tmp_path: Path, request_: str) -> None:
    assert refused(lab, tmp_path, request_, secret="wrong") == "remote-refused"


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_key_that_nobody_knows(lab: Lab, tmp_path: Path, request_: str) -> None:
    assert refused(lab, tmp_path, request_, key="nobody") == "remote-refused"


@pytest.mark.parametrize("request_", REQUESTS)
def test_an_expired_token(lab: Lab, tmp_path: Path, request_: str) -> None:
    lab.proxy.rule = lambda call: Refuse(400, "ExpiredToken")
    assert refused(lab, tmp_path, request_, token="old") == "remote-refused"


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_bucket_that_does_not_exist(moto: Moto, tmp_path: Path, request_: str) -> None:
    # SeaweedFS would make the bucket when it is first written to.
    with Proxy(moto.url) as proxy:
        lab = Lab(moto, proxy, moto.new_bucket())
        assert refused(lab, tmp_path, request_, bucket="no-such-bucket") == "remote-absent"


@pytest.mark.parametrize(("request_", "size"), [("write", SMALL), ("write", LARGE), ("note", 0)])
def test_a_key_that_may_only_read(lab: Lab, tmp_path: Path, request_: str, size: int) -> None:
    reader = {"key": lab.server.readonly_key, "secret": lab.server.readonly_secret}
    assert refused(lab, tmp_path, request_, size=size, **reader) == "remote-refused"


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize(
    "answer", [Refuse(507, "InsufficientStorage"), Refuse(507, "XMinioStorageFull")], ids=str
)
def test_a_server_that_says_it_is_full(lab: Lab, tmp_path: Path, size: int, answer: Fault) -> None:
    lab.proxy.rule = lambda call: answer if call.method in {"PUT", "POST"} else None
    assert refused(lab, tmp_path, "write", size=size) == "remote-full"


def test_a_push_ends_at_the_first_refusal(lab: Lab, tmp_path: Path) -> None:
    local = LocalStore(tmp_path / "local")
    wanted = []
    for number in range(50):
        (tmp_path / "file").write_bytes(b"%d" % number)
        artifact = local.add(tmp_path / "file")
        wanted.append(Wanted(artifact.digest, artifact.kind, artifact.size))
    lab.proxy.rule = lambda call: Refuse(507, "XMinioStorageFull") if call.method == "PUT" else None

    pushed = push(local, lab.store(), wanted, concurrency=4)

    assert pushed.ended_by is not None
    assert pushed.ended_by.code == "remote-full"
    assert lab.proxy.count("PUT") <= 8
    assert lab.told == []


# ---------------------------------------------------------------------------- full disks


@pytest.mark.parametrize("size", [5_000_000, 9_000_000])
def test_a_full_disk_of_this_machine(make_disk, tmp_path: Path, size: int) -> None:
    disk = make_disk("4m")
    told: list[str] = []
    bare = open_remote(str(disk.path / "remote"), name="lab")
    store = Retrying(bare, AT_ONCE, lambda what, *_: told.append(what))
    digest, path = noise(tmp_path, size)

    with pytest.raises(RunrefError, match="lab") as caught:
        store.write(digest, path)

    assert caught.value.code == "remote-full"
    assert told == []
    assert [each for each in disk.path.rglob("*") if each.is_file()] == []
    disk.resize("20m")
    store.write(digest, path)
    assert read(Verified(store), digest) == path.read_bytes()


def test_a_full_disk_of_a_server_that_does_not_say_so(make_disk, tmp_path: Path) -> None:
    """SeaweedFS tells of an internal error. What is there is whole, and room is all it takes."""
    disk = make_disk("40m")
    files = dict(noise(tmp_path, 6_000_000 + number) for number in range(9))

    def write_all(store: RemoteStore) -> None:
        for digest, path in files.items():
            store.write(digest, path)

    with SeaweedFS(disk.path / "server") as server, Proxy(server.url) as proxy:
        lab = Lab(server, proxy, server.new_bucket())
        with pytest.raises(RunrefError, match="lab"):
            write_all(lab.bare())
        assert lab.visible() < files.keys()

        disk.resize("200m")
        write_all(lab.store())
        assert lab.visible() == files.keys()


# ---------------------------------------------------------------------------- damage


@pytest.mark.parametrize("size", [1, SMALL, LARGE])
def test_a_flipped_bit_on_the_remote_is_found_and_named(
    lab: Lab, tmp_path: Path, size: int
) -> None:
    digest, path = noise(tmp_path, size)
    store = Verified(lab.store())
    store.write(digest, path)
    lab.damage(digest)
    with pytest.raises(ArtifactDamaged, match="lab") as caught:
        read(store, digest)
    assert digest in caught.value.message
    assert lab.told == []  # it would come back the same


@pytest.mark.parametrize("size", [1, SMALL, LARGE])
def test_a_flipped_bit_on_the_remote_is_mended_by_a_push_that_verifies(
    lab: Lab, tmp_path: Path, size: int
) -> None:
    digest, path = noise(tmp_path, size)
    local = LocalStore(tmp_path / "local")
    local.add(path)
    wanted = [Wanted(digest, "file", size)]
    push(local, lab.store(), wanted)
    lab.damage(digest)

    assert push(local, lab.store(), wanted).already == 1  # only the size was asked for
    mended = push(local, lab.store(), wanted, verify=True)

    assert (mended.sent, mended.replaced, mended.is_complete) == (1, (digest,), True)
    assert lab.visible() == {digest}


def test_a_flipped_bit_is_fetched_again_from_another_remote(lab: Lab, tmp_path: Path) -> None:
    digest, path = noise(tmp_path, SMALL)
    attic = open_remote(str(tmp_path / "attic"), name="attic")
    for store in (lab.store(), attic):
        store.write(digest, path)
    lab.damage(digest)
    local = LocalStore(tmp_path / "local")
    wanted = [Wanted(digest, "file", SMALL)]

    alone = fetch(local, [lab.store()], wanted)
    assert alone.missing == (digest,)
    assert not local.contains(digest)

    both = fetch(local, [lab.store(), attic], wanted)
    assert both.is_complete
    assert [(each.digest, each.remote) for each in both.damaged] == [(digest, "lab")]
    with local.open(digest) as file:
        assert digest_of(file.read()) == digest
