"""What ``runref fsck`` shows: progress while it checks, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import groupby

import click

from runref.artifacts.transfer.progress import TransferProgress
from runref.cli.output import printable, say
from runref.cli.progress import bar, transfer_bar
from runref.cli.text import count_of, format_size
from runref.cli.transfer import error_document
from runref.model.damage import Damage
from runref.upkeep.checking.remotes import RemoteChecked
from runref.upkeep.fsck import Counts, Findings
from runref.upkeep.repair import Repaired


class Bars:
    """Shows how far a check is, on a terminal."""

    @contextmanager
    def counting(self, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Return a block in which the number of things done so far is told."""
        with bar(f"checking {what}") as shown:
            yield lambda done: shown.update(done, total)

    @contextmanager
    def reading(self, where: str) -> Iterator[TransferProgress]:
        """Return a block in which bytes that are read are told."""
        with transfer_bar(f"reading {where}") as shown:
            yield shown


def show(found: Findings, repaired: Repaired | None) -> None:
    """Print what was found: damage by run, then what was checked and what was not."""
    for run, damage in groupby(found.damage, key=lambda each: each.run):
        _show_group(run, list(damage))
    if repaired is not None:
        _show_repaired(repaired)
    for remote in found.remotes:
        say(_about_remote(remote))
    if found.elsewhere:
        say(f"{count_of(found.elsewhere, 'artifact')} not here, and at a remote that was asked")
    say(f"checked: {_amounts(found.counts)}")
    for each in found.unchecked:
        say(f"not checked: {printable(each)}")
    for each in found.notes:
        say(f"note: {printable(each)}")
    if found.damage:
        runs = len({each.run for each in found.damage if each.run})
        bad = click.style("damage", fg="red", bold=True)
        say(f"{bad}: {count_of(len(found.damage), 'thing')}, in {count_of(runs, 'run')}")
    else:
        say(click.style("no damage", fg="green"))


def document(found: Findings, repaired: Repaired | None) -> dict[str, object]:
    """Return what was found as JSON shows it."""
    return {
        "damage": [asdict(each) for each in found.damage],
        "checked": asdict(found.counts),
        "remotes": [_remote_document(each) for each in found.remotes],
        "elsewhere": found.elsewhere,
        "unchecked": found.unchecked,
        "notes": found.notes,
        "repaired": None if repaired is None else _repaired_document(repaired),
    }


def _show_group(run: str, damage: Sequence[Damage]) -> None:
    say(click.style(f"run {run}" if run else "history", bold=True))
    for each in damage:
        place = f"{printable(each.place)}: " if each.place else ""
        say(f"  {place}{printable(each.message)} [{each.kind}]")
        if each.object and each.object not in each.message:
            say(f"    {each.object}")
    for hint in dict.fromkeys(each.hint for each in damage if each.hint):
        say(f"  {click.style('hint:', dim=True)} {printable(hint)}")


def _show_repaired(repaired: Repaired) -> None:
    done = [
        count_of(len(repaired.objects), "git object"),
        count_of(len(repaired.artifacts), "artifact") + " here",
        *(f"{count_of(count, 'artifact')} at {name}" for name, count in repaired.sent.items()),
    ]
    say(f"repaired: {', '.join(done)}")
    for each in repaired.problems:
        say(f"not repaired: {printable(each)}")


def _about_remote(remote: RemoteChecked) -> str:
    name = printable(remote.name)
    failed = f"; {printable(remote.error.message)}" if remote.error else ""
    if remote.error and not remote.present:
        return f"{name}: not checked: {printable(remote.error.message)}"
    share = f"{100 * remote.read / remote.wanted:.3g} %" if remote.wanted else "all"
    amount = f"{remote.read:,} of them read ({share}, {format_size(remote.size)})"
    return f"{name}: {remote.present:,} of {remote.wanted:,} artifacts there, {amount}{failed}"


def _amounts(counts: Counts) -> str:
    parts = (
        count_of(counts.commits, "commit"),
        count_of(counts.runs, "run"),
        count_of(counts.objects, "git object"),
        count_of(counts.points, "log call"),
        f"annotations of {count_of(counts.annotations, 'run')}",
        count_of(counts.tombstones, "tombstone"),
        count_of(counts.signatures, "signature"),
        f"{count_of(counts.artifacts, 'artifact')} ({format_size(counts.artifact_bytes)})",
    )
    return ", ".join(parts)


def _remote_document(remote: RemoteChecked) -> Mapping[str, object]:
    return {
        "remote": remote.name,
        "wanted": remote.wanted,
        "present": remote.present,
        "read": remote.read,
        "read_bytes": remote.size,
        "missing": sorted(remote.missing),
        "damaged": sorted(remote.damaged),
        "error": error_document(remote.error),
    }


def _repaired_document(repaired: Repaired) -> Mapping[str, object]:
    return {
        "objects": list(repaired.objects),
        "artifacts": list(repaired.artifacts),
        "sent": dict(repaired.sent),
        "problems": list(repaired.problems),
    }
