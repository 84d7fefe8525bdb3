"""One server of the cloud: its state, history, requests and attributes; and faults that strike it.

The lifecycle decides its state; everything here can be written to a file and read again. A fault is
a word of a scenario followed by its limits: `resize:roll_back@resize_prep#3*2%10 on web-*` strikes
from the third resize on, at most twice, one in ten, servers with such names.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple, Self, cast

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.core.model import Facts, State
from ecs_fsm.core.scenario import ScenarioWord, StepOutcome, read_word

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
            key, value = _KEYS[mark[0]], mark[1:].strip()
            if key in found:
                raise InvalidInput(f"{text!r}: {mark[0]} is given twice")
            found[key] = value
            form = r"\d{1,3}(\.\d{1,9})?" if key == "percent" else r"\d{1,10}"
            most = 100 if key == "percent" else MOST
            if not re.fullmatch(form, value, re.ASCII) or not 0 < float(value) <= most:
                wrong = f"{key} is {value or 'missing'!r}; expected {_EXPECTED[key]}"
                raise InvalidInput(f"{text!r}: {wrong}")
        times = int(found["times"]) if "times" in found else None
        percent = float(found.get("percent", 100))
        return rest.rstrip(), cls(int(found.get("first", 1)), times, percent)

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
        written, chance = Chance.parse(what)
        word = read_word(lifecycle, written)
        if not word.outcomes and not word.given:
            raise InvalidInput(f"{written}: no outcome; expected OPERATION:OUTCOME@STEP")
        return cls(word, chance, servers.strip() if on else ALL_SERVERS)

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


NOT_ENOUGH = "There are not enough hosts available."
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class Asker(NamedTuple):
    """The origin of a request: ids of the request, the user and the project; the API's action."""

    request_id: str
    user_id: str
    project_id: str
    action: str
    admin: bool = False


class RequestRecord(NamedTuple):
    """A request as the cloud remembers it; `refused` is the reason if it was not accepted."""

    at: float
    operation: str
    asker: Asker
    refused: str | None


class HistoryEntry(NamedTuple):
    """A state that a server entered, with the time (simulated seconds), the event and its facts.

    `event` is None if a scenario or a file put it there.
    """

    at: float
    event: str | None
    state: State
    facts: Facts


class InstanceFault(NamedTuple):
    """What the API shows as `fault` of a server: the time, a message and a code as Nova has them.

    `details` say what happened in the words of the lifecycle.
    """

    at: float
    message: str
    code: int = 500
    details: str = ""


@dataclass(frozen=True, slots=True)
class NewServer:
    """What a creation requests; ids are those of the catalog.

    `image` is None for a server that boots from a volume. `given` are the facts of the creation,
    `details` what the API stores and shows unchanged. `hosts` are the numbers of those on which the
    server may be, None for any; `reason` is why none is left.
    """

    name: str
    flavor: str
    image: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Json] = field(default_factory=dict)
    hosts: tuple[int, ...] | None = None
    reason: str = NOT_ENOUGH


@dataclass(slots=True)
class Instance:
    """One server of the cloud. Times are simulated seconds.

    `changes` are attributes that the running operation sets if it succeeds, `outcomes` those that
    are ordered for the rest of it; `plan` has the remaining words of a scenario; `kept` is how many
    changes and requests are on the disk, `forgotten` how many of the oldest were dropped. While
    `revision` stays the same, nothing about the server has changed.
    """

    number: int
    id: str
    project_id: str
    user_id: str
    server: BaseServer
    name: str
    flavor: str
    image: str | None
    metadata: dict[str, str]
    details: dict[str, Json]
    created: float
    updated: float
    host: int = 0
    launched: float | None = None
    terminated: float | None = None
    old_flavor: str | None = None
    fault: InstanceFault | None = None
    operation: str | None = None
    changes: dict[str, Json] = field(default_factory=dict)
    went_wrong: bool = False
    hangs: bool = False
    outcomes: tuple[StepOutcome, ...] = ()
    due: float | None = None
    ticket: int = 0
    revision: int = 0
    draws: int = 0
    plan: deque[ScenarioWord] = field(default_factory=deque)
    faults: list[FaultOrder] = field(default_factory=list)
    history: list[HistoryEntry] = field(default_factory=list)
    requests: list[RequestRecord] = field(default_factory=list)
    kept: tuple[int, int] = (0, 0)
    forgotten: tuple[int, int] = (0, 0)

    @property
    def state(self) -> State:
        """The present state."""
        return self.server.state

    def names(self, detail: str) -> list[str]:
        """Return the names that a detail lists, none where the server does not have it."""
        return cast(list[str], self.details.get(detail) or [])

    def set(self, changes: Mapping[str, Json]) -> None:
        """Set attributes, or details where no attribute has the name."""
        for name, value in changes.items():
            if name in self.__slots__:
                setattr(self, name, value)
            else:
                self.details[name] = value
