"""Scenarios: what their words mean, and what is wrong with words that mean nothing."""

import pytest

from ecs_fsm import ECS, InvalidInput, Server
from ecs_fsm.core.scenario import simulate
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.nova import Server as NovaServer


def run(*words: str, start: str | None = None) -> tuple[list[str], str | None]:
    """The events after the start with the states that they entered, and what was refused."""
    server, refused = simulate(Server, words, ECS.node(ECS.states[start]) if start else None)
    lived = [f"{c.event} {c.vm_state}/{c.task_state or '-'}" for c in server.history]
    return lived[1:], refused.operation if refused else None


@pytest.mark.parametrize(
    ("word", "start", "lived"),
    [
        ("resize:fail@resize_prep", "stopped/-",
         ["resize stopped/resize_prep", "fail stopped/-", "fail error/-"]),
        ("stop:roll_back", "active/-", ["stop active/powering-off", "roll_back active/-"]),
        ("confirm_resize:fail", "resized/-", ["fail error/-"]),
        ("confirm_resize:fail@-", "resized/-", ["fail error/-"]),
        ("confirm_resize", "resized/-", ["confirm_resize stopped/-"]),
        ("rebuild:roll_back", "stopped/-",
         ["rebuild stopped/rebuilding", "advance stopped/rebuild_block_device_mapping",
          "advance stopped/rebuild_spawning", "advance active/-", "advance active/powering-off",
          "roll_back active/-"]),
        ("hard_reboot", "active/reboot_pending",
         ["hard_reboot active/rebooting_hard", "advance active/reboot_pending_hard",
          "advance active/reboot_started_hard", "advance active/-"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_word_is_an_operation_and_what_becomes_of_it(
    word: str, start: str, lived: list[str]
) -> None:
    assert run(word, start=start) == (lived, None)


def test_outcomes_follow_each_other_and_a_creation_goes_on_after_a_reschedule() -> None:
    words = "create:reschedule@-,reschedule@networking,fail@scheduling"
    lived, _ = run(words)
    assert [step for step in lived if not step.startswith("advance")] == [
        "reschedule building/scheduling",
        "reschedule building/scheduling",
        "fail error/-",
    ]
    assert run("create:reschedule@spawning")[0][-1] == "advance active/-"


def test_a_hung_step_stays_until_the_next_word_is_asked_over_it() -> None:
    lived, refused = run("reboot:hang@reboot_pending", "hard_reboot:hang@rebooting_hard", "delete",
                         start="active/-")  # fmt: skip
    assert refused is None
    assert lived == [
        "reboot active/rebooting",
        "advance active/reboot_pending",
        "hard_reboot active/rebooting_hard",
        "delete active/deleting",
        "advance deleted/-",
    ]
    assert run("stop:hang", "start", start="active/-") == (["stop active/powering-off"], "start")


def test_waiting_asks_for_nothing_and_lets_what_runs_go_on() -> None:
    assert run("wait", "resize:hang@resize_prep", start="active/powering-off") == (
        ["advance stopped/-", "resize stopped/resize_prep"],
        None,
    )
    lived, _ = run("reboot:hang@rebooting", "wait:fail@reboot_started", start="active/-")
    assert lived[1:] == [
        "advance active/reboot_pending",
        "advance active/reboot_started",
        "fail error/-",
    ]
    assert run("wait:fail@-", start="resized/-") == (["fail error/-"], None)
    assert run("wait", start="active/-") == ([], None)


def test_a_step_is_named_whole_where_two_have_the_same_task() -> None:
    start = NOVA.place(NOVA.states["resized/-"], {"was": "active"})
    for step, end in (
        ("resized/soft-deleting", "soft-delete/-"),
        ("active/soft-deleting", "active/-"),
    ):
        word = f"soft_delete:{'hang' if 'resized' in step else 'roll_back'}@{step}"
        server, _ = simulate(NovaServer, [word], start)
        assert server.state == (step if "resized" in step else end)


def test_a_word_that_leaves_alone_what_runs_has_its_steps() -> None:
    start = NOVA.place(NOVA.states["active/-"])
    words = ["reboot:hang@rebooting", "lock:hang@rebooting", "unlock:fail@reboot_started"]
    server, refused = simulate(NovaServer, words, start)
    assert ([str(c.event) for c in server.history][1:], refused) == (
        ["reboot", "advance", "advance", "fail", "fail"],
        None,
    )
    assert simulate(NovaServer, [*words[:2], "delete"], start).refused is not None


def test_a_request_that_enters_no_state_leaves_a_hung_step_hanging() -> None:
    start = NOVA.place(NOVA.states["active/-"])
    for words, end in (
        (["delete:hang@deleting", "delete"], "active/deleting"),
        (["delete:hang", "delete", "force_delete", "update_metadata"], "active/deleting"),
        (["delete:hang", "delete", "wait"], "deleted/-"),
        (["delete:hang", "delete[host=down]"], "deleted/-"),
        (["delete:hang", "restart"], "deleted/-"),
        (["delete:hang", "reset_state_error", "delete"], "deleted/-"),
    ):
        assert simulate(NovaServer, words, start).server.state == end, words


def test_a_word_over_a_server_that_rests_with_a_task_has_that_task_as_its_step() -> None:
    start = NOVA.place(NOVA.states["error/resize_prep"])
    assert NOVA.rests(start.state)
    for word, lived in (
        ("lock", []),
        ("lock:hang@resize_prep", []),
        ("lock:fail@resize_prep", ["fail error/-"]),
        ("lock:fail@error/resize_prep", ["fail error/-"]),
    ):
        server, refused = simulate(NovaServer, [word], start)
        entered = [f"{c.event} {c.vm_state}/{c.task_state or '-'}" for c in server.history]
        assert (entered[1:], refused) == (lived, None), word
        assert server.remembers["locked"] == "yes"


def test_a_scenario_without_words_leaves_a_server_as_it_is_and_makes_none() -> None:
    assert run(start="active/powering-off") == ([], None)
    with pytest.raises(InvalidInput, match="there is no server yet: begin with create"):
        simulate(Server, [])


def test_a_refused_word_ends_the_scenario_and_later_words_are_not_run() -> None:
    assert run("start", "stop", "delete", start="active/-") == ([], "start")
    assert run("create", start="active/-") == ([], "create")
    assert run("confirm_resize:fail", start="stopped/-") == ([], "confirm_resize")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("resize:roll_back", "say at which step: roll_back@resize_prep, roll_back@resize_migrating"),
        ("rebuild:fail@spawning", "unknown step of rebuild 'spawning'; did you mean 'rebuild_spawning'"),
        ("reboot:fail@rebooting", "fail can happen at reboot_started only"),
        ("live_migrate:fail", "fail cannot happen to live_migrate"),
        ("confirm_resize:hang", "hang cannot happen to confirm_resize"),
        ("stop:rollback", "unknown outcome 'rollback'; did you mean 'roll_back'"),
        ("stop:", "unknown outcome ''"),
        ("stop:advance", "unknown outcome 'advance'"),
        ("delete:fail@", "unknown step of delete ''"),
        ("delete:fail@stopped/deletin", "unknown step of delete 'stopped/deletin'; did you mean 'stopped/deleting'"),
        ("stop:hang@active/-", "unknown step of stop 'active/-'"),
        ("wait:fail", "say at which step"),
        ("rebuild:hang@rebuilding,fail@rebuilding", "nothing can follow a hang"),
        ("rebuild:fail@rebuilding,fail@rebuild_spawning", "rebuild_spawning is not reached, it rests at error/-"),
    ],
)  # fmt: skip
def test_a_word_that_means_nothing_says_what_there_is(word: str, message: str) -> None:
    starts = {"reboot": "active/-", "confirm_resize": "resized/-"}
    start = ECS.node(ECS.states[starts.get(word.partition(":")[0], "stopped/-")])
    with pytest.raises(InvalidInput) as raised:
        simulate(Server, [word], start)
    assert message in str(raised.value)


def test_every_word_is_read_before_the_first_is_run() -> None:
    with pytest.raises(InvalidInput, match="unknown operation 'strat'"):
        simulate(Server, ["create", "stop", "stop", "strat"])
