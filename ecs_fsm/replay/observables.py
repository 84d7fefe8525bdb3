"""What an observer can see of a server, write by write, with the cost of each.

A request can replace a step that still runs, and a last write of that step can show over the new
request: such a **late write** is no event of the lifecycle, so only a recording knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from ecs_fsm.core.graph import Position, Write
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Kind, Node, State
from ecs_fsm.profiles.profile_validation import LATE_WRITE
from ecs_fsm.replay.likelihood import Likelihood, cost_of


class Observable(NamedTuple):
    """A position, and what a step that was replaced writes over it.

    `replaced` is that step, as long as the request that replaced it runs and the step has written
    nothing. `late` are the states that it writes: the observer sees the first.
    """

    node: Node
    ahead: tuple[Node, ...] = ()
    replaced: State | None = None
    late: tuple[State, ...] = ()

    @property
    def state(self) -> State:
        """The state that an observer sees."""
        return self.late[0] if self.late else self.node.state


class SeenWrite(NamedTuple):
    """What is seen after a write, what the write costs, and the event if it begins one.

    `replaced` is the step that makes a late write.
    """

    target: Observable
    cost: int
    event: str | None = None
    facts: Facts = ()
    replaced: State | None = None


class Observables:
    """The writes of servers of a lifecycle; where states may be missed, no late write is known."""

    def __init__(self, lifecycle: Lifecycle, likelihood: Likelihood, *, sampled: bool) -> None:
        self.lifecycle = lifecycle
        self.sampled = sampled
        self._likelihood = likelihood
        self._graph = lifecycle.state_graph

    def starts(self) -> list[Observable]:
        """Where a recording can begin: any state, with no facts known but those that it implies."""
        found = [Observable(self.lifecycle.found(s)) for s in self.lifecycle.states.values()]
        for position in list(found):
            for outcome in self._graph.edges(position.node):
                nodes = outcome.nodes
                found += [Observable(node, nodes[n:]) for n, node in enumerate(nodes[:-1], start=1)]
        return list(dict.fromkeys(found))

    def writes(self, seen: Observable) -> Iterator[SeenWrite]:
        """Yield what can be written next, without what enters nothing: that cannot be observed."""
        for write in self._graph.writes(Position(seen.node, seen.ahead)):
            outcome, (node, ahead) = write
            target = Observable(node, ahead, self._replaced(seen, write))
            if outcome is None:
                yield SeenWrite(target, 0)
            elif outcome.nodes:
                cost = self._likelihood.event(seen.node, outcome)
                yield SeenWrite(target, cost, outcome.transition.trigger, outcome.facts)
        yield from self._late_writes(seen)

    def operations(self, step: State) -> tuple[str, ...]:
        """Return the operations, then the events of the system, that `step` can be a step of."""
        return self._operations.get(step, ())

    @cached_property
    def _operations(self) -> dict[State, tuple[str, ...]]:
        found: dict[State, tuple[str, ...]] = {}
        for kind in (Kind.REQUEST, Kind.SYSTEM):
            for name, trigger in self.lifecycle.triggers.items():
                for step in trigger.steps if trigger.kind is kind else ():
                    found[step] = (*found.get(step, ()), name)
        return found

    def seen_to_the_end(self, events: Sequence[str]) -> bool:
        """Return whether no request to end a life was followed by more than its own steps.

        Where it failed or was overtaken between two rows, no row shows the server deleting or gone.
        """
        advance = self.lifecycle.advance
        return not any(
            event in self._ending and any(later != advance for later in events[n + 1 :])
            for n, event in enumerate(events)
        )

    @cached_property
    def _ending(self) -> frozenset[str]:
        """The requests that lead to a state that nothing follows."""
        lifecycle = self.lifecycle
        final = {state for state in lifecycle.states.values() if not lifecycle.leaving(state)}
        last = {t.source for t in lifecycle.triggers[lifecycle.advance].transitions
                if t.path and t.path[-1] in final}  # fmt: skip
        return frozenset(
            name
            for name, trigger in lifecycle.operations.items()
            if not last.isdisjoint(trigger.steps)
            or any(t.path and t.path[-1] in final for t in trigger.transitions)
        )

    def _replaced(self, before: Observable, write: Write) -> State | None:
        """Return the step that can still write after a write, if a request has replaced it."""
        at = write.position
        if self.sampled or (not at.ahead and self.lifecycle.stays(at.node)):
            return None
        if write.outcome is None or write.outcome.transition.kind is not Kind.REQUEST:
            return before.replaced
        replaced = before.node.state
        late = not before.late and replaced in self.lifecycle.late_writes
        return replaced if late and at.state != replaced else None

    def _late_writes(self, seen: Observable) -> Iterator[SeenWrite]:
        if len(seen.late) > 1:
            yield SeenWrite(seen._replace(late=seen.late[1:]), 0)
        if seen.replaced is None:
            return
        cost = cost_of(self._likelihood.weight(LATE_WRITE))
        for path in self.lifecycle.late_writes[seen.replaced]:
            for late in (path[n:] for n in range(len(path))):
                if late[0] != seen.state:
                    target = seen._replace(replaced=None, late=late)
                    yield SeenWrite(target, cost, LATE_WRITE, replaced=seen.replaced)
