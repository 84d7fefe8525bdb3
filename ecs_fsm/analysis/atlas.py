"""Every scenario that there can be, as one graph, and what each of its edges touches.

Scenarios begin with the creation of a server. Out of a state that a server only passes through, in
the middle of an event, nothing leads in the life of any server; the transitions that the table has
there are touched by scenarios that begin in it, and are left out of the pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import product
from typing import NamedTuple

from ecs_fsm.analysis.moves import Moves
from ecs_fsm.core.lifecycle import Lifecycle, Outcome
from ecs_fsm.core.model import Node, State, Transition

Thing = State | Transition | tuple[Transition, Transition]
"""What can be touched: a state, a transition, or two that follow each other."""

WHAT = ("states", "transitions", "pairs-of-transitions")
STATES, TRANSITIONS, PAIRS = WHAT


class Spot(NamedTuple):
    """Where a scenario is; in an atlas of pairs also the transition that led there last."""

    node: Node | None
    last: int | None = None


class Edge(NamedTuple):
    """One event of a scenario.

    It leads to the spot `target`, leaves marks (the states that it enters, or its transition), and
    touches things.
    """

    target: int
    marks: tuple[int, ...]
    things: tuple[int, ...]
    outcome: Outcome


class Atlas:
    """The spots of all scenarios, and the edges that leave each; everything by its number."""

    def __init__(self, lifecycle: Lifecycle, what: str) -> None:
        self.lifecycle = lifecycle
        self.in_pairs = what == PAIRS
        self._by_state = what == STATES
        self._moves = Moves(lifecycle)
        among: Iterable[State | Transition] = lifecycle.transitions
        if self._by_state:
            among = lifecycle.states.values()
        self._marks = {mark: n for n, mark in enumerate(among)}
        self._pairs: dict[tuple[int, int], int] = {}
        self.spots: list[Spot] = []
        self.edges: list[list[Edge]] = []
        self._places: dict[Spot, int] = {}
        self.beginnings = [self._place(Spot(None))]
        self._explore()
        self.from_creation = len(self.spots)
        """The spots with a lower number are those that a server comes to."""
        taken = {o.transition for spot in self.spots for o in self._moves.at(spot.node)}
        self.elsewhere = [t for t in lifecycle.transitions if t not in taken]
        """The transitions that are possible only where no server comes to."""
        if what == TRANSITIONS:
            for node in dict.fromkeys(n for t in self.elsewhere for n in _nodes(lifecycle, t)):
                self.beginnings.append(self._place(Spot(node)))
            self._explore()

    @cached_property
    def things(self) -> list[Thing]:
        """Everything that is to be touched."""
        marks = list(self._marks)
        if not self.in_pairs:
            return list(marks)
        transitions = self.lifecycle.transitions
        return [(transitions[one], transitions[other]) for one, other in self._pairs]

    def _place(self, spot: Spot) -> int:
        if spot not in self._places:
            self._places[spot] = len(self.spots)
            self.spots.append(spot)
        return self._places[spot]

    def _explore(self) -> None:
        while len(self.edges) < len(self.spots):
            self.edges.append(list(self._leaving(self.spots[len(self.edges)])))

    def _leaving(self, spot: Spot) -> Iterator[Edge]:
        for outcome in self._moves.at(spot.node):
            marks = self._left_by(outcome)
            things = self._touched(spot.last, marks) if self.in_pairs else marks
            last = marks[0] if self.in_pairs else None
            yield Edge(self._place(Spot(outcome.end, last)), marks, things, outcome)

    def _left_by(self, outcome: Outcome) -> tuple[int, ...]:
        if self._by_state:
            return tuple(self._marks[node.state] for node in outcome.nodes)
        return (self._marks[outcome.transition],)

    def _touched(self, last: int | None, marks: tuple[int, ...]) -> tuple[int, ...]:
        if last is None:
            return ()
        return (self._pairs.setdefault((last, marks[0]), len(self._pairs)),)


def _nodes(lifecycle: Lifecycle, transition: Transition) -> Iterator[Node]:
    """Where a transition is possible, for each value of what has no usual value."""
    memory, state = lifecycle.memory, transition.source
    if state is None:
        return
    when = dict(transition.when)
    names = [
        name
        for name in memory.names
        if name not in when and memory.fact(name).default is None and memory.open(name, state)
    ]
    for values in product(*(memory.values(name) for name in names)):
        yield lifecycle.node(state, when | dict(zip(names, values, strict=True)))
