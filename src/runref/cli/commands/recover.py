"""``runref recover``."""

from __future__ import annotations

import click

from runref.cli.options import here, json_option, store_option
from runref.cli.output import print_json, printable, say
from runref.cli.text import count_of
from runref.errors import ExitStatus
from runref.tracking.collect import recover


@click.command()
@json_option
@store_option
def command(store: str, *, as_json: bool) -> int:
    """Record the runs that were killed, as interrupted, and those that wait for their record.

    Other commands do this by themselves; this one says what it found.

    \b
    Examples:
      runref recover
    """
    project = here(store)
    done = recover(project.spool, project.runs)
    live = [run.run_id for run in project.spool.live() if run.run_id not in done.problems]
    if as_json:
        print_json(
            {
                "committed": done.committed,
                "recovered": done.recovered,
                "live": live,
                "problems": done.problems,
                "busy": done.busy,
            }
        )
    else:
        killed = f", {len(done.recovered)} of them killed" if done.recovered else ""
        say(f"{count_of(len(done.committed), 'run')} recorded{killed}")
        if live:
            say(f"{count_of(len(live), 'run')} still going on: {' '.join(live)}")
        if done.busy:
            say("another process is recording runs", err=True)
        for run_id, problem in done.problems.items():
            say(f"run {run_id} stays in the spool: {printable(problem)}", err=True)
    return ExitStatus.NO if done.problems else ExitStatus.DONE
