"""What docs/reference/query.md says is what happens."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.query.strategies import CatalogueOf, RandomRun

from runref.model.record import (
    Code,
    Command,
    DataFile,
    MetricSummary,
    Parameter,
    Record,
    Reproduction,
    Resources,
)
from runref.model.times import after
from runref.query.evaluate import evaluate
from runref.query.fields import COLLECTIONS, FIELDS
from runref.query.parse import parse
from runref.query.resolve import resolve
from runref.query.tokens import SIZES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "query.md").read_text("utf-8")
NOW = datetime(2026, 11, 28, 15, 0, tzinfo=timezone.utc)
TYPES = {
    "choice": "text of a set", "seconds": "duration", "bytes": "size", "hex": "hash",
    "id": "run id",
}  # fmt: skip
GIB = 1 << 30


def run(
    run_id: str, started: str, seconds: float, *, tags: tuple[str, ...] = (),
    environment: dict[str, Any], files: dict[str, str] | None = None,
    params: dict[str, Any] | None = None, metrics: dict[str, tuple[float, float]],
    **more: Any,
) -> RandomRun:  # fmt: skip
    summaries = {
        name: MetricSummary(10, last, last, last, high, last, 9, 0, 9 if last == high else 7)
        for name, (last, high) in metrics.items()
    }
    record = Record(
        runref="1", id=run_id, started=started, finished=after(started, seconds),
        duration=seconds, command=Command(("python", "train.py")), metrics=summaries,
        params={name: Parameter(value) for name, value in (params or {}).items()},
        **{"status": "finished", "exit_status": 0, **more},
    )  # fmt: skip
    return RandomRun(record, "", tags, environment, files or {})


def code(commit: str, edited: int = 0) -> Code:
    return Code("1" * 40, f"sha256:{'2' * 64}", 3, commit=commit.ljust(40, "0"), edited=edited)


def file(path: str, digest: str) -> DataFile:
    return DataFile(path, "file", f"sha256:{digest.ljust(64, '0')}", 3)


def environment(python: str, torch: str = "", gib: int = 16, **more: Any) -> dict[str, Any]:
    packages = [{"name": "torch", "version": torch}] if torch else []
    return {
        "python": {"version": python}, "packages": packages, "os": {"system": "Linux"},
        "memory": {"total": gib * GIB}, **more,
    }  # fmt: skip


RUNS = {
    "A": run(
        "20261121-4f1c9b2e7a3d", "2026-11-21T09:00:00.000000Z", 5400, tags=("baseline", "v1"),
        experiment="digits", name="sweep-1",
        params={"lr": 0.001, "optimizer": "adam", "batch size": 32, "debug": True,
                "scheduler": {"name": None}},
        metrics={"val/acc": (0.95, 0.97), "loss": (0.1, 0.5)}, summary={"best": 4},
        inputs=(file("data/train.csv", "9f86d0"),), outputs=(file("model.bin", "77c0de"),),
        code=code("4f1c9b2"), files={"src/model.py": "a" * 40},
        environment=environment("3.11.7", "2.1.0+cu118", gpus=[{"model": "NVIDIA A100"}]),
        resources=Resources(90.0, 3 * GIB // 2),
    ),
    "B": run(
        "20261127-8a03c41d0b6e", "2026-11-27T23:30:00.000000Z", 300,
        experiment="digits", name="sweep-12",
        params={"lr": 0.01, "optimizer": "sgd", "batch size": 64, "debug": False,
                "scheduler": {"name": "cosine"}},
        metrics={"val/acc": (0.91, 0.91), "loss": (float("nan"), 0.5)},
        inputs=(file("data/train.csv", "9f86d0"),),
        code=code("4f1c9b2", edited=2), files={"src/model.py": "b" * 40},
        environment=environment("3.11.7", "2.10.0", gib=64), resources=Resources(9.0, 3 * GIB),
    ),
    "C": run(
        "20261128-c0ffee12ab34", "2026-11-28T10:00:00.000000Z", 12, tags=("broken",),
        status="failed", exit_status=1, experiment="faces",
        params={"lr": 0.1, "optimizer": "sgd"}, metrics={"loss": (float("inf"), float("inf"))},
        inputs=(file("data/train.csv", "00aa11"),), code=code("8badf00"),
        environment=environment("3.9.1", "2.1rc1"),
    ),
    "D": run(
        "20261128-d15ea5e00001", "2026-11-28T11:00:00.000000Z", 5280, tags=("baseline",),
        params={"lr": 0.001}, metrics={"val/acc": (0.95, 0.97), "loss": (0.1, 0.5)},
        environment=environment("3.11.7"),
        reproduction=Reproduction("20261121-4f1c9b2e7a3d", "9" * 40, "identical"),
    ),
}  # fmt: skip


def found(text: str) -> str:
    catalogue = CatalogueOf(list(RUNS.values()))
    stored = {"good": "val/acc > 0.9"}
    condition = resolve(parse(text), catalogue, now=NOW, queries=stored)
    return " ".join(name for name, each in RUNS.items() if evaluate(condition, each))


def examples() -> list[tuple[str, str]]:
    """Return each example of the page with the runs that it says are found."""
    tables = re.findall(r"^\| query \| finds \| \|\n\|---\|---\|---\|\n((?:\|.*\n)+)", PAGE, re.M)
    rows = [row.split(" | ") for table in tables for row in table.splitlines()]
    return [(cells[0].strip("|` "), " ".join(cells[1].split())) for cells in rows]


@pytest.mark.parametrize(("query", "runs"), examples())
def test_an_example_finds_what_the_page_says(query: str, runs: str) -> None:
    assert found(query) == runs.strip("| ")


def test_there_are_examples() -> None:
    assert len(examples()) > 60


def test_every_field_stands_on_the_page() -> None:
    rows = []
    for row in FIELDS:
        short = f" `{row.short}`" if row.short else ""
        choices = f" One of: {', '.join(row.choices)}." if row.choices else ""
        told = f"{TYPES.get(row.type, row.type)} | {row.meaning}{choices}"
        rows.append(f"| `{row.name}` |{short} | {told} |")
    rows += [f"| `{name}` | | collection | {told} |" for name, told in COLLECTIONS.items()]
    assert "\n".join(rows) in PAGE


def test_every_field_can_be_asked_for() -> None:
    catalogue = CatalogueOf(list(RUNS.values()))
    for row in FIELDS:
        for name in filter(None, (row.name, row.short)):
            condition = resolve(parse(f"{name} is missing"), catalogue, now=NOW)
            held = {evaluate(condition, each) for each in RUNS.values()}
            assert held <= {True, False}


def test_every_size_stands_in_the_grammar() -> None:
    grammar = PAGE[PAGE.index("size       =") :].partition(";")[0]
    assert set(re.findall(r'"(\w+)"', grammar)) == SIZES.keys() - {"kB"}
