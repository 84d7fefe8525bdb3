"""What is wrong with a waiter: every finding with the shortest run and the poll that show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ecs_fsm.waiters import telling
from ecs_fsm.waiters.faults import (
    BROUGHT_BY,
    Fault,
    Sighting,
    Troubles,
    Verdict,
    can_succeed,
    clean,
    free_of,
    troubles,
)
from ecs_fsm.waiters.runs import Run, Runs
from ecs_fsm.waiters.values import NAMES, Attribute, find_attribute

Verdicts = Mapping[str, Verdict]


class Waiting(NamedTuple):
    """What is judged of a waiter: the runs it may meet, what it polls, and what it does then.

    `lists` are its values by the name of their list, `verdicts` those on each value.
    """

    runs: Runs
    polls: Attribute
    lists: Mapping[str, tuple[str, ...]]
    verdicts: Verdicts


class Finding(NamedTuple):
    """Something that is wrong with a waiter.

    `value` is where it happens, None for the waiter as a whole. It is `avoidable` if another waiter
    on the same attribute, for the same operation and starts, has a part of its findings and not
    this one. `run` shows it, polled at the places `seen` of its nodes; the place behind the last
    node is the 404 of a server that is gone. `polled` are the values there.
    """

    finding: Fault
    value: str | None
    avoidable: bool
    run: Run
    seen: tuple[int, ...]
    polled: tuple[str, ...]
    message: str

    @property
    def from_(self) -> str:
        """Where the run begins, with the facts that are not as usual there."""
        return self.run.start.name

    def as_dict(self) -> dict[str, object]:
        """`{"finding", "avoidable", "from", "run", "polled", "message"}`."""
        shown = [node.state.as_dict() for node in self.run.nodes]
        return {
            "finding": self.finding.value,
            "avoidable": self.avoidable,
            "from": self.from_,
            "run": [{name: s[name] for name in ("vm_state", "task_state")} for s in shown],
            "polled": list(self.polled),
            "message": self.message,
        }


def find(waiting: Waiting) -> tuple[Finding, ...]:
    """Every finding, in the order of `Fault` and of the attribute's values."""
    known, verdicts = troubles(waiting.runs, waiting.polls), waiting.verdicts
    found = [_unknown(waiting, name, value, known) for name, value in _unknown_values(waiting)]
    if Verdict.SUCCESS not in verdicts.values():
        found.append(_never(waiting, known))
    for fault, verdict in BROUGHT_BY.items():
        for value, faults in known.items():
            if fault in faults and verdicts[value] is verdict:
                found.append(_at_value(waiting, fault, value, verdicts))
    return tuple(found)


def notes(waiting: Waiting) -> tuple[str, ...]:
    """What no choice of values changes: the steps that can hang while the waiter goes on."""
    verdicts, polls = waiting.verdicts, waiting.polls
    waited = [s for s in waiting.runs.hanging if verdicts[polls.of(s)] is Verdict.GO_ON]
    return (telling.hanging(waited, polls),) if waited else ()


def _unknown_values(waiting: Waiting) -> Iterator[tuple[str, str]]:
    for name, values in waiting.lists.items():
        yield from ((name, value) for value in values if not waiting.polls.meant(value))


def _unknown(waiting: Waiting, name: str, value: str, known: Troubles) -> Finding:
    spare = any(other not in known for other in waiting.polls.values)
    avoidable = waiting.lists["target"] != (value,) or spare or can_succeed(known)
    run, polled = _whole(waiting)
    seen = tuple(range(len(polled)))
    message = telling.unknown_value(run, polled, waiting.polls, name, value)
    return Finding(Fault.UNKNOWN_VALUE, value, avoidable, run, seen, polled, message)


def _never(waiting: Waiting, known: Troubles) -> Finding:
    fault, polls = Fault.NEVER_SUCCEEDS, waiting.polls
    run, polled = _whole(waiting)
    avoidable = can_succeed(known)
    tells = (other for other in _others(waiting) if can_succeed(troubles(waiting.runs, other)))
    advice = _advice(avoidable, polls, next(tells, None))
    message = telling.sentence(fault, run, polled, polls, advice)
    return Finding(fault, None, avoidable, run, tuple(range(len(polled))), polled, message)


def _whole(waiting: Waiting) -> tuple[Run, tuple[str, ...]]:
    """The shortest run that succeeds, and all that is polled of it until the waiter stops."""
    run, polls, verdicts = waiting.runs.shortest(), waiting.polls, waiting.verdicts
    values = [polls.of(node.state) for node in run.nodes] + [polls.of(None)] * run.gone
    stops = (n for n, v in enumerate(values, 1) if verdicts[v] is not Verdict.GO_ON)
    return run, tuple(values[: next(stops, len(values))])


def _at_value(waiting: Waiting, fault: Fault, value: str, verdicts: Verdicts) -> Finding:
    runs, polls = waiting.runs, waiting.polls
    known = troubles(runs, polls)
    run, seen = _shown(runs, known[value][fault], polls, verdicts)
    polled = tuple(
        polls.of(run.nodes[place].state if place < len(run.nodes) else None) for place in seen
    )
    avoidable = _avoidable(value, known, verdicts)
    other = None if avoidable else free_of(fault, value, runs, polls, _others(waiting))
    message = telling.sentence(fault, run, polled, polls, _advice(avoidable, polls, other))
    return Finding(fault, value, avoidable, run, seen, polled, message)


def _shown(
    runs: Runs, sighting: Sighting, polls: Attribute, verdicts: Verdicts
) -> tuple[Run, tuple[int, ...]]:
    """The run of a sighting, and the places to poll: the last state too, if that ends nothing."""
    run, place = runs.through(sighting.spot, succeeding=sighting.succeeding)
    if not sighting.beyond:
        return run, (place,)
    goes_on = verdicts[polls.of(sighting.spot.node.state)] is Verdict.GO_ON
    return run, (place, place + 1) if goes_on else (place + 1,)


def _avoidable(value: str, known: Troubles, verdicts: Verdicts) -> bool:
    """Whether another verdict on the value has no fault and leaves some value for success."""
    others = [v for v in Verdict if v is not verdicts[value] and clean(known[value], v)]
    successes = sum(verdict is Verdict.SUCCESS for verdict in verdicts.values())
    only_success = verdicts[value] is Verdict.SUCCESS and successes == 1
    return bool(others) and (not only_success or can_succeed(known, but=value))


def _others(waiting: Waiting) -> list[Attribute]:
    return [
        find_attribute(waiting.runs.lifecycle, name) for name in NAMES if name != waiting.polls.name
    ]


def _advice(avoidable: bool, polls: Attribute, other: Attribute | None) -> str:
    if avoidable:
        return ""
    tells = f"{other.name} would tell" if other else "no attribute tells"
    return f"no waiter on {polls.name} avoids this without another finding, {tells}"
