"""Faults on order: which requests fail and how, of which servers, and how often.

A fault is written as a word of a scenario followed by its limits:
`resize:roll_back@resize_prep#3*2%10 on web-*` strikes from the third resize on, at most twice, one
in ten, servers with such names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Self

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.scenario import ScenarioWord, read_word

MOST = 10**9
"""The largest number in a fault."""


@dataclass(frozen=True, slots=True)
class Chance:
    """From the match number `first` on, at most `times` times, in `percent` of the matches."""

    first: int = 1
    times: int | None = None
    percent: float = 100

    @classmethod
    def parse(cls, text: str) -> tuple[str, Self]:
        """Return the text before the marks `#N`, `*TIMES` and `%PERCENT`, and the chance of these.

        >>> Chance.parse("503@show_server#3*2%10")
        ('503@show_server', Chance(first=3, times=2, percent=10.0))

        Raise `InvalidInput` for an invalid mark.
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
        """Return the chance of a JSON object with `first`, `times` and `percent`.

        Raise `InvalidInput` for an invalid value.
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
class StrikeCount:
    """How many requests `met` a fault so far, and how many it `struck`."""

    met: int = 0
    struck: int = 0

    def strikes(self, chance: Chance, draw: Callable[[], float]) -> bool:
        """Count one more match. Return whether the fault strikes it.

        `draw` gives a number in [0, 1); it is called only if `percent` is below 100.
        """
        self.met += 1
        if self.met < chance.first or self.spent(chance):
            return False
        if chance.percent < 100 and draw() * 100 >= chance.percent:
            return False
        self.struck += 1
        return True

    def spent(self, chance: Chance) -> bool:
        """Return whether the fault has struck as often as it may."""
        return chance.times is not None and self.struck >= chance.times


_KEYS = {"#": "first", "*": "times", "%": "percent"}
_EXPECTED = {
    "first": "a whole number from 1 on, such as #3",
    "times": "a whole number from 1 on, such as *2",
    "percent": "a number above 0 and up to 100, such as %10",
}


def _wrong(where: str, key: str, value: str) -> str:
    return f"{where!r}: {key} is {value or 'missing'!r}; expected {_EXPECTED[key]}"


ALL_SERVERS = "*"


@dataclass(slots=True)
class FaultOrder:
    """The outcome of a request for servers whose names match the pattern `servers`."""

    word: ScenarioWord
    chance: Chance
    servers: str = ALL_SERVERS
    count: StrikeCount = field(default_factory=StrikeCount)

    @classmethod
    def parse(cls, lifecycle: Lifecycle, text: str) -> Self:
        """Return the fault of a text. Raise `InvalidInput`, which lists the known words."""
        what, on, servers = text.strip().partition(" on ")
        word, chance = Chance.parse(what)
        return cls(_word(lifecycle, word), chance, servers.strip() if on else ALL_SERVERS)

    @classmethod
    def given(cls, lifecycle: Lifecycle, document: Mapping[str, object]) -> Self:
        """Return the fault of a JSON object: `fault`, `servers` and the keys of a chance.

        Raise `InvalidInput`, which lists the known words.
        """
        text, servers = document.get("fault"), document.get("servers", ALL_SERVERS)
        if not isinstance(text, str) or not isinstance(servers, str):
            raise InvalidInput('expected {"fault": "OPERATION:OUTCOME@STEP", "servers": "web-*"}')
        if len(document.keys() & {"first", "times", "percent", "servers"}) == 0:
            return cls.parse(lifecycle, text)
        return cls(_word(lifecycle, text), Chance.given(document), servers)

    def strikes(self, operation: str, name: str, draw: Callable[[], float]) -> bool:
        """Return whether it strikes a request for that server; see `StrikeCount.strikes`."""
        return (
            operation == self.word.operation.name
            and fnmatchcase(name, self.servers)
            and self.count.strikes(self.chance, draw)
        )

    def __str__(self) -> str:
        servers = "" if self.servers == ALL_SERVERS else f" on {self.servers}"
        return f"{self.word.text}{self.chance}{servers}"


def _word(lifecycle: Lifecycle, text: str) -> ScenarioWord:
    word = read_word(lifecycle, text)
    if not word.outcomes and not word.given:
        raise InvalidInput(f"{text}: no outcome; expected OPERATION:OUTCOME@STEP")
    return word
