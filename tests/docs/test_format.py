"""docs/format.md names every field of every file."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import field_tables
import pytest

from runref.capture.environment import capture_environment
from runref.model.record import Record
from runref.tracking import run_directory
from runref.tracking.liveness import Process

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "format.md").read_text("utf-8")


def row(first: str) -> str:
    """The row of a table that begins with a cell."""
    (found,) = re.findall(rf"^\| {re.escape(first)} \|.*$", TEXT, re.MULTILINE)
    return str(found)


def named(text: str) -> set[str]:
    return set(re.findall(r"`([\w.]+)`", text))


def names(cls: type) -> set[str]:
    return {field.name for field in dataclasses.fields(cls)}


@pytest.mark.parametrize("name", ["run", "metrics", "annotation", "tombstone", "config"])
def test_every_field_of_a_schema_has_a_meaning(name: str) -> None:
    assert field_tables.undescribed(name) == []


@pytest.mark.parametrize(
    ("file", "cls"),
    [
        ("`end.json`", run_directory.End),
        ("`sealed.json`", run_directory.Sealed),
        ("`writers/<writer>.json`", Process),
    ],
)
def test_the_files_of_the_spool_have_the_fields_that_are_named(file: str, cls: type) -> None:
    assert named(row(file).split("|")[3]) == names(cls)


def test_the_start_of_a_run_has_the_fields_that_are_named() -> None:
    assert named(row("`start.json`").split("|")[3]) == names(run_directory.Start) - names(Record)


def test_every_part_of_an_environment_is_named() -> None:
    section = TEXT.split("## Environment:")[1].split("\n## ")[0]
    # A cell names a family by its first member: `os.system`, `.release`, …
    tops = {
        name.partition(".")[0].removesuffix("[]") for name in re.findall(r"`([\w.\[\]]+)`", section)
    }
    document = capture_environment(dict(os.environ))
    assert document.keys() <= tops
    for part in ("python", "os", "cpu", "memory"):
        inside = document[part]
        assert isinstance(inside, dict)
        members = set(re.findall(r"\.(\w+)[`.]", section))
        assert inside.keys() <= members, part
