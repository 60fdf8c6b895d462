"""``runref init``."""

from __future__ import annotations

import click

from runref.cli.options import here, json_option
from runref.cli.output import print_json, say
from runref.cli.records import NoGitRemote, default_remote
from runref.git.refspecs import add_refspecs
from runref.project.config import CONFIG_NAME, TEMPLATE
from runref.project.project import Project
from runref.store.runs_ref import RUNS_REF
from runref.sync.tracking_ref import tracking_ref


@click.command()
@click.option(
    "--with-refspecs",
    "git_remote",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[GIT-REMOTE]",
    help="Let plain git fetch and push carry the records, too.",
)
@json_option
def command(git_remote: str | None, *, as_json: bool) -> None:
    """Write .runref.yaml, a commented file of settings, into the root of the working tree.

    Nothing else is needed before the first run, and a file that exists is left as it is.

    With --with-refspecs, a plain `git fetch` also brings the records of the remote (origin), where
    `runref pull` merges them from, and a plain `git push` also sends ours. It refuses what `runref
    push` would merge first.

    \b
    Examples:
      runref init && runref run -- python train.py
      runref init --with-refspecs
    """
    project = here()
    added = _add_refspecs(project, git_remote) if git_remote is not None else []
    path = project.root / CONFIG_NAME
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
        created = True
    except FileExistsError:
        created = False
    if as_json:
        print_json({"config": str(path), "created": created, "refspecs": added})
        return
    for line in added:
        say(f"git config: {line}")
    say(f"{'wrote' if created else 'kept'} {path}")
    say("record a run:  runref run -- python train.py")


def _add_refspecs(project: Project, git_remote: str) -> list[str]:
    remote = git_remote or default_remote(project)
    if remote not in project.repository.remotes():
        raise NoGitRemote(
            f"there is no git remote {remote}", hint="`git remote add NAME URL` adds one."
        )
    tracking = tracking_ref(project, remote).name
    return add_refspecs(project.repository, remote, RUNS_REF, tracking)
