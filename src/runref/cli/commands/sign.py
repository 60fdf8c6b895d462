"""``runref sign``."""

from __future__ import annotations

import click

from runref.cli.options import here, json_option, run_argument, store_option
from runref.cli.output import print_json, say


@click.command()
@click.option(
    "--key",
    metavar="KEY",
    default="",
    help="A file with an ssh key, a literal one (key::…), or the id of a gpg key; by default "
    "what git signs with.",
)
@run_argument("runs", nargs=-1)
@json_option
@store_option
def command(runs: tuple[str, ...], key: str, store: str, *, as_json: bool) -> None:
    """Sign runs: vouch for what they record, with an ssh or gpg key.

    The signature is added beside the run. It covers run.yaml by its SHA-256, and by the digests in
    it every file of the run, its code, its inputs and its outputs. What the record claims is
    checked first, and a run that is damaged is not signed.

    \b
    Examples:
      runref sign @
      runref sign 4f1c 8a03 --key ~/.ssh/id_ed25519
    """
    from runref.project.signing import sign_runs

    project = here(store)
    index = project.index()
    found = [project.resolve(run, index) for run in runs]
    commit = sign_runs(project, found, key=key)
    ids = list(dict.fromkeys(run.id for run in found))
    if as_json:
        print_json({"commit": commit, "runs": ids})
    else:
        say(f"signed {' '.join(ids)}")
