"""``runref completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", metavar="bash|zsh|fish", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      eval "$(runref completion bash)"                     # in ~/.bashrc
      eval "$(runref completion zsh)"                      # in ~/.zshrc
      runref completion fish > ~/.config/fish/completions/runref.fish
    """
    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101 - the choice above names click's own shells
    root = context.find_root().command
    click.echo(completion(root, {}, "runref", "_RUNREF_COMPLETE").source())
