"""What a server can do: be made, asked, refused, copied, read from the API and written for it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from ecs_fsm import (
    ECS,
    InvalidInput,
    LifecycleError,
    Refused,
    Server,
    Status,
    TaskState,
    VmState,
)
from ecs_fsm.lifecycles import server_class
from tests import facts


def stopping() -> Server:
    server = Server.at("active")
    server.stop()
    return server


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 -- the test wrote it itself


def test_a_new_server_is_being_scheduled() -> None:
    server = Server.create()
    assert (server.vm_state, server.task_state, server.status) == (
        "building",
        "scheduling",
        "BUILD",
    )
    assert server.vm_state is VmState.BUILDING
    assert server.task_state is TaskState.SCHEDULING
    assert server.status is Status.BUILD


def test_a_server_can_begin_anywhere_in_the_table() -> None:
    assert Server.at("active").state is ECS.states["active/-"]
    assert Server.at(VmState.ACTIVE, TaskState.POWERING_OFF).state == "active/powering-off"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("activ", None), "unknown vm_state 'activ'; did you mean 'active'?"),
        (("ACTIVE", None), "unknown vm_state 'ACTIVE'; did you mean 'active'?"),
        (
            ("active", "powering_off"),
            "unknown task_state 'powering_off'; did you mean 'powering-off'?",
        ),
        (("gone", None), "unknown vm_state 'gone'; known: active, building, deleted, error"),
        (("resized", "deleting"), "resized/deleting does not occur; tasks under resized: "),
    ],
    ids=["nearly a vm_state", "in capitals", "nearly a task_state", "no vm_state", "no pair"],
)
def test_a_server_cannot_begin_elsewhere(words: tuple[str, str | None], says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Server.at(*words)
    assert str(refused.value).startswith(says)


def test_a_method_and_a_trigger_by_name_do_the_same() -> None:
    asked, named = Server.at("active"), Server.at("active")
    assert asked.stop() is named.trigger("stop") is True
    assert asked == named


@pytest.mark.parametrize("name", [name for name in ECS.triggers if name != "create"])
def test_every_trigger_but_create_has_a_method(name: str) -> None:
    source = next(t.source for t in ECS.triggers[name].transitions if t.source)
    server = Server.at(source.vm_state, source.task_state)
    assert getattr(server, name)() is True
    assert server.history[-1].event == name


def test_a_server_goes_on_until_it_rests() -> None:
    server = Server.create()
    assert server.run() == "active/-"
    assert server.run() == "active/-"
    assert len(server.history) == 6


@pytest.mark.parametrize("name", ["ecs", "nova", "ec2", "cinder", "ironic"])
def test_a_server_is_made_by_each_operation_that_makes_one(name: str) -> None:
    servers = server_class(name)
    usual = servers.lifecycle.creation.trigger
    for made in servers.lifecycle.state_graph.outcomes(None):
        by, given = made.transition.trigger, dict(made.facts)
        server = servers.create(by, history=True, **given)
        assert (server.node, server.history[-1].event) == (made.end, by)
        if by == usual:
            assert servers.create(history=True, **given) == server


def test_a_server_that_exists_cannot_be_created() -> None:
    server = Server.create()
    assert not server.may("create")
    with pytest.raises(Refused) as refused:
        server.trigger("create")
    assert refused.value.reason == "the server exists already"


@pytest.mark.parametrize("ask", [Server.trigger, Server.may], ids=["trigger", "may"])
def test_an_unknown_trigger_is_not_a_refusal(ask: Callable[[Server, str], bool]) -> None:
    with pytest.raises(InvalidInput, match=r"'reboott'; did you mean 'reboot'\?"):
        ask(Server.at("active"), "reboott")


def test_what_goes_wrong_can_be_caught_as_one() -> None:
    assert issubclass(Refused, LifecycleError)
    assert issubclass(InvalidInput, LifecycleError)
    assert issubclass(InvalidInput, ValueError)


def test_a_stopped_server_cannot_be_rebooted() -> None:
    with pytest.raises(Refused) as refused:
        Server.at("stopped").reboot()
    error = refused.value
    assert (error.operation, error.state) == ("reboot", "stopped/-")
    assert (error.vm_state, error.task_state, error.status) == ("stopped", None, "SHUTOFF")
    assert error.reason == "vm_state is stopped, it is accepted under active"
    assert error.allowed == ("start", "rebuild", "resize", "delete")
    assert str(error) == (
        "reboot is refused at stopped/- (status SHUTOFF): vm_state is stopped, it is accepted "
        "under active; possible now: start, rebuild, resize, delete"
    )


@pytest.mark.parametrize(
    ("state", "operation", "reason"),
    [
        ("active/powering-off", "stop", "task powering-off is running"),
        ("active/migrating", "reboot", "task migrating is running"),
        ("error/-", "start", "vm_state is error, it is accepted under stopped"),
        (
            "building/-",
            "rebuild",
            "vm_state is building, it is accepted under active or stopped or",
        ),
        ("active/-", "advance", "no step is running that it could end"),
        ("active/rebooting", "fail", "task rebooting cannot end that way"),
    ],
)
def test_a_refusal_says_why(state: str, operation: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        Server.at(*facts.pair(state)).trigger(operation)
    assert refused.value.reason.startswith(reason)


@pytest.mark.parametrize(("asked", "step"), facts.UNDOCUMENTED.items(), ids=str)
def test_a_refusal_names_the_first_step_that_is_not_documented(
    asked: tuple[str, str], step: str
) -> None:
    operation, state = asked
    with pytest.raises(Refused) as refused:
        Server.at(*facts.pair(state)).trigger(operation)
    assert refused.value.reason == f"its first step would be {step}, a pair that is not documented"


def test_a_refusal_offers_what_a_user_may_ask_and_no_event_of_the_system() -> None:
    with pytest.raises(Refused) as refused:
        Server.at("active", "reboot_started").stop()
    assert refused.value.allowed == ("hard_reboot", "delete")


def test_a_refusal_where_nothing_can_be_asked_says_so() -> None:
    with pytest.raises(Refused, match=r"possible now: nothing that a user can ask$"):
        Server.at("deleted").delete()


def test_a_refusal_can_be_pickled() -> None:
    with pytest.raises(Refused) as refused:
        Server.at("active", "migrating").stop()
    again = pickled(refused.value)
    assert (str(again), vars(again)) == (str(refused.value), vars(refused.value))


def test_a_refused_event_changes_nothing() -> None:
    server, told = stopping(), list[Any]()
    before = copy.copy(server)
    server.observe(told.append)
    with pytest.raises(Refused):
        server.stop()
    assert server == before
    assert told == []
