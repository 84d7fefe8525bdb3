"""Blocks and the table give the answer that goes row by row, byte for byte."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.records import sorted_blocks
from ecs_fsm.records.layouts import ColumnReader
from ecs_fsm.records.record import Record
from ecs_fsm.replay import follower_table
from ecs_fsm.replay.open_rows import BUFFER, USUAL, OpenRows
from tests.command import ecs_fsm

Rows = Sequence[tuple[str, float, str, str | None]]


def walks(lifecycle: Lifecycle, *, wrong: float) -> Rows:
    """Random walks of several servers, with late writes and changes that nothing explains."""
    chance = Random(11)  # noqa: S311  # rows of a test
    live = [state for state in lifecycle.states.values() if lifecycle.leaving(state)]
    at = {f"s{n}": chance.choice(live) for n in range(6)}
    rows = []
    for number in range(700):
        name = chance.choice(list(at))
        state = at[name]
        rows.append((name, 1.7e9 + 20 * number, str(state.vm_state), state.task_state))
        if chance.random() < 0.1:
            continue  # shown once more
        nexts = [s for t in lifecycle.leaving(state) for s in t.path[-1:]]
        nexts += [s for path in lifecycle.late_writes.get(state, ()) for s in path]
        at[name] = chance.choice(live if chance.random() < wrong or not nexts else nexts)
    return rows


def as_csv(rows: Rows) -> str:
    lines = ["server,time,vm_state,task_state", *(f"{s},{t},{v},{k or ''}" for s, t, v, k in rows)]
    return "\n".join(lines) + "\n"


def as_json_lines(rows: Rows) -> str:
    names = ("server", "time", "vm_state", "task_state")
    return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)


def with_other_columns(rows: Rows) -> str:
    """Rows with columns that only JSON shows, of every kind."""
    values = [
        "plain",
        'with "quotes" and \\',
        "\u202e, \t and é",
        None,
        True,
        7,
        -0.5,
        10**20,
        [1, {"a": 2}],
    ]
    lines = []
    for number, (server, time, vm_state, task_state) in enumerate(rows):
        row = {
            "100 %s": values[number // 300 % 9],
            "vm_state": vm_state, "id": server, "task_state": task_state, "time": time,
            "mixed": values[number % 9],
        }  # fmt: skip
        lines.append(json.dumps(row, ensure_ascii=number % 2 == 0) + "\n")
    return "".join(lines)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (as_csv, ()),
        (as_json_lines, ()),
        (as_csv, ("--summary",)),
        (as_json_lines, ("--summary",)),
        (as_json_lines, ("--sampled",)),
        (as_csv, ("--json",)),
        (as_json_lines, ("--json",)),
        (with_other_columns, ("--json",)),
        (with_other_columns, ("--json", "--sampled")),
    ],
    ids=[
        "csv",
        "json lines",
        "summary of csv",
        "summary of json lines",
        "sampled",
        "JSON of csv",
        "JSON of json lines",
        "JSON with other columns",
        "JSON, sampled",
    ],
)
@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_blocks_answer_as_rows_do(
    lifecycle: Lifecycle,
    text: object,
    given: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert callable(text)
    rows = walks(lifecycle, wrong=0.03)
    path = tmp_path / "rows"
    path.write_text(text(rows[:100] if "--sampled" in given else rows), encoding="utf-8")
    command = ("replay", "--lifecycle", lifecycle.name, *given, str(path))
    monkeypatch.setattr(follower_table, "MOST_KEPT", 60)  # so that the table is begun anew, too
    monkeypatch.setattr(follower_table, "MOST_OPEN", 20)
    monkeypatch.setattr(follower_table, "SHORT", 2)
    read: list[bool] = []
    follow = Record.follow

    def followed(*given: Any) -> Any:
        read.append(True)
        return follow(*given)

    with monkeypatch.context() as patched:
        patched.setattr(Record, "follow", followed)
        in_blocks = ecs_fsm(*command)
    assert not read
    monkeypatch.setattr(Record, "follow_blocks", lambda *_: None)
    assert in_blocks == ecs_fsm(*command)


@pytest.mark.parametrize(
    "given", [(), ("--json",), ("--sampled",)], ids=["text", "JSON", "sampled"]
)
@pytest.mark.parametrize("order", ["newest first", "any", "two swapped", "halves"])
def test_rows_out_of_order_are_sorted_in_blocks_too(
    order: str, given: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked = walks(ECS, wrong=0.03)[:300]
    rows = [(s, 1.7e9 + 60 * (n // 5), v, k) for n, (s, _, v, k) in enumerate(walked)]
    if order == "newest first":
        rows.reverse()
    elif order == "any":
        Random(3).shuffle(rows)  # noqa: S311  # rows of a test
    elif order == "two swapped":
        rows[100], rows[160] = rows[160], rows[100]
    else:
        rows = [*rows[150:], *rows[:150]]
    paths = []
    for n in range(3):  # so that times are equal across files, runs and pieces
        paths.append(str(tmp_path / f"{n}.csv"))
        Path(paths[n]).write_text(as_csv(rows[100 * n : 100 * n + 100]), encoding="utf-8")
    command = ("replay", *given, *paths)
    monkeypatch.setattr(sorted_blocks, "RUN", 40)
    monkeypatch.setattr(sorted_blocks, "PIECE", 7)
    with monkeypatch.context() as patched:
        patched.setattr(Record, "follow", None)
        in_blocks = ecs_fsm(*command)
    monkeypatch.setattr(Record, "follow_blocks", lambda *_: None)
    assert in_blocks == ecs_fsm(*command)
    assert "--json" in given or "so sorted" in in_blocks.out


@pytest.mark.parametrize(
    "line",
    [
        "s1,1800000000,activ,",
        "s1,1800000000,active",
        "s1,soon,active,",
        '"s\n1",1800000000,active,',
    ],
    ids=["a word", "a width", "a time", "a name"],
)
def test_what_is_wrong_is_said_with_its_line(line: str) -> None:
    rows = as_csv(walks(ECS, wrong=0)[:400])
    code, out, err = ecs_fsm("replay", "-", given=rows + line + "\n")
    assert (code, out) == (2, "")
    assert f"standard input:{402 + line.count(chr(10))}: " in err


@pytest.mark.parametrize("text", [as_csv, as_json_lines])
@pytest.mark.parametrize("kind", ["a quoted name", "an empty line"])
def test_one_unusual_row_leaves_the_others_to_blocks(
    text: object, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(text)
    count = 20_000
    rows: list[tuple[str, float, str, str | None]] = []
    for n in range(count):
        rows.append((f"s{n % 50}", 1.7e9 + n, "active", (None, "rebooting")[n // 50 % 2]))
    lines = text(rows).splitlines(keepends=True)
    if kind == "an empty line":
        lines.insert(100, "\n")
    elif kind == "a quoted name":
        lines[100] = lines[100].replace("s49,", '"s49",')
    made: list[None] = []
    observed = ColumnReader._row

    def counted(*given: Any) -> Any:
        made.append(None)
        return observed(*given)

    monkeypatch.setattr(ColumnReader, "_row", counted)
    assert ecs_fsm("replay", "--summary", "-", given="".join(lines)).err == ""
    assert len(made) < count / 2


def test_open_rows_come_back_in_order_from_the_disk_too() -> None:
    chance = Random(5)  # noqa: S311  # rows of a test
    lengths = [0, 1, 40, USUAL - 10, USUAL, 5 * USUAL]
    rows: dict[int, list[str]] = {server: [] for server in range(7)}
    last = dict.fromkeys(rows, 0)
    with closing(OpenRows()) as kept:
        for number in range(2 * BUFFER // USUAL):
            server = chance.randrange(7)
            rows[server].append(f"{number} \ud800é " + "x" * chance.choice(lengths))
            last[server] = kept.add(rows[server][-1], last[server])
        for server, texts in rows.items():
            assert kept.read(last[server], len(texts)) == texts
            assert kept.read(last[server], 2) == texts[-2:]
