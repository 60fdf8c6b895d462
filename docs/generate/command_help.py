"""The reference of the command line, from the help of each command."""

from __future__ import annotations

from collections.abc import Iterator

import click

from runref.cli.main import group

_WIDTH = 100


def all_commands() -> str:
    """Return the help of ``runref`` and of each of its commands, those of groups included."""
    names = group.context_settings["help_option_names"]
    top = click.Context(group, info_name="runref", terminal_width=_WIDTH, help_option_names=names)
    return "\n\n".join((_help(top), *_below(top)))


def _below(context: click.Context) -> Iterator[str]:
    if not isinstance(context.command, click.Group):
        return
    for name in context.command.list_commands(context):
        command = context.command.get_command(context, name)
        if command is None:
            raise LookupError(f"{name} is listed and cannot be loaded")
        inner = click.Context(command, parent=context, info_name=name, terminal_width=_WIDTH)
        yield f"## {inner.command_path}\n\n{_help(inner)}"
        yield from _below(inner)


def _help(context: click.Context) -> str:
    return f"```text\n{context.command.get_help(context)}\n```"
