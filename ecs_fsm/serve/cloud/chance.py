"""When a fault that somebody asked for strikes: `#3*2%10`, and the same as JSON.

A `Chance` says it and never changes; a `Tally` counts what the fault has met so far.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from ecs_fsm.core.errors import InvalidInput

MOST = 10**9
"""What can be asked for in numbers ends here."""


@dataclass(frozen=True, slots=True)
class Chance:
    """From the match number `first` on, at most `times` times, in `percent` of the matches."""

    first: int = 1
    times: int | None = None
    percent: float = 100

    @classmethod
    def parse(cls, text: str) -> tuple[str, Self]:
        """What stands before the marks `#N`, `*TIMES` and `%PERCENT`, in any order, and these.

        >>> Chance.parse("503@show_server#3*2%10")
        ('503@show_server', Chance(first=3, times=2, percent=10.0))

        Raises `InvalidInput` for a mark that does not read.
        """
        rest, *marks = re.split(r"(?=[#*%])", text)
        found: dict[str, str] = {}
        for mark in marks:
            key = _KEYS[mark[0]]
            if key in found:
                raise InvalidInput(f"{text!r}: {mark[0]} is given twice")
            found[key] = mark[1:].strip()
        return rest.rstrip(), cls._checked(found, text)

    @classmethod
    def given(cls, document: Mapping[str, object]) -> Self:
        """The chance of a JSON object, of which it reads `first`, `times` and `percent`.

        Raises `InvalidInput` for a value that does not fit.
        """
        found = {key: document[key] for key in _KEYS.values() if document.get(key) is not None}
        for key, value in found.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidInput(f"{key} is {value!r}; expected a number")
        return cls._checked({key: str(value) for key, value in found.items()}, "fault")

    @classmethod
    def _checked(cls, found: Mapping[str, str], where: str) -> Self:
        whole: dict[str, int] = {}
        for key in ("first", "times"):
            if key in found:
                if not re.fullmatch(r"\d{1,10}", found[key], re.ASCII):
                    raise InvalidInput(_wrong(where, key, found[key]))
                whole[key] = int(found[key])
                if not 1 <= whole[key] <= MOST:
                    raise InvalidInput(_wrong(where, key, found[key]))
        percent = found.get("percent", "100")
        if not re.fullmatch(r"\d{1,3}(\.\d{1,9})?", percent, re.ASCII) or not (
            0 < float(percent) <= 100
        ):
            raise InvalidInput(_wrong(where, "percent", percent))
        return cls(whole.get("first", 1), whole.get("times"), float(percent))

    def as_dict(self) -> dict[str, float | None]:
        """`{"first", "times", "percent"}`."""
        return {"first": self.first, "times": self.times, "percent": self.percent}

    def __str__(self) -> str:
        first = f"#{self.first}" if self.first != 1 else ""
        times = f"*{self.times}" if self.times is not None else ""
        return f"{first}{times}{f'%{self.percent:g}' if self.percent != 100 else ''}"


@dataclass(slots=True)
class Tally:
    """How often a fault was `met` so far, and how often it `struck`."""

    met: int = 0
    struck: int = 0

    def strikes(self, chance: Chance, draw: Callable[[], float]) -> bool:
        """Counts one more match and says whether the fault strikes it.

        `draw` gives a number in [0, 1); it is asked for only where less than 100 percent decide.
        """
        self.met += 1
        if self.met < chance.first or self.spent(chance):
            return False
        if chance.percent < 100 and draw() * 100 >= chance.percent:
            return False
        self.struck += 1
        return True

    def spent(self, chance: Chance) -> bool:
        """Whether the fault strikes no more."""
        return chance.times is not None and self.struck >= chance.times


_KEYS = {"#": "first", "*": "times", "%": "percent"}
_EXPECTED = {
    "first": "a whole number from 1 on, such as #3",
    "times": "a whole number from 1 on, such as *2",
    "percent": "a number above 0 and up to 100, such as %10",
}


def _wrong(where: str, key: str, value: str) -> str:
    return f"{where!r}: {key} is {value or 'missing'!r}; expected {_EXPECTED[key]}"
