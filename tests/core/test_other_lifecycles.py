"""Nothing assumes that there is one lifecycle: new operations, and a domain of its own."""

from __future__ import annotations

import ast

import pytest

from ecs_fsm import BaseServer, InvalidInput, InvalidTable, Lifecycle, Refused
from ecs_fsm.lifecycles import NO_SERVER, Kind, Rows, Surprise, Table, Word
from ecs_fsm.lifecycles.ecs.table import ECS, PAIRS, TABLE
from ecs_fsm.lifecycles.generate import server_module
from tests.core.test_validation import longer


def test_a_new_operation_is_a_few_rows() -> None:
    with_words = TABLE._replace(
        vm_states=longer(TABLE.vm_states, "suspended", "The server sleeps."),
        task_states=longer(TABLE.task_states, "suspending", "The guest falls asleep."),
        statuses=longer(TABLE.statuses, "SUSPENDED", "The server sleeps."),
    )

    class Sleeper(BaseServer):
        lifecycle = Lifecycle(
            with_words._replace(
                pairs=[
                    *PAIRS,
                    ("active", "suspending", "ACTIVE"),
                    ("suspended", "-", "SUSPENDED"),
                ],
                rows=[
                    *TABLE.rows,
                    Rows(
                        "suspend",
                        Kind.REQUEST,
                        "Send the server to sleep.",
                        {"active/-": "active/suspending -> suspended/-"},
                    ),
                ],
            )
        )

    server = Sleeper.at("active")
    assert server.trigger("suspend")
    assert server.run() == "suspended/-"
    assert [change.status for change in server.history] == ["ACTIVE", "ACTIVE", "SUSPENDED"]
    assert "suspend" in Sleeper.at("active").triggers()
    with pytest.raises(Refused, match="vm_state is stopped, it is accepted under active"):
        Sleeper.at("stopped").trigger("suspend")


class Leaf(Word):
    """Where the door is."""

    OPEN = "open", "One can walk through."
    SHUT = "shut", "One cannot walk through."


class Motion(Word):
    """What it is doing."""

    SWINGING = "swinging", "It moves."


class Lamp(Word):
    """What one sees from afar."""

    GREEN = "GREEN", "Come."
    RED = "RED", "Wait."


class Door(BaseServer):
    """A lifecycle that shares no word with a server's."""

    lifecycle = Lifecycle(
        Table(
            name="door",
            vm_states=Leaf,
            task_states=Motion,
            statuses=Lamp,
            pairs=[("open", "-", "GREEN"), ("shut", "-, swinging", "RED")],
            groups={},
            rows=[
                Rows("install", Kind.REQUEST, "Hang it.", {NO_SERVER: "shut/-"}),
                Rows("pull", Kind.REQUEST, "Open it.", {"shut/-": "shut/swinging -> open/-"}),
                Rows("push", Kind.REQUEST, "Close it.", {"open/-": "shut/swinging + shut/-"}),
                Rows("swing", Kind.PROGRESS, "It moves on.", {}),
                Rows("jam", Kind.FAILURE, "It gets stuck.", {"shut/swinging": "shut/-"}),
            ],
            advance="swing",
            undocumented={("pull", "open"): "open/swinging"},
            surprises=[Surprise("It is red while it opens.", ("pull", "RED"))],
        )
    )


def test_a_lifecycle_of_another_domain_runs_like_the_first() -> None:
    door = Door.create()
    assert door.trigger("pull")
    assert (door.state, door.status, door.triggers()) == (
        "shut/swinging",
        Lamp.RED,
        ["swing", "jam"],
    )
    assert door.run() == "open/-"
    door.trigger("push")
    assert [change.event for change in door.history] == ["install", "pull", "swing", "push", "push"]
    assert Door.from_api(door.to_api()).state is Door.lifecycle.states["shut/-"]


def test_a_lifecycle_of_another_domain_refuses_in_its_own_words() -> None:
    with pytest.raises(Refused) as refused:
        Door.at("open").trigger("pull")
    assert str(refused.value) == (
        "pull is refused at open/- (status GREEN): its first step would be open/swinging, "
        "a pair that is not documented; possible now: push"
    )
    with pytest.raises(InvalidInput, match="unknown vm_state 'active'; known: open, shut"):
        Door.at("active")


def test_a_module_with_methods_is_written_for_a_lifecycle_of_another_domain() -> None:
    written = server_module(Door.lifecycle, "house.door")
    (server,) = [node for node in ast.parse(written).body if isinstance(node, ast.ClassDef)]
    methods = [node.name for node in server.body if isinstance(node, ast.FunctionDef)]
    named = ["pull", "push", "swing", "jam"]
    assert methods == [method for name in named for method in (name, f"may_{name}")]
    assert "from house.door.table import DOOR" in written


def test_any_but_some_are_all_the_others() -> None:
    notation = ECS.notation
    every = [source.state for source in notation.sources("active/any")]
    but = [source.state for source in notation.sources("active/any but -, migrating")]
    assert but == [state for state in every if state not in ("active/-", "active/migrating")]
    with_group = [source.state for source in notation.sources("stopped/any but RESIZE")]
    assert "stopped/resize_prep" not in with_group
    assert "stopped/rebuilding" in with_group


def test_a_step_cannot_both_end_and_never_end() -> None:
    rows = [
        row._replace(paths={"stopped/powering-on": ""}) if row.name == TABLE.advance else row
        for row in TABLE.rows
    ]
    with pytest.raises(InvalidTable, match="two transitions for advance at stopped/powering-on"):
        Lifecycle(TABLE._replace(rows=rows))
