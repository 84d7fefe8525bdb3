"""Reads the values of a profile's keys: times, numbers, shares, words; each with a clear error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.profiles.durations import SECOND, Duration, Family, seconds

Problem = Callable[[Sequence[str], str], InvalidInput]
Key = tuple[str, ...]
MOST_SAMPLES = 1 << 24
"""Bytes that a file of measured times may have."""
TOLERANCE = 1e-6
"""By how much shares may miss a sum of 1."""


def _is(value: object) -> str:
    return "is missing" if value is None else f"is {value!r}"


class ProfileValues:
    """Reads values; `problem` makes the error for a key, samples lie in `folder`."""

    def __init__(self, folder: Path, problem: Problem) -> None:
        self._folder = folder
        self.problem = problem

    def known(self, key: Key, table: Mapping[str, object], known: Iterable[str]) -> None:
        """Raise for a key of a table that is not among the known ones."""
        for name in table:
            if name not in known:
                raise self.problem((*key, name), str(unknown("key", name, known)))

    def table(self, key: Key, value: object) -> Mapping[str, object]:
        """A table."""
        if not isinstance(value, Mapping):
            raise self.problem(key, f"{_is(value)}; expected a table")
        return value

    def time(self, key: Key, value: object) -> float:
        """Seconds, from a number or a time word."""
        if value is None:
            raise self.problem(key, "is missing; expected a time")
        try:
            return seconds(value)
        except InvalidInput as error:
            raise self.problem(key, str(error)) from None

    def number(self, key: Key, value: object, most: float) -> float:
        """A number from 0 to `most`."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            what = "a probability from 0 to 1" if most == 1 else "a number above 0"
            raise self.problem(key, f"{_is(value)}; expected {what}")
        return float(value)

    def whole(self, key: Key, value: object, least: int = 1, most: int = 0) -> int:
        """A whole number from `least` to `most`, or of any size."""
        number = value if isinstance(value, int) and not isinstance(value, bool) else least - 1
        if not least <= number <= (most or number):
            bounds = f"from {least:,} to {most:,}" if most else f"above {least - 1}"
            raise self.problem(key, f"{_is(value)}; expected a whole number {bounds}")
        return number

    def words(self, key: Key, value: object) -> list[str]:
        """A list of words."""
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self.problem(key, f"{_is(value)}; expected a list of words")
        return value

    def shares(self, key: Key, value: object, known: Iterable[str], kind: str) -> dict[str, float]:
        """The share of each of some known words; they add up to 1."""
        table = self.table(key, value)
        for name in table:
            if name not in known:
                raise self.problem((*key, name), str(unknown(kind, name, known)))
        shares = {name: self.number((*key, name), share, 1) for name, share in table.items()}
        if abs(sum(shares.values()) - 1) > TOLERANCE:
            raise self.problem(key, f"the shares add up to {sum(shares.values()):g}; expected 1")
        return shares

    def duration(self, key: Key, value: object) -> Duration:
        """A random time: a mean alone is exponential, a table names its distribution."""
        if not isinstance(value, Mapping):
            return Duration(Family.EXPONENTIAL, self.time(key, value))
        family = value.get("distribution", Family.EXPONENTIAL)
        if family not in list(Family):
            expected = ", ".join(Family)
            raise self.problem((*key, "distribution"), f"is {family!r}; expected one of {expected}")
        family = Family(str(family))
        if family is Family.EMPIRICAL:
            self.known(key, value, ("distribution", "file"))
            samples = self._samples((*key, "file"), value.get("file"))
            return Duration(family, sum(samples) / len(samples), 0.0, samples)
        second = SECOND.get(family)
        self.known(key, value, ("distribution", "mean", *([second] if second else [])))
        mean = self.time((*key, "mean"), value.get("mean"))
        if second is None:
            return Duration(family, mean)
        given = (*key, second)
        read = self.time if second == SECOND[Family.LOGNORMAL] else self._any_number
        amount = read(given, value.get(second))
        if not mean or not amount:
            raise self.problem(given if mean else (*key, "mean"), "is 0; expected more than 0")
        return Duration(family, mean, amount)

    def _any_number(self, key: Key, value: object) -> float:
        """A number that may be over 1."""
        return self.number(key, value, 1e6)

    def _samples(self, key: Key, value: object) -> tuple[float, ...]:
        """The times in a file beside the profile, ascending."""
        if not isinstance(value, str):
            raise self.problem(key, f"{_is(value)}; expected the name of a file of times")
        path = self._folder / value
        try:
            with open(path, "rb") as stream:
                data = stream.read(MOST_SAMPLES + 1)
            lines = data.decode().split()
        except (OSError, UnicodeDecodeError) as error:
            raise self.problem(key, f"{path} does not read: {error}") from None
        if len(data) > MOST_SAMPLES:
            raise self.problem(key, f"{path} is longer than {MOST_SAMPLES} bytes")
        samples = tuple(sorted(self.time(key, word) for word in lines))
        if not samples:
            raise self.problem(key, f"{path} holds no times")
        return samples
