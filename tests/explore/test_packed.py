"""Questions are packed for the page: phrases once, texts as their numbers, and nothing is lost."""

from __future__ import annotations

import json

import pytest

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.teach.question import Question
from ecs_fsm.teach.quiz import questions
from ecs_fsm.web.bundle import DIGITS, packed, phrases


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_packed_questions_are_a_third_and_read_back(lifecycle: Lifecycle) -> None:
    bank = [question.as_dict() for question in questions(lifecycle)]
    text = json.dumps(packed(bank, Question._fields))
    made = json.loads(text)

    def number(digits: str) -> int:
        return sum(DIGITS.index(d) * 64**n for n, d in enumerate(reversed(digits)))

    def read(text: str) -> str:
        parts = (text[n : n + made["wide"]] for n in range(0, len(text), made["wide"]))
        return " ".join(made["phrases"][number(part)] for part in parts)

    for row, question in zip(made["records"], bank, strict=True):
        record = dict(zip(made["keys"], row, strict=True))
        assert read(record["text"]) == question["text"]
        assert [read(choice) for choice in record["choices"].split(" ")] == question["choices"]
        assert [read(mistake) for mistake in record["mistakes"].split(" ")] == question["mistakes"]
        assert record["answers"] == question["answers"]
    assert len(text) < len(json.dumps(bank)) / 3.5


@pytest.mark.parametrize("text", ["", "a", "a  b", "a, b/c d. e", "x/y z/w", " a "])
def test_the_phrases_of_a_text_join_to_it_again(text: str) -> None:
    assert " ".join(phrases(text)) == text
