"""Rows that are read in blocks are those that are read one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pytest

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.records.blocks import RowBlock
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.record import Record

SAMPLES = Path(__file__).parent / "samples"
Seen = tuple[str | None, float | None, str]
LONG = "".join(f"{n},s{n % 7},active,\n" for n in range(4_000))
HEAD = "time,server,vm_state,task_state\n"
NOTED = "time,server,vm_state,task_state,note\n"
TEXTS = {
    "CSV": f"{HEAD}1,a,active,\n2,a,active,powering-off\n2,b,Stopped,-\n",
    "without times": "server,vm_state,task_state\na,active,\nb,stopped,\n",
    "without servers": "time,vm_state,task_state\n1,active,\n2,stopped,null\n",
    "of a status": "time,id,status\n1,a,ACTIVE\n2,a,SHUTOFF\n",
    "ISO times": f"{HEAD}2026-01-01T00:00:00Z,a,active,\n2026-01-01 02:00:01+01:00,a,stopped,\n",
    "milliseconds": f"{HEAD}1795860000000,a,active,\n1795860000500,a,stopped,\n",
    "quoted cells": f'{NOTED}1,"a, b",active,,"c\nd"\n2,"a ""b""",active,"powering-off",e\n',
    "a header once more": f"{HEAD}1,a,active,\n{HEAD}2,a,stopped,\n",
    "empty lines": f"{HEAD}1,a,active,\n\n   \n2,a,stopped,\n\n",
    "ends of lines of Windows": f"{HEAD}1,a,active,\n2,a,stopped,\n".replace("\n", "\r\n"),
    "no end of the last line": f"{HEAD}1,a,active,\n2,a,stopped,",
    "spaces": "time ; server;vm_state;task_state\n 1 ; a ;active; \n2;a;stopped;-\n",
    "JSON lines": '{"time": 1, "id": "a", "vm_state": "active", "task_state": null}\n'
    '{"id": 7, "task_state": "powering-off", "vm_state": "active", "time": 2.5}\n',
    "JSON lines, nested": '{"time": 1, "id": "a", "status": "ACTIVE", "x": [{"y": [1, {}]}]}\n' * 3,
    "newest first": f"{HEAD}9,a,stopped,\n5,a,active,powering-off\n1,a,active,\n",
    "not in order": f"{HEAD}5,a,active,powering-off\n1,a,active,\n9,a,stopped,\n2,a,active,\n",
    "a long file": HEAD + LONG,
    "a long file, newest first": HEAD + "".join(f"{line}\n" for line in LONG.split("\n")[::-1]),
    "a long text in quotes": f'{NOTED}1,a,active,,b\n2,a,active,,"{"x" * 3000}\n{"y" * 3000}"\n',
    "a wrong status": "time,vm_state,task_state,status\n1,active,,SHUTOFF\n2,active,,ACTIVE\n",
}
GOOD = HEAD + "1,a,active,\n" * 300
OBJECTS = '{"id": "a", "status": "ACTIVE"}\n' * 300
WRONG = {
    "a time": f"{GOOD}soon,a,active,\n",
    "a word": f"{GOOD}2,a,activ,\n",
    "a cell too many": f"{GOOD}2,a,active,,\n",
    "an end of a line": f"{GOOD}2,a\rb,active,\n",
    "a server": OBJECTS + '{"id": true, "status": "ACTIVE"}\n',
    "a list": OBJECTS + '{"id": "a", "status": ["ACTIVE"]}\n',
    "deep": f'{OBJECTS}{{"id": "a", "status": "ACTIVE", "x": {"[" * 300}{"]" * 300}}}\n',
}


def in_blocks(text: str) -> list[Seen] | None:
    def work(blocks: Iterator[RowBlock], known: Sequence[Observation]) -> list[Seen]:
        return [
            (server, time, str(known[number]))
            for block in blocks
            for server, time, number in zip(block.servers, block.times, block.numbers, strict=True)
        ]

    return Record(NOVA, ["rows"], None, BytesIO(text.encode())).follow_blocks(work)


def one_by_one(text: str) -> list[Seen]:
    rows = Record(NOVA, ["rows"], None, BytesIO(text.encode())).follow(list)
    return [(row.server, row.time, str(row)) for row in rows]


def of_each(seen: list[Seen]) -> dict[str | None, list[Seen]]:
    found: dict[str | None, list[Seen]] = {}
    for one in seen:
        found.setdefault(one[0], []).append(one)
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_blocks_have_the_servers_times_and_states_of_rows(name: str) -> None:
    found = in_blocks(TEXTS[name])
    assert found is not None
    assert of_each(found) == of_each(one_by_one(TEXTS[name]))
    assert len(found) >= 2


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_a_block_is_left_to_rows(name: str) -> None:
    assert in_blocks(WRONG[name]) is None
    with pytest.raises(InvalidInput, match="rows:"):
        one_by_one(WRONG[name])


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*[nv]")))
def test_blocks_of_a_sample_are_its_rows_or_there_are_none(name: str) -> None:
    text = (SAMPLES / name).read_text(encoding="utf-8")
    found = in_blocks(text)
    assert found is None or of_each(found) == of_each(one_by_one(text))
