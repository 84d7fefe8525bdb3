"""What holds for every life of a server, whatever it is asked and however its steps end."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_fsm import Refused, Server
from ecs_fsm.core.model import Change
from tests import facts
from tests.core.test_table import ALLOWED, TRIGGERS, entered

STATUS = {f"{vm}/{task or '-'}": status for vm, task, status in facts.STATUS_TABLE}

quickly = settings(max_examples=60)
starts = st.none() | st.sampled_from(facts.STATES)
words = st.lists(st.sampled_from(TRIGGERS), max_size=40)


def begun(start: str | None, history: bool = True) -> Server:
    if start is None:
        return Server.create(history=history)
    return Server.at(*facts.pair(start), history=history)


def lived(start: str | None, asked: list[str], history: bool = True) -> Server:
    """A server that was asked all this, where what is refused is passed over."""
    server = begun(start, history)
    for trigger in asked:
        if server.may(trigger):
            server.trigger(trigger)
    return server


@st.composite
def lives(draw: st.DrawFn) -> tuple[str | None, list[str]]:
    """A start and triggers of which each is possible where it comes."""
    start = draw(starts)
    server, asked = begun(start), list[str]()
    for _ in range(draw(st.integers(0, 40))):
        if not server.triggers():
            break
        asked.append(draw(st.sampled_from(server.triggers())))
        server.trigger(asked[-1])
    return start, asked


@quickly
@given(lives())
def test_a_server_never_leaves_the_documented_pairs_and_their_status(
    life: tuple[str | None, list[str]],
) -> None:
    server = lived(*life)
    assert [STATUS[name] for name in entered(server)] == [c.status for c in server.history]
    assert (STATUS[server.state], server.state) == (server.status, entered(server)[-1])


@quickly
@given(starts, words)
def test_each_event_is_accepted_or_refused_as_the_specification_says(
    start: str | None, asked: list[str]
) -> None:
    server = begun(start)
    for trigger in asked:
        before, state = copy.copy(server), str(server.state)
        if (trigger, state) in ALLOWED:
            path = ALLOWED[trigger, state]
            assert server.trigger(trigger)
            assert server.state == (path[-1] if trigger in facts.EVENTS else path[0])
            assert server.history[: len(before.history)] == before.history
        else:
            with pytest.raises(Refused) as refused:
                server.trigger(trigger)
            assert server == before
            possible = [name for name in facts.OPERATIONS if (name, state) in ALLOWED]
            assert list(refused.value.allowed) == possible


@quickly
@given(lives())
def test_the_same_events_give_the_same_history(life: tuple[str | None, list[str]]) -> None:
    first, second = lived(*life), lived(*life)
    assert first == second
    assert str(first.history) == str(second.history)


@quickly
@given(lives())
def test_a_server_without_history_comes_to_the_same_state(
    life: tuple[str | None, list[str]],
) -> None:
    silent = lived(*life, history=False)
    assert (silent.state, silent.history) == (lived(*life).state, ())


@quickly
@given(lives())
def test_an_observer_hears_the_history(life: tuple[str | None, list[str]]) -> None:
    start, asked = life
    server, told = begun(start), list[Change]()
    server.observe(told.append)
    for trigger in asked:
        server.trigger(trigger)
    assert tuple(told) == server.history[1:]


@quickly
@given(lives())
def test_a_server_comes_back_from_the_api_as_it_was(life: tuple[str | None, list[str]]) -> None:
    server = lived(*life)
    answer = json.loads(json.dumps({"server": server.to_api()}))
    again = Server.from_api(answer)
    assert again.state is server.state
    assert again.to_api() == answer["server"]
    assert again.triggers() == server.triggers()


@quickly
@given(lives(), words)
def test_a_copy_goes_its_own_way(life: tuple[str | None, list[str]], asked: list[str]) -> None:
    server = lived(*life)
    kept = lived(*life)
    other = copy.deepcopy(server)
    for trigger in asked:
        if other.may(trigger):
            other.trigger(trigger)
    assert server == kept
    assert other.history[: len(kept.history)] == kept.history


@quickly
@given(lives())
def test_a_server_that_goes_on_alone_comes_to_rest(life: tuple[str | None, list[str]]) -> None:
    server = lived(*life)
    passed = len(server.history)
    assert ("advance", str(server.run())) not in ALLOWED
    assert {change.event for change in server.history[passed:]} <= {"advance"}
