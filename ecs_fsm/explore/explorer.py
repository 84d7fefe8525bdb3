"""Puts the explorer page together: template, styles, scripts, and its data.

Besides the lifecycle a page holds lessons, questions, and examples of waiters. Lessons and waiters
can come from any file, so their size is bounded here, and the page shows them as text.
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
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.draw.views.lanes import parts
from ecs_fsm.lifecycles.registry import side_file
from ecs_fsm.teach.lesson import lessons
from ecs_fsm.teach.question import Question
from ecs_fsm.teach.quiz import questions
from ecs_fsm.waiters.findings import Finding
from ecs_fsm.waiters.ranking import rank
from ecs_fsm.waiters.waiter import Waiter
from ecs_fsm.waiters.waiter_file import Placed, read, read_file
from ecs_fsm.web import bundle
from ecs_fsm.web.exported import exported
from ecs_fsm.web.lanes_svg import lanes_svg, legends

Json = Mapping[str, object]
MOST_LESSONS = 100
MOST_WAITERS = 100
MOST_CHARACTERS = 4000
"""Of one text in a lesson."""
_NO_QUESTION = Question("", "", (), (), "").as_dict()

SCRIPTS = (
    "constants", "packed", "machine", "run", "address", "dom", "view", "choose", "board", "upright",
    "now", "controls", "timeline", "panels", "polling", "lived", "waiters", "lessons", "quiz",
    "share", "presenter", "main",
)  # fmt: skip
"""The scripts in their order: each may use the names of those before it."""
STYLES = (
    "page", "parts", "tables", "explore", "polling", "phone", "panels", "presenter", "media",
)  # fmt: skip
"""The styles in their order: a later one overrides an earlier one."""


class Content(NamedTuple):
    """Lessons, questions and waiters as plain data.

    Without `waiters` (None) the page shows those that come with the lifecycle.
    """

    lessons: Sequence[Json] = ()
    quiz: Sequence[Json] = ()
    waiters: Sequence[Json] | None = None


def explorer(lifecycle: Lifecycle, taught: Content | None = None) -> str:
    """Return the page of a lifecycle, with lessons and questions if they are given."""
    styles = {
        "colours": bundle.colour_sheet(),
        "drawing": bundle.read("style/drawing.css"),
        "style": "".join(bundle.read(f"style/{name}.css") for name in STYLES),
    }
    phrases, content = Phrases(lifecycle.table), taught or Content()
    program = bundle.script(bundle.read(f"script/{name}.js") for name in SCRIPTS)
    return Template(bundle.read("page.html")).substitute(
        title=escape(f"The lifecycle of {phrases.subject} ({lifecycle.name})"),
        heading=escape(f"The lifecycle of {phrases.subject}"),
        name=escape(lifecycle.name),
        lessons=len(content.lessons) or "",
        questions=len(content.quiz) or "",
        legends=legends(lifecycle),
        thing=escape(phrases.thing),
        parts=escape(parts(lifecycle)),
        columns="".join(f'<th scope="col">{escape(c)}</th>' for c in phrases.columns.values()),
        policy=bundle.policy(program, styles.values()),
        styles="\n".join(f'<style id="{n}">{text}</style>' for n, text in styles.items()),
        board=lanes_svg(lifecycle),
        lifecycle=bundle.data(exported(lifecycle)),
        content=bundle.data(as_data(lifecycle, content)),
        script=program,
    )


def content(
    lifecycle: Lifecycle, folder: Path | None = None, waiters: str | None = None
) -> Content:
    """Return the lessons and questions of a lifecycle, with the lessons of a folder.

    `waiters` is a file of waiters to try out instead of those that come with the lifecycle. Raise
    `InvalidInput` for an invalid lesson or waiter.
    """
    return Content(
        [lesson.as_dict() for lesson in lessons(lifecycle, folder)],
        [question.as_dict() for question in questions(lifecycle)],
        None if waiters is None else _examples(read_file(waiters, lifecycle)),
    )


def as_data(lifecycle: Lifecycle, taught: Content) -> dict[str, object]:
    """Return the data of the page. Raise `InvalidInput` if lessons exceed its bounds."""
    if len(taught.lessons) > MOST_LESSONS:
        raise InvalidInput(f"{len(taught.lessons)} lessons; expected at most {MOST_LESSONS}")
    for lesson in taught.lessons:
        _bound(lesson, str(lesson.get("name", ""))[:60])
    return {
        "lessons": list(taught.lessons),
        "quiz": bundle.packed([_NO_QUESTION | dict(each) for each in taught.quiz], _NO_QUESTION),
        "waiters": list(examples(lifecycle) if taught.waiters is None else taught.waiters),
    }


def _bound(value: object, name: str) -> None:
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        raise InvalidInput(f"lesson {name!r}: a text has at most {MOST_CHARACTERS} characters")
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            _bound(part, name)


@cache
def examples(lifecycle: Lifecycle) -> tuple[Json, ...]:
    """Return the waiters to try out that come with a lifecycle, with their findings."""
    if lifecycle.file:
        beside = side_file(lifecycle, "waiters")
        placed = read_file(str(beside), lifecycle) if beside else []
    else:
        place = files(__package__) / "waiters" / f"{lifecycle.name}.toml"
        text = place.read_text(encoding="utf-8") if place.is_file() else ""
        placed = read(text, place.name, lifecycle) if text else []
    return _examples(placed)


def _examples(placed: Sequence[Placed]) -> tuple[Json, ...]:
    if len(placed) > MOST_WAITERS:
        raise InvalidInput(f"{len(placed)} waiters; expected at most {MOST_WAITERS}")
    return tuple(_example(each.waiter) for each in placed)


def _example(waiter: Waiter) -> Json:
    """Return a waiter with its findings, and the best one for its starts with what it cannot see.

    The best one has the lists of the first finding that can be avoided, as `ecs-fsm check` says.
    """
    data = _lists(waiter)
    fixes = [ranked.fix for ranked in rank(waiter) if ranked.fix]
    if fixes:
        best = Waiter(
            waiter.operation,
            fixes[0]["target"],
            pending=fixes[0]["pending"],
            failure=fixes[0]["failure"],
            attribute=waiter.attribute,
            from_=waiter.from_,
            lifecycle=waiter.lifecycle,
        )
        data["better"] = _lists(best)
    return data


def _lists(waiter: Waiter) -> dict[str, object]:
    return {
        "name": waiter.name,
        "operation": waiter.operation,
        "attribute": waiter.attribute,
        "pending": None if waiter.pending is None else list(waiter.pending),
        "target": list(waiter.target),
        "failure": list(waiter.failure),
        "findings": [_finding(waiter.lifecycle, finding) for finding in waiter.findings()],
        "notes": list(waiter.notes()),
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
