"""The clock of a simulated cloud: seconds that pass faster than real ones, or only when told.

Everything that happens in the cloud is at a time of this clock; real time is read here only.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


class Clock:
    """Simulated seconds, of which `speed` pass in a real one; at speed 0 the clock stands still.

    It begins at `begin` seconds. `real` gives real seconds, however they began.
    """

    def __init__(
        self, speed: float, begin: float = 0.0, real: Callable[[], float] = monotonic
    ) -> None:
        self.speed = speed
        self._real = real
        self._from, self._began = begin, real()

    @property
    def now(self) -> float:
        """The simulated seconds by now."""
        return self._from + (self._real() - self._began) * self.speed

    def set(self, time: float) -> None:
        """Go on from a time that is not before now."""
        self._from, self._began = max(time, self.now), self._real()

    def wait(self, time: float) -> float | None:
        """The real seconds until a time; None where it never comes by itself."""
        return max(0.0, time - self.now) / self.speed if self.speed else None
