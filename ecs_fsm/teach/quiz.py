"""The quiz: every question that a lifecycle gives, and a choice of them that a seed decides."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.teach import of_requests, of_states
from ecs_fsm.teach.question import Question

__all__ = ["MOST_SEED", "Question", "chosen", "mulberry32", "questions"]

MOST_SEED = 2**32 - 1
_WORD = 0xFFFFFFFF


@cache
def questions(lifecycle: Lifecycle) -> tuple[Question, ...]:
    """Every question, in an order that only a change of the table changes."""
    bank = (
        *of_states.of_status(lifecycle),
        *of_states.of_showing(lifecycle),
        *of_states.of_next(lifecycle),
        *of_states.of_failure(lifecycle),
        *of_requests.of_refusals(lifecycle),
        *of_requests.of_reasons(lifecycle),
        *of_requests.of_ways(lifecycle),
        *of_requests.of_pollers(lifecycle),
    )
    return tuple({question.text: question for question in reversed(bank)}.values())[::-1]


def chosen(lifecycle: Lifecycle, seed: int, count: int) -> tuple[Question, ...]:
    """The first `count` questions of the bank as a seed (0 to 2³² - 1) shuffles it.

    Raises `InvalidInput` for a seed or a count that cannot be.
    """
    bank = questions(lifecycle)
    if not 0 <= seed <= MOST_SEED:
        raise InvalidInput(f"seed {seed} is no number from 0 to {MOST_SEED}")
    if not 1 <= count <= len(bank):
        raise InvalidInput(f"{count} questions cannot be asked; there are 1 to {len(bank)}")
    places = list(range(len(bank)))
    draws = mulberry32(seed)
    for last in range(len(bank) - 1, 0, -1):
        other = int(next(draws) * (last + 1))
        places[last], places[other] = places[other], places[last]
    return tuple(bank[place] for place in places[:count])


def mulberry32(seed: int) -> Iterator[float]:
    """Numbers from 0 to below 1, the same in every language: Tommy Ettinger's generator.

    Its 32-bit arithmetic is what a page does with `Math.imul`.
    """
    state = seed & _WORD
    while True:
        state = (state + 0x6D2B79F5) & _WORD
        mixed = ((state ^ state >> 15) * (state | 1)) & _WORD
        mixed ^= (mixed + (mixed ^ mixed >> 7) * (mixed | 61)) & _WORD
        yield (mixed ^ mixed >> 14) / 2**32
