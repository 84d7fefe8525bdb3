"""The lessons of a lifecycle: those that come with the package, and those of a teacher's folder.

A lesson is a TOML file, named by its file without the number in front that puts it in order; the
keys are told in `ecs_fsm.teach.lessons.reading`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.teach.lessons.lesson import Lesson, Step
from ecs_fsm.teach.lessons.reading import EXPECTED, MOST_BYTES, lesson_name, read

__all__ = ["Lesson", "Step", "find", "lessons"]

MOST_FILES = 100
ENDING = ".toml"


def lessons(lifecycle: Lifecycle, folder: Path | None = None) -> tuple[Lesson, ...]:
    """The built-in lessons of a lifecycle, and behind them those of a folder, each played through.

    Raises `InvalidInput`, naming file and line, for a lesson that does not read or whose server
    does not get where the lesson says, and for a folder without lessons.
    """
    built_in = resources.files(__name__).joinpath(lifecycle.name)
    files = list(_files(built_in)) if built_in.is_dir() else []
    if folder is not None:
        files += _own(folder)
    found: dict[str, Lesson] = {}
    for file in files:
        place = str(file) if isinstance(file, Path) else file.name
        lesson = read(lifecycle, _content(file, place), place)
        if lesson.name in found:
            raise InvalidInput(
                f"{place}, line 1: the name {lesson.name!r} is taken by another lesson; "
                "expected a file name of its own"
            )
        found[lesson.name] = lesson
    return tuple(found.values())


def find(among: tuple[Lesson, ...], name: str) -> Lesson:
    """The lesson of that name. Raises `InvalidInput` for an unknown one."""
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
        with file.open("rb") as opened:
            data: bytes = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{place}: {error.strerror}; expected a lesson") from None
    return data
