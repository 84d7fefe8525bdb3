"""What a reader learns from lanes, operations and runs, by hand from the specification."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ecs_fsm import ECS, Server, draw
from ecs_fsm.core.scenario import simulate
from ecs_fsm.draw.boxes import extent
from ecs_fsm.draw.picture import Box, Look, Picture
from ecs_fsm.draw.request import DrawRequest
from ecs_fsm.draw.rows import lanes_of
from ecs_fsm.draw.views.run import run
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.nova import Server as NovaServer
from tests.pictures import still

ROWS = """
building: create > BUILD scheduling > no task > networking > block_device_mapping > spawning > ACTIVE
active: stop > ACTIVE powering-off > SHUTOFF
active: reboot > REBOOT rebooting > reboot_pending > reboot_started > ACTIVE
active: hard_reboot over some steps > HARD_REBOOT rebooting_hard > reboot_pending_hard > reboot_started_hard > ACTIVE
active: live_migrate > MIGRATING migrating > ACTIVE
active: rebuild > REBUILD rebuilding > rebuild_block_device_mapping > rebuild_spawning > ACTIVE
active: delete over any step > ACTIVE deleting > DELETED
stopped: start > SHUTOFF powering-on > ACTIVE
stopped: rebuild > REBUILD rebuilding > rebuild_block_device_mapping > rebuild_spawning > ACTIVE no task > powering-off > SHUTOFF
stopped: resize > RESIZE resize_prep > resize_migrating > resize_migrated > resize_finish > VERIFY_RESIZE
stopped: delete over any step > SHUTOFF deleting > DELETED
resized: confirm_resize > SHUTOFF
resized: revert_resize > REVERT_RESIZE resize_reverting > SHUTOFF
error: rebuild > REBUILD rebuilding > rebuild_block_device_mapping > rebuild_spawning > ACTIVE
error: delete over any step > ERROR deleting > DELETED
"""
LEGEND = """
1 fail → ERROR
2 roll_back → ACTIVE
3 fail → SHUTOFF, then ERROR
4 roll_back → SHUTOFF
a reschedule → scheduling (BUILD)
"""
MARKS = """
building/scheduling: 1
building/block_device_mapping: 1 a
building/networking: 1 a
building/spawning: 1 a
building/-: 1 a
active/reboot_started: 1 2
active/reboot_started_hard: 1 2
active/rebuilding: 1
active/rebuild_block_device_mapping: 1
active/rebuild_spawning: 1
active/migrating: 2
active/powering-off: 2
active/deleting: 1
stopped/resize_prep: 3 4
stopped/resize_migrating: 1 4
stopped/resize_migrated: 1
stopped/resize_finish: 1
stopped/rebuilding: 1
stopped/rebuild_block_device_mapping: 1
stopped/rebuild_spawning: 1
stopped/powering-on: 4
stopped/deleting: 1
resized/resize_reverting: 1
resized/-: 1
error/rebuilding: 1
error/rebuild_block_device_mapping: 1
error/rebuild_spawning: 1
error/deleting: 1
"""


def words(box: Box) -> str:
    return " ".join(text.words for text in box.lines)


def rows(picture: Picture) -> Iterator[str]:
    """The rows of lanes as a reader follows them: the name, bands with a status, the pill."""
    boxes = {box.key: box for box in picture.boxes}
    before = {b.key: a for a, b in pairwise(picture.boxes)}
    following = {arrow.tail: arrow.head for arrow in picture.arrows if not arrow.knot}
    for box in picture.boxes:
        if box.look is Look.REQUEST:
            way = [box]
            while way[-1].look is not Look.GOAL:
                way.append(boxes[following[way[-1].key]])
            shown = [
                f"{words(before[b.key])} {words(b)}"
                if before[b.key].look is Look.BAND
                else words(b)
                for b in way
            ]
            yield f"{box.key.split('-')[1]}: {' > '.join(shown)}"


def marks(picture: Picture) -> dict[str, set[str]]:
    """The signs at the box of each state."""
    found: dict[str, set[str]] = {}
    for box in picture.boxes:
        for kind in ("ends", "returns", "system"):
            for mark in picture.boxes:
                if box.state and mark.key == f"{kind}-{box.key}":
                    found.setdefault(box.state, set()).update(words(mark).split())
    return found


def legend(picture: Picture) -> list[str]:
    """What the signs mean, line by line."""
    boxes = {box.key: box for box in picture.boxes}
    return [
        f"{words(box)} {words(boxes[key.replace('legend', 'means', 1)])}"
        for key, box in boxes.items()
        if key.startswith("legend-")
    ]


def test_the_rows_of_the_lanes_say_what_the_specification_says() -> None:
    assert list(rows(still(ECS)["lanes"])) == ROWS.strip().splitlines()


def test_the_marks_of_the_lanes_name_every_failure() -> None:
    assert legend(still(ECS)["lanes"]) == LEGEND.strip().splitlines()
    expected = dict(line.split(": ") for line in MARKS.strip().splitlines())
    assert marks(still(ECS)["lanes"]) == {name: set(s.split()) for name, s in expected.items()}


def test_in_the_lanes_a_state_of_another_vm_state_is_dashed() -> None:
    again = [words(box) for box in still(ECS)["lanes"].boxes if box.look is Look.AGAIN]
    assert again == ["no task", "powering-off"]


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
    assert bright(draw.run(server), Look.GOAL) == ["ACTIVE"]


def test_a_run_takes_the_one_of_two_rows_that_begin_alike_that_it_can_follow() -> None:
    active = NOVA.place(NOVA.state("active"), {"boot": "image", "upload": "direct"})
    server, _ = simulate(NovaServer, ["shelve"], active)
    picture = draw.run(server)
    assert bright(picture, Look.REQUEST) == ["shelve"]
    assert bright(picture, Look.GOAL) == ["SHELVED_OFFLOADED"]
    assert bright(picture, Look.STEP) == ["shelving", "shelving_image_uploading"]


def test_a_failed_step_leads_on_by_a_numbered_arrow_that_crosses_no_box() -> None:
    scenario = ["create", "stop", "resize:fail@resize_finish", "rebuild:fail@rebuilding", "delete"]
    request = DrawRequest(Server, scenario)
    picture = run(ECS, request.run())
    boxes = {box.key: box for box in picture.boxes}
    jumps = [arrow for arrow in picture.arrows if arrow.tail.startswith("jump-")]
    shown = [(words(boxes[a.tail]), words(boxes[a.head]), a.look) for a in jumps]
    error = "ERROR error"
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
    meant = {line.split(" ", 1)[1]: line.split(" ", 1)[0] for line in legend(picture)}
    found = marks(picture)
    expected: dict[str, set[str]] = {}
    for note in lane.notes:
        for state in note.sources:
            expected.setdefault(state, set()).add(meant[f"{note.trigger} → {note.seen}"])
    assert {name: signs - {"p"} for name, signs in found.items() if signs != {"p"}} == expected


def test_rows_that_differ_by_a_fact_are_one_and_operations_stand_in_the_sections_of_the_table() -> (
    None
):
    picture = draw.lanes(NOVA, ["active"])
    named = [words(box) for box in picture.boxes if box.look is Look.REQUEST]
    assert len(named) == 18
    labels = [words(box) for box in picture.boxes if "-if-" in box.key]
    facts = ["boot=volume", "cell=cross", "end=kept", "host=down", "offload=later"]
    assert sorted(labels) == [*facts, *["upload=direct"] * 3]
    sections = [words(box) for box in picture.boxes if box.key.endswith("-name")]
    assert sections == [name for name in NOVA.table.sections if name != "create"]
    building = draw.lanes(NOVA, ["building"])
    grounds = [b for b in building.boxes if b.key.startswith("section-") and b.look is Look.LANE]
    labels = [words(box) for box in building.boxes if box.key.endswith("-name")]
    assert (len(grounds), labels) == (3, ["delete", "admin"])  # no label where a line begins


def test_the_lane_of_active_servers_is_one_screen_at_its_own_size() -> None:
    left, top, right, bottom = extent(draw.lanes(NOVA, ["active"]))
    assert (right - left) * 96 / 72 <= 1600
    assert (bottom - top) * 96 / 72 <= 1000
