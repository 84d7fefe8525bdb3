"""A question with its choices, and how one is put together so that it does not give itself away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple, TypeVar

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, State, Transition

Thing = TypeVar("Thing")
LEAST = 3
"""Choices that a question has at least; with fewer it is not worth asking."""
TICK = "Tick all that are right."
"""How a question ends that may have several answers."""
MOST = 4
"""Choices that a question with one answer has."""


class Question(NamedTuple):
    """A question; `answers` are the numbers, from 0, of all choices that are right."""

    kind: str
    text: str
    choices: tuple[str, ...]
    answers: tuple[int, ...]
    explanation: str

    @property
    def several(self) -> bool:
        """Whether several choices may be right, and the question says so."""
        return self.text.endswith(TICK)

    def as_dict(self) -> dict[str, object]:
        """`{"kind", "text", "choices", "answers", "explanation"}`."""
        lists = {"choices": list(self.choices), "answers": list(self.answers)}
        return self._asdict() | lists


class QuestionDraft(NamedTuple):
    """A question on its way: its text, what is right, what is wrong, and why."""

    kind: str
    text: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    explanation: str

    def among(self, order: Sequence[str] = ()) -> Iterator[Question]:
        """The question, its choices in the order of the table (else of the alphabet), or none."""
        room = max(MOST - len(self.right), LEAST - 1)
        wrong = [w for w in dict.fromkeys(self.wrong) if w not in self.right][:room]
        places = {word: place for place, word in enumerate(order)}
        choices = sorted({*self.right, *wrong}, key=lambda c: (places.get(c, len(places)), c))
        if self.right and wrong and len(choices) >= LEAST:
            answers = tuple(n for n, choice in enumerate(choices) if choice in self.right)
            yield Question(self.kind, self.text, tuple(choices), answers, self.explanation)


def placed(state: State) -> str:
    """A state as a question tells it."""
    return f"vm_state {state.vm_state}, task_state {state.task_state or 'null'}"


def shown(state: State) -> str:
    """A state as a choice."""
    return f"{state} ({state.status})"


def meaning(state: State) -> str:
    """What a state means, in the table's words."""
    task = f" {state.task_state}: {state.task_state.meaning}" if state.task_state else ""
    return f"{state.vm_state}: {state.vm_state.meaning}{task}"


def known(lifecycle: Lifecycle, facts: Facts) -> str:
    """What is known of a server besides, as a sentence with a space in front; empty for nothing."""
    memory = lifecycle.memory
    told = [memory.fact(name).because.format(value=value) for name, value in facts]
    return f" Known besides: {' and '.join(told)}." if told else ""


def ways_on(lifecycle: Lifecycle, trigger: str, state: State) -> list[Transition]:
    """What a trigger can do in a state that nobody holds back there, each with what decides it."""
    usual = lifecycle.found(state)
    found = lifecycle.possible(trigger, usual)
    return [t._replace(when=deciding(lifecycle, t.when)) for t in found]


def deciding(lifecycle: Lifecycle, facts: Facts) -> Facts:
    """Facts without those that only hold requests back: of them all is as usual."""
    guards = {guard.fact for guard in lifecycle.table.guards}
    return tuple((name, value) for name, value in facts if name not in guards)


def certain(lifecycle: Lifecycle, trigger: str, state: State) -> bool:
    """Whether a trigger is possible in a state whatever the facts are that it depends on there."""
    rows = [dict(t.when) for t in ways_on(lifecycle, trigger, state)]
    facts = list(dict.fromkeys(fact for row in rows for fact in row))
    every = product(*(lifecycle.memory.values(fact) for fact in facts))
    combinations = (dict(zip(facts, values, strict=True)) for values in every)
    return bool(rows) and all(any(row.items() <= c.items() for row in rows) for c in combinations)


def rotated(things: Iterable[Thing], by: int) -> list[Thing]:
    """The same begun with another one, so that not every question has the same choices."""
    listed = list(things)
    place = by % len(listed) if listed else 0
    return listed[place:] + listed[:place]
