"""ARCHITECTURE.md and the import contract say the same."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")


def contract() -> dict[str, Any]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = [each for each in contracts if each["type"] == "layers"]
    return dict(layers)


def test_the_picture_is_the_contract() -> None:
    picture = re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert picture is not None
    assert picture[1].splitlines() == contract()["layers"]


def test_every_package_has_its_sentence_in_the_order_of_the_layers() -> None:
    described = re.findall(r"^\| \[(\w+)\]\(src/runref/", TEXT, re.MULTILINE)
    named = [name for layer in contract()["layers"] for name in layer.split(" | ")]
    assert described == named


def test_every_package_is_there() -> None:
    source = ROOT / "src" / "runref"
    there = {path.parent.name for path in source.glob("*/__init__.py")}
    there |= {path.stem for path in source.glob("*.py")} - {"__init__", "__main__"}
    named = {name for layer in contract()["layers"] for name in layer.split(" | ")}
    assert there == named
