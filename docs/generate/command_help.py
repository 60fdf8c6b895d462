"""The reference of the command line, from the help of each command."""

from __future__ import annotations

import click

from runref.cli.main import group

_WIDTH = 100


def all_commands() -> str:
    """Return the help of ``runref`` and of each of its commands."""
    names = group.context_settings["help_option_names"]
    top = click.Context(group, info_name="runref", terminal_width=_WIDTH, help_option_names=names)
    parts = [f"```text\n{group.get_help(top)}\n```"]
    for name in group.list_commands(top):
        command = group.get_command(top, name)
        if command is None:
            raise LookupError(f"{name} is listed and cannot be loaded")
        context = click.Context(command, parent=top, info_name=name, terminal_width=_WIDTH)
        parts.append(f"## runref {name}\n\n```text\n{command.get_help(context)}\n```")
    return "\n\n".join(parts)
