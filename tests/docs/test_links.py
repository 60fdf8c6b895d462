"""Every link of every document leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "docs" / "adr" / "0000-template.md"  # its links are to be filled in
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {TEMPLATE})
_LINK = re.compile(r"\[(?:[^\]\\]|\\.)*\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def links(path: Path) -> Iterator[str]:
    for found in _LINK.finditer(_FENCE.sub("", path.read_text("utf-8"))):
        yield found["target"]


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in links(path):
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://"), target
            continue
        name, _, anchor = target.partition("#")
        other = (path.parent / name).resolve() if name else path
        assert other.exists(), f"{target}: no such file"
        assert other.is_relative_to(ROOT), f"{target} leads out of the project"
        if anchor:
            assert anchor in anchors(other), f"{target}: no such heading"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_names_folders_of_the_machine_that_it_was_written_on(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.findall(r"/tmp/\S+|/root/\S+|/work/\S+", text)


def test_every_document_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        local = [target.partition("#")[0] for target in links(path) if "://" not in target]
        found = [(path.parent / target).resolve() for target in local if target]
        waiting += [other for other in found if other in DOCUMENTS]
    assert not set(DOCUMENTS) - reached
