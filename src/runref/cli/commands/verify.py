"""``runref verify``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json, say, to_json
from runref.errors import ExitStatus
from runref.model.ids import is_run_id
from runref.project.project import Project

if TYPE_CHECKING:
    from runref.project.vouching import Vouching
    from runref.store.runs_ref import StoredRun


@click.command()
@click.option(
    "--allowed-signers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Whose ssh keys count, as ssh-keygen reads it; by default gpg.ssh.allowedSignersFile of "
    "git's settings.",
)
@run_argument("runs", nargs=-1, required=False)
@json_option
@store_option
def command(
    runs: tuple[str, ...], allowed_signers: Path | None, store: str, *, as_json: bool
) -> ExitStatus:
    """Verify runs: whether they are what was recorded, and who vouches for them.

    Without RUN, all runs that are signed. What a record claims of the files beside it and of its
    code is computed again; then its signatures are checked, and that of the commit which added it.
    Nothing is fetched. The contents of inputs and outputs are not read.

    Exit status 0 where every run holds and has a good signature of somebody who is allowed to sign:
    an ssh key in the file of allowed signers, or a gpg key that the keyring trusts. Else 1, also
    where no run is signed.

    \b
    Examples:
      runref verify 4f1c
      runref verify --allowed-signers team.txt
      runref verify --json | jq '.runs[] | select(.verified | not)'
    """
    from runref.cli.vouched import described
    from runref.project.signatures import signed_runs
    from runref.project.vouching import vouch

    project = here(store)
    settings = project.repository.signing()
    if allowed_signers is not None:
        settings = replace(settings, allowed_signers=str(allowed_signers.absolute()))
    wanted = _named(project, runs) if runs else signed_runs(project)
    vouched: list[Vouching] = []
    for each in vouch(project, wanted, settings):
        vouched.append(each)
        if not as_json:
            for line in described(each):
                say(line)
    verified = sum(each.verified for each in vouched)
    if as_json:
        documents = [{**to_json(each), "verified": each.verified} for each in vouched]
        print_json({"verified": bool(vouched) and verified == len(vouched), "runs": documents})
    else:
        say(f"verified: {verified} of {len(vouched)}" if vouched else "no run is signed")
    return ExitStatus.DONE if vouched and verified == len(vouched) else ExitStatus.NO


def _named(project: Project, runs: Sequence[str]) -> list[StoredRun]:
    """Return the runs that are named; one that is damaged is found by its whole id."""
    from runref.store.runs_ref import StoredRun

    index = project.index()
    found: dict[str, StoredRun] = {}
    for name in runs:
        stored = project.runs.find(name) if is_run_id(name) else None
        if stored is None:
            run = project.resolve(name, index)
            stored = StoredRun(run.id, run.tree)
        found[stored.id] = stored
    return list(found.values())
