"""Findings ranked by the run that shows them, one for each kind, with the lists that avoid it.

An error needs no fault and begins where servers usually are; a warning needs a fault. Both have
other lists, those of `infer`, that avoid the finding. Everything else is a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache, lru_cache
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State
from ecs_fsm.io.toml import shipped
from ecs_fsm.waiters.findings import MOST_STATES, Finding, finding_of
from ecs_fsm.waiters.grouping import RiskKinds, StartGroup, group_by_start, risks_by_start
from ecs_fsm.waiters.judge import Attribute, FindingKind, broken
from ecs_fsm.waiters.runs import Runs
from ecs_fsm.waiters.starts import Start
from ecs_fsm.waiters.waiter import Waiter

COMMON = "common_starts.toml"
Lists = Mapping[str, tuple[str, ...]]
FAULTLESS = (Kind.REQUEST, Kind.PROGRESS)
LOST = (FindingKind.NEVER_SUCCEEDS, FindingKind.MISSES, FindingKind.SPURIOUS_FAILURE)
"""What a value that was meant, and written as another one, leads to."""
NEED_A_FAULT = (FindingKind.FALSE_SUCCESS, FindingKind.BLIND, FindingKind.HANGS)
"""Kinds that only a run shows in which something goes wrong."""


class Level(StrEnum):
    """How much a finding matters, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    def counts(self, least: Level) -> bool:
        """Return whether this level is `least` or a worse one."""
        order = list(Level)
        return order.index(self) <= order.index(least)


class Ranked(NamedTuple):
    """A finding with its level, every start that shows it, and the lists that avoid it.

    `finding` is the worst example, `others` say what else shows the same kind. `fix` is None where
    other lists do not help.
    """

    finding: Finding
    level: Level
    starts: tuple[str, ...]
    fix: Lists | None
    others: tuple[str, ...] = ()
    where: str = ""
    """The list that holds unknown values; empty for other kinds."""

    @property
    def sentence(self) -> str:
        """What is wrong, with the run that shows it."""
        return self.finding.sentence

    @property
    def message(self) -> str:
        """The sentence, what else shows the same, and why nothing helps."""
        said = [self.sentence]
        if self.others:
            said.append(f"The same {some(self.others)}")
        if self.fix is None and self.finding.advice:
            said.append(self.finding.advice.removesuffix("."))
        return ". ".join(said) + ("." if len(said) > 1 else "")

    def as_dict(self) -> dict[str, object]:
        """Return `{"finding", "level", "from", "run", "polled", "message", "fix"}`."""
        found = self.finding.as_dict()
        fix = self.fix
        return {
            "finding": found["finding"],
            "level": self.level.value,
            "from": list(self.starts),
            "run": found["run"],
            "polled": found["polled"],
            "message": self.message,
            "fix": None if fix is None else {name: list(values) for name, values in fix.items()},
        }


def some(words: Sequence[str]) -> str:
    """Return words in one line; many are counted."""
    more = len(words) - MOST_STATES
    return ", ".join(words[:MOST_STATES]) + (f" and {more} more" if more > 0 else "")


def rank(waiter: Waiter, *, rare: bool = False) -> tuple[Ranked, ...]:
    """Return the findings of a waiter, one for each kind; with `rare` also those that seldom show.

    Unknown values are one finding for each list: an error where the waiter then never succeeds, or
    waits forever, in runs that are one; otherwise they break no run.
    """
    usual = waiter.findings()
    ranked = [_ranked(waiter, finding) for finding in usual]
    if any(one.level is Level.ERROR and one.finding.kind in LOST for one in ranked):
        ranked = [
            one._replace(level=Level.ERROR) if one.where and one.level is Level.WARNING else one
            for one in ranked
        ]
    if rare:
        known = {(finding.kind, finding.value) for finding in usual}
        ranked += [
            Ranked(finding, Level.NOTE, (finding.from_,), None)
            for finding in waiter.findings(rare=True)
            if (finding.kind, finding.value) not in known
        ]
    return fold(ranked)


def fold(ranked: Iterable[Ranked]) -> tuple[Ranked, ...]:
    """Return one finding for each kind, and of unknown values for each list."""
    kinds: dict[tuple[FindingKind, str], list[Ranked]] = {}
    for one in ranked:
        kinds.setdefault((one.finding.kind, one.where), []).append(one)
    return tuple(_folded(alike) for alike in kinds.values())


def worst_first(ranked: Iterable[Ranked]) -> list[Ranked]:
    """Return findings in the order of their levels."""
    return sorted(ranked, key=lambda one: list(Level).index(one.level))


def _folded(alike: list[Ranked]) -> Ranked:
    first, *others = worst_first(alike)
    if not others:
        return first
    starts = tuple(dict.fromkeys(start for one in (first, *others) for start in one.starts))
    if first.where:
        finding = first.finding
        sentence = "; ".join(dict.fromkeys(one.sentence for one in (first, *others)))
        values = dict.fromkeys(one.finding.value for one in (first, *others))
        if len(values) > 1:
            finding = finding._replace(message=sentence)
        return first._replace(finding=finding, starts=starts)
    said = dict.fromkeys((*first.others, *(_where(one, first) for one in others)))
    return first._replace(starts=starts, others=tuple(word for word in said if word))


def _where(one: Ranked, first: Ranked) -> str:
    """Return where a finding shows that is folded into another one."""
    operation, value = _operation(one), one.finding.value
    same = (operation, value) == (_operation(first), first.finding.value)
    if same or value is None:
        return ""
    of = f" of {operation}" if operation != _operation(first) else ""
    return f"at {value}{of}"


def _operation(one: Ranked) -> str:
    return one.finding.run.start.request.transition.trigger


def _ranked(waiter: Waiter, finding: Finding) -> Ranked:
    kind, value = finding.kind, finding.value
    if kind is FindingKind.UNKNOWN_VALUE:
        where = next(name for name, values in waiter.lists.items() if value in values)
        level = Level.WARNING if finding.avoidable else Level.NOTE
        group = _group_of(waiter, finding.run.start)
        fix = group.lists if finding.avoidable else None
        return Ranked(finding, level, (finding.from_,), fix, where=where)
    if value is None:
        group = _group_of(waiter, finding.run.start)
        names = tuple(start.name for start in waiter.runs.starts)
        return Ranked(finding, Level.ERROR, names, group.lists)
    return _at_value(waiter, finding, value)


def _at_value(waiter: Waiter, finding: Finding, value: str) -> Ranked:
    """Return a finding with the worst of its starts as example."""
    kind, polls = finding.kind, waiter.polls
    shown_by = _shown_by(waiter.runs, polls, kind, value)
    shown = finding
    if finding.run.start.full_name not in shown_by.worst:
        shown = finding_of(waiter.judged_from((shown_by.first,)), kind, value)
    level = shown_by.level
    if level is Level.ERROR and not _faultless(shown):
        level = Level.WARNING
    group = _group_of(waiter, shown.run.start)
    helped = (value, kind) not in group.found
    return Ranked(shown, level, shown_by.names, group.lists if helped else None)


class _ShownBy(NamedTuple):
    """The starts that show a kind of finding at a value, and those of the worst level."""

    level: Level
    first: Start
    worst: frozenset[str]
    names: tuple[str, ...]


@lru_cache(maxsize=8192)
def _shown_by(runs: Runs, polls: Attribute, kind: FindingKind, value: str) -> _ShownBy:
    groups, common = group_by_start(runs, polls), _common(runs)
    highest = Level.WARNING if kind in NEED_A_FAULT else Level.ERROR
    levels: dict[Level, list[Start]] = {level: [] for level in (highest, Level.NOTE)}
    for place in sorted(_places(runs, polls).get((value, kind), ())):
        start = runs.starts[place]
        name = start.full_name
        helps = name in common and (value, kind) not in groups[name].found
        levels[highest if helps else Level.NOTE].append(start)
    level, worst = next((level, starts) for level, starts in levels.items() if starts)
    every = dict.fromkeys(start.name for starts in levels.values() for start in starts)
    return _ShownBy(level, worst[0], frozenset(start.full_name for start in worst), tuple(every))


@lru_cache(maxsize=1024)
def _places(runs: Runs, polls: Attribute) -> Mapping[tuple[str, FindingKind], list[int]]:
    """Return the places of the starts that have a risk, by its value and kind."""
    alike: dict[int, tuple[RiskKinds, list[int]]] = {}
    known = risks_by_start(runs, polls)
    for place, start in enumerate(runs.starts):
        risky = known[start.full_name]
        alike.setdefault(id(risky), (risky, []))[1].append(place)
    found: dict[tuple[str, FindingKind], list[int]] = {}
    for risky, places in alike.values():
        for value, kinds in risky.items():
            for kind in kinds:
                found.setdefault((value, kind), []).extend(places)
    return found


def _faultless(finding: Finding) -> bool:
    """Return whether nothing but the operation itself happens in the run of a finding."""
    return all(outcome.transition.kind in FAULTLESS for outcome in finding.run.outcomes)


def _group_of(waiter: Waiter, start: Start) -> StartGroup:
    return group_by_start(waiter.runs, waiter.polls)[start.full_name]


@lru_cache(maxsize=1024)
def _common(runs: Runs) -> frozenset[str]:
    """Return the starts where servers usually are; if there is none, those at rest, or all."""
    lifecycle = runs.lifecycle
    usual = usual_states(lifecycle)
    if runs.shortest().gone:
        usual |= broken(lifecycle)
    resting = [start for start in runs.starts if start.state is None or _rests(lifecycle, start)]
    found = [start for start in resting if start.state is None or start.state in usual]
    return frozenset(start.full_name for start in found or resting or runs.starts)


def _rests(lifecycle: Lifecycle, start: Start) -> bool:
    return start.state is not None and lifecycle.rests(start.state)


@cache
def usual_states(lifecycle: Lifecycle) -> frozenset[State]:
    """Return the states at rest in which servers usually are."""
    named = shipped(__package__, COMMON)["vm_states"]
    resting = [state for state in lifecycle.states.values() if lifecycle.rests(state)]
    one_word = lifecycle.table.one_word
    found = [s for s in resting if not one_word and s.vm_state in named and not s.task_state]
    return frozenset(found or (s for s in resting if s not in broken(lifecycle)))
