"""The generated parts of the documents say what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from blocks import GENERATORS, filled, names_in

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_generated_parts_are_up_to_date(path: Path) -> None:
    text = path.read_text("utf-8")
    assert filled(text) == text, f"run: python docs/generate {path.relative_to(ROOT)}"


def test_everything_that_can_be_generated_stands_in_exactly_one_place() -> None:
    used = [name for path in DOCUMENTS for name in names_in(path.read_text("utf-8"))]
    assert sorted(used) == sorted(GENERATORS)


@pytest.mark.slow
def test_a_stale_part_is_found_and_mended(tmp_path: Path) -> None:
    path = tmp_path / "stale.md"
    path.write_text("<!-- generated: notices -->\nold\n<!-- end of generated -->\n")
    command = [sys.executable, str(ROOT / "docs" / "generate")]
    check = subprocess.run([*command, "--check", str(path)], capture_output=True, check=False)
    assert check.returncode == 1
    assert "old" in path.read_text()
    subprocess.run([*command, str(path)], capture_output=True, check=True)
    assert "`not-a-number`" in path.read_text()
    assert "old" not in path.read_text()
    subprocess.run([*command, "--check", str(path)], capture_output=True, check=True)
