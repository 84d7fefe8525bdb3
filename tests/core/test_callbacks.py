"""Callbacks that raise, swallow, or trigger further events; and models other than servers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
import transitions

from ecs_fsm import Refused, Server
from ecs_fsm.core.machine import LifecycleMachine
from ecs_fsm.core.model import Change
from tests import facts
from tests.core.test_machine import noop, stop_and_start, with_own_machine
from tests.core.test_table import ALLOWED, entered


@pytest.fixture
def fresh() -> type[Server]:
    """Servers on a machine of their own, which a test may put callbacks on."""
    return with_own_machine()


@pytest.fixture
def machine(fresh: type[Server]) -> LifecycleMachine:
    return fresh.lifecycle.machine


class Broken(Exception):
    """What the callbacks of these tests raise."""


def broken() -> NoReturn:
    raise Broken


def failing(machine: LifecycleMachine) -> Any:
    (transition,) = machine.get_transitions("fail", "stopped/deleting")
    return transition


RAISING: dict[str, Callable[[LifecycleMachine], list[Any]]] = {
    "prepare_event": lambda m: m.prepare_event,
    "prepare": lambda m: failing(m).prepare,
    "condition": lambda m: failing(m).conditions,
    "before_state_change": lambda m: m.before_state_change,
    "before": lambda m: failing(m).before,
    "on_exit of the source": lambda m: m.get_state("stopped/deleting").on_exit,
    "on_enter of the first state": lambda m: m.get_state("error/deleting").on_enter,
    "on_exit of the first state": lambda m: m.get_state("error/deleting").on_exit,
    "on_enter of the second state": lambda m: m.get_state("error/-").on_enter,
    "after": lambda m: failing(m).after,
    "after_state_change": lambda m: m.after_state_change,
}


@pytest.mark.parametrize("swallowed", [False, True], ids=["raised", "swallowed"])
@pytest.mark.parametrize(("name", "callbacks"), RAISING.items(), ids=RAISING)
def test_a_callback_that_raises_leaves_everything_as_it_was(
    machine: LifecycleMachine,
    fresh: type[Server],
    name: str,
    callbacks: Callable[[LifecycleMachine], list[Any]],
    swallowed: bool,
) -> None:
    server, silent = fresh.at("stopped"), fresh.at("stopped", "deleting", history=False)
    server.delete()
    before, told = copy.copy(server), list[Change]()
    server.observe(told.append)
    condition = machine.transition_cls.condition_cls(broken)
    callbacks(machine).append(condition if name == "condition" else broken)
    for victim in (server, silent):
        if swallowed:
            machine.on_exception = noop
            assert victim.fail() is False
        else:
            with pytest.raises(Broken):
                victim.fail()
    assert server == before
    assert silent.state == "stopped/deleting"
    assert told == []
    callbacks(machine).clear()
    assert server.fail()
    assert [change.vm_state for change in told] == ["error", "error"]


def test_on_exception_hears_of_what_a_callback_raised(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    heard: list[Any] = []
    machine.send_event = True
    machine.on_exception.append(heard.append)
    stop_and_start(fresh)
    assert heard == []
    machine.before_stop(lambda event: broken())
    assert fresh.at("active").stop() is False
    assert [type(event.error) for event in heard] == [Broken]


def test_on_exception_does_not_swallow_a_refusal(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    machine.on_exception = noop
    with pytest.raises(Refused):
        fresh.at("stopped").stop()


def test_an_event_from_a_callback_comes_after_the_one_it_follows(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server, told = fresh.at("active"), list[Change]()
    server.observe(told.append)
    getattr(machine, "on_enter_active/powering-off")(lambda: told or server.advance())
    assert server.stop()
    assert [change.event for change in server.history] == [None, "stop", "advance"]
    assert entered(server) == ["active/-", "active/powering-off", "stopped/-"]
    assert tuple(told) == server.history[1:]


def test_an_event_from_a_callback_overtakes_the_rest_of_a_path(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server = fresh.at("active", "rebuilding")
    getattr(machine, "on_enter_error/rebuilding")(server.delete)
    assert server.fail()
    assert entered(server) == ["active/rebuilding", "error/rebuilding", "error/deleting"]
    assert [change.event for change in server.history] == [None, "fail", "delete"]


def test_an_event_from_a_callback_is_undone_with_the_one_that_raises(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server, told = fresh.at("active"), list[Change]()
    server.observe(told.append)
    machine.after_stop(server.advance)
    machine.after_stop(broken)
    with pytest.raises(Broken):
        server.stop()
    assert entered(server) == ["active/-"]
    assert told == []


def test_a_refused_event_inside_a_callback_reaches_the_caller(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server = fresh.at("active")
    machine.after_stop(server.start)
    with pytest.raises(Refused, match="start is refused at active/powering-off"):
        server.stop()
    assert server.state == "active/-"


def test_an_observer_that_a_callback_adds_is_called_when_the_event_is_complete(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server, told = fresh.at("active"), list[Change]()
    machine.before_stop(lambda: server.observe(told.append))
    server.stop()
    assert tuple(told) == server.history[1:]


def test_an_observer_that_a_callback_adds_does_not_see_an_event_that_is_undone(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server, told = fresh.at("active"), list[Change]()
    machine.before_stop(lambda: server.observe(told.append))
    machine.after_stop(broken)
    with pytest.raises(Broken):
        server.stop()
    server.reboot()
    assert [change.event for change in told] == ["reboot"]


@pytest.mark.parametrize("state", facts.STATES)
def test_get_triggers_names_what_leaves_a_state(machine: LifecycleMachine, state: str) -> None:
    assert set(machine.get_triggers(state)) == {name for name, at in ALLOWED if at == state}


def test_an_object_of_any_kind_can_live_on_the_machine(machine: LifecycleMachine) -> None:
    class Thing:
        state = ""

    thing: Any = Thing()
    machine.add_model(thing, initial="active/-")
    assert (thing.may_stop(), thing.may_start()) == (True, False)
    assert thing.stop()
    assert thing.state == "active/powering-off"
    with pytest.raises(transitions.MachineError):
        thing.stop()
    assert thing.trigger("advance")
    assert thing.rebuild()
    assert all([thing.advance(), thing.advance(), thing.advance()])
    assert thing.state == "active/powering-off"


def test_an_object_on_the_machine_begins_where_a_creation_begins(machine: LifecycleMachine) -> None:
    class Thing:
        state = ""

    thing = Thing()
    machine.add_model(thing)
    assert thing.state == "building/scheduling"


def test_a_transition_added_to_the_machine_can_be_taken(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    machine.add_transition("crash", "active/-", "error/-")
    server = fresh.at("active")
    assert server.trigger("crash")
    assert entered(server) == ["active/-", "error/-"]


def test_a_transition_can_be_added_where_its_event_was_refused_before(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server = fresh.at("stopped")
    with pytest.raises(Refused):
        server.trigger("stop")
    machine.events["stop"].add_transition(
        type(machine).transition_cls("stopped/-", "error/-")  # as the library makes one
    )
    assert server.trigger("stop")
    assert entered(server) == ["stopped/-", "error/-"]


def test_a_transition_added_to_the_machine_is_refused_elsewhere(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    machine.add_transition("crash", "active/-", "error/-")
    server = fresh.at("stopped")
    assert not server.may("crash")
    with pytest.raises(Refused):
        server.trigger("crash")


@pytest.mark.parametrize("event", ["start", "advance"])
def test_a_transition_removed_from_the_machine_can_no_longer_be_taken(
    fresh: type[Server], machine: LifecycleMachine, event: str
) -> None:
    stop_and_start(fresh)
    server = fresh.at("stopped", None if event == "start" else "powering-on")
    machine.remove_transition(event, source=server.state)
    assert not server.may(event)
    with pytest.raises(Refused):
        server.trigger(event)


def test_a_machine_with_a_callback_is_pickled_as_the_library_does_it(
    machine: LifecycleMachine,
) -> None:
    machine.before_stop(noop)
    again = pickle.loads(pickle.dumps(machine))  # noqa: S301 -- the test wrote it itself
    assert again.get_transitions("stop")[0].before == [noop]


def test_an_event_triggered_on_the_machine_keeps_history_and_observers(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server, told = fresh.at("active"), list[Change]()
    server.observe(told.append)
    assert machine.events["stop"].trigger(server)
    assert tuple(told) == server.history[1:]
    machine.after_advance(broken)
    before = server.history
    with pytest.raises(Broken):
        machine.events["advance"].trigger(server)
    assert (server.history, tuple(told)) == (before, before[1:])


def test_an_event_triggered_at_the_machine_is_refused_as_the_server_refuses_it(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server, before = fresh.at("stopped"), fresh.at("stopped")
    with pytest.raises(Refused) as at_the_machine:
        machine.events["stop"].trigger(server)
    with pytest.raises(Refused) as at_the_server:
        before.stop()
    assert str(at_the_machine.value) == str(at_the_server.value)
    assert server == before


def test_an_event_that_a_handler_of_exceptions_triggers_stands(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server = fresh.at("active", "powering-off")
    machine.after_advance(broken)
    machine.on_exception = [server.delete]
    assert not server.advance()
    assert server.state == "active/deleting"


def test_an_event_that_a_condition_triggers_stands_though_the_condition_fails(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    server = fresh.at("active")

    def reboot_instead() -> bool:
        return not server.reboot()

    (stop,) = machine.get_transitions("stop")
    stop.conditions.append(machine.transition_cls.condition_cls(reboot_instead))
    assert not server.stop()
    assert server.state == "active/rebooting"


def test_a_run_asks_each_callback_once_for_each_step(
    fresh: type[Server], machine: LifecycleMachine
) -> None:
    asked: list[str] = []
    machine.prepare_advance(lambda: asked.append("prepared"))
    fresh.at("active", "powering-off").run()
    assert asked == ["prepared"]


def test_unknown_states_and_sources_are_reported(machine: LifecycleMachine) -> None:
    with pytest.raises(ValueError, match="active/napping"):
        machine.add_states("active/napping")
    with pytest.raises(ValueError, match="activ/-"):
        machine.add_transition("nap", "activ/-", "stopped/-")
