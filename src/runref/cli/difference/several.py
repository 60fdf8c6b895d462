"""What varies among several runs, as a table: rows are what varies, columns are the runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runref.cli.difference.text import describe_not_compared
from runref.cli.difference.values import texts_of
from runref.cli.output import say, to_json
from runref.cli.table import Column, print_table
from runref.model.variation import Variation, Varying

_DIGITS = 8
"""Digits of a run's random part, unless more tell the runs apart."""
_SHORT = 10
"""Digits of an object id."""
_ABSENT = "—"


def heads_of(runs: Sequence[str]) -> list[str]:
    """Return short names of runs: as many digits of their random parts as tell them apart."""
    randoms = [run[9:] for run in runs]
    for length in range(_DIGITS, 12):
        if len({each[:length] for each in randoms}) == len(set(runs)):
            return [each[:length] for each in randoms]
    return list(runs)


def print_several(variation: Variation) -> None:
    """Print the table; what is the same for all is left out."""
    if variation.rows:
        heads = heads_of(variation.runs)
        columns = [
            Column("section", _sections(variation.rows)),
            Column("what", [row.name for row in variation.rows]),
        ]
        table = [cells(row, len(heads)) for row in variation.rows]
        columns += [Column(head, [row[at] for row in table]) for at, head in enumerate(heads)]
        print_table(columns)
    else:
        say("nothing varies" + (" in what was compared" if variation.not_compared else ""))
    for line in describe_not_compared(variation.not_compared):
        say(line)


def _sections(rows: Sequence[Varying]) -> list[str]:
    """Return the section of each row where it begins."""
    names = [row.section for row in rows]
    return [name if not at or names[at - 1] != name else "" for at, name in enumerate(names)]


def cells(row: Varying, runs: int) -> list[str]:
    """Return what each run has in a row."""
    if row.section == "code":
        texts = {at: str(value)[:_SHORT] for at, value in row.values.items()}
    else:
        texts = texts_of(row.values)
    return [texts.get(at, _ABSENT) for at in range(runs)]


def several_document(variation: Variation) -> dict[str, Any]:
    """Return the table as JSON shows it: a run that has no value has null in its place."""
    return {
        "runs": list(variation.runs),
        "varying": [
            {
                "section": row.section,
                "name": row.name,
                "values": [
                    {"value": to_json(row.values[at])} if at in row.values else None
                    for at in range(len(variation.runs))
                ],
            }
            for row in variation.rows
        ],
        "not_compared": to_json(variation.not_compared),
    }
