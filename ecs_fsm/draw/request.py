"""What to draw: a request in the words of the command line, and the run of a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, Refused
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import AnyChange, Node
from ecs_fsm.core.server import BaseServer
from ecs_fsm.draw.picture import RunStep

MOST_ASKED = 4
"""Requests to name in a title before they are counted."""


class Poll(NamedTuple):
    """That an observer saw `value` at the state of that `number`, from 0."""

    number: int
    value: str


class DrawnRun(NamedTuple):
    """What happened to a server: every state that it entered, and what it was refused at the end.

    `polls` are what an observer saw of it; `title` and `remark` are what there is to say of the
    whole, in a few words and in a sentence.
    """

    changes: tuple[AnyChange, ...]
    refused: Refused | None = None
    polls: tuple[Poll, ...] = ()
    title: str = ""
    remark: str = ""

    def headline(self, lifecycle: Lifecycle, what: str) -> str:
        """A title: what is shown, and what was asked first."""
        asked = [str(c.event) for c in self.changes if c.event in lifecycle.operations]
        more = f" and {len(asked) - MOST_ASKED} more" if len(asked) > MOST_ASKED else ""
        told = f": {', '.join(asked[:MOST_ASKED])}{more}" if asked else ""
        return f"{what} ({lifecycle.name}){told}"

    def steps(self, lifecycle: Lifecycle) -> tuple[RunStep, ...]:
        """The events with the states that they entered."""
        return tuple((c.event, lifecycle.state(c.vm_state, c.task_state)) for c in self.changes)


class DrawRequest(NamedTuple):
    """The words behind the name of a view, where a server begins, the vm_states to draw."""

    servers: type[BaseServer]
    words: Sequence[str] = ()
    begin: Node | None = None
    only: Sequence[str] = ()

    def without(self, view: str, *unused: str) -> None:
        """Raise `InvalidInput` for anything that the view has no use for."""
        given = {"words": self.words, "begin": self.begin, "only": self.only}
        named = {
            "words": f"the word {' '.join(self.words)!r}",
            "begin": "--from",
            "only": "--vm-state",
        }
        for part in unused:
            if given[part]:
                raise InvalidInput(f"{view} has no use for {named[part]}")

    def run(self) -> DrawnRun:
        """The run that the words tell. Raises `InvalidInput` as `simulate` does."""
        from ecs_fsm.core.scenario import simulate

        if not self.words:
            raise InvalidInput("say what happens, in the words of simulate, such as: create stop")
        server, refused = simulate(self.servers, self.words, self.begin)
        return DrawnRun(tuple(server.history), refused)
