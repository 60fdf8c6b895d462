"""What holds for every query."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.strategies import (
    NOW,
    CatalogueOf,
    RandomRun,
    names_of,
    queries,
    records,
    runs,
    written,
)

from runref.model.record import Parameter
from runref.query.errors import QueryInvalid
from runref.query.evaluate import evaluate, value_of
from runref.query.parse import parse, parse_name
from runref.query.printing import print_query
from runref.query.resolve import resolve, resolve_name

PIECES = [
    "a", "val/acc.max", 'metrics["x"]', "params.lr", "(", ")", "[", "]", ",", "and", "or", "not",
    "in", "is", "missing", "ago", "==", "=", "!=", "<", "<=", "~", "!~", '"t"', "'t'", '"', "\\",
    "1", "-0.5", "1e3", "nan", "inf", "true", "none", "today", "7d", "2 GiB", "1h30m", " ", "\n",
    "queries.best", "AND", "&&", "!", "tags", "ü😀", ";", "--", ".", ".5", "null", "status",
]  # fmt: skip
SOUP = st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=20).map(" ".join)
GLUED = st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=20).map("".join)


def check_place(error: QueryInvalid, text: str) -> None:
    assert error.source == text
    assert 1 <= error.column <= len(text) + 1


@pytest.mark.slow
@given(SOUP | GLUED | st.text())
@settings(max_examples=1000)
def test_any_text_is_a_query_that_prints_as_itself_or_is_refused_with_its_column(text: str) -> None:
    try:
        tree = parse(text)
    except QueryInvalid as error:
        check_place(error, text)
        return
    assert parse(print_query(tree)) == tree


@pytest.mark.slow
@given(st.data())
@settings(max_examples=100)
def test_a_query_about_runs_resolves_or_is_refused_with_its_column(data: st.DataObject) -> None:
    held = data.draw(st.lists(runs(), min_size=1, max_size=3))
    for text in data.draw(st.lists(queries(held), min_size=5, max_size=5)):
        try:
            tree = parse(text)
            condition = resolve(tree, CatalogueOf(held), now=NOW)
        except QueryInvalid as error:
            check_place(error, text)
            continue
        assert parse(print_query(tree)) == tree
        denied = resolve(parse(f"not ({text})"), CatalogueOf(held), now=NOW)
        for run in held:
            assert evaluate(condition, run) is not evaluate(denied, run)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=20)
def test_every_name_of_a_run_can_be_written_and_finds_its_value(data: st.DataObject) -> None:
    run = data.draw(runs())
    name, value = data.draw(st.sampled_from(names_of([run])))
    try:
        reference = resolve_name(parse_name(name), CatalogueOf([run]))
    except QueryInvalid:
        assert not name.startswith(("params", "summary", "packages", "environment", "code"))
        return
    if name.startswith(("params", "metrics[")):
        found = value_of(reference, run)
        assert found == value or (found != found and value != value)


@pytest.mark.slow
@given(st.data(), st.sampled_from(["==", "!="]))
@settings(max_examples=40)
def test_a_parameter_equals_what_it_is_and_nothing_else(data: st.DataObject, op: str) -> None:
    plain: Any = st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=3)
    record = data.draw(records())
    value = data.draw(plain)
    object.__setattr__(record, "params", {"p": Parameter(value)})
    run = RandomRun(record, "", ())
    if value in ("NaN", "Infinity", "-Infinity"):
        return
    condition = resolve(parse(f"params.p {op} {written(value)}"), CatalogueOf([run]), now=NOW)
    assert evaluate(condition, run) is (op == "==")


@pytest.mark.slow
def test_the_limits_of_a_query() -> None:
    with pytest.raises(QueryInvalid, match="at most 65536 fit"):
        parse("a" * 65_537)
    with pytest.raises(QueryInvalid, match="nested more than 50 levels deep"):
        parse("(" * 10_000)
    with pytest.raises(QueryInvalid, match="nested more than 50 levels deep"):
        parse("not " * 10_000 + "a")
    with pytest.raises(QueryInvalid, match="more than 10000 comparisons"):
        parse("a<" * 20_000 + "a")
    parse("(" * 50 + "a" + ")" * 50)
    parse(" or ".join(["a<1"] * 9000))
