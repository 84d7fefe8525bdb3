"""A quiz for Moodle, as a reader of its two forms sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from ecs_fsm import ECS
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.teach.question import TICK, Question
from ecs_fsm.teach.quiz import QuizSheet, quiz_sheet
from ecs_fsm.teach.sheet import render

ODD = Question(
    "why",
    f"{{a}} = b: ~c # d\\e? {TICK}",
    ("x=1", "{y}", "~z#", "w:"),
    (0, 2, 3),
    "a\\b = {c}.",
    ("", "<no> & #1", "", ""),
)


@pytest.fixture(scope="module", params=["ecs", "nova", "odd"])
def sheet(request: pytest.FixtureRequest) -> QuizSheet:
    """Many questions of either lifecycle, and one with every mark of the formats in its words."""
    if request.param == "odd":
        return QuizSheet("ecs", 1, (ODD,))
    return quiz_sheet(ECS, 7, 40) if request.param == "ecs" else quiz_sheet(NOVA, 3, 60)


class Read(NamedTuple):
    """A question as it was read: each choice with its fraction and its feedback."""

    text: str
    choices: list[tuple[str, float, str]]
    explanation: str


def split(text: str, marks: str) -> list[str]:
    """The parts of GIFT, each with its mark before it, cut where a mark has no backslash before."""
    return [part for part in re.split(rf"(?<!\\)(?=[{marks}])", text) if part]


def plain(text: str) -> str:
    return re.sub(r"\\([~=#{}:\\])", r"\1", text.strip())


def from_gift(text: str) -> Iterator[Read]:
    """The questions of GIFT, read after the grammar of Moodle's documentation."""
    for block in re.split(r"\n\s*\n", text.strip())[1:]:
        found = re.fullmatch(r"::(?:\\.|[^\\:])+::\[plain\](.*?)(?<!\\)\{(.*)\}", block, re.S)
        assert found, block
        asked, answers = found.groups()
        body, _, explanation = answers.partition("####")
        choices = []
        for part in split(body.strip(), "=~"):
            mark, rest = part[0], part[1:]
            weight = re.match(r"%(-?[\d.]+)%", rest)
            words, _, feedback = re.sub(r"^%-?[\d.]+%", "", rest).partition("#")
            if "\\#" in rest:
                words, *told = re.split(r"(?<!\\)#", re.sub(r"^%-?[\d.]+%", "", rest), maxsplit=1)
                feedback = told[0] if told else ""
            fraction = float(weight[1]) if weight else (100.0 if mark == "=" else 0.0)
            choices.append((plain(words), fraction, plain(feedback)))
        yield Read(plain(asked), choices, plain(explanation))


def from_xml(text: str) -> Iterator[Read]:
    def inner(parent: ET.Element, path: str) -> str:
        return parent.findtext(path) or ""

    for one in ET.fromstring(text).findall("question[@type='multichoice']"):  # noqa: S314 our own
        choices = [
            (inner(a, "text"), float(a.get("fraction", "")), inner(a, "feedback/text"))
            for a in one.findall("answer")
        ]
        several = inner(one, "single") == "false"
        assert several == inner(one, "questiontext/text").endswith(TICK)
        yield Read(inner(one, "questiontext/text"), choices, inner(one, "generalfeedback/text"))


@pytest.mark.parametrize("form", ["gift", "xml"])
def test_what_moodle_reads_is_what_was_asked(sheet: QuizSheet, form: str) -> None:
    text = render(sheet, f"quiz.{form}")
    found = list(from_gift(text) if form == "gift" else from_xml(text))
    assert [read.text for read in found] == [q.text for q in sheet.questions]
    for read, question in zip(found, sheet.questions, strict=True):
        assert read.explanation == question.explanation
        assert [words for words, _, _ in read.choices] == list(question.choices)
        assert tuple(feedback for _, _, feedback in read.choices) == question.mistakes
        right = [place for place, (_, weight, _) in enumerate(read.choices) if weight > 0]
        assert tuple(right) == question.answers


def test_all_right_answers_give_the_whole_mark_and_ticking_all_does_not(sheet: QuizSheet) -> None:
    for read in from_xml(render(sheet, "quiz.xml")):
        weights = [weight for _, weight, _ in read.choices]
        assert sum(w for w in weights if w > 0) == pytest.approx(100, abs=0.001)
        assert sum(weights) < 100 or 0 in weights
