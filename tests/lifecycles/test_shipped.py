"""The lifecycles that ship as files, against what their sources say."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecs_fsm.core.errors import Refused
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA

HERE = Path(__file__).parent


def table(name: str) -> list[dict[str, str]]:
    """The rows of a dated copy of a source, without the comment at its head."""
    with (HERE / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def shipped(name: str) -> Lifecycle:
    return server_class(name).lifecycle


DOCUMENTED = {
    f"{row['vm_state']}/{NO_TASK if row['task_state'] == 'null' else row['task_state']}": row[
        "status"
    ]
    for row in table("ecs-2022.csv")
}
NATIVE = (
    "create, start, stop, reboot, hard_reboot, rebuild, resize, confirm_resize, revert_resize, "
    "live_migrate, delete, lock, unlock, create_image, shelve, unshelve, shelve_offload"
)


def test_the_44_documented_pairs_of_2022_show_their_status() -> None:
    lifecycle = shipped("ecs-2022")
    assert len(DOCUMENTED) == 44
    assert {n: str(lifecycle.states[n].status) for n in DOCUMENTED} == DOCUMENTED


def test_every_pair_outside_the_document_shows_unknown() -> None:
    lifecycle = shipped("ecs-2022")
    others = {str(s.status) for n, s in lifecycle.states.items() if n not in DOCUMENTED}
    assert others == {"UNKNOWN"}
    assert lifecycle.status("paused") == ("UNKNOWN", False)
    assert lifecycle.status("deleted", "migrating") == ("UNKNOWN", False)
    assert lifecycle.status("active", "suspending") == ("UNKNOWN", False)
    assert lifecycle.status("active", "no word of any document") == ("UNKNOWN", False)
    assert lifecycle.status("active") == ("ACTIVE", True)


def test_what_the_document_lists_and_nothing_enters_is_said() -> None:
    lifecycle = shipped("ecs-2022")
    entered = {node.state for node in lifecycle.state_graph.entered}
    assert {*DOCUMENTED} - entered == {
        "shelved/shelving",
        "shelved/shelving_image_pending_upload",
        "shelved/shelving_image_uploading",
        "shelved_offloaded/shelving_offloading",
    }
    assert {*lifecycle.states} - entered == {*lifecycle.table.unreached}


def test_2022_has_the_operations_of_the_native_api_and_novas_movement() -> None:
    lifecycle = shipped("ecs-2022")
    assert {*lifecycle.operations} == {*NATIVE.split(", ")}
    known = {(t.trigger, t.source, t.path) for t in NOVA.transitions}
    entered = [t for t in lifecycle.transitions if t.source not in lifecycle.table.unreached]
    assert {(t.trigger, t.source, t.path) for t in entered} <= known
    for name in NATIVE.split(", "):
        mine = {(t.source, t.path) for t in entered if t.trigger == name}
        novas = {
            (t.source, t.path)
            for t in NOVA.operations[name].transitions
            if t.source is None or t.source in lifecycle.states
        }
        assert mine == novas


EDGES = [(row["source"], row["event"], row["target"]) for row in table("ironic-edges.csv")]
RENAMED = {
    ("cleaning", "done", "manageable"): "manage",
    ("deleting", "done", "cleaning"): "clean",
    **{
        (wait, "done", step): "resume"
        for wait, step in [
            ("wait call-back", "deploying"),
            ("clean wait", "cleaning"),
            ("rescue wait", "rescuing"),
            ("service wait", "servicing"),
        ]
    },
}
"""Edges that have another name in the file than in Ironic's own module."""


def test_ironic_has_exactly_the_edges_of_its_own_state_machine() -> None:
    lifecycle = shipped("ironic")
    edges = {
        (str(t.source), RENAMED.get((t.source, t.trigger, t.path[-1]), t.trigger), str(t.path[-1]))
        for t in lifecycle.transitions
        if t.source is not None and not t.path[-1].gone
    }
    assert len(EDGES) == 93
    assert edges == {*EDGES}


def test_a_node_on_hold_rests_and_has_not_reached_its_goal() -> None:
    node = server_class("ironic").at("deploying")
    node.trigger("hold")
    assert (str(node.state), node.lifecycle.rests(node.state)) == ("deploy hold", True)
    assert node.lifecycle.triggers["hold"].pauses
    node.trigger("unhold")
    assert str(node.run()) == "active"


def ends(lifecycle: Lifecycle, source: str, *triggers: str) -> Iterator[str]:
    """The states to which triggers lead, one after the other."""
    node = lifecycle.place(lifecycle.states[source])
    for trigger in triggers:
        node = lifecycle.outcome(trigger, node).end
        yield str(node.state)


VOLUMES = {
    "attach": ("available", "attaching in-use"),
    "detach": ("in-use", "detaching available"),
    "extend": ("in-use", "extending in-use"),
    "retype": ("available", "retyping available"),
    "backup": ("in-use", "backing-up in-use"),
    "restore": ("available", "restoring-backup available"),
    "delete": ("available", "deleting (gone)"),
    "force_delete": ("error_deleting", "deleting (gone)"),
}
BROKEN = {
    "extend": ("available", "fail", "error_extending"),
    "delete": ("error", "fail", "error_deleting"),
    "restore": ("available", "fail", "error_restoring"),
    "retype": ("in-use", "roll_back", "in-use"),
    "backup": ("available", "roll_back", "available"),
    "detach": ("in-use", "roll_back", "in-use"),
}


@pytest.mark.parametrize("operation", VOLUMES)
def test_a_volume_goes_where_cinders_code_leads_it(operation: str) -> None:
    source, path = VOLUMES[operation]
    assert " ".join(ends(shipped("cinder"), source, operation, "advance")) == path


@pytest.mark.parametrize("operation", BROKEN)
def test_a_step_that_goes_wrong_leaves_a_volume_as_cinders_code_does(operation: str) -> None:
    source, event, end = BROKEN[operation]
    assert [*ends(shipped("cinder"), source, operation, event)][-1] == end


def test_a_volume_can_begin_in_two_ways() -> None:
    lifecycle = shipped("cinder")
    first = {name: str(lifecycle.outcome(name, None).end.state) for name in ("create", "manage")}
    assert first == {"create": "creating", "manage": "managing"}
    for name, end in (("creating", "error"), ("managing", "error_managing")):
        assert [*ends(lifecycle, name, "fail")] == [end]


def test_a_snapshot_does_not_change_a_volumes_status() -> None:
    assert [*ends(shipped("cinder"), "in-use", "snapshot")] == ["in-use"]


def test_a_volume_in_use_cannot_be_deleted() -> None:
    lifecycle = shipped("cinder")
    with pytest.raises(Refused):
        lifecycle.outcome("delete", lifecycle.place(lifecycle.states["in-use"]))


def test_an_instance_store_instance_cannot_be_stopped() -> None:
    instance = server_class("ec2").at("running", root="instance-store")
    with pytest.raises(Refused, match="root=ebs"):
        instance.trigger("stop")
    instance.trigger("terminate")
    assert str(instance.run()) == "terminated"
