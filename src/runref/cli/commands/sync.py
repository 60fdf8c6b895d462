"""``runref sync``."""

from __future__ import annotations

import click

from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json
from runref.cli.records import default_remote, pull_records, push_records


@click.command()
@click.argument("git_remote", metavar="[GIT-REMOTE]", required=False)
@json_option
@store_option
def command(git_remote: str | None, store: str, *, as_json: bool) -> int:
    """Bring the records of a git remote (origin) here, and send it those it lacks.

    The same as `runref pull && runref push --no-artifacts`.

    \b
    Examples:
      runref sync
      runref sync backup
    """
    project = here(store)
    remote = git_remote or default_remote(project)
    pulled, _ = pull_records(project, remote, quiet=as_json)
    pushed, status = push_records(project, remote, quiet=as_json)
    if as_json:
        print_json({"pulled": pulled, "pushed": pushed})
    return status
