"""Changing one entry of a settings file, and nothing that its author wrote."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.codec import load_yaml
from runref.project.config import TEMPLATE, sets_anything
from runref.project.settings_file import Drop, Put, SettingsNotEdited, edit_settings
from runref.project.yaml_edit import with_value, without_value

LAB = ("remotes", "lab")
VALUE = {"url": "s3://experiments/team-a", "options": {"endpoint_url": "https://minio.lab:9000"}}


def said(text: str) -> dict[str, Any]:
    data = text.encode()
    return load_yaml(data) if sets_anything(data) else {}


def comments(text: str) -> list[str]:
    return re.findall(r"(?:^|(?<= ))#[^\r\n]*", text, re.MULTILINE)


# Texts as people write them: in lines or in braces, remotes among them, comments anywhere.

NEWLINE = st.sampled_from(["\n", "\r\n"])
COMMENT = st.sampled_from(["", "# a note", "#", "# url: not one", "# remotes:", "# näher 🦊"])
SPACE = st.sampled_from([" ", "  ", "   "])
SCALAR = st.sampled_from(["x", "'a: b#c'", '"q\\n"', "12", "true", "null", "a b", "[1, {b: 2}]"])


@st.composite
def line_ends(draw: st.DrawFn) -> str:
    comment = draw(COMMENT)
    return draw(SPACE) + comment if comment else ""


@st.composite
def between(draw: st.DrawFn, indent: str) -> list[str]:
    """Return blank and comment lines."""
    lines = draw(st.lists(COMMENT, max_size=2))
    return [indent + line if line else "" for line in lines]


@st.composite
def remotes_lines(draw: st.DrawFn, names: list[str]) -> list[str]:
    if draw(st.booleans()):
        inner = ", ".join(f"{name}: {{url: {draw(SCALAR)}}}" for name in names)
        return [f"remotes: {{{inner}}}{draw(line_ends())}"]
    if not names:
        return [f"remotes: {{}}{draw(line_ends())}"]
    indent = draw(SPACE)
    lines = [f"remotes:{draw(line_ends())}", *draw(between(indent))]
    for name in names:
        deeper = indent + draw(SPACE)
        lines.append(f"{indent}{name}:{draw(line_ends())}")
        lines += draw(between(deeper))
        lines.append(f"{deeper}url: {draw(SCALAR)}{draw(line_ends())}")
        lines += draw(between(deeper))
        if draw(st.booleans()):
            lines += [f"{deeper}options:", f"{deeper}  note: |", f"{deeper}    # text", ""]
        lines += draw(between(indent))
    return lines


@st.composite
def settings_texts(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(["a", "b-1", "lab", "'12'"]), unique=True, max_size=3))
    lines = draw(between(""))
    if draw(st.booleans()):
        lines.append("---")
    lines += [f"experiment: {draw(SCALAR)}{draw(line_ends())}", *draw(between(""))]
    if draw(st.booleans()):
        lines += draw(remotes_lines(names))
    if draw(st.booleans()):
        lines.append(f"default_remote: {draw(st.sampled_from(['a', 'b-1']))}{draw(line_ends())}")
    lines += draw(between(""))
    if draw(st.booleans()):
        lines += ["console:", "  max_size: 5"]
    lines += draw(between("  "))
    newline = draw(NEWLINE)
    return newline.join(lines) + draw(st.sampled_from(["", newline]))


@given(settings_texts())
def test_an_entry_is_added_and_everything_else_stays(text: str) -> None:
    before = said(text)
    changed = with_value(text, LAB, VALUE)
    after = said(changed)
    expected = {**before, "remotes": {**before.get("remotes", {}), "lab": VALUE}}
    assert after == expected
    if "lab" not in before.get("remotes", {}):
        assert comments(changed) == comments(text)
        kept = iter(changed.splitlines())
        # Each line is there, in order; an entry in braces grows within its line.
        for line in text.splitlines():
            assert "remotes: {" in line or line in kept
    if text.endswith("\r\n"):
        assert "\n" not in changed.replace("\r\n", "")


@given(settings_texts())
def test_what_was_added_can_be_removed_without_a_trace(text: str) -> None:
    before = said(text)
    if "lab" in before.get("remotes", {}):
        before["remotes"].pop("lab")
        after = said(without_value(text, LAB))
        assert after == before or {"remotes": {}, **after} == before
    else:
        added = with_value(text, LAB, VALUE)
        removed = without_value(added, LAB)
        after = said(removed)
        assert {"remotes": {}, **after} == {"remotes": {}, **before}
        assert comments(removed) == comments(text)


@given(settings_texts())
def test_a_single_value_is_set_replaced_and_removed(text: str) -> None:
    before = said(text)
    changed = with_value(text, ("default_remote",), "lab")
    assert said(changed) == {**before, "default_remote": "lab"}
    assert comments(changed) == comments(text)
    before.pop("default_remote", None)
    assert said(without_value(changed, ("default_remote",))) == before


@pytest.mark.parametrize(
    "text",
    ["", TEMPLATE, "experiment: x\n", "experiment: x\n\n# later\n", "remotes:\n  a:\n    url: x\n"],
)
def test_adding_and_removing_leaves_the_file_as_it_was(text: str) -> None:
    assert without_value(with_value(text, LAB, VALUE), LAB) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("remotes: {}  # none\n", "remotes:  # none\n  lab:\n    url: x\n"),
        (
            "remotes:\n   a:\n      url: y\n      # of a\n   # all\nn: 1\n",
            "remotes:\n   a:\n      url: y\n      # of a\n   # all\n   lab:\n     url: x\nn: 1\n",
        ),
        ("{fsync: true}\n", '{fsync: true, "remotes": {"lab": {"url": "x"}}}\n'),
        ("remotes: {a: {url: y}, }\n", 'remotes: {a: {url: y}, "lab": {"url": "x"}, }\n'),
        ("fsync: true\n...\n", "fsync: true\n\nremotes:\n  lab:\n    url: x\n...\n"),
        (
            "remotes:\n  lab: {url: y}  # old\n  b: {url: z}\n",
            "remotes:\n  lab:\n    url: x\n  b: {url: z}\n",
        ),
    ],
)
def test_where_an_entry_goes(text: str, expected: str) -> None:
    assert with_value(text, LAB, {"url": "x"}) == expected


def test_a_group_with_comments_of_its_own_outlives_its_last_entry() -> None:
    text = "remotes:  # ours\n  # the lab's\n  lab:\n    url: x  # y\n    # push: no\nfsync: true\n"
    assert without_value(text, LAB) == "remotes: {}  # ours\n  # the lab's\nfsync: true\n"


def test_what_stands_above_the_next_entry_belongs_to_it() -> None:
    text = "remotes:\n  lab:\n    url: x\n    # of lab\n  # of b\n  b:\n    url: y\n"
    assert without_value(text, LAB) == "remotes:\n  # of b\n  b:\n    url: y\n"
    assert with_value(text, LAB, {"url": "z"}) == (
        "remotes:\n  lab:\n    url: z\n  # of b\n  b:\n    url: y\n"
    )


def add(path: Path, value: object = VALUE, *, private: bool = False) -> None:
    edit_settings(path, [Put(LAB, value)], private=private, by_hand="by hand")


def test_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text("fsync: true\n")
    path.chmod(0o664)
    add(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    assert [each.name for each in tmp_path.iterdir()] == ["settings"]


def test_a_new_file_has_the_usual_permissions_or_is_private(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        add(tmp_path / "usual")
        add(tmp_path / "private", private=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "usual").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600


def test_a_private_file_becomes_private_again(tmp_path: Path) -> None:
    path = tmp_path / "private"
    path.write_text("")
    path.chmod(0o644)
    add(path, private=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("# shared\n")
    (tmp_path / "link").symlink_to("real")
    add(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert said((tmp_path / "real").read_text()) == {"remotes": {"lab": VALUE}}


@pytest.mark.parametrize(
    "data",
    [
        b"? remotes\n: {a: {url: x}}\n? more\n: 1\n",
        b"remotes: 5\n",
        b"remotes:\n",
        b"- a list\n",
        b"---\n",
        b"a: &x 1\nb: *x\n",
        b"a: [\n",
        "fsync: true\n".encode("utf-16"),
        b"note: |+\n  text\n...\n",
    ],
)
def test_what_cannot_be_changed_is_left_alone_or_changed_rightly(
    tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "settings"
    path.write_bytes(data)
    try:
        add(path)
    except SettingsNotEdited as refused:
        problem = refused
    else:
        problem = None
    if problem:
        assert path.read_bytes() == data
        assert str(path) in problem.message
        assert problem.hint == "by hand"
    else:
        before = load_yaml(data)
        before.setdefault("remotes", {})["lab"] = VALUE
        assert load_yaml(path.read_bytes()) == before
    assert [each.name for each in tmp_path.iterdir()] == ["settings"]


def test_a_value_in_the_file_is_not_repeated_in_an_error(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text("remotes:\n  lab: {secret: hunter2}}\n")
    with pytest.raises(SettingsNotEdited) as caught:
        edit_settings(path, [Drop(LAB)], private=True)
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"


def test_values_of_every_kind_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    value = {"url": "1e3", "options": {"a": True, "b": 1, "c": "yes", "d": "x\ny: #z", "e": "🦊"}}
    for text in ("", "remotes: {a: {url: x}}\n"):
        path.write_text(text)
        add(path, value)
        read = load_yaml(path.read_bytes())["remotes"]["lab"]
        assert (read, type(read["options"]["a"]), type(read["options"]["b"])) == (value, bool, int)
