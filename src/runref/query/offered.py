"""What a record and its environment offer to conditions: flat names and plain values.

Whoever keeps runs elsewhere, such as an index, takes names and types from here, so that a name
means the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runref.model.difference import flatten
from runref.model.record import Record
from runref.model.values import NON_FINITE

NUMBER, TEXT, BOOLEAN, NONE, LIST, MAPPING = (
    "number", "text", "boolean", "none", "list", "mapping",
)  # fmt: skip

_SEPARATORS = re.compile(r"[-_.]+")


def plain(value: object) -> Any:
    """Return a value of a document, where ``NaN`` and the infinities are written by name."""
    return NON_FINITE.get(value, value) if isinstance(value, str) else value


def kind_of(value: object) -> str:
    """Return the word for the type of a value that a function of this module returned.

    It is one of number, text, boolean, none, list and mapping.
    """
    if value is None:
        return NONE
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, (int, float)):
        return NUMBER
    if isinstance(value, str):
        return TEXT
    return MAPPING if isinstance(value, Mapping) else LIST


def parameters_of(record: Record) -> dict[str, Any]:
    """Return the parameters by dotted path, as plain values."""
    flat = flatten({name: each.value for name, each in record.params.items()})
    return {path: plain(value) for path, value in flat.items()}


def summary_of(record: Record) -> dict[str, Any]:
    """Return the summary values by dotted path, as plain values."""
    return {path: plain(value) for path, value in flatten(record.summary).items()}


def packages_of(environment: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions of an environment's packages by normalised name."""
    held = environment.get("packages") or ()
    return {normalised(str(each["name"])): str(each.get("version", "")) for each in held}


def environment_of(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an environment by dotted path, without its packages.

    Those of a list stand under their number (``gpus.0.model``), conda's packages under their name
    (``conda_packages.cudatoolkit``).
    """
    rest = {name: value for name, value in environment.items() if name != "packages"}
    conda = rest.get("conda_packages")
    if isinstance(conda, list):
        rest["conda_packages"] = {
            str(each.get("name", place)): each.get("version", "")
            for place, each in enumerate(conda)
            if isinstance(each, Mapping)
        }
    return flatten({name: _numbered(value) for name, value in rest.items()})


def normalised(package: str) -> str:
    """Return a package's name as PEP 503 normalises it."""
    return _SEPARATORS.sub("-", package).lower()


def _numbered(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _numbered(held) for name, held in value.items()}
    if isinstance(value, list) and any(isinstance(held, Mapping) for held in value):
        return {str(place): _numbered(held) for place, held in enumerate(value)}
    return value
