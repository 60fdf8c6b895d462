"""Ids, addresses and times: the short texts by which runs are named."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runref.errors import ExitStatus
from runref.model.address import (
    AmbiguousRun,
    ByPrefix,
    Newest,
    UnknownRun,
    matching_ids,
    parse_address,
    the_only,
)
from runref.model.ids import MalformedRunId, is_run_id, new_run_id, run_path
from runref.model.times import after, format_time, now, parse_time

RUN = "20261121-4f1c9b2e7a3d"
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.tuples(
    st.datetimes(min_value=datetime.fromisoformat("1970-01-02")), zones, st.integers(1970, 9998)
).map(lambda drawn: drawn[0].replace(year=drawn[2], day=9, tzinfo=drawn[1]))


@given(moments)
def test_a_new_id_is_of_the_day_in_utc(moment: datetime) -> None:
    run_id = new_run_id(moment)
    assert is_run_id(run_id)
    assert run_id[:8] == format_time(moment)[:10].replace("-", "")


def test_new_ids_differ() -> None:
    assert len({new_run_id() for _ in range(1000)}) == 1000


def test_the_path_follows_from_the_id() -> None:
    assert run_path(RUN) == ("2026-11", "21", "4", RUN)


@pytest.mark.parametrize(
    "text",
    [
        *("", RUN[:-1], RUN + "0", RUN.upper(), RUN + "\n", " " + RUN, "20261121_4f1c9b2e7a3d"),
        "\uff12\uff10\uff12\uff161121-4f1c9b2e7a3d",
        "../../../../etc",
    ],
)
def test_other_text_is_no_id(text: str) -> None:
    assert not is_run_id(text)
    with pytest.raises(MalformedRunId) as caught:
        run_path(text)
    assert repr(text) in caught.value.message
    assert caught.value.exit_status == ExitStatus.USAGE


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("@", Newest(0)),
        ("@~", Newest(1)),
        ("@~0", Newest(0)),
        ("@~12", Newest(12)),
        ("4f1c", ByPrefix("4f1c")),
        ("4F1C9B", ByPrefix("4f1c9b")),
        ("20261121", ByPrefix("20261121")),
        ("20261121-4", ByPrefix("20261121-4")),
        (RUN, ByPrefix(RUN)),
        ("0" * 64, ByPrefix("0" * 64)),
    ],
)
def test_an_address_is_understood(text: str, address: object) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4f1",
        "@1",
        "@~-1",
        "@~x",
        "@~\u0661",
        "@~1\n",
        "HEAD",
        "0" * 65,
        RUN + "00",
        "-4f1c",
        "4f1c ",
    ],
)
def test_what_cannot_name_a_run_is_refused_with_what_can(text: str) -> None:
    with pytest.raises(UnknownRun, match="cannot name a run") as caught:
        parse_address(text)
    assert "@~1" in caught.value.hint


def test_ids_match_by_their_beginning_or_by_that_of_their_random_part() -> None:
    others = ["20261121-4f1d00000000", "20261122-20261121aaaa"]
    ids = [RUN, *others]
    assert matching_ids("4f1c", ids) == [RUN]
    assert matching_ids("20261121-4f1", ids) == [RUN, others[0]]
    assert matching_ids("20261121", ids) == ids
    assert matching_ids("9b2e", ids) == []


def test_the_only_candidate() -> None:
    assert the_only("4f1c", [RUN]) == RUN
    with pytest.raises(UnknownRun, match="no run matches '4f1c'"):
        the_only("4f1c", [])
    with pytest.raises(AmbiguousRun, match="'4' matches 5 runs: a, b, c, d"):
        the_only("4", ["e", "d", "c", "b", "a"])


@given(moments)
def test_a_time_comes_back_to_the_microsecond(moment: datetime) -> None:
    text = format_time(moment)
    assert len(text) == len("2026-11-21T14:03:12.123456Z")
    assert parse_time(text) == moment
    assert format_time(parse_time(text)) == text


def test_a_time_reads_as_rfc_3339_in_utc() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert (
        format_time(datetime(2026, 11, 21, 1, 2, 3, 4, tzinfo=east))
        == "2026-11-20T19:32:03.000004Z"
    )
    assert format_time(datetime(26, 1, 1, tzinfo=timezone.utc)) == "0026-01-01T00:00:00.000000Z"
    assert abs(parse_time(now()) - datetime.now(timezone.utc)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-11-21", "2026-11-21T14:03:12Z", "2026-11-21 14:03:12.123456Z"),
        *(
            "2026-11-21T14:03:12.123456",
            "2026-11-21T14:03:12.123456+00:00",
            "20261121T140312.123456Z",
        ),
        *(
            "2026-02-30T14:03:12.123456Z",
            "2026-11-21T14:03:12.123456ZZ",
            "2026-11-21T24:00:00.000000Z",
        ),
    ],
)
def test_another_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time|isoformat|range|hour|day"):
        parse_time(text)


@given(moments, st.floats(0, 1e6))
def test_the_time_after_some_seconds(moment: datetime, seconds: float) -> None:
    late = parse_time(after(format_time(moment), seconds))
    assert abs((late - moment).total_seconds() - seconds) < 1e-6
