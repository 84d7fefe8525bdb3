"""What a reader learns from lanes, operations and runs, by hand from the specification."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ecs_fsm import ECS, Server, draw
from ecs_fsm.core.scenario import simulate
from ecs_fsm.draw.boxes import slug
from ecs_fsm.draw.lane_notes import signs
from ecs_fsm.draw.picture import Box, Look, Picture
from ecs_fsm.draw.request import DrawRequest
from ecs_fsm.draw.rows import lanes_of
from ecs_fsm.draw.views.run import run
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.nova import Server as NovaServer
from tests.pictures import still

ROWS = """
building: create > scheduling BUILD > no task BUILD > networking BUILD > block_device_mapping BUILD > spawning BUILD > now ACTIVE
active: stop > powering-off ACTIVE > now SHUTOFF
active: reboot > rebooting REBOOT > reboot_pending REBOOT > reboot_started REBOOT > back to ACTIVE
active: hard_reboot also over rebooting, reboot_pending, reboot_started, rebooting_hard > rebooting_hard HARD_REBOOT > reboot_pending_hard HARD_REBOOT > reboot_started_hard HARD_REBOOT > back to ACTIVE
active: live_migrate > migrating MIGRATING > back to ACTIVE
active: rebuild > rebuilding REBUILD > rebuild_block_ device_mapping REBUILD > rebuild_spawning REBUILD > back to ACTIVE
active: delete also over any step > deleting ACTIVE > now DELETED
stopped: start > powering-on SHUTOFF > now ACTIVE
stopped: rebuild > rebuilding REBUILD > rebuild_block_ device_mapping REBUILD > rebuild_spawning REBUILD > active/- ACTIVE > active/powering-off ACTIVE > back to SHUTOFF
stopped: resize > resize_prep RESIZE > resize_migrating RESIZE > resize_migrated RESIZE > resize_finish RESIZE > now VERIFY_RESIZE
stopped: delete also over any step > deleting SHUTOFF > now DELETED
resized: confirm_resize > now SHUTOFF
resized: revert_resize > resize_reverting REVERT_RESIZE > now SHUTOFF
error: rebuild > rebuilding REBUILD > rebuild_block_ device_mapping REBUILD > rebuild_spawning REBUILD > now ACTIVE
error: delete also over any step > deleting ERROR > now DELETED
"""
NOTES = {
    "building": "fail at any step: ERROR; reschedule at any step but scheduling: scheduling (BUILD)",
    "active": "fail at reboot_started, reboot_started_hard, rebuilding, rebuild_block_device_mapping, rebuild_spawning, deleting: ERROR; roll_back at reboot_started, reboot_started_hard, migrating, powering-off: ACTIVE",
    "stopped": "fail at resize_prep: SHUTOFF, then ERROR; fail at any step but resize_prep, powering-on: ERROR; roll_back at resize_prep, resize_migrating, powering-on: SHUTOFF",
    "resized": "fail at resize_reverting, confirm_resize: ERROR",
    "error": "fail at any step: ERROR",
}


def words(box: Box) -> str:
    return " ".join(text.words for text in box.lines)


def rows(picture: Picture) -> Iterator[str]:
    """The rows of lanes as a reader follows them from the name to the pill at the end."""
    boxes = {box.key: box for box in picture.boxes}
    following = {arrow.tail: arrow.head for arrow in picture.arrows if not arrow.knot}
    for box in picture.boxes:
        if box.look is Look.REQUEST:
            way = [box]
            while way[-1].look is not Look.GOAL:
                way.append(boxes[following[way[-1].key]])
            vm_state = box.key.split("-")[1]
            yield f"{vm_state}: {' > '.join(map(words, way))}"


def test_the_rows_of_the_lanes_say_what_the_specification_says() -> None:
    assert list(rows(still(ECS)["lanes"])) == ROWS.strip().splitlines()


def test_the_notes_of_the_lanes_name_every_failure() -> None:
    notes = {
        box.key.removeprefix("notes-"): words(box)
        for box in still(ECS)["lanes"].boxes
        if box.key.startswith("notes-")
    }
    assert notes == NOTES


def test_in_the_lanes_a_state_of_another_vm_state_is_dashed() -> None:
    again = [words(box) for box in still(ECS)["lanes"].boxes if box.look is Look.AGAIN]
    assert again == ["active/- ACTIVE", "active/powering-off ACTIVE"]


def test_a_pill_of_an_operation_says_where_the_server_is_now() -> None:
    pills = [words(box) for box in still(ECS)["resize"].boxes if box.look is Look.GOAL]
    hang = "RESIZE until delete"
    ends = {pill: pills.count(pill) for pill in pills}
    assert ends == {"now ERROR": 4, "now SHUTOFF": 2, hang: 4, "now VERIFY_RESIZE": 1}


def bright(picture: Picture, look: Look) -> list[str]:
    """What a run did not fade."""
    return [words(box) for box in picture.boxes if box.look is look and not box.faint]


def test_a_roll_back_does_not_take_the_way_of_success_to_the_same_state() -> None:
    server, _ = simulate(Server, ["reboot:roll_back@reboot_started"], ECS.node(ECS.state("active")))
    assert bright(draw.run(server), Look.GOAL) == []
    server, _ = simulate(Server, ["reboot"], ECS.node(ECS.state("active")))
    assert bright(draw.run(server), Look.GOAL) == ["back to ACTIVE"]


def test_a_run_takes_the_one_of_two_rows_that_begin_alike_that_it_can_follow() -> None:
    active = NOVA.place(NOVA.state("active"), {"boot": "image", "upload": "direct"})
    server, _ = simulate(NovaServer, ["shelve"], active)
    assert bright(draw.run(server), Look.REQUEST) == ["shelve [boot=image] [upload=direct]"]
    assert bright(draw.run(server), Look.GOAL) == ["now SHELVED_OFFLOADED"]


def test_a_failed_step_leads_on_by_a_numbered_arrow_that_crosses_no_box() -> None:
    scenario = ["create", "stop", "resize:fail@resize_finish", "rebuild:fail@rebuilding", "delete"]
    request = DrawRequest(Server, scenario)
    picture = run(ECS, request.run())
    boxes = {box.key: box for box in picture.boxes}
    jumps = [arrow for arrow in picture.arrows if arrow.way]
    shown = [(words(boxes[a.tail]), words(boxes[a.head]), a.look) for a in jumps]
    error = "ERROR error no task"
    assert shown == [("fail → 13", error, Look.FAILURE), ("fail → 15", error, Look.FAILURE)]
    for arrow in jumps:
        ends = (arrow.tail, arrow.head)
        others = [box for box in picture.boxes if box.key not in ends and box.look is not Look.LANE]
        for (x1, y1), (x2, y2) in pairwise(arrow.way):
            for box in others:
                at = box.bounds
                assert at is not None
                apart = (
                    max(x1, x2) < at.x - at.width / 2
                    or min(x1, x2) > at.x + at.width / 2
                    or max(y1, y2) < at.y - at.height / 2
                    or min(y1, y2) > at.y + at.height / 2
                )
                assert apart or box.look is Look.BADGE, (arrow.tail, box.key)


def test_a_picture_of_words_keeps_them_in_its_title() -> None:
    request = DrawRequest(Server, ("create", "stop", "resize:fail@resize_finish"))
    assert run(ECS, request.run()).title == "A run (ecs): create stop resize:fail@resize_finish"


def test_marks_at_the_steps_of_a_large_lane_say_everything_that_can_go_wrong_there() -> None:
    lane = next(lane for lane in lanes_of(NOVA) if len(lane.notes) > 20)
    picture = draw.lanes(NOVA, [lane.vm_state])
    boxes = {box.key: box for box in picture.boxes}
    (head,) = (box for box in picture.boxes if box.key.startswith("notes-"))
    legend = " ".join(text.words for text in head.lines)
    found = signs(lane)
    assert len(found) == len(lane.notes)
    for sign, note in found.items():
        assert f"{sign}: {note.trigger} → " in legend
        for state in note.sources:
            key = f"state-{slug(state)}"
            marks = [boxes.get(f"{kind}-{key}") for kind in ("failures", "others")]
            shown = [word for mark in marks if mark for word in words(mark).split()]
            assert (sign in shown) is (boxes[key].look is Look.STEP), (sign, state)
