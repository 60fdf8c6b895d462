"""runref: record every run in your git repository, bring it back from its hash.

Everything here is loaded on first use, so that ``import runref`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runref.version import __version__

if TYPE_CHECKING:
    from runref.api.habits import (
        active_run,
        end_run,
        finish,
        log,
        log_artifact,
        log_confusion_matrix,
        log_figure,
        log_metric,
        log_metrics,
        log_output,
        log_param,
        log_params,
        log_table,
        note,
        start_run,
        tag,
        use_input,
    )
    from runref.api.history import History, PastRun, Runs, Series, open, search_runs
    from runref.api.session import init
    from runref.errors import RunrefError
    from runref.tracking.run import Run

_HOMES = {
    "runref.api.habits": (
        "active_run",
        "end_run",
        "finish",
        "log",
        "log_artifact",
        "log_confusion_matrix",
        "log_figure",
        "log_metric",
        "log_metrics",
        "log_output",
        "log_param",
        "log_params",
        "log_table",
        "note",
        "start_run",
        "tag",
        "use_input",
    ),
    "runref.api.history": ("History", "PastRun", "Runs", "Series", "open", "search_runs"),
    "runref.api.session": ("init",),
    "runref.errors": ("RunrefError",),
    "runref.tracking.run": ("Run",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604 - one table says where each name lives
    "__version__",
    *_HOME_OF,
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "config":  # the active run's, so it cannot be bound once
        return import_module("runref.api.habits").latest_run().config
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'runref' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
