"""A quiz question with its choices, and how the wrong choices are selected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple, TypeVar

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, State, Transition
from ecs_fsm.core.phrases import Phrases

Item = TypeVar("Item")
LEAST_CHOICES = 3
TICK = "Tick all that are right."
"""The end of a question that may have several answers."""
MOST_CHOICES = 4
"""The number of choices of a question with one answer, if there are enough wrong ones."""


class Question(NamedTuple):
    """A question; `answers` holds the positions, from 0, of all right choices."""

    kind: str
    text: str
    choices: tuple[str, ...]
    answers: tuple[int, ...]
    explanation: str

    @property
    def several(self) -> bool:
        """Whether several choices may be right; the text of the question says so."""
        return self.text.endswith(TICK)

    def as_dict(self) -> dict[str, object]:
        """Return `{"kind", "text", "choices", "answers", "explanation"}`."""
        lists = {"choices": list(self.choices), "answers": list(self.answers)}
        return self._asdict() | lists


class QuestionDraft(NamedTuple):
    """A question before its choices are selected: right answers and candidates for wrong ones."""

    kind: str
    text: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    explanation: str

    def among(self, order: Sequence[str] = ()) -> Iterator[Question]:
        """Yield the question, or nothing if it would have too few choices.

        The choices stand in the given order, otherwise in that of the alphabet, so that their order
        does not betray the answer.
        """
        room = max(MOST_CHOICES - len(self.right), LEAST_CHOICES - 1)
        wrong = [w for w in dict.fromkeys(self.wrong) if w not in self.right][:room]
        places = {word: place for place, word in enumerate(order)}
        choices = sorted({*self.right, *wrong}, key=lambda c: (places.get(c, len(places)), c))
        if self.right and wrong and len(choices) >= LEAST_CHOICES:
            answers = tuple(n for n, choice in enumerate(choices) if choice in self.right)
            yield Question(self.kind, self.text, tuple(choices), answers, self.explanation)


def placed(lifecycle: Lifecycle, state: State) -> str:
    """Return a state as the text of a question describes it."""
    names = Phrases(lifecycle.table).attributes
    if state.one_word or state.gone:
        return f"{names.status} {state}"
    return f"{names.vm_state} {state.vm_state}, {names.task_state} {state.task_state or 'null'}"


def meaning(state: State) -> str:
    """Return what a state means, in the words of the table."""
    task = f" {state.task_state}: {state.task_state.meaning}" if state.task_state else ""
    return f"{state.vm_state}: {state.vm_state.meaning}{task}"


def known(lifecycle: Lifecycle, facts: Facts) -> str:
    """Return known facts as a sentence after a space; empty without facts."""
    memory = lifecycle.memory
    reasons = [memory.fact(name).because.format(value=value) for name, value in facts]
    return f" Also known: {' and '.join(reasons)}." if reasons else ""


def transitions_at(lifecycle: Lifecycle, trigger: str, state: State) -> list[Transition]:
    """Return the transitions of a trigger in a state without a guard, each with its conditions."""
    usual = lifecycle.found(state)
    found = lifecycle.possible(trigger, usual)
    return [t._replace(when=deciding(lifecycle, t.when)) for t in found]


def deciding(lifecycle: Lifecycle, facts: Facts) -> Facts:
    """Return facts without those that only guards read, which have their usual values."""
    guards = {guard.fact for guard in lifecycle.table.guards}
    return tuple((name, value) for name, value in facts if name not in guards)


def certain(lifecycle: Lifecycle, trigger: str, state: State) -> bool:
    """Whether a trigger is possible in a state for all values of the facts that it depends on."""
    rows = [dict(t.when) for t in transitions_at(lifecycle, trigger, state)]
    facts = list(dict.fromkeys(fact for row in rows for fact in row))
    every = product(*(lifecycle.memory.values(fact) for fact in facts))
    combinations = (dict(zip(facts, values, strict=True)) for values in every)
    return bool(rows) and all(any(row.items() <= c.items() for row in rows) for c in combinations)


def rotated(items: Iterable[Item], by: int) -> list[Item]:
    """Return the items rotated by some places, so that not every question has the same choices."""
    listed = list(items)
    place = by % len(listed) if listed else 0
    return listed[place:] + listed[:place]
