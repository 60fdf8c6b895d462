"""``runref plot``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from runref.cli.columns import params_of, varying_parameters
from runref.cli.options import complete_run, here, json_option, store_option
from runref.cli.output import print_json, printable, say, tell, to_json
from runref.cli.text import count_of, format_value
from runref.errors import ExitStatus, RunrefError
from runref.plot.curves import Curve, shortened
from runref.plot.formats import format_of
from runref.project.project import Project
from runref.store.recorded import RecordedRun, read_rows

_PARAMETERS_SHOWN = 2
"""Parameters that a curve's label names, of those that tell the runs apart."""
_NAME = 18
"""Characters of a run's name in its curve's label: what follows tells more."""


class NothingToPlot(RunrefError):
    """None of the chosen runs has the metric."""

    code = "nothing-to-plot"
    exit_status = ExitStatus.USAGE


@click.command()
@click.argument("metric")
@click.argument("runs", nargs=-1, metavar="[RUN]...", shell_complete=complete_run)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    metavar="FILE",
    help="Where to; the name ends in .png, .svg or .pdf.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many of the newest runs, where none is named.",
)
@json_option
@store_option
def command(
    metric: str, runs: tuple[str, ...], target: str, limit: int, store: str, *, as_json: bool
) -> None:
    """Plot a metric over steps; without RUN, of the newest runs that have it.

    \b
    Examples:
      runref plot val/acc -o curves.svg
      runref plot loss @ @~1 -o loss.png
    """
    kind = format_of(Path(target))
    project = here(store)
    index = project.index()
    chosen = (
        [project.resolve(run, index) for run in runs]
        if runs
        else [run for run in index.newest() if metric in run.record.metrics][:limit]
    )
    curves = curves_of(project, chosen, metric)
    if not curves:
        known = sorted({name for run in index.newest(50) for name in run.record.metrics})
        raise NothingToPlot(
            f"no chosen run has the metric {metric!r}",
            hint=f"Metrics of the newest runs: {', '.join(known[:12]) or 'none'}.",
        )
    for run in chosen:
        if metric not in run.record.metrics:
            tell(f"run {run.id} has no {printable(metric)!r}")
    from runref.plot.figures import draw_curves, save

    figure = draw_curves(curves, metric=metric, x_label="step", title=shared_name(chosen))
    save(figure, Path(target), kind)
    if as_json:
        print_json({"written": target, "metric": metric, "curves": to_json(curves)})
    else:
        say(f"wrote {printable(target)}: {printable(metric)} of {count_of(len(curves), 'run')}")


def curves_of(project: Project, runs: list[RecordedRun], metric: str) -> list[Curve]:
    """Return one curve for each run that has the metric, oldest first."""
    curves = []
    varying = varying_parameters(runs)[:_PARAMETERS_SHOWN]
    named = not shared_name(runs)
    for run in reversed(runs):
        rows = read_rows(project.repository.objects, run.tree).get(0, [])
        points = [(row.step, row.values[metric]) for row in rows if metric in row.values]
        if points:
            steps, values = zip(*points, strict=True)
            curves.append(Curve(_label(run, varying, named=named), steps, values))
    return curves


def shared_name(runs: Sequence[RecordedRun]) -> str:
    """Return what several runs have in common, their name or else their experiment, or nothing."""
    names = {_name(run) for run in runs}
    return names.pop() if len(runs) > 1 and len(names) == 1 else ""


def _name(run: RecordedRun) -> str:
    return run.record.name or run.record.experiment


def _label(run: RecordedRun, varying: Sequence[str], *, named: bool) -> str:
    params = params_of(run)
    parts = [shortened(_name(run), _NAME)] if named else []
    parts += [f"{name}={format_value(params[name])}" for name in varying if name in params]
    return " ".join(filter(None, [*parts, run.id[9:13]]))
