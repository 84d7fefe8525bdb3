"""Selects wrong choices such that the length of a choice does not show whether it is right.

Each question adds to a tally, for each place in the order of lengths, how much more often than by
chance the choice in that place is right. The wrong choices of a question are those that bring the
tally of its kind nearest to zero; questions with little freedom are decided first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from ecs_fsm.teach.question import Question, QuestionDraft

Excess = tuple[tuple[int, float], ...]
"""By place, from the shortest (0, 1, ...) and from the longest (-1, -2, ...)."""


class _Option(NamedTuple):
    draft: QuestionDraft
    wrong: tuple[str, ...]
    longer: bool
    excess: Excess


def balanced(drafts: Iterable[QuestionDraft]) -> list[Question]:
    """Return a question for each text that has enough choices, in the order of the drafts.

    Drafts with the same text are alternatives.
    """
    by_text: dict[str, dict[Excess, _Option]] = defaultdict(dict)
    for draft in drafts:
        for option in _options(draft):
            by_text[draft.text].setdefault(option.excess, option)
    options = [tuple(found.values()) for found in by_text.values()]
    freedom = [len(found) for found in options]
    tallies: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    decided: dict[int, Question] = {}
    for place in sorted(range(len(options)), key=lambda n: (freedom[n], n)):
        tally = tallies[options[place][0].draft.kind]
        best = min(options[place], key=lambda o: round(_distance(tally, o.excess), 6))
        for rank, excess in best.excess:
            tally[rank] += excess
        decided[place] = best.draft.question(best.wrong, best.longer)
    return [decided[place] for place in sorted(decided)]


def _options(draft: QuestionDraft) -> Iterator[_Option]:
    words: list[Mapping[str, str]] = [{}, draft.longer] if draft.longer else [{}]
    for wrong in draft.options():
        for longer, written in enumerate(words):
            right = [(len(written.get(choice, choice)), True) for choice in draft.right]
            others = [(len(written.get(choice, choice)), False) for choice in wrong]
            lengths = tuple(sorted((*right, *others)))
            yield _Option(draft, wrong, bool(longer), excess_of(lengths))


@cache
def excess_of(lengths: tuple[tuple[int, bool], ...]) -> Excess:
    """Return by how much each place in the order of lengths is right more often than by chance.

    `lengths` holds each choice's length and whether it is right, sorted. Choices of equal length
    share their places.
    """
    number = len(lengths)
    chance = sum(right for _, right in lengths) / number
    shares = []
    for length, _ in lengths:
        alike = [right for other, right in lengths if other == length]
        shares.append(sum(alike) / len(alike) - chance)
    from_longest = ((place - number, share) for place, share in enumerate(shares))
    return (*enumerate(shares), *from_longest)


def _distance(tally: Mapping[int, float], excess: Excess) -> float:
    return sum((tally.get(rank, 0.0) + more) ** 2 for rank, more in excess)
