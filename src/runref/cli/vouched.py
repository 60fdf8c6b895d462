"""What was verified about a run, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from runref.cli.output import printable
from runref.cli.text import count_of, format_moment
from runref.project.integrity import Integrity
from runref.project.vouching import CommitSignature, RunSignature, Vouching


def described(vouching: Vouching) -> Iterator[str]:
    """Yield the lines that tell what was verified about a run, and what was not."""
    yield f"run {vouching.run}: {'verified' if vouching.verified else 'NOT VERIFIED'}"
    yield f"  record     {vouching.record_hash[:7]} {_held(vouching.integrity)}"
    for problem in vouching.integrity.problems:
        yield f"             {printable(problem)}"
    if vouching.integrity.named:
        yield f"             not read: contents of inputs and outputs ({vouching.integrity.named})"
    for each in vouching.signatures:
        yield from _signature(each)
    if not vouching.signatures:
        yield "  signature  none"
    for file in vouching.unreadable:
        yield f"  unreadable annotation {printable(file)}"
    yield _commit(vouching.commit)


def _held(integrity: Integrity) -> str:
    if integrity.problems:
        return "does not hold"
    beside = f"run.yaml and {count_of(integrity.files, 'file')} beside it"
    if integrity.snapshot_files is None:
        return f"holds: {beside}; there is no snapshot"
    return f"holds: {beside}, snapshot of {count_of(integrity.snapshot_files, 'file')}"


def _signature(each: RunSignature) -> Iterator[str]:
    signer = f" by {printable(each.signer)}" if each.signer else ""
    yield f"  signature  {each.state}{signer}"
    if each.detail:
        yield f"             {printable(each.detail)}"
    if each.key:
        when = f", says it was made {format_moment(each.time)}" if each.time else ""
        yield f"             {each.format} key {printable(each.key)}{when}"
    yield f"             added as {printable(each.author)}"


def _commit(commit: CommitSignature) -> str:
    parts = [commit.commit[:7], commit.state]
    parts += [f"by {printable(commit.signer)}"] if commit.signer else []
    text = " ".join(filter(None, parts))
    return f"  commit     {text}" + (f": {printable(commit.detail)}" if commit.detail else "")
