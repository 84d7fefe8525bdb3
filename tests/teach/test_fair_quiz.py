"""Neither the place of a choice nor its length shows that it is right, for any kind of question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest

from ecs_fsm import ECS, InvalidInput, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.teach.question import Question
from ecs_fsm.teach.quiz import EVERYTHING, Selection, chosen, questions

LIFECYCLES = (ECS, NOVA)
SEEDS = range(1, 21)
Rule = Callable[[Question], list[int]]
"""The choices that a rule selects; several if they are alike, of which one is taken at random."""


def place(number: int) -> Rule:
    return lambda question: [number % len(question.choices)]


def rank(number: int) -> Rule:
    """The choice in a place of the order of lengths, -1 the longest."""

    def rule(question: Question) -> list[int]:
        lengths = [len(choice) for choice in question.choices]
        wanted = sorted(lengths)[max(number, -len(lengths)) if number < 0 else min(number, 2)]
        return [n for n, length in enumerate(lengths) if length == wanted]

    return rule


PLACES = {f"place {n}": place(n) for n in (0, 1, 2, 3, -1)}
LENGTHS = {f"length {n}": rank(n) for n in (0, 1, 2, -1, -2)}


def surplus(rule: Rule, question: Question) -> tuple[float, float]:
    """How much more often than by chance a rule is right, and the variance of a guess."""
    chance = len(question.answers) / len(question.choices)
    taken = rule(question)
    right = sum(n in question.answers for n in taken) / len(taken)
    return right - chance, chance * (1 - chance)


def by_kind(asked: Iterator[Question]) -> dict[str, list[Question]]:
    found: dict[str, list[Question]] = defaultdict(list)
    for question in asked:
        found[question.kind].append(question)
    return found


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=repr)
def test_no_place_and_no_length_predicts_better_than_chance(lifecycle: Lifecycle) -> None:
    most = len(questions(lifecycle))
    asked = by_kind(q for seed in SEEDS for q in chosen(lifecycle, seed, most))
    for kind, of_kind in asked.items():
        for name, rule in (PLACES | LENGTHS).items():
            scores = [surplus(rule, question) for question in of_kind]
            above = sum(more for more, _ in scores)
            # Lengths are the same for every seed, so they are held to a fixed bound.
            noise = 3.5 * sum(variance for _, variance in scores) ** 0.5
            bound = noise if name in PLACES else 0.1 * len(scores)
            assert above < bound, f"{kind}, {name}: {above / len(scores):+.2f}"


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=repr)
def test_a_rule_of_places_in_turn_predicts_no_better(lifecycle: Lifecycle) -> None:
    turns = [-1, 1, 0, 1]
    scores = [
        surplus(place(turns[number % len(turns)]), question)
        for seed in SEEDS
        for number, question in enumerate(chosen(lifecycle, seed, len(questions(lifecycle))))
    ]
    assert sum(more for more, _ in scores) < 3.5 * sum(var for _, var in scores) ** 0.5


def test_a_seed_shuffles_the_choices() -> None:
    texts = {question.text: question for question in chosen(ECS, 1, 191)}
    moved = [q for q in chosen(ECS, 2, 191) if q.choices != texts[q.text].choices]
    assert len(moved) > 150
    for question in moved:
        before = texts[question.text]
        pairs = dict(zip(before.choices, before.mistakes, strict=True))
        assert pairs == dict(zip(question.choices, question.mistakes, strict=True))
        right = {question.choices[n] for n in question.answers}
        assert right == {before.choices[n] for n in before.answers}


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=repr)
def test_each_wrong_answer_has_an_explanation_of_its_own(lifecycle: Lifecycle) -> None:
    for question in questions(lifecycle):
        told = [text for n, text in enumerate(question.mistakes) if n not in question.answers]
        assert all(text.endswith((".", "?")) for text in told), question
        assert [question.mistakes[n] for n in question.answers] == [""] * len(question.answers)
        if question.kind not in ("hangs", "seen"):
            assert len(set(told)) == len(told), question


def test_questions_can_be_of_a_topic_a_kind_and_a_level() -> None:
    selection = Selection(("stop", "resize"), ("next", "why"), "easy")
    asked = selection.of(ECS)
    assert 3 < len(asked) < len(EVERYTHING.of(ECS))
    for question in asked:
        assert {"stop", "resize"} & set(question.about)
        assert question.kind in ("next", "why")
        assert not question.hard
    hard = Selection(level="hard").of(ECS)
    assert len(hard) + len(Selection(level="easy").of(ECS)) == len(questions(ECS))
    assert all(q.hard for q in questions(NOVA) if q.several or "Also known" in q.text)


def test_a_level_is_easy_or_hard() -> None:
    with pytest.raises(InvalidInput, match="unknown level 'medium'"):
        Selection(level="medium").of(ECS)


def test_a_question_about_more_than_two_statuses_in_turn_is_hard() -> None:
    asked = [q for lifecycle in (ECS, NOVA) for q in questions(lifecycle) if q.kind == "seen"]
    for question in asked:
        statuses = question.choices[question.answers[0]].split("→")
        assert question.hard == (len(statuses) > 2 or "Also known" in question.text)
