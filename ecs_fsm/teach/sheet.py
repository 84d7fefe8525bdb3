"""Sheets of a quiz: Markdown, a page to print, a table, and the forms that Moodle imports."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from html import escape
from io import StringIO
from pathlib import Path
from string import ascii_uppercase

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.teach.moodle import gift, moodle_xml
from ecs_fsm.teach.question import Question
from ecs_fsm.teach.quiz import QuizSheet

MOST_LETTERED = 5
"""Columns for choices in a CSV file."""
BOX = "\N{BALLOT BOX}"
SEVERAL = "One answer is right, unless a question says: tick all that are right."
STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.4 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; }
li { margin: 0 0 .9rem; break-inside: avoid; }
.question > li { padding-left: .3rem; overflow-wrap: anywhere; }
ul { list-style: none; padding: .2rem 0 0; margin: 0; }
ul li { margin: .1rem 0; }
.answers { break-before: page; border-top: 1px solid; }
.answers small { display: block; }
.who { display: flex; gap: 2rem; }
.who span { flex: 1; border-bottom: 1px solid; padding-top: 1rem; }
@page { margin: 18mm; }
@media print { :root { color-scheme: light; } body { font-size: 10.5pt; max-width: none; } }
"""


def render(made: QuizSheet, path: str | Path) -> str:
    """Return the text for a file of that name. Raise `InvalidInput` for an unknown extension."""
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        known = ", ".join(FORMATS)
        raise InvalidInput(f"unknown extension {ending!r} of {str(path)!r}; known: {known}")
    return FORMATS[ending](made)


def markdown(made: QuizSheet) -> str:
    """Return the sheet as Markdown."""
    return "\n".join(_markdown(made)) + "\n"


def _markdown(made: QuizSheet) -> Iterator[str]:
    yield from (f"# {made.title}", "", SEVERAL)
    for number, question in enumerate(made.questions, 1):
        yield from ("", f"{number}. {question.text}", "")
        yield from (f"    - {BOX} {letter}: {text}" for letter, text in lettered(question))
    yield from ("", "## Answers", "")
    for number, question in enumerate(made.questions, 1):
        yield f"{number}. **{answered(question)}** {question.explanation}"
        yield from (f"    - {letter}: {mistake}" for letter, mistake in mistaken(question))


def html(made: QuizSheet) -> str:
    """Return the sheet as a self-contained page without scripts, the answers on a new page."""
    return "\n".join(_html(made)) + "\n"


def _html(made: QuizSheet) -> Iterator[str]:
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
        wrong = "".join(f"<small>{a}: {escape(text)}</small>" for a, text in mistaken(question))
        explanation = escape(question.explanation)
        yield f"<li><strong>{answered(question)}</strong> {explanation}{wrong}</li>"
    yield "</ol>\n</section>\n</main>\n</body>\n</html>"


def table(made: QuizSheet) -> str:
    """Return the sheet as CSV, one row for each question."""
    letters = ascii_uppercase[:MOST_LETTERED]
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["number", "kind", "question", *letters, "answers", "explanation", "mistakes"])
    for number, q in enumerate(made.questions, 1):
        choices = [*q.choices, *[""] * (MOST_LETTERED - len(q.choices))]
        mistakes = " ".join(f"{letter}: {text}" for letter, text in mistaken(q))
        rows.writerow([number, q.kind, q.text, *choices, answered(q), q.explanation, mistakes])
    return text.getvalue()


def lettered(question: Question) -> Iterator[tuple[str, str]]:
    """Return each choice with its letter."""
    return zip(ascii_uppercase, question.choices, strict=False)


def mistaken(question: Question) -> Iterator[tuple[str, str]]:
    """Return what is wrong with each wrong choice, with its letter."""
    texts = zip(ascii_uppercase, question.mistakes, strict=False)
    return ((letter, text) for letter, text in texts if text)


def answered(question: Question) -> str:
    """Return the letters of the right choices."""
    return ", ".join(ascii_uppercase[n] for n in question.answers)


FORMATS: Mapping[str, Callable[[QuizSheet], str]] = {
    ".html": html,
    ".htm": html,
    ".md": markdown,
    ".markdown": markdown,
    ".csv": table,
    ".gift": gift,
    ".xml": moodle_xml,
}
"""The function for each extension of a file name."""
