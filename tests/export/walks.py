"""Random walks of servers, as judges of machines that other tools built from an export."""

from __future__ import annotations

from random import Random

from ecs_fsm.core.errors import InvalidInput, Refused, UnknownFact
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node, bracketed
from ecs_fsm.core.scenario import with_facts

Step = tuple[str, Node | None]
"""A word, and the node that it leads to; None where it is refused."""


def walks(lifecycle: Lifecycle, number: int, length: int, seed: int = 7) -> list[list[Step]]:
    """Walks of a lifecycle from nothing, about half of whose words are refused."""
    random = Random(seed)  # noqa: S311 - to be repeated
    return [_walk(lifecycle, random, length) for _ in range(number)]


def _walk(lifecycle: Lifecycle, random: Random, length: int) -> list[Step]:
    here: Node | None = None
    walked: list[Step] = []
    for _ in range(length):
        state = here.state if here else None
        possible = [name for name in lifecycle.triggers if lifecycle.find(name, state)]
        name = random.choice(possible if possible and random.random() < 0.7 else words(lifecycle))
        word = f"{name}{bracketed(_given(lifecycle, random, name))}"
        there = end(lifecycle, here, word)
        walked.append((word, there))
        here = there or here
    return walked


def words(lifecycle: Lifecycle) -> list[str]:
    return list(lifecycle.triggers)


def _given(lifecycle: Lifecycle, random: Random, name: str) -> tuple[tuple[str, str], ...]:
    usual = lifecycle.triggers[name].given
    given = {
        fact: random.choice([v for v in lifecycle.memory.values(fact) if v != value])
        for fact, value in usual.items()
        if random.random() < 0.5
    }
    return lifecycle.memory.ordered(given)


def end(lifecycle: Lifecycle, here: Node | None, word: str) -> Node | None:
    """Where a word leads, by the lifecycle's own rules."""
    name, given = with_facts(lifecycle, word)
    try:
        return lifecycle.outcome(name, here, given).end
    except (Refused, UnknownFact):
        return None
    except InvalidInput:
        assert here is None  # nothing but a creation can happen to what does not exist
        return None
