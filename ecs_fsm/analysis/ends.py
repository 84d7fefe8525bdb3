"""Where a way begins and leads, and what it must do without, read from words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import product
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle, Outcome
from ecs_fsm.core.model import NO_SERVER, Facts, Kind, Node, State


class Ends(NamedTuple):
    """Where a way begins (None: no server yet) and where it leads."""

    origin: tuple[State | None, ...]
    goal: tuple[State, ...]


class Limits(NamedTuple):
    """What a way must do without: states that it must not enter, events, all failures."""

    avoided: Collection[State] = ()
    events: Collection[str] = ()
    failures: bool = True

    def allow(self, outcome: Outcome) -> bool:
        """Whether a way may go on by this."""
        event = outcome.transition
        if event.trigger in self.events or (event.kind is Kind.FAILURE and not self.failures):
            return False
        return not any(node.state in self.avoided for node in outcome.nodes)


def read_states(lifecycle: Lifecycle, text: str, *, events: bool = False) -> tuple[State, ...]:
    """The states of a word: the one of that name, or all that show that status.

    Raises `InvalidInput` with the nearest word for anything else, `events` among them if they would
    do as well.
    """
    states = tuple(s for s in lifecycle.states.values() if text in (s, s.status))
    if not states:
        vm_state, slash, task_state = text.partition("/")
        if slash and vm_state in list(lifecycle.table.vm_states):
            lifecycle.state(vm_state, task_state)  # says which tasks there are
        known = [*lifecycle.table.statuses, *lifecycle.states]
        if events:
            raise unknown("state, status or event", text, [*known, *lifecycle.triggers])
        raise unknown("state or status", text, known)
    return states


def read_limits(lifecycle: Lifecycle, avoid: Iterable[str], *, failures: bool) -> Limits:
    """Limits from words that name states, statuses, operations and events, or `InvalidInput`."""
    words = list(avoid)
    events = [word for word in words if word in lifecycle.triggers]
    states = [s for w in words if w not in events for s in read_states(lifecycle, w, events=True)]
    return Limits(frozenset(states), frozenset(events), failures)


def read_ends(lifecycle: Lifecycle, origin: str, goal: str) -> Ends:
    """Both ends of a way, as `read_states` reads them; the origin may be no server yet."""
    begun = (None,) if origin == NO_SERVER else read_states(lifecycle, origin)
    return Ends(begun, read_states(lifecycle, goal))


def beginnings(
    lifecycle: Lifecycle,
    origin: Iterable[State | None],
    said: Mapping[str, str],
    avoided: Collection[State],
) -> dict[Facts, list[Node | None]]:
    """Where a way can begin, by the values of the facts that nobody said."""
    memory = lifecycle.memory
    states = [state for state in origin if state not in avoided]
    states.sort(key=lambda state: state is not None and not lifecycle.rests(state))
    fitting = [state for state in states if state is None or _fits(lifecycle, state, said)]
    if states and states[0] and not fitting:
        lifecycle.place(states[0], said)  # says what does not fit
    unsaid = [
        name
        for name in memory.names
        if name not in said and memory.fact(name).default is None
        if any(state and memory.open(name, state) for state in fitting)
    ]
    found: dict[Facts, list[Node | None]] = {}
    for values in product(*(memory.values(name) for name in unsaid)):
        facts = tuple(zip(unsaid, values, strict=True))
        known = {**said, **dict(facts)}
        found[facts] = [None if s is None else lifecycle.node(s, known) for s in fitting]
    return _that_can_be(lifecycle, found) if unsaid else found


def _that_can_be(
    lifecycle: Lifecycle, found: Mapping[Facts, list[Node | None]]
) -> dict[Facts, list[Node | None]]:
    """Without the values that no server remembers in a state in which there are servers."""
    real = lifecycle.graph()
    states = {node.state for nodes in found.values() for node in nodes if node in real}
    left = {
        facts: [n for n in nodes if n is None or n in real or n.state not in states]
        for facts, nodes in found.items()
    }
    return {facts: nodes for facts, nodes in left.items() if nodes}


def _fits(lifecycle: Lifecycle, state: State, said: Mapping[str, str]) -> bool:
    try:
        lifecycle.place(state, said)
    except InvalidInput:
        return False
    return True
