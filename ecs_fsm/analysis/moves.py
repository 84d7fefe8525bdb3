"""What can happen next in a node, each way once, and what it enters; a walk is made of these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ecs_fsm.core.errors import Refused, UnknownFact
from ecs_fsm.core.lifecycle import Lifecycle, Outcome
from ecs_fsm.core.model import Change, Kind, Node, State, bracketed

ASKED = (Kind.REQUEST, Kind.SYSTEM)
"""What begins something of its own; all else ends or continues what runs."""

RANK = {Kind.PROGRESS: 0, Kind.REQUEST: 1, Kind.SYSTEM: 2, Kind.FAILURE: 3}
"""How plain an event is: what goes on by itself, what somebody asks, what nobody wants."""


class Walk(NamedTuple):
    """Events one after the other, from a node or from no server yet (None)."""

    beginning: Node | None
    outcomes: tuple[Outcome, ...]

    @property
    def last(self) -> Node | None:
        """Where it leads."""
        return self.outcomes[-1].end if self.outcomes else self.beginning

    def changes(self) -> list[Change]:
        """Every state of it with the event that entered it, as a server's history has them."""
        entered: list[tuple[str | None, State]] = []
        if self.beginning is not None:
            entered.append((None, self.beginning.state))
        entered += [(o.transition.trigger, node.state) for o in self.outcomes for node in o.nodes]
        return [Change(event, s.vm_state, s.task_state, s.status) for event, s in entered]

    def names(self, lifecycle: Lifecycle) -> list[str]:
        """Its events, each with the facts that must be given with it."""
        return [
            f"{o.transition.trigger}{bracketed(tuple(given(lifecycle, node, o).items()))}"
            for node, o in places(self)
        ]


class Moves:
    """The outcomes of each node of a lifecycle, each once, the plainest first."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self._known: dict[Node | None, tuple[Outcome, ...]] = {}

    def at(self, node: Node | None) -> tuple[Outcome, ...]:
        """What can happen in a node; among equally plain outcomes in the order of the table."""
        if node not in self._known:
            ways: dict[object, Outcome] = {}
            for outcome in self.lifecycle.outcomes(node):
                ways.setdefault((outcome.transition, outcome.nodes, outcome.end), outcome)
            plainest = sorted(ways.values(), key=lambda outcome: RANK[outcome.transition.kind])
            self._known[node] = tuple(plainest)
        return self._known[node]


def places(walk: Walk) -> Iterator[tuple[Node | None, Outcome]]:
    """Each event of a walk with the node where it happens."""
    node = walk.beginning
    for outcome in walk.outcomes:
        yield node, outcome
        node = outcome.end


def given(lifecycle: Lifecycle, node: Node | None, outcome: Outcome) -> dict[str, str]:
    """The facts that must be given with an outcome's event in `node` for it to come to that."""
    told = {**dict(outcome.transition.when), **dict(outcome.facts)}
    usual = lifecycle.triggers[outcome.transition.trigger].given
    needed = dict(lifecycle.memory.ordered({n: v for n, v in told.items() if n in usual}))
    for name in tuple(needed):
        fewer = {other: value for other, value in needed.items() if other != name}
        if _comes_to(lifecycle, node, fewer, outcome):
            needed = fewer
    return needed


def _comes_to(
    lifecycle: Lifecycle, node: Node | None, facts: dict[str, str], wanted: Outcome
) -> bool:
    """Whether these facts are enough for the event of an outcome to come to it."""
    try:
        found = lifecycle.outcome(wanted.transition.trigger, node, facts)
    except (Refused, UnknownFact):
        return False
    return found[:3] == wanted[:3]
