"""What varies among several runs: a table of rows that are not the same for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runref.model.difference import same_value
from runref.model.run_difference import NotCompared

Facts = Mapping[str, Mapping[str, Any]]
"""What is known of a run: values by section and name."""


@dataclass(frozen=True, slots=True)
class Varying:
    """Something that is not the same for all runs.

    Attributes:
        section: Section it belongs to.
        name: What varies: a path, a dotted name.
        values: The value of each run; a run that has none is not among them.
    """

    section: str
    name: str
    values: Mapping[int, Any]


@dataclass(frozen=True, slots=True)
class Variation:
    """What varies among several runs.

    Attributes:
        runs: Their ids.
        rows: What varies.
        not_compared: What could not be compared.
    """

    runs: tuple[str, ...]
    rows: tuple[Varying, ...]
    not_compared: tuple[NotCompared, ...] = ()


def varying(facts: Sequence[Facts], sections: Sequence[str]) -> tuple[Varying, ...]:
    """Return what is not the same for all, section by section, in the order of names.

    A run whose facts lack a section is not compared in it.
    """
    rows = []
    for section in sections:
        held = {at: each[section] for at, each in enumerate(facts) if section in each}
        for name in sorted({name for each in held.values() for name in each}):
            values = {at: each[name] for at, each in held.items() if name in each}
            first = next(iter(values.values()))
            if len(values) < len(held) or not all(same_value(first, v) for v in values.values()):
                rows.append(Varying(section, name, values))
    return tuple(rows)
