"""A quiz on paper: the questions to print, the answers apart, as HTML, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from html import escape
from io import StringIO
from pathlib import Path
from string import ascii_uppercase
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.teach.quiz import Question, chosen

MOST_CHOICES = 5
BOX = "\N{BALLOT BOX}"
SEVERAL = "Where it says so, tick all that are right; elsewhere one answer is right."
STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.4 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; }
li { margin: 0 0 .9rem; break-inside: avoid; }
.question > li { padding-left: .3rem; overflow-wrap: anywhere; }
ul { list-style: none; padding: .2rem 0 0; margin: 0; }
ul li { margin: .1rem 0; }
.answers { break-before: page; border-top: 1px solid; }
.who { display: flex; gap: 2rem; }
.who span { flex: 1; border-bottom: 1px solid; padding-top: 1rem; }
@page { margin: 18mm; }
@media print { :root { color-scheme: light; } body { font-size: 10.5pt; max-width: none; } }
"""


class Sheet(NamedTuple):
    """The questions that a seed chose of a lifecycle."""

    lifecycle: str
    seed: int
    questions: tuple[Question, ...]

    @property
    def title(self) -> str:
        """What stands above it, with all that is needed to make it again."""
        return f"Quiz: the lifecycle of a server ({self.lifecycle}), seed {self.seed}"

    def as_dict(self) -> dict[str, object]:
        """`{"lifecycle", "seed", "questions": [as `Question.as_dict`, ...]}`."""
        return self._asdict() | {"questions": [question.as_dict() for question in self.questions]}


def sheet(lifecycle: Lifecycle, seed: int, count: int) -> Sheet:
    """A sheet. Raises `InvalidInput` as `quiz.chosen` does."""
    return Sheet(lifecycle.name, seed, chosen(lifecycle, seed, count))


def render(made: Sheet, path: str | Path) -> str:
    """The text for a file of that name. Raises `InvalidInput` for an unknown ending."""
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        known = ", ".join(FORMATS)
        raise InvalidInput(f"the ending {ending!r} of {str(path)!r} names no form; known: {known}")
    return FORMATS[ending](made)


def markdown(made: Sheet) -> str:
    """The sheet as Markdown."""
    return "\n".join(_markdown(made)) + "\n"


def _markdown(made: Sheet) -> Iterator[str]:
    yield from (f"# {made.title}", "", SEVERAL)
    for number, question in enumerate(made.questions, 1):
        yield from ("", f"{number}. {question.text}", "")
        yield from (f"    - {BOX} {letter}: {text}" for letter, text in lettered(question))
    yield from ("", "## Answers", "")
    for number, question in enumerate(made.questions, 1):
        yield f"{number}. **{answered(question)}** {question.explanation}"


def html(made: Sheet) -> str:
    """The sheet as a page that stands alone: no script, nothing fetched, answers on a new page."""
    return "\n".join(_html(made)) + "\n"


def _html(made: Sheet) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta http-equiv="Content-Security-Policy" '
    yield "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield f"<title>{escape(made.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{escape(made.title)}</h1>"
    yield '<p class="who"><span>Name:</span><span>Date:</span></p>'
    yield f'<p>{escape(SEVERAL)}</p>\n<ol class="question">'
    for question in made.questions:
        choices = "".join(f"<li>{BOX} {a}: {escape(t)}</li>" for a, t in lettered(question))
        yield f"<li>{escape(question.text)}\n<ul>{choices}</ul></li>"
    yield '</ol>\n<section class="answers">\n<h2>Answers</h2>\n<ol>'
    for question in made.questions:
        told = escape(question.explanation)
        yield f"<li><strong>{answered(question)}</strong> {told}</li>"
    yield "</ol>\n</section>\n</main>\n</body>\n</html>"


def table(made: Sheet) -> str:
    """The sheet as CSV, a row for each question."""
    letters = ascii_uppercase[:MOST_CHOICES]
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["number", "kind", "question", *letters, "answers", "explanation"])
    for number, q in enumerate(made.questions, 1):
        choices = [*q.choices, *[""] * (MOST_CHOICES - len(q.choices))]
        rows.writerow([number, q.kind, q.text, *choices, answered(q), q.explanation])
    return text.getvalue()


def lettered(question: Question) -> Iterator[tuple[str, str]]:
    """Each choice with its letter."""
    return zip(ascii_uppercase, question.choices, strict=False)


def answered(question: Question) -> str:
    """The letters of the right choices."""
    return ", ".join(ascii_uppercase[n] for n in question.answers)


FORMATS: Mapping[str, Callable[[Sheet], str]] = {
    ".html": html,
    ".htm": html,
    ".md": markdown,
    ".markdown": markdown,
    ".csv": table,
}
"""What the ending of a file's name stands for."""
