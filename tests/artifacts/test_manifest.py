from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.artifacts.manifest import (
    DIRECTORY,
    EXECUTABLE,
    FILE,
    LINK,
    Entry,
    Manifest,
    ManifestInvalid,
    ManifestTooNew,
    ManifestUnsafe,
    decode_name,
    encode_name,
    parse_manifest,
    refused_entry,
)
from runref.model.schema import load_schema

DIGEST = "sha256:" + "0" * 64
HEADER = b'{"format":"runref-manifest","version":1}\n'

raw_names = st.binary(min_size=1, max_size=12).filter(
    lambda raw: b"/" not in raw and b"\0" not in raw and raw not in (b".", b"..")
)
names = (raw_names | st.sampled_from([b"bytes:", b"bytes:%FF", b"\xff\xfe", "é".encode()])).map(
    lambda raw: raw.decode("utf-8", "surrogateescape")
)
# Every path begins with the depth it has, so that no path is the folder of another.
paths = st.lists(names, min_size=1, max_size=3).map(
    lambda parts: f"{len(parts)}/" + "/".join(parts)
)
entries = st.one_of(
    st.builds(
        Entry, paths, st.sampled_from([FILE, EXECUTABLE]), st.just(DIGEST), st.integers(0, 2**53)
    ),
    st.builds(Entry, paths, st.just(LINK), target=names),
    st.builds(Entry, paths, st.just(DIRECTORY)),
)
manifests = st.lists(entries, unique_by=lambda entry: entry.path).map(Manifest.of)


def line(**fields: Any) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def file_line(path: str, **more: Any) -> bytes:
    return line(**{"path": path, "mode": FILE, "digest": DIGEST, "size": 1} | more)


@given(manifests)
def test_a_manifest_comes_back_equal(manifest: Manifest) -> None:
    assert parse_manifest(manifest.encode()) == manifest


@given(manifests)
def test_every_line_matches_the_schema(manifest: Manifest) -> None:
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(load_schema("manifest"))
    for text in manifest.encode().splitlines():
        validator.validate(json.loads(text))


@given(st.lists(entries, unique_by=lambda entry: entry.path), st.randoms())
def test_the_order_of_listing_does_not_matter(found: list[Entry], random: Any) -> None:
    shuffled = random.sample(found, len(found))
    assert Manifest.of(found).encode() == Manifest.of(shuffled).encode()


@given(names)
def test_a_name_has_one_spelling(name: str) -> None:
    assert decode_name(encode_name(name)) == name
    encode_name(name).encode()


def test_the_canonical_bytes() -> None:
    manifest = Manifest.of(
        [
            Entry("run.sh", EXECUTABLE, DIGEST, 5),
            Entry("a%b", FILE, DIGEST, 0),
            Entry("caf\udce9", LINK, target="ünï"),
            Entry("logs", DIRECTORY),
        ]
    )
    assert manifest.encode().decode().splitlines() == [
        '{"format":"runref-manifest","version":1}',
        f'{{"digest":"{DIGEST}","mode":"100644","path":"a%b","size":0}}',
        '{"mode":"120000","path":"bytes:caf%E9","target":"ünï"}',
        '{"mode":"040000","path":"logs"}',
        f'{{"digest":"{DIGEST}","mode":"100755","path":"run.sh","size":5}}',
    ]
    assert (manifest.files, manifest.size) == (2, 5)


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/passwd", "a//b", "a/.", ".", "..", "a/", "a/.."]
)
def test_a_path_that_leaves_the_directory_is_refused(path: str) -> None:
    with pytest.raises(ManifestUnsafe, match="no path inside") as caught:
        parse_manifest(HEADER + file_line(path))
    assert caught.value.code == "manifest-unsafe"


@pytest.mark.parametrize("mode", [LINK, FILE])
def test_an_entry_below_another_is_refused(mode: str) -> None:
    above = line(path="a", mode=LINK, target="/etc") if mode == LINK else file_line("a")
    # "a-" sorts between "a" and "a/b": neighbours alone would not show it.
    with pytest.raises(ManifestUnsafe, match="'a' both"):
        parse_manifest(HEADER + above + file_line("a-") + file_line("a/b/c"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1 of the manifest: not JSON"),
        (b"{}\n", "does not say runref-manifest"),
        (b'{"format":"runref-manifest"}\n', "no header"),
        (b'{"format":"runref-manifest","version":1,"more":2}\n', "no header"),
        (HEADER + b"[]\n", "line 2 of the manifest: not a JSON object"),
        (HEADER + b"\x80\n", "not JSON"),
        (HEADER + file_line("a")[:-1], "cut off"),
        (HEADER + file_line("b") + file_line("a"), "line 3 .* out of order or named twice"),
        (HEADER + file_line("a") + file_line("a"), "named twice"),
        (HEADER + file_line("a", mode="160000"), "no kind of entry"),
        (HEADER + file_line("a", mode=100644), "no kind of entry"),
        (HEADER + file_line("a", owner="root"), "no kind of entry"),
        (HEADER + line(path="a", mode=LINK), "no kind of entry"),
        (HEADER + file_line("a", digest="md5:0"), "digest"),
        (HEADER + file_line("a", digest=""), "digest"),
        (HEADER + file_line("a", digest=None), "digest"),
        (HEADER + file_line("a", digest=DIGEST + "\n"), "digest"),
        (HEADER + file_line("a", size=-1), "size"),
        (HEADER + file_line("a", size=True), "size"),
        (HEADER + file_line("a", size="1"), "size"),
        (HEADER + file_line(""), "empty"),
        (HEADER + line(path=["a"], mode=DIRECTORY), "no text"),
        (HEADER + line(path="a", mode=LINK, target=""), "empty"),
        (HEADER + file_line("a\0b"), "not how a path is written"),
        (HEADER + file_line("bytes:a"), "not how a path is written"),
        (HEADER + file_line("bytes:%c3"), "not how a path is written"),
        (HEADER + file_line("bytes:%C3%A9"), "not how a path is written"),
        (HEADER + file_line("bytes:%00%FF"), "not how a path is written"),
    ],
)
def test_what_is_no_manifest_is_named(data: bytes, message: str) -> None:
    with pytest.raises(ManifestInvalid, match=message) as caught:
        parse_manifest(data)
    assert caught.value.code == "manifest-invalid"


def test_a_later_version_asks_for_a_newer_runref() -> None:
    with pytest.raises(ManifestTooNew, match="version 2") as caught:
        parse_manifest(b'{"format":"runref-manifest","version":2}\n')
    assert caught.value.code == "manifest-too-new"
    assert "newer" in caught.value.hint


@given(st.binary(max_size=200) | st.builds(lambda data: HEADER + data, st.binary(max_size=200)))
def test_no_bytes_make_it_crash(data: bytes) -> None:
    with suppress(ManifestInvalid, ManifestUnsafe, ManifestTooNew):
        parse_manifest(data)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        (".git/hooks/post-checkout", EXECUTABLE),
        ("deep/.GIT/config", FILE),
        (".git", DIRECTORY),
        (".git", LINK),
        ("git~1/config", FILE),
        (".g\u200cit/config", FILE),
        (".git./config", FILE),
        (".git:stream", FILE),
        (".gitmodules", LINK),
        ("a\\.git/config", FILE),
    ],
)
def test_what_git_refuses_is_told(path: str, mode: Any) -> None:
    digest = DIGEST if mode in (FILE, EXECUTABLE) else ""
    entry = Entry(path, mode, digest, target="x" if mode == LINK else "")
    manifest = Manifest.of([Entry("a.txt", FILE, DIGEST), entry])
    assert refused_entry(manifest) == path
    assert parse_manifest(manifest.encode()) == manifest  # it can be read, checked and collected


@pytest.mark.parametrize(
    "path", [".gitignore", ".gitmodules", "git", "a.git/b", ".github/x", ".gitx"]
)
def test_names_that_only_look_alike_are_no_harm(path: str) -> None:
    assert refused_entry(Manifest.of([Entry(path, FILE, DIGEST)])) == ""
