"""Reads the values of a profile: numbers, times, shares, durations, each with its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.profiles.durations import SECOND, Duration, Family, seconds

Problem = Callable[[Sequence[str], str], InvalidInput]
Key = tuple[str, ...]
TOLERANCE = 1e-6
"""By how much shares may miss a sum of 1."""


class Values:
    """Reads values; `problem` makes the error for a key, samples lie in `folder`."""

    def __init__(self, folder: Path, problem: Problem) -> None:
        self._folder = folder
        self._problem = problem

    def known(self, key: Key, table: Mapping[str, object], known: Iterable[str]) -> None:
        """Raise for a key of a table that is not among the known ones."""
        for name in table:
            if name not in known:
                raise self._problem((*key, name), str(unknown("key", name, known)))

    def table(self, key: Key, value: object) -> Mapping[str, object]:
        """A table."""
        if not isinstance(value, Mapping):
            raise self._problem(key, f"is {value!r}; expected a table")
        return value

    def time(self, key: Key, value: object) -> float:
        """Seconds, from a number or a time word."""
        try:
            return seconds(value)
        except InvalidInput as error:
            raise self._problem(key, str(error)) from None

    def number(self, key: Key, value: object, most: float) -> float:
        """A number from 0 to `most`."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            what = "a probability from 0 to 1" if most == 1 else "a number above 0"
            raise self._problem(key, f"is {value!r}; expected {what}")
        return float(value)

    def positive(self, key: Key, value: object) -> int:
        """A whole number above 0."""
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._problem(key, f"is {value!r}; expected a whole number above 0")
        return value

    def words(self, key: Key, value: object) -> list[str]:
        """A list of words."""
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self._problem(key, f"is {value!r}; expected a list of words")
        return value

    def shares(self, key: Key, value: object, known: Iterable[str], kind: str) -> dict[str, float]:
        """The share of each of some known words; they add up to 1."""
        table = self.table(key, value)
        for name in table:
            if name not in known:
                raise self._problem((*key, name), str(unknown(kind, name, known)))
        shares = {name: self.number((*key, name), share, 1) for name, share in table.items()}
        if abs(sum(shares.values()) - 1) > TOLERANCE:
            raise self._problem(key, f"the shares add up to {sum(shares.values()):g}; expected 1")
        return shares

    def duration(self, key: Key, value: object) -> Duration:
        """A random time: a mean alone is exponential, a table names its distribution."""
        if not isinstance(value, Mapping):
            return Duration(Family.EXPONENTIAL, self.time(key, value))
        family = value.get("distribution", Family.EXPONENTIAL)
        if family not in list(Family):
            expected = ", ".join(Family)
            raise self._problem(
                (*key, "distribution"), f"is {family!r}; expected one of {expected}"
            )
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
            raise self._problem(given if mean else (*key, "mean"), "is 0; expected more than 0")
        return Duration(family, mean, amount)

    def _any_number(self, key: Key, value: object) -> float:
        """A number that may be over 1."""
        return self.number(key, value, 1e6)

    def _samples(self, key: Key, value: object) -> tuple[float, ...]:
        """The times in a file beside the profile, ascending."""
        if not isinstance(value, str):
            raise self._problem(key, f"is {value!r}; expected the name of a file of times")
        path = self._folder / value
        try:
            lines = path.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise self._problem(key, f"{path} does not read: {error}") from None
        samples = tuple(sorted(self.time(key, word) for word in lines))
        if not samples:
            raise self._problem(key, f"{path} holds no times")
        return samples
