"""The table of the ECS against the specification, cell by cell: what is allowed and what is not."""

from __future__ import annotations

from itertools import product

import pytest

from ecs_fsm import ECS, Refused, Server, Status, TaskState, VmState
from ecs_fsm.core.model import Kind
from ecs_fsm.core.word import Word
from tests import facts

OPERATIONS = facts.by_source(facts.OPERATIONS)
EVENTS = facts.by_source(facts.EVENTS)
ALLOWED = OPERATIONS | EVENTS
TRIGGERS = (*facts.OPERATIONS, *facts.EVENTS)
REFUSED = [cell for cell in product(TRIGGERS, facts.STATES) if cell not in ALLOWED]


def at(state: str) -> Server:
    return Server.at(*facts.pair(state))


def entered(server: Server) -> list[str]:
    return [f"{c.vm_state}/{c.task_state or '-'}" for c in server.history]


def test_the_states_are_the_36_documented_pairs_in_their_order() -> None:
    pairs = [(s.vm_state, s.task_state, s.status) for s in ECS.states.values()]
    assert pairs == list(facts.STATUS_TABLE)
    assert list(ECS.states) == facts.STATES
    assert len(ECS.states) == 36


def test_operations_and_events_of_the_system_are_the_documented_ones() -> None:
    assert list(ECS.operations) == list(facts.OPERATIONS)
    assert list(ECS.events) == list(facts.EVENTS)


@pytest.mark.parametrize("row", facts.STATUS_TABLE, ids=facts.STATES)
def test_a_server_shows_the_documented_status(row: tuple[str, str | None, str]) -> None:
    vm_state, task_state, status = row
    server = Server.at(vm_state, task_state)
    assert (server.vm_state, server.task_state, server.status) == row
    assert str(server.status) == status


def test_a_creation_takes_its_documented_path() -> None:
    server = Server.create()
    server.run()
    assert entered(server) == facts.CREATION.split()


@pytest.mark.parametrize(("operation", "source"), OPERATIONS, ids=map(" at ".join, OPERATIONS))
def test_an_operation_takes_its_documented_path_where_it_is_accepted(
    operation: str, source: str
) -> None:
    server = at(source)
    assert server.may(operation)
    assert server.trigger(operation)
    server.run()
    assert entered(server) == [source, *OPERATIONS[operation, source]]
    assert [c.event for c in server.history][:2] == [None, operation]


@pytest.mark.parametrize(("event", "source"), EVENTS, ids=map(" at ".join, EVENTS))
def test_an_event_of_the_system_enters_the_documented_states(event: str, source: str) -> None:
    server = at(source)
    assert server.may(event)
    assert server.trigger(event)
    assert entered(server) == [source, *EVENTS[event, source]]
    assert {c.event for c in server.history[1:]} == {event}


@pytest.mark.parametrize(("trigger", "source"), REFUSED, ids=map(" at ".join, REFUSED))
def test_what_the_specification_does_not_list_is_refused(trigger: str, source: str) -> None:
    server = at(source)
    assert not server.may(trigger)
    with pytest.raises(Refused):
        server.trigger(trigger)
    assert entered(server) == [source]


@pytest.mark.parametrize("source", facts.STATES)
def test_a_server_lists_exactly_what_is_possible_now(source: str) -> None:
    possible = [name for name in TRIGGERS if (name, source) in ALLOWED]
    assert at(source).triggers() == possible


def test_a_server_rests_where_no_step_advances() -> None:
    resting = [str(state) for state in ECS.states.values() if ECS.rests(state)]
    assert resting == ["active/-", "stopped/-", "resized/-", "error/-", "deleted/-"]


def test_a_rebuild_of_a_stopped_server_shows_active_before_it_is_stopped_again() -> None:
    server = Server.at("stopped")
    server.rebuild()
    server.run()
    shown = list(dict.fromkeys(c.status for c in server.history[1:]))
    assert shown == ["REBUILD", "ACTIVE", "SHUTOFF"]


def test_a_confirmed_resize_has_no_step_between() -> None:
    server = Server.at("resized")
    server.confirm_resize()
    assert server.state == "stopped/-"


WORDS = [(VmState, facts.VM_STATES), (TaskState, facts.TASK_STATES), (Status, facts.STATUSES)]


@pytest.mark.parametrize(("words", "spelt"), WORDS, ids=["VmState", "TaskState", "Status"])
def test_words_are_spelt_as_in_the_api(words: type[Word], spelt: str) -> None:
    assert [str(word) for word in words] == spelt.split()
    assert [word.value for word in words] == spelt.split()


@pytest.mark.parametrize("words", [VmState, TaskState, Status])
def test_every_word_has_a_meaning_of_its_own(words: type[Word]) -> None:
    meanings = [word.meaning for word in words]
    assert all(len(meaning.split()) > 2 and meaning.endswith(".") for meaning in meanings)
    assert len(set(meanings)) == len(meanings)


def test_only_powering_off_and_powering_on_are_spelt_with_a_hyphen() -> None:
    words = [str(word) for kind in (VmState, TaskState, Status) for word in kind]
    assert [word for word in words if "-" in word] == ["powering-off", "powering-on"]


def test_every_trigger_has_a_meaning_and_a_cause() -> None:
    assert all(trigger.meaning.endswith(".") for trigger in ECS.triggers.values())
    assert {trigger.kind for trigger in ECS.operations.values()} == {Kind.REQUEST}
    failures = [name for name, event in ECS.events.items() if event.kind is Kind.FAILURE]
    assert failures == ["fail", "roll_back"]
