"""Words that mean something to a format are only words in a picture."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ecs_fsm import Lifecycle, draw
from ecs_fsm.core.model import NO_SERVER, Kind, Rows, Table
from ecs_fsm.core.word import Word
from ecs_fsm.draw.picture import Picture

JUDGE = Path(__file__).parents[1] / "javascript" / "mermaid.mjs"
ODD = ('"', "\\", "a b", "é", "日本", "<b>", "&", "{", "}", "#", "%%", "]]>", "a-b", "a.b:c")


def named(word: str, name: str = "odd", meaning: str = "Make it.") -> Lifecycle:
    """A lifecycle with `word` in every name that a table may choose freely."""

    class Place(Word):
        HERE = f"{word}here", meaning
        THERE = f"there{word}", "It is there."

    class Motion(Word):
        GOING = f"going{word}", meaning

    class Lamp(Word):
        GREEN = f"{word}GREEN", meaning
        RED = f"RED{word}", "Wait."

    return Lifecycle(
        Table(
            name=name,
            vm_states=Place,
            task_states=Motion,
            statuses=Lamp,
            pairs=[(Place.HERE, "-", Lamp.GREEN), (Place.THERE, f"-, {Motion.GOING}", Lamp.RED)],
            groups={},
            rows=[
                Rows("make", Kind.REQUEST, meaning, {NO_SERVER: f"{Place.THERE}/-"}),
                Rows(
                    "move",
                    Kind.REQUEST,
                    meaning,
                    {f"{Place.THERE}/-": f"{Place.THERE}/{Motion.GOING} -> {Place.HERE}/-"},
                ),
                Rows("advance", Kind.PROGRESS, meaning, {}),
            ],
            advance="advance",
            undocumented={},
            surprises=[],
        )
    )


def pictures(lifecycle: Lifecycle) -> list[Picture]:
    views = [draw.lanes(lifecycle), draw.overview(lifecycle), draw.status(lifecycle)]
    return [*views, *(draw.operation(lifecycle, name) for name in lifecycle.operations)]


LIFECYCLES = [
    *(named(word) for word in ODD),
    named("", name='"\n---\nevil: 1'),
    named("", name="</title><script/>"),
    named("", meaning="It moves.\nnode [shape=star]\n"),
]


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=range(len(LIFECYCLES)))
def test_an_odd_word_is_drawn_as_it_is(lifecycle: Lifecycle) -> None:
    for picture in pictures(lifecycle):
        top = ET.fromstring(draw.render(picture, "svg"))  # noqa: S314 our own
        assert not [element.tag for element in top.iter() if "script" in element.tag]
        shown = "".join(top.itertext())
        words = [line.words for box in picture.boxes for line in box.lines]
        assert [each for each in words if "".join(each.split()) not in "".join(shown.split())] == []


@pytest.mark.programs
def test_mermaid_reads_odd_words_too() -> None:
    texts = [draw.render(p, "mermaid").decode() for odd in LIFECYCLES for p in pictures(odd)]
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "node", JUDGE, Path(sys.prefix) / "javascript"],
        input=json.dumps(texts),
        capture_output=True,
        check=True,
        text=True,
    )
    assert {*json.loads(done.stdout)} == {"stateDiagram"}
