"""Writes the material of a class beside this file, from the lifecycle: `make diagrams`.

A folder can be named to write into instead.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from ecs_fsm import ECS, draw
from ecs_fsm.draw import Theme, render
from ecs_fsm.teach.lesson_template import template
from ecs_fsm.teach.question import Question
from ecs_fsm.teach.quiz import Selection, chosen, quiz_sheet
from ecs_fsm.teach.sheet import answered, lettered, mistaken
from ecs_fsm.teach.sheet import render as sheet

OPERATIONS = ("stop", "delete", "rebuild", "resize")
"""The operations that have slides, in the order of the class."""
SEED = 7
ASKED = 10
ON_SLIDES = 3
HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
SLIDES = """
@page { size: 1920px 1080px; margin: 0; }
:root { color-scheme: light; }
html { font-size: calc(100vw / 1920); }
body { margin: 0; background: #fff; color: #1b1f24; font: 36rem/1.35 system-ui, sans-serif; }
section { height: 1080rem; box-sizing: border-box; padding: 70rem 100rem;
  display: flex; flex-direction: column; gap: 30rem; break-after: page; overflow: hidden;
  border-bottom: 1px solid #d0d7de; }
section:first-child { justify-content: center; }
h1, h2 { margin: 0; font-size: 64rem; line-height: 1.15; }
p, ul, ol { margin: 0; }
ul { font-size: 48rem; }
li { margin: 0 0 14rem; }
img { flex: 1; min-height: 0; width: 100%; object-fit: contain; }
.two { columns: 2; column-gap: 80rem; font-size: 36rem; }
@media print { html { font-size: 1px; } }
.right { font-weight: 700; }
"""
HANDOUT = """
@page { size: A4; margin: 16mm; }
:root { color-scheme: light; }
body { max-width: 46rem; margin: 0 auto; padding: 1rem; font: 10.5pt/1.4 system-ui, sans-serif;
  background: #fff; color: #1b1f24; }
h1 { font-size: 18pt; } h2 { font-size: 13pt; break-after: avoid; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0;
  border-bottom: 1px solid #d0d7de; }
tr, li { break-inside: avoid; }
"""


def files() -> Mapping[str, str]:
    """The text of each file, by its name."""
    made = quiz_sheet(ECS, SEED, ASKED)
    return {
        "slides.html": page("The lifecycle of a server", SLIDES, "\n".join(slides())),
        "handout.html": page("The lifecycle of a server: handout", HANDOUT, "\n".join(handout())),
        "quiz.html": sheet(made, "quiz.html"),
        "quiz.gift": sheet(made, "quiz.gift"),
        "quiz.xml": sheet(made, "quiz.xml"),
        "lesson.toml": template(ECS),
    }


def page(title: str, style: str, body: str) -> str:
    """A whole page that fetches and runs nothing."""
    return HEAD.format(title=escape(title), style=style, body=body)


def slides() -> Iterator[str]:
    """The slides, a section each; what is to be guessed comes before what is the case."""
    yield slide("The lifecycle of a server", "<p>What status says, and what it does not say.</p>")
    words = [(w.value, w.meaning) for w in ECS.table.statuses]
    yield slide("What status says", f'<ul class="two">{items(words)}</ul>')
    for name in OPERATIONS:
        meaning = ECS.operations[name].meaning
        guess = f"<p>{escape(meaning)}</p><p>Which statuses does a poller see, in which order?</p>"
        yield slide(f"{name}: guess first", guess)
        picture = render(draw.operation(ECS, name), "svg", Theme.LIGHT)
        source = f"data:image/svg+xml;base64,{b64encode(picture).decode()}"
        yield slide(name, f'<img alt="{escape(name)}: every way it can go" src="{source}">')
        surprising = [s.text for s in ECS.table.surprises if name in s.about]
        if surprising:
            listed = "".join(f"<li>{escape(text)}</li>" for text in surprising)
            yield slide(f"{name}: what surprises", f"<ul>{listed}</ul>")
    for question in chosen(ECS, SEED, ON_SLIDES, Selection(OPERATIONS)):
        yield slide(question.text, choices(question, solved=False))
        yield slide(question.text, choices(question, solved=True))


def slide(title: str, body: str) -> str:
    """One slide."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>"


def items(words: list[tuple[str, str]]) -> str:
    """Words with their meaning, as items of a list."""
    return "".join(f"<li><b>{escape(word)}</b>: {escape(text)}</li>" for word, text in words)


def choices(question: Question, *, solved: bool) -> str:
    """The choices of a question; if it is solved, which are right, and why the others are not."""
    wrong = dict(mistaken(question))
    rows = []
    for place, (letter, text) in enumerate(lettered(question)):
        right = solved and place in question.answers
        why = f" ({escape(wrong[letter])})" if solved and letter in wrong else ""
        rows.append(f"<p{' class=right' if right else ''}>{letter}: {escape(text)}{why}</p>")
    if solved:
        rows.append(f"<p><b>{answered(question)}</b> {escape(question.explanation)}</p>")
    return "".join(rows)


def handout() -> Iterator[str]:
    """What everybody takes home: the statuses, the operations, and what surprises about them."""
    yield "<h1>The lifecycle of a server</h1>\n<h2>What status says</h2>"
    yield table([(w.value, w.meaning) for w in ECS.table.statuses])
    yield "<h2>What can be requested</h2>"
    yield table([(name, operation.meaning) for name, operation in ECS.operations.items()])
    yield "<h2>What surprises</h2>\n<ul>"
    yield from (f"<li>{escape(surprise.text)}</li>" for surprise in ECS.table.surprises)
    yield "</ul>"


def table(rows: list[tuple[str, str]]) -> str:
    """A table of words and their meanings."""
    cells = (f'<tr><th scope="row">{escape(a)}</th><td>{escape(b)}</td></tr>' for a, b in rows)
    return f"<table>{''.join(cells)}</table>"


def main(folder: Path) -> None:
    """Write everything into a folder."""
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
