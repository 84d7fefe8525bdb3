"""A quiz as Moodle imports it: GIFT, a text, and Moodle XML.

Formats: https://docs.moodle.org/en/GIFT_format and https://docs.moodle.org/en/Moodle_XML_format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ecs_fsm.teach.question import Question
from ecs_fsm.teach.quiz import QuizSheet

SPECIAL = re.compile(r"([~=#{}:\\])")
"""The characters that GIFT escapes."""
FULL = 100


def gift(made: QuizSheet) -> str:
    """Return the sheet as GIFT, with an explanation for each choice."""
    named = zip(names(made), made.questions, strict=True)
    blocks = ("\n".join(_gift(name, question)) for name, question in named)
    return f"// {made.title}\n\n" + "\n\n".join(blocks) + "\n"


def _gift(name: str, question: Question) -> Iterator[str]:
    yield f"::{_escaped(name)}::[plain]{_escaped(question.text)} {{"
    for place, choice in enumerate(question.choices):
        mark = "=" if place in question.answers else "~"
        if question.several:
            mark = f"~%{_fraction(question, place)}%"
        mistake = question.mistakes[place] if question.mistakes else ""
        feedback = f"#{_escaped(mistake)}" if mistake else ""
        yield f"\t{mark}{_escaped(choice)}{feedback}"
    yield f"\t####{_escaped(question.explanation)}\n}}"


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _fraction(question: Question, place: int) -> str:
    """Return what a choice counts in percent, with the five decimals that Moodle knows.

    Right choices share 100; each wrong one takes as much as a right one gives, so that ticking all
    does not pay.
    """
    right = place in question.answers
    if not question.several:
        return str(FULL if right else 0)
    share = f"{FULL / len(question.answers):.5f}".rstrip("0").rstrip(".")
    return share if right else f"-{share}"


def moodle_xml(made: QuizSheet) -> str:
    """Return the sheet as Moodle XML, with an explanation for each choice."""
    quiz = Element("quiz")
    category = SubElement(quiz, "question", type="category")
    _text(category, "category", f"$course$/{made.title.replace('/', ' ')}")
    for name, question in zip(names(made), made.questions, strict=True):
        _add(quiz, name, question)
    indent(quiz, "  ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(quiz, encoding="unicode")}\n'


def _add(quiz: Element, name: str, question: Question) -> None:
    one = SubElement(quiz, "question", type="multichoice")
    _text(one, "name", name)
    _text(one, "questiontext", question.text, format="plain_text")
    _text(one, "generalfeedback", question.explanation, format="plain_text")
    SubElement(one, "defaultgrade").text = "1"
    SubElement(one, "single").text = "false" if question.several else "true"
    SubElement(one, "shuffleanswers").text = "true"
    SubElement(one, "answernumbering").text = "ABCD"
    for place, choice in enumerate(question.choices):
        fraction = _fraction(question, place)
        answer = SubElement(one, "answer", fraction=fraction, format="plain_text")
        SubElement(answer, "text").text = choice
        mistake = question.mistakes[place] if question.mistakes else ""
        _text(answer, "feedback", mistake, format="plain_text")


def _text(under: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(SubElement(under, tag, attributes), "text").text = text


def names(made: QuizSheet) -> list[str]:
    """Return a name for each question: its number and its kind."""
    return [f"{number:02} {question.kind}" for number, question in enumerate(made.questions, 1)]
