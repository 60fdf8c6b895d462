"""The commands in the documents are carried out, and print what the documents say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from likeness import Renaming, general
from transcript import is_played, play

ROOT = Path(__file__).resolve().parents[2]
PLAYED = [
    path
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
    if is_played(path.read_text("utf-8"))
]

RUN = "run 20261121-4f1c9b2e7a3d finished in 12.3 s · loss 0.25 · record 9ac1f02"


@pytest.mark.slow
@pytest.mark.parametrize("path", PLAYED, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_print_what_the_document_says(path: Path, tmp_path: Path) -> None:
    _, differences = play(path.read_text("utf-8"), tmp_path, "fit")
    shown = [f"$ {d.command}\n{d.documented}--- is now\n{d.real}" for d in differences]
    assert not shown, f"run: python docs/generate {path.relative_to(ROOT)}\n" + "\n".join(shown)


def test_a_document_is_carried_out_in_order(tmp_path: Path) -> None:
    text = (
        "```text file=a/b.txt\nhello\n```\n"
        "<!-- run: echo hidden >> a/b.txt -->\n"
        "```console\n$ cat a/b.txt\nhello\nhidden\n$ cd a\n$ ls\nb.txt\n```\n"
    )
    fresh, differences = play(text, tmp_path, "here")
    assert not differences
    assert fresh == text


def test_output_that_is_not_so_is_found_and_replaced(tmp_path: Path) -> None:
    text = "```console\n$ echo one; false\ntwo\n$ echo three\nthree\n```\n"
    fresh, differences = play(text, tmp_path, "here")
    assert [(each.command, each.documented, each.real) for each in differences] == [
        ("echo one; false", "two\n", "one\n")
    ]
    assert fresh == text.replace("two", "one")


def test_ids_stay_known_where_other_output_changes(tmp_path: Path) -> None:
    """The output of a command is another one now, and its ids are still named further down."""
    old, new = "20261121-000000000001", "20261122-000000000002"
    command = "printf 'a run 2026112%d-00000000000%d\\n' 2 2"
    text = f"```console\n$ {command}\nthe run {old}\n$ echo {old}\n{old}\n```\n"
    fresh, _ = play(text, tmp_path, "here")
    assert fresh.endswith(f"$ echo {new}\n{new}\n```\n")


@pytest.mark.parametrize("path", PLAYED, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_shows_a_command_that_git_does_not_understand(path: Path) -> None:
    assert not re.findall(r"^(?:fatal|ls|bash): .*", path.read_text("utf-8"), re.MULTILINE)


def test_what_changes_from_run_to_run_is_no_difference() -> None:
    other = "run 20270302-0123456789ab finished in 0.41 s · loss 0.25 · record abcdef0"
    assert general(RUN) == general(other)


@pytest.mark.parametrize("change", [("0.25", "0.26"), ("finished", "failed"), ("loss", "acc")])
def test_what_a_run_says_is_a_difference(change: tuple[str, str]) -> None:
    assert general(RUN) != general(RUN.replace(*change))


def test_later_commands_name_the_runs_that_there_are() -> None:
    renaming = Renaming()
    renaming.learn(RUN, RUN.replace("4f1c9b2e7a3d", "0123456789ab").replace("9ac1f02", "abcdef0"))
    assert renaming.applied("runref show 4f1c 9ac1f02") == "runref show 0123 abcdef0"
    path = "runs/2026-11/21/4/20261121-4f1c9b2e7a3d/run.yaml"
    assert renaming.applied(path) == "runs/2026-11/21/0/20261121-0123456789ab/run.yaml"
