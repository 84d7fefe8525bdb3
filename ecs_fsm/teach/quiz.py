"""The quiz: the bank of questions of a lifecycle, a selection by seed, and sheets to print."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from html import escape
from io import StringIO
from pathlib import Path
from string import ascii_uppercase
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.teach import request_questions, state_questions
from ecs_fsm.teach.question import Question

MOST_SEED = 2**32 - 1
_WORD = 0xFFFFFFFF
MOST_LETTERED = 5
"""Columns for choices in a CSV file."""
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
.who { display: flex; gap: 2rem; }
.who span { flex: 1; border-bottom: 1px solid; padding-top: 1rem; }
@page { margin: 18mm; }
@media print { :root { color-scheme: light; } body { font-size: 10.5pt; max-width: none; } }
"""


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
    return tuple({question.text: question for question in reversed(bank)}.values())[::-1]


def chosen(lifecycle: Lifecycle, seed: int, count: int) -> tuple[Question, ...]:
    """Return the first `count` questions of the bank, shuffled by a seed (0 to 2³² - 1).

    Raise `InvalidInput` for a seed or a count out of range.
    """
    bank = questions(lifecycle)
    if not 0 <= seed <= MOST_SEED:
        raise InvalidInput(f"invalid seed {seed}: expected 0 to {MOST_SEED}")
    if not bank:
        raise InvalidInput(f"the lifecycle {lifecycle.name} is too small to ask questions about")
    if not 1 <= count <= len(bank):
        raise InvalidInput(f"invalid number of questions {count}: expected 1 to {len(bank)}")
    places = list(range(len(bank)))
    draws = mulberry32(seed)
    for last in range(len(bank) - 1, 0, -1):
        other = int(next(draws) * (last + 1))
        places[last], places[other] = places[other], places[last]
    return tuple(bank[place] for place in places[:count])


def at_most(lifecycle: Lifecycle, count: int) -> int:
    """Return `count`, or how many questions there are if they are fewer."""
    return min(count, len(questions(lifecycle)))


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

    @property
    def title(self) -> str:
        """The heading, with everything needed to make the same sheet again."""
        return f"Quiz: the lifecycle of {self.subject} ({self.lifecycle}), seed {self.seed}"

    def as_dict(self) -> dict[str, object]:
        """Return `{"lifecycle", "seed", "questions": [as `Question.as_dict`, ...]}`."""
        questions = [question.as_dict() for question in self.questions]
        return {"lifecycle": self.lifecycle, "seed": self.seed, "questions": questions}


def quiz_sheet(lifecycle: Lifecycle, seed: int, count: int) -> QuizSheet:
    """Return a sheet of questions. Raise `InvalidInput` as `chosen` does."""
    subject = Phrases(lifecycle.table).subject
    return QuizSheet(lifecycle.name, seed, chosen(lifecycle, seed, count), subject)


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
        explanation = escape(question.explanation)
        yield f"<li><strong>{answered(question)}</strong> {explanation}</li>"
    yield "</ol>\n</section>\n</main>\n</body>\n</html>"


def table(made: QuizSheet) -> str:
    """Return the sheet as CSV, one row for each question."""
    letters = ascii_uppercase[:MOST_LETTERED]
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["number", "kind", "question", *letters, "answers", "explanation"])
    for number, q in enumerate(made.questions, 1):
        choices = [*q.choices, *[""] * (MOST_LETTERED - len(q.choices))]
        rows.writerow([number, q.kind, q.text, *choices, answered(q), q.explanation])
    return text.getvalue()


def lettered(question: Question) -> Iterator[tuple[str, str]]:
    """Return each choice with its letter."""
    return zip(ascii_uppercase, question.choices, strict=False)


def answered(question: Question) -> str:
    """Return the letters of the right choices."""
    return ", ".join(ascii_uppercase[n] for n in question.answers)


FORMATS: Mapping[str, Callable[[QuizSheet], str]] = {
    ".html": html,
    ".htm": html,
    ".md": markdown,
    ".markdown": markdown,
    ".csv": table,
}
"""The function for each extension of a file name."""
