"""Ways told apart: those that look the same are one, with the facts for which it is found."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations
from typing import NamedTuple

from ecs_fsm.analysis.moves import Walk
from ecs_fsm.core.model import Facts


class Way(NamedTuple):
    """A walk that leads to the goal, and for which facts it is the shortest.

    `passes` where the goal is entered in the middle of the last event and left by the same.
    """

    walk: Walk
    passes: bool
    facts: Facts = ()


def told(
    found: list[tuple[Facts, Way | None]], every: list[Facts]
) -> tuple[list[Way], list[Facts]]:
    """Each way once, and no way, with the facts that tell for which servers it is so."""
    by_look: dict[object, list[Facts]] = {}
    looks: dict[Facts, list[object]] = {facts: [] for facts in every}
    ways: dict[object, Way] = {}
    for facts, way in found:
        look = way and _look(way)
        by_look.setdefault(look, []).append(facts)
        looks[facts].append(look)
        if way:
            ways.setdefault(look, way)
    deciding = {
        name
        for one, other in combinations(every, 2)
        for name in _only_difference(one, other)
        if looks[one] != looks[other]
    }
    named = [way._replace(facts=_common(by_look[look], deciding)) for look, way in ways.items()]
    named.sort(key=lambda way: (way.passes, len(way.walk.outcomes)))
    return named, _without(by_look.get(None, []), every, deciding)


def _without(lacking: list[Facts], every: list[Facts], deciding: Collection[str]) -> list[Facts]:
    """The values with which there is no way: those that they have in common if that says it all."""
    if not lacking:
        return []
    common = _common(lacking, deciding)
    if [facts for facts in every if all(fact in facts for fact in common)] == lacking:
        return [common]
    return [tuple(fact for fact in facts if fact[0] in deciding) for facts in lacking]


def _common(alike: list[Facts], deciding: Collection[str]) -> Facts:
    """The deciding facts that are the same in all."""
    first, *rest = alike
    return tuple(f for f in first if f[0] in deciding and all(f in facts for facts in rest))


def _look(way: Way) -> object:
    """What tells one way from another, whatever is remembered along it."""
    beginning = way.walk.beginning and way.walk.beginning.state
    entered = tuple(
        (outcome.transition.trigger, tuple(node.state for node in outcome.nodes))
        for outcome in way.walk.outcomes
    )
    return beginning, entered


def _only_difference(one: Facts, other: Facts) -> list[str]:
    """The fact that is different in two lists, if it is a single one."""
    names = [
        name for (name, value), (_, another) in zip(one, other, strict=True) if value != another
    ]
    return names if len(names) == 1 else []
