"""The quiz: the bank of questions of a lifecycle, and a selection of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.teach import request_questions, state_questions
from ecs_fsm.teach.balance import balanced
from ecs_fsm.teach.question import Question

MOST_SEED = 2**32 - 1
_WORD = 0xFFFFFFFF
EASY, HARD = "easy", "hard"
LEVELS: Mapping[str, str] = {
    EASY: "one right answer, and nothing goes wrong",
    HARD: "several right answers, failures, what the system does, and cases that facts decide",
}


class Selection(NamedTuple):
    """Which questions are asked; an empty tuple or text asks for all."""

    topics: tuple[str, ...] = ()
    """Names of operations and events."""
    kinds: tuple[str, ...] = ()
    level: str = ""

    def of(self, lifecycle: Lifecycle) -> tuple[Question, ...]:
        """Return the questions that fit. Raise `InvalidInput` for an unknown word, or if none."""
        bank = questions(lifecycle)
        if not bank:
            raise InvalidInput(
                f"the lifecycle {lifecycle.name} is too small to ask questions about"
            )
        about = dict.fromkeys(name for question in bank for name in question.about)
        kinds = dict.fromkeys(question.kind for question in bank)
        _known("topic", self.topics, about)
        _known("kind of question", self.kinds, kinds)
        _known("level", (self.level,) if self.level else (), LEVELS)
        found = tuple(question for question in bank if self._fits(question))
        if not found:
            raise InvalidInput(f"no question fits {self}; expected fewer conditions")
        return found

    def _fits(self, question: Question) -> bool:
        return (
            (not self.topics or any(topic in question.about for topic in self.topics))
            and (not self.kinds or question.kind in self.kinds)
            and (not self.level or question.hard == (self.level == HARD))
        )

    def __str__(self) -> str:
        """The conditions, as options of the command line."""
        options = {
            "--topic": ",".join(self.topics),
            "--kind": ",".join(self.kinds),
            "--level": self.level,
        }
        return " ".join(f"{name} {value}" for name, value in options.items() if value)


EVERYTHING = Selection()


def _known(what: str, names: Iterable[str], known: Mapping[str, object]) -> None:
    for name in names:
        if name not in known:
            raise unknown(what, name, known)


@cache
def questions(lifecycle: Lifecycle) -> tuple[Question, ...]:
    """Return every question, in an order that depends on the table only."""
    bank = (
        *state_questions.of_status(lifecycle),
        *state_questions.of_showing(lifecycle),
        *state_questions.of_next(lifecycle),
        *state_questions.of_failure(lifecycle),
        *state_questions.of_system(lifecycle),
        *request_questions.of_refusals(lifecycle),
        *request_questions.of_reasons(lifecycle),
        *request_questions.of_ways(lifecycle),
        *request_questions.of_pollers(lifecycle),
        *request_questions.of_hanging(lifecycle),
    )
    return tuple(balanced(bank))


def chosen(
    lifecycle: Lifecycle, seed: int, count: int, selection: Selection = EVERYTHING
) -> tuple[Question, ...]:
    """Return `count` questions, selected and put in order by a seed (0 to 2³² - 1).

    The seed also shuffles the choices of each question. Raise `InvalidInput` for a seed or a count
    out of range, and as `Selection.of`.
    """
    bank = selection.of(lifecycle)
    if not 0 <= seed <= MOST_SEED:
        raise InvalidInput(f"invalid seed {seed}: expected 0 to {MOST_SEED}")
    if not 1 <= count <= len(bank):
        raise InvalidInput(f"invalid number of questions {count}: expected 1 to {len(bank)}")
    draws = mulberry32(seed)
    places = shuffled(len(bank), draws)[:count]
    return tuple(bank[p].in_order(shuffled(len(bank[p].choices), draws)) for p in places)


def shuffled(number: int, draws: Iterator[float]) -> list[int]:
    """Return the numbers from 0 to below `number` in random order."""
    places = list(range(number))
    for last in range(number - 1, 0, -1):
        other = int(next(draws) * (last + 1))
        places[last], places[other] = places[other], places[last]
    return places


def at_most(lifecycle: Lifecycle, count: int, selection: Selection = EVERYTHING) -> int:
    """Return `count`, or how many questions there are if they are fewer."""
    return min(count, len(selection.of(lifecycle) if questions(lifecycle) else ()))


def mulberry32(seed: int) -> Iterator[float]:
    """Yield numbers in [0, 1) of Tommy Ettinger's generator mulberry32.

    The page computes the same numbers with `Math.imul`.
    """
    state = seed & _WORD
    while True:
        state = (state + 0x6D2B79F5) & _WORD
        mixed = ((state ^ state >> 15) * (state | 1)) & _WORD
        mixed ^= (mixed + (mixed ^ mixed >> 7) * (mixed | 61)) & _WORD
        yield (mixed ^ mixed >> 14) / 2**32


class QuizSheet(NamedTuple):
    """Questions about a lifecycle, selected by a seed."""

    lifecycle: str
    seed: int
    questions: tuple[Question, ...]
    subject: str = "a server"
    """What has the lifecycle: `a server`."""
    selection: Selection = EVERYTHING

    @property
    def title(self) -> str:
        """The heading, with everything needed to make the same sheet again."""
        only = f" {self.selection}" if str(self.selection) else ""
        return f"Quiz: the lifecycle of {self.subject} ({self.lifecycle}), seed {self.seed}{only}"

    def as_dict(self) -> dict[str, object]:
        """Return `{"lifecycle", "seed", "questions": [as `Question.as_dict`, ...]}`."""
        questions = [question.as_dict() for question in self.questions]
        return {"lifecycle": self.lifecycle, "seed": self.seed, "questions": questions}


def quiz_sheet(
    lifecycle: Lifecycle, seed: int, count: int, selection: Selection = EVERYTHING
) -> QuizSheet:
    """Return a sheet of questions. Raise `InvalidInput` as `chosen` does."""
    subject = Phrases(lifecycle.table).subject
    asked = chosen(lifecycle, seed, count, selection)
    return QuizSheet(lifecycle.name, seed, asked, subject, selection)
