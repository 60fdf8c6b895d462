"""Bundles that are damaged, or made to do harm: each is refused and named, and changes nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bundle.forging import Forge, join

from runref.bundle.container import encode_header
from runref.git.format import EXECUTABLE, FILE, SYMLINK, TREE, TreeEntry, encode_tree

pytestmark = pytest.mark.slow  # `make check` is for all day

Case = Callable[[Forge, Path], Path]
CASES: dict[str, tuple[Case, str]] = {}


def case(message: str) -> Callable[[Case], Case]:
    def register(make: Case) -> Case:
        CASES[make.__name__.replace("_", " ")] = (make, message)
        return make

    return register


def with_member(forge: Forge, path: Path, info: tarfile.TarInfo, data: bytes = b"") -> Path:
    """Put something between the records and the artifacts."""
    manifest = forge.described()
    members = list(forge.members(manifest).items())
    head = join(manifest.seconds, dict(members[:2]))[:-1024]
    rest = join(manifest.seconds, dict(members[2:]))
    path.write_bytes(head + info.tobuf(tarfile.GNU_FORMAT) + data + rest)
    return path


def link(name: str, kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@case("is a symbolic link, where a plain file should be")
def a_symbolic_link(forge: Forge, path: Path) -> Path:
    return with_member(forge, path, link("sha256", tarfile.SYMTYPE, "/etc"))


@case("is a hard link, where a plain file should be")
def a_hard_link(forge: Forge, path: Path) -> Path:
    return with_member(forge, path, link("sha256/aa", tarfile.LNKTYPE, "/etc/passwd"))


@case("is a device")
def a_device(forge: Forge, path: Path) -> Path:
    return with_member(forge, path, link("sda", tarfile.CHRTYPE, ""))


@case("is an extended header")
def a_name_in_an_extended_header(forge: Forge, path: Path) -> Path:
    return with_member(forge, path, link("x", tarfile.XHDTYPE, ""))


@case("'../../escape' stands where sha256/")
def a_path_that_leads_out(forge: Forge, path: Path) -> Path:
    return with_member(forge, path, tarfile.TarInfo("../../escape"))


@case("'/etc/cron.d/x' stands where sha256/")
def an_absolute_path(forge: Forge, path: Path) -> Path:
    return with_member(forge, path, tarfile.TarInfo("/etc/cron.d/x"))


@case("'records.pack' stands where sha256/")
def a_file_twice(forge: Forge, path: Path) -> Path:
    return with_member(forge, path, tarfile.TarInfo("records.pack"))


@case("is in it, and not in its manifest")
def a_file_that_the_manifest_does_not_name(forge: Forge, path: Path) -> Path:
    manifest = forge.described()
    return forge.save(path, {**forge.members(manifest), "more": b"x"})


@case("something stands behind its end")
def bytes_behind_the_end(forge: Forge, path: Path) -> Path:
    path.write_bytes(forge.save(path).read_bytes() + b"x")
    return path


@case("has another SHA-256 than its manifest says")
def an_artifact_with_other_bytes(forge: Forge, path: Path) -> Path:
    digest = min(forge.artifacts)
    forge.artifacts[digest] = b"y" * len(forge.artifacts[digest])
    return forge.save(path)


@case("has 6 bytes, and 5 by its manifest")
def a_size_in_the_tar_that_lies(forge: Forge, path: Path) -> Path:
    digest = min(forge.artifacts)
    forge.artifacts[digest] = b"123456"
    sizes = {**forge.described().artifacts, digest: 5}
    forge.adjust = lambda manifest: replace(manifest, artifacts=sizes)
    return forge.save(path)


@case("the bundle holds 9,000,000,000,0")
def a_size_beyond_the_disk(forge: Forge, path: Path) -> Path:
    digest = min(forge.artifacts)
    sizes = {**forge.described().artifacts, digest: 9 * 10**15}
    forge.adjust = lambda manifest: replace(manifest, artifacts=sizes)
    manifest = forge.described()
    members = forge.members(manifest)
    data = join(0, {name: members[name] for name in ("MANIFEST", "records.pack")})[:-1024]
    path.write_bytes(data + encode_header(f"sha256/{digest[7:9]}/{digest[9:]}", 9 * 10**15, 0))
    return path


@case("records.pack has another SHA-256|the checksum|checksum")
def records_with_other_bytes(forge: Forge, path: Path) -> Path:
    manifest = forge.described()
    members = forge.members(manifest)
    pack = bytearray(members["records.pack"])
    pack[40] ^= 1
    return forge.save(path, {**members, "records.pack": bytes(pack)})


@case("it declares a blob of 1,099,511,627,776 bytes")
def an_object_that_declares_a_terabyte(forge: Forge, path: Path) -> Path:
    body = b"PACK\0\0\0\x02\0\0\0\x01" + b"\xb0" + b"\x80" * 4 + b"\x80\x02" + zlib.compress(b"")
    pack = body + hashlib.sha1(body).digest()
    forge.pack = lambda: pack  # type: ignore[method-assign]
    return forge.save(path)


@case("its list of names|declares a tree")
def a_tree_of_a_million_entries(forge: Forge, path: Path) -> Path:
    (folder, *_) = forge.paths().values()
    blob = bytes.fromhex(forge.write("blob", b"x"))
    body = b"".join(b"100644 f%07d\0" % each + blob for each in range(1_000_000))
    forge.put(f"{folder}/code", "tree", body, TREE)
    return forge.save(path)


@case("more than 1,000,000 paths")
def few_trees_that_unfold_to_billions(forge: Forge, path: Path) -> Path:
    (folder, *_) = forge.paths().values()
    body = encode_tree([TreeEntry(b"x", FILE, forge.write("blob", b"x"))])
    for _ in range(12):
        tree = forge.write("tree", body)
        body = encode_tree([TreeEntry(b"%d" % each, TREE, tree) for each in range(10)])
    forge.put(f"{folder}/code", "tree", body, TREE)
    return forge.save(path)


@case("it holds the name")
def a_snapshot_that_writes_hooks(forge: Forge, path: Path) -> Path:
    (folder, *_) = forge.paths().values()
    forge.put(f"{folder}/code/.git/hooks/post-checkout", "blob", b"#!/bin/sh", EXECUTABLE)
    return forge.save(path)


@case("it holds the name")
def a_snapshot_that_leads_out(forge: Forge, path: Path) -> Path:
    (folder, *_) = forge.paths().values()
    forge.put(f"{folder}/code/../../escape", "blob", b"x")
    return forge.save(path)


@case("no record of a run holds this")
def a_link_in_the_place_of_a_record(forge: Forge, path: Path) -> Path:
    (folder, *_) = forge.paths().values()
    forge.put(f"{folder}/run.yaml", "blob", b"/etc/passwd", SYMLINK)
    return forge.save(path)


@case("its record claims to be run")
def a_record_that_claims_another_id(forge: Forge, path: Path) -> Path:
    (_, one), (_, other), *_ = forge.paths().items()
    document = forge.read(f"{other}/run.yaml")
    forge.put(f"{one}/run.yaml", "blob", document)
    return forge.save(path)


@case("alias|anchor")
def a_record_with_aliases(forge: Forge, path: Path) -> Path:
    (folder, *_) = forge.paths().values()
    document = forge.read(f"{folder}/run.yaml")
    laughs = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    forge.put(f"{folder}/run.yaml", "blob", document + laughs)
    return forge.save(path)


@case("no run with this id belongs there|nothing like this belongs there")
def a_run_in_the_wrong_place(forge: Forge, path: Path) -> Path:
    run_id, folder = next(iter(forge.paths().items()))
    tree = forge.entries(forge.manifest.root)[b"runs"].oid
    for part in folder.split("/")[1:]:
        tree = forge.entries(tree)[part.encode()].oid
    body = forge.objects[tree][1]
    forge.put(f"runs/2001-01/01/0/{run_id}", "tree", body, TREE)
    return forge.save(path)


@case("nothing like this belongs into a runs ref")
def something_else_beside_the_runs(forge: Forge, path: Path) -> Path:
    forge.put("evil/x", "blob", b"x")
    return forge.save(path)


@case("belongs to nothing")
def an_object_that_nothing_reaches(forge: Forge, path: Path) -> Path:
    forge.write("blob", b"smuggled")
    return forge.save(path)


@case("is missing")
def a_record_that_names_what_did_not_come(forge: Forge, path: Path) -> Path:
    blob = next(oid for oid, (kind, _) in forge.objects.items() if kind == "blob")
    del forge.objects[blob]
    return forge.save(path)


@case("disagree about run")
def a_manifest_that_hides_a_run(forge: Forge, path: Path) -> Path:
    runs = dict(list(forge.manifest.runs.items())[1:])
    forge.adjust = lambda manifest: replace(manifest, runs=runs)
    return forge.save(path)


@case("is not the one that its manifest describes")
def a_manifest_with_another_root(forge: Forge, path: Path) -> Path:
    tree = next(iter(forge.manifest.runs.values()))
    forge.adjust = lambda manifest: replace(manifest, root=tree)
    return forge.save(path)


@case("no record in it names the artifact")
def an_artifact_that_no_record_names(forge: Forge, path: Path) -> Path:
    data = b"illegal to have"
    forge.artifacts[f"sha256:{hashlib.sha256(data).hexdigest()}"] = data
    return forge.save(path)


@case("not in the one form that it can have")
def a_manifest_in_another_form(forge: Forge, path: Path) -> Path:
    members = forge.members(forge.described())
    return forge.save(path, {**members, "MANIFEST": members["MANIFEST"].replace(b":", b": ", 1)})


@case("no SHA-256|stands where")
def a_digest_that_is_a_path(forge: Forge, path: Path) -> Path:
    members = forge.members(forge.described())
    digits = min(forge.artifacts)[7:]
    lying = members["MANIFEST"].replace(digits.encode(), b"../" * 21 + b"x")
    return forge.save(path, {**members, "MANIFEST": lying})


@case("version 2")
def a_later_version(forge: Forge, path: Path) -> Path:
    members = forge.members(forge.described())
    newer = members["MANIFEST"].replace(b'"version":1', b'"version":2', 1)
    return forge.save(path, {**members, "MANIFEST": newer})


@case("is a sha256 repository|of a sha256 repository|no name of a git object")
def another_object_format(forge: Forge, path: Path) -> Path:
    members = forge.members(forge.described())
    other = members["MANIFEST"].replace(b'"sha1"', b'"sha256"', 1)
    return forge.save(path, {**members, "MANIFEST": other})


@case("it is no tar")
def any_other_file(forge: Forge, path: Path) -> Path:
    path.write_bytes(b"hello\n" * 1000)
    return path


@case("does not begin with MANIFEST")
def any_other_tar(forge: Forge, path: Path) -> Path:
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("README"), io.BytesIO())
    return path


@case("it is compressed|is compressed")
def a_compressed_bundle(forge: Forge, path: Path) -> Path:
    data = forge.save(path).read_bytes()
    path.write_bytes(gzip.compress(data))
    return path


SLOW = {"a tree of a million entries"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=pytest.mark.slow if each in SLOW else ()) for each in CASES],
)
def test_it_is_refused_and_changes_nothing(name, bundle, empty, cli, tmp_path):
    make, message = CASES[name]
    path = make(Forge.of(bundle), tmp_path / "hostile.rrb")
    before = empty.state()
    done = cli(empty, "bundle", "import", str(path), "--json")
    assert done.status in (1, 2, 3), done.out
    assert re.search(message, done.error["message"]), done.error
    assert empty.state() == before
    assert not any((empty.path / ".git/runref/incoming").glob("*"))
    if name not in ("a size beyond the disk", "another object format"):
        assert cli(empty, "bundle", "inspect", str(path)).status == done.status
    assert not (Path(os.sep) / "escape").exists()


def test_what_was_taken_apart_and_joined_again_is_taken(bundle, empty, cli, tmp_path):
    """The refusals above are not for how the tests write bundles."""
    forge = Forge.of(bundle)
    (folder, *_) = forge.paths().values()
    forge.put(f"{folder}/code/more.txt", "blob", b"x")
    done = cli(empty, "bundle", "import", str(forge.save(tmp_path / "x.rrb")), "--json")
    assert (done.status, len(done.json["runs"])) == (0, 3), done.err


def test_no_cut_gets_through(bundle, empty, cli, tmp_path):
    whole = bundle.read_bytes()
    before = empty.state()
    path = tmp_path / "cut.rrb"
    for end in range(0, len(whole) - 1024, 499):
        path.write_bytes(whole[:end])
        assert cli(empty, "bundle", "import", str(path)).status in (1, 2), end
    assert empty.state() == before
