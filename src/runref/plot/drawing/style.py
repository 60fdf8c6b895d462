"""One style for all figures: equal data give equal bytes, whoever draws them.

The object interface is used with the Agg canvas, never pyplot: no window system, no global figure,
and nothing that a training program set up in matplotlib is touched.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from runref.errors import RunrefError
from runref.plot.curves import shortened
from runref.plot.formats import Format

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito, https://jfly.uni-koeln.de/color/: told apart with every kind of colour vision.
# Their yellow is left out, as it cannot be seen on white.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1.2, 1.2)),
    (0, (6, 2, 1.2, 2)),
    (0, (10, 3)),
    (0, (6, 2, 1.2, 2, 1.2, 2)),
    (0, (3, 4)),
    (0, (1.2, 3.5)),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
DISTINCT = len(COLOURS) * len(DASHES)
"""How many lines, or points, look different."""
COLOUR_MAP = "viridis"
"""For numbers: as bright as they are large, so also told apart in grey."""
MISSING = "#b0b0b0"

LABEL = 44
"""Characters of a name that the legend shows."""
INSIDE = 6
"""Names that still fit into the axes beside what is drawn."""
ROWS = 28
"""Names below each other in the legend's columns."""

_DPI = 150
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
    "axes.formatter.use_mathtext": False,
    "axes.formatter.limits": (-5, 6),
    "date.converter": "concise",
}
# DejaVu, which matplotlib brings along, has no CJK and no emoji; these are on most systems that
# need them.
_FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "WenQuanYi Micro Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Arial Unicode MS",
    "Noto Emoji",
    "Symbola",
)

_METADATA: dict[Format, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


class PictureUnwritable(RunrefError):
    """A picture cannot be written where it was asked for."""

    code = "picture-unwritable"


def save(figure: Figure, target: Path | BinaryIO, format: Format) -> None:  # noqa: A002 -- what it is
    """Write a figure as PNG (150 dpi), SVG or PDF, without dates and versions in it.

    Raises:
        PictureUnwritable: The operating system refuses.
    """
    with styled():
        try:
            if format == "png":
                # The same bytes as savefig writes, which lays everything out twice.
                figure.set_dpi(_DPI)
                FigureCanvasAgg(figure).print_png(target, metadata=_METADATA[format])  # type: ignore[no-untyped-call]
            else:
                figure.savefig(target, format=format, dpi=_DPI, metadata=_METADATA[format])
        except OSError as error:
            raise PictureUnwritable(
                f"{target} cannot be written: {error.strerror}",
                hint="name a file in a folder that exists and may be written",
            ) from error


@contextmanager
def styled() -> Iterator[None]:
    """Draw in one style, whatever matplotlibrc says, and put everything back."""
    with mpl.rc_context(), warnings.catch_warnings():
        # Without a font for a script, PNG and PDF show boxes; the plot is worth having anyway.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        # A dot of one value on a logarithmic axis has no neighbours to scale by.
        warnings.filterwarnings(
            "ignore", message="Attempt to set non-positive", category=UserWarning
        )
        # Two years within a picture have few round dates; those it finds will do.
        warnings.filterwarnings(
            "ignore", message="AutoDateLocator was unable", category=UserWarning
        )
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        mpl.rcParams["font.family"] = list(_families())
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("constrained")
    FigureCanvasAgg(figure)
    return figure


def set_title(axes: Axes, title: str) -> None:
    """Put a title above the axes, at the left; none where it is empty."""
    if title:
        axes.set_title(shortened(title, 70), fontsize=11, loc="left")


def legend_columns(count: int) -> int:
    """Return how many columns of names stand beside the axes; none where they fit inside."""
    return 0 if count <= INSIDE else -(-min(count, DISTINCT) // ROWS)


def legend(
    figure: Figure,
    axes: Axes,
    handles: list[Any],
    labels: list[str],
    *,
    inside: bool,
    title: str = "",
) -> None:
    """Explain what is drawn: inside the axes, or beside them in columns, the rest counted.

    Args:
        figure: What it belongs to.
        axes: Where it stands, if inside.
        handles: What stands for each name.
        labels: The names.
        inside: Whether it stands inside the axes.
        title: Stands above it; none where it is empty.
    """
    style: dict[str, Any] = {"title": shortened(title, LABEL) or None, "title_fontsize": 8.5}
    names = [named(label) for label in labels]
    if inside:
        axes.legend(handles, names, loc="best", fontsize=9, handlelength=3.2, **style)
        return
    if len(names) > DISTINCT:
        handles = [*handles[: DISTINCT - 1], _nothing()]
        names = [*names[: DISTINCT - 1], f"and {len(names) - DISTINCT + 1} more"]
    figure.legend(
        handles,
        names,
        loc="outside right upper",
        ncols=-(-len(names) // ROWS),
        fontsize=9 if len(names) <= ROWS // 2 else 7.5,
        frameon=False,
        handlelength=3.2,
        **style,
    )


def named(label: str) -> str:
    """Return a label as a legend shows it."""
    label = shortened(label, LABEL)
    # Earlier versions of matplotlib leave names with a leading underscore out of legends.
    return f"\N{ZERO WIDTH SPACE}{label}" if label.startswith("_") else label


def _nothing() -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="none")


@lru_cache(maxsize=1)
def _families() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    present = {font.name for font in fontManager.ttflist}
    return ("DejaVu Sans", *(name for name in _FALLBACKS if name in present))
