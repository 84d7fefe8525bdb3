"""A quiz question with its choices, and how the wrong choices are selected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations, product
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
MOST_CANDIDATES = 8
"""Of these wrong choices, the most plausible ones, a question takes some."""
KNOWN = " Also known:"


class Question(NamedTuple):
    """A question; `answers` holds the positions, from 0, of all right choices."""

    kind: str
    text: str
    choices: tuple[str, ...]
    answers: tuple[int, ...]
    explanation: str
    mistakes: tuple[str, ...] = ()
    """What is wrong with each choice, empty for a right one."""
    about: tuple[str, ...] = ()
    """The operations and events that the question is about."""
    hard: bool = False

    @property
    def several(self) -> bool:
        """Whether several choices may be right; the text of the question says so."""
        return self.text.endswith(TICK)

    def as_dict(self) -> dict[str, object]:
        """Return the fields by name, with lists for tuples."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self._asdict().items()
        }

    def in_order(self, order: Sequence[int]) -> Question:
        """Return the question with its choices in another order, given as their places now."""
        return self._replace(
            choices=tuple(self.choices[place] for place in order),
            answers=tuple(new for new, place in enumerate(order) if place in self.answers),
            mistakes=tuple(self.mistakes[place] for place in order) if self.mistakes else (),
        )


class QuestionDraft(NamedTuple):
    """A question before its choices are selected: right answers and candidates for wrong ones."""

    kind: str
    text: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    """The most plausible ones first."""
    explanation: str
    mistake: Callable[[str], str]
    """Says what is wrong with a wrong choice."""
    about: tuple[str, ...] = ()
    hard: bool = False
    longer: Mapping[str, str] = {}
    """The same choices in more words, a second way to write all of them."""
    kept: int = 0
    """How many of the first wrong choices are always among those of the question."""

    def options(self) -> Iterator[tuple[str, ...]]:
        """Yield combinations of wrong choices, the most plausible first; none if too few exist."""
        room = max(MOST_CHOICES - len(self.right), LEAST_CHOICES - 1)
        wrong = [w for w in dict.fromkeys(self.wrong) if w not in self.right][:MOST_CANDIDATES]
        number = min(room, len(wrong))
        if self.right and wrong and len(self.right) + number >= LEAST_CHOICES:
            kept = tuple(wrong[: self.kept])
            for others in combinations(wrong[self.kept :], number - len(kept)):
                yield (*kept, *others)

    def question(self, wrong: Sequence[str], longer: bool) -> Question:
        """Return the question with these wrong choices, in the order of the alphabet."""
        choices = sorted((*self.right, *wrong))
        return Question(
            self.kind,
            self.text,
            tuple(self.longer[choice] if longer else choice for choice in choices),
            tuple(n for n, choice in enumerate(choices) if choice in self.right),
            self.explanation,
            tuple("" if c in self.right else self.mistake(c) for c in choices),
            self.about,
            self.hard or self.text.endswith(TICK) or KNOWN in self.text,
        )


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
    return f"{KNOWN} {' and '.join(reasons)}." if reasons else ""


@cache
def passing(lifecycle: Lifecycle) -> Mapping[State, tuple[str, ...]]:
    """Return the operations that pass each state while they run."""
    found: dict[State, dict[str, None]] = {}
    for name, operation in lifecycle.operations.items():
        reached = [state for t in operation.transitions for state in t.path]
        seen: set[State] = set()
        while reached:
            state = reached.pop()
            if state not in seen and not lifecycle.rests(state):
                seen.add(state)
                found.setdefault(state, {})[name] = None
                reached += [s for t in lifecycle.find(lifecycle.advance, state) for s in t.path]
    return {state: tuple(names) for state, names in found.items()}


def not_entered(lifecycle: Lifecycle, transition: Transition, state: State) -> str:
    """Say why a transition does not enter a state that looks plausible."""
    source, name = transition.source, transition.trigger
    if source is None:
        return f"Nothing leads to {state} here."
    if state == source:
        return f"{name} does not leave the {lifecycle.table.thing} where it was."
    others = [t.trigger for t in lifecycle.leaving(source) if state in t.path]
    others = [other for other in dict.fromkeys(others) if other != name]
    if others:
        return f"{listed(others)} leads to {state}, not {name}."
    end = transition.path[-1]
    if any(state in t.path for t in lifecycle.find(lifecycle.advance, end)):
        return f"{state} comes later, after {end}."
    return f"Nothing leads from {source} to {state} directly."


def listed(words: Sequence[str], most: int = 3) -> str:
    """Return the first words of a sequence: `a, b or c`."""
    first = list(words[:most])
    return " or ".join([", ".join(first[:-1]), first[-1]] if first[1:] else first)


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
