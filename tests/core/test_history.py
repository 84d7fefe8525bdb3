"""What a server remembers, whom it tells, and how it is read from the API and written for it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from ecs_fsm import InvalidInput, Refused, Server, TaskState, VmState
from ecs_fsm.core.model import Change
from tests import facts
from tests.core.test_table import entered


def broken(change: Change) -> None:
    """An observer that raises."""
    raise IndexError(change.event)


def test_a_history_begins_with_the_creation() -> None:
    (first,) = Server.create().history
    assert first == ("create", "building", "scheduling", "BUILD")


def test_a_history_begins_without_an_event_where_a_server_was_put() -> None:
    (first,) = Server.at("stopped").history
    assert first == (None, "stopped", None, "SHUTOFF")
    (first,) = Server.from_api(Server.at("stopped").to_api()).history
    assert first.event is None


def test_a_history_holds_every_state_that_was_entered_with_its_event() -> None:
    server = Server.at("stopped", "rebuild_spawning")
    server.advance()
    server.roll_back()
    assert server.history == (
        (None, "stopped", "rebuild_spawning", "REBUILD"),
        ("advance", "active", None, "ACTIVE"),
        ("advance", "active", "powering-off", "ACTIVE"),
        ("roll_back", "active", None, "ACTIVE"),
    )


def test_a_history_that_was_handed_out_does_not_grow() -> None:
    server = Server.at("active")
    before = server.history
    server.stop()
    assert (len(before), len(server.history)) == (1, 2)


def test_a_server_without_history_lives_but_remembers_nothing() -> None:
    api = {"server": Server.at("active").to_api()}
    for server in (
        Server.at("active", history=False),
        Server.from_api(api, history=False),
        Server.create(history=False),
    ):
        server.run()
        server.stop()
        assert (server.run(), server.history) == ("stopped/-", ())


def test_a_history_prints_as_a_table() -> None:
    server = Server.at("building", "spawning")
    server.fail()
    server.rebuild()
    assert str(server.history).splitlines() == [
        "event     vm_state   task_state   status",
        "-         building   spawning     BUILD",
        "fail      error      -            ERROR",
        "rebuild   error      rebuilding   REBUILD",
    ]
    assert not str(server.history).endswith("\n")


def test_an_observer_sees_each_change_from_now_on() -> None:
    server, told = Server.create(), list[Change]()
    server.advance()
    assert server.observe(told.append) == told.append
    server.advance()
    server.fail()
    assert [(c.event, c.vm_state, c.task_state) for c in told] == [
        ("advance", "building", "networking"),
        ("fail", "error", None),
    ]


def test_observers_are_called_in_their_order_once_the_event_is_complete() -> None:
    server, told = Server.at("active", "rebuilding"), list[tuple[str, str | None, str]]()
    server.observe(lambda change: told.append(("first", change.task_state, server.state)))
    server.observe(lambda change: told.append(("second", change.task_state, server.state)))
    server.fail()
    assert told == [
        ("first", "rebuilding", "error/-"),
        ("second", "rebuilding", "error/-"),
        ("first", None, "error/-"),
        ("second", None, "error/-"),
    ]


def test_an_observer_that_raises_undoes_nothing_and_the_others_are_called() -> None:
    server, told = Server.at("active"), list[Change]()
    server.observe(broken)
    server.observe(told.append)
    with pytest.raises(IndexError):
        server.stop()
    assert entered(server) == ["active/-", "active/powering-off"]
    assert tuple(told) == server.history[1:]
    with pytest.raises(IndexError):
        server.advance()
    assert tuple(told) == server.history[1:]


def test_what_several_observers_raise_reaches_the_caller_together() -> None:
    server = Server.at("active")
    server.observe(broken)
    server.observe(lambda change: {}[change])
    with pytest.raises(ExceptionGroup) as raised:
        server.stop()
    assert [type(error) for error in raised.value.exceptions] == [IndexError, KeyError]
    assert server.state == "active/powering-off"


def test_an_event_inside_an_observer_is_observed_after_the_one_it_follows() -> None:
    server, told = Server.at("active"), list[tuple[str, str | None]]()

    def go_on(change: Change) -> None:
        told.append(("first", change.event))
        if change.task_state is TaskState.POWERING_OFF:
            server.advance()
            server.start()

    server.observe(go_on)
    server.observe(lambda change: told.append(("second", change.event)))
    server.stop()
    events = ["stop", "advance", "start"]
    assert told == [(who, event) for event in events for who in ("first", "second")]
    assert [change.event for change in server.history] == [None, *events]


def test_a_refused_event_inside_an_observer_reaches_the_caller() -> None:
    server = Server.at("active")
    server.observe(lambda change: server.stop())
    with pytest.raises(Refused, match="stop is refused at active/powering-off"):
        server.stop()
    assert server.state == "active/powering-off"


def test_an_observer_hears_of_a_server_without_history_too() -> None:
    server, told = Server.at("active", history=False), list[Change]()
    server.observe(told.append)
    server.stop()
    assert told == [("stop", "active", "powering-off", "ACTIVE")]


def test_observers_are_neither_copied_nor_pickled() -> None:
    server, told = Server.at("active"), list[Change]()
    server.observe(lambda change: told.append(change))  # noqa: PLW0108 -- no lambda can be pickled
    others = [copy.copy(server), copy.deepcopy(server)]
    others.append(pickle.loads(pickle.dumps(server)))  # noqa: S301 -- the test wrote it itself
    for other in others:
        assert other.stop()
    assert told == []
    server.stop()
    assert len(told) == 1


@pytest.mark.parametrize("row", facts.STATUS_TABLE, ids=facts.STATES)
def test_a_server_is_written_for_the_api_and_read_back(row: tuple[str, str | None, str]) -> None:
    vm_state, task_state, status = row
    answer = {
        "status": status,
        "OS-EXT-STS:vm_state": vm_state,
        "OS-EXT-STS:task_state": task_state,
    }
    server = Server.at(vm_state, task_state)
    assert server.to_api() == answer
    assert {type(word) for word in server.to_api().values()} <= {str, type(None)}
    for given in (answer, {"server": answer}, {"id": "3f", "flavor": {"ram": 1}, **answer}):
        assert Server.from_api(given).state is server.state


def answered(**changed: object) -> dict[str, object]:
    """An answer of the API for a running server, with some of it changed."""
    full = {"status": "ACTIVE", "vm_state": "active", "task_state": None} | changed
    return {name if name == "status" else f"OS-EXT-STS:{name}": full[name] for name in full}


def lacking(name: str) -> dict[str, object]:
    return {key: word for key, word in answered().items() if key != name}


WRONG: dict[str, tuple[Any, str]] = {
    "no status": (lacking("status"), "the answer has no 'status'"),
    "no vm_state": (lacking("OS-EXT-STS:vm_state"), "has no 'OS-EXT-STS:vm_state'"),
    "no task_state": (lacking("OS-EXT-STS:task_state"), "has no 'OS-EXT-STS:task_state'"),
    "nothing": ({}, "the answer has no 'status'"),
    "an empty server": ({"server": {}}, "the answer has no 'status'"),
    "another status": (
        answered(status="SHUTOFF"),
        "'SHUTOFF' contradicts active/-, which shows ACT",
    ),
    "an unknown status": (answered(status="PAUSED"), "'PAUSED' contradicts active/-"),
    "a misspelt vm_state": (answered(vm_state="Active"), "did you mean 'active'?"),
    "a misspelt task_state": (answered(task_state="powering_off"), "did you mean 'powering-off'?"),
    "no pair": (answered(task_state="spawning"), "active/spawning does not occur; tasks under"),
    "a null status": (answered(status=None), "status is None; a word of the API was expected"),
    "a null vm_state": (answered(vm_state=None), "vm_state is None; a word of the API"),
    "a number for a task": (answered(task_state=0), "task_state is 0; a word of the API"),
    "a list for a vm_state": (answered(vm_state=["active"]), r"vm_state is ['active']; a word"),
    "a list of servers": ([answered()], "an answer of the API is a mapping, not list"),
    "a list in the server": ({"server": [answered()]}, "is a mapping, not list"),
    "a null server": ({"server": None}, "is a mapping, not NoneType"),
    "text": ("active", "is a mapping, not str"),
}


@pytest.mark.parametrize(("answer", "says"), WRONG.values(), ids=WRONG)
def test_an_answer_that_is_none_of_the_api_is_refused(
    answer: Mapping[str, object], says: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Server.from_api(answer)
    assert says in str(refused.value)


def test_an_answer_that_was_read_is_not_changed() -> None:
    answer = {"server": answered()}
    Server.from_api(answer).stop()
    assert answer == {"server": answered()}
    assert Server.from_api(answer).vm_state is VmState.ACTIVE
