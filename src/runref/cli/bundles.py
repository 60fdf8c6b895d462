"""Bundles on the command line: opening them, and telling what was done with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from runref.cli.output import printable, say, tell, to_json
from runref.cli.text import count_of, format_moment, format_size
from runref.cli.transfer import tell_some
from runref.model.record import Record

if TYPE_CHECKING:
    from runref.bundle.creating import Created
    from runref.bundle.importing import Imported
    from runref.bundle.inspecting import Inspected
    from runref.bundle.reading import Head
    from runref.bundle.scanning import Scan
    from runref.bundle.signing import Signature
    from runref.git.signing.settings import SigningSettings
    from runref.project.project import Project

STANDARD = "-"
"""What stands for standard input or output."""
_NAMED = 3
_LISTED = 20


F = TypeVar("F", bound=Callable[..., Any])


def trust_options(command: F) -> F:
    """Declare whose signatures count."""
    for option in (
        click.option(
            "--require-signed", is_flag=True, help="Refuse it unless a trusted key has signed it."
        ),
        click.option(
            "--allowed-signers",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Whose ssh keys count; by default gpg.ssh.allowedSignersFile of git's settings.",
        ),
    ):
        command = option(command)
    return command


def trusted(allowed_signers: Path | None, project: Project | None = None) -> SigningSettings:
    """Return whom git trusts here, or outside repositories; a file that is named counts instead."""
    from runref.git.discovery import ForeignRepository, NotARepository
    from runref.git.repository import Repository
    from runref.git.signing.settings import user_settings

    try:
        repository = (
            project.repository if project else Repository.discover(Path.cwd(), environ=os.environ)
        )
        settings = repository.signing()
    except (NotARepository, ForeignRepository):
        settings = user_settings(os.environ)
    if allowed_signers is None:
        return settings
    return replace(settings, allowed_signers=str(allowed_signers.absolute()))


class Vetted:
    """Looks at the signature of a bundle when its head was read.

    Attributes:
        signature: What it is worth.
    """

    def __init__(self, settings: SigningSettings, *, required: bool) -> None:
        self._settings = settings
        self._required = required
        self.signature: Signature

    def __call__(self, head: Head) -> None:
        """Examine it; raises what `runref.bundle.signing.examine` raises."""
        from runref.bundle.signing import examine

        self.signature = examine(head, self._settings, required=self._required)


class Parts(click.ParamType[tuple[str, ...]]):
    """``inputs`` and ``outputs``, with a comma between."""

    name = "parts"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return them in one order, each once."""
        if isinstance(value, tuple):
            return value
        named = {each.strip() for each in value.split(",") if each.strip()}
        if strange := named - {"inputs", "outputs"}:
            self.fail(f"{min(strange)!r} is neither inputs nor outputs.", param, ctx)
        return tuple(sorted(named))


@contextmanager
def opened(file: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """Open a bundle for reading; with it comes its size, where that is known."""
    if file == STANDARD:
        yield sys.stdin.buffer, None
        return
    with Path(file).open("rb") as stream:
        yield stream, Path(file).stat().st_size


def tell_created(file: str, done: Created) -> None:
    """Tell what went into a bundle, and what did not."""
    manifest = done.manifest
    count, size = len(manifest.artifacts), format_size(done.size)
    name = "standard output" if file == STANDARD else printable(file)
    what = f"{count_of(len(manifest.runs), 'run')}, {count_of(count, 'artifact')}"
    say(f"{name}: {what}, {size}", err=file == STANDARD)
    if done.plan is not None:
        chosen = done.plan.chosen
        if chosen.left_out:
            tell(f"{count_of(chosen.left_out, 'run')} left out, by --since")
        if chosen.live:
            tell(f"{count_of(chosen.live, 'run')} without a record yet: not in it")
        _tell_runs(chosen.unreadable, "cannot be read, and not in it")
        if chosen.by_reference:
            what = count_of(chosen.by_reference, "input")
            tell(f"{what} recorded by reference: the content is not in it")
        _tell_unscanned(done.plan.scan)
    tell_some("artifacts", manifest.missing, "neither here nor at a remote, and not in it")


def created_document(file: str, done: Created) -> dict[str, Any]:
    """Return what was made as JSON shows it."""
    manifest, plan = done.manifest, done.plan
    return {
        "file": file,
        "size": done.size,
        "created": manifest.created,
        "resumed": plan is None,
        "runs": list(manifest.runs),
        "artifacts": len(manifest.artifacts),
        "artifact_bytes": sum(manifest.artifacts.values()),
        "missing": list(manifest.missing),
        "left_out": plan.chosen.left_out if plan else None,
        "live": plan.chosen.live if plan else None,
        "unreadable": list(plan.chosen.unreadable) if plan else None,
        "by_reference": plan.chosen.by_reference if plan else None,
        "not_scanned": [*plan.scan.large, *plan.scan.binary] if plan else None,
        "signed": done.signed,
    }


def tell_inspected(found: Inspected, signature: Signature) -> None:
    """Tell what is in a bundle."""
    manifest = found.head.manifest
    when = format_moment(manifest.created)
    say(f"made {when} by {printable(manifest.author)} with runref {printable(manifest.runref)}")
    say(f"asked for: {_asked(found)}")
    say(f"signature: {_signed(signature)}")
    runs = sorted(found.records.items(), reverse=True)
    for run_id, record in runs[:_LISTED]:
        say(f"  {run_id}  {printable(record.status):11}  {_about(record)}")
    if len(runs) > _LISTED:
        say(f"  and {len(runs) - _LISTED:,} more; --json lists all")
    parts = [count_of(len(runs), "run"), count_of(found.annotations, "annotation")]
    parts += [f"{len(found.tombstones):,} forgotten"] * bool(found.tombstones)
    parts.append(f"{count_of(found.artifacts, 'artifact')} of {format_size(found.artifact_bytes)}")
    say(f"{', '.join(parts)}: all verified")
    tell_some("artifacts", found.absent, "named by its records, and not in it")


def inspected_document(found: Inspected, signature: Signature) -> dict[str, Any]:
    """Return what is in a bundle as JSON shows it."""
    manifest = found.head.manifest
    return {
        "created": manifest.created,
        "author": manifest.author,
        "runref": manifest.runref,
        "object_format": manifest.object_format,
        "manifest": f"sha256:{found.head.digest}",
        "asked": {
            "runs": list(manifest.request.runs),
            "query": manifest.request.query,
            "with": list(manifest.request.parts),
            "since": manifest.request.since,
            "allow_secrets": manifest.request.allow_secrets,
        },
        "runs": [
            {
                "id": run_id,
                "record_hash": manifest.runs[run_id],
                "status": record.status,
                "experiment": record.experiment,
                "name": record.name,
                "started": record.started,
                "command": list(record.command.argv),
            }
            for run_id, record in sorted(found.records.items(), reverse=True)
        ],
        "annotations": found.annotations,
        "forgotten": list(found.tombstones),
        "artifacts": found.artifacts,
        "artifact_bytes": found.artifact_bytes,
        "missing": list(manifest.missing),
        "absent": list(found.absent),
        "signature": to_json(signature),
    }


def tell_imported(done: Imported, signature: Signature) -> None:
    """Tell what was taken from a bundle."""
    joined = done.joined
    if signature.state != "unsigned":
        say(f"signature: {_signed(signature)}")
    parts = [f"{count_of(len(joined.runs), 'run')} received", f"{done.already:,} here already"]
    parts += [count_of(joined.annotations, "annotation")] * bool(joined.annotations)
    say(", ".join(parts))
    if done.artifacts:
        size = format_size(done.stored_bytes)
        here = done.artifacts - done.stored
        say(f"{count_of(done.stored, 'artifact')} stored, {size}; {here:,} here already, or unused")
    _tell_runs(joined.forgotten, "forgotten where it was made, and gone here, too")
    _tell_runs(joined.refused, "forgotten here, and not taken back")
    tell_some("artifacts", done.absent, "named by its records, and neither in it nor here")


def imported_document(done: Imported, signature: Signature) -> dict[str, Any]:
    """Return what was taken as JSON shows it."""
    return {
        "tip": done.joined.tip,
        "runs": list(done.joined.runs),
        "already": done.already,
        "annotations": done.joined.annotations,
        "forgotten": list(done.joined.forgotten),
        "refused": list(done.joined.refused),
        "stored": done.stored,
        "stored_bytes": done.stored_bytes,
        "absent": list(done.absent),
        "signature": to_json(signature),
    }


def _tell_unscanned(scan: Scan) -> None:
    from runref.bundle.scanning import SCANNED

    for paths, why in ((scan.large, f"over {format_size(SCANNED)}"), (scan.binary, "no text")):
        if paths:
            named = ", ".join(map(printable, paths[:_NAMED]))
            more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
            files = count_of(len(paths), "file")
            tell(f"{files} not searched for secrets, {why}: {named}{more}")


def _tell_runs(runs: Any, state: str) -> None:
    if runs:
        more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
        verb = "is" if len(runs) == 1 else "are"
        tell(f"{', '.join(runs[:_NAMED])}{more} {verb} {state}")


def _signed(signature: Signature) -> str:
    text: str = signature.state
    text += f", {printable(signature.signer)}" * bool(signature.signer)
    text += f", {signature.format} key {printable(signature.key)}" * bool(signature.key)
    return text + f" ({printable(signature.detail)})" * bool(signature.detail)


def _asked(found: Inspected) -> str:
    request = found.head.manifest.request
    parts = [count_of(len(request.runs), "run") + " by id"] * bool(request.runs)
    parts += [f"runs that meet {printable(request.query)}"] * bool(request.query)
    asked = " and ".join(parts) or "all runs"
    asked += f", with {' and '.join(map(printable, request.parts))}" * bool(request.parts)
    return asked + f", since {printable(request.since)}" * bool(request.since)


def _about(record: Record) -> str:
    import shlex

    words = (record.experiment, record.name, shlex.join(record.command.argv))
    return printable(" · ".join(filter(None, words)))[:80]
