"""Times as records write them, in seconds since 1970 or since the beginning of the record."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone

from ecs_fsm.core.errors import InvalidInput

MILLISECONDS, OUT_OF_RANGE = 1e11, 1e14
"""A number from the first on counts milliseconds: as seconds it would be after the year 5000."""
LIKE_A_DATE = 1e8
"""Seconds below it are shown as a number: a record that begins in 1970 has no dates."""
MOST_HOURS = 10_000
EXPECTED = "seconds or milliseconds since 1970, or ISO 8601"


def zone(offset: str | None) -> timezone:
    """Return the time zone of `+02:00`, `-3` or `5:30`. Raise `InvalidInput` for anything else."""
    if offset is None:
        return UTC
    found = re.fullmatch(r"([+-]?)(\d{1,2})(?::?(\d\d))?", offset.strip())
    hours, minutes = (int(found[2]), int(found[3] or 0)) if found else (99, 0)
    if not found or hours > 14 or minutes > 59:
        raise InvalidInput(f"--utc-offset {offset!r}: expected hours such as +02:00 or -5")
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(-ahead if found[1] == "-" else ahead)


def seconds(value: object, without_zone: timezone) -> float:
    """Return a time in seconds. Raise `ValueError` for what is not one."""
    if isinstance(value, bool):
        raise ValueError
    if not isinstance(value, int | float):
        text = str(value).strip()
        try:
            value = float(text)
        except ValueError:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=without_zone)
            return moment.timestamp()
    if not math.isfinite(value) or abs(value) >= OUT_OF_RANGE:
        raise ValueError
    return float(value) if abs(value) < MILLISECONDS else value / 1000


def iso(time: float) -> str:
    """Return a time as ISO 8601 in UTC.

    >>> iso(0.5)
    '1970-01-01T00:00:00.500000Z'
    """
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time)
    return moment.isoformat().replace("+00:00", "Z")


class IsoTimes:
    """Times as a JSON text of ISO 8601 in UTC, as `iso` gives them, many times as fast."""

    def __init__(self) -> None:
        self._hours: dict[int, str] = {}

    def of(self, time: float | None) -> str:
        """Return the text, `null` for none.

        >>> IsoTimes().of(1_700_000_000.25)
        '"2023-11-14T22:13:20.250000Z"'
        """
        if time is None:
            return "null"
        fraction, whole = math.modf(time)
        micro = round(fraction * 1e6)
        if not 0 <= micro < 1_000_000 or time < 0:
            return f'"{iso(time)}"'
        minutes, second = divmod(int(whole), 60)
        hour, minute = divmod(minutes, 60)
        begin = self._hours.get(hour)
        if begin is None:
            if len(self._hours) > MOST_HOURS:
                self._hours.clear()
            begin = self._hours[hour] = f'"{iso(hour * 3600)[:14]}'
        if micro:
            return f'{begin}{_SIXTY[minute]}:{_SIXTY[second]}.{micro:06d}Z"'
        return f'{begin}{_SIXTY[minute]}:{_SIXTY[second]}Z"'


_SIXTY = [f"{number:02d}" for number in range(60)]


def for_a_reader(time: float) -> str:
    """Return a time as a text shows it: a date, or seconds where the record counts from 0."""
    return f"{time:g} s" if abs(time) < LIKE_A_DATE else iso(round(time))
