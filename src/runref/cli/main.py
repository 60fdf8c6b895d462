"""The ``runref`` command: finding commands without importing them, and errors as output."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from importlib import import_module

import click

from runref.cli.stream import ReaderGone, discard_stdout, write_line
from runref.errors import ExitStatus, RunrefError
from runref.version import __version__

_READER_GONE = 128 + signal.SIGPIPE
"""What a shell sees of a program that wrote into a pipe which nobody reads."""

_COMMANDS = {
    "init": "Write .runref.yaml, a commented file of settings.",
    "run": "Run a command and record it.",
    "ls": "List runs, newest first.",
    "show": "Show everything known about a run.",
    "diff": "Show what differs between runs.",
    "plot": "Plot metrics over steps, and runs against each other.",
    "reproduce": "Run a recorded run again and say whether it held.",
    "get": "Bring back outputs, inputs or the code of a run.",
    "remote": "Add, list, check and remove the remotes that artifacts go to.",
    "push": "Send records through git, and artifacts to remotes.",
    "pull": "Bring records through git; artifacts from remotes.",
    "sync": "Bring records, and send those that are lacking there.",
    "bundle": "Move runs and artifacts in one file, without a network.",
    "fsck": "Check everything that the history claims, and repair it.",
    "gc": "Forget runs by a policy, or remove artifacts that no record holds.",
    "forget": "Take runs out of the history for good, and free what only they held.",
    "tag": "Add or remove tags.",
    "note": "Add a note.",
    "amend": "Correct the name or status of runs.",
    "rm": "Remove runs from lists.",
    "restore": "Bring removed runs back.",
    "sign": "Vouch for runs by a signature.",
    "verify": "Say whether runs are what was recorded, and who vouches.",
    "recover": "Record runs that were killed or wait.",
    "sql": "Ask the index in SQL.",
    "index": "Look at the index, or build it anew.",
    "doctor": "Check that runref works here.",
    "completion": "Print the shell's completion script.",
}
"""Every command with its line in the help, in the order of a first day's use."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return one command."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"runref.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="RUN is an id, at least 4 digits of its random part, a record hash, a commit of "
    "refs/runref/runs, @ (the newest run) or @~1 (the one before). Exit status: 0 done; 1 the "
    "answer is no; 2 wrong usage; 3 could not run; 130 interrupted; `run` passes on its command's.",
)
@click.version_option(__version__, message="runref %(version)s")
@click.option("-C", "directory", metavar="DIR", help="Work as if started in DIR.")
def group(directory: str | None) -> None:
    """Record every run in your git repository, bring it back from its hash.

    \b
    Example:
      runref run -e digits -o model.pkl -- python train.py --lr 0.1
      runref ls
      runref reproduce @
    """  # noqa: D301 - the character that click takes for "as it stands"
    if directory:
        os.chdir(directory)


def run(argv: Sequence[str]) -> int:
    """Run one command and return the exit status; errors that can be explained become output."""
    try:
        status = group.main(list(argv), prog_name="runref", standalone_mode=False)
        return int(status or ExitStatus.DONE)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        _show_usage(error, as_json=_wants_json(argv))
        return ExitStatus.USAGE
    except (KeyboardInterrupt, click.Abort):
        return ExitStatus.INTERRUPTED
    except ReaderGone:
        discard_stdout()
        return _READER_GONE
    except RunrefError as error:
        _show(error.code, error.message, error.hint, as_json=_wants_json(argv))
        return error.exit_status
    except OSError as error:
        named = isinstance(error.filename, (str, bytes))
        where = f": {os.fsdecode(error.filename)}" if named else ""
        message = f"{error.strerror or error}{where}"
        _show("operating-system", message, "", as_json=_wants_json(argv))
        return ExitStatus.COULD_NOT_RUN


def _wants_json(argv: Sequence[str]) -> bool:
    own = argv[: argv.index("--")] if "--" in argv else argv
    return "--json" in own


def _show_usage(error: click.ClickException, *, as_json: bool) -> None:
    if as_json:
        _show("usage", error.format_message(), "", as_json=True)
    else:
        error.show()


def _show(code: str, message: str, hint: str, *, as_json: bool) -> None:
    if as_json:
        document = {"error": {"code": code, "message": message, "hint": hint}}
        write_line(json.dumps(document), err=True)
        return
    write_line(f"{click.style('error:', fg='red', bold=True)} {message}", err=True)
    if hint:
        write_line(f"{click.style('hint:', bold=True)} {hint}", err=True)
