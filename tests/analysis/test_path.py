"""The shortest path: held against a search through the written facts, and run by `simulate`."""

from __future__ import annotations

import json
from collections import deque

import pytest

from ecs_fsm import ECS, InvalidInput, Server
from ecs_fsm.analysis.path import (
    PathFinder,
    PathLimits,
    ShortestPath,
    read_endpoints,
    read_limits,
)
from ecs_fsm.analysis.words import arguments, event_names, needed_facts
from ecs_fsm.core.graph import Run
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.core.model import NO_SERVER, Node, State
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.nova import Server as NovaServer
from tests import facts
from tests.command import ecs_fsm
from tests.scenario_runs import run as simulated

ASKED = facts.by_source(facts.OPERATIONS)
CAUSED = facts.by_source(facts.EVENTS)
FAILURES = ("fail", "roll_back")
STATUS = {f"{vm}/{task or '-'}": status for vm, task, status in facts.STATUS_TABLE}
SERVERS: dict[str, type[BaseServer]] = {"ecs": Server, "nova": NovaServer}


def steps(state: str) -> list[tuple[str, list[str]]]:
    """What can happen in a state by the facts, with the states that are entered."""
    asked = [(name, path[:1]) for (name, source), path in ASKED.items() if source == state]
    return asked + [(name, path) for (name, source), path in CAUSED.items() if source == state]


def distances(
    start: str, avoided: frozenset[str] = frozenset(), failures: bool = True
) -> dict[str, int]:
    """The fewest events from a state to each that a server can then stay in."""
    found, waiting = {start: 0}, deque([start])
    while waiting:
        here = waiting.popleft()
        for name, entered in steps(here):
            allowed = failures or name not in FAILURES
            if allowed and not avoided & {*entered} and entered[-1] not in found:
                found[entered[-1]] = found[here] + 1
                waiting.append(entered[-1])
    return found


def found_paths(
    lifecycle: Lifecycle, origin: str, goal: str, limits: PathLimits | None = None, **said: str
) -> list[ShortestPath]:
    ends = read_endpoints(lifecycle, origin, goal)
    return PathFinder(lifecycle, ends.origin, said, limits or PathLimits()).to(ends.goal)[0]


def arrived(lifecycle: Lifecycle, path: ShortestPath) -> BaseServer:
    """The server after `simulate` was given the arguments of a path."""
    return simulated(SERVERS[lifecycle.name], arguments(lifecycle, path.run))


def entered(run: Run) -> list[tuple[str, str]]:
    return [(o.transition.trigger, str(n.state)) for o in run.outcomes for n in o.nodes]


@pytest.mark.parametrize("start", facts.STATES)
def test_a_path_is_the_shortest_and_its_words_lead_there(start: str) -> None:
    finder = PathFinder(ECS, [ECS.states[start]], {}, PathLimits())
    shortest = distances(start)
    for goal in facts.STATES:
        found, _ = finder.to([ECS.states[goal]])
        if goal in shortest:
            (path,) = found
            assert (len(path.run.outcomes), path.passes) == (shortest[goal], False)
            server = arrived(ECS, path)
            lived = [(c.event, f"{c.vm_state}/{c.task_state or '-'}") for c in server.history[1:]]
            assert (server.state, lived) == (goal, entered(path.run))
        else:
            assert found == []


@pytest.mark.parametrize("avoided", [["stopped/powering-on"], ["ERROR", "RESIZE"], ["active/-"]])
@pytest.mark.parametrize("failures", [True, False])
def test_a_path_keeps_to_its_limits_and_is_the_shortest_that_does(
    avoided: list[str], failures: bool
) -> None:
    limits = read_limits(ECS, avoided, failures=failures)
    shut = frozenset(state for state in facts.STATES if {state, STATUS[state]} & {*avoided})
    assert limits.avoided == shut
    for start in facts.STATES:
        finder, shortest = (
            PathFinder(ECS, [ECS.states[start]], {}, limits),
            distances(start, shut, failures),
        )
        for goal in facts.STATES:
            found, _ = finder.to([ECS.states[goal]])
            if start in shut:
                assert found == []
            elif goal not in shortest:
                assert all(path.passes for path in found)
            else:
                assert [len(path.run.outcomes) for path in found] == [shortest[goal]]
                names = [name for name, _ in entered(found[0].run)]
                assert failures or not {*names} & {*FAILURES}


@pytest.mark.parametrize("origin", facts.STATUSES.split())
def test_a_status_is_any_state_that_shows_it(origin: str) -> None:
    for goal in facts.STATUSES.split():
        found = found_paths(ECS, origin, goal)
        lengths = [
            length
            for start in facts.STATES
            for state, length in distances(start).items()
            if (STATUS[start], STATUS[state]) == (origin, goal)
        ]
        assert [len(path.run.outcomes) for path in found[:1]] == ([min(lengths)] if lengths else [])
        assert all(arrived(ECS, path).status == goal for path in found)


def test_a_path_that_begins_amid_an_operation_is_followed_by_that_of_a_server_at_rest() -> None:
    amid, at_rest = (arguments(ECS, path.run) for path in found_paths(ECS, "SHUTOFF", "ACTIVE"))
    assert amid == ["wait", "--from", "stopped/powering-on"]
    assert at_rest == ["start", "--from", "stopped/-"]
    assert len(found_paths(ECS, "stopped/powering-on", "ACTIVE")) == 1


def test_a_path_can_begin_before_there_is_a_server() -> None:
    (path,) = found_paths(ECS, NO_SERVER, "VERIFY_RESIZE")
    assert arguments(ECS, path.run) == ["create", "stop", "resize"]
    assert arrived(ECS, path).status == "VERIFY_RESIZE"


def test_a_path_that_ends_amid_an_operation_hangs_there() -> None:
    (path,) = found_paths(ECS, "active/-", "stopped/resize_migrated")
    assert arguments(ECS, path.run)[:2] == ["stop", "resize:hang@resize_migrated"]


def test_what_is_where_it_should_be_has_nothing_to_do() -> None:
    for state in ("active/-", "active/rebooting"):
        (path,) = found_paths(ECS, state, state)
        assert (path.run.outcomes, arrived(ECS, path).state) == ((), state)


def test_an_operation_can_be_avoided_too() -> None:
    (path,) = found_paths(ECS, "stopped/-", "active/-", read_limits(ECS, ["start"], failures=True))
    assert [name for name, _ in entered(path.run)].count("start") == 0
    assert arrived(ECS, path).state == "active/-"


@pytest.fixture(scope="module")
def from_nothing() -> dict[State, ShortestPath]:
    """The path from nothing to each state of Nova."""
    finder = PathFinder(NOVA, [None], {}, PathLimits())
    found = {goal: finder.to([goal])[0] for goal in NOVA.states.values()}
    return {goal: path for goal, (path,) in found.items()}


@pytest.mark.parametrize("goal", NOVA.states.values(), ids=str)
def test_every_state_of_nova_can_be_reached_in_words(
    goal: State, from_nothing: dict[State, ShortestPath]
) -> None:
    path = from_nothing[goal]
    stays = arrived(NOVA, path).state == goal
    assert stays != path.passes


def test_a_state_that_a_server_only_passes_through_is_named_as_such(
    from_nothing: dict[State, ShortestPath],
) -> None:
    passed = [goal for goal, path in from_nothing.items() if path.passes]
    stayed = {node.state for node in NOVA.graph()}
    assert passed == [state for state in NOVA.states.values() if state not in stayed]


@pytest.mark.parametrize(
    ("origin", "goal"),
    [("resized/-", "stopped/-"), ("active/-", "shelved/-"), ("paused/-", "SHELVED_OFFLOADED"),
     ("VERIFY_RESIZE", "stopped/resize_reverting"), ("error/unshelving", "PAUSED"),
     ("active/image_uploading", "error/rebuilding")],
)  # fmt: skip
def test_the_words_of_a_path_of_nova_say_every_fact_that_it_depends_on(
    origin: str, goal: str
) -> None:
    found = found_paths(NOVA, origin, goal)
    assert found
    for path in found:
        server = arrived(NOVA, path)
        assert goal in (server.state, server.status)
        assert entered(path.run) == [
            (str(c.event), f"{c.vm_state}/{c.task_state or '-'}") for c in server.history[1:]
        ]


def test_each_value_of_what_is_remembered_has_a_path_of_its_own() -> None:
    limits = read_limits(NOVA, ["reset_state_active"], failures=False)
    before, after = found_paths(NOVA, "resized/-", "ACTIVE", limits)
    assert (before.facts, after.facts) == ((("was", "active"),), (("was", "stopped"),))
    assert [len(path.run.outcomes) for path in (before, after)] == [1, 3]
    (said,) = found_paths(NOVA, "resized/-", "ACTIVE", limits, was="stopped")
    assert (said.facts, event_names(NOVA, said.run)) == ((), event_names(NOVA, after.run))


def test_a_path_begins_only_where_a_server_can_be() -> None:
    there = NOVA.graph()
    for origin in ("VERIFY_RESIZE", "resized/powering-off", "REVERT_RESIZE"):
        for path in found_paths(NOVA, origin, "SHUTOFF"):
            assert path.run.beginning in there
    ends = read_endpoints(NOVA, "resized/powering-off", "ACTIVE")
    (path,), without = PathFinder(NOVA, ends.origin, {}, PathLimits()).to(ends.goal)
    assert (path.facts, without) == ((), [])


def test_values_with_which_there_is_no_path_are_named() -> None:
    ends = read_endpoints(NOVA, "active/-", "shelved/-")
    _, without = PathFinder(NOVA, ends.origin, {}, PathLimits()).to(ends.goal)
    assert without == [(("boot", "volume"),)]


def test_the_command_shows_events_and_the_words_that_run_them() -> None:
    assert ecs_fsm("path", "stopped/-", "ACTIVE") == (
        0,
        "event     vm_state   task_state    status\n"
        "-         stopped    -             SHUTOFF\n"
        "start     stopped    powering-on   SHUTOFF\n"
        "advance   active     -             ACTIVE\n"
        "ecs-fsm simulate start --from stopped/-\n",
        "",
    )


def test_the_command_as_json() -> None:
    code, out, _ = ecs_fsm("path", "resized/-", "error/-", "--json")
    answer = json.loads(out)
    error = {"vm_state": "error", "task_state": None, "status": "ERROR"}
    assert code == 0
    assert answer["events"] == [{"event": "fail", "given": {}, "states": [error]}]
    assert answer["words"] == ["confirm_resize:fail@-"]
    assert json.loads(ecs_fsm("simulate", *answer["simulate"], "--json").out)["final"] == error


def test_no_path_says_why_and_what_can_be_reached_instead() -> None:
    code, out, err = ecs_fsm("path", "resized/-", "BUILD")
    assert (code, err) == (1, "")
    first, told, heading, *rows = out.splitlines()
    assert told == "what can be reached instead:"
    assert first == (
        "no path leads from resized/- to BUILD: it is entered only by create at (no server), "
        "and no path leads to any of these"
    )
    assert heading.split() == ["status", "states"]
    listed = {state for row in rows for state in row.split(maxsplit=1)[1].split(", ")}
    assert listed == {*distances("resized/-")}
    assert ecs_fsm("path", "deleted/-", "ACTIVE").out == (
        "no path leads from deleted/- to ACTIVE: no event leads on from deleted/-\n"
        "nothing can be reached instead\n"
    )


def test_limits_that_leave_no_path_are_named() -> None:
    code, out, _ = ecs_fsm("path", "stopped/-", "ERROR", "--no-failures", "--json")
    answer = json.loads(out)
    assert (code, answer["events"]) == (1, None)
    assert answer["why"] == (
        "every path breaks a limit; without limits the shortest is rebuild, fail"
    )
    assert {"active/-", "resized/-"} <= {
        f"{s['vm_state']}/{s['task_state'] or '-'}" for s in answer["reachable"]
    }
    assert "to be avoided" in ecs_fsm("path", "active/-", "ERROR", "--avoid", "ERROR").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["activ/-", "ACTIVE"], "unknown state or status 'activ/-'; did you mean 'active/-'?"),
        (["active/-", "Aktive"], "unknown state or status 'Aktive'; did you mean 'ACTIVE'?"),
        (["resized/deleting", "ACTIVE"],
         "resized/deleting does not occur; tasks under resized: resize_reverting, -"),
        (["active/-", "ACTIVE", "--avoid", "strat"],
         "unknown state, status or event 'strat'; did you mean 'start'?"),
        (["(no server)", "ACTIVE", "--remember", "was=active", "--lifecycle", "nova"],
         "--remember is about a server that exists: say where it is"),
        (["active/-", "ACTIVE", "--remember", "was=active", "--lifecycle", "nova"],
         "was is not remembered at active/-"),
    ],
)  # fmt: skip
def test_wrong_words_are_one_line(arguments: list[str], message: str) -> None:
    assert ecs_fsm("path", *arguments) == (2, "", f"ecs-fsm: {message}\n")


def test_what_is_remembered_must_fit_where_it_is() -> None:
    with pytest.raises(InvalidInput, match="was is not remembered"):
        found_paths(NOVA, "active/-", "ACTIVE", was="active")


def test_nodes_of_a_path_follow_each_other() -> None:
    (path,) = found_paths(ECS, "ERROR", "VERIFY_RESIZE")
    node: Node | None = path.run.beginning
    for outcome in path.run.outcomes:
        assert outcome in tuple(ECS.outcomes(node))
        node = outcome.end


def test_only_facts_without_which_a_creation_would_be_another_are_given_with_it() -> None:
    told = [needed_facts(NOVA, None, outcome) for outcome in NOVA.state_graph.leaving(None)]
    assert told[:3] == [{}, {"network": "none"}, {"upload": "direct"}]
    assert {"boot": "image"} not in told
