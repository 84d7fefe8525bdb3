"""Starts that one waiter serves equally well, each group with the best waiter for it.

A start joins a group if one waiter then serves each of its starts as well as a waiter for that
start alone would. `infer` writes its waiters; `rank` holds other waiters against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from ecs_fsm.waiters.judge import Attribute, FindingKind, Reaction, best, caused, kinds_by_position
from ecs_fsm.waiters.runs import RunPosition, Runs
from ecs_fsm.waiters.starts import Start

RiskKinds = Mapping[str, frozenset[FindingKind]]
"""By value, the findings that some reaction to it causes."""
Found = frozenset[tuple[str, FindingKind]]
NOTHING: frozenset[FindingKind] = frozenset()


class StartGroup(NamedTuple):
    """Starts with the best reactions to each value, and the findings that these leave."""

    starts: tuple[Start, ...]
    reactions: Mapping[str, Reaction]
    found: Found

    @property
    def lists(self) -> dict[str, tuple[str, ...]]:
        """Return the lists of the best waiter, by name."""
        named = {"pending": Reaction.GO_ON, "target": Reaction.SUCCESS, "failure": Reaction.FAILURE}
        return {
            name: tuple(value for value, chosen in self.reactions.items() if chosen is reaction)
            for name, reaction in named.items()
        }


class _Growing(NamedTuple):
    starts: list[Start]
    risky: RiskKinds
    members: list[tuple[RiskKinds, Found]]
    """The risks of each start, with the findings that a waiter for it alone would have."""


@lru_cache(maxsize=1024)
def risks_by_start(runs: Runs, polls: Attribute) -> Mapping[str, RiskKinds]:
    """Return the risks of the runs from each start, by the full name of the start."""
    here = kinds_by_position(runs, polls)
    found: dict[str, RiskKinds] = {}
    alike: dict[RunPosition, RiskKinds] = {}
    for start in runs.starts:
        begin = runs.begin(start)
        if begin in alike:
            found[start.full_name] = alike[begin]
            continue
        kinds: dict[str, set[FindingKind]] = {}
        for position in runs.positions_from(start):
            for value, seen in here[position]:
                kinds.setdefault(value, set()).update(seen)
        found[start.full_name] = alike[begin] = {
            v: frozenset(kinds[v]) for v in polls.values if v in kinds
        }
    return found


@lru_cache(maxsize=1024)
def start_groups(runs: Runs, polls: Attribute) -> tuple[StartGroup, ...]:
    """Return the starts in groups; the groups of one group's starts are that group alone."""
    groups: list[_Growing] = []
    alike: dict[tuple[tuple[str, frozenset[FindingKind]], ...], int] = {}
    known = risks_by_start(runs, polls)
    for start in runs.starts:
        risky = known[start.full_name]
        place = alike.get(tuple(risky.items()))
        if place is None:
            place = alike[tuple(risky.items())] = _placed(groups, risky, polls)
        groups[place].starts.append(start)
    return tuple(
        StartGroup(tuple(group.starts), reactions, _caused(group.risky, reactions))
        for group in groups
        for reactions in [best(group.risky)]
    )


@lru_cache(maxsize=1024)
def group_by_start(runs: Runs, polls: Attribute) -> Mapping[str, StartGroup]:
    """Return the group of each start, by the full name of the start."""
    return {start.full_name: group for group in start_groups(runs, polls) for start in group.starts}


def _placed(groups: list[_Growing], risky: RiskKinds, polls: Attribute) -> int:
    """Return the place of the first group that risks fit into, which they join."""
    member = risky, _caused(risky, best(risky))
    for place, group in enumerate(groups):
        together = _union(group.risky, risky, polls)
        reactions = best(together)
        members = [*group.members, member]
        if all(_caused(risks, reactions) <= own for risks, own in members):
            groups[place] = _Growing(group.starts, together, members)
            return place
    groups.append(_Growing([], risky, [member]))
    return len(groups) - 1


def _union(one: RiskKinds, other: RiskKinds, polls: Attribute) -> RiskKinds:
    return {
        value: one.get(value, NOTHING) | other.get(value, NOTHING)
        for value in polls.values
        if value in one or value in other
    }


def _caused(risky: RiskKinds, reactions: Mapping[str, Reaction]) -> Found:
    return frozenset(
        (value, kind)
        for value, kinds in risky.items()
        for kind in _caused_by(kinds, reactions[value])
    )


@cache
def _caused_by(kinds: frozenset[FindingKind], reaction: Reaction) -> frozenset[FindingKind]:
    return caused(kinds, reaction)
