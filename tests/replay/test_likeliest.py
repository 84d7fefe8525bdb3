"""What replay tells is the likeliest story: by the profile, by the time that passed, with shares."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.durations import Family
from ecs_fsm.profiles.loader import built_in, changed
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain
from ecs_fsm.replay.likelihood import AT_REST, NAT, WEIGHTS, Likelihood
from tests.command import ecs_fsm


def row(lifecycle: Lifecycle, shown: str, time: float | None = None) -> Observation:
    if "/" in shown:
        state = lifecycle.states[shown]
        return Observation(state.as_dict(), state, None, time=time)
    return Observation({"status": shown}, None, None, time=time)


def told(lifecycle: Lifecycle, *shown: str, all_ways: bool = False) -> list[Explanation]:
    rows = [row(lifecycle, one) for one in shown]
    return list(explain(Replay(lifecycle, sampled=True, all_ways=all_ways), rows))


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=lambda lifecycle: lifecycle.name)
def test_without_a_profile_the_weights_are_those_that_the_built_in_profiles_document(
    lifecycle: Lifecycle,
) -> None:
    documented = built_in(lifecycle).replay
    assert {name: documented.get(name) for name in WEIGHTS} == dict(WEIGHTS)


def test_a_creation_that_goes_on_is_not_explained_by_a_reset() -> None:
    (change,) = told(NOVA, "building/networking", "active/-")
    assert change.events == ("advance",) * 3
    assert not change.settled


def test_json_gives_shares_of_other_ways_with_four_digits() -> None:
    rows = "status\nACTIVE\nREBOOT\nACTIVE\n"
    _, out, _ = ecs_fsm("replay", "-", "--json", "--sampled", "--all-ways", given=rows)
    shown = [other for change in json.loads(out)["changes"] for other in change["or"]]
    found = [o for c in told(ECS, "ACTIVE", "REBOOT", "ACTIVE", all_ways=True) for o in c.others]
    assert len(found) > 1
    assert shown == [{"events": [*o.events], "share": round(o.share, 4)} for o in found]
    assert any(round(other.share, 3) != round(other.share, 4) for other in found)


def test_a_reboot_that_ends_is_not_explained_by_a_delete() -> None:
    requested, ended = told(ECS, "ACTIVE", "REBOOT", "ACTIVE")
    assert requested.events is not None
    assert requested.events[0] == "reboot"
    assert ended.events == ("advance",)


def test_what_follows_decides_between_the_ways_of_a_change() -> None:
    polls = ("active/-", "active/rebuild_block_device_mapping", "active/-")
    rows = [row(NOVA, shown, 60.0 * minute) for minute, shown in enumerate(polls)]
    rebuilt, ended = explain(Replay(NOVA, sampled=True), rows)
    # An evacuation has that step too, but its server is stopped at the end.
    assert (rebuilt.events, rebuilt.others) == (("rebuild", "advance"), ())
    assert (ended.events, ended.others) == (("advance", "advance"), ())


def test_a_rebuilt_server_that_is_stopped_was_evacuated() -> None:
    (change,) = told(NOVA, "active/rebuilding", "stopped/-")
    assert change.events == ("advance",) * 4
    assert change.facts == (("end", "stopped"),)


def test_an_error_between_two_polls_names_all_that_can_have_failed() -> None:
    (change,) = told(ECS, "ACTIVE", "ERROR")
    assert change.events is not None
    ways = [change.events, *(other.events for other in change.others)]
    named = {tuple(e for e in way if e != "advance") for way in ways}
    assert {("rebuild", "fail"), ("delete", "fail"), ("reboot", "fail")} <= named
    assert ("fail",) not in named  # the first row would show one of the few that are being deleted
    assert change.events[0] != "delete"
    assert all(0 < other.share < 1 for other in change.others)


def test_a_delete_is_told_only_where_the_server_is_seen_deleting_or_gone() -> None:
    profile = changed(built_in(ECS), ["fail.deleting=0.9"])
    replay = Replay(ECS, sampled=True, profile=profile)
    (failed,) = explain(replay, [row(ECS, "active/-"), row(ECS, "error/-")])
    assert failed.events is not None
    assert "delete" not in failed.events
    assert max(failed.others, key=lambda other: other.share).events == ("delete", "fail")
    (deleting,) = explain(replay, [row(ECS, "active/-"), row(ECS, "active/deleting")])
    assert deleting.events == ("delete",)
    (gone,) = explain(replay, [row(ECS, "active/-"), row(ECS, "deleted/-")])
    assert gone.events == ("delete", "advance")


def test_a_step_that_may_hang_is_left_by_the_request_that_a_fleet_makes() -> None:
    rows = [
        row(ECS, word, 60.0 * n) for n, word in enumerate(("ACTIVE", "REBOOT", "ACTIVE", "ERROR"))
    ]
    changes = list(explain(Replay(ECS, sampled=True), rows))
    assert changes[1].events == ("advance",)
    named = {event for other in changes[1].others for event in other.events}
    assert "delete" not in named  # a hung reboot is followed by a hard one, not by a delete


def test_shares_follow_the_profile_and_small_ones_are_left_out() -> None:
    def others(chance: str, *, all_ways: bool = False) -> list[tuple[tuple[str, ...], float]]:
        profile = changed(built_in(ECS), [f"roll_back.migrating={chance}"])
        replay = Replay(ECS, profile=profile, all_ways=all_ways)
        rows = [row(ECS, "active/migrating"), row(ECS, "active/-")]
        ((change),) = explain(replay, rows)
        return [(other.events, round(other.share, 4)) for other in change.others]

    assert others("0.2") == [(("roll_back",), 0.2)]
    assert others("0.005") == []
    assert others("0.005", all_ways=True) == [(("roll_back",), 0.005)]


@pytest.mark.parametrize(
    ("seconds", "events"), [(5, ("roll_back",)), (86_400, ("advance", "start", "advance"))]
)
def test_the_time_that_passed_decides(seconds: float, events: tuple[str, ...]) -> None:
    rows = [row(ECS, "active/powering-off", 0), row(ECS, "active/-", seconds)]
    (change,) = explain(Replay(ECS, sampled=True), rows)
    assert change.events == events


def test_steps_that_do_not_fit_into_the_time_together_are_less_likely() -> None:
    likelihood = Likelihood(ECS)
    path = [ECS.states[f"active/{step}"] for step in ("reboot_started", "migrating", "-")]
    first, second, rest = (likelihood.duration(state).mean for state in path)
    for seconds in (30.0, 300.0, 3000.0):
        slow, fast = math.exp(-seconds / second), math.exp(-seconds / first)
        fits = 1 - (second * slow - first * fast) / (second - first)
        both = -math.log(fits / (1 - slow) / (1 - fast))
        assert likelihood.together(path, seconds) / NAT == pytest.approx(both, abs=0.02)
    assert rest > 900 * second  # the server stays there


def test_a_server_stays_for_ever_where_nothing_follows() -> None:
    likelihood = Likelihood(ECS, built_in(ECS))
    deleted, deleting = ECS.states["deleted/-"], ECS.states["active/deleting"]
    for seconds in (1.0, 1e9):
        assert likelihood.staying(deleted, seconds) == likelihood.entering(deleted, seconds) == 0
    assert min(likelihood.staying(deleting, 1e9), likelihood.entering(deleting, 1e9)) > 0


@pytest.mark.parametrize(
    ("shown", "events"),
    [
        (("idle", "pumping"), "begin advance"),
        (("being built", "pumping"), "advance begin advance"),
    ],
)
def test_a_state_that_nothing_leads_to_but_a_creation_is_followed_like_any_other(
    shown: tuple[str, str], events: str
) -> None:
    rows = (f"2026-01-01T10:0{n}:00Z,a,{mode}\n" for n, mode in enumerate(shown))
    record = f"time,server,Mode.Name\n{''.join(rows)}"
    pump = Path(__file__).parents[1] / "own" / "pump.toml"
    code, out, _ = ecs_fsm("replay", "--sampled", "--lifecycle", str(pump), "-", given=record)
    assert (code, out.splitlines()[1].split("  ")[-1].strip()) == (0, events)


def test_without_a_profile_a_step_takes_ten_seconds_and_a_rest_lasts() -> None:
    parcel = server_class(str(Path(__file__).parents[1] / "own" / "parcel.toml")).lifecycle
    likelihood = Likelihood(parcel)
    assert likelihood.profile is None
    driving = likelihood.duration(parcel.states["depot/driving"])
    assert (driving.family, driving.mean) == (Family.EXPONENTIAL, 10.0)
    assert likelihood.duration(parcel.states["counter/-"]) is AT_REST


def test_what_is_remembered_of_moves_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecs_fsm.replay.explanation.MOST_REMEMBERED", 3)
    replay = Replay(ECS, sampled=True)
    shown = ("active/-", "active/powering-off", "stopped/-", "stopped/powering-on")
    rows = [row(ECS, shown[n % 4], 1.7**n) for n in range(24)]
    remembered = []
    for end in range(2, len(rows)):
        list(explain(replay, rows[:end]))
        remembered.append(sum(len(memory.moves) for memory in replay._memories.values()))
    assert max(remembered) <= 3
