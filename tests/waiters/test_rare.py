"""What goes wrong only under a rare circumstance is a note; `--rare` makes it a finding."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecs_fsm import InvalidInput
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.waiters.starts import all_starts, select
from tests.command import ecs_fsm

CASES = {
    "guest=off": (
        ("confirm_resize", "resized/-[was=active]", "status", "ACTIVE", "ERROR", "VERIFY_RESIZE"),
        "confirm_resize[guest=off]",
        ("spurious-failure", "SHUTOFF"),
    ),
    "vif=broken": (
        ("change_password", "active/-", "task_state", "-", None, "updating_password"),
        "restart[vif=broken]",
        ("hangs", "updating_password"),
    ),
    "host=down": (
        ("soft_delete", "active/-", "status", "SOFT_DELETED", "ERROR", "ACTIVE"),
        "soft_delete[host=down]",
        ("leaves-early", "SOFT_DELETED"),
    ),
    "build_timeout": (
        ("create", "(no server)", "status+task_state", "ACTIVE/-", "ERROR/-", None),
        "build_timeout",
        ("hangs", "ERROR/spawning"),
    ),
}


def checked(waiter: tuple[str | None, ...], *options: str) -> dict[str, Any]:
    names = ("operation", "from", "attribute", "target", "failure", "pending")
    words = [w for n, v in zip(names, waiter, strict=True) if v for w in (f"--{n}", v)]
    answer = ecs_fsm("check", "--lifecycle", "nova", *words, "--json", *options)
    (found,) = json.loads(answer.out)["waiters"]
    return {**found, "code": answer.code}


def told(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["finding"], one["polled"][-1]) for one in found["findings"]}


@pytest.mark.parametrize(("waiter", "event", "finding"), CASES.values(), ids=CASES)
def test_a_rare_finding_is_a_note_that_names_the_circumstance(
    waiter: tuple[str | None, ...], event: str, finding: tuple[str, str]
) -> None:
    found = checked(waiter)
    assert finding not in told(found)
    (note,) = [note for note in found["notes"] if note.startswith("rarely")]
    assert f"with {event}: " in note
    assert " at ".join(finding) in note
    assert "--rare" in note


@pytest.mark.parametrize(("waiter", "event", "finding"), CASES.values(), ids=CASES)
def test_with_rare_it_is_a_finding_and_the_others_stay(
    waiter: tuple[str | None, ...], event: str, finding: tuple[str, str]
) -> None:
    usual, found = checked(waiter), checked(waiter, "--rare")
    kinds = {one["finding"] for one in usual["findings"]}
    assert kinds < {one["finding"] for one in found["findings"]} or finding in told(found)
    (own,) = [one for one in found["findings"] if one["finding"] == finding[0]]
    assert event in own["message"] or event.partition("[")[2].strip("]") in own["message"]
    assert finding[1] in own["message"]
    assert [note for note in found["notes"] if note.startswith("rarely")] == []


def test_what_needs_no_rare_circumstance_has_no_such_note() -> None:
    found = checked(("stop", "active/-", "status+task_state", "SHUTOFF/-", "ERROR/-", None))
    assert [note for note in found["notes"] if note.startswith("rarely")] == []
    assert (
        checked(("stop", "active/-", "status+task_state", "SHUTOFF/-", "ERROR/-", None), "--rare")[
            "findings"
        ]
        == found["findings"]
    )


def test_a_start_that_is_named_with_its_circumstance_needs_no_option() -> None:
    (named,) = select(NOVA, "delete", ("active/-[host=down]",), ())
    assert (named.rare, named.full_name) == (True, "active/-[host=down]")
    assert [start.full_name for start in select(NOVA, "delete", ("active/-",), ())] == ["active/-"]


def test_a_repeated_request_is_a_start_only_where_its_state_is_named() -> None:
    repeated = {start.state for start in all_starts(NOVA, "delete") if start.repeated}
    assert {str(state).partition("/")[2] for state in repeated} == {"deleting", "soft-deleting"}
    assert not {start.state for start in select(NOVA, "delete", (), ())} & repeated
    (named,) = select(NOVA, "delete", ("active/deleting",), ())
    assert named.repeated
    assert all(
        start.repeated
        for start in all_starts(NOVA, "delete")
        if start.state in repeated and not start.rare
    )


def test_what_has_no_step_anywhere_is_not_repeated() -> None:
    assert not any(start.repeated for start in all_starts(NOVA, "update_metadata"))


def test_a_circumstance_that_an_operation_does_not_know_is_refused() -> None:
    with pytest.raises(InvalidInput, match="host cannot be given with stop"):
        select(NOVA, "stop", ("active/-[host=down]",), ())
