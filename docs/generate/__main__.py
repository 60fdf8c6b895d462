"""Bring the generated parts of the documents up to date.

::

    python docs/generate                    write what has changed
    python docs/generate --check            write nothing; exit with 1 where something would change
    python docs/generate README.md          only these documents
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from blocks import filled
from transcript import is_played, play

ROOT = Path(__file__).resolve().parents[2]


def documents() -> list[Path]:
    """Return all documents of the project."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def fresh(text: str, name: str) -> str:
    """Return a document as it should be now."""
    text = filled(text)
    if not is_played(text):
        return text
    with tempfile.TemporaryDirectory(prefix="runref-docs-") as folder:
        played, differences = play(text, Path(folder), name)
    for each in differences:
        sys.stdout.write(f"--- $ {each.command}\n{each.documented}+++\n{each.real}")
    return played


def main() -> int:
    """Carry out the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="python docs/generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("documents", nargs="*", type=Path)
    arguments = parser.parse_args()
    stale = []
    for path in arguments.documents or documents():
        text = path.read_text("utf-8")
        now = fresh(text, "fit")
        if now != text:
            stale.append(path)
            if not arguments.check:
                path.write_text(now, encoding="utf-8")
    verb = "out of date" if arguments.check else "wrote"
    for path in stale:
        sys.stdout.write(f"{verb}: {path}\n")
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
