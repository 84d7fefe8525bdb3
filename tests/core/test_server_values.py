"""A server is a value: copied, compared, pickled, small, and independent of every other one."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest

from ecs_fsm import ECS, Lifecycle, Server, Status, TaskState, VmState


class Named(Server):
    """A user's own kind of server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tags = ["web"]


def stopping(history: bool = True) -> Server:
    server = Server.at("active", history=history)
    server.stop()
    return server


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 -- the test wrote it itself


def test_a_copy_is_a_server_of_its_own() -> None:
    for copied in (copy.copy, copy.deepcopy, pickled):
        server = stopping()
        other = copied(server)
        assert other == server
        assert type(other) is Server
        other.advance()
        assert (server.state, len(server.history)) == ("active/powering-off", 2)
        assert (other.state, len(other.history)) == ("stopped/-", 3)
        assert other != server


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_without_history_has_none_either(copied: Callable[[Server], Server]) -> None:
    other = copied(stopping(history=False))
    other.advance()
    assert (other.state, other.history) == ("stopped/-", ())


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_the_attributes_of_a_subclass_survive_a_copy(copied: Callable[[Named], Named]) -> None:
    server = Named.at("stopped")
    other = copied(server)
    assert (type(other), other.tags, other) == (Named, ["web"], server)
    assert other.start()
    assert (other.tags is server.tags) is (copied is copy.copy)


def test_a_subclass_makes_servers_of_its_own_kind() -> None:
    for server in (Named.create(), Named.at("active"), Named.from_api(stopping().to_api())):
        assert (type(server), server.tags, len(server.history)) == (Named, ["web"], 1)


def test_servers_are_equal_when_state_and_history_are() -> None:
    assert Server.at("active") == Server.at("active")
    assert Server.at("active") != Server.at("stopped")
    assert Server.at("active") != Server.at("active", history=False)
    assert stopping() != Server.at("active", "powering-off")
    assert Server.at("active") != "active/-"


def test_a_server_cannot_be_a_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Server.at("active"))


def test_a_server_says_where_it_is() -> None:
    assert repr(stopping()) == "<Server active/powering-off ACTIVE>"
    assert str(stopping().state) == "active/powering-off"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_a_state_stays_what_it_is_when_copied(copied: Callable[[Any], Any]) -> None:
    state = stopping().state
    again = copied(state)
    assert (again, again.vm_state, again.task_state, again.status) == (
        *(state, VmState.ACTIVE, TaskState.POWERING_OFF, Status.ACTIVE),
    )
    assert ECS.find("advance", again) is ECS.find("advance", state)


@pytest.mark.parametrize("name", ["vm_state", "task_state", "status", "other"])
def test_no_part_of_a_state_can_be_set(name: str) -> None:
    state = copy.copy(ECS.states["active/-"])
    with pytest.raises(AttributeError, match="cannot be set"):
        setattr(state, name, VmState.ERROR)
    assert (state.vm_state, state.task_state, state.status) == ("active", None, "ACTIVE")


@pytest.mark.parametrize("name", ["vm_state", "task_state", "status"])
def test_no_part_of_a_state_can_be_deleted(name: str) -> None:
    state = copy.copy(ECS.states["active/-"])
    with pytest.raises(AttributeError):
        delattr(state, name)


LIFE = ("stop", "advance", "start", "advance", "rebuild", "fail", "rebuild", *["advance"] * 3)


def test_servers_of_many_threads_live_the_same_life() -> None:
    together, lives = Barrier(8, timeout=120), list[Server]()

    class Fresh(Server):
        lifecycle = Lifecycle(ECS.table)

    def live() -> None:
        server = Fresh.at("active")
        together.wait()
        for event in LIFE * 2_000:
            server.trigger(event)
        lives.append(server)

    threads = [Thread(target=live) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lives == [lives[0]] * 8
    assert len(lives[0].history) == 1 + 2_000 * 11


def test_a_server_without_history_takes_at_most_150_bytes() -> None:
    Server.create(history=False)
    tracemalloc.start()
    try:
        servers = [Server.create(history=False) for _ in range(10_000)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / len(servers) <= 150


def test_a_lifecycle_is_a_value() -> None:
    again = pickle.loads(pickle.dumps(ECS))  # noqa: S301  # the test wrote it itself
    assert again == ECS == Lifecycle(ECS.table)
    assert hash(again) == hash(ECS)
    assert copy.deepcopy(ECS) is copy.copy(ECS) is ECS
    assert Lifecycle(ECS.table._replace(name="other")) != ECS
