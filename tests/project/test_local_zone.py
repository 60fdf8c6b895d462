"""The time zone of this machine, in winter and in summer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runref.project.local_zone import LocalZone

pytestmark = pytest.mark.skipif(
    not Path("/usr/share/zoneinfo/Europe/Berlin").exists(), reason="no time zones are installed"
)
ZONES = ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
MOMENTS = st.integers(157_766_400, 2_114_380_800).map(
    lambda seconds: datetime.fromtimestamp(seconds, timezone.utc)
)


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneInfo]:
    """The zone that this process is in for one test."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield ZoneInfo(request.param)
    monkeypatch.undo()
    time.tzset()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moment=MOMENTS)
def test_a_moment_is_what_the_zone_says(zone: ZoneInfo, moment: datetime) -> None:
    local, expected = moment.astimezone(LocalZone()), moment.astimezone(zone)
    assert local.replace(tzinfo=None) == expected.replace(tzinfo=None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moment=MOMENTS)
def test_a_moment_comes_back(zone: ZoneInfo, moment: datetime) -> None:
    wall = moment.astimezone(zone).replace(tzinfo=None)
    offsets = {wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
    back = wall.replace(tzinfo=LocalZone()).astimezone(timezone.utc)
    assert moment - back in {timedelta(0)} | {
        one - other for one in offsets for other in offsets if one and other
    }
    if len(offsets) == 1:  # not in the hour that comes twice
        assert back == moment


def test_summer_and_winter_have_offsets_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        winter = datetime(2026, 1, 15, 12, tzinfo=LocalZone())
        summer = datetime(2026, 7, 15, 12, tzinfo=LocalZone())
        assert [each.utcoffset() for each in (winter, summer)] == [
            timedelta(hours=h) for h in (1, 2)
        ]
        assert [each.dst() for each in (winter, summer)] == [timedelta(hours=h) for h in (0, 1)]
        assert [each.tzname() for each in (winter, summer)] == ["CET", "CEST"]
        assert LocalZone().utcoffset(None) in {timedelta(hours=1), timedelta(hours=2)}
    finally:
        monkeypatch.undo()
        time.tzset()
