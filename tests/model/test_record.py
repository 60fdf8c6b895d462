"""The record: its plain document, and the schema that describes it."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
import types
from collections.abc import Mapping
from datetime import date, timezone
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import runref
from runref.model import verdict
from runref.model.annotations import Annotation
from runref.model.codec import dump_json_line, dump_yaml, load_json, load_yaml
from runref.model.documents import MalformedDocument, from_document, to_document
from runref.model.record import (
    FAILED,
    FINISHED,
    FORMAT,
    INTERRUPTED,
    Command,
    MetricSummary,
    Parameter,
    Record,
)
from runref.model.schema import InvalidDocument, load_schema, validate
from runref.model.times import format_time
from runref.model.values import to_plain
from runref.model.verdict import VERDICTS, SeriesComparison

pytestmark = pytest.mark.slow  # `make check` is for all day

FOLDER = Path(str(runref.__file__)).parent / "schemas"
SCHEMAS = sorted(path.name.removesuffix(".schema.json") for path in FOLDER.iterdir())
DIGEST = "sha256:" + "0" * 64

texts = st.text(max_size=8) | st.binary(max_size=6).map(os.fsdecode) | st.just("bytes:%20")
texts = texts.filter(lambda text: not any("\ud800" <= char < "\udc80" for char in text))
numbers = st.floats() | st.integers(-(2**1023) + 1, 2**1023 - 1)
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
).map(to_plain)
counts = st.integers(0, 2**60)
seconds = st.floats(0, 1e9)
moments = st.datetimes(timezones=st.just(timezone.utc)).map(format_time)
run_ids = st.from_regex(r"[0-9]{8}-[0-9a-f]{12}", fullmatch=True)
oids = st.from_regex(r"([0-9a-f]{40}|[0-9a-f]{64})", fullmatch=True)
sha256 = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
digests = sha256.map(lambda digits: f"sha256:{digits}")

# What the schema narrows; every other field is generated from its type alone.
NARROWED: Mapping[tuple[str, str], st.SearchStrategy[Any]] = {
    ("Record", "format"): st.just(FORMAT),
    ("Record", "id"): run_ids,
    ("Record", "status"): st.sampled_from([FINISHED, FAILED, INTERRUPTED]),
    ("Record", "started"): moments,
    ("Record", "finished"): moments,
    ("Record", "duration"): seconds,
    ("Record", "tags"): st.lists(texts.filter(bool), unique=True, max_size=3).map(tuple),
    ("Record", "parent"): st.just("") | run_ids,
    ("Record", "ranks"): st.integers(1, 4096),
    ("Record", "environment"): st.just("") | digests,
    ("Parameter", "source"): st.sampled_from(["given", "command-line"]),
    ("Code", "tree"): oids,
    ("Code", "manifest"): digests,
    ("Code", "commit"): st.just("") | oids,
    ("LeftOut", "reason"): st.sampled_from(
        [
            "size",
            "secret-name",
            "secret-content",
            "special",
            "unreadable",
            "vanished",
            "name",
            "lfs",
        ]
    ),
    ("DataFile", "kind"): st.sampled_from(["file", "directory"]),
    ("DataFile", "digest"): st.just("") | digests,
    ("Resources", "cpu_seconds"): seconds,
    ("Reproduction", "run"): run_ids,
    ("Reproduction", "record"): oids,
    ("Reproduction", "verdict"): st.sampled_from(VERDICTS),
    ("Notice", "count"): st.integers(1, 10**6),
    ("FileDigest", "sha256"): sha256,
    ("MetricSummary", "last_step"): st.integers(),
    ("MetricSummary", "step_of_min"): st.integers(),
    ("MetricSummary", "step_of_max"): st.integers(),
    ("Record", "exit_status"): st.none() | st.integers(-255, 255),
}


def values_of(cls: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls)
    fields = {}
    for each in dataclasses.fields(cls):
        narrowed = NARROWED.get((cls.__name__, each.name))
        fields[each.name] = of_kind(hints[each.name]) if narrowed is None else narrowed
    return st.builds(cls, **fields)


def of_kind(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is types.UnionType:
        if set(arguments) == {int, float}:
            return numbers
        return st.none() | of_kind(next(each for each in arguments if each is not type(None)))
    if origin is tuple:
        return st.lists(of_kind(arguments[0]), max_size=2).map(tuple)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(texts, of_kind(arguments[1]), max_size=2)
    if dataclasses.is_dataclass(hint):
        return st.deferred(lambda: values_of(hint))
    return {str: texts, int: counts, float: seconds, bool: st.booleans(), object: plain}[hint]


records = values_of(Record)
heavy = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40, deadline=None)


def same(left: object, right: object) -> bool:
    """Equality with NaN equal to NaN, and kinds of numbers kept apart."""
    return repr(to_document(left)) == repr(to_document(right))


@heavy
@given(records)
def test_a_record_comes_back_equal_through_yaml_and_json(record: Record) -> None:
    document = to_document(record)
    assert same(from_document(Record, document), record)
    assert same(from_document(Record, load_yaml(dump_yaml(document))), record)
    assert same(from_document(Record, load_json(dump_json_line(document))), record)


@heavy
@given(records)
def test_every_record_fits_the_schema(record: Record) -> None:
    validate("run", to_document(record))


@heavy
@given(records, st.data())
def test_another_validator_agrees(record: Record, data: st.DataObject) -> None:
    document = to_document(record)
    changed = data.draw(st.sampled_from(sorted(document)))
    document[changed] = data.draw(plain)
    try:
        validate("run", document)
        accepted = True
    except InvalidDocument:
        accepted = False
    assert accepted == Draft202012Validator(load_schema("run")).is_valid(document)


@heavy
@given(records)
def test_equal_records_have_equal_bytes_whatever_the_order_of_their_mappings(
    record: Record,
) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: turned(value[name]) for name in reversed(value)}
        return value

    changed = dataclasses.replace(
        record,
        params={name: turned_parameter(each) for name, each in reversed(record.params.items())},
        metrics=turned(record.metrics),
        summary=turned(record.summary),
        files=turned(record.files),
    )
    assert dump_yaml(to_document(changed)) == dump_yaml(to_document(record))


def turned_parameter(parameter: Parameter) -> Parameter:
    value = parameter.value
    if isinstance(value, dict):
        value = dict(reversed(value.items()))
    return dataclasses.replace(parameter, value=value)


@heavy
@given(values_of(Annotation).map(lambda each: dataclasses.replace(each, format=FORMAT)))
def test_an_annotation_comes_back_equal(annotation: Annotation) -> None:
    back = from_document(Annotation, load_yaml(dump_yaml(to_document(annotation))))
    assert back == annotation


def minimal() -> dict[str, Any]:
    moment = "2026-11-21T14:03:12.123456Z"
    return {
        "format": 1,
        "runref": "0.1.0",
        "id": "20261121-4f1c9b2e7a3d",
        "status": "finished",
        "started": moment,
        "finished": moment,
        "duration": 0.0,
        "command": {"argv": ["python", "train.py"]},
    }


def test_fields_that_hold_their_default_are_left_out_and_the_format_is_not() -> None:
    record = from_document(Record, minimal())
    assert record.command == Command(("python", "train.py"))
    assert to_document(record) == minimal()
    assert list(to_document(record))[:3] == ["format", "runref", "id"]


def test_non_finite_numbers_are_written_by_name_and_read_as_numbers() -> None:
    summary = MetricSummary(1, math.nan, math.inf, -math.inf, 1.5, 2, 0, 0, 0)
    document = to_document(summary)
    assert [document[name] for name in ("first", "last", "min")] == ["NaN", "Infinity", "-Infinity"]
    assert same(from_document(MetricSummary, document), summary)


def test_a_number_or_none_may_be_a_float() -> None:
    comparison = SeriesComparison("loss", "identical", 0.5, None, 3)
    assert from_document(SeriesComparison, to_document(comparison)) == comparison


CODE = {"tree": "0" * 40, "manifest": DIGEST, "files": 3}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"idd": "x"}, "a Record has no field 'idd'"),
        ({1: "x"}, "a Record has no field 1"),
        ({"id": None}, "id: None is nothing, not text"),
        ({"id": 3}, "id: 3 is an integer, not text"),
        ({"ranks": True}, "ranks: True is a boolean, not an integer"),
        ({"ranks": 1.0}, "ranks: 1.0 is a float, not an integer"),
        ({"duration": "long"}, "duration: 'long' is not a number"),
        ({"duration": 10**400}, "duration: an integer of 1329 bits"),
        ({"tags": "a"}, "tags: 'a' is text, not a list"),
        ({"tags": ["a", 1]}, "tags: 1 is an integer, not text"),
        ({"params": ["lr"]}, "params: ['lr'] is a list, not a mapping"),
        ({"params": {1: {"value": 2}}}, "params: 1 is an integer, not text"),
        ({"params": {"lr": 2}}, "params: lr: a Parameter is a mapping, not an integer"),
        ({"params": {"lr": {}}}, "params: lr: a Parameter needs the field 'value'"),
        ({"command": {}}, "command: a Command needs the field 'argv'"),
        ({"code": {**CODE, "files": "3"}}, "code: files: '3' is text, not an integer"),
        ({"code": {**CODE, "tree": 1}}, "code: tree: 1 is an integer, not text"),
        ({"code": {**CODE, "left_out": [{"path": "a"}]}}, "code: left_out: a LeftOut needs"),
        ({"metrics": {"loss": {"count": 1}}}, "metrics: loss: a MetricSummary needs the field"),
        ({"exit_status": "0"}, "exit_status: '0' is text, not an integer"),
        ({"exit_status": 2.5}, "exit_status: 2.5 is a float, not an integer"),
    ],
)
def test_a_document_of_another_shape_is_refused_by_name(changes: Any, words: str) -> None:
    with pytest.raises(MalformedDocument) as caught:
        from_document(Record, {**minimal(), **changes})
    assert caught.value.message.startswith(words)


@pytest.mark.parametrize("name", [name for name in minimal() if name != "format"])
def test_a_missing_field_is_named(name: str) -> None:
    document = minimal()
    del document[name]
    with pytest.raises(MalformedDocument, match=f"a Record needs the field '{name}'"):
        from_document(Record, document)


@pytest.mark.parametrize(("document", "kind"), [([], "a list"), ("x", "text"), (None, "nothing")])
def test_a_record_is_a_mapping(document: object, kind: str) -> None:
    with pytest.raises(MalformedDocument, match=f"a Record is a mapping, not {kind}"):
        from_document(Record, document)


# schemas


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_valid(name: str) -> None:
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith(f"{name}.schema.json")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "4f1c9b2e7a3d"}, 'run: id: "4f1c9b2e7a3d" does not match'),
        ({"status": "done"}, 'run: status: "done" is not one of'),
        ({"started": "2026-11-21"}, "run: started: "),
        ({"format": 2}, "run: format: 1 was expected"),
        ({"extra": 1}, "run: the document: Additional properties are not allowed"),
        ({"tags": ["a", "a"]}, "run: tags: "),
        ({"code": {**CODE, "left_out": [{"path": "a"}]}}, 'run: code.left_out[0]: "size" is a'),
        ({"name": "\udc80", "tags": [1]}, "run: tags[0]: 1 is not of type"),
        ({"name": {1: 2}}, "run: "),
        ({"parameters": {"when": date(2026, 11, 28)}}, "run: "),
    ],
)
def test_a_document_that_breaks_its_schema_is_refused_by_field(changes: Any, words: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        validate("run", {**minimal(), **changes})
    assert caught.value.message.startswith(words)


def test_text_that_is_no_unicode_is_checked_as_it_is_written() -> None:
    validate("run", {**minimal(), "name": "caf\udce9"})


def test_a_number_without_a_value_is_no_number_of_json() -> None:
    line = {"step": 1, "elapsed": 0.5}
    validate("metrics", {**line, "values": {"loss": "NaN"}})
    with pytest.raises(InvalidDocument, match=r"metrics: values\.loss"):
        validate("metrics", {**line, "values": {"loss": math.nan}})


def fields_of(cls: type[Any], schema: dict[str, Any], root: dict[str, Any], where: str) -> None:
    """Assert that `schema` has the fields of `cls`, each described, and so on below."""
    schema = resolved(schema, root)
    fields = {each.name: each for each in dataclasses.fields(cls)}
    assert schema["properties"].keys() == fields.keys(), where
    assert schema["additionalProperties"] is False, where
    needed = [name for name, each in fields.items() if is_required(each)]
    assert sorted(schema["required"]) == sorted(needed), where
    hints = get_type_hints(cls)
    for name, field in fields.items():
        inner = schema["properties"][name]
        assert inner.get("description"), f"{where}.{name} has no description"
        if field.default not in (dataclasses.MISSING, "", None, 0, 0.0, ()):
            assert inner.get("default", inner.get("const")) == field.default, f"{where}.{name}"
        of_type(hints[name], inner, root, f"{where}.{name}")


def resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def is_required(field: dataclasses.Field[Any]) -> bool:
    has_default = field.default is not dataclasses.MISSING
    return field.name == "format" or not (
        has_default or field.default_factory is not dataclasses.MISSING
    )


def of_type(hint: Any, schema: dict[str, Any], root: dict[str, Any], where: str) -> None:
    schema = resolved(schema, root)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is types.UnionType and set(arguments) == {int, float}:
        assert schema == root["$defs"]["number"], where
    elif origin is types.UnionType:
        of_type(next(each for each in arguments if each is not type(None)), schema, root, where)
    elif origin is tuple:
        assert schema["type"] == "array", where
        of_type(arguments[0], schema["items"], root, where)
    elif origin is not None and issubclass(origin, Mapping):
        assert schema["type"] == "object", where
        if arguments[1] is not object:
            of_type(arguments[1], schema["additionalProperties"], root, where)
    elif dataclasses.is_dataclass(hint):
        fields_of(hint, schema, root, where)
    elif hint is not object and "enum" not in schema and "const" not in schema:
        kind = {str: "string", int: "integer", float: "number", bool: "boolean"}[hint]
        assert schema["type"] == kind, where


@pytest.mark.parametrize(("name", "cls"), [("run", Record), ("annotation", Annotation)])
def test_schema_and_class_have_the_same_fields_and_each_is_described(
    name: str, cls: type[Any]
) -> None:
    schema = load_schema(name)
    fields_of(cls, schema, schema, name)


def test_the_schema_names_the_words_that_the_code_uses() -> None:
    properties = load_schema("run")["properties"]
    assert properties["status"]["enum"] == [FINISHED, FAILED, INTERRUPTED]
    assert properties["reproduction"]["properties"]["verdict"]["enum"] == list(VERDICTS)
    assert set(VERDICTS) >= verdict.HELD


def test_a_metrics_line_fits_its_schema() -> None:
    validate("metrics", {"step": 1, "elapsed": 0.5, "values": {"loss": "NaN", "acc": 1}})
    with pytest.raises(InvalidDocument, match=r"metrics: values\.loss"):
        validate("metrics", {"step": 1, "elapsed": 0.5, "values": {"loss": "low"}})


@pytest.mark.slow
def test_the_schemas_are_in_the_wheel(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([*build, str(root)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    code = (
        "import json, runref.model.schema as schema;"
        f"print(json.dumps([schema.__file__, [schema.load_schema(n) for n in {SCHEMAS}]]))"
    )
    # A wheel is a zip file that Python can import from: no installation is needed.
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(wheel)!r});{code}"],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    where, schemas = json.loads(done.stdout)
    assert where.startswith(str(wheel))
    assert schemas == [load_schema(name) for name in SCHEMAS]
