from __future__ import annotations

import json
import os
import struct
from contextlib import suppress
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from runref.model.codec import (
    UnreadableDocument,
    dump_json_line,
    dump_yaml,
    load_json,
    load_yaml,
)

LOOK_ALIKES = [
    *("yes", "no", "on", "True", "null", "~", "", " ", "Null", "NaN", ".nan", "Infinity", "-.inf"),
    *("1", "-1", "+1", "1e3", "1.5", "1.", ".5", "1_000", "0o7", "0x1F", "0b1", "089", "12e4567"),
    *("2026-11-21", "2026-11-21T14:03:12.123456Z", "14:03", "1:30:00", "=", "<<", "!!bool yes"),
    *("- a", "a: b", "a #b", "#a", "&a", "*a", "|", ">", "%a", "@a", "`a", "{a}", "[a]", "? a"),
    *("'a'", '"a"', "a\nb", "a\n\nb\n", "\ta", "a ", " a", "\n", "\r\n", "---", "...", "--- a"),
    *(
        "\x00",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ufffe",
        "\u200e",
        "😀",
        "é",
        "e\u0301",
    ),
    *("bytes:", "bytes:%FF", "bytes:abc", "Bytes:", "\udcff", "a\udc80b", "bytes:\udcff"),
    "word " * 60,
    "w" * 2000,
]
# What the operating system can hand out: any bytes, decoded as Python decodes file names.
texts = st.text() | st.sampled_from(LOOK_ALIKES) | st.binary().map(os.fsdecode)
texts = texts.filter(lambda text: not any("\ud800" <= char < "\udc80" for char in text))
integers = st.integers(-9, 9) | st.integers(-(2**1023) + 1, 2**1023 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | integers | floats | texts
documents = st.dictionaries(
    texts,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


def exact(value: Any) -> Any:
    """What two documents must agree in: kinds, order of keys, bits of floats."""
    if isinstance(value, dict):
        return {"keys": [(name, exact(inner)) for name, inner in value.items()]}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return type(value), struct.pack("<d", value) if isinstance(value, float) else value


@given(documents)
def test_yaml_comes_back_equal_and_is_canonical(document: dict[str, Any]) -> None:
    data = dump_yaml(document)
    back = load_yaml(data)
    assert exact(back) == exact(document)
    assert dump_yaml(back) == data


@given(documents)
def test_a_json_line_comes_back_equal_and_is_one_line(document: dict[str, Any]) -> None:
    line = dump_json_line(document)
    assert exact(load_json(line)) == exact(document)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    json.loads(line)


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    document = {text: [text, {text: text}]}
    assert load_yaml(dump_yaml(document)) == document
    assert load_json(dump_json_line(document)) == document


@pytest.mark.parametrize("number", [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -0.0])
def test_floats_at_the_edges_keep_their_bits(number: float) -> None:
    assert exact(load_yaml(dump_yaml({"x": number}))) == exact({"x": number})
    assert exact(load_json(dump_json_line({"x": number}))) == exact({"x": number})


@given(documents)
@example({"a": "1e3", "b": "~", "c": 2**70})
def test_other_readers_of_yaml_see_the_same(document: dict[str, Any]) -> None:
    assert yaml.load(dump_yaml(document), Loader=yaml.CSafeLoader) == as_written(document)


def as_written(value: Any) -> Any:
    if isinstance(value, dict):
        return {as_written(name): as_written(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_written(inner) for inner in value]
    if isinstance(value, str) and (value.startswith("bytes:") or not is_unicode(value)):
        return "bytes:" + quote_from_bytes(os.fsencode(value))
    return value


def is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize("text", ["1e3", "089", "0o7", "12e4567", "-.5", "1."])
def test_numbers_of_yaml_1_2_are_quoted_when_they_are_text(text: str) -> None:
    assert dump_yaml({"a": text}) == f"a: '{text}'\n".encode()


def test_lone_surrogates_that_stand_for_no_byte_are_replaced() -> None:
    assert load_yaml(dump_yaml({"a": "x\ud800y"})) == {"a": "x\ufffdy"}
    assert load_json(dump_json_line({"a": "x\ud800y"})) == {"a": "x\ufffdy"}


def test_yaml_reads_well() -> None:
    document = {
        "params": {"lr": {"value": 0.1}},
        "tags": ["a b", "é"],
        "none": {},
        "long": "w " * 99,
    }
    assert dump_yaml(document).decode() == (
        "params:\n  lr:\n    value: 0.1\ntags:\n- a b\n- é\nnone: {}\nlong: '" + "w " * 99 + "'\n"
    )


def test_a_value_that_stands_twice_is_written_twice() -> None:
    shared = ["a"]
    assert dump_yaml({"x": shared, "y": shared}) == b"x:\n- a\ny:\n- a\n"


def test_yaml_written_by_people_is_read() -> None:
    text = b"# why\nname: digits  # so\nsize: 1_000\nkeep: [a, 'b']\non_it: yes\nday: 2026-11-21\n"
    assert load_yaml(text) == {
        "name": "digits",
        "size": 1000,
        "keep": ["a", "b"],
        "on_it": True,
        "day": "2026-11-21",
    }


BOMB = "a: &a [x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 9)}]}}\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a YAML mapping"),
        (b"- a\n", "not a YAML mapping"),
        (b"text", "not a YAML mapping"),
        (b"a: [", "not readable as YAML"),
        (b"a: \xff", "not readable as YAML"),
        (b"a: \x00", "not readable as YAML"),
        (b"a: 1\n---\nb: 1\n", "several documents"),
        (b"a: 1\na: 2\n", "stands there twice"),
        (b"1: a\n", "no text"),
        (b"? [a]\n: b\n", "no text"),
        (b"a: !!bool maybe\n", "tag"),
        (b"a: !!python/object/apply:os.getcwd []\n", "tag"),
        (b"a: 0b_\n", "not readable as YAML"),
        (b"a: " + b"9" * 5000, "not readable as YAML"),
        (b"a: &x 1\n", "aliases"),
        (b"a: &x [1]\nb: *x\n", "aliases"),
        (b'{"a":&x [1],"b":*x}', "aliases"),
        ("a: &x [1]\nb: *x\n".encode("utf-16"), "aliases"),
        (BOMB.encode(), "aliases"),
        (MERGES.encode(), "aliases"),
        (b"a: &x [*x]\n", "aliases"),
        (b"a: " + b"[" * 300 + b"]" * 300, "200 levels"),
        (b"[" * 100_000, "level"),  # newer libyaml says it before we do
        (b"- " * 100_000 + b"a", "200 levels"),
        (b"a: " + b"{a: " * 100_000, "200 levels"),
    ],
)
def test_what_no_record_holds_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        load_yaml(data)
    assert words in caught.value.message


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for load in (load_yaml, load_json):
        with suppress(UnreadableDocument):
            load(data)


@given(documents, st.data())
def test_a_damaged_document_is_read_or_refused(
    document: dict[str, Any], data: st.DataObject
) -> None:
    whole = bytearray(dump_yaml(document))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    with suppress(UnreadableDocument):
        assert isinstance(load_yaml(bytes(whole)), dict)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"nan",
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'"\\ud800"',
        b"[" * 5000,
        b"\xff",
        b"[" + b"9" * 400 + b"]",
    ],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="not readable as JSON"):
        load_json(data)


def test_long_integers_keep_their_digits_beside_escaped_text() -> None:
    numbers = [2**63 - 1, -(2**63), 2**64 - 1, 2**64, -(2**63) - 1, 10**300]
    document = {"numbers": numbers, "path": "\udcff"}
    assert exact(load_json(dump_json_line(document))) == exact(document)
