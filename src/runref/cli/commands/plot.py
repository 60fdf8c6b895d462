"""``runref plot``."""

from __future__ import annotations

from pathlib import Path

import click

from runref.cli.options import complete_run, here, json_option, store_option
from runref.cli.output import print_json, say
from runref.errors import ExitStatus, RunrefError
from runref.plot.curves import Curve
from runref.plot.formats import format_of
from runref.project.project import Project
from runref.store.recorded import RecordedRun, read_rows


class NothingToPlot(RunrefError):
    """None of the chosen runs has the metric."""

    code = "nothing-to-plot"
    exit_status = ExitStatus.USAGE


@click.command()
@click.argument("metric")
@click.argument("runs", nargs=-1, metavar="[RUN]...", shell_complete=complete_run)
@click.option("-o", "--output", "target", required=True, metavar="FILE", help="PNG or SVG.")
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
    from runref.plot.figures import draw_curves, save

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
    save(draw_curves(curves, metric=metric, x_label="step"), Path(target), kind)
    if as_json:
        data = [
            {"label": c.label, "steps": list(c.steps), "values": list(c.values)} for c in curves
        ]
        print_json({"written": target, "curves": data})
    else:
        say(f"wrote {target}: {metric} of {len(curves)} runs")


def curves_of(project: Project, runs: list[RecordedRun], metric: str) -> list[Curve]:
    """Return one curve for each run that has the metric, oldest first."""
    curves = []
    for run in reversed(runs):
        rows = read_rows(project.repository.objects, run.tree).get(0, [])
        points = [(row.step, row.values[metric]) for row in rows if metric in row.values]
        if points:
            steps, values = zip(*points, strict=True)
            curves.append(Curve(_label(run), steps, values))
    return curves


def _label(run: RecordedRun) -> str:
    return f"{run.record.name or run.record.experiment} {run.id[9:17]}".strip()
