"""Scenarios that touch everything: all of them are run, and what they touched is counted."""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Self

import pytest

from ecs_fsm import ECS, Server
from ecs_fsm.analysis.cover import cover
from ecs_fsm.analysis.coverage import CRITERIA, CoverageGraph
from ecs_fsm.analysis.words import arguments
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.core.model import Transition
from ecs_fsm.lifecycles import load
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.nova import Server as NovaServer
from tests import facts
from tests.command import ecs_fsm, installed
from tests.scenario_runs import run

Happened = tuple[str, str | None]
"""A transition by the facts: an event and the state where it happened, None for no server yet."""

ASKED = facts.by_source(facts.OPERATIONS)
CAUSED = facts.by_source(facts.EVENTS)
ALL: set[Happened] = {("create", None), *ASKED, *CAUSED}


def end(happened: Happened) -> str:
    if happened in ASKED:
        return ASKED[happened][0]
    return CAUSED[happened][-1] if happened in CAUSED else "building/scheduling"


FOLLOWING = {(one, other) for one in ALL for other in ALL if end(one) == other[1]}


found_for = functools.cache(cover)


@functools.cache
def scenarios(*arguments: str) -> list[list[str]]:
    code, out, _ = ecs_fsm("cover", *arguments)
    assert code == 0
    return [shlex.split(line) for line in out.splitlines() if not line.startswith("#")]


def lived(server: BaseServer) -> tuple[list[Happened], list[str]]:
    """What happened to a server and which states it entered, read off its history by the facts."""
    states = [f"{c.vm_state}/{c.task_state or '-'}" for c in server.history]
    happened, here, entered = [], None, list(states)
    events = [str(c.event) for c in server.history]
    while entered:
        one: Happened = (events[0], here)
        happened.append(one)
        length = len(CAUSED[one]) if one in CAUSED and here else 1
        here = entered[length - 1]
        del entered[:length], events[:length]
    return happened, states


def touched(
    found: Iterable[list[str]],
) -> tuple[set[Happened], set[str], set[tuple[Happened, Happened]]]:
    transitions: set[Happened] = set()
    states: set[str] = set()
    pairs: set[tuple[Happened, Happened]] = set()
    for scenario in found:
        happened, entered = lived(run(Server, scenario))
        transitions.update(happened)
        states.update(entered)
        pairs.update(pairwise(happened))
    return transitions, states, pairs


def test_the_scenarios_for_states_enter_every_state() -> None:
    found = scenarios("--what", "states")
    assert touched(found)[1] == {*facts.STATES}
    assert len(found) == 1


def test_the_scenarios_for_transitions_make_every_one() -> None:
    assert touched(scenarios())[0] == ALL


def test_the_scenarios_for_pairs_make_every_two_that_can_follow_each_other() -> None:
    assert touched(scenarios("--what", "pairs-of-transitions"))[2] == FOLLOWING
    assert len(FOLLOWING) == 336


def test_every_scenario_of_an_ecs_begins_with_the_creation_of_a_server() -> None:
    for what in CRITERIA:
        assert {scenario[0].partition(":")[0] for scenario in scenarios("--what", what)} == {
            "create"
        }


def test_each_way_out_of_a_creation_needs_a_scenario_of_its_own_and_there_are_no_more() -> None:
    left = {
        one for one in ALL
        if str(one[1]).startswith("building/") and not end(one).startswith("building/")
    }  # fmt: skip
    assert len(left) == len(scenarios()) == found_for(ECS, "transitions").at_least == 6


def test_each_pair_that_ends_a_server_needs_a_scenario_of_its_own_and_there_are_no_more() -> None:
    last = [pair for pair in FOLLOWING if end(pair[1]) == "deleted/-"]
    pairs = found_for(ECS, "pairs-of-transitions")
    assert len(last) == len(pairs.scenarios) == pairs.at_least


@pytest.mark.parametrize("what", CRITERIA[:2])
@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_no_fewer_scenarios_than_the_lower_bound_are_found_and_few_more(
    lifecycle: Lifecycle, what: str
) -> None:
    found = found_for(lifecycle, what)
    assert found.at_least <= len(found.scenarios) <= 1.2 * found.at_least


class Watched(NovaServer):
    """A server that notes every transition that it makes, those too that change nothing seen."""

    made: list[Transition]

    def trigger(self, trigger: str, **given: str | None) -> bool:
        known = {name: value for name, value in given.items() if value is not None}
        self.made.append(NOVA.outcome(trigger, self.node, known).transition)
        return super().trigger(trigger, **given)

    def run(self) -> object:  # type: ignore[override]
        while not NOVA.stays(self.node):
            self.trigger("advance")
        return self.state

    @classmethod
    def create(cls, operation: str | None = None, *, history: bool = True, **given: str) -> Self:
        server = super().create(operation, history=history, **given)
        server.made = [NOVA.outcome("create", None, given).transition]
        return server

    def __init__(self, node: object, *, history: bool = True) -> None:
        super().__init__(node, history=history)  # type: ignore[arg-type]
        self.made = []


def test_the_scenarios_for_transitions_of_nova_make_every_one_with_all_facts() -> None:
    made: set[Transition] = set()
    for walk in found_for(NOVA, "transitions").scenarios:
        server = run(Watched, arguments(NOVA, walk))
        assert isinstance(server, Watched)
        assert server.made == [outcome.transition for outcome in walk.outcomes]
        made.update(server.made)
    assert made == {*NOVA.transitions}


def test_the_scenarios_for_states_of_nova_enter_every_state() -> None:
    several = scenarios("--what", "states", "--lifecycle", "nova")
    entered = [run(NovaServer, scenario).history for scenario in several]
    assert {f"{c.vm_state}/{c.task_state or '-'}" for h in entered for c in h} == {*NOVA.states}
    assert 3 <= len(several) <= 4  # a creation stays in error with one of three tasks


def test_only_what_no_server_comes_to_is_begun_elsewhere() -> None:
    stayed = set(NOVA.graph())
    for walk in found_for(NOVA, "transitions").scenarios:
        assert walk.beginning is None or walk.beginning not in stayed


def test_pairs_leave_out_only_what_cannot_happen_in_the_life_of_a_server() -> None:
    graph = NOVA.graph()
    covered = CoverageGraph(NOVA, "pairs-of-transitions")
    following = {
        (first.transition, second.transition)
        for outcomes in (tuple(NOVA.outcomes(None)), *graph.values())
        for first in outcomes
        for second in graph[first.end]
    }
    assert {*covered.items} == following
    happening = {outcome.transition for outcomes in graph.values() for outcome in outcomes}
    assert {*covered.elsewhere} == {*NOVA.transitions} - happening - {*NOVA.leaving(None)}
    assert CoverageGraph(ECS, "pairs-of-transitions").elsewhere == []


def test_the_output_states_the_lower_bound() -> None:
    *_, counted, bound = ecs_fsm("cover").out.splitlines()
    assert counted == "# 6 scenarios with 452 events that touch all 111 transitions"
    assert bound == "# lower bound: 6, no fewer can do it (a minimum flow)"


def test_the_json_holds_the_arguments_of_simulate() -> None:
    answer = json.loads(ecs_fsm("cover", "--json").out)
    assert answer["scenarios"] == scenarios()
    assert {k: v for k, v in answer.items() if k != "scenarios"} == {
        "what": "transitions",
        "touched": 111,
        "lower_bound": 6,
        "events": 452,
        "left_out": [],
    }
    assert ecs_fsm("simulate", *answer["scenarios"][0]).code == 0


def test_the_output_is_the_same_under_every_hash_seed() -> None:
    for command in (["cover", "--what", "pairs-of-transitions"], ["prove", "--lifecycle", "nova"]):
        assert installed(*command, PYTHONHASHSEED="1") == ecs_fsm(*command)  # whose seed is random


def test_what_cannot_be_covered_is_one_line() -> None:
    code, out, err = ecs_fsm("cover", "--what", "events")
    assert (code, out) == (2, "")
    assert err.startswith("ecs-fsm: Invalid value for '--what': 'events' is not one of 'states'")
    assert err.count("\n") == 1


def test_a_documented_state_that_nothing_enters_is_not_to_be_covered(tmp_path: Path) -> None:
    file = tmp_path / "lamp.toml"
    file.write_text(
        'name = "lamp"\nunreached = ["stolen"]\n[attributes]\nstatus = "light"\n'
        '[statuses]\noff = { meaning = "Dark." }\nstolen = { meaning = "Away." }\n'
        '[operations.mount]\nmeaning = "Mount it."\npaths = { "(no server)" = "off" }\n',
        encoding="utf-8",
    )
    covered = cover(load(file), "states")
    assert (covered.items, len(covered.scenarios)) == (["off"], 1)
    answer = ecs_fsm("path", "(no server)", "stolen", "--lifecycle", str(file))
    assert (answer.code, "nothing enters stolen\n" in answer.out) == (1, True)
    explained = ecs_fsm("explain", "stolen", "--lifecycle", str(file)).out
    assert "It is documented, and nothing enters it." in explained
