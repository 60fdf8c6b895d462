"""``runref diff``."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from runref.cli.options import complete_run, here, json_option, store_option
from runref.cli.output import print_json, say, to_json
from runref.cli.removed import tell_removed
from runref.errors import ExitStatus
from runref.model.run_difference import SECTIONS, Difference
from runref.model.variation import Variation
from runref.project.project import Project
from runref.store.recorded import RecordedRun

_PATHS = "runref.diff.paths"


class _WithPaths(click.Command):
    """A command that takes paths after ``--``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set the paths aside before the runs are read."""
        if "--" in args:
            place = args.index("--")
            ctx.meta[_PATHS] = tuple(args[place + 1 :])
            args = args[:place]
        return super().parse_args(ctx, args)


@click.command(cls=_WithPaths)
@click.argument(
    "runs",
    nargs=-1,
    required=True,
    metavar="RUN RUN [RUN]... [-- PATH...]",
    shell_complete=complete_run,
)
@click.option("--code", is_flag=True, help="Print the patch of the code, as git shows it.")
@click.option("--stat", is_flag=True, help="Print how many lines of each file of code differ.")
@click.option("--binary", is_flag=True, help="Write binary files into the patch, too.")
@click.option(
    "--color/--no-color", default=None, help="Colour the patch; by default on a terminal only."
)
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@json_option
@store_option
@click.pass_context
def command(
    context: click.Context,
    runs: tuple[str, ...],
    store: str,
    *,
    code: bool,
    stat: bool,
    binary: bool,
    color: bool | None,
    markdown: bool,
    as_json: bool,
) -> int:
    """Show what differs between two runs, or what varies among several.

    Code by file, command, parameters, environment, inputs and outputs by digest and, where their
    contents are in the local store, what changed inside; metrics by their last and best values and
    the step at which the series part. Of more than two runs, a table of what is not the same for
    all.

    Exit status 1 where anything differs. Id, time, duration, host and numbers of jobs are no
    difference by themselves. Status 3 where nothing differs and something is damaged.

    With --code, PATH names files or folders to look at. The patch can be applied with `git apply`.

    \b
    Examples:
      runref diff @~1 @
      runref diff 4f1c 8a03 77aa
      runref diff 4f1c 8a03 --code -- src | git apply
      runref diff 4f1c 8a03 --code --color | less -R
      runref diff 4f1c 8a03 --json
    """
    paths: tuple[str, ...] = context.meta.get(_PATHS, ())
    of_code = code or stat
    _check(len(runs), paths, of_code=of_code, formats=markdown + as_json, patch=code, binary=binary)
    project = here(store)
    index = project.index()
    found = [project.resolve(run, index) for run in runs]
    tell_removed(found)
    if of_code:
        return _show_code(
            project, found, _from_root(project, paths), stat, code, binary=binary, colour=color
        )
    if len(found) > 2:
        return _show_several(project, found, as_json=as_json, markdown=markdown)
    return _show_two(project, found, as_json=as_json, markdown=markdown)


def _check(
    runs: int, paths: Sequence[str], *, of_code: bool, formats: int, patch: bool, binary: bool
) -> None:
    if runs < 2:
        raise click.UsageError("name two runs, or more: `runref ls` shows them.")
    if of_code and runs > 2:
        raise click.UsageError("--code and --stat are of two runs.")
    if formats + of_code > 1:
        raise click.UsageError("--json, --markdown and --code or --stat exclude each other.")
    if paths and not of_code:
        raise click.UsageError("a PATH after -- is for --code or --stat.")
    if binary and not patch:
        raise click.UsageError("--binary is for --code.")


def _from_root(project: Project, paths: Sequence[str]) -> list[bytes]:
    """Return paths as snapshots name them: those of the shell are relative to its folder."""
    root = project.folder or os.curdir
    return [os.fsencode(os.path.relpath(path, root)) for path in paths]


def _show_code(
    project: Project,
    runs: Sequence[RecordedRun],
    paths: Sequence[bytes],
    stat: bool,  # noqa: FBT001 - both are what is to be shown
    patch: bool,  # noqa: FBT001
    *,
    binary: bool,
    colour: bool | None,
) -> int:
    from runref.cli.difference.patch import print_patch, snapshots_of
    from runref.cli.difference.stat import stat_lines
    from runref.project.comparing.code import code_changes

    left, right = runs
    status: int = ExitStatus.DONE
    if stat:
        trees = snapshots_of(left, right)
        changes = list(code_changes(project.repository.objects, *trees, paths))
        for line in stat_lines(changes):
            say(line)
        status = ExitStatus.NO if changes else ExitStatus.DONE
        if patch and changes:
            say("")
    if patch:
        status = print_patch(project, left, right, paths, binary=binary, colour=colour)
    return status


def _show_two(
    project: Project, runs: Sequence[RecordedRun], *, as_json: bool, markdown: bool
) -> int:
    from runref.cli.difference.markdown import two_runs
    from runref.cli.difference.text import describe
    from runref.project.comparing import compare

    difference = compare(project, runs[0], runs[1])
    if as_json:
        print_json(to_json(difference))
    else:
        for line in (two_runs if markdown else describe)(difference):
            say(line)
    return _status(difference, damaged=difference.is_damaged)


def _show_several(
    project: Project, runs: Sequence[RecordedRun], *, as_json: bool, markdown: bool
) -> int:
    from runref.cli.difference.markdown import several_runs
    from runref.cli.difference.several import heads_of, print_several, several_document
    from runref.project.comparing import compare_several

    variation = compare_several(project, runs)
    if as_json:
        print_json(several_document(variation))
    elif markdown:
        for line in several_runs(variation, heads_of(variation.runs)):
            say(line)
    else:
        print_several(variation)
    return _status(variation, damaged=any(each.damage for each in variation.not_compared))


def _status(found: Difference | Variation, *, damaged: bool) -> int:
    if isinstance(found, Variation):
        differs = any(row.section in SECTIONS for row in found.rows)
    else:
        differs = bool(found)
    if differs:
        return ExitStatus.NO
    return ExitStatus.COULD_NOT_RUN if damaged else ExitStatus.DONE
