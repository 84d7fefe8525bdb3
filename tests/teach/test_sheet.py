"""The sheet of a quiz on paper, and the command that makes it."""

from __future__ import annotations

import csv
import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ecs_fsm import ECS, InvalidInput
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.teach.question import Question
from ecs_fsm.teach.quiz import QuizSheet, chosen, questions, quiz_sheet
from ecs_fsm.teach.sheet import answered, html, markdown, render
from tests.command import Answer, ecs_fsm

OWN = Path(__file__).parents[1] / "own"
HOSTILE = Question(
    "why", '<script>alert("1")</script>?', ("<b>&", "b", "'c'"), (0, 2), "</ol><img>."
)


class Seen(HTMLParser):
    """The tags of a page, and whether they are closed in order."""

    ALONE = ("meta", "!doctype")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in self.ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_and_runs_nothing() -> None:
    page = html(quiz_sheet(ECS, 7, 20))
    seen = Seen(page)
    assert seen.open == []
    assert not {"script", "img", "link", "iframe", "a"} & set(seen.tags)
    assert not {"src", "href", "onclick", "onload"} & set(seen.attributes)
    assert "default-src 'none'" in page
    assert "break-before: page" in page


def test_the_page_shows_every_question_choice_and_explanation_as_text() -> None:
    hostile = QuizSheet("ecs", 7, (HOSTILE,))
    page = html(hostile)
    assert Seen(page).open == []
    assert "<script" not in page
    assert "<img" not in page
    for text in (HOSTILE.text, *HOSTILE.choices, HOSTILE.explanation):
        assert text in unescape(page)
    for question in chosen(NOVA, 3, 50):
        page = html(QuizSheet("nova", 3, (question,)))
        for text in (question.text, *question.choices, question.explanation):
            assert text in unescape(page)


def test_the_answers_stand_apart_behind_all_questions() -> None:
    made = quiz_sheet(ECS, 7, 20)
    for text in (html(made), markdown(made)):
        asked, answers = text.rsplit("Answers", 1)
        assert all(q.explanation not in unescape(asked) for q in made.questions)
        assert all(q.explanation in unescape(answers) for q in made.questions)


def test_questions_and_answers_in_markdown_have_the_same_numbers() -> None:
    text = markdown(quiz_sheet(ECS, 7, 5))
    assert re.findall(r"^(\d+)\. ", text, re.MULTILINE) == [*"12345", *"12345"]


def test_a_sheet_in_markdown_needs_no_escaping() -> None:
    for lifecycle in (ECS, NOVA):
        for question in questions(lifecycle):
            for text in (question.text, *question.choices, question.explanation):
                assert not set(text) & set("*<>[]`\\|\n"), text


def test_the_letters_of_the_answers_are_those_of_the_choices() -> None:
    assert answered(HOSTILE) == "A, C"
    assert "    - ☐ A: <b>&" in markdown(QuizSheet("ecs", 7, (HOSTILE,)))


@pytest.mark.parametrize("name", ["sheet.md", "sheet.html", "sheet.csv"])
def test_a_sheet_ends_with_one_end_of_a_line(name: str) -> None:
    text = render(quiz_sheet(ECS, 7, 2), name)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_the_csv_has_a_row_for_each_question() -> None:
    made = quiz_sheet(ECS, 7, 20)
    rows = list(csv.DictReader(render(made, "a.csv").splitlines()))
    assert [row["question"] for row in rows] == [q.text for q in made.questions]
    for row, question in zip(rows, made.questions, strict=True):
        assert {row[letter] for letter in row["answers"].split(", ")} == {
            question.choices[n] for n in question.answers
        }
        assert not any(cell[:1] in "=+@" for cell in row.values() if cell)


@pytest.mark.parametrize("name", ["sheet.html", "sheet.HTM", "sheet.md", "sheet.csv"])
def test_the_command_writes_the_form_that_the_ending_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert ecs_fsm("quiz", "--seed", "7", "--questions", "5", "-o", str(path)) == Answer(0, "", "")
    assert path.read_text("utf-8") == render(quiz_sheet(ECS, 7, 5), name)


def test_without_a_file_the_command_writes_markdown() -> None:
    shown = ecs_fsm("quiz", "--seed", "7", "--questions", "3", "--lifecycle", "nova")
    assert shown == Answer(0, markdown(quiz_sheet(NOVA, 7, 3)), "")
    assert ecs_fsm("quiz", "-o", "-").out == markdown(quiz_sheet(ECS, 1, 20))


@pytest.mark.parametrize(("name", "count"), [("parcel", 28), ("pump", 35)])
def test_the_whole_quiz_of_a_small_lifecycle_is_the_one_to_read(name: str, count: int) -> None:
    """After a change of questions read them, and write the file anew with `-o`."""
    whole = ("quiz", "--lifecycle", str(OWN / f"{name}.toml"), "--questions", str(count))
    assert ecs_fsm(*whole).out == (OWN / f"{name}.quiz.md").read_text(encoding="utf-8")
    more = ecs_fsm(*whole[:-1], str(count + 1))
    assert (more.code, f"expected 1 to {count}" in more.err) == (2, True)


def test_the_command_gives_json() -> None:
    shown = json.loads(ecs_fsm("quiz", "--seed", "7", "--questions", "2", "--json").out)
    assert (shown["lifecycle"], shown["seed"]) == ("ecs", 7)
    assert shown["questions"] == [q.as_dict() for q in quiz_sheet(ECS, 7, 2).questions]
    assert set(shown["questions"][0]) == set(Question._fields)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--seed", "-1"), "invalid seed -1: expected 0 to 4294967295"),
        (("--seed", "x"), "'x' is not a valid integer"),
        (("--questions", "0"), "invalid number of questions 0: expected 1 to 191"),
        (("--topic", "stpo"), "unknown topic 'stpo'; did you mean 'stop'?"),
        (("--topic", "stop,"), "invalid list 'stop,': expected words with a comma between them"),
        (("--kind", "hangs"), "unknown kind of question 'hangs'"),
        (("--level", "medium"), "'medium' is not one of 'easy', 'hard'"),
        (("--kind", "status", "--level", "hard"), "no question fits --kind status --level hard"),
        (("-o", "sheet.pdf"), "unknown extension '.pdf' of 'sheet.pdf'; known: .html"),
        (("-o", "sheet"), "unknown extension '' of 'sheet'"),
        (("-o", "/missing/sheet.md"), "/missing/sheet.md: No such file or directory"),
        (("--json", "-o", "a.md"), "mutually exclusive"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    code, out, err = ecs_fsm("quiz", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("ecs-fsm: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_sheet_in_no_known_form_is_an_error() -> None:
    with pytest.raises(InvalidInput, match=r"unknown extension '\.doc' of 'sheet\.doc'; known: "):
        render(quiz_sheet(ECS, 1, 1), "sheet.doc")
