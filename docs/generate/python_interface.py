"""The Python interface and the settings file, from the code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from tables import as_markdown, table

import runref
from runref.api.history import History, PastRun
from runref.project.config import TEMPLATE
from runref.tracking.run import Run


def functions() -> str:
    """Return the functions of the module ``runref``."""
    named = [(name, getattr(runref, name)) for name in sorted(runref.__all__)]
    return _table((f"runref.{name}", each) for name, each in named if inspect.isfunction(each))


def methods_of_run() -> str:
    """Return what the handle of a live run can do."""
    hidden = {"end", "record_reproduction", "hold"}  # for the command line and for init
    return _table((f"run.{name}", each) for name, each in _members(Run) if name not in hidden)


def methods_of_history() -> str:
    """Return what the history of a repository can do."""
    return _table((f"history.{name}", each) for name, each in _members(History))


def members_of_past_run() -> str:
    """Return what a recorded run can do."""
    return _table((f"run.{name}", each) for name, each in _members(PastRun))


def settings_file() -> str:
    """Return the file that ``runref init`` writes."""
    return f"```yaml\n{TEMPLATE}```"


def _members(cls: type) -> Iterable[tuple[str, Any]]:
    return [(name, each) for name, each in vars(cls).items() if not name.startswith("_")]


def _table(named: Iterable[tuple[str, Any]]) -> str:
    return table(("name", "meaning"), [_row(name, each) for name, each in named])


def _row(name: str, each: Any) -> tuple[str, str]:
    function: Any = each.fget if isinstance(each, property) else each
    first = (inspect.getdoc(function) or "").partition("\n\n")[0]
    shown = name if isinstance(each, property) else f"{name}({_parameters(function)})"
    return f"`{shown}`", as_markdown(first)


def _parameters(function: Callable[..., Any]) -> str:
    shown: list[str] = []
    keywords = False
    for each in inspect.signature(function).parameters.values():
        if each.name == "self":
            continue
        if each.kind is each.KEYWORD_ONLY and not keywords:
            shown, keywords = [*shown, "*"], True
        name = f"*{each.name}" if each.kind is each.VAR_POSITIONAL else each.name
        has_default = each.default is not each.empty
        shown.append(f"{name}={each.default!r}" if has_default else name)
    return ", ".join(shown)
