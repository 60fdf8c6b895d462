"""What may be logged, what is refused, and that nothing of it stops the program."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def _values(rows):
    return [dict(row.values) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given_value", "kept"),
    [
        (0.1 + 0.2, 0.1 + 0.2),
        (2**63, 2**63),
        (-(2**90), -(2**90)),
        (True, 1),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.float64(0.1), 0.1),
        (np.int64(-7), -7),
        (np.array([2.5]), 2.5),
        (np.bool_(True), 1),
        (Decimal("0.5"), 0.5),
        (Fraction(1, 4), 0.25),
    ],
    ids=repr,
)
def test_numbers_of_every_kind_are_kept(tracker, given_value, kept):
    run = tracker.start()
    run.log({"value": given_value})
    run.log({"nested": {"value": given_value}})
    run.finish()
    flat, nested = _values(tracker.rows(run))
    assert (flat, nested) == ({"value": kept}, {"nested/value": kept})
    assert type(flat["value"]) is type(kept)
    assert tracker.told == []


def test_nan_is_kept(tracker):
    run = tracker.start()
    run.log({"value": math.nan})
    run.log({"value": np.float32("nan")})
    run.finish()
    assert [math.isnan(values["value"]) for values in _values(tracker.rows(run))] == [True, True]


@pytest.mark.parametrize(
    "value",
    [
        "0.5",
        None,
        1j,
        [1.0],
        np.array([1.0, 2.0]),
        Decimal("sNaN"),
        Fraction(10**400),
        10**400,
        object(),
    ],
    ids=lambda value: str(value)[:10],
)
def test_what_is_no_number_is_named_once_and_stops_nothing(tracker, value):
    run = tracker.start()
    for step in range(3):
        run.log({"good": step, "outer": {"bad": value}}, step=step)
    run.finish()
    assert _values(tracker.rows(run)) == [{"good": 0}, {"good": 1}, {"good": 2}]
    (message,) = tracker.told
    assert "'outer/bad'" in message
    (notice,) = tracker.record(run).notices
    assert (notice.code, notice.count, notice.message) == ("not-a-number", 3, message)


def test_each_refused_name_is_told(tracker):
    run = tracker.start()
    run.log({"a": "x", "b": "y"})
    run.finish()
    assert len(tracker.told) == 2
    assert tracker.rows(run) == []


@pytest.mark.parametrize("values", [3, [("loss", 1)], None, "loss"])
def test_values_without_names_are_refused(tracker, values):
    run = tracker.start()
    run.log(values)
    run.log({"loss": 1})
    run.finish()
    assert tracker.told == [f"log() takes numbers by name, not {type(values).__name__}"]
    assert _values(tracker.rows(run)) == [{"loss": 1}]


@pytest.mark.parametrize(
    "name", ["val/acc", "Verlust ✓", "a\nb", 'quote"\\', "", "\udc80", 7, ("a", 1), "bytes:x"]
)
def test_names_of_every_kind_are_kept(tracker, name):
    run = tracker.start()
    run.log({name: 1})
    run.finish()
    assert _values(tracker.rows(run)) == [{str(name): 1}]
    assert list(tracker.record(run).metrics) == [str(name)]


@pytest.mark.parametrize(
    ("given_step", "kept"),
    [(7, 7), (np.int32(7), 7), (7.0, 7), (-1, -1), (2**70, 2**70), (True, 1)],
    ids=repr,
)
def test_whole_numbers_are_steps(tracker, given_step, kept):
    run = tracker.start()
    run.log({"loss": 1}, step=given_step)
    run.log({"loss": 1})
    run.finish()
    assert [row.step for row in tracker.rows(run)] == [kept, kept + 1]
    assert tracker.told == []


@pytest.mark.parametrize("step", [1.5, math.nan, math.inf, "3", [], np.array([1, 2])], ids=repr)
def test_after_a_bad_step_the_next_one_is_taken(tracker, step):
    run = tracker.start()
    run.log({"loss": 1}, step=4)
    run.log({"loss": 2}, step=step)
    run.log({"loss": 3}, step=step)
    run.finish()
    assert [row.step for row in tracker.rows(run)] == [4, 5, 6]
    (message,) = tracker.told
    assert "is no whole number" in message
    assert tracker.record(run).notices[0].count == 2


def test_times_never_go_back(tracker):
    run = tracker.start()
    for _ in range(100):
        run.log({"loss": 1})
    run.finish()
    times = [row.elapsed for row in tracker.rows(run)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= tracker.record(run).duration


_NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False)
_NAMES = st.text(max_size=8).filter(lambda name: "/" not in name)


@pytest.mark.slow
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    calls=st.lists(
        st.tuples(st.dictionaries(_NAMES, _NUMBERS, min_size=1, max_size=3), st.integers(0, 99)),
        max_size=5,
    )
)
def test_what_was_logged_is_what_is_read(tracker, calls):
    run = tracker.start()
    for values, step in calls:
        run.log(values, step=step)
    run.finish()
    assert [(dict(row.values), row.step) for row in tracker.rows(run)] == calls


def test_parameters_and_summary_are_mappings_kept_nested(tracker):
    run = tracker.start(params={"net": {"depth": np.int64(3)}, "path": tracker.root, "x": math.nan})
    run.config["lr"] = 2**70
    run.config.update({"net": {"depth": 4}}, seed=1)
    run.summary["best"] = {"loss": np.float32(0.5), "names": ("a", "ü")}
    assert run.config["lr"] == 2**70
    assert set(run.config) == {"net", "path", "x", "lr", "seed"}
    with pytest.raises(TypeError, match="'lr' is recorded"):
        del run.config["lr"]
    run.finish()
    record = tracker.record(run)
    assert {name: each.value for name, each in record.params.items()} == {
        "net": {"depth": 4},
        "path": str(tracker.root),
        "x": "NaN",
        "lr": 2**70,
        "seed": 1,
    }
    assert record.summary == {"best": {"loss": 0.5, "names": ["a", "ü"]}}


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_logged(tracker):
    import tracemalloc

    run = tracker.start()
    for step in range(100):
        run.log({"loss": 1 / (step + 1), "acc": step}, step=step)
    grown = []
    for _ in range(3):  # other threads may take memory meanwhile, but not each time
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for step in range(20_000):
            run.log({"loss": 1 / (step + 1), "acc": step}, step=step)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        grown.append(after - before)
    # Less than a byte for each call; where coverage is measured, its tracer takes some for itself.
    assert min(grown) < 16_384
    run.finish()
    assert len(tracker.rows(run)) == 60_100


def test_a_step_that_no_file_can_hold_gives_way_to_the_next(tracker):
    run = tracker.start()
    run.log({"value": 1.0}, step=7)
    run.log({"value": 2.0}, step=10**5000)
    run.log({"value": 3.0}, step=2**70)
    run.finish()
    assert [row.step for row in tracker.rows(run)] == [7, 8, 2**70]


def test_what_json_cannot_hold_as_it_stands_is_encoded_once(tracker):
    run = tracker.start()
    run.log({"w\udcff": math.inf})
    run.log({"value": -math.inf}, step=2**70)
    run.finish()
    assert _values(tracker.rows(run)) == [{"w\udcff": math.inf}, {"value": -math.inf}]
    assert tracker.told == []


def test_empty_tags_are_passed_over(tracker):
    run = tracker.start(tags=["", "kept", " "])
    run.tag("", "more")
    run.finish()
    assert tracker.record(run).tags == ("kept", "more")
