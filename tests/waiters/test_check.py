"""What is wrong with a waiter: each finding where it should be, and nowhere else."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from ecs_fsm import ECS, InvalidInput
from ecs_fsm.core.model import Kind
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.waiters import Finding, FindingKind, Waiter, infer
from ecs_fsm.waiters.judge import NAMES, find_attribute
from tests.core.test_validation import with_rows


def found(waiter: Waiter) -> dict[tuple[str, str | None], bool]:
    return {(f.kind.value, f.value): f.avoidable for f in waiter.findings()}


def only(waiter: Waiter, fault: FindingKind) -> Finding:
    (finding,) = (f for f in waiter.findings() if f.kind is fault)
    return finding


def states(finding: Finding) -> list[str]:
    return [str(node.state) for node in finding.run.nodes]


def test_a_good_waiter_has_no_findings_but_a_note_that_steps_can_hang() -> None:
    waiter = Waiter("resize", "VERIFY_RESIZE", pending="RESIZE", failure=["ERROR", "SHUTOFF"])
    assert waiter.findings() == ()
    assert waiter.notes() == (
        "a step can hang, then the waiter waits forever: stopped/resize_prep (RESIZE), "
        "stopped/resize_migrating (RESIZE), stopped/resize_migrated (RESIZE), "
        "stopped/resize_finish (RESIZE); use a time limit",
    )


def test_some_of_many_steps_that_can_hang_are_named_and_the_rest_counted() -> None:
    (note,) = Waiter("create", "ACTIVE", failure="ERROR").notes()
    assert note == (
        "a step can hang, then the waiter waits forever: building/scheduling (BUILD), "
        "building/- (BUILD), building/networking (BUILD), building/block_device_mapping (BUILD) "
        "and 1 more; use a time limit"
    )


def test_a_waiter_that_stops_at_a_step_does_not_hang_with_it() -> None:
    assert Waiter("create", "ACTIVE", failure=["BUILD", "ERROR"]).notes() == ()
    assert Waiter("confirm_resize", "SHUTOFF").notes() == ()


def test_a_finding_about_an_unknown_value_suggests_the_nearest_one() -> None:
    waiter = Waiter("create", "ACTIVE", pending=["BUILDING"], failure="ERROR")
    assert found(waiter) == {
        ("unknown-value", "BUILDING"): True,
        ("spurious-failure", "BUILD"): True,
    }
    assert only(waiter, FindingKind.UNKNOWN_VALUE).message.startswith(
        "'BUILDING' in pending is not a value of status; did you mean 'BUILD'? "
    )


@pytest.mark.parametrize(
    ("attribute", "listed", "nearest"),
    [
        ("status", "active", "ACTIVE"),
        ("status", "VERIFY", "VERIFY_RESIZE"),
        ("status", "SHUTDOWN", "SHUTOFF"),
        ("status", "404", "<gone>"),
        ("task_state", "None", "-"),
        ("task_state", "powering_off", "powering-off"),
        ("vm_state", "resize", "resized"),
        ("status+task_state", "ACTIV", "ACTIVE"),
        ("status+task_state", "ACTIVE/powering_off", "ACTIVE/powering-off"),
        ("status+task_state", "ACTIVE/None", "ACTIVE/-"),
    ],
)
def test_the_nearest_value(attribute: str, listed: str, nearest: str) -> None:
    assert find_attribute(ECS, attribute).nearest(listed) == nearest


def test_a_waiter_for_a_status_that_never_comes_never_succeeds() -> None:
    waiter = Waiter("confirm_resize", "ACTIVE", failure="ERROR")
    assert found(waiter) == {("never-succeeds", None): True, ("misses", "SHUTOFF"): True}
    assert only(waiter, FindingKind.NEVER_SUCCEEDS).polled == ("VERIFY_RESIZE", "SHUTOFF")
    assert only(waiter, FindingKind.MISSES).polled == ("SHUTOFF",)


def test_where_nothing_could_mean_success_without_another_fault_it_cannot_be_avoided() -> None:
    waiter = Waiter("reboot", "SHUTOFF", failure="ERROR")
    assert found(waiter) == {
        ("never-succeeds", None): False,
        ("misses", "ACTIVE"): False,
        ("hangs", "ACTIVE"): False,
    }


def test_a_server_that_is_rebuilt_runs_before_it_is_stopped_again() -> None:
    waiter = Waiter("rebuild", "ACTIVE", failure="ERROR", from_="stopped/-")
    finding = only(waiter, FindingKind.LEAVES_EARLY)
    assert states(finding) == [
        "stopped/rebuilding", "stopped/rebuild_block_device_mapping", "stopped/rebuild_spawning",
        "active/-", "active/powering-off", "stopped/-",
    ]  # fmt: skip
    assert (finding.seen, finding.polled) == ((3,), ("ACTIVE",))
    rolled_back = only(waiter, FindingKind.FALSE_SUCCESS)
    assert rolled_back.run.outcomes[-1].transition.trigger == "roll_back"
    assert states(rolled_back)[-2:] == ["active/powering-off", "active/-"]


def test_a_reboot_that_was_rolled_back_looks_like_one_that_was_not() -> None:
    waiter = Waiter("reboot", "ACTIVE", failure="ERROR")
    assert found(waiter) == {("false-success", "ACTIVE"): False}
    assert only(waiter, FindingKind.FALSE_SUCCESS).message == (
        "the waiter reports success at ACTIVE although reboot does not succeed: active/- —reboot→ "
        "active/rebooting → active/reboot_pending → active/reboot_started —roll_back→ active/-, "
        "polled status ACTIVE. Polling cannot fix this: every other choice of values fails "
        "elsewhere, and no other attribute helps."
    )


def test_an_unavoidable_finding_names_the_attribute_to_poll_instead() -> None:
    assert only(Waiter("stop", "SHUTOFF"), FindingKind.HANGS).message.endswith(
        "Polling status cannot fix this: every other choice of values fails elsewhere; "
        "poll status+task_state instead."
    )
    early = only(Waiter("reboot", "active", attribute="vm_state"), FindingKind.LEAVES_EARLY)
    assert not early.avoidable
    assert early.message.endswith("poll status instead.")


def test_a_reschedule_is_healthy_and_may_come_any_number_of_times() -> None:
    waiter = Waiter(
        "create", "ACTIVE/-", pending="BUILD", failure="ERROR", attribute="status+task_state"
    )
    assert waiter.findings() == ()


def test_a_confirmation_can_still_show_the_state_in_which_it_was_requested() -> None:
    early = only(Waiter("confirm_resize", ["VERIFY_RESIZE", "SHUTOFF"]), FindingKind.LEAVES_EARLY)
    assert (states(early), early.seen) == (["resized/-", "stopped/-"], (0,))
    assert "spurious-failure" not in {
        f for f, _ in found(Waiter("revert_resize", "SHUTOFF", failure="VERIFY_RESIZE"))
    }
    assert ("spurious-failure", "VERIFY_RESIZE") in found(
        Waiter("confirm_resize", "SHUTOFF", failure="VERIFY_RESIZE")
    )


class TestADelete:
    """deleted/- is seen or missed, and the answer after it is 404 for ever."""

    def test_a_waiter_for_the_status_may_miss_it(self) -> None:
        waiter = Waiter("delete", "DELETED", failure="ERROR", from_="active/-")
        assert found(waiter) == {("misses", "<gone>"): True}
        assert only(waiter, FindingKind.MISSES).polled == ("<gone>",)
        assert only(waiter, FindingKind.MISSES).seen == (2,)
        assert states(only(waiter, FindingKind.MISSES)) == ["active/deleting", "deleted/-"]

    def test_a_waiter_that_goes_on_at_both_has_seen_the_last_state(self) -> None:
        waiter = Waiter("delete", "SHUTOFF", failure="ERROR", from_="active/-")
        assert only(waiter, FindingKind.MISSES).polled == ("DELETED", "<gone>")

    def test_a_waiter_for_404_sees_it_in_the_end(self) -> None:
        waiter = Waiter("delete", "<gone>", failure="ERROR", from_=["active/-", "stopped/-"])
        assert waiter.findings() == ()
        assert (
            Waiter("delete", ["DELETED", "<gone>"], failure="ERROR", from_="active/-").findings()
            == ()
        )

    def test_404_is_a_value_like_others(self) -> None:
        waiter = Waiter("delete", "DELETED", pending="ACTIVE", failure="ERROR", from_="active/-")
        assert found(waiter) == {("spurious-failure", "<gone>"): True}
        strict = Waiter("delete", "<gone>", pending="ACTIVE", failure="ERROR", from_="active/-")
        assert found(strict) == {("spurious-failure", "DELETED"): True}

    def test_status_does_not_show_that_a_server_in_error_failed(self) -> None:
        waiter = Waiter("delete", ["DELETED", "<gone>"], from_="error/-")
        assert found(waiter) == {("blind", "ERROR"): False}
        assert "poll status+task_state instead" in waiter.findings()[0].message


def test_what_the_memory_of_a_server_decides_is_a_start_of_its_own() -> None:
    waiter = Waiter("confirm_resize", "ACTIVE", failure="ERROR", lifecycle=NOVA)
    assert only(waiter, FindingKind.MISSES).run.start.name == "resized/-[was=stopped]"
    assert only(waiter, FindingKind.FALSE_SUCCESS).run.start.name == "resized/-[was=active]"
    fixed = Waiter(
        "confirm_resize", "ACTIVE", failure="ERROR", remember={"was": "active"}, lifecycle=NOVA
    )
    assert found(fixed) == {("false-success", "ACTIVE"): False}
    same = Waiter(
        "confirm_resize", "ACTIVE", failure="ERROR", from_="resized/-[was=active]", lifecycle=NOVA
    )
    assert same.findings() == fixed.findings()


def test_what_does_not_matter_to_an_operation_is_not_named() -> None:
    starts = Waiter("stop", "SHUTOFF", lifecycle=NOVA).runs.starts
    assert [start.name for start in starts] == ["active/-", "error/-"]


def test_a_service_that_restarts_ends_some_tasks_and_takes_others_up_again() -> None:
    ended = Waiter("unpause", "ACTIVE", lifecycle=NOVA)
    assert only(ended, FindingKind.FALSE_SUCCESS).run.outcomes[-1].transition.kind is Kind.SYSTEM
    taken_up = Waiter("reboot", "ACTIVE", pending="REBOOT", failure="ERROR", lifecycle=NOVA)
    spurious = only(taken_up, FindingKind.SPURIOUS_FAILURE)
    assert spurious.value == "HARD_REBOOT"
    assert spurious.run.succeeded


def test_a_bare_status_is_that_status_with_any_task() -> None:
    waiter = Waiter(
        "start", "ACTIVE", pending="SHUTOFF/powering-on", failure="SHUTOFF/-",
        attribute="status+task_state",
    )  # fmt: skip
    assert waiter.findings() == ()


@pytest.mark.parametrize("name", NAMES)
def test_every_attribute_has_a_value_in_every_state_and_404(name: str) -> None:
    attribute = find_attribute(NOVA, name)
    assert {attribute.of(state) for state in NOVA.states.values()} | {"<gone>"} == set(
        attribute.values
    )
    assert attribute.of(None) == "<gone>"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"operation": "resise"}, "unknown operation 'resise'; did you mean 'resize'"),
        ({"attribute": "state"}, "unknown attribute 'state'"),
        ({"target": ()}, "target is empty"),
        ({"target": [" "]}, "target is empty"),
        ({"pending": ["VERIFY_RESIZE"]}, "VERIFY_RESIZE is in pending and in target"),
        ({"failure": "VERIFY_RESIZE"}, "VERIFY_RESIZE is in target and in failure"),
        ({"pending": "ERR", "failure": "ERR"}, "ERR is in pending and in failure"),
        ({"from_": "active/-"}, "resize is refused at active/-"),
        ({"from_": "stopped"}, "'stopped' is not a state: write VM/TASK, such as stopped/-"),
        ({"from_": " stopped"}, "' stopped' is not a state: write VM/TASK, such as stopped/-"),
        ({"from_": "stopped/-[was"}, "expected a closing bracket"),
        ({"from_": "(no server)"}, "resize needs a server"),
        ({"remember": "was=active"}, "unknown fact 'was'"),
    ],
)
def test_an_invalid_waiter_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Waiter(**{"operation": "resize", "target": "VERIFY_RESIZE", **wrong})


@pytest.mark.parametrize(
    ("operation", "given", "message"),
    [
        ("stop", {"remember": "was=active"}, "a server has no fact was where stop starts"),
        ("stop", {"remember": "locked=yes"}, "stop is not accepted with locked=yes"),
        ("confirm_resize", {"remember": "was=x"}, "unknown value of was"),
        ("confirm_resize", {"from_": "resized/-[cell=same,was=x]"}, "unknown value of was"),
        ("create", {"from_": "active/-"}, "the server exists already"),
    ],
)
def test_facts_that_cannot_be_are_refused(
    operation: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        Waiter(operation, "ACTIVE", lifecycle=NOVA, **given)


def test_one_value_in_two_lists_is_refused_also_by_another_spelling() -> None:
    with pytest.raises(InvalidInput, match=r"ACTIVE/- is in pending \(as ACTIVE\) and in target"):
        Waiter("start", "ACTIVE/-", pending="ACTIVE", attribute="status+task_state")


def test_a_waiter_is_a_value() -> None:
    one, other = (Waiter("stop", ["SHUTOFF"], from_=["active/-"]) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)).findings() == one.findings()  # noqa: S301 - our own


def test_a_waiter_for_several_starts_is_inferred_where_it_serves_them_alike() -> None:
    running, stopped = infer("rebuild")
    assert (running.from_, running.target) == (("active/-", "error/-"), ("ACTIVE",))
    assert (stopped.from_, stopped.target) == (("stopped/-",), ("SHUTOFF",))
    assert running.findings() == ()
    assert found(stopped) == {("hangs", "ACTIVE"): False}


def test_where_the_wanted_value_shows_too_early_it_is_the_lesser_evil_that_counts() -> None:
    (waiter,) = infer("reboot", attribute="vm_state")
    assert (waiter.pending, waiter.target, waiter.failure) == ((), ("active",), ("error",))
    assert set(found(waiter)) == {("leaves-early", "active"), ("false-success", "active")}


def test_a_lifecycle_of_a_user_is_checked_alike() -> None:
    from ecs_fsm import Lifecycle

    own = Lifecycle(with_rows(stop={"active/-": "stopped/-"}))
    assert Waiter("stop", "SHUTOFF", lifecycle=own).findings() == ()
    assert Waiter("stop", "SHUTOFF", lifecycle=own).notes() == ()
