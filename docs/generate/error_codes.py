"""Tables of error codes and notice codes, found in the code itself."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from advice import ERRORS, NOTICES
from tables import as_markdown, table

import runref
from runref.errors import RunrefError

_NOTICING = ("api", "cli", "reproduce", "tracking")
"""Packages that make notices; those below them return what they could not do."""

_ROLES = ("input", "output")
"""What ``role`` stands for in the one notice code that is put together."""


def error_table() -> str:
    """Return every error code with its exit status, its meaning and what to do."""
    rows = [
        (f"`{each.code}`", str(int(each.exit_status)), meaning(each), ERRORS.get(each.code, ""))
        for each in sorted(error_classes(), key=lambda each: each.code)
    ]
    return table(("code", "exit status", "meaning", "what to do"), rows)


def notice_table() -> str:
    """Return every notice code with its meaning."""
    return table(("code", "meaning"), [(f"`{c}`", NOTICES.get(c, "")) for c in notice_codes()])


def error_classes() -> list[type[RunrefError]]:
    """Return all errors that runref raises on purpose, after importing every module."""
    for module in pkgutil.walk_packages(runref.__path__, "runref."):
        importlib.import_module(module.name)
    return list(_below(RunrefError))


def meaning(error: type[RunrefError]) -> str:
    """Return the first paragraph of an error's docstring."""
    return as_markdown(inspect.cleandoc(error.__doc__ or "").partition("\n\n")[0])


def notice_codes() -> list[str]:
    """Return the codes of all notices that the code can put into a record.

    Raises:
        LookupError: a code is put together in a way that cannot be read off the source.
    """
    found: set[str] = set()
    source = Path(runref.__path__[0])
    for path in (path for package in _NOTICING for path in (source / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and (argument := _code_argument(node)) is not None:
                found.update(_values(argument, path))
    return sorted(found)


def _below(cls: type[RunrefError]) -> Iterator[type[RunrefError]]:
    for each in cls.__subclasses__():
        if each.__module__.startswith("runref."):
            yield each
        yield from _below(each)


def _code_argument(call: ast.Call) -> ast.expr | None:
    """Return the argument that is a notice's code, where `call` makes or adds one."""
    match call.func:
        case ast.Name(id="Notice") if call.args:
            return call.args[0]
        case ast.Name(id="_note") if len(call.args) > 2:
            return call.args[2]
        case ast.Attribute(attr="report"):
            return call.args[0]
        case ast.Attribute(
            attr="add", value=ast.Attribute(attr="_notices" | "notices") | ast.Name("notices")
        ):
            return call.args[0]
    return None


def _values(argument: ast.expr, path: Path) -> list[str]:
    match argument:
        case ast.Constant(value=str(code)):
            return [code]
        case ast.JoinedStr(
            values=[ast.FormattedValue(value=ast.Name("role")), ast.Constant(str(rest))]
        ):
            return [role + rest for role in _ROLES]
        case ast.Attribute(value=ast.Name(name), attr="code"):
            return [each.code for each in error_classes() if each.__name__ == name]
        case ast.Name("code"):  # handed on: it is found where it comes from
            return []
    raise LookupError(f"{path.name}:{argument.lineno}: a notice's code cannot be read off")
