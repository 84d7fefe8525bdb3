"""Questions about states: their status, the states of a status, the next state, failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State, Transition
from ecs_fsm.core.phrases import Phrases, with_status
from ecs_fsm.teach.question import (
    TICK,
    QuestionDraft,
    certain,
    known,
    listed,
    meaning,
    not_entered,
    passing,
    placed,
    rotated,
    transitions_at,
)

STATUS = "status"
SHOWS = "shows"
NEXT = "next"
FAILURE = "failure"
SYSTEM = "system"


def of_status(lifecycle: Lifecycle) -> Iterator[QuestionDraft]:
    """Yield a question about the status of each state."""
    if lifecycle.table.one_word:
        return
    states, name = list(lifecycle.states.values()), Phrases(lifecycle.table).attributes.status
    order = [str(status) for status in lifecycle.table.statuses]
    for number, state in enumerate(states):
        near = [s for s in states if s.vm_state == state.vm_state and not s.task_state]
        near += [s for s in states if s.task_state == state.task_state]
        near += [s for t in lifecycle.leaving(state) for s in t.path]
        wrong = [s.status.value for s in near] + rotated(order, number)
        explanation = f"{meaning(state)} {state.status}: {state.status.meaning}"
        text = f"{placed(lifecycle, state)}: what does {name} say?"
        yield QuestionDraft(
            STATUS,
            text,
            (state.status.value,),
            _others(wrong, state.status),
            explanation,
            partial(_shown_elsewhere, lifecycle),
            passing(lifecycle).get(state, ()),
            kept=1,
        )


def of_showing(lifecycle: Lifecycle) -> Iterator[QuestionDraft]:
    """Yield a question about the states of each status."""
    if lifecycle.table.one_word:
        return
    states, name = list(lifecycle.states.values()), Phrases(lifecycle.table).attributes.status
    for number, status in enumerate(lifecycle.table.statuses):
        own = [s for s in states if s.status == status]
        under = {s.vm_state for s in own}
        others = [s for s in states if s not in own]
        wrong = [s for s in others if s.vm_state in under] + [s for s in others if not s.task_state]
        right = rotated(own, number)[: 1 + number % 3]
        explanation = f"{status} is shown by {', '.join(own)}. {status.meaning}"
        text = f"{name} says {status}: where can the {lifecycle.table.thing} be? {TICK}"
        yield QuestionDraft(
            SHOWS,
            text,
            tuple(map(str, right)),
            tuple(map(str, wrong)),
            explanation,
            partial(_shows, lifecycle),
            tuple(dict.fromkeys(n for s in right for n in passing(lifecycle).get(s, ()))),
        )


def of_next(lifecycle: Lifecycle) -> Iterator[QuestionDraft]:
    """Yield questions about the next state: of running steps, and of requests at rest."""
    for state in lifecycle.states.values():
        for t in _different(lifecycle, lifecycle.advance, state):
            text = f"{placed(lifecycle, state)}, and nothing goes wrong."
            yield from _next(lifecycle, t, text, "What is the next state?")
        at_rest = not state.task_state and lifecycle.rests(state)
        for name in lifecycle.operations if at_rest else ():
            for t in _different(lifecycle, name, state):
                if t.path:
                    text = f"{placed(lifecycle, state)}, and a user requests {name}."
                    yield from _next(lifecycle, t, text, "What is the first state after it?")


def _next(lifecycle: Lifecycle, t: Transition, text: str, question: str) -> Iterator[QuestionDraft]:
    source = t.source
    if source is None:
        return
    states = lifecycle.states
    later = [s for after in lifecycle.find(lifecycle.advance, t.path[-1]) for s in after.path]
    gone_wrong = [s for other in lifecycle.leaving(source) for s in other.path[-1:]]
    near = [*later, _rest(lifecycle, source), source, *gone_wrong]
    near += [s for s in states.values() if s.vm_state == t.path[0].vm_state]
    possible = {s for other in lifecycle.find(t.trigger, source) for s in other.path}
    wrong = tuple(s for s in near if s not in possible)
    rest = [with_status(s) for s in t.path[1:]]
    at_once = f", and at once {', '.join(rest)}" if rest else ""
    why = lifecycle.triggers[t.trigger].meaning
    explanation = f"{why} It enters {with_status(t.path[0])}{at_once}. {meaning(t.path[0])}"
    full = f"{text}{known(lifecycle, t.when)} {question}"
    through = passing(lifecycle).get(source, ())
    about = through if t.trigger == lifecycle.advance else (t.trigger,)
    yield _StateQuestion(lifecycle, t, NEXT, full, explanation, about).draft(t.path[0], wrong)


def of_failure(lifecycle: Lifecycle) -> Iterator[QuestionDraft]:
    """Yield questions about the state of a server after a step failed."""
    for name, trigger in lifecycle.events.items():
        if trigger.kind is Kind.FAILURE:
            yield from _after(lifecycle, name, FAILURE, f"the step ends with {name}.", "")


def of_system(lifecycle: Lifecycle) -> Iterator[QuestionDraft]:
    """Yield questions about the state of a server after the system did something unasked."""
    for name, trigger in lifecycle.events.items():
        if trigger.kind is Kind.SYSTEM:
            yield from _after(lifecycle, name, SYSTEM, f"{name} happens.", f" {trigger.meaning}")


def _after(
    lifecycle: Lifecycle, name: str, kind: str, happens: str, which: str
) -> Iterator[QuestionDraft]:
    """Yield questions about the end of an event, one for each of its effects."""
    why = lifecycle.triggers[name].meaning
    for state in _first_of_each_effect(lifecycle, name):
        for t in _different(lifecycle, name, state):
            end = t.path[-1]
            ends = [s for other in lifecycle.leaving(state) for s in other.path]
            states = list(lifecycle.states.values())
            at_rest = [s for s in states if not s.task_state]
            near = [_rest(lifecycle, state), *ends[:2], state, *at_rest, *ends, *states]
            possible = {s for other in lifecycle.find(name, state) for s in other.path}
            wrong = tuple(s for s in near if s not in possible)
            text = f"{placed(lifecycle, state)}, and {happens}{which}{known(lifecycle, t.when)}"
            path = ", then ".join(with_status(s) for s in t.path)
            full = f"{text} What is the state of the {lifecycle.table.thing} after it?"
            explanation = f"{why} It enters {path}. {meaning(end)}"
            about = (name, *passing(lifecycle).get(state, ()))
            yield _StateQuestion(lifecycle, t, kind, full, explanation, about).draft(end, wrong)


class _StateQuestion(NamedTuple):
    """A question whose choices are states, in few words or with their meaning."""

    lifecycle: Lifecycle
    transition: Transition
    kind: str
    text: str
    explanation: str
    about: tuple[str, ...]

    def draft(self, right: State, wrong: Sequence[State]) -> QuestionDraft:
        """Return the question with its right answer and candidates for wrong ones."""
        states = {with_status(state): state for state in (right, *wrong)}
        return QuestionDraft(
            self.kind,
            self.text,
            (with_status(right),),
            tuple(with_status(state) for state in wrong),
            self.explanation,
            lambda choice: not_entered(self.lifecycle, self.transition, states[choice]),
            self.about,
            self.kind in (FAILURE, SYSTEM),
            {written: f"{written}: {_own_meaning(state)}" for written, state in states.items()},
        )


def _own_meaning(state: State) -> str:
    """Return what a task means, at rest what a vm_state means."""
    return (state.task_state or state.vm_state).meaning


def _shown_elsewhere(lifecycle: Lifecycle, status: str) -> str:
    """Say where a status is shown, and what it means."""
    shown = [s for s in lifecycle.states.values() if s.status == status]
    return f"{status} is shown at {listed(shown)}. {shown[0].status.meaning}"


def _shows(lifecycle: Lifecycle, state: str) -> str:
    """Say which status a state shows."""
    return f"{state} shows {lifecycle.states[state].status}. {meaning(lifecycle.states[state])}"


def _first_of_each_effect(lifecycle: Lifecycle, trigger: str) -> list[State]:
    """Return one state for each different effect of a trigger on a task; others only repeat it."""
    found: dict[object, State] = {}
    for t in lifecycle.triggers[trigger].transitions:
        if t.source:
            same = tuple(s.vm_state == t.source.vm_state for s in t.path)
            unasked = t.kind is Kind.SYSTEM and lifecycle.rests(t.source)
            found.setdefault((t.source.task_state, unasked, same, len(t.path)), t.source)
    return list(dict.fromkeys(found.values()))


def _different(lifecycle: Lifecycle, trigger: str, state: State) -> list[Transition]:
    """Return one transition of a trigger for each path; a single path needs no condition.

    A path under a rare circumstance is another one.
    """
    by_path: dict[object, Transition] = {}
    for t in transitions_at(lifecycle, trigger, state):
        by_path.setdefault((t.path, tuple(lifecycle.memory.unusual(t.when))), t)
    found = list(by_path.values())
    decided = len(found) > 1 or not certain(lifecycle, trigger, state)
    return found if decided else [t._replace(when=()) for t in found]


def _rest(lifecycle: Lifecycle, state: State) -> State:
    """Return the state at rest of the same vm_state, or the state itself."""
    under = (s for s in lifecycle.states.values() if s.vm_state == state.vm_state)
    return next((s for s in under if not s.task_state), state)


def _others(words: Sequence[str], right: str) -> tuple[str, ...]:
    return tuple(word for word in words if word != right)
