"""The machine is a real `transitions.Machine`: what the library documents works on every server.

Callbacks are added after the same event ran without any, and removed again: a machine may remember
what an event comes to, but has to forget it in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
import transitions

from ecs_fsm import ECS, BaseServer, Lifecycle, Refused, Server, UnknownFact
from ecs_fsm.core.machine import LifecycleMachine
from ecs_fsm.core.model import AnyChange, Change, State, Transition
from ecs_fsm.lifecycles.ecs.table import TABLE
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.nova import Server as NovaServer
from tests import facts
from tests.core.test_table import ALLOWED, entered


def with_own_machine() -> type[Server]:
    class FreshServer(Server):
        lifecycle = Lifecycle(TABLE)

    return FreshServer


@pytest.fixture
def fresh() -> type[Server]:
    """Servers on a machine of their own, which a test may put callbacks on."""
    return with_own_machine()


@pytest.fixture
def machine(fresh: type[Server]) -> LifecycleMachine:
    return fresh.lifecycle.machine


@pytest.fixture(autouse=True)
def nothing_left_on_the_shared_machine() -> Iterator[None]:
    yield
    states = ECS.machine.states.values()
    assert not any([ECS.machine.before_state_change, *(s.on_enter + s.on_exit for s in states)])


def servers_of(lifecycle: Lifecycle) -> type[BaseServer]:
    """Servers of the same table on a machine of their own."""
    own = Lifecycle(lifecycle.table)

    class OwnServer(BaseServer):
        lifecycle = own

    return OwnServer


SERVERS: dict[Lifecycle, type[BaseServer]] = {ECS: Server, NOVA: NovaServer}


def stop_and_start(servers: type[Server]) -> None:
    """One server that is stopped and started: each step of it succeeds."""
    server = servers.at("active")
    assert all([server.stop(), server.advance(), server.start(), server.advance()])


def noop() -> None:
    """A callback that only makes the machine go the whole way."""


def test_the_machine_is_flat_and_has_no_transitions_of_its_own() -> None:
    assert isinstance(ECS.machine, transitions.Machine)
    assert list(ECS.machine.states) == facts.STATES
    assert list(ECS.machine.events) == [n for n in ECS.triggers if n != "create"]
    arrows = {(t.source, t.dest) for t in ECS.machine.get_transitions("fail")}
    assert arrows == {(s, path[-1]) for (n, s), path in ALLOWED.items() if n == "fail"}


@pytest.mark.parametrize("row", facts.STATUS_TABLE, ids=facts.STATES)
def test_a_state_of_the_machine_carries_its_parts(row: tuple[str, str | None, str]) -> None:
    vm_state, task_state, _ = row
    state = ECS.machine.get_state(f"{vm_state}/{task_state or '-'}")
    assert (state.vm_state, state.task_state, state.status) == row


def test_only_a_deleted_server_is_at_a_final_state() -> None:
    assert [s.name for s in ECS.machine.states.values() if s.final] == ["deleted/-"]


OWNERS: dict[str, Callable[[LifecycleMachine], Any]] = {
    "state left": lambda m: m.get_state("active/-"),
    "state entered": lambda m: m.get_state("active/powering-off"),
    "transition": lambda m: m.get_transitions("stop", "active/-")[0],
    "machine": lambda m: m,
}
LISTS = [
    *[("state left", "on_exit"), ("state entered", "on_enter")],
    *product(["transition"], ["prepare", "conditions", "before", "after"]),
    *product(
        ["machine"],
        ["prepare_event", "before_state_change", "after_state_change", "finalize_event"],
    ),
]
ADDED: dict[str, Callable[[Any, str, object], object]] = {
    "appended": lambda owner, name, it: getattr(owner, name).append(it),
    "extended": lambda owner, name, it: getattr(owner, name).extend([it]),
    "inserted": lambda owner, name, it: getattr(owner, name).insert(0, it),
    "slice": lambda owner, name, it: getattr(owner, name).__setitem__(slice(0, 0), [it]),
    "in place": lambda owner, name, it: getattr(owner, name).__iadd__([it]),
    "assigned": lambda owner, name, it: setattr(owner, name, [it]),
}
REMOVED: dict[str, Callable[[Any, str], object]] = {
    "cleared": lambda owner, name: getattr(owner, name).clear(),
    "popped": lambda owner, name: getattr(owner, name).pop(),
    "removed": lambda owner, name: getattr(owner, name).remove(getattr(owner, name)[0]),
    "deleted": lambda owner, name: getattr(owner, name).__delitem__(0),
    "assigned": lambda owner, name: setattr(owner, name, []),
}


@pytest.mark.parametrize(("owner", "name"), LISTS, ids=[name for _, name in LISTS])
@pytest.mark.parametrize("add", ADDED.values(), ids=ADDED)
@pytest.mark.parametrize("remove", REMOVED.values(), ids=REMOVED)
def test_a_callback_fires_from_when_it_is_added_until_it_is_removed(
    fresh: type[Server],
    owner: str,
    name: str,
    add: Callable[[Any, str, object], object],
    remove: Callable[[Any, str], object],
) -> None:
    machine, calls = fresh.lifecycle.machine, list[str]()

    def callback() -> bool:
        calls.append(name)
        return True

    stop_and_start(fresh)
    condition = machine.transition_cls.condition_cls(callback)
    add(OWNERS[owner](machine), name, condition if name == "conditions" else callback)
    assert fresh.at("active").stop()
    assert calls == [name]
    stop_and_start(fresh)
    added = len(calls)
    remove(OWNERS[owner](machine), name)
    stop_and_start(fresh)
    assert added > 1
    assert len(calls) == added


@pytest.mark.parametrize(
    "name",
    [
        "on_exit_active/-",
        "on_enter_active/powering-off",
        "before_stop",
        "after_stop",
        "prepare_stop",
    ],
)
def test_a_callback_can_be_added_by_the_name_of_its_place(fresh: type[Server], name: str) -> None:
    calls: list[str] = []
    stop_and_start(fresh)
    getattr(fresh.lifecycle.machine, name)(lambda: calls.append(name))
    stop_and_start(fresh)
    assert calls == [name]


@pytest.mark.parametrize("name", ["enter", "exit"])
def test_a_callback_can_be_added_to_a_state(fresh: type[Server], name: str) -> None:
    calls: list[str] = []
    stop_and_start(fresh)
    fresh.lifecycle.machine.get_state("stopped/-").add_callback(name, lambda: calls.append(name))
    stop_and_start(fresh)
    assert calls == [name]


@pytest.mark.parametrize("name", ["before", "after", "prepare"])
def test_a_callback_can_be_added_to_an_event(fresh: type[Server], name: str) -> None:
    calls: list[Any] = []
    stop_and_start(fresh)
    fresh.lifecycle.machine.events["advance"].add_callback(name, lambda: calls.append(name))
    stop_and_start(fresh)
    assert calls == [name, name]


@pytest.mark.parametrize(("wanted", "happens"), [(True, False), (False, True)])
def test_a_condition_that_fails_stops_the_event_and_changes_nothing(
    fresh: type[Server], wanted: bool, happens: bool
) -> None:
    stop_and_start(fresh)
    (stop,) = fresh.lifecycle.machine.get_transitions("stop")
    stop.conditions.append(stop.condition_cls(lambda: False, wanted))
    server = fresh.at("active")
    assert (server.may("stop"), "stop" in server.triggers()) == (happens, happens)
    assert server.stop() is happens
    assert entered(server) == ["active/-", "active/powering-off"][: 1 + happens]


def test_on_final_fires_when_a_server_is_deleted(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    calls: list[str] = []
    server = fresh.at("active")
    assert all([server.delete(), server.advance()])
    machine.on_final.append(lambda: calls.append("gone"))
    server = fresh.at("active")
    server.delete()
    assert calls == []
    server.advance()
    assert calls == ["gone"]


def test_a_callback_by_name_is_a_method_of_the_server() -> None:
    class Counting(Server):
        lifecycle = Lifecycle(TABLE)
        stops = 0

        def count(self) -> None:
            self.stops += 1

    Counting.lifecycle.machine.before_stop("count")
    server = Counting.at("active")
    server.stop()
    assert server.stops == 1


def test_send_event_hands_the_event_and_its_server_over(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    heard: list[Any] = []
    machine.send_event = True
    machine.after_stop(heard.append)
    server = fresh.at("active")
    server.stop()
    (event,) = heard
    assert event.model is server
    assert (event.event.name, event.state.name) == ("stop", "active/powering-off")


def test_callbacks_of_an_event_that_enters_two_states_fire_in_their_order(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server, order = fresh.at("active", "rebuilding"), list[tuple[str, str]]()
    for name in (
        *("before_fail", "on_exit_active/rebuilding", "on_enter_error/rebuilding"),
        *("on_exit_error/rebuilding", "on_enter_error/-", "after_fail"),
    ):
        getattr(machine, name)(lambda name=name: order.append((name, str(server.state))))
    assert server.fail()
    assert order == [
        ("before_fail", "active/rebuilding"),
        ("on_exit_active/rebuilding", "active/rebuilding"),
        ("on_enter_error/rebuilding", "error/rebuilding"),
        ("on_exit_error/rebuilding", "error/rebuilding"),
        ("on_enter_error/-", "error/-"),
        ("after_fail", "error/-"),
    ]


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_a_machine_is_built_on_first_use_and_changes_nothing_for_servers(
    lifecycle: Lifecycle,
) -> None:
    def answers(servers: type[BaseServer]) -> list[object]:
        made = [servers(servers.lifecycle.found(state)) for state in lifecycle.states.values()]
        return [
            *(server.triggers() for server in made),
            *(server.may(name) for server in made for name in lifecycle.triggers),
        ]

    servers = servers_of(lifecycle)
    before = answers(servers)
    assert servers.lifecycle.built_machine is None
    assert servers.lifecycle.machine is servers.lifecycle.built_machine
    assert answers(servers) == before


def test_a_callback_fires_in_a_server_that_lived_before_there_was_a_machine(
    fresh: type[Server],
) -> None:
    server, calls = fresh.at("active"), list[str]()
    assert all([server.stop(), server.advance(), server.start(), server.advance()])
    assert fresh.lifecycle.built_machine is None
    fresh.lifecycle.machine.before_stop(lambda: calls.append("stop"))
    assert all([server.stop(), server.advance()])
    assert calls == ["stop"]


TRIGGERS = [(lifecycle, name) for lifecycle in (ECS, NOVA) for name in lifecycle.triggers]


@pytest.mark.parametrize(("lifecycle", "trigger"), TRIGGERS, ids=str)
def test_an_event_triggered_at_the_machine_does_what_the_server_does(
    lifecycle: Lifecycle, trigger: str
) -> None:
    for transition in lifecycle.triggers[trigger].transitions:
        if transition.source is not None:
            at_the_server, at_the_machine = lives(lifecycle, transition, transition.source)
            assert at_the_server == at_the_machine


def lives(
    lifecycle: Lifecycle, transition: Transition, source: State
) -> Iterator[tuple[object, ...]]:
    """What an event comes to when a server is asked, and when the machine is."""
    known = {name: v for name, v in transition.when if lifecycle.memory.open(name, source)}
    for machine in (False, True):
        server, changes = SERVERS[lifecycle](lifecycle.place(source, known)), list[AnyChange]()
        server.observe(changes.append)
        try:
            if machine:
                happened: object = lifecycle.machine.events[transition.trigger].trigger(server)
            else:
                happened = server.trigger(transition.trigger)
        except (Refused, UnknownFact) as error:
            happened = str(error)
        yield transition, happened, server.node, server.history, changes


REMEMBERED, IN_FULL = with_own_machine(), with_own_machine()
IN_FULL.lifecycle.machine.before_state_change = noop
MOVES = [t for t in ECS.transitions if t.source is not None]


@pytest.mark.parametrize("move", MOVES, ids=[f"{t.trigger} at {t.source}" for t in MOVES])
def test_an_event_does_the_same_remembered_and_in_full(move: Transition) -> None:
    lives: list[tuple[object, ...]] = []
    for servers, _ in product((REMEMBERED, IN_FULL), range(2)):
        server, told = servers.at(*facts.pair(str(move.source))), list[Change]()
        server.observe(told.append)
        happened = server.trigger(move.trigger)
        lives.append((happened, server.state, server.history, told, server.triggers()))
    assert lives == [lives[0]] * 4
