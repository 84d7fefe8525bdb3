"""How long things take: a family of distributions, its mean, and a second parameter.

Times are seconds, as numbers or as words such as "90s", "2m", "1.5h", "30d".
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from ecs_fsm.core.errors import InvalidInput

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_WORD = re.compile(rf"(\d+(?:\.\d*)?|\.\d+)\s*({'|'.join(UNITS)})?")


class Family(StrEnum):
    """A family of distributions of a time."""

    EXPONENTIAL = "exponential"
    LOGNORMAL = "lognormal"
    WEIBULL = "weibull"
    GAMMA = "gamma"
    CONSTANT = "constant"
    EMPIRICAL = "empirical"


SECOND = {Family.LOGNORMAL: "sd", Family.WEIBULL: "shape", Family.GAMMA: "shape"}
"""The second parameter of a family: the standard deviation in seconds, or the shape."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A random time of `mean` seconds; `second` is the parameter of `SECOND`, 0 where none is.

    `samples` (seconds, ascending) are what an empirical one is drawn from.
    """

    family: Family
    mean: float
    second: float = 0.0
    samples: tuple[float, ...] = ()

    @property
    def variance(self) -> float:
        """The variance, in seconds squared."""
        if self.family is Family.EXPONENTIAL:
            return self.mean**2
        if self.family is Family.LOGNORMAL:
            return self.second**2
        if self.family is Family.GAMMA:
            return self.mean**2 / self.second
        if self.family is Family.WEIBULL:
            one, two = (math.gamma(1 + n / self.second) for n in (1, 2))
            return self.mean**2 * (two / one**2 - 1)
        if not self.samples:
            return 0.0
        return sum((s - self.mean) ** 2 for s in self.samples) / len(self.samples)

    @property
    def rough(self) -> bool:
        """Whether its distribution jumps, elsewhere than at 0."""
        return self.family in (Family.CONSTANT, Family.EMPIRICAL) and self.mean > 0

    def parameters(self) -> tuple[float, float]:
        """What a sampler works with: a scale or location, and a shape.

        exponential and constant (mean, 0), lognormal (mu, sigma), weibull (scale, 1/shape), gamma
        (scale, shape), empirical (0, 0).
        """
        if self.family is Family.LOGNORMAL:
            spread = math.log1p((self.second / self.mean) ** 2)
            return math.log(self.mean) - spread / 2, math.sqrt(spread)
        if self.family is Family.WEIBULL:
            return self.mean / math.gamma(1 + 1 / self.second), 1 / self.second
        if self.family is Family.GAMMA:
            return self.mean / self.second, self.second
        return (0.0, 0.0) if self.samples else (self.mean, 0.0)

    def below(self, time: float) -> float:
        """The probability that it takes at most `time` seconds."""
        if time < 0 or (time == 0 and self.mean > 0):
            return 0.0
        first, second = self.parameters()
        share = 1.0 if time >= first else 0.0
        if self.family is Family.EXPONENTIAL and first:
            share = -math.expm1(-time / first)
        elif self.family is Family.LOGNORMAL:
            share = 0.5 * math.erfc((first - math.log(time)) / (second * math.sqrt(2)))
        elif self.family is Family.WEIBULL:
            share = -math.expm1(-((time / first) ** self.second))
        elif self.family is Family.GAMMA:
            share = _gamma_below(second, time / first)
        elif self.samples:
            share = bisect_right(self.samples, time) / len(self.samples)
        return share

    def quantile(self, share: float) -> float:
        """The seconds that this share of all times does not exceed, to one part in a million."""
        low, high = 0.0, max(self.mean, 1e-3)
        while self.below(high) < share:
            low, high = high, high * 2
        while high - low > 1e-6 * high:
            middle = (low + high) / 2
            low, high = (low, middle) if self.below(middle) >= share else (middle, high)
        return high

    def draw(self, source: Random) -> float:
        """One time, in seconds, by the numbers of `source`."""
        first, second = self.parameters()
        if self.family is Family.EXPONENTIAL:
            return source.expovariate(1.0) * first
        if self.family is Family.LOGNORMAL:
            return source.lognormvariate(first, second)
        if self.family is Family.WEIBULL:
            return source.weibullvariate(first, self.second)
        if self.family is Family.GAMMA:
            return source.gammavariate(second, first)
        return source.choice(self.samples) if self.samples else first


def _gamma_below(shape: float, value: float) -> float:
    """The distribution function of a gamma variable with scale 1, by its power series."""
    if value > shape + 40 * math.sqrt(shape) + 40:
        return 1.0
    term = total = 1 / shape
    n = 0
    while term > total * 1e-15:
        n += 1
        term *= value / (shape + n)
        total += term
    return min(1.0, total * math.exp(shape * math.log(value) - value - math.lgamma(shape)))


def seconds(value: object) -> float:
    """Return the seconds of a number or of a form such as `90s`, or raise `InvalidInput`."""
    if isinstance(value, str):
        found = _WORD.fullmatch(value.strip())
        if found:
            return float(found[1]) * UNITS[found[2] or "s"]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and number >= 0:
            return number
    raise InvalidInput(
        f"invalid duration {value!r}: expected seconds >= 0, or a form such as '90s'"
    )
