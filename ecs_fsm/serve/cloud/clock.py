"""The clock of a cloud, the only place in it that reads real time.

Simulated time passes faster than real time, or only on request. Everything that happens to servers
is at a simulated time; what belongs to clients (the lifetime of a token, the access log) is in real
time, which the same clock gives.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic, time


class Clock:
    """Simulated seconds, `speed` of them in a real one; at speed 0 the clock stands still.

    While what is due happens, `event` is the time of that; what follows from it happens then too.
    The clock starts at `begin` seconds after `epoch`, by default the present. `real` gives real
    seconds from any origin, `wall` those since 1970.
    """

    def __init__(
        self,
        speed: float,
        begin: float = 0.0,
        epoch: datetime | None = None,
        *,
        real: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        self.speed = speed
        self.wall = wall
        self.epoch = epoch or datetime.fromtimestamp(wall(), UTC)
        self.event: float | None = None
        self._real = real
        self._from, self._began = begin, real()

    @property
    def now(self) -> float:
        """The present, in simulated seconds."""
        return self._from + (self._real() - self._began) * self.speed

    @property
    def moment(self) -> float:
        """The time of the event that happens now, otherwise the present."""
        return self.now if self.event is None else self.event

    def date(self, seconds: float | None = None) -> datetime:
        """Return the date at a simulated time, by default now; the latest date for later times."""
        try:
            return self.epoch + timedelta(seconds=self.now if seconds is None else seconds)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    def set(self, time: float) -> None:
        """Continue from a time that is not before now."""
        self._from, self._began = max(time, self.now), self._real()

    def wait(self, time: float) -> float | None:
        """Return the real seconds until a time, None if the clock stands still."""
        return max(0.0, time - self.now) / self.speed if self.speed else None
