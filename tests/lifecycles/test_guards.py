"""A guard holds back requests and nothing else: what the system does is the same without it."""

from __future__ import annotations

import pytest

from ecs_fsm import Lifecycle, Refused
from ecs_fsm.core.model import Facts, Guard, State
from ecs_fsm.lifecycles.nova import NOVA, Server

GUARDS = {f"{guard.fact}={guard.value}": guard for guard in NOVA.table.guards}
GUARDED = [
    pytest.param(guard, state, id=f"{name} at {state}")
    for name, guard in GUARDS.items()
    for state in NOVA.states.values()
    if NOVA.memory.open(guard.fact, state)
]


def results(lifecycle: Lifecycle, trigger: str, state: State, known: Facts, without: str) -> object:
    """Everything that a trigger can do at a state, leaving out one fact of what is remembered."""
    return {
        tuple(
            (node.state, tuple(fact for fact in node.facts if fact[0] != without))
            for node in (*outcome.nodes, outcome.end)
        )
        for outcome in lifecycle.outcomes(lifecycle.node(state, dict(known)), trigger)
    }


def test_every_lifecycle_with_guards_is_tried_in_most_of_its_states() -> None:
    assert list(GUARDS) == ["launched=no", "locked=yes"]
    assert len(GUARDED) == 149 + 28


@pytest.mark.parametrize(("guard", "state"), GUARDED)
def test_what_the_system_does_is_the_same_with_and_without_a_guard(
    guard: Guard, state: State
) -> None:
    held = ((guard.fact, guard.value),)
    for event in NOVA.events:
        with_it = results(NOVA, event, state, held, guard.fact)
        assert with_it == results(NOVA, event, state, (), guard.fact), event


@pytest.mark.parametrize(("guard", "state"), GUARDED)
def test_a_guard_holds_back_every_request_that_it_does_not_allow(
    guard: Guard, state: State
) -> None:
    free, held = NOVA.node(state), NOVA.node(state, {guard.fact: guard.value})
    assert set(NOVA.requests(held)) == set(NOVA.requests(free)) & set(guard.allows)
    for operation in set(NOVA.requests(free)) - set(guard.allows):
        with pytest.raises(Refused) as refused:
            Server(held).trigger(operation)
        assert refused.value.reason == guard.reason
