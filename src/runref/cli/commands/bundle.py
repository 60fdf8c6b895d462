"""``runref bundle``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runref.cli.bundles import (
    STANDARD,
    Parts,
    Vetted,
    created_document,
    imported_document,
    inspected_document,
    opened,
    tell_created,
    tell_imported,
    tell_inspected,
    trust_options,
    trusted,
)
from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json
from runref.cli.progress import bar, transfer_bar
from runref.cli.records import free_forgotten
from runref.errors import ExitStatus
from runref.project.supply import Supply

if TYPE_CHECKING:
    from runref.bundle.choosing import Earlier
    from runref.bundle.planning import Sign
    from runref.project.project import Project


@click.group()
def command() -> None:
    """Move runs and their artifacts in one file, without a network.

    A bundle is a plain tar: a manifest with the SHA-256 of everything in it, a git pack with the
    records and snapshots, and the artifacts under their digests. docs/reference/bundle.md tells how
    to read one without runref.

    \b
    Examples:
      runref bundle create week47.rrb
      runref bundle inspect week47.rrb
      runref bundle import week47.rrb
    """


@command.command("create", short_help="Write a bundle.")
@click.argument("file")
@run_argument("runs", nargs=-1, required=False)
@click.option("-q", "--query", metavar="QUERY", default="", help="Runs that meet it, as for ls.")
@click.option(
    "--with",
    "parts",
    metavar="PARTS",
    type=Parts(),
    default="",
    help="Contents that come along: inputs, outputs, or both, with a comma.",
)
@click.option(
    "--since",
    metavar="BUNDLE|DATE",
    default="",
    help="Leave out what an earlier bundle holds, or runs that ended before a date.",
)
@click.option("--no-fetch", is_flag=True, help="Ask no remote for artifacts that are not here.")
@click.option("--sign", is_flag=True, help="Sign it as git signs: with ssh or gpg.")
@click.option("--key", metavar="KEY", default="", help="Sign with another key; as for `sign`.")
@click.option("--allow-secrets", is_flag=True, help="Go on where something looks secret.")
@click.option("-f", "--force", is_flag=True, help="Replace FILE.")
@json_option
@store_option
def create(
    file: str,
    runs: tuple[str, ...],
    query: str,
    parts: tuple[str, ...],
    since: str,
    key: str,
    store: str,
    *,
    no_fetch: bool,
    sign: bool,
    allow_secrets: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Write RUNs, those that meet QUERY, or all recorded runs to FILE, or to standard output: -.

    Each run is complete: its record, series, console, and the code it saw. What people added to it
    later comes along. Artifacts that are not here are brought from remotes.

    What is killed goes on where it was when the same is asked for again; until then it is
    FILE.partial. What looks like a key or a token, by the rules for snapshots, is named, and
    nothing is written; what was not searched is named, too. Exit status 1 in that case, and where
    RUNs are named of which something is neither here nor at a remote.

    \b
    Examples:
      runref bundle create week47.rrb --query 'started > "2026-11-16"' --with outputs,inputs
      runref bundle create week48.rrb --since week47.rrb --with outputs,inputs
      runref bundle create paper.rrb 4f1c 8a03 --with outputs,inputs --sign
      runref bundle create - 4f1c | ssh cluster runref bundle import -
    """
    from runref.bundle.creating import create as create_file
    from runref.bundle.creating import stream
    from runref.bundle.manifest import Request
    from runref.bundle.planning import Order

    if file == STANDARD and as_json:
        raise click.UsageError("Standard output cannot take both the bundle and JSON.")
    if file == STANDARD and sys.stdout.isatty():
        raise click.UsageError("A bundle is nothing for a terminal: send it through a pipe.")
    project = here(store)
    project.recover()
    earlier = _earlier(since)
    index = project.index()
    request = Request(
        runs=tuple(dict.fromkeys(project.resolve(each, index).id for each in runs)),
        query=query,
        parts=parts,
        since=earlier.label,
        allow_secrets=allow_secrets,
    )
    order = Order(request, earlier, _signing(project, key) if sign or key else None)
    with transfer_bar("artifacts") as brought, transfer_bar("bundle") as progress:
        supply = Supply(project, not no_fetch, brought, brought.retry)
        if file == STANDARD:
            folder = Path(tempfile.gettempdir())
            out = sys.stdout.buffer
            done = stream(project, order, out, supply, progress=progress, folder=folder)
        else:
            target = Path(file)
            done = create_file(project, order, target, supply, progress=progress, replace=force)
    if as_json:
        print_json(created_document(file, done))
    else:
        tell_created(file, done)
    return ExitStatus.NO if runs and done.manifest.missing else ExitStatus.DONE


@command.command("inspect", short_help="Verify a bundle and show what is in it.")
@click.argument("file")
@trust_options
@json_option
def inspect(
    file: str, allowed_signers: Path | None, *, require_signed: bool, as_json: bool
) -> None:
    """Read FILE, or standard input: -, to its end, verify all of it, and show what is in it.

    Every digest is compared, and every record read. Who signed it is told, as far as git's settings
    or --allowed-signers say whom to trust. Nothing is written, and no repository is needed.

    \b
    Examples:
      runref bundle inspect week47.rrb
      runref bundle inspect week47.rrb --json | jq '.runs[].id'
    """
    from runref.bundle.inspecting import inspect as inspect_stream

    vetted = Vetted(trusted(allowed_signers), required=require_signed)
    with opened(file) as (stream, size), _reading(size) as on_bytes:
        found = inspect_stream(stream, vet=vetted, on_bytes=on_bytes)
    if as_json:
        print_json(inspected_document(found, vetted.signature))
    else:
        tell_inspected(found, vetted.signature)


@command.command("import", short_help="Take a bundle's runs and artifacts into the repository.")
@click.argument("file")
@trust_options
@json_option
@store_option
def import_(
    file: str, allowed_signers: Path | None, store: str, *, require_signed: bool, as_json: bool
) -> None:
    """Take the runs and artifacts of FILE, or of standard input: -, into the repository.

    All of it is verified before any of it is to be seen; a bundle that is damaged, or made to do
    harm, changes nothing. What is here already is passed over, so importing twice is harmless.
    Runs that were forgotten here stay so. A signature that is not over this bundle is refused
    always; that somebody trusted has signed it, --require-signed asks for.

    \b
    Examples:
      runref bundle import week47.rrb
      ssh cluster runref bundle create - --since 2026-11-16 | runref bundle import -
    """
    from runref.bundle.importing import import_bundle

    project = here(store)
    vetted = Vetted(trusted(allowed_signers, project), required=require_signed)
    origin = "a bundle" if file == STANDARD else Path(file).name
    with opened(file) as (stream, size), _reading(size) as on_bytes:
        done = import_bundle(project, stream, origin=origin, vet=vetted, on_bytes=on_bytes)
    if as_json:
        print_json(imported_document(done, vetted.signature))
    else:
        tell_imported(done, vetted.signature)
    free_forgotten(project, [done.joined])


def _signing(project: Project, key: str) -> Sign:
    from runref.bundle.signing import signing_with
    from runref.project.signing import with_key

    return signing_with(with_key(project.repository.signing(), key))


def _earlier(since: str) -> Earlier:
    """Return what ``--since`` leaves out: what a bundle holds, if there is such a file."""
    from runref.bundle.choosing import Earlier
    from runref.bundle.reading import BundleReader

    if not since:
        return Earlier()
    if not Path(since).exists():
        return Earlier.time(since)
    with opened(since) as (stream, _):
        head = BundleReader(stream).head
    return Earlier.bundle(head.manifest, head.digest)


@contextmanager
def _reading(size: int | None) -> Iterator[Callable[[int], None]]:
    """Show how much of a bundle was read."""
    with bar("bundle", in_bytes=True) as shown:
        done = 0

        def on_bytes(amount: int) -> None:
            nonlocal done
            done += amount
            shown.update(done, size)

        yield on_bytes
