"""Every run of an operation and every polling of it, enumerated one by one from `outcomes` alone.

Nothing here knows how the package searches: it is what the package's answers are compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from ecs_fsm import Lifecycle
from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.model import Kind, Node, State

GONE = "<gone>"
LONGEST = 14
STAYS = ("error/-",)


class Walk(NamedTuple):
    """What a run shows: its states in order, whether it succeeded, whether a step hangs in it."""

    states: tuple[State, ...]
    succeeded: bool
    hangs: bool

    @property
    def gone(self) -> bool:
        return not self.hangs and self.states[-1] == "deleted/-"


@cache
def outcomes(lifecycle: Lifecycle, node: Node | None) -> tuple[Outcome, ...]:
    return tuple(lifecycle.outcomes(node))


def usual(lifecycle: Lifecycle, node: Node | None) -> Iterator[Outcome]:
    """The outcomes that count without `--rare`, by the words of the specification."""
    for outcome in outcomes(lifecycle, node):
        trigger, when = outcome.transition.trigger, dict(outcome.transition.when)
        rare = when.get("host") == "down" or when.get("vif") == "broken"
        rare |= trigger in ("confirm_resize", "timer") and when.get("guest") in ("on", "off")
        if not rare and trigger != "build_timeout":
            yield outcome


@cache
def nodes(lifecycle: Lifecycle) -> tuple[Node | None, ...]:
    """Every node that a server can be in, if only between two writes."""
    found = {n: None for outs in lifecycle.graph().values() for out in outs for n in out.nodes}
    waiting = list(found)
    while waiting:  # an event that overtakes another one may leave from between its writes
        for out in outcomes(lifecycle, waiting.pop()):
            new = [node for node in (*out.nodes, out.end) if node not in found]
            found |= dict.fromkeys(new)
            waiting += new
    return None, *found


@cache
def walks(
    lifecycle: Lifecycle, operation: str, places: tuple[str, ...], longest: int = LONGEST
) -> tuple[Walk, ...]:
    """Every run from places such as `active/-` or `resized/-[was=active]`."""
    found: dict[Walk, None] = {}
    for place in places:
        state, _, inside = place.partition("[")
        facts = dict(fact.split("=") for fact in inside.rstrip("]").split(",") if fact)
        for node in nodes(lifecycle):
            if state == (node.state if node else "(no server)"):
                for out in usual(lifecycle, node):
                    asked = out.transition.trigger == operation
                    if asked and _remembers(lifecycle, node, out, facts):
                        found |= dict.fromkeys(_from(lifecycle, operation, node, out, longest))
    return tuple(found)


def _remembers(
    lifecycle: Lifecycle, node: Node | None, outcome: Outcome, facts: Mapping[str, str]
) -> bool:
    """Whether the server remembers these facts once the request is accepted."""
    memory = lifecycle.memory
    after = (*outcome.nodes, outcome.end)[0]
    for name, wanted in facts.items():
        at = after if memory.open(name, after.state) or node is None else node
        if memory.value(name, dict(at.facts)) != wanted:
            return False
    return True


def _from(
    lifecycle: Lifecycle, operation: str, node: Node | None, asked: Outcome, longest: int
) -> Iterator[Walk]:
    if node and lifecycle.operations[operation].unseen:
        for outcome in usual(lifecycle, node):
            wrong = outcome.transition.kind is Kind.FAILURE
            if wrong or outcome.transition.trigger == operation:
                states = (node.state, *_states(outcome.nodes))
                yield from _on(lifecycle, states, outcome.end, not wrong, longest)
    else:
        states = _states(asked.nodes) or (asked.end.state,)
        yield from _on(lifecycle, states, asked.end, True, longest)


def _states(nodes: Iterable[Node]) -> tuple[State, ...]:
    return tuple(node.state for node in nodes)


def _on(
    lifecycle: Lifecycle, states: tuple[State, ...], at: Node, healthy: bool, longest: int
) -> Iterator[Walk]:
    begun = {(states, at, healthy)}
    waiting = list(begun)
    while waiting:
        states, at, healthy = waiting.pop()
        if len(states) > longest:
            continue
        if not lifecycle.find("advance", at.state):
            yield Walk(states, healthy, hangs=False)
            continue
        yield Walk(states, succeeded=False, hangs=True)
        for out in usual(lifecycle, at):
            kind = out.transition.kind
            stays = out.end is at and out.nodes == (at,)  # waiting longer shows nothing new
            if kind is not Kind.REQUEST and not stays:
                rests = not lifecycle.find("advance", out.end.state)
                wrong = kind is Kind.FAILURE or (kind is Kind.SYSTEM and rests)
                went_on = states + _states(out.nodes), out.end, healthy and not wrong
                if went_on not in begun:
                    begun.add(went_on)
                    waiting.append(went_on)


def value(attribute: str, state: State) -> str:
    parts = {"status": str(state.status), "vm_state": str(state.vm_state)}
    parts["task_state"] = str(state.task_state or "-")
    return "/".join(parts[name] for name in attribute.split("+"))


class Shown(NamedTuple):
    """A walk as one attribute shows it: the values in order, and the one that stays for ever."""

    values: tuple[str, ...]
    for_ever: str
    succeeded: bool
    hangs: bool
    in_error: bool
    gone: bool


def shown(walked: Sequence[Walk], attribute: str) -> tuple[Shown, ...]:
    found: dict[Shown, None] = {}
    for walk in walked:
        values = tuple(value(attribute, state) for state in walk.states)
        last = GONE if walk.gone else values[-1]
        in_error = walk.states[-1] in STAYS
        found[Shown(values, last, walk.succeeded, walk.hangs, in_error, walk.gone)] = None
    return tuple(found)


def endings(run: Shown, verdicts: Mapping[str, str]) -> set[tuple[str, str, bool]]:
    """What every polling comes to: (verdict, value, whether it was before the run's last state).

    Each state is seen or missed, in every combination; what stays for ever is seen in the end.
    """
    after = {(verdicts[run.for_ever], run.for_ever, False)}
    for place in reversed(range(len(run.values))):
        seen = run.values[place]
        early = place < len(run.values) - 1
        if verdicts[seen] != "go on":
            after = after | {(verdicts[seen], seen, early)}
    return after


def findings(runs: Sequence[Shown], verdicts: Mapping[str, str]) -> set[tuple[str, str | None]]:
    found: set[tuple[str, str | None]] = set()
    succeeds = False
    for run in runs:
        for verdict, at, early in endings(run, verdicts):
            succeeds |= verdict == "success"
            if run.hangs:
                continue
            if run.succeeded:
                names = {"failure": "spurious-failure", "go on": "misses"}
                name = names.get(verdict, "leaves-early" if early else "")
            elif verdict == "success":
                name = "false-success"
            else:
                name = ("blind" if run.in_error else "hangs") if verdict == "go on" else ""
            if name:
                found.add((name, at))
    return found if succeeds else found | {("never-succeeds", None)}
