"""What to draw: a request in the words of the command line, and the run of a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, Refused
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.core.model import AnyChange, Node
from ecs_fsm.draw.picture import RunStep

MAX_NAMED = 4
"""Requests to name in a title before they are counted."""


class Poll(NamedTuple):
    """A poll that returned `value` in the state with index `number`."""

    number: int
    value: str


class DrawnRun(NamedTuple):
    """A run to draw: every state that a server entered, and what the server refused at the end.

    `polls` are marked on the states. `title` and `remark` describe the whole, in a few words and in
    a sentence; `words` are those of the scenario, if it was given in words.
    """

    changes: tuple[AnyChange, ...]
    refused: Refused | None = None
    polls: tuple[Poll, ...] = ()
    title: str = ""
    remark: str = ""
    words: tuple[str, ...] = ()
    slide: bool = False

    def headline(self, lifecycle: Lifecycle, what: str) -> str:
        """Return a title: what is shown, and the words of the scenario or the first requests."""
        if self.words:
            return f"{what} ({lifecycle.name}): {' '.join(self.words)}"
        requested = [str(c.event) for c in self.changes if c.event in lifecycle.operations]
        left = len(requested) - MAX_NAMED
        more = f" and {left} more" if left > 0 else ""
        names = f": {', '.join(requested[:MAX_NAMED])}{more}" if requested else ""
        return f"{what} ({lifecycle.name}){names}"

    def steps(self, lifecycle: Lifecycle) -> tuple[RunStep, ...]:
        """Return the events with the states that they entered."""
        return tuple((c.event, lifecycle.state(c.vm_state, c.task_state)) for c in self.changes)


class DrawRequest(NamedTuple):
    """The words behind the name of a view, the start of the server, the vm_states to draw.

    For a slide a view leaves out what cannot be read from the back of a room.
    """

    servers: type[BaseServer]
    words: Sequence[str] = ()
    begin: Node | None = None
    only: Sequence[str] = ()
    slide: bool = False

    def without(self, view: str, *unused: str) -> None:
        """Raise `InvalidInput` for arguments that the view does not take."""
        given = {"words": self.words, "begin": self.begin, "only": self.only}
        named = {
            "words": "WORD",
            "begin": "--from",
            "only": "--vm-state",
        }
        for part in unused:
            if given[part]:
                raise InvalidInput(f"view {view!r} takes no {named[part]}")

    def run(self) -> DrawnRun:
        """Return the run that the words select. Raise `InvalidInput` as `simulate` does."""
        from ecs_fsm.core.scenario import simulate

        if not self.words:
            raise InvalidInput("no WORD: expected a scenario as in simulate, such as: create stop")
        server, refused = simulate(self.servers, self.words, self.begin)
        words = tuple(self.words)
        return DrawnRun(tuple(server.history), refused, words=words, slide=self.slide)
