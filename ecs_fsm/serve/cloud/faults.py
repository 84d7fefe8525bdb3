"""Failures on demand: which request comes to what, for which servers, how often.

A fault is written as a word of a scenario with what limits it behind:
`resize:roll_back@resize_prep#3*2%10 on web-*` from the third resize on, twice, one in ten, for
servers of such names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Self

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.scenario import ScenarioWord, read_word
from ecs_fsm.serve.cloud.chance import Chance, Tally

EVERYBODY = "*"


@dataclass(slots=True)
class Fault:
    """What becomes of a request of the servers whose names match the pattern `servers`."""

    word: ScenarioWord
    chance: Chance
    servers: str = EVERYBODY
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def parse(cls, lifecycle: Lifecycle, text: str) -> Self:
        """The fault that a text writes. Raises `InvalidInput` that says what there is instead."""
        what, on, servers = text.strip().partition(" on ")
        word, chance = Chance.parse(what)
        return cls(_word(lifecycle, word), chance, servers.strip() if on else EVERYBODY)

    @classmethod
    def given(cls, lifecycle: Lifecycle, document: Mapping[str, object]) -> Self:
        """The fault of a JSON object: `fault`, `servers`, and what `Chance.given` reads.

        Raises `InvalidInput` that says what there is instead.
        """
        text, servers = document.get("fault"), document.get("servers", EVERYBODY)
        if not isinstance(text, str) or not isinstance(servers, str):
            raise InvalidInput('expected {"fault": "OPERATION:OUTCOME@STEP", "servers": "web-*"}')
        if len(document.keys() & {"first", "times", "percent", "servers"}) == 0:
            return cls.parse(lifecycle, text)
        return cls(_word(lifecycle, text), Chance.given(document), servers)

    def strikes(self, operation: str, name: str, draw: Callable[[], float]) -> bool:
        """Whether it strikes a request of the server of that name; see `Tally.strikes`."""
        return (
            operation == self.word.operation.name
            and fnmatchcase(name, self.servers)
            and self.tally.strikes(self.chance, draw)
        )

    def __str__(self) -> str:
        servers = "" if self.servers == EVERYBODY else f" on {self.servers}"
        return f"{self.word.text}{self.chance}{servers}"


def _word(lifecycle: Lifecycle, text: str) -> ScenarioWord:
    word = read_word(lifecycle, text)
    if not word.outcomes and not word.given:
        raise InvalidInput(f"{text}: say what becomes of it, OPERATION:OUTCOME@STEP")
    return word
