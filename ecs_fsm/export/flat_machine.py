"""A lifecycle as a machine without facts: every node is a state, every word with facts an event.

Tools that know states and events only can hold a lifecycle in this form. It does what a server
does: an event that a server refuses, or for which it needs a fact that was not given, does not
leave the state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from ecs_fsm.core.errors import Refused, UnknownFact
from ecs_fsm.core.graph import reachable
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_SERVER, Kind, Node, bracketed


class FlatArrow(NamedTuple):
    """An event that is possible in a state: its word, the states it enters, and where it ends.

    `word` is the trigger with the facts that are given with it: `shelve[offload=later]`.
    """

    word: str
    trigger: str
    kind: Kind
    given: Mapping[str, str]
    entered: tuple[Node, ...]
    end: Node


class FlatMachine:
    """The states that a server can be in between two events, from its creation on.

    `arrows` are by node; None stands for a server that does not exist yet. Where a fact that is
    given with an event has its usual value, the word without it is the event.
    """

    arrows: Mapping[Node | None, tuple[FlatArrow, ...]]

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        found: dict[Node | None, tuple[FlatArrow, ...]] = {}

        def following(node: Node | None) -> list[Node | None]:
            found[node] = tuple(self._leaving(node))
            return [arrow.end for arrow in found[node]]

        beginning: list[Node | None] = [None]
        reachable(beginning, following)
        self.arrows = found

    def _leaving(self, node: Node | None) -> Iterator[FlatArrow]:
        lifecycle = self.lifecycle
        for name, trigger in lifecycle.triggers.items():
            if not (lifecycle.possible(name, node) if node else lifecycle.find(name, None)):
                continue
            for given in self._choices(trigger.given):
                try:
                    outcome = lifecycle.outcome(name, node, given)
                except (Refused, UnknownFact):
                    continue
                word = f"{name}{bracketed(lifecycle.memory.ordered(given))}"
                yield FlatArrow(word, name, trigger.kind, given, outcome.nodes, outcome.end)

    def _choices(self, usual: Mapping[str, str | None]) -> Iterator[dict[str, str]]:
        """Yield what can be given with an event: every combination of unusual values."""
        values = [
            [None, *(v for v in self.lifecycle.memory.values(name) if v != value)]
            for name, value in usual.items()
        ]
        for combination in product(*values):
            yield {n: v for n, v in zip(usual, combination, strict=True) if v is not None}


def node_name(node: Node | None) -> str:
    """Return the name of a node: its state, and its facts in brackets."""
    return NO_SERVER if node is None else f"{node.state}{bracketed(node.facts)}"
