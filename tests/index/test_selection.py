"""Queries to the index against the plain evaluator, on random runs of a real repository."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.query.strategies import NOW, RandomRun, queries, runs

from runref.git.objects import TreeEntry
from runref.index.run_index import RunIndex
from runref.index.selection import Selection, SortKey
from runref.index.subject import RunSubject
from runref.model.codec import dump_yaml
from runref.model.difference import same_value
from runref.model.documents import to_document
from runref.model.record import Command, Record
from runref.model.record import Parameter as RecordedParameter
from runref.query.errors import QueryInvalid
from runref.query.evaluate import MISSING, evaluate, value_of
from runref.query.fields import FIELDS
from runref.query.offered import (
    environment_of,
    kind_of,
    packages_of,
    parameters_of,
    summary_of,
)
from runref.query.order import rank
from runref.query.parse import parse
from runref.query.reference import (
    CodeFile,
    EnvironmentValue,
    Field,
    Metric,
    Package,
    Parameter,
    SummaryValue,
)
from runref.query.resolve import resolve
from runref.store.runs_ref import annotation_addition, run_addition
from runref.store.trees import BLOB, TREE

MakeWriter = Callable[[Path], Any]


def write(writer: Any, number: int, run: RandomRun) -> str:
    """Add a run as it would be in a ref: with environment, snapshot and what was said later."""
    objects = writer.objects
    run_id = f"20261121-{number:012x}"
    environment = dump_yaml(run.document)
    digest = f"sha256:{hashlib.sha256(environment).hexdigest()}"
    code = run.record.code
    if code is not None:
        code = replace(code, tree=tree_of(objects, list(run.files)))
    record = replace(run.record, id=run_id, environment=digest, code=code, tags=run.tags[:1])
    files = {"run.yaml": dump_yaml(to_document(record)), "environment.yaml": environment}
    tree = objects.write_tree(
        TreeEntry(name.encode(), BLOB, objects.write_blob(data)) for name, data in files.items()
    )
    added = [run_addition(run_id, tree, "run\n", 1_795_000_000)]
    if run.tags[1:] or run.later:
        annotation = {"run": run_id, "time": "2026-11-22T00:00:00.000000Z", "author": "A <a@x>",
                      "add_tags": list(run.tags[1:]), "format": 1, **run.later}  # fmt: skip
        blob = objects.write_blob(dump_yaml(annotation))
        added.append(annotation_addition(run_id, "1.yaml", blob, "tag\n", 1_795_000_000))
    writer.add(*added)
    return run_id


def tree_of(objects: Any, paths: Sequence[str]) -> str:
    folders: dict[str, list[str]] = {}
    entries = []
    for path in paths:
        name, _, rest = path.partition("/")
        if rest:
            folders.setdefault(name, []).append(rest)
        else:
            blob = objects.write_blob(path.encode())
            entries.append(TreeEntry(name.encode(), BLOB, blob))
    for name, below in folders.items():
        entries.append(TreeEntry(name.encode(), TREE, tree_of(objects, below)))
    return str(objects.write_tree(entries))


def check(index: RunIndex, texts: Sequence[str]) -> int:
    """Hold the answers to queries against the evaluator's; return how many could be asked."""
    check_among(index, texts, removed=True)
    return check_among(index, texts, removed=False)


def check_among(index: RunIndex, texts: Sequence[str], *, removed: bool) -> int:
    selection = Selection(index, removed=removed)
    everything = selection.runs()
    subjects = [RunSubject(run, index.runs.objects) for run in everything]
    asked = 0
    for text in texts:
        try:
            condition = resolve(parse(text), selection.catalogue, now=NOW)
        except QueryInvalid:
            continue
        expected = [each.run.id for each in subjects if evaluate(condition, each)]
        assert [run.id for run in selection.runs(condition)] == expected, text
        assert selection.count(condition) == len(expected), text
        asked += 1
    return asked


ROUNDS = int(os.environ.get("RUNREF_QUERY_ROUNDS", "40"))
SETTINGS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def world(
    make_repo: Callable[[str], Any], make_writer: MakeWriter, tmp_path_factory: Any
) -> Callable[[Sequence[RandomRun]], RunIndex]:
    """Record some runs in a new repository, and return its index."""

    def make(held: Sequence[RandomRun]) -> RunIndex:
        folder = tmp_path_factory.mktemp("random")
        make_repo(str(folder / "repository"))
        writer = make_writer(folder / "repository")
        for number, run in enumerate(held):
            write(writer, number, run)
        return RunIndex(writer.runs, folder / "index")

    return make


@pytest.mark.slow
@given(data=st.data())
@settings(SETTINGS, max_examples=ROUNDS)
def test_sql_and_evaluator_agree(data: st.DataObject, world: Any) -> None:
    """Each round asks 20 to 40 queries about up to 10 runs; ``RUNREF_QUERY_ROUNDS`` asks more."""
    held = data.draw(st.lists(runs(), min_size=1, max_size=10))
    index = world(held)
    gone = {
        f"20261121-{number:012x}" for number, run in enumerate(held) if run.later.get("removed")
    }
    assert {run.id for run in Selection(index, removed=True).runs()} == gone
    assert {run.id for run in Selection(index).runs()} == set(index.ids()) - gone
    check(index, data.draw(st.lists(queries(held), min_size=20, max_size=40)))
    index.close()


@pytest.mark.slow
@given(data=st.data())
@settings(SETTINGS, max_examples=8)
def test_values_and_order_are_those_of_the_records(data: st.DataObject, world: Any) -> None:
    held = data.draw(st.lists(runs(), min_size=1, max_size=6))
    index = world(held)
    selection = Selection(index)
    subjects = {run.id: RunSubject(run, index.runs.objects) for run in selection.runs()}
    references = references_of(held)
    for run_id, *values in selection.values(references):
        for reference, value in zip(references, values, strict=True):
            assert same(value, value_of(reference, subjects[run_id])), reference
    for reference in references:
        for descending in (False, True):
            key = SortKey(reference, descending=descending)
            ids = [run.id for run in selection.runs(sort=[key])]
            assert sorted(ids) == sorted(subjects)
            ranks = [rank(reference, value_of(reference, subjects[run_id])) for run_id in ids]
            present = [each for each in ranks if each is not None]
            assert ranks == present + [None] * (len(ranks) - len(present)), reference
            assert present == sorted(present, reverse=descending), reference
    index.close()


def references_of(held: Sequence[RandomRun]) -> list[Any]:
    names: dict[Any, None] = dict.fromkeys(Field(row.name) for row in FIELDS)
    for run in held:
        names.update(dict.fromkeys(map(Parameter, parameters_of(run.record))))
        names.update(dict.fromkeys(map(SummaryValue, summary_of(run.record))))
        names.update(dict.fromkeys(map(Metric, run.record.metrics)))
        names.update(dict.fromkeys(map(CodeFile, run.files)))
        names.update(dict.fromkeys(map(Package, packages_of(run.document))))
        names.update(dict.fromkeys(map(EnvironmentValue, environment_of(run.document))))
    return list(names)


def same(value: Any, expected: Any) -> bool:
    if expected is MISSING:
        return value is None
    if kind_of(expected) in ("list", "mapping"):
        return bool(value == "…")
    return type(value) is type(expected) and same_value(value, expected)


@pytest.mark.slow
def test_a_query_of_many_terms_fits_into_sqlite(world: Any) -> None:
    index = world([])
    selection = Selection(index)
    text = " or ".join(f"duration == {number}" for number in range(3_000))
    listed = f"duration in ({', '.join(map(str, range(3_000)))})"
    for query in (text, text.replace(" or ", " and "), listed):
        condition = resolve(parse(query), selection.catalogue, now=NOW)
        assert selection.runs(condition) == []
    index.close()


def test_text_beside_numbers_that_sqlite_has_no_room_for(world: Any) -> None:
    held = [RandomRun(record_with(value), "", ()) for value in (2**70, "adam", 0.5, True)]
    index = world(held)
    texts = ["not (params.x > 1)", "params.x > 1", "params.x != 0.5", "params.x in (0.5, 2)",
             'params.x ~ "a"',
             "params.x < 1180591620717411303425", "params.x == 1180591620717411303424"]  # fmt: skip
    assert check(index, texts) == len(texts)
    index.close()


def record_with(value: object) -> Record:
    return Record(
        runref="1", id="", status="finished", started="2026-11-21T14:03:12.123456Z",
        finished="2026-11-21T14:03:12.123456Z", duration=0.0, command=Command(("x",)),
        params={"x": RecordedParameter(value)},
    )  # fmt: skip
