"""The words of an API with their meaning: vm_states, task_states, statuses.

A table in Python writes them as an enumeration. `word_class` makes the same from data: equal data
give the same class, so that words, tables and servers read from files can be compared and pickled.
"""

from __future__ import annotations

import copyreg
from enum import EnumType, StrEnum
from functools import cache
from typing import Any, Self, cast


class Tone(StrEnum):
    """The family of colours in which diagrams show a status, beside its name."""

    BLUE = "blue"
    SKY = "sky"
    TEAL = "teal"
    GREEN = "green"
    LIME = "lime"
    OLIVE = "olive"
    SAND = "sand"
    AMBER = "amber"
    ORANGE = "orange"
    BROWN = "brown"
    RED = "red"
    ROSE = "rose"
    PINK = "pink"
    PLUM = "plum"
    VIOLET = "violet"
    INDIGO = "indigo"
    STONE = "stone"
    GREY = "grey"
    SLATE = "slate"


class WordType(EnumType):
    """The type of an enumeration of words."""

    attribute: str = "status"
    """What texts call the attribute; of a status only."""
    task: str = "task"
    """What texts call a running step; of a status only."""
    recipe: tuple[object, ...] | None = None
    """What `word_class` was called with, None for a class that stands in a module."""


class Word(StrEnum, metaclass=WordType):
    """A word of the API: `str()` is its spelling there, `meaning` explains it in a sentence.

    A status also has a `tone`.
    """

    _value_: str
    meaning: str
    tone: Tone

    def __new__(cls, value: str, meaning: str = "", tone: Tone = Tone.GREY) -> Self:
        """Make a member of its spelling, its meaning and its tone."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.meaning = meaning
        word.tone = tone
        return word


Spelled = tuple[str, str, str]
"""A word as data: its spelling, its meaning, the name of its tone."""


@cache
def word_class(
    name: str, words: tuple[Spelled, ...], attribute: str = "status", task: str = "task"
) -> type[Word]:
    """Return the enumeration of these words; equal arguments give the same class.

    `attribute` is what texts call the attribute, and `task` what they call a running step.
    """
    make = cast(Any, Word)
    members = [
        (f"WORD_{number}", (spelling, meaning, Tone(tone)))
        for number, (spelling, meaning, tone) in enumerate(words)
    ]
    made = make(name, members, module=__name__)
    made.attribute, made.task = attribute, task
    made.recipe = (name, words, attribute, task)
    return cast(type[Word], made)


def _reduced(words: WordType) -> str | tuple[object, ...]:
    return words.__qualname__ if words.recipe is None else (word_class, words.recipe)


copyreg.pickle(WordType, _reduced)  # type: ignore[arg-type]  # a class is pickled by this too
