"""Lifecycles with machines of their own, callbacks that go again, callbacks that are awaited."""

from __future__ import annotations

import asyncio
import pickle
from contextlib import suppress
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest

from ecs_fsm import ECS, InvalidInput, Server
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.nova import Server as NovaServer


def test_a_fresh_lifecycle_is_equal_and_has_its_own_machine() -> None:
    fresh = ECS.fresh()
    assert (fresh == ECS, fresh is ECS) == (True, False)
    entered: list[str] = []
    fresh.machine.get_state("active/powering-off").add_callback(
        "enter", lambda: entered.append("x")
    )
    Server.at("active").stop()
    assert entered == []
    fresh.server_class().at("active").trigger("stop")
    assert entered == ["x"]


def test_a_derived_server_of_a_fresh_lifecycle_has_typed_methods() -> None:
    class Watched(Server):
        lifecycle = ECS.fresh()

    server = Watched.at("active")
    assert (server.may_stop(), server.may_start()) == (True, False)
    assert server.stop()


@pytest.mark.parametrize(
    ("lifecycle", "kind"), [(ECS, Server), (NOVA, NovaServer)], ids=["ecs", "nova"]
)
def test_a_class_made_at_run_time_has_the_methods_of_the_generated_one(
    lifecycle: object, kind: type[Server]
) -> None:
    made = kind.lifecycle.fresh().server_class()
    own = {name for name in vars(kind) if not name.startswith("_")} - {"lifecycle"}
    assert {name for name in vars(made) if not name.startswith("_")} - {"lifecycle"} == own
    for name in own:
        lines = str(vars(made)[name].__doc__).split()
        assert lines == str(vars(kind)[name].__doc__).split()


def test_a_server_of_a_fresh_lifecycle_comes_back_to_it_from_a_pickle() -> None:
    server = ECS.fresh().server_class().at("active")
    again = pickle.loads(pickle.dumps(server))  # noqa: S301  # the test wrote it itself
    assert again == server
    assert again.lifecycle is server.lifecycle


def test_every_event_has_a_question() -> None:
    for name in ECS.triggers:
        if any(t.source for t in ECS.triggers[name].transitions):
            for state in ECS.states.values():
                server = Server(ECS.found(state))
                assert getattr(server, f"may_{name}")() == server.may(name)


def test_callbacks_go_at_the_end_of_a_block() -> None:
    fresh = ECS.fresh()
    kind, seen = fresh.server_class(), []
    fresh.machine.get_state("active/powering-off").add_callback("enter", lambda: seen.append("old"))
    with fresh.machine.temporary_callbacks() as machine:
        machine.get_state("active/powering-off").add_callback("enter", lambda: seen.append("new"))
        machine.before_state_change.append(lambda: seen.append("before"))
        machine.add_transition("stop", "stopped/-", "stopped/-")
        kind.at("active").trigger("stop")
        assert kind.at("stopped").trigger("stop")
        assert seen == ["before", "old", "new", "before"]
        del seen[:]
    kind.at("active").trigger("stop")
    assert seen == ["old"]
    assert not kind.at("stopped").may("stop")


def test_callbacks_go_if_the_block_raises() -> None:
    fresh, seen = ECS.fresh(), []
    with suppress(KeyError), fresh.machine.temporary_callbacks() as machine:
        machine.before_state_change.append(lambda: seen.append("before"))
        raise KeyError
    fresh.server_class().at("active").trigger("stop")
    assert seen == []


def test_a_coroutine_is_awaited_where_it_stands() -> None:
    fresh = ECS.fresh()
    kind, seen = fresh.server_class(), []

    async def entering() -> None:
        seen.append(f"begins in {current_thread().name}")
        await asyncio.sleep(0)
        seen.append("ends")

    state = fresh.machine.get_state("active/powering-off")
    state.add_callback("enter", entering)
    fresh.machine.after_state_change.append(lambda: seen.append("after"))
    server = kind.at("active")
    server.observe(lambda change: seen.append(f"{change.event} in {current_thread().name}"))
    assert asyncio.run(server.trigger_async("stop"))
    assert seen == ["begins in MainThread", "ends", "after", "stop in MainThread"]
    assert server.state == "active/powering-off"


def test_an_event_in_an_awaited_callback_can_be_awaited() -> None:
    fresh = ECS.fresh()
    server = fresh.server_class().at("active")

    async def going_on() -> None:
        await server.trigger_async("advance")

    fresh.machine.get_state("active/powering-off").add_callback("enter", going_on)
    asyncio.run(server.trigger_async("stop"))
    assert server.state == "stopped/-"


def test_a_coroutine_that_raises_changes_nothing() -> None:
    fresh = ECS.fresh()
    server = fresh.server_class().at("active")

    async def failing() -> None:
        raise KeyError("no")

    fresh.machine.get_state("active/powering-off").add_callback("enter", failing)
    with pytest.raises(KeyError, match="no"):
        asyncio.run(server.trigger_async("stop"))
    assert (server.state, len(server.history)) == ("active/-", 1)


def test_a_coroutine_that_nothing_awaits_is_refused() -> None:
    fresh = ECS.fresh()

    async def entering() -> None: ...

    fresh.machine.get_state("active/powering-off").add_callback("enter", entering)
    server = fresh.server_class().at("active")
    with pytest.raises(
        InvalidInput, match=r"entering of stop is a coroutine: await server\.trigger_as"
    ):
        server.trigger("stop")
    assert server.state == "active/-"


def test_without_callbacks_nothing_waits() -> None:
    assert asyncio.run(Server.at("active").trigger_async("stop"))


@pytest.mark.parametrize("spelling", ["-", "none", "null"])
def test_a_state_is_named_by_its_two_words(spelling: str) -> None:
    state = NOVA.state_named(f"active/{spelling}")
    assert (state, state.step) == ("active/-", "-")
    running = NOVA.state_named("active/powering-off")
    assert (running, running.step) == ("active/powering-off", "powering-off")
    for text in ("active", "", "active/napping", "stopped/spawning"):
        with pytest.raises(InvalidInput):
            NOVA.state_named(text)


def test_a_rare_transition_says_what_makes_it_rare() -> None:
    words = {t.trigger: NOVA.rare(t) for t in NOVA.transitions if NOVA.rare(t)}
    assert words["build_timeout"] == ("build_timeout",)
    assert words["delete"] == ("host=down",)
    assert words["restart"] == ("vif=broken",)
    (stop,) = NOVA.find("stop", NOVA.states["active/-"])
    assert NOVA.rare(stop) == ()


def test_a_method_made_at_run_time_takes_the_facts_of_its_trigger_and_no_others() -> None:
    server: Any = NOVA.fresh().server_class().at("active", boot="image", upload="direct")
    with pytest.raises(TypeError, match=r"^shelve\(\) got an unexpected keyword argument 'cell'$"):
        server.shelve(cell="same")
    assert server.shelve(offload="later")


def test_where_a_state_is_one_word_every_attribute_has_its_name() -> None:
    pump = server_class(str(Path(__file__).parents[1] / "own" / "pump.toml")).lifecycle
    phrases = Phrases(pump.table)
    assert phrases.attributes == ("Mode.Name",) * 3
    assert phrases.columns == {"status": "Mode.Name"}
    assert (phrases.form, phrases.nowhere) == ("STATE", "(no pump)")
    assert Phrases(ECS.table).attributes == ("vm_state", "task_state", "status")
