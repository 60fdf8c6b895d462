"""``runref plot``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from runref.cli.options import complete_run, here, json_option, store_option
from runref.cli.output import say, tell
from runref.cli.plotting.arguments import (
    NothingToPlot,
    can_name_a_run,
    told_apart,
    unknown,
)
from runref.cli.plotting.choosing import Chosen, Source
from runref.cli.plotting.curves import Look, curves_chart
from runref.cli.plotting.delivery import give_json, show, summary, write
from runref.cli.plotting.outputs import matrix_chart, table_chart
from runref.cli.plotting.sweeps import histogram_chart, parallel_chart, scatter_chart
from runref.cli.removed import tell_removed
from runref.plot.charts import Chart
from runref.plot.formats import format_of
from runref.project.project import Project

_CURVES = 10
"""Newest runs whose curves are drawn, where none is named."""
_POINTS = 1000
"""Newest runs in the other figures, where none is named."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a user asks for."""

    words: tuple[str, ...]
    runs: tuple[str, ...]
    query: str
    limit: int | None
    options: dict[str, Any]

    def given(self, *names: str) -> bool:
        return any(self.options[name] not in (None, "", 0, False, ()) for name in names)


@click.command()
@click.argument("words", nargs=-1, metavar="[METRIC]... [RUN]...", shell_complete=complete_run)
@click.option(
    "-r",
    "--run",
    "runs",
    multiple=True,
    metavar="RUN",
    shell_complete=complete_run,
    help="Of this run; may be repeated.",
)
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    help="Where to; the name ends in .png, .svg or .pdf. By default, the terminal.",
)
@click.option(
    "--query",
    default="",
    metavar="QUERY",
    help="Of the runs that it finds: 'val/acc > 0.9'.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="How many of the newest runs, where none is named.  [default: 10 for curves, else 1000]",
)
@click.option(
    "--smooth",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="WEIGHT",
    help="Smooth curves as TensorBoard does, from 0 to below 1.",
)
@click.option(
    "--x",
    type=click.Choice(["step", "time", "wall"]),
    default="step",
    help="What the x axis of curves counts: steps, time since the start, or the clock.",
)
@click.option(
    "--group-by",
    metavar="NAME",
    default="",
    help="Draw the mean of the runs that have the same value in a column.",
)
@click.option(
    "--band",
    "spread",
    type=click.Choice(["std", "minmax"]),
    default=None,
    help="What lies around the mean.  [default: std]",
)
@click.option("--log-x", is_flag=True, help="Make the x axis logarithmic.")
@click.option("--log-y", is_flag=True, help="Make the y axis logarithmic.")
@click.option("--scatter", nargs=2, metavar="X Y", help="Draw a point for each run.")
@click.option(
    "--parallel",
    metavar="NAME,NAME,...",
    default="",
    help="Draw a line for each run across several columns.",
)
@click.option("--histogram", metavar="NAME", default="", help="Count the runs by a column.")
@click.option("--bins", type=click.IntRange(1, 10_000), help="Bars of the histogram.")
@click.option("--color", metavar="NAME", default="", help="Colour points and bars by a column.")
@click.option("--confusion", metavar="NAME", default="", help="Draw a confusion matrix of a run.")
@click.option("--table", metavar="NAME", default="", help="Draw a table of a run.")
@json_option
@store_option
def command(
    words: tuple[str, ...],
    runs: tuple[str, ...],
    target: str | None,
    query: str,
    limit: int | None,
    store: str,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Plot metrics of runs over steps, or what runs have in columns against each other.

    Without RUN, of the newest runs. Without -o, in the terminal: as an image where it can show
    one, else as text. A column is a field, a parameter, a metric, or metric.max, .min, .mean.

    \b
    Examples:
      runref plot val/acc loss --smooth 0.6 -o curves.svg
      runref plot loss @ @~1
      runref plot val/acc --query 'experiment == "digits" and lr < 1e-2' -o digits.svg
      runref plot val/acc --group-by optimizer --band minmax -o groups.pdf
      runref plot --scatter lr val/acc.max --log-x --color optimizer -o sweep.png
      runref plot --parallel lr,batch_size,dropout,val/acc.max -o parallel.png
      runref plot --confusion val @ -o confusion.png
    """
    kind = format_of(Path(target)) if target else None
    source = Source(project := here(store))
    chart = _chart(project, source, _Asked(words, runs, query, limit, options))
    if target and kind:
        write(chart, Path(target), kind)
    if as_json:
        give_json(chart, target)
    elif target:
        say(summary(chart, target))
    else:
        show(chart)
    source.name_unread()


def _chart(project: Project, source: Source, asked: _Asked) -> Chart:
    """Return the figure that the options ask for, curves where they ask for no other."""
    kinds = [
        n for n in ("scatter", "parallel", "histogram", "confusion", "table") if asked.given(n)
    ]
    if len(kinds) > 1:
        raise click.UsageError(f"--{kinds[0]} and --{kinds[1]} are two figures; ask for one.")
    kind = kinds[0] if kinds else "curves"
    _check(kind, asked)
    if kind == "curves":
        return _curves(source, asked)
    for word in asked.words:
        if not can_name_a_run(word):
            raise click.UsageError(f"{word!r} cannot name a run, and --{kind} takes no metrics.")
    options, addresses = asked.options, (*asked.words, *asked.runs)
    if kind in ("confusion", "table"):
        return _logged(project, kind, options[kind], addresses)
    chosen = source.chosen(addresses, asked.query, asked.limit or _POINTS)
    _tell_limit(chosen)
    if not chosen.runs:
        raise NothingToPlot("there are no runs", hint="`runref run` records one.")
    if kind == "parallel":
        from runref.query.parse import split_names

        names = split_names(options["parallel"])
        if len(names) < 2:
            raise click.UsageError("--parallel takes at least two names: lr,dropout,val/acc.max")
        return parallel_chart(source, chosen.runs, names)
    logs = {"log_x": options["log_x"], "log_y": options["log_y"]}
    if kind == "histogram":
        name, bins = options["histogram"], options["bins"]
        return histogram_chart(source, chosen.runs, name, options["color"], bins=bins, **logs)
    x, y = options["scatter"]
    return scatter_chart(source, chosen.runs, x, y, options["color"], **logs)


_ONLY = {
    "smooth": ("curves",),
    "group_by": ("curves",),
    "spread": ("curves",),
    "color": ("scatter", "histogram"),
    "bins": ("histogram",),
    "log_x": ("curves", "scatter", "histogram"),
    "log_y": ("curves", "scatter", "histogram"),
}
"""Options that only some figures have."""


def _check(kind: str, asked: _Asked) -> None:
    """Refuse options that would change nothing, so that nobody believes they did."""
    for name, kinds in _ONLY.items():
        if asked.given(name) and kind not in kinds:
            figure = "curves" if kind == "curves" else f"--{kind}"
            option = "band" if name == "spread" else name.replace("_", "-")
            raise click.UsageError(f"--{option} says nothing for {figure}.")
    if asked.options["x"] != "step" and kind != "curves":
        raise click.UsageError(f"--x says nothing for --{kind}.")
    if asked.given("group_by") and asked.options["x"] != "step":
        raise click.UsageError("--group-by aligns runs on their steps; leave out --x.")
    if asked.query and (asked.runs or kind in ("confusion", "table")):
        raise click.UsageError("--query finds runs; leave it out, or do not name any.")
    if asked.given("spread") and not asked.given("group_by"):
        raise click.UsageError("--band says nothing without --group-by.")


def _curves(source: Source, asked: _Asked) -> Chart:
    if not asked.words:
        raise click.UsageError("Name a metric, or a figure: --scatter, --parallel, --histogram.")
    known = source.metrics(asked.runs)
    metrics, addresses = told_apart(asked.words, known)
    if not metrics:
        raise click.UsageError(f"Name a metric of the runs: {', '.join(known[:12]) or 'none'}.")
    options, grouping = asked.options, bool(asked.options["group_by"])
    limit = asked.limit or (_POINTS if grouping else _CURVES)
    named = (*addresses, *asked.runs)
    chosen = source.chosen(named, asked.query, limit, having=metrics)
    _tell_limit(chosen)
    held = sorted({name for run in chosen.runs for name in run.record.metrics})
    for metric in metrics:
        if metric not in held:
            raise unknown(metric, held, "metric")
    look = Look(
        options["x"],
        options["smooth"],
        options["group_by"],
        options["spread"] or "std",
        options["log_x"],
        options["log_y"],
    )
    return curves_chart(source, chosen.runs, metrics, look)


def _logged(project: Project, kind: str, name: str, addresses: tuple[str, ...]) -> Chart:
    if len(addresses) != 1:
        raise click.UsageError(f"--{kind} is of one run: `runref plot --{kind} {name} @`.")
    run = project.resolve(addresses[0])
    tell_removed([run])
    return (matrix_chart if kind == "confusion" else table_chart)(project, run, name)


def _tell_limit(chosen: Chosen) -> None:
    if chosen.of > len(chosen.runs):
        tell(f"the newest {len(chosen.runs)} of {chosen.of} runs; --limit N takes more")
