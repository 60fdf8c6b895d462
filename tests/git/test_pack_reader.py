"""Packs from elsewhere: what `PackFile` writes comes through, and nothing else does."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runref.git.format import FILE, FORMATS, TreeEntry, encode_tree
from runref.git.objects import ObjectStore
from runref.git.pack_file import PackFile, pack_header
from runref.git.pack_reader import PackLimits, PackReader, PackRefused

SHA1 = FORMATS["sha1"]
LIMITS = PackLimits()


def pack_of(bodies: dict[str, tuple[str, bytes]], name: str = "sha1") -> bytes:
    with tempfile.TemporaryFile() as file:
        pack = PackFile(file.fileno(), FORMATS[name])
        for oid, (kind, body) in bodies.items():
            pack.add(oid, kind, body)
        pack.complete()
        file.seek(0)
        return file.read()


def named(*objects: tuple[str, bytes], name: str = "sha1") -> dict[str, tuple[str, bytes]]:
    return {FORMATS[name].oid(kind, body): (kind, body) for kind, body in objects}


def receive(data: bytes, folder: Path, limits: PackLimits = LIMITS, name: str = "sha1"):
    reader = PackReader(io.BytesIO(data).read, len(data), FORMATS[name], limits)
    reader.receive(str(folder))
    return reader


def sealed(body: bytes) -> bytes:
    """Give the bytes of a pack the checksum that makes them one."""
    return body + hashlib.sha1(body).digest()


def entry(number: int, declared: int, body: bytes) -> bytes:
    header = bytearray([number << 4 | declared & 15])
    declared >>= 4
    while declared:
        header[-1] |= 0x80
        header.append(declared & 0x7F)
        declared >>= 7
    return bytes(header) + zlib.compress(body)


@pytest.mark.parametrize("name", ["sha1", "sha256"])
@settings(max_examples=30)
@given(bodies=st.lists(st.binary(max_size=3000), unique=True, max_size=12))
def test_what_was_written_comes_through(bodies, name):
    objects = named(*(("blob", body) for body in bodies), name=name)
    with tempfile.TemporaryDirectory() as folder:
        reader = receive(pack_of(objects, name), Path(folder), name=name)
        store = ObjectStore(folder, FORMATS[name])
        assert {oid: store.read(oid) for oid in reader.objects} == objects
        assert {oid: held.size for oid, held in reader.objects.items()} == {
            oid: len(body) for oid, (_, body) in objects.items()
        }


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_git_takes_the_pack_and_its_index(tmp_path, make_repo, name):
    repo = make_repo("r", f"--object-format={name}")
    large = b"".join(
        hashlib.sha256(bytes([each % 256, each >> 8])).digest() for each in range(9000)
    )
    objects = named(("blob", large), ("blob", b""), ("tree", b""), name=name)
    receive(pack_of(objects, name), repo.path / ".git/objects", name=name)
    (pack,) = (repo.path / ".git/objects/pack").glob("*.idx")
    repo.git("verify-pack", str(pack))
    for oid, (kind, body) in objects.items():
        assert repo.git("cat-file", "-t", oid) == kind
        assert int(repo.git("cat-file", "-s", oid)) == len(body)


def test_no_cut_and_no_flipped_bit_gets_through(tmp_path):
    data = pack_of(named(("blob", b"some text" * 20), ("blob", b"other")))
    for end in range(len(data)):
        with pytest.raises(PackRefused):
            receive(data[:end], tmp_path)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x10
        with pytest.raises(PackRefused):
            receive(bytes(changed), tmp_path)
    with pytest.raises(PackRefused, match="follows its end"):
        receive(data + b"\0", tmp_path)
    assert not any((tmp_path / "pack").iterdir()), "nothing is left of what was refused"


HOSTILE = {
    "an object that unpacks to more than it declares": (entry(3, 5, b"x" * 6), "not as large"),
    "an object that unpacks to less": (entry(3, 7, b"x" * 6), "not as large"),
    "a bomb that declares little": (entry(3, 5, bytes(100_000_000)), "not as large"),
    "a size beyond the limit": (entry(3, 1 << 40, b"x"), "declares a blob"),
    "a size without an end": (b"\xbf" + b"\xff" * 20 + zlib.compress(b"x"), "makes no sense"),
    "a list of a million names": (
        entry(2, 33_000_000, b""),
        "declares a tree of 33,000,000 bytes",
    ),
    "a delta against an offset": (entry(6, 4, b"x"), "delta"),
    "a delta against a name": (entry(7, 4, b"x"), "delta"),
    "an object of no kind": (entry(5, 1, b"x"), "delta, or no object"),
    "bytes that are not packed": (b"\x31xxxxxxxxxxxx", "cannot be unpacked"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_made_to_do_harm_is_refused(tmp_path, case):
    body, message = HOSTILE[case]
    with pytest.raises(PackRefused, match=message):
        receive(sealed(pack_header(1) + body), tmp_path)


def test_objects_that_unpack_to_far_too_much_together(tmp_path):
    size = 1 << 20
    bomb = b"".join(entry(3, size, bytes([each]) * size) for each in range(17))
    data = sealed(pack_header(17) + bomb)
    with pytest.raises(PackRefused, match="far more"):
        receive(data, tmp_path, PackLimits(ratio=2, base=16 << 20))


def test_one_object_twice(tmp_path):
    with pytest.raises(PackRefused, match="twice"):
        receive(sealed(pack_header(2) + entry(3, 1, b"x") * 2), tmp_path)


def test_a_count_that_lies(tmp_path):
    for count in (0, 2, 1_000_000_000):
        with pytest.raises(PackRefused):
            receive(sealed(pack_header(count) + entry(3, 1, b"x")), tmp_path)


def test_a_pack_of_git_without_deltas_comes_through(tmp_path, repo):
    names = repo.git("rev-list", "--objects", "--all", "--no-object-names")
    command = ["git", "pack-objects", "--stdout", "--window=0", "-q"]
    data = subprocess.run(
        command, cwd=repo.path, input=names.encode(), capture_output=True, check=True
    ).stdout
    assert receive(data, tmp_path).objects.keys() == set(names.split())


def test_trees_are_told_from_files(tmp_path):
    blob = SHA1.oid("blob", b"x")
    tree = encode_tree([TreeEntry(b"a", FILE, blob)])
    reader = receive(pack_of(named(("blob", b"x"), ("tree", tree))), tmp_path)
    assert sorted(held.kind for held in reader.objects.values()) == ["blob", "tree"]


@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(0, 300_000), max_size=5), noise=st.binary(min_size=1, max_size=40)
)
def test_objects_that_pack_well_and_badly_come_through(sizes, noise):
    objects = named(*(("blob", (noise * (size // len(noise) + 1))[:size]) for size in sizes))
    with tempfile.TemporaryDirectory() as folder:
        receive(pack_of(objects), Path(folder))
        store = ObjectStore(folder, SHA1)
        assert {oid: store.read(oid) for oid in objects} == objects
