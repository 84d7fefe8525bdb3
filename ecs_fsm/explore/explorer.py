"""What a page teaches beside the lifecycle itself: lessons, questions, and examples of waiters.

Lessons can come from anybody's files, so what they hold is bounded here; the page shows it as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.teach.lesson import lessons
from ecs_fsm.teach.quiz import questions
from ecs_fsm.waiters.findings import Finding
from ecs_fsm.waiters.report import Report, examine
from ecs_fsm.waiters.waiter_file import read
from ecs_fsm.web import bundle
from ecs_fsm.web.exported import exported
from ecs_fsm.web.lanes_svg import lanes_svg

Json = Mapping[str, object]
MOST_LESSONS = 100
MOST_LETTERS = 4000
"""In one text of a lesson."""

SCRIPTS = (
    "constants", "machine", "run", "address", "dom", "view", "choose", "board", "now", "controls",
    "timeline", "panels", "polling", "waiters", "lessons", "quiz", "share", "main",
)  # fmt: skip
"""The scripts in their order: each may use what those before it made."""
STYLES = ("page", "parts", "tables", "panels", "media")
"""The styles in their order: a later one has the last word."""


class Content(NamedTuple):
    """Lessons and questions as plain data, as their own `as_dict` gives them."""

    lessons: Sequence[Json] = ()
    quiz: Sequence[Json] = ()


def explorer(lifecycle: Lifecycle, taught: Content | None = None) -> str:
    """The page of a lifecycle with what is taught beside it."""
    styles = {
        "colours": bundle.colour_sheet(),
        "drawing": bundle.read("style/drawing.css"),
        "style": "".join(bundle.read(f"style/{name}.css") for name in STYLES),
    }
    program = bundle.script(bundle.read(f"script/{name}.js") for name in SCRIPTS)
    return Template(bundle.read("page.html")).substitute(
        title=f"The lifecycle of a server ({escape(lifecycle.name)})",
        policy=bundle.policy(program, styles.values()),
        styles="\n".join(f'<style id="{n}">{text}</style>' for n, text in styles.items()),
        board=lanes_svg(lifecycle),
        lifecycle=bundle.data(exported(lifecycle)),
        content=bundle.data(as_data(lifecycle, taught or Content())),
        script=program,
    )


def content(lifecycle: Lifecycle, folder: Path | None = None) -> Content:
    """The lessons and questions of a lifecycle, and those of a teacher's own `folder`.

    Raises `InvalidInput` for a lesson that does not fit.
    """
    return Content(
        [lesson.as_dict() for lesson in lessons(lifecycle, folder)],
        [question.as_dict() for question in questions(lifecycle)],
    )


def as_data(lifecycle: Lifecycle, taught: Content) -> dict[str, object]:
    """Everything for the page, bounded. Raises `InvalidInput` for what is too much."""
    if len(taught.lessons) > MOST_LESSONS:
        raise InvalidInput(f"there are {len(taught.lessons)} lessons, at most {MOST_LESSONS} fit")
    for lesson in taught.lessons:
        _bound(lesson, str(lesson.get("name", ""))[:60])
    return {
        "lessons": list(taught.lessons),
        "quiz": list(taught.quiz),
        "waiters": list(examples(lifecycle)),
    }


def _bound(value: object, name: str) -> None:
    if isinstance(value, str) and len(value) > MOST_LETTERS:
        raise InvalidInput(f"lesson {name!r}: a text has at most {MOST_LETTERS} letters")
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            _bound(part, name)


@cache
def examples(lifecycle: Lifecycle) -> tuple[Json, ...]:
    """Waiters to try out, with what is found of them."""
    file = f"{lifecycle.name}.toml"
    text = (files(__package__) / "waiters" / file).read_text(encoding="utf-8")
    return tuple(_example(examine(placed.waiter)) for placed in read(text, file, lifecycle))


def _example(report: Report) -> Json:
    waiter = report.waiter
    return {
        "name": waiter.name,
        "operation": waiter.operation,
        "attribute": waiter.attribute,
        "pending": None if waiter.pending is None else list(waiter.pending),
        "target": list(waiter.target),
        "failure": list(waiter.failure),
        "findings": [_finding(waiter.lifecycle, finding) for finding in report.findings],
        "notes": list(report.notes),
    }


def _finding(lifecycle: Lifecycle, finding: Finding) -> Json:
    source = finding.run.start.source
    return {
        "finding": finding.kind,
        "avoidable": finding.avoidable,
        "message": finding.message,
        "from": source and [source.state, dict(source.facts)],
        "events": [_event(lifecycle, outcome) for outcome in finding.run.outcomes],
    }


def _event(lifecycle: Lifecycle, outcome: Outcome) -> list[object]:
    trigger = outcome.transition.trigger
    given = lifecycle.triggers[trigger].given
    return [trigger, {name: value for name, value in outcome.facts if name in given}]
