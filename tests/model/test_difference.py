from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.model.difference import (
    ADDED,
    CHANGED,
    REMOVED,
    Change,
    compare_environments,
    compare_mappings,
    digests,
    flatten,
    same_value,
)
from runref.model.record import (
    Code,
    Command,
    DataFile,
    Failure,
    LeftOut,
    MetricSummary,
    Parameter,
    Record,
)
from runref.model.run_difference import SECTIONS, CodeChange, DataChange, compare_runs
from runref.model.series_difference import MetricChange

MOMENT = "2026-11-21T14:03:12.123456Z"
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)


def mappings(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from("abc"), inner, max_size=3)


nested = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | mappings(inner), max_leaves=6
)


def record(**changes: Any) -> Record:
    base = Record(
        runref="0.1.0",
        id="20261121-4f1c9b2e7a3d",
        status="finished",
        started=MOMENT,
        finished=MOMENT,
        duration=1.0,
        command=Command(("python", "train.py")),
    )
    return dataclasses.replace(base, **changes)


def swapped(change: Change) -> Change:
    kind = {ADDED: REMOVED, REMOVED: ADDED}.get(change.kind, change.kind)
    return Change(change.name, kind, change.right, change.left)


@given(mappings(nested))
def test_a_mapping_does_not_differ_from_itself(mapping: dict[str, Any]) -> None:
    assert compare_mappings(mapping, mapping) == ()


@given(mappings(nested), mappings(nested))
def test_seen_from_the_other_side_additions_are_removals(left: Any, right: Any) -> None:
    there, back = compare_mappings(left, right), compare_mappings(right, left)
    assert [repr(swapped(each)) for each in there] == [repr(each) for each in back]
    assert [each.name for each in there] == sorted(each.name for each in there)


@given(nested, nested)
def test_being_the_same_is_symmetric_and_holds_for_oneself(left: Any, right: Any) -> None:
    assert same_value(left, left)
    assert same_value(left, right) == same_value(right, left)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (0.0, -0.0, False),
        (0, 0.0, True),
        (math.nan, -math.nan, True),
        (math.nan, None, False),
        (math.inf, math.inf, True),
        (math.inf, -math.inf, False),
        (True, 1, False),
        (False, 0.0, False),
        (True, True, True),
        ("1", 1, False),
        (2**53, 2**53 + 1, False),
        (float(2**53), 2**53 + 1, False),
        ([1, [True]], [1.0, [True]], True),
        ([True], [1], False),
        ([math.nan], [math.nan], True),
        ([0.0], [-0.0], False),
        ([1], [1, 2], False),
        ({"a": 0.0}, {"a": -0.0}, False),
        ({"a": math.nan}, {"a": math.nan}, True),
        ({"a": 1}, {"b": 1}, False),
        ([], {}, False),
    ],
)
def test_same_value(left: object, right: object, same: bool) -> None:
    assert same_value(left, right) is same


def test_flatten_joins_names_with_dots_and_keeps_empty_mappings() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": []}, "e": {}, "f": {"g": {}}}) == {
        "a.b.c": 1,
        "a.d": [],
        "e": {},
        "f.g": {},
    }


def test_a_run_does_not_differ_from_itself() -> None:
    assert not compare_runs(record(), record())


def summary(last: float) -> MetricSummary:
    return MetricSummary(1, last, last, last, last, last, 0, 0, 0)


def test_each_section_says_what_differs_in_it() -> None:
    left = record(
        command=Command(("python", "a b.py"), directory="x", variables={"CUDA": "0"}),
        params={"lr": Parameter(0.1), "model": Parameter({"depth": 3})},
        inputs=(DataFile("in.csv", "file", "sha256:1", 3),),
        outputs=(DataFile("big", "file", "", 3, problem="larger than the limit"),),
        metrics={"loss": summary(math.nan), "acc": summary(0.5)},
        code=Code("0" * 40, "sha256:1", 1),
        summary={"best": 1},
    )
    right = record(
        id="20261122-4f1c9b2e7a3d",
        command=Command(("python", "a", "b.py"), directory="x", variables={"SEED": "1"}),
        params={"lr": Parameter(0.1, "command-line"), "model": Parameter({"depth": 4})},
        inputs=(DataFile("in.csv", "file", "sha256:2", 3),),
        outputs=(DataFile("big", "file", "sha256:3", 3),),
        metrics={"loss": summary(math.nan), "acc": summary(0.75)},
        summary={"best": 2},
    )
    edit = CodeChange("train.py", CHANGED, "0" * 40, "1" * 40)
    packages = ({"packages": [{"name": "numpy", "version": "1"}]}, {"packages": []})
    found = compare_runs(left, right, code=[edit], environments=packages)
    assert found
    assert (found.left, found.right) == (left.id, right.id)
    assert {section: getattr(found, section) for section in SECTIONS} == {
        "code": (edit,),
        "command": (
            Change("$CUDA", REMOVED, "0"),
            Change("$SEED", ADDED, right="1"),
            Change("argv", CHANGED, "python 'a b.py'", "python a b.py"),
        ),
        "parameters": (Change("model.depth", CHANGED, 3, 4),),
        "environment": (
            Change("packages", ADDED, right={}),
            Change("packages.numpy", REMOVED, "1"),
        ),
        "inputs": (DataChange("in.csv", CHANGED, "sha256:1", "sha256:2"),),
        "outputs": (DataChange("big", CHANGED, "larger than the limit", "sha256:3"),),
        "status": (),
        "seeds": (),
        "summary": (Change("best", CHANGED, 1, 2),),
        "metrics": (MetricChange("acc", CHANGED, 0.5, 0.75, summary(0.5), summary(0.75)),),
    }


def test_environments_differ_by_package_and_by_field() -> None:
    def environment(python: str, *packages: tuple[str, str]) -> dict[str, Any]:
        listed = [{"name": name, "version": version} for name, version in packages]
        return {"interpreter": {"version": python}, "packages": listed}

    left = environment("3.11.7", ("numpy", "1.26"), ("torch", "2.1"))
    right = environment("3.12.1", ("torch", "2.2"), ("numpy", "1.26"))
    assert compare_environments(left, right) == (
        Change("interpreter.version", CHANGED, "3.11.7", "3.12.1"),
        Change("packages.torch", CHANGED, "2.1", "2.2"),
    )
    assert compare_environments({}, {}) == ()


def test_inputs_by_reference_differ_by_what_their_server_says() -> None:
    def read(etag: str) -> Record:
        url = DataFile("s3://b/in.csv", "file", "", 3, stored=False, etag=etag)
        return record(inputs=(url,))

    changes = compare_runs(read("e1"), read("e2")).inputs
    assert changes == (DataChange("s3://b/in.csv", CHANGED, "e1", "e2"),)
    assert compare_runs(read("e1"), read("e1")).inputs == ()


def test_a_digest_is_never_made_of_a_problem() -> None:
    files = [
        DataFile("a", "file", "sha256:1", 1),
        DataFile("b", "file", "", 1, problem="too large"),
    ]
    assert digests(files) == {"a": "sha256:1", "b": ""}


def test_time_host_and_job_are_no_difference_by_themselves() -> None:
    def ran(number: str, **changes: Any) -> Record:
        seeds = {"python": {"state": f"sha256:{number}"}}
        variables = {"SLURM_JOB_ID": number}
        command = Command(("python", "train.py"), variables=variables)
        return record(command=command, host=f"node{number}", seeds=seeds, **changes)

    found = compare_runs(
        ran("1", duration=10.0), ran("2", duration=16.0, started="2027" + MOMENT[4:])
    )
    assert not found
    assert found.circumstances == (
        Change("$SLURM_JOB_ID", CHANGED, "1", "2"),
        Change("duration", CHANGED, 10.0, 16.0),
        Change("host", CHANGED, "node1", "node2"),
    )
    close = compare_runs(record(duration=1.0), record(duration=3.0))
    assert close.circumstances == ()


def test_how_a_run_ended_and_its_seed_are_a_difference() -> None:
    failure = Failure("ValueError", "boo")
    left = record(seeds={"python": {"seed": 1}})
    right = record(status="failed", exit_status=1, failure=failure, seeds={"python": {"seed": 2}})
    found = compare_runs(left, right)
    assert found.status == (
        Change("exit status", ADDED, right=1),
        Change("failure", ADDED, right="ValueError: boo"),
        Change("status", CHANGED, "finished", "failed"),
    )
    assert found.seeds == (Change("python.seed", CHANGED, 1, 2),)


def test_what_is_not_known_is_named() -> None:
    unhashed = DataFile("big", "file", "", 3, problem="larger than the limit")
    left_out = LeftOut(".env", 20, "secret-name")
    code = Code("0" * 40, "sha256:1", 1, left_out=(left_out,))
    found = compare_runs(record(inputs=(unhashed,), code=code), record(inputs=(unhashed,)))
    assert not found
    assert not found.is_damaged
    assert [(each.section, each.name, each.problem) for each in found.not_compared] == [
        ("inputs", "big", "larger than the limit"),
        ("code", ".env", "left out of the snapshot: secret-name"),
    ]


def test_one_version_from_two_commits_is_two_packages() -> None:
    def environment(commit: str) -> dict[str, Any]:
        source = {"url": "https://example.org/x", "commit": commit}
        return {"packages": [{"name": "x", "version": "1.0", "source": source}]}

    (change,) = compare_environments(environment("1"), environment("2"))
    assert change.name == "packages.x"
    assert change.left == "1.0 (commit: 1, url: https://example.org/x)"
    assert compare_environments(environment("1"), environment("1")) == ()
