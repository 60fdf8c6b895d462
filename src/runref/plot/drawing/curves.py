"""Drawing curves with matplotlib: equal curves give equal bytes, whoever draws them.

The object interface is used with the Agg canvas, never pyplot: no window system, no global figure,
and nothing that a training program set up in matplotlib is touched.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from runref.errors import RunrefError
from runref.plot.curves import Curve, drawable, isolated, shortened, thinned
from runref.plot.formats import Format

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito, https://jfly.uni-koeln.de/color/: told apart with every kind of colour vision.
# Their yellow is left out, as it cannot be seen on white.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000")
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1.2, 1.2)),
    (0, (6, 2, 1.2, 2)),
    (0, (10, 3)),
    (0, (6, 2, 1.2, 2, 1.2, 2)),
    (0, (3, 4)),
    (0, (1.2, 3.5)),
)
_DISTINCT = len(_COLOURS) * len(_DASHES)

_INSIDE = 6
"""Curves whose names still fit into the axes beside the lines."""
_MANY = 14
"""Curves up to which lines are drawn bold."""
_LABEL = 44
"""Characters of a name that the legend shows."""
_ROWS = 28
"""Names below each other in the legend's columns."""

_STYLE: Any = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "font.size": 10,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.7,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",  # text stays text: searchable, and in any script the viewer has
    "svg.hashsalt": "runref",
    "text.parse_math": False,  # a $ in a name is a $
}
# DejaVu, which matplotlib brings along, has no CJK; one of these is on most systems that need it.
_FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "WenQuanYi Micro Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Arial Unicode MS",
)

_METADATA: dict[Format, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


class PictureUnwritable(RunrefError):
    """A picture cannot be written where it was asked for."""

    code = "picture-unwritable"


def draw_curves(curves: Sequence[Curve], *, metric: str, x_label: str, title: str = "") -> Figure:
    """Return a figure with one line per run.

    Values that are NaN or infinite are gaps; a value with gaps on both sides, or alone, is a dot.

    Args:
        curves: The runs, in the order of the legend.
        metric: What the y axis is called.
        x_label: What the x axis is called.
        title: Stands above; none where it is empty.
    """
    with _style():
        columns = _columns(len(curves))
        figure = Figure(figsize=(7.2 + 2.6 * columns, 4.5 if columns < 1 else 5.4))
        figure.set_layout_engine("constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        width = 1.5 if len(curves) <= _MANY else 1.0
        handles = [_draw(axes, index, curve, width) for index, curve in enumerate(curves)]
        axes.set_xlabel(shortened(x_label, 80))
        axes.set_ylabel(shortened(metric, 60))
        if title:
            axes.set_title(shortened(title, 90), fontsize=11, loc="left")
        if all(float(step).is_integer() for curve in curves for step in curve.steps):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.margins(x=0.02)
        if curves:
            _legend(figure, axes, handles, [_label(curve) for curve in curves], columns)
    return figure


def save(figure: Figure, path: Path, format: Format) -> None:  # noqa: A002 -- what it is
    """Write a figure as PNG (150 dpi), SVG or PDF, without dates and versions in it.

    Raises:
        PictureUnwritable: The operating system refuses.
    """
    with _style():
        try:
            figure.savefig(path, format=format, dpi=150, metadata=_METADATA[format])
        except OSError as error:
            raise PictureUnwritable(
                f"{path} cannot be written: {error.strerror}",
                hint="name a file in a folder that exists and may be written",
            ) from error


@contextmanager
def _style() -> Iterator[None]:
    """Draw in one style, whatever matplotlibrc says, and put everything back."""
    with mpl.rc_context(), warnings.catch_warnings():
        # Without a font for a script, PNG and PDF show boxes; the plot is worth having anyway.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        mpl.rcParams["font.family"] = _families()
        yield


def _families() -> list[str]:
    from matplotlib.font_manager import fontManager

    present = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _FALLBACKS if name in present)]


def _draw(axes: Axes, index: int, curve: Curve, width: float) -> Line2D:
    """Draw one curve and return what stands for it in the legend."""
    line: dict[str, Any] = {
        "color": _COLOURS[index % len(_COLOURS)],
        "linestyle": _DASHES[index // len(_COLOURS) % len(_DASHES)],
        "linewidth": width,
    }
    dots: dict[str, Any] = line | {"linestyle": "none", "marker": "o", "markersize": 5}
    values = drawable(curve.values)
    shown = thinned(values)
    axes.plot([curve.steps[at] for at in shown], [values[at] for at in shown], **line)
    alone = isolated(values)
    if not alone:
        return Line2D([], [], **line)
    axes.plot([curve.steps[at] for at in alone], [values[at] for at in alone], **dots)
    joined = len(alone) < sum(not math.isnan(value) for value in values)
    return Line2D([], [], **(line if joined else dots))


def _label(curve: Curve) -> str:
    label = shortened(curve.label, _LABEL)
    if all(math.isnan(value) for value in drawable(curve.values)):
        label += " (no finite value)"
    # Earlier versions of matplotlib leave names with a leading underscore out of legends.
    return f"\N{ZERO WIDTH SPACE}{label}" if label.startswith("_") else label


def _columns(count: int) -> int:
    """Return how many columns of names stand beside the axes."""
    return 0 if count <= _INSIDE else -(-min(count, _DISTINCT) // _ROWS)


def _legend(
    figure: Figure, axes: Axes, handles: list[Line2D], labels: list[str], columns: int
) -> None:
    style: dict[str, Any] = {"frameon": False, "handlelength": 3.2}
    if not columns:
        axes.legend(handles, labels, loc="best", fontsize=9, **style | {"frameon": True})
        return
    if len(labels) > _DISTINCT:
        handles = [*handles[: _DISTINCT - 1], Line2D([], [], linestyle="none")]
        labels = [*labels[: _DISTINCT - 1], f"and {len(labels) - _DISTINCT + 1} more"]
    figure.legend(handles, labels, loc="outside right upper", ncols=columns, fontsize=7.5, **style)
