"""Parameters read off a command line, and the command as a record may show it.

What is read, of the arguments that belong to the program itself (`command_line`):

========================  =====================================================================
``--lr 0.1``, ``--lr=0.1``  ``lr`` is 0.1; dashes inside a name become underscores, as in argparse
``-b 32``, ``-b32``         ``b`` is 32
``--layers 64 64 32``       a list, where all of the values are numbers
``--tag a --tag b``         a list
``--amp``, ``--no-amp``     ``amp`` is true; false
``optimizer.lr=0.1``        Hydra: as it stands; ``+`` and ``++`` before it are dropped
``~scheduler``              Hydra removes it: null
========================  =====================================================================

A word after an option is taken as its value unless it is an option itself or a Hydra override, so
``--verbose data.csv`` reads as ``verbose`` being ``data.csv``: nothing on a command line tells a
flag from an option. Other words have no name and are no parameters. After ``--`` there are no
options. The record keeps the whole command beside the parameters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from runref.capture.command.command_line import program_arguments
from runref.capture.command.redaction import redact_text
from runref.capture.command.typed_text import is_number, typed
from runref.capture.secrecy import MASK, looks_secret_name
from runref.errors import ExitStatus, RunrefError
from runref.model.record import Parameter

_OVERRIDE = re.compile(r"(?:\+\+?|~)?(?P<name>[A-Za-z_][\w./@-]*)=(?P<value>(?!=).*)", re.DOTALL)
_REMOVAL = re.compile(r"~(?P<name>[A-Za-z_][\w./@-]*)")
_OPTION = re.compile(r"--?(?P<name>[^\W\d_][\w.:/-]*)(?:=(?P<value>.*))?", re.DOTALL)
_ASSIGNMENT = re.compile(r"(?P<name>[-+~]*[\w.:/@][\w.:/@-]*)=(?P<value>.+)", re.DOTALL)
_ATTACHED = re.compile(r"-(?P<name>[A-Za-z])(?P<value>[0-9][0-9.eE+-]*)")


class ParameterNotUnderstood(RunrefError):
    """A parameter was not given as NAME=VALUE."""

    code = "parameter-not-understood"
    exit_status = ExitStatus.USAGE


def parse_given(text: str) -> tuple[str, object]:
    """Return name and typed value of a parameter given as ``NAME=VALUE``.

    Raises:
        ParameterNotUnderstood: there is no ``=`` or no name.
    """
    name, separator, value = text.partition("=")
    name = name.strip()
    if not separator or not name:
        raise ParameterNotUnderstood(
            f"parameter {text!r} has no {'name' if separator else 'value'}",
            hint="give it as NAME=VALUE, for example: -p lr=0.1",
        )
    return name, _safe(name, value)


def parameters_from_command(argv: Sequence[str]) -> dict[str, Parameter]:
    """Return the parameters that `argv` names, in the order of their first mention.

    Values are typed as `typed_text.typed` says; secrets are masked. Options that are repeated
    become lists; of repeated Hydra overrides the last one holds, as it does for Hydra.
    """
    options, overrides = _read(program_arguments(argv))
    found: dict[str, object] = {
        name: values[0] if len(values) == 1 else values for name, values in options.items()
    }
    found.update(overrides)
    return {name: Parameter(value, "command-line") for name, value in found.items()}


def _read(words: list[str]) -> tuple[dict[str, list[object]], dict[str, object]]:
    options: dict[str, list[object]] = {}
    overrides: dict[str, object] = {}
    at, options_end = 0, False
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            options_end = True
        elif override := _OVERRIDE.fullmatch(word):
            name = override["name"]
            overrides[name] = None if word[0] == "~" else _safe(name, override["value"])
        elif removal := _REMOVAL.fullmatch(word):
            overrides[removal["name"]] = None
        elif not options_end and _is_option(word):
            at += _read_option(word, words[at:], options)
    return options, overrides


def _read_option(word: str, following: list[str], options: dict[str, list[object]]) -> int:
    """Add one option to `options`; return how many of the `following` words were its values."""
    if attached := _ATTACHED.fullmatch(word):
        options.setdefault(attached["name"], []).append(_safe(attached["name"], attached["value"]))
        return 0
    option = _OPTION.fullmatch(word)
    if option is None:
        return 0
    name = option["name"].replace("-", "_")
    if option["value"] is not None:
        options.setdefault(name, []).append(_safe(name, option["value"]))
        return 0
    values = _values(following)
    if values:
        options.setdefault(name, []).extend(_safe(name, value) for value in values)
    elif name.startswith("no_") and len(name) > 3:
        options.setdefault(name[3:], []).append(False)
    else:
        options.setdefault(name, []).append(True)
    return len(values)


def _values(following: list[str]) -> list[str]:
    if not following or _is_option(following[0]) or _is_override(following[0]):
        return []
    if not is_number(following[0]):
        return following[:1]
    numbers = 1
    while numbers < len(following) and is_number(following[numbers]):
        numbers += 1
    return following[:numbers]


def _is_option(word: str) -> bool:
    return word == "--" or (word[:1] == "-" and len(word) > 1 and not is_number(word))


def _is_override(word: str) -> bool:
    return bool(_OVERRIDE.fullmatch(word) or _REMOVAL.fullmatch(word))


def _safe(name: str, text: str) -> object:
    value = typed(text)
    if _is_plain(value):
        return value
    shown = MASK if text and looks_secret_name(name) else redact_text(text)
    return value if shown == text else shown


def _is_plain(value: object) -> bool:
    return isinstance(value, bool) or value is None


def redact_command(argv: Sequence[str]) -> list[str]:
    """Return `argv` with everything that looks secret masked, also inside shell texts and JSON.

    Masked are values of options, assignments and headers with a telling name, wherever in the
    command they stand, keys in well-known formats, and credentials in URLs. Redacting twice changes
    nothing.
    """
    shown: list[str] = []
    for at, word in enumerate(argv):
        before = argv[at - 1] if at else ""
        if _names_secret(before) and not _is_option(word) and not _is_plain(typed(word)):
            shown.append(MASK)
        else:
            shown.append(_redacted(word))
    return shown


def _names_secret(word: str) -> bool:
    return word.startswith("-") and "=" not in word and looks_secret_name(word)


def _redacted(word: str) -> str:
    given = _ASSIGNMENT.fullmatch(word)
    if given and looks_secret_name(given["name"]):
        return word if _is_plain(typed(given["value"])) else f"{given['name']}={MASK}"
    return redact_text(word)
