"""Scenarios: words such as `stop` or `resize:fail@resize_prep`, run in turn on one server.

A word is `OPERATION`, run to its end, or `OPERATION:OUTCOME@STEP`: at that step the outcome
happens instead of the step's success, and the server continues from there. Further outcomes follow
after commas. `hang` leaves the server where it is, and the next word is a request over the running
task. `@STEP` can be left out if the outcome is possible at one step only; `@-` is the step without
a task, `@VM/TASK` distinguishes two steps with the same task. Events that the system starts itself
are words too; `wait` requests nothing and lets the running operation continue. A word that does not
disturb what runs (`lock` over a reboot) has the steps of what runs, and leaves a step that hangs
hanging. Facts stand in brackets behind
the word or the outcome with which they are given: `shelve[offload=later]`,
`reboot:restart[guest=off]@rebooting`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, Refused, unknown
from ecs_fsm.core.graph import reachable
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.core.model import Kind, Node, State, Trigger
from ecs_fsm.core.phrases import Phrases

HANG = "hang"
WAIT = "wait"


_OUTSIDE_BRACKETS = r"(?![^\[]*\])"


class StepOutcome(NamedTuple):
    """What happens at a step instead of its success: an event of the system, or `hang`."""

    event: str
    given: dict[str, str]
    step: str


class ScenarioWord(NamedTuple):
    """One request of a scenario and the outcomes of its steps."""

    text: str
    operation: Trigger
    given: dict[str, str]
    outcomes: tuple[StepOutcome, ...]


class Scenario(NamedTuple):
    """A scenario that was run: the server, and the refusal that ended it early, or None."""

    server: BaseServer
    refused: Refused | None


def outcomes(lifecycle: Lifecycle) -> list[str]:
    """Return the outcomes that a step can have instead of its success."""
    return [*(name for name in lifecycle.events if name != lifecycle.advance), HANG]


def choices(lifecycle: Lifecycle, operation: Trigger) -> list[str]:
    """Return the outcomes that an operation can have, with their steps: `fail@resize_prep` etc."""
    steps = _steps(lifecycle, operation)
    return [
        f"{event}@{task}"
        for event in outcomes(lifecycle)
        for task in _tasks(s for s in steps if _can(lifecycle, operation, event, s))
    ]


def simulate(
    server_class: type[BaseServer], words: Sequence[str], start: Node | None = None
) -> Scenario:
    """Run a scenario from `start`, or from nothing if its first word creates the server.

    Raise `InvalidInput` for an invalid word, before the first is run, or if the step of an outcome
    is not reached.
    """
    lifecycle = server_class.lifecycle
    read = [read_word(lifecycle, word) for word in words]
    hangs = False
    if start is not None:
        server = server_class(start)
    elif read and read[0].operation.name in lifecycle.creations:
        creation = read.pop(0)
        server = server_class.create(creation.operation.name, history=True, **creation.given)
        hangs = _continue(server, creation)
    else:
        make, place = " or ".join(lifecycle.creations), _place(lifecycle)
        thing = lifecycle.table.thing
        raise InvalidInput(
            f"there is no {thing} yet: begin with {make}, or say where it is (--from {place})"
        )
    for word in read:
        entered = len(server.history)
        try:
            _request(server, word)
        except Refused as refused:
            return Scenario(server, refused)
        undisturbed = word.operation.name != WAIT and len(server.history) == entered
        if not (hangs and undisturbed and not word.outcomes):
            hangs = _continue(server, word)
    return Scenario(server, None)


def read_word(lifecycle: Lifecycle, text: str) -> ScenarioWord:
    """Read one word. Raise `InvalidInput` that names what is possible instead."""
    first, *rest = re.split(f":{_OUTSIDE_BRACKETS}", text, maxsplit=1)
    name, given = with_facts(lifecycle, first)
    if name == WAIT and not given:
        operation = Trigger(WAIT, Kind.PROGRESS, "", (), _anywhere(lifecycle), False, {})
        return ScenarioWord(
            text, operation, given, _read_outcomes(lifecycle, operation, text, rest)
        )
    known = [n for n, t in lifecycle.triggers.items() if t.kind in (Kind.REQUEST, Kind.SYSTEM)]
    if name not in known:
        raise unknown("operation", name, known)
    operation = lifecycle.triggers[name]
    return ScenarioWord(text, operation, given, _read_outcomes(lifecycle, operation, text, rest))


def _read_outcomes(
    lifecycle: Lifecycle, operation: Trigger, text: str, rest: Sequence[str]
) -> tuple[StepOutcome, ...]:
    parts = re.split(f",{_OUTSIDE_BRACKETS}", rest[0]) if rest else []
    read = [_read_outcome(lifecycle, operation, part) for part in parts]
    if any(outcome.event == HANG for outcome in read[:-1]):
        raise InvalidInput(f"{text}: nothing can follow a hang but the next word")
    return tuple(read)


def _read_outcome(lifecycle: Lifecycle, operation: Trigger, text: str) -> StepOutcome:
    before, at, step = text.partition("@")
    event, given = with_facts(lifecycle, before)
    if event not in outcomes(lifecycle):
        raise unknown("outcome", event, outcomes(lifecycle))
    steps = _steps(lifecycle, operation)
    able = [s for s in steps if _can(lifecycle, operation, event, s)]
    own = [s for s in able if s in operation.steps]
    tasks, possible = _tasks(steps), _tasks(able)
    if not possible:
        raise InvalidInput(f"{operation.name}:{text}: {event} cannot happen to {operation.name}")
    if at and step not in (*tasks, *steps):
        known = [*tasks, *steps] if "/" in step else tasks
        raise unknown(f"step of {operation.name}", step, known)
    if at and step not in (*possible, *able):
        raise InvalidInput(
            f"{operation.name}:{text}: {event} can happen at {', '.join(possible)} only"
        )
    if not at and len(_tasks(own)) == 1:
        possible = _tasks(own)
    if not at and len(possible) > 1:
        choices = ", ".join(f"{event}@{task}" for task in possible)
        raise InvalidInput(f"{operation.name}:{text}: say at which step: {choices}")
    return StepOutcome(event, given, step if at else possible[0])


def with_facts(lifecycle: Lifecycle, text: str) -> tuple[str, dict[str, str]]:
    """Split a word from the facts in brackets behind it. Raise `InvalidInput` for unknown ones."""
    name, bracket, facts = text.partition("[")
    if bracket and not facts.endswith("]"):
        raise InvalidInput(f"{text}: a bracket is not closed")
    return name, lifecycle.notation.facts(facts.removesuffix("]")) if bracket else {}


def _tasks(states: Iterable[State]) -> list[str]:
    return list(dict.fromkeys(s.step for s in states))


def _place(lifecycle: Lifecycle) -> str:
    return Phrases(lifecycle.table).form


def _steps(lifecycle: Lifecycle, operation: Trigger) -> tuple[State, ...]:
    """Return the states in which the server can be while a word runs, its own steps first."""

    def runs(state: State) -> bool:
        return state.task_state is not None or not lifecycle.rests(state)

    def following(state: State) -> list[State]:
        ends = lifecycle.find(lifecycle.advance, state) if runs(state) else ()
        return [t.path[-1] for t in ends]

    left_alone = [t.source for t in operation.transitions if t.source and not t.path]
    passed = reachable(left_alone, following)
    return tuple(dict.fromkeys([*operation.steps, *filter(runs, passed)]))


def _anywhere(lifecycle: Lifecycle) -> tuple[State, ...]:
    """Return the states in which an event of the system can happen without a request."""
    unseen = {
        s
        for operation in lifecycle.operations.values()
        if operation.unseen
        for s in operation.steps
    }
    return tuple(
        state
        for state in lifecycle.states.values()
        if state.task_state or state in unseen or not lifecycle.rests(state)
    )


def _can(lifecycle: Lifecycle, operation: Trigger, event: str, step: State) -> bool:
    if event == HANG:
        return not operation.unseen
    return bool(lifecycle.find(event, step))


def _request(server: BaseServer, word: ScenarioWord) -> None:
    if word.operation.name == WAIT:
        return
    if word.operation.unseen and word.outcomes:
        if not server.may(word.operation.name):
            raise server.lifecycle.refusal(word.operation.name, server.node)
    else:
        server.trigger(word.operation.name, **word.given)


def _continue(server: BaseServer, word: ScenarioWord) -> bool:
    """Let the steps of a word end as it says; return whether the last one hangs."""
    for outcome in word.outcomes:
        while outcome.step not in (server.state, server.state.step):
            if server.lifecycle.stays(server.node):
                raise InvalidInput(
                    f"{word.text}: {outcome.step} is not reached, it rests at {server.state}"
                )
            server.trigger(server.lifecycle.advance)
        if outcome.event == HANG:
            return True
        if not server.may(outcome.event):
            raise InvalidInput(f"{word.text}: {outcome.event} cannot happen at {server.state}")
        server.trigger(outcome.event, **outcome.given)
    server.run()
    return False
