"""Names and types of a query: what is found, and what is refused where and why."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from tests.query.strategies import CatalogueOf, RandomRun

from runref.model.record import Command, MetricSummary, Parameter, Record
from runref.query.condition import (
    Always,
    And,
    Compare,
    HasPrefix,
    IsNan,
    NumberValue,
    OneOf,
    Or,
    TextValue,
    TimeValue,
)
from runref.query.errors import AmbiguousName, QueryInvalid, QueryTypeMismatch, UnknownName
from runref.query.evaluate import MISSING, evaluate, value_of
from runref.query.parse import parse, parse_name
from runref.query.pattern import PatternRefused, matcher
from runref.query.reference import Collection, EnvironmentValue, Field, Metric, Package
from runref.query.reference import Parameter as ParameterReference
from runref.query.resolve import resolve, resolve_name

NOW = datetime(2026, 11, 28, 0, 30, tzinfo=timezone(timedelta(hours=1)))


def summary(value: float) -> MetricSummary:
    return MetricSummary(3, value, value, value, value, value, 2, 0, 1)


def run(params: dict[str, Any] | None = None, **more: Any) -> RandomRun:
    record = Record(
        runref="1", id="20261121-4f1c9b2e7a3d", status="finished",
        started="2026-11-21T09:00:00.000000Z", finished="2026-11-21T10:00:00.000000Z",
        duration=3600.0, command=Command(("x",)),
        params={name: Parameter(value) for name, value in (params or {}).items()}, **more,
    )  # fmt: skip
    document = {"python": {"version": "3.11.7"}, "packages": [{"name": "torch", "version": "2.1"}]}
    return RandomRun(record, "", (), document)


SOME = run(
    {"lr": 0.1, "optimizer": "adam", "debug": True, "mixed": "a", "nested": {"deep": {"x": 1}},
     "layers": [1, 2], "empty": None, "batch size": 3, "both": 1, "status": "mine"},
    metrics={"val/acc": summary(0.9), "val/Acc": summary(0.8), "both": summary(1.0),
             'loss/"x"': summary(1.0), "a": summary(1.0), "a.max": summary(2.0)},
    summary={"best": 4, "both": 1},
)  # fmt: skip
OTHER = run({"mixed": 3})
CATALOGUE = CatalogueOf([SOME, OTHER])


def resolved(text: str, **queries: str) -> Any:
    return resolve(parse(text), CATALOGUE, now=NOW, queries=queries)


def holds(text: str, subject: RandomRun = SOME) -> bool:
    return evaluate(resolve(parse(text), CatalogueOf([subject, SOME, OTHER]), now=NOW), subject)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("lr", ParameterReference("lr")),
        ("params.lr", ParameterReference("lr")),
        ('params["batch size"]', ParameterReference("batch size")),
        ("nested.deep.x", ParameterReference("nested.deep.x")),
        ('params["nested"].deep["x"]', ParameterReference("nested.deep.x")),
        ("val/acc", Metric("val/acc", "last")),
        ("val/Acc.max", Metric("val/Acc", "max")),
        ('metrics["a.max"].min', Metric("a.max", "min")),
        ('metrics["a"].max', Metric("a", "max")),
        ('metrics["loss/\\"x\\""].step_of_max', Metric('loss/"x"', "step_of_max")),
        ("status", Field("status")),
        ("params.status", ParameterReference("status")),
        ("commit", Field("code.commit")),
        ("cpu_seconds", Field("resources.cpu_seconds")),
        ("packages.Torch", Package("torch")),
        ("environment.packages.torch", Package("torch")),
        ("environment.python", EnvironmentValue("python.version", version=True)),
        ("environment", Field("environment")),
        ("tags", Collection("tags")),
    ],
)
def test_what_a_name_refers_to(name: str, reference: object) -> None:
    assert resolve_name(parse_name(name), CATALOGUE) == reference


@pytest.mark.parametrize(
    ("text", "column", "error", "told"),
    [
        ("lr > 1 and val/ac > 1", 12, UnknownName, 'unknown name "val/ac": did you mean "val/acc"'),
        (
            'metrics["val/ac"] > 1',
            1,
            UnknownName,
            'unknown metric "val/ac": did you mean "val/acc"',
        ),
        ("VAL/ACC > 1", 1, UnknownName, 'did you mean "val/Acc"?'),
        ("val/ac.max > 1", 1, UnknownName, 'did you mean "val/acc.max"?'),
        ("val/acc.maximum > 1", 1, UnknownName, "unknown part of a metric"),
        ('metrics["val/acc"].maxx > 1', 1, UnknownName, 'did you mean "max"?'),
        ("metrics.lr > 1", 1, UnknownName, "did you mean params.lr?"),
        ("params.val/acc > 1", 1, UnknownName, "did you mean metrics.val/acc?"),
        ("params.nested.deep > 1", 1, UnknownName, 'did you mean "nested.deep.x"?'),
        ("torch > 1", 1, UnknownName, "did you mean packages.torch?"),
        ('packages.torhc > "1"', 1, UnknownName, 'unknown package "torhc": did you mean "torch"?'),
        ("environment.pyton == 'x'", 1, UnknownName, "unknown value of the environment"),
        ("lr == null", 7, UnknownName, 'unknown name "null"'),
        ("both > 1", 1, AmbiguousName, "is both a parameter and a metric and a summary value"),
        ("a.max > 1", 1, AmbiguousName, "is both a metric and a metric"),
        ("metrics.a.max > 1", 1, AmbiguousName, '"a.max" may be two metrics'),
        ('status["x"] == "y"', 1, QueryInvalid, "holds no names in brackets"),
        ("queries.best", 1, UnknownName, 'unknown query "best"'),
        ("optimizer == 3", 14, QueryTypeMismatch, "optimizer is text, 3 is a number"),
        ('lr == "x"', 7, QueryTypeMismatch, 'lr is a number, "x" is text'),
        ("lr == true", 7, QueryTypeMismatch, "lr is a number, true is true or false"),
        ("debug == 1", 10, QueryTypeMismatch, "debug is true or false, 1 is a number"),
        ("debug > true", 1, QueryTypeMismatch, "no less or greater"),
        ("mixed == true", 10, QueryTypeMismatch, "mixed is a number or text"),
        ("layers == 3", 11, QueryTypeMismatch, "layers is a list, 3 is a number"),
        ("val/acc > 7d ago", 11, QueryTypeMismatch, "val/acc is a number, 7d ago is a time"),
        ("val/acc == none", 12, QueryTypeMismatch, "write `val/acc is missing`"),
        ("lr > optimizer", 1, QueryTypeMismatch, "lr is a number, optimizer is text"),
        ("started > lr", 1, QueryTypeMismatch, "started is a time, lr is a number"),
        ("started > 3", 11, QueryTypeMismatch, '"3" is no time'),
        ("started > 7d", 11, QueryTypeMismatch, "did you mean `7d ago`?"),
        ('started > "2026-02-30"', 11, QueryInvalid, "there is no time"),
        ("started > 99999999w ago", 11, QueryInvalid, "there is no such time"),
        ("duration > 2 GiB", 12, QueryTypeMismatch, "duration is a duration, 2 GiB is a size"),
        ("peak_memory > 2h", 15, QueryTypeMismatch, "peak_memory is a size, 2h is a duration"),
        ("packages.torch > 2.1", 18, QueryTypeMismatch, 'write it in quotes, "2.1"'),
        ('packages.torch > "new"', 18, QueryInvalid, '"new" is no version'),
        ('status == "finshed"', 11, QueryInvalid, 'did you mean "finished"?'),
        ('status in ("finshed")', 12, QueryInvalid, 'did you mean "finished"?'),
        ('verdict == "identicle"', 12, QueryInvalid, 'did you mean "identical"?'),
        ('status < "x"', 1, QueryTypeMismatch, "no less or greater"),
        ('commit == "4f1"', 11, QueryInvalid, "at least 4 digits"),
        ('commit == "wxyz"', 11, QueryInvalid, "is no beginning of a hash"),
        ("commit == 4123", 11, QueryTypeMismatch, "in quotes"),
        ('id == "today"', 7, QueryInvalid, "is no beginning of a run id"),
        ('"sha256:9f" in inputs', 1, QueryInvalid, "is no beginning of a hash"),
        ("3 in tags", 1, QueryTypeMismatch, "is text, in quotes"),
        ('"a" in lr', 8, QueryTypeMismatch, "lr is a number"),
        ('tags == "a"', 1, QueryTypeMismatch, "tags is a collection"),
        ("lr", 1, QueryInvalid, '"lr" alone is no condition'),
        ("1 < 2", 1, QueryInvalid, "two values"),
        ("lr > 1e999", 6, QueryInvalid, "too large"),
        (f"lr > {'9' * 500}", 6, QueryInvalid, "too large"),
        ("lr < nan", 6, QueryInvalid, "nothing is less or greater than nan"),
        ('name == ""', 9, QueryInvalid, "write `name is missing`"),
        ('lr ~ "x"', 1, QueryTypeMismatch, "`~` looks into text"),
        ("optimizer ~ 3", 13, QueryTypeMismatch, "a pattern is text"),
        ('optimizer ~ "(?=a)"', 13, QueryInvalid, "this pattern cannot be used"),
        ('optimizer ~ "("', 13, QueryInvalid, "this pattern cannot be used"),
        ('"a" ~ optimizer', 1, QueryInvalid, "between a name and a pattern"),
        ('a < lr ~ "x"', 1, QueryInvalid, "between one name and one pattern"),
    ],
)
def test_what_cannot_be_asked_is_refused_where_it_is_wrong(
    text: str, column: int, error: type[QueryInvalid], told: str
) -> None:
    with pytest.raises(QueryInvalid) as caught:
        resolved(text)
    assert told in caught.value.problem
    assert (type(caught.value), caught.value.column) == (error, column)


def test_text_without_quotes_is_told_to_want_them() -> None:
    with pytest.raises(UnknownName) as caught:
        resolve(parse("lr == adam"), CatalogueOf([SOME]), now=NOW)
    assert caught.value.hint.startswith('Text has quotes: "adam". There is: ')
    with pytest.raises(UnknownName) as caught:
        resolve(parse("adam == lr"), CatalogueOf([SOME]), now=NOW)
    assert "quotes" not in caught.value.hint


def test_names_of_runs_without_anything_are_unknown() -> None:
    with pytest.raises(UnknownName) as caught:
        resolve(parse("metrics.loss > 1"), CatalogueOf([]), now=NOW)
    assert caught.value.hint == "No run has any."


def test_times_are_in_the_zone_of_now() -> None:
    started = Field("started")
    assert resolved("started > yesterday") == Compare(
        ">", started, TimeValue("2026-11-26T23:00:00.000000Z")
    )
    assert resolved("started == '2026-11-01'") == And((
        Compare(">=", started, TimeValue("2026-10-31T23:00:00.000000Z")),
        Compare("<", started, TimeValue("2026-11-01T23:00:00.000000Z")),
    ))  # fmt: skip
    for text in ("2026-11-01T12:00", "2026-11-01 12:00:00.0", "2026-11-01T11:00:00Z",
                 "2026-11-01T06:00-05:00"):  # fmt: skip
        assert resolved(f"started < '{text}'") == Compare(
            "<", started, TimeValue("2026-11-01T11:00:00.000000Z")
        )
    assert resolved("1h30m ago < started") == Compare(
        ">", started, TimeValue("2026-11-27T22:00:00.000000Z")
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("250ms", 0.25), ("3ms", 0.003), ("1009ms", 1.009), ("1m30s5ms", 90.005), ("1.5ms", 0.0015),
        ("1.001s", 1.001), ("1h30m", 5400.0), ("2w", 1209600.0),
    ],
)  # fmt: skip
def test_a_duration_is_so_many_seconds(written: str, seconds: float) -> None:
    assert resolved(f"duration < {written}") == Compare(
        "<", Field("duration"), NumberValue(seconds)
    )


def test_a_duration_beyond_the_range_of_a_float_is_refused() -> None:
    with pytest.raises(QueryInvalid, match="too large"):
        resolved(f"duration < {'9' * 308}s{'9' * 308}s")


def test_a_moment_without_a_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        resolve(parse(""), CATALOGUE, now=NOW.replace(tzinfo=None))


def test_the_empty_query_is_everything() -> None:
    assert resolved("") == resolved("  \n") == Always(value=True)


def test_a_list_of_several_types_is_one_condition_for_each() -> None:
    mixed = ParameterReference("mixed")
    assert resolved('mixed in ("a", 3, "b", nan)') == Or((
        OneOf(mixed, (TextValue("a"), TextValue("b"))),
        OneOf(mixed, (NumberValue(3),)),
        IsNan(mixed),
    ))  # fmt: skip
    assert holds('mixed not in ("b", 4)')
    assert holds('mixed not in ("a", 4)', OTHER)
    assert not holds('mixed not in ("a", 3)', OTHER)
    assert not holds('mixed not in ("a", 4)')


def test_an_id_is_named_by_its_beginning_or_by_that_of_its_random_part() -> None:
    assert resolved('id == "20261121-4F1C"') == HasPrefix(Field("id"), "20261121-4f1c")
    assert holds('id == "4f1c"')
    assert holds('id == "2026"')
    assert not holds('id != "4f1c"')


@pytest.mark.parametrize(
    ("held", "literal", "equal"),
    [
        (2**53 + 1, str(float(2**53)), False),
        (2**53 + 1, str(2**53 + 1), True),
        (2**70 + 1, str(2**70), False),
        (2**70, repr(float(2**70)), True),
        (3, "3.0", True),
        (-0.0, "0", True),
        ("Infinity", "inf", True),
        ("-Infinity", "inf", False),
    ],
)
def test_numbers_are_compared_exactly(held: Any, literal: str, equal: bool) -> None:
    assert holds(f"params.p == {literal}", run({"p": held})) is equal
    assert holds(f"params.p != {literal}", run({"p": held})) is not equal


def test_types_never_mix() -> None:
    assert not holds("mixed < 4")
    assert holds("mixed < 4", OTHER)
    assert not holds("mixed != 4")
    assert holds("not mixed == 4")
    assert not holds("empty == none", OTHER)
    assert holds("empty == none")
    assert not holds("empty != none")
    assert holds("lr != none")


def test_nan_is_found_by_its_name_only() -> None:
    broken = run({"p": "NaN"}, metrics={"m": summary(float("nan"))})
    for name in ("p", "m"):
        assert holds(f"{name} == nan", broken)
        for text in (
            f"{name} != nan",
            f"{name} == {name}",
            f"{name} != {name}",
            f"{name} != 1",
            f"{name} < inf",
        ):
            assert not holds(text, broken)
        assert not holds(f"{name} not in (1, 2)", broken)


def test_stored_queries_are_put_in_and_their_errors_say_where() -> None:
    assert resolved("queries.a.b or queries.empty", **{"a.b": "lr > 1", "empty": ""}) == Or(
        (resolved("lr > 1"), Always(value=True))
    )
    with pytest.raises(UnknownName) as caught:
        resolved("lr > 1 or queries.bad", bad="lr > 0 and lrr > 1")
    assert caught.value.problem.startswith('in queries.bad: unknown name "lrr"')
    assert (caught.value.source, caught.value.column) == ("lr > 0 and lrr > 1", 12)
    with pytest.raises(UnknownName, match='unknown query "besst": did you mean "best"'):
        resolved("queries.besst", best="lr > 1")
    with pytest.raises(QueryInvalid, match="stands alone"):
        resolved("queries.best > 3", best="lr > 1")


def test_stored_queries_cannot_grow_without_end() -> None:
    with pytest.raises(QueryInvalid, match="refers to itself"):
        resolved("queries.a", a="not queries.b", b="lr > 1 or queries.a")
    doubling = {f"q{n}": f"queries.q{n + 1} or queries.q{n + 1}" for n in range(40)}
    with pytest.raises(QueryInvalid, match="more than 10000 comparisons"):
        resolved("queries.q0", **doubling, q40="lr > 1")
    chain = {f"q{n}": f"not queries.q{n + 1}" for n in range(400)}
    with pytest.raises(QueryInvalid, match="nested more than 150 levels deep"):
        resolved("queries.q0", **chain, q400="lr > 1")


def test_a_pattern_that_explodes_elsewhere_is_harmless() -> None:
    assert not matcher("(a+)+$")("a" * 50_000 + "b")
    assert holds('optimizer ~ "^(a|a)*dam$"')
    with pytest.raises(PatternRefused):
        matcher("((a{100}){100}){100}")
    with pytest.raises(PatternRefused, match="at most 1000"):
        matcher("a" * 1001)


def test_texts_that_are_no_unicode_are_matched() -> None:
    assert matcher("^a.b$")("a\udc80b")
    with pytest.raises(PatternRefused):
        matcher("\udc80")


def test_the_value_of_a_reference() -> None:
    assert value_of(Metric("val/acc", "count"), SOME) == 3
    assert value_of(Metric("gone"), SOME) is MISSING
    assert value_of(ParameterReference("empty"), SOME) is None
    assert value_of(Field("name"), SOME) is MISSING
    assert value_of(Collection("tags"), SOME) == ()
    assert value_of(Package("torch"), SOME) == "2.1"
