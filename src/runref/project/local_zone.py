"""The time zone of this machine, daylight saving included."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, tzinfo


class LocalZone(tzinfo):
    """What the C library says of a moment; `datetime.astimezone` fixes one offset for all."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        """Return how far the local time is ahead of UTC at a moment."""
        return timedelta(seconds=self._local(moment).tm_gmtoff)

    def dst(self, moment: datetime | None) -> timedelta:
        """Return one hour while daylight saving is in force, whatever it adds."""
        return timedelta(hours=1 if self._local(moment).tm_isdst > 0 else 0)

    def tzname(self, moment: datetime | None) -> str:
        """Return the abbreviation of the zone at a moment."""
        return self._local(moment).tm_zone

    def fromutc(self, moment: datetime) -> datetime:
        """Return a moment, given in UTC, in this zone."""
        seconds = (moment.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001
        offset = time.localtime(seconds).tm_gmtoff
        return moment + timedelta(seconds=offset)

    def _local(self, moment: datetime | None) -> time.struct_time:
        if moment is None:
            return time.localtime()
        fields = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
        return time.localtime(time.mktime((*fields, 0, 0, -1)))
