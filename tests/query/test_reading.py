"""What is read, and what is refused where."""

from __future__ import annotations

import pytest

from runref.query.errors import QueryInvalid
from runref.query.parse import parse, parse_name, parse_names, split_names
from runref.query.printing import print_query
from runref.query.syntax import And, Comparison, In, Missing, Name, Not, Number, Or, Part, Text
from runref.query.tokens import tokens


def name(*parts: str) -> Name:
    return Name(tuple(Part(each.strip('"'), each.startswith('"')) for each in parts))


def test_tokens_know_their_place() -> None:
    found = [(each.kind, each.text, each.span.start) for each in tokens('a/b<-1 and"x\\"y"=2h')]
    assert found == [
        ("word", "a/b", 0), ("sign", "<", 3), ("number", "-1", 4), ("keyword", "and", 7),
        ("text", 'x"y', 10), ("sign", "==", 16), ("duration", "2h", 17), ("end", "", 19),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("1e-2", "number"), (".9", "number"), ("+3", "number"), ("nan", "number"),
        ("-inf", "number"), ("7d", "duration"), ("1h30m", "duration"), ("1.5h", "duration"),
        ("250ms", "duration"), ("1m30s5ms", "duration"), ("3mm", "word"), ("ms", "word"),
        ("today", "value"), ("none", "value"), ("in", "keyword"), ("2.1.0", "word"),
        ("batch-size", "word"), ("3x", "word"), ("ünï/😀", "word"), ("params.in", "word"),
        ("a:b@c#d%e", "word"), ("missing", "word"), ("-", "word"),
    ],
)  # fmt: skip
def test_a_word_is_of_one_kind(written: str, kind: str) -> None:
    first, end = tokens(written)
    assert (first.kind, first.text, end.kind) == (kind, written, "end")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a"', "a"), ("'a\"b'", 'a"b'), (r'"\d+"', r"\d+"), (r'"\\d"', r"\d"), ('"a\nb"', "a\nb"),
        (r'"\n"', r"\n"), (r"'it\'s'", "it's"),
    ],
)  # fmt: skip
def test_backslashes_escape_quotes_and_themselves(text: str, value: str) -> None:
    assert parse(f"a == {text}") == Comparison((name("a"), Text(value)), ("==",))


def test_and_binds_stronger_than_or_and_not_strongest() -> None:
    a, b, c = name("a"), name("b"), name("c")
    assert parse("a or not b and c") == Or((a, And((Not(b), c))))
    assert parse("(a or b) and c") == And((Or((a, b)), c))
    assert parse("not a == 1") == Not(Comparison((a, Number("1")), ("==",)))


def test_the_parts_of_a_name() -> None:
    assert parse_name("val/acc.max") == name("val/acc", "max")
    assert parse_name('metrics["val.acc"].max') == name("metrics", '"val.acc"', "max")
    assert parse_name('params["a"]["b"].c.d') == name("params", '"a"', '"b"', "c", "d")
    assert parse_name('environment["gpus"].0.model') == name("environment", '"gpus"', "0", "model")
    assert split_names('id, params["a,b]"]["c d"].0 ,val/acc.max') == [
        "id", 'params["a,b]"]["c d"].0', "val/acc.max",
    ]  # fmt: skip
    assert parse_names("id,lr, val/acc.max") == (name("id"), name("lr"), name("val/acc", "max"))


@pytest.mark.parametrize("text", ["", ",", "a,", ",a", "a,,b", "a b", 'a,"b"', "a == 1", 'p["a'])
def test_what_is_no_list_of_names_is_refused(text: str) -> None:
    with pytest.raises(QueryInvalid):
        split_names(text)


@pytest.mark.parametrize(
    "text",
    ["(a and b) and c", "a and (b and c)", "(a or b) or c", "not (a or b)", "not not a",
     "a or (b and c or d) and e", "(a) and not (b and c)", "((a))"],
)  # fmt: skip
def test_a_tree_prints_with_the_parentheses_that_it_needs(text: str) -> None:
    tree = parse(text)
    assert parse(print_query(tree)) == tree


def test_the_depth_is_that_of_the_text_and_not_its_length() -> None:
    parse(" and ".join(["(a)"] * 100))
    parse(" or ".join(["not a"] * 100))


def test_lists_and_what_is_missing() -> None:
    wanted = In(name("a"), (Text("x"), Number("3")), negated=True)
    assert parse('a not in ("x", 3,)') == parse('a not in ["x", 3]') == wanted
    assert parse("a is not missing") == Missing(name("a"), negated=True)


def test_chains_durations_and_sizes_print_as_they_are_read() -> None:
    for text in ["0.1 < lr <= 1", "a > 7d ago", "a > 2 GiB", "a < 1h30m", "x", ""]:
        assert print_query(parse(text)) == text
    assert print_query(parse("a>7 d ago and b<2GiB")) == "a > 7d ago and b < 2GiB"


@pytest.mark.parametrize(
    ("text", "column", "told"),
    [
        ("a AND b", 3, 'did you mean `and`?'),
        ("a == True", 6, "did you mean `true`?"),
        ("a && b", 3, "write `and`"),
        ("a | b", 3, "write `or`"),
        ("!a", 1, "write `not`"),
        ("a <> 3", 3, "write `!=`"),
        ("a === 3", 3, "write `==`"),
        ("a =~ 3", 3, "write `~`"),
        ("a => 3", 3, "write `>=`"),
        ("a == “x”", 6, "straight quotes"),
        ("a == \x00", 6, "means nothing here"),
        ('a == "x', 6, "a quote is missing"),
        ("(a > 1", 1, "this parenthesis is never closed"),
        ("((a > 1)", 1, "this parenthesis is never closed"),
        ("a > 1)", 6, "this `)` closes nothing"),
        ("a > 1 and", 10, "the query ends, where a condition is expected"),
        ("a >", 4, "the query ends, where a value or a name is expected"),
        ("and a", 1, 'found "and", where a condition is expected'),
        ("a > 1 b > 2", 7, 'found "b", where `and`, `or` or the end is expected'),
        ("a is none", 6, "`missing` is what may follow `is`"),
        ("3 is missing", 1, "only what has a name can be missing"),
        ("3", 1, "a value alone is no condition"),
        ("a in ()", 6, "an empty list"),
        ("a in (1, 2", 6, "this list is never closed"),
        ("a in (1 2)", 9, "where a comma or `)` is expected"),
        ("a in (adam)", 7, 'text needs quotes, "adam"'),
        ('a in "x"', 6, "where a list such as"),
        ("a not b", 7, "`in` after `not`"),
        ("metrics[x] > 1", 9, "a name in quotes"),
        ('metrics["x" > 1', 13, "`]` is expected"),
        ("select * from runs", 8, "found \"*\""),
        ("a > 1; drop table runs", 8, 'found "drop"'),
    ],
)  # fmt: skip
def test_what_is_no_query_is_refused_where_it_is_wrong(text: str, column: int, told: str) -> None:
    with pytest.raises(QueryInvalid) as caught:
        parse(text)
    assert told in caught.value.message
    assert caught.value.column == column


def test_an_error_shows_a_part_of_a_long_query_and_points_at_it() -> None:
    text = "a > 1 or " * 1200 + "b > > 2" + " or c > 3" * 10
    with pytest.raises(QueryInvalid) as caught:
        parse(text)
    assert caught.value.column == text.index("> >") + 3
    _, shown, pointer = caught.value.message.split("\n")
    assert len(shown) < 80
    assert shown[pointer.index("^")] == ">"
    assert shown[pointer.index("^") - 2] == ">"


def test_the_pointer_stands_below_wide_characters() -> None:
    with pytest.raises(QueryInvalid) as caught:
        parse("損失\tx AND b")
    assert caught.value.message.split("\n")[1:] == ["  損失·x AND b", "         ^^^"]


@pytest.mark.parametrize("text", ["", "a, b", "a >", "3", '"a"', "a,"])
def test_what_is_no_single_name_is_refused(text: str) -> None:
    with pytest.raises(QueryInvalid):
        parse_name(text)
