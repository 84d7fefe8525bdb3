"""The self-checks of a table: each mistake that can be made in one is refused, naming the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from ecs_fsm import InvalidTable, Lifecycle
from ecs_fsm.core.model import Kind, Rows, Surprise, Table
from ecs_fsm.core.word import Word
from ecs_fsm.lifecycles.ecs.table import PAIRS, TABLE
from ecs_fsm.lifecycles.nova.table import TABLE as NOVA_TABLE

MIGRATING = ("active", "migrating", "MIGRATING")


def with_rows(*added: Rows, **paths: Mapping[str, str]) -> Table:
    """The table with other paths for some triggers and with rows added."""
    rows = [row._replace(paths=paths.get(row.name, row.paths)) for row in TABLE.rows]
    return TABLE._replace(rows=[*rows, *added])


def with_pair(row: tuple[str, ...], replaces: tuple[str, ...] = MIGRATING) -> Table:
    """The table with another row of pairs."""
    rows = [row if pair == replaces else pair for pair in PAIRS]
    return TABLE._replace(pairs=cast(list[tuple[str, str, str]], rows))


def without(trigger: str) -> Table:
    return TABLE._replace(rows=[row for row in TABLE.rows if row.name != trigger])


def paths_of(trigger: str) -> Mapping[str, str]:
    return next(row.paths for row in TABLE.rows if row.name == trigger)


def longer(words: type[Word], spelling: str, meaning: str) -> type[Word]:
    """The enumeration with one word more."""
    members = [(word.name, (word.value, word.meaning)) for word in words]
    make = cast(Any, Word)
    return cast(
        type[Word], make(words.__name__, [*members, (spelling.upper(), (spelling, meaning))])
    )


NAMES = "cannot be the name of a method"
MISTAKES: dict[str, tuple[Table, tuple[str, ...]]] = {
    "a name with a hyphen": (
        with_rows(next(r for r in TABLE.rows if r.name == "stop")._replace(name="power-off")),
        (f"'power-off' {NAMES}",),
    ),
    "a name that is a word of Python": (
        with_rows(next(r for r in TABLE.rows if r.name == "stop")._replace(name="pass")),
        (f"'pass' {NAMES}",),
    ),
    "a name that methods of every server have": (
        with_rows(next(r for r in TABLE.rows if r.name == "stop")._replace(name="may_stop")),
        ("'may_stop': a name that begins so is taken",),
    ),
    "a path leaves the pairs": (
        with_rows(stop={"active/-": "active/networking -> stopped/-"}),
        ("stop", "'active/-': 'active/networking -> stopped/-'", "active/networking is not one of"),
    ),
    "a source lies outside the pairs": (
        with_rows(stop={"active/networking": "stopped/-"}),
        ("stop", "'active/networking': 'stopped/-'", "active/networking is not one of the 36"),
    ),
    "a path names no state": (
        with_rows(stop={"active/-": "active/powering-off -> stopped"}),
        ("stop", "'active/powering-off -> stopped'", "write vm_state/task_state"),
    ),
    "a source names no state": (
        with_rows(stop={"active": "stopped/-"}),
        ("stop", "'active' is not a state", "write vm_state/task_state"),
    ),
    "a vm_state is misspelt": (
        with_pair(("activ", "migrating", "MIGRATING")),
        ("pairs ('activ', 'migrating', 'MIGRATING')", "vm_state 'activ'", "did you mean 'active'?"),
    ),
    "a task_state is misspelt": (
        with_pair(("active", "migratin", "MIGRATING")),
        ("pairs ('active', 'migratin'", "task_state 'migratin'", "did you mean 'migrating'?"),
    ),
    "a status is misspelt": (
        with_pair(("active", "migrating", "migrating")),
        ("pairs ('active', 'migrating'", "status 'migrating'", "did you mean 'MIGRATING'?"),
    ),
    "a pair has no status": (
        with_pair(("active", "migrating", "")),
        ("pairs ('active', 'migrating', '')", "unknown status ''"),
    ),
    "a row of pairs has no column for the status": (
        with_pair(("active", "migrating")),
        ("('active', 'migrating')",),
    ),
    "a pair stands twice in a row": (
        with_pair(("active", "migrating, migrating", "MIGRATING")),
        ("pairs", "active/migrating stands there 2 times"),
    ),
    "a pair stands in two rows": (
        TABLE._replace(pairs=[*PAIRS, ("active", "migrating", "ACTIVE")]),
        ("pairs", "active/migrating stands there 2 times"),
    ),
    "a trigger has two transitions at one source": (
        with_rows(stop={"active/-": "stopped/-", "active/-, migrating": "error/-"}),
        ("stop, 'active/-, migrating'", "for stop at active/-: to stopped/- and to error/-"),
    ),
    "a source is named twice": (
        with_rows(stop={"active/-, -": "stopped/-"}),
        ("stop, 'active/-, -'", "two transitions for stop at active/-"),
    ),
    "two paths go on differently from one state": (
        with_rows(live_migrate={"active/-": "active/migrating -> active/deleting -> error/-"}),
        ("delete", "two transitions for advance at active/deleting: to error/- and to deleted/-"),
    ),
    "a trigger is written twice": (
        with_rows(Rows("stop", Kind.REQUEST, "Stop.", {"error/-": "stopped/-"})),
        ("stop",),
    ),
    "nothing reaches a state": (
        without("live_migrate"),
        ("pairs ('active', 'migrating', 'MIGRATING')", "nothing reaches active/migrating"),
    ),
    "nothing makes a server": (
        without("create"),
        ("nothing makes a server", "nothing reaches building/scheduling"),
    ),
    "a task has no way out": (
        with_rows(
            revert_resize={"resized/-": "resized/resize_reverting"},
            fail={**paths_of("fail"), "resized/-, resize_reverting": "resized/resize_reverting"},
        ),
        ("pairs ('resized', 'resize_reverting', 'REVERT_RESIZE')", "has no way out"),
    ),
    "a task only leads to itself by the system": (
        with_rows(live_migrate={"active/-": "active/migrating -> active/migrating"}),
        ("advance", "goes round", "active/migrating"),
    ),
    "the system goes round through two tasks": (
        with_rows(
            live_migrate={"active/-": "active/migrating -> active/deleting -> active/migrating"},
            delete={"active, stopped, error/any": "error/deleting -> deleted/-"},
        ),
        ("advance", "goes round", "active/migrating"),
    ),
    "the event for the arrows of a path is none": (
        TABLE._replace(advance="proceed"),
        ("proceed",),
    ),
    "nobody uses a vm_state": (
        TABLE._replace(vm_states=longer(TABLE.vm_states, "frozen", "It is cold.")),
        ("VmState.FROZEN: no pair has this vm_state",),
    ),
    "nobody uses a task_state": (
        TABLE._replace(task_states=longer(TABLE.task_states, "freezing", "It gets cold.")),
        ("TaskState.FREEZING: no pair has this task_state",),
    ),
    "nobody uses a status": (
        TABLE._replace(statuses=longer(TABLE.statuses, "FROZEN", "It is cold.")),
        ("Status.FROZEN: no pair has this status",),
    ),
    "an undocumented step is one of no operation": (
        TABLE._replace(undocumented={("resise", "active"): "active/resize_prep"}),
        ("undocumented", "'resise'"),
    ),
    "an undocumented step belongs to an event of the system": (
        TABLE._replace(undocumented={("fail", "active"): "active/resize_prep"}),
        ("undocumented", "unknown operation 'fail'"),
    ),
    "an undocumented step lies under no vm_state": (
        TABLE._replace(undocumented={("resize", "activ"): "active/resize_prep"}),
        ("undocumented", "vm_state 'activ'"),
    ),
    "a surprise is about nothing": (
        TABLE._replace(surprises=[Surprise("Two clocks differ.", ("stop", "stopp"))]),
        ("surprise 'Two clocks differ.'", "there is no 'stopp'"),
    ),
}


@pytest.mark.parametrize(("table", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_table_is_refused_where(table: Table, says: tuple[str, ...]) -> None:
    with pytest.raises(InvalidTable) as refused:
        Lifecycle(table)
    message = str(refused.value)
    assert [part for part in says if part not in message] == [], message


def test_the_table_itself_passes_its_checks() -> None:
    assert len(Lifecycle(TABLE).states) == 36


@pytest.mark.parametrize("part", ["scope", "implied"])
def test_a_fact_at_a_place_that_there_is_not_is_one_of_the_faults(part: str) -> None:
    first = NOVA_TABLE.facts[0]
    wrong = {"scope": "nowhere/-"} if part == "scope" else {"implied": {"nowhere/-": "active"}}
    facts = [first._replace(**wrong), *NOVA_TABLE.facts[1:]]
    with pytest.raises(InvalidTable) as refused:
        Lifecycle(NOVA_TABLE._replace(facts=facts))
    assert "facts: nowhere/- is not one of the 150 pairs" in str(refused.value)
    assert refused.value.faults[0].path[:3] == ("facts", "was", part)
