"""The larger lifecycle before its judges: recordings of a real Nova, and the smaller lifecycle."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecs_fsm import ECS, Refused
from ecs_fsm.core.model import State, Transition
from ecs_fsm.lifecycles.nova import NOVA, Server
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain

RECORDED = json.loads(
    (Path(__file__).parents[1] / "data" / "nova-traces.json").read_text(encoding="utf-8")
)
TRACES = [trace for trace in RECORDED["traces"] if not trace["race"]]
REPLAY = Replay(NOVA)


def observed(state: State) -> Observation:
    return Observation(state.as_dict(), state, None)


def states(trace: dict[str, Any]) -> list[State]:
    return [NOVA.states[f"{s['vm_state']}/{s['task_state'] or '-'}"] for s in trace["states"]]


def replayed(path: list[State]) -> list[Explanation]:
    return list(explain(REPLAY, (observed(state) for state in path)))


@pytest.mark.parametrize("trace", TRACES, ids=lambda t: t["case"])
def test_every_recording_is_explained_whole_event_by_event(trace: dict[str, Any]) -> None:
    path = states(trace)
    explained = replayed(path)
    assert [e.reason for e in explained] == [None] * (len(path) - 1)
    assert [s.status for s in path] == [s["status"] for s in trace["states"]]
    names = {"reset_error": "reset_state_error", "reset_active": "reset_state_active"}
    asked = names.get(trace["operation"], trace["operation"])
    if not path[0].task_state and path[0].vm_state != "building":
        confirmation_failed = asked == "confirm_resize" and path[-1] == "error/-"
        assert explained[0].events == (("fail",) if confirmation_failed else (asked,))


def test_the_facts_that_decided_are_named() -> None:
    (confirmed,) = replayed([NOVA.states["resized/-"], NOVA.states["stopped/-"]])
    assert (confirmed.events, dict(confirmed.facts)["was"]) == (("confirm_resize",), "stopped")


@pytest.mark.parametrize(
    "rejection",
    RECORDED["rejections"],
    ids=lambda r: f"{r['operation']} at {r['vm_state']}-{r['task_state'] or ''}",
)
def test_every_recorded_rejection_is_refused(rejection: dict[str, Any]) -> None:
    server = Server.at(rejection["vm_state"], rejection["task_state"])
    with pytest.raises(Refused):
        server.trigger(rejection["operation"])


def test_most_steps_between_two_pairs_are_not_explained() -> None:
    pairs = [(a, b) for a in NOVA.states.values() for b in NOVA.states.values() if a != b]
    accepted = sum(replayed([a, b])[0].events is not None for a, b in pairs)
    assert accepted / len(pairs) < 0.05


def test_a_recording_with_one_state_replaced_is_seldom_explained() -> None:
    chance = random.Random(7)  # noqa: S311  # which recordings are spoilt, not a secret
    refused = 0
    tries = 3_000
    for _ in range(tries):
        path = states(chance.choice(TRACES))
        place = chance.randrange(len(path))
        path[place] = chance.choice([s for s in NOVA.states.values() if s != path[place]])
        refused += any(e.events is None for e in replayed(path))
    assert refused / tries >= 0.9


FIXED = {"was": "stopped", "cell": "same", "network": "some", "end": "kept", "retry": "ok",
         "driver": "complete", "launched": "yes", "locked": "no", "host": "up", "guest": "kept",
         "vif": "ok"}  # fmt: skip
NOT_OF_AN_ECS = {
    ("delete", "building/scheduling"),
    ("fail", "active/powering-off"),
    ("reschedule", "stopped/resize_prep"),
    ("roll_back", "active/rebooting"),
    ("roll_back", "active/rebooting_hard"),
    ("roll_back", "active/rebuilding"),
    ("roll_back", "stopped/rebuilding"),
    ("roll_back", "error/rebuilding"),
    ("roll_back", "resized/resize_reverting"),
}


def holds(transition: Transition) -> bool:
    return all(FIXED.get(name, value) == value for name, value in transition.when)


def documented(path: tuple[State, ...]) -> Iterator[State]:
    """The documented states of a path, and of the advances that lead on from undocumented ones."""
    yield from (ECS.states[s] for s in path if s in ECS.states)
    if path[-1] not in ECS.states:
        (onward,) = (t for t in NOVA.find("advance", path[-1]) if holds(t))
        yield from documented(onward.path)


def projected() -> Iterator[tuple[str, State | None, tuple[State, ...]]]:
    for t in NOVA.transitions:
        of_an_ecs = t.trigger in ECS.triggers and (t.source is None or t.source in ECS.states)
        if of_an_ecs and holds(t) and (t.trigger, t.source) not in NOT_OF_AN_ECS:
            again = t.path or (t.source,)  # a second delete goes as the first
            if t.trigger in ECS.operations and again[0] not in ECS.states:
                continue  # an operation whose first step is undocumented is refused
            yield t.trigger, t.source, tuple(documented(tuple(s for s in again if s)))


def test_the_smaller_lifecycle_is_a_projection_transition_by_transition() -> None:
    assert set(projected()) == {(t.trigger, t.source, t.path) for t in ECS.transitions}


def test_the_smaller_lifecycle_shows_the_same_status_for_each_of_its_pairs() -> None:
    assert {s: s.status for s in ECS.states.values()} == {
        s: NOVA.states[s].status for s in ECS.states
    }


def test_the_state_graph_holds_no_step_that_a_server_could_not_do() -> None:
    for node, outcomes in NOVA.graph().items():
        for outcome in outcomes:
            given = {
                n: v
                for n, v in outcome.facts
                if n in NOVA.triggers[outcome.transition.trigger].given
            }
            done = NOVA.outcome(outcome.transition.trigger, node, given)
            assert (done.nodes, done.end) == (outcome.nodes, outcome.end)


def test_an_event_that_a_server_can_do_is_in_the_state_graph() -> None:
    for node, outcomes in NOVA.graph().items():
        leading = {outcome.transition.trigger for outcome in outcomes}
        assert leading == {name for name in NOVA.triggers if NOVA.possible(name, node)}
