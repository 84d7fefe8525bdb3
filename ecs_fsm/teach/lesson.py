"""Lessons: TOML files whose steps are run against the table when they are read.

`KEYS` says what stands in one; `lesson_template` writes one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from ecs_fsm.core.errors import InvalidInput, Refused, UnknownFact, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Node, State, bracketed
from ecs_fsm.core.scenario import with_facts
from ecs_fsm.io.files import STANDARD_STREAM, error_at, opened
from ecs_fsm.io.toml import Row, TomlFile, decoded
from ecs_fsm.teach.question import Question
from ecs_fsm.teach.quiz import mulberry32, shuffled

FOLDER = "lessons"
"""The name of the folder of lessons; beside the file of a lifecycle it is `NAME.lessons`."""
MOST_FILES = 100
ENDING = ".toml"
FROM_INPUT = "standard-input"
"""The name of a lesson that was read from standard input."""
MOST_BYTES = 32_768
MOST_STEPS = 40
MOST_WORD = 200
LONGEST: Mapping[str, int] = {
    "title": 80,
    "introduction": 800,
    "text": 800,
    "then": 800,
    "hint": 400,
    "because": 800,
}
"""The most characters of a text; of other values `MOST_WORD`."""
TABLE = "step"
ASKED = "question"
BEGIN = "from"
HINT = "hint"
KEYS: Mapping[str, Mapping[str, str]] = {
    "": {
        "title": "the title of the lesson",
        "introduction": "a few sentences that say what it is about",
        BEGIN: "where it begins, as `VM/TASK[FACT=VALUE]`; left out before the server exists",
    },
    TABLE: {
        "text": "what to do, and why",
        "do": "an operation or event, as `EVENT[FACT=VALUE]` with facts",
        "state": "the state after it",
        "then": "what was learned",
        HINT: "what helps after a wrong step; left out, the meaning of the event helps",
    },
    ASKED: {
        "text": "a question at the end of the lesson",
        "right": "the right answer",
        "wrong": "a list of one to four wrong answers",
        "because": "why the right answer is right",
    },
}
"""The keys of a lesson, of each step and of each question, with their meanings."""
OF_LESSON, OF_STEP, OF_QUESTION = (
    tuple(key for key in KEYS[table] if key not in (BEGIN, HINT)) for table in KEYS
)
MOST_QUESTIONS = 20
WRONG_CHOICES = range(1, 5)
EXPECTED = (
    f"expected {', '.join(OF_LESSON)}, perhaps {BEGIN}, tables [[{TABLE}]] with "
    f"{', '.join(OF_STEP)} and perhaps {HINT}, "
    f"and perhaps tables [[{ASKED}]] with {', '.join(OF_QUESTION)}"
)


class LessonStep(NamedTuple):
    """One step of a lesson. It is done when the server is in `state` after `trigger`."""

    text: str
    """What to do, and why."""
    trigger: str
    given: Facts
    state: State
    then: str
    """What was learned."""
    hint: str = ""
    """What helps after a wrong step; without one, what the event means."""

    @property
    def word(self) -> str:
        """What to do, as it is written: `shelve[offload=later]`."""
        return f"{self.trigger}{bracketed(self.given)}"

    def as_dict(self) -> dict[str, object]:
        """Return the fields: `do` is `{"trigger", "given": {fact: value}}`, `state` "vm/task"."""
        return {
            "text": self.text,
            "do": {"trigger": self.trigger, "given": dict(self.given)},
            "state": str(self.state),
            "then": self.then,
            "hint": self.hint,
        }


class Lesson(NamedTuple):
    """Steps to run in order, from `start` (None: before the server exists)."""

    name: str
    title: str
    introduction: str
    start: State | None
    remember: Mapping[str, str]
    """The facts of the server at `start`."""
    steps: tuple[LessonStep, ...]
    questions: tuple[Question, ...] = ()
    """Questions to answer at the end, each with one right answer."""

    def as_dict(self) -> dict[str, object]:
        """Return the fields: `start` as "vm/task" or None, each step as `LessonStep.as_dict`."""
        steps = [step.as_dict() for step in self.steps]
        asked = [question.as_dict() for question in self.questions]
        lists = {"remember": dict(self.remember), "steps": steps, "questions": asked}
        return self._asdict() | lists


def lessons(lifecycle: Lifecycle, folder: Path | None = None) -> tuple[Lesson, ...]:
    """The built-in lessons of a lifecycle, and behind them those of a folder, each played through.

    Those of a lifecycle file stand beside it, in the folder `NAME.lessons`.
    The folder `-` is one lesson on standard input. Raises `InvalidInput`, naming file and line, for
    a lesson that does not read or whose server does not get where the lesson says, and for a folder
    without lessons.
    """
    built_in = _built_in(lifecycle)
    files = list(_files(built_in)) if built_in.is_dir() else []
    from_input = folder is not None and str(folder) == STANDARD_STREAM
    if folder is not None and not from_input:
        files += _own(folder)
    found: dict[str, Lesson] = {}
    for file in files:
        place = str(file) if isinstance(file, Path) else file.name
        _add(found, read(lifecycle, _content(file, place), place), place)
    if from_input:
        with opened(STANDARD_STREAM) as (stream, place):
            data = stream.read(MOST_BYTES + 1)
        _add(found, read(lifecycle, data, place, FROM_INPUT), place)
    return tuple(found.values())


def _built_in(lifecycle: Lifecycle) -> Traversable:
    """Return the folder of a lifecycle's lessons, which need not exist."""
    if lifecycle.file:
        return Path(lifecycle.file).with_suffix(f".{FOLDER}")
    return resources.files(__package__) / FOLDER / lifecycle.name


def _add(found: dict[str, Lesson], lesson: Lesson, place: str) -> None:
    if lesson.name in found:
        raise error_at(
            place,
            1,
            f"the name {lesson.name!r} is taken by another lesson; expected a different file name",
        )
    found[lesson.name] = lesson


def find(among: tuple[Lesson, ...], name: str) -> Lesson:
    """Return the lesson of that name. Raise `InvalidInput` for an unknown name."""
    known = {lesson.name: lesson for lesson in among}
    if name not in known:
        raise unknown("lesson", name, known)
    return known[name]


def _files(folder: Traversable) -> Iterator[Traversable]:
    listed = sorted(folder.iterdir(), key=lambda file: file.name)
    yield from (file for file in listed if file.name.lower().endswith(ENDING) and file.is_file())


def _own(folder: Path) -> list[Traversable]:
    try:
        files = list(_files(folder))
    except OSError as error:
        raise InvalidInput(f"{folder}: {error.strerror}; expected a folder of lessons") from None
    if not files:
        raise InvalidInput(f"{folder}: no lesson; expected files *{ENDING}, {EXPECTED}")
    if len(files) > MOST_FILES:
        raise InvalidInput(f"{folder}: {len(files)} lessons; expected at most {MOST_FILES}")
    for file in files:
        lesson_name(file.name, str(file))
    return files


def _content(file: Traversable, place: str) -> bytes:
    try:
        with file.open("rb") as stream:
            data: bytes = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{place}: {error.strerror}; expected a lesson") from None
    return data


def read(lifecycle: Lifecycle, data: bytes, file: str, name: str | None = None) -> Lesson:
    """The lesson in the content of a file, by whose name it is named unless another is given.

    Raises `InvalidInput` that names file and line.
    """
    name = lesson_name(file, file) if name is None else name
    if len(data) > MOST_BYTES:
        raise error_at(file, 1, f"the file is too long; expected at most {MOST_BYTES} bytes")
    return _LessonReader(lifecycle, TomlFile(decoded(data, file, EXPECTED), file, EXPECTED)).lesson(
        name
    )


def lesson_name(file: str, place: str) -> str:
    """Return the name of a lesson: that of its file without folders, number and extension."""
    stem = re.split(r"[/\\]", file)[-1].rpartition(".")[0]
    name = re.sub(r"^\d+[-_ ]+", "", stem)
    if not re.fullmatch(r"[\w-]{1,60}", name):
        raise error_at(
            place,
            1,
            f"{stem!r} is not a name of a lesson; expected at most 60 letters, digits, - and _",
        )
    return name


class _LessonReader:
    """Reads the lesson of one file."""

    def __init__(self, lifecycle: Lifecycle, toml: TomlFile) -> None:
        self._lifecycle = lifecycle
        self._toml = toml
        self._content = toml.content

    def lesson(self, name: str) -> Lesson:
        """Return the lesson. Raise `InvalidInput` for a wrong key or value."""
        content = self._content
        self._check_keys(content, (*KEYS[""], TABLE, ASKED))
        title, introduction = (self._text(content, key) for key in OF_LESSON)
        node = self._begin()
        steps = tuple(self._steps(node))
        begin, remember = (node.state, dict(node.facts)) if node else (None, {})
        return Lesson(name, title, introduction, begin, remember, steps, self._questions())

    def _begin(self) -> Node | None:
        if BEGIN not in self._content:
            return None
        written = self._text(self._content, BEGIN)
        try:
            name, remember = with_facts(self._lifecycle, written)
            return self._lifecycle.place(self._state(name), remember)
        except InvalidInput as error:
            raise self._toml.error(str(error), BEGIN) from None

    def _state(self, name: str) -> State:
        states = self._lifecycle.states
        if name not in states:
            raise unknown("state", name, states)
        return states[name]

    def _steps(self, node: Node | None) -> Iterator[LessonStep]:
        rows = self._toml.array(TABLE)
        if len(rows) > MOST_STEPS:
            raise self._toml.error(
                f"{len(rows)} steps; expected at most {MOST_STEPS}", TABLE, MOST_STEPS
            )
        for number, row in enumerate(rows):
            step, node = self._step(number, row, node)
            yield step

    def _step(self, number: int, row: Row, node: Node | None) -> tuple[LessonStep, Node]:
        self._check_keys(row, KEYS[TABLE], TABLE, number)
        text, done, reached, then = (self._text(row, key, TABLE, number) for key in OF_STEP)
        try:
            trigger, given = with_facts(self._lifecycle, done)
            end = self._lifecycle.outcome(trigger, node, given).end
        except (InvalidInput, UnknownFact) as error:
            raise self._toml.error(str(error), TABLE, number, "do") from None
        except Refused as refused:
            raise self._toml.error(str(refused), TABLE, number, "do") from None
        if end.state != reached:
            raise self._toml.error(
                f"after {done} the {self._lifecycle.table.thing} is at {end.state}; "
                f"expected state = {str(end.state)!r}, not {reached!r}",
                TABLE,
                number,
                "state",
            )
        facts = self._lifecycle.memory.ordered(given)
        hint = self._text(row, HINT, TABLE, number) if HINT in row else ""
        return LessonStep(text, trigger, facts, end.state, then, hint), end

    def _questions(self) -> tuple[Question, ...]:
        rows = self._toml.array(ASKED) if ASKED in self._content else []
        if len(rows) > MOST_QUESTIONS:
            wrong = f"{len(rows)} questions; expected at most {MOST_QUESTIONS}"
            raise self._toml.error(wrong, ASKED, MOST_QUESTIONS)
        return tuple(self._question(number, row) for number, row in enumerate(rows))

    def _question(self, number: int, row: Row) -> Question:
        """Return a question, its choices in an order that its text decides."""
        self._check_keys(row, KEYS[ASKED], ASKED, number)
        text, right, because = (
            self._text(row, k, ASKED, number) for k in ("text", "right", "because")
        )
        listed = row.get("wrong")
        if not isinstance(listed, list) or len(listed) not in WRONG_CHOICES:
            few = f"wrong is not a list of {WRONG_CHOICES[0]} to {WRONG_CHOICES[-1]} answers"
            raise self._toml.error(f"{few}; {EXPECTED}", ASKED, number)
        wrong = [self._text({"wrong": each}, "wrong", ASKED, number) for each in listed]
        choices = tuple(dict.fromkeys((right, *wrong)))
        if len(choices) <= len(wrong):
            raise self._toml.error("an answer stands there twice", ASKED, number, "wrong")
        question = Question(ASKED, text, choices, (0,), because)
        return question.in_order(shuffled(len(choices), mulberry32(crc32(text.encode()))))

    def _check_keys(self, row: Row, known: Collection[str], *table: str | int) -> None:
        for key in row:
            if key not in known:
                raise self._toml.error(str(unknown("key", key[:MOST_WORD], known)), *table, key)

    def _text(self, row: Row, key: str, *table: str | int) -> str:
        """Return a text without the line breaks and indentation of the file."""
        if key not in row:
            raise self._toml.error(f"{key} is missing; {EXPECTED}", *table)
        value, most = row[key], LONGEST.get(key, MOST_WORD)
        if not isinstance(value, str) or not value.strip():
            raise self._toml.error(f"{key} is not a text; expected one in quotes", *table, key)
        text = " ".join(value.split())
        if len(text) > most:
            raise self._toml.error(
                f"{key} has {len(text)} characters; expected at most {most}", *table, key
            )
        if not text.isprintable():
            raise self._toml.error(
                f"{key} has invisible characters; expected visible ones", *table, key
            )
        return text
