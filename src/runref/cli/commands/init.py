"""``runref init``."""

from __future__ import annotations

import click

from runref.cli.options import here, json_option
from runref.cli.output import print_json, say
from runref.project.config import CONFIG_NAME, TEMPLATE


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """Write .runref.yaml, a commented file of settings, into the root of the working tree.

    Nothing else is needed before the first run, and a file that exists is left as it is.

    \b
    Examples:
      runref init && runref run -- python train.py
    """
    project = here()
    path = project.root / CONFIG_NAME
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
        created = True
    except FileExistsError:
        created = False
    if as_json:
        print_json({"config": str(path), "created": created})
        return
    say(f"{'wrote' if created else 'kept'} {path}")
    say("record a run:  runref run -- python train.py")
