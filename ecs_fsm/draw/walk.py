"""A run of a server as a walk over the lanes: which boxes and arrows it takes, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ecs_fsm.core.errors import Refused
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import AnyChange, State
from ecs_fsm.draw.picture import Arrow, Box, Look, Picture, Step

MOST_ASKED = 4
"""Requests to name in a title before they are counted."""


class Poll(NamedTuple):
    """That an observer saw `value` at the state of that `number`, from 0."""

    number: int
    value: str


class Run(NamedTuple):
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

    def steps(self, lifecycle: Lifecycle) -> tuple[Step, ...]:
        """The events with the states that they entered."""
        return tuple((c.event, lifecycle.state(c.vm_state, c.task_state)) for c in self.changes)


class Visit(NamedTuple):
    """The box that the server stands on after a change, and what it took to get there."""

    box: Box
    taken: frozenset[str]
    arrows: tuple[Arrow, ...]


def walk(picture: Picture, steps: Sequence[Step]) -> list[Visit]:
    """The way of a run over a picture: a visit for each state that it enters.

    A row is followed as long as the run goes on in it, and of several the one that can be followed
    farthest; a change that no arrow shows, such as a failure, leads to the state's own box.
    """
    lanes = _Lanes(picture)
    visits: list[Visit] = []
    at: Box | None = None
    for number in range(len(steps)):
        taken = lanes.best(at, steps[number:])
        at = lanes.boxes[taken[-1].head] if taken else lanes.own[steps[number][1]]
        passed = frozenset(arrow.head for arrow in taken)
        at = lanes.stand(at)
        visits.append(Visit(at, passed | {at.key}, taken))
    return visits


class _Lanes:
    """A picture, by what leads where."""

    def __init__(self, picture: Picture) -> None:
        self.boxes = {box.key: box for box in picture.boxes}
        own = (Look.REST, Look.STEP)
        self.own = {box.state: box for box in picture.boxes if box.state and box.look in own}
        self._origins = [box.key for box in picture.boxes if box.look is Look.ORIGIN]
        self._leaving: dict[str, list[Arrow]] = {}
        for arrow in picture.arrows:
            self._leaving.setdefault(arrow.tail, []).append(arrow)

    def stand(self, box: Box) -> Box:
        """Where the server stands that came to a box: behind a goal is the state itself."""
        return self.own[box.state] if box.look is Look.GOAL and box.state else box

    def best(self, at: Box | None, steps: Sequence[Step]) -> tuple[Arrow, ...]:
        """The arrows of the first step, from which most of the next steps can be followed."""
        ways = self._ways(at, *steps[0])
        return max(ways, key=lambda way: self._followed(way, steps[1:]), default=())

    def _followed(self, way: tuple[Arrow, ...], steps: Sequence[Step]) -> int:
        head = self.boxes[way[-1].head]
        if not steps or head.look is Look.GOAL:
            return 0
        return max(
            (1 + self._followed(w, steps[1:]) for w in self._ways(head, *steps[0])), default=0
        )

    def _ways(self, at: Box | None, event: str | None, state: State) -> list[tuple[Arrow, ...]]:
        found: list[tuple[Arrow, ...]] = []
        for tail in [at.key] if at else self._origins:
            for first in self._by(tail, event):
                after = self._by(first.head, event) if first.knot else ()
                ways = [(first, second) for second in after] if first.knot else [(first,)]
                found += [way for way in ways if self.boxes[way[-1].head].state == state]
        return found

    def _by(self, tail: str, event: str | None) -> list[Arrow]:
        leaving = self._leaving.get(tail, [])
        return [arrow for arrow in leaving if any(t.trigger == event for t in arrow.transitions)]
