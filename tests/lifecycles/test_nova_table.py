"""The table of Nova against a second reading of its specification: what is allowed and what not."""

from __future__ import annotations

import pytest

from ecs_fsm import Refused
from ecs_fsm.core.errors import UnknownFact
from ecs_fsm.lifecycles.nova import NOVA, Server, Status, TaskState, VmState
from tests import nova_facts as facts

OPERATIONS = facts.by_trigger(facts.cases(facts.OPERATIONS, own=1))
EVENTS = facts.by_trigger(facts.cases(facts.EVENTS))
ALLOWED = {
    **{trigger: facts.states(text) for trigger, text in facts.UNSEEN.items()},
    **{
        trigger: [
            s
            for text, by_facts in paths.items()
            for s in facts.states(text)
            if not {*by_facts} <= facts.UNUSUAL
        ]
        for trigger, paths in (facts.OPERATIONS | facts.EVENTS).items()
    },
    "create": [],
}
RULED_OUT = [
    (name, state, said)
    for name, rows in facts.RULED_OUT.items()
    for sources, said in rows.items()
    for state in facts.states(sources)
]
ALIVE = [state for state in facts.STATES if state != "deleted/-"]


def at(state: str, **known: str) -> Server:
    vm_state, task_state = facts.pair(state)
    return Server.at(vm_state, task_state, history=True, **known)


def entered(server: Server) -> list[str]:
    return [f"{c.vm_state}/{c.task_state or '-'}" for c in server.history]


def accepted(server: Server) -> list[str]:
    return [name for name in NOVA.operations if server.may(name)]


def check(case: facts.Case) -> None:
    server = at(case.source, **case.known)
    assert server.trigger(case.trigger, **case.given)
    assert entered(server) == [case.source, *case.own]
    server.run()
    assert entered(server) == [case.source, *case.own, *case.further]
    events = [None, *[case.trigger] * len(case.own), *["advance"] * len(case.further)]
    assert [c.event for c in server.history] == events
    assert [c.status for c in server.history] == [facts.STATUS[s] for s in entered(server)]


def test_the_states_are_the_150_pairs_that_occur() -> None:
    assert {str(state): str(state.status) for state in NOVA.states.values()} == facts.STATUS
    assert len(facts.STATUS) == 150
    counts = [len(facts.states(f"{vm_state}/any")) for vm_state in facts.VM_STATES]
    assert counts == [int(n) for n in facts.COUNTS.split()]


@pytest.mark.parametrize("state", facts.STATES)
def test_a_server_shows_the_documented_status(state: str) -> None:
    server = at(state)
    assert (server.vm_state, server.task_state) == facts.pair(state)
    assert server.status == facts.STATUS[state]


def test_words_are_spelt_as_in_the_api() -> None:
    assert sorted(VmState) == sorted(facts.VM_STATES)
    assert sorted(TaskState) == sorted(facts.members(facts.TASK_STATES))
    assert sorted(set(Status) - {"UNKNOWN"}) == sorted(facts.STATUSES.split())
    assert {task for s in facts.STATES if (task := facts.pair(s)[1])} == set(TaskState)


def test_operations_and_events_are_those_of_the_specification() -> None:
    operations = {"create", *facts.OPERATIONS, *facts.UNSEEN}
    assert set(NOVA.operations) == operations
    assert set(NOVA.events) == {"advance", *facts.EVENTS}


@pytest.mark.parametrize("trigger", ALLOWED)
def test_a_trigger_is_possible_in_its_states_and_refused_in_all_others(trigger: str) -> None:
    possible = [state for state in facts.STATES if at(state).may(trigger)]
    assert possible == [state for state in facts.STATES if state in ALLOWED[trigger]]


@pytest.mark.parametrize("trigger", ALLOWED)
def test_a_refused_trigger_changes_nothing(trigger: str) -> None:
    for state in facts.STATES:
        if state not in ALLOWED[trigger] and trigger != "create":
            server = at(state)
            with pytest.raises(Refused):
                server.trigger(trigger)
            assert entered(server) == [state]


@pytest.mark.parametrize("network", facts.CREATION)
def test_a_creation_takes_its_documented_path(network: str) -> None:
    server = Server.create(network=network)
    server.run()
    assert entered(server) == facts.CREATION[network].split()


@pytest.mark.parametrize("trigger", OPERATIONS)
def test_an_operation_takes_its_documented_path_to_the_next_rest(trigger: str) -> None:
    for case in OPERATIONS[trigger]:
        check(case)


@pytest.mark.parametrize("trigger", EVENTS)
def test_an_event_of_the_system_leads_where_the_specification_says(trigger: str) -> None:
    for case in EVENTS[trigger]:
        check(case)


@pytest.mark.parametrize("trigger", facts.UNSEEN)
def test_an_unseen_operation_touches_neither_attribute(trigger: str) -> None:
    for state in ALLOWED[trigger]:
        server = at(state)
        assert server.trigger(trigger)
        assert entered(server) == [state]


@pytest.mark.parametrize(("trigger", "state", "said"), RULED_OUT, ids=" ".join)
def test_facts_rule_an_event_out(trigger: str, state: str, said: str) -> None:
    known = facts.facts(said)
    given = {name: known.pop(name) for name in [*known] if name in facts.GIVEN.get(trigger, "")}
    server = at(state, **known)
    with pytest.raises(Refused):
        server.trigger(trigger, **given)
    assert entered(server) == [state]


@pytest.mark.parametrize("trigger", facts.UNSAID)
def test_what_depends_on_an_unknown_fact_names_it(trigger: str) -> None:
    state, fact = facts.UNSAID[trigger]
    server = at(state)

    def run() -> None:
        server.trigger(trigger)
        server.run()

    with pytest.raises(UnknownFact) as error:
        run()
    assert error.value.fact == fact


NEVER_RAN = facts.states("error/networking,block_device_mapping,spawning")


@pytest.mark.parametrize(
    "state", ["error/-", "error/deleting", *NEVER_RAN, *facts.states("building/any")]
)
def test_a_server_that_was_never_launched_can_only_be_deleted_reset_or_locked(state: str) -> None:
    allowed = [*facts.UNLAUNCHED.split(), "inject_network_info"]
    assert sorted(accepted(at(state, launched="no"))) == sorted(allowed)


@pytest.mark.parametrize("state", ["error/-", "error/image_backup", *NEVER_RAN])
def test_a_soft_delete_of_a_server_that_was_never_launched_is_a_delete(state: str) -> None:
    server = at(state, launched="no")
    server.trigger("soft_delete")
    server.run()
    assert entered(server) == [state, "error/deleting", "deleted/-"]


def test_a_failed_creation_was_never_launched() -> None:
    server = Server.create()
    server.trigger("fail")
    assert server.state == "error/-"
    assert not server.may("rebuild")
    assert not server.may("stop")


@pytest.mark.parametrize("state", ALIVE)
def test_a_locked_server_refuses_all_but_a_few_operations(state: str) -> None:
    allowed = [n for n in facts.LOCKED.split() if state in ALLOWED[n]]
    assert sorted(accepted(at(state, locked="yes"))) == sorted(allowed)


@pytest.mark.parametrize("source", ["active", "stopped"])
@pytest.mark.parametrize("operation", ["resize", "migrate"])
@pytest.mark.parametrize("cell", ["same", "cross"])
@pytest.mark.parametrize("end", ["confirm_resize", "revert_resize", "timer"])
def test_a_resized_server_goes_back_to_what_it_was(
    source: str, operation: str, cell: str, end: str
) -> None:
    server = Server.at(source)
    server.trigger(operation, cell=cell)
    server.run()
    assert server.state == "resized/-"
    assert server.remembers["was"] == source
    server.trigger(end)
    server.run()
    assert server.state == f"{source}/-"
    assert "was" not in server.remembers
    assert "cell" not in server.remembers


@pytest.mark.parametrize("operation", ["rebuild", "evacuate"])
def test_the_stop_that_ends_a_rebuild_or_an_evacuation_can_fail(operation: str) -> None:
    server = Server.at("stopped")
    server.trigger(operation)
    while server.state != "active/powering-off":
        server.trigger("advance")
    server.trigger("fail")
    assert entered(server)[-3:] == ["active/powering-off", "active/-", "error/-"]


def test_an_ordinary_stop_cannot_fail() -> None:
    server = Server.at("active")
    server.trigger("stop")
    with pytest.raises(Refused):
        server.trigger("fail")


def test_a_reverted_cross_cell_resize_fails_under_the_remembered_vm_state() -> None:
    server = Server.at("resized", was="stopped", cell="cross")
    server.trigger("revert_resize")
    server.trigger("advance")
    server.trigger("fail")
    assert entered(server)[-3:] == ["stopped/resize_reverting", "error/resize_reverting", "error/-"]


@pytest.mark.parametrize("vm_state", ["stopped", "paused", "suspended"])
def test_an_aborted_or_failed_operation_leaves_the_other_facts_alone(vm_state: str) -> None:
    server = Server.at(vm_state, boot="image", upload="direct")
    server.trigger("create_image")
    server.trigger("roll_back")
    assert entered(server) == [
        f"{vm_state}/-",
        f"{vm_state}/image_snapshot_pending",
        f"{vm_state}/-",
    ]
    assert server.remembers == {"boot": "image", "upload": "direct"}


def test_a_failed_unshelving_stays_where_it_is() -> None:
    server = Server.at("shelved_offloaded", "unshelving")
    server.trigger("fail")
    assert server.run() == "error/unshelving"
    assert NOVA.rests(NOVA.states["error/unshelving"])


def test_a_server_rests_at_no_task_but_in_building_and_where_it_is_stuck() -> None:
    resting = [s for s in facts.STATES if s.endswith("/-") and s != "building/-"]
    passed = "shelved_offloaded/soft-deleting"  # no server stays there: the request goes on at once
    found = [s for s in facts.STATES if s != passed and NOVA.rests(NOVA.states[s])]
    assert [s for s in found if not s.startswith("error/")] == [
        s for s in resting if not s.startswith("error/")
    ]
    assert {"error/-", "error/unshelving"} <= set(found)


def test_a_rescue_that_a_restart_of_the_host_broke_stays_until_it_is_deleted_or_reset() -> None:
    server = Server.at("active")
    server.rescue()
    server.trigger("restart", vif="broken")
    assert server.run() == "error/rescuing"
    assert [name for name in NOVA.events if server.may(name)] == []
    with pytest.raises(Refused, match="ongoing=yes"):
        server.trigger("advance")
    assert server.delete()
    assert server.run() == "deleted/-"


def test_a_rescue_from_error_ends_as_usual() -> None:
    server = Server.at("error")
    server.rescue()
    assert server.run() == "rescued/-"
