"""Pictures hold what the table holds: read back from DOT, Mermaid and SVG, and held against facts."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from itertools import pairwise, product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from graphviz.backend import dot_command
from hypothesis import given, settings
from hypothesis import strategies as st
from transitions.extensions import GraphMachine as LibraryMachine

from ecs_fsm import ECS, InvalidInput, Lifecycle, Refused, Server, draw
from ecs_fsm.core.errors import installing
from ecs_fsm.core.word import Tone
from ecs_fsm.draw.formats.mermaid import name as mermaid_name
from ecs_fsm.draw.graph_machine import GraphMachine
from ecs_fsm.draw.picture import Look, Picture
from ecs_fsm.draw.styles import COLOURS, Theme, counterparts
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from tests import facts
from tests.pictures import LIFECYCLES, every, judge, laid_out, operations, runs, still

SVG = "{http://www.w3.org/2000/svg}"
EVERY = every()
NAMES = [name for name, _ in EVERY]
ALL_OF_ECS = facts.by_source(facts.OPERATIONS) | facts.by_source(facts.EVENTS)


def text_of(trigger: str, source: str, path: list[str]) -> str:
    return " > ".join([f"{trigger} {source}", *path])


# What can happen according to the specification, in the form of arrows.
SPECIFIED = {text_of("create", "(no server)", facts.CREATION.split()[:1])}
for (trigger, source), path in ALL_OF_ECS.items():
    steps = 1 if trigger in facts.OPERATIONS else len(path)
    SPECIFIED.add(text_of(trigger, source, path[:steps]))


def transitions_of(picture: Picture) -> list[str]:
    """The transitions on the arrows of a DOT text, read by the engine."""
    edges = laid_out(picture).json.get("edges", [])
    return [t for edge in edges for t in edge.get("transitions", "").split("; ") if t]


def svg_of(picture: Picture, theme: Theme | None = None) -> ET.Element:
    return ET.fromstring(draw.render(picture, "svg", theme))  # noqa: S314 our own


def test_the_operations_together_hold_every_transition_of_the_specification_and_no_other() -> None:
    drawn = {t for name in facts.OPERATIONS for t in transitions_of(still(ECS)[name])}
    assert drawn == SPECIFIED


def test_the_operations_of_nova_together_hold_every_transition() -> None:
    drawn = {t for name in operations(NOVA) for t in transitions_of(still(NOVA)[name])}
    table = {
        text_of(t.trigger, str(t.source or "(no server)"), [str(s) for s in t.path])
        for t in NOVA.transitions
    }
    assert drawn == table


@pytest.mark.parametrize("operation", facts.OPERATIONS)
def test_an_arrow_of_an_operation_leads_from_box_to_box_as_the_specification_says(
    operation: str,
) -> None:
    picture = still(ECS)[operation]
    states = {box.key: str(box.state) for box in picture.boxes if box.state}
    chips = {arrow.head: arrow.tail for arrow in picture.arrows if arrow.knot}
    for arrow in picture.arrows:
        tail = states.get(chips.get(arrow.tail, arrow.tail))
        if not arrow.knot and arrow.transitions and tail:
            ways = [[str(t.source), *map(str, t.path)] for t in arrow.transitions]
            steps = [step for way in ways for step in pairwise(way)]
            assert (tail, states[arrow.head]) in steps


@pytest.mark.parametrize("operation", facts.OPERATIONS)
def test_every_step_of_an_operation_can_hang_in_its_picture(operation: str) -> None:
    picture = still(ECS)[operation]
    steps = [box.state for box in picture.boxes if box.look is Look.STEP and box.state]
    running = [state for state in steps if not state.startswith(("error/-", "active/-"))]
    hanging = [box for box in picture.boxes if box.lines and box.lines[0].words == "hang"]
    drawn = {box.state for box in picture.boxes if box.key.startswith("state-")}
    assert len(hanging) == len(drawn)
    assert {*running} >= drawn


def test_a_step_that_hangs_names_the_operations_that_end_it() -> None:
    words = {t.words for box in still(ECS)["reboot"].boxes for t in box.lines}
    assert "REBOOT until hard_reboot, delete" in words
    assert "BUILD forever" in {t.words for box in still(ECS)["create"].boxes for t in box.lines}


def test_an_operation_can_be_drawn_from_one_state_only() -> None:
    state = ECS.state("stopped")
    drawn = draw.operation(ECS, "rebuild", state)
    requests = {t for t in transitions_of(drawn) if t.startswith("rebuild ")}
    assert requests == {"rebuild stopped/- > stopped/rebuilding"}
    with pytest.raises(Refused):
        draw.operation(ECS, "rebuild", ECS.state("resized"))


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=repr)
def test_lanes_have_a_box_of_its_own_for_every_state(lifecycle: Lifecycle) -> None:
    own = [
        g
        for g in svg_of(still(lifecycle)["lanes"]).iter(f"{SVG}g")
        if g.get("id", "").startswith("state-")
    ]
    shown = [(g.get("data-vm-state"), g.get("data-task-state"), g.get("data-status")) for g in own]
    assert sorted(map(str, shown)) == sorted(
        str((s.vm_state.value, s.task_state.value if s.task_state else "-", s.status.value))
        for s in lifecycle.states.values()
    )
    for group in own:
        words = " ".join(text.text or "" for text in group.iter(f"{SVG}text"))
        resting = "rest" in (group.get("class") or "")
        own_word = group.get("data-status" if resting else "data-task-state") or ""
        assert own_word in words or own_word == "-"


def test_the_lanes_show_every_transition_of_the_ecs() -> None:
    picture = still(ECS)["lanes"]
    arrows = set(transitions_of(picture))
    keys = {str(box.state): box.key for box in picture.boxes if box.look in (Look.STEP, Look.REST)}
    for text in SPECIFIED - arrows:
        trigger, source = text.split(" > ")[0].split()
        marked = [b.title for b in picture.boxes if b.key.endswith(f"-{keys[source]}")]
        also = [t.words for b in picture.boxes for t in b.lines if t.words.startswith(trigger)]
        assert any(trigger in title for title in marked) or also, text
    assert {t.split()[0] for t in arrows} == {*facts.OPERATIONS, "advance"}


def test_the_status_view_fills_the_36_pairs_and_no_other() -> None:
    groups = [g for g in svg_of(still(ECS)["status"]).iter(f"{SVG}g") if g.get("data-status")]
    filled = [
        (g.get("data-vm-state"), g.get("data-task-state"), g.get("data-status")) for g in groups
    ]
    assert sorted(filled) == sorted((v, t or "-", s) for v, t, s in facts.STATUS_TABLE)


ARROW = re.compile(r"^ +(\S+) --> (\S+) : (.*)$", re.MULTILINE)


def test_mermaid_arrows_are_the_transitions_of_the_specification() -> None:
    drawn = set()
    for operation in facts.OPERATIONS:
        text = draw.render(still(ECS)[operation], "mermaid").decode()
        for before, after, words in ARROW.findall(text):
            drawn |= {(before, word, after) for word in words.split(", ")}
    names = {str(state): mermaid_name(state) for state in ECS.states.values()}
    expected = set()
    for text in SPECIFIED:
        first, *path = text.split(" > ")
        trigger, source = first.split(" ", 1)
        at = names.get(source, "[*]")
        for number, state in enumerate(path):
            expected.add((at, trigger + ("+" if number else ""), names[state]))
            at = names[state]
    assert drawn == expected


def test_mermaid_of_a_run_numbers_its_events_in_order() -> None:
    server = Server.at("active")
    server.stop()
    server.run()
    arrows = ARROW.findall(draw.render(draw.timeline(server), "mermaid").decode())
    assert arrows == [
        ("active__none", "active__powering_off", "2 stop"),
        ("active__powering_off", "stopped__none", "3 advance"),
    ]


@pytest.mark.programs
def test_every_mermaid_text_is_read_by_mermaid_itself() -> None:
    judge = Path(__file__).parents[1] / "javascript" / "mermaid.mjs"
    some = slice(None, None, 4)  # Mermaid is slow, and pictures of one view are alike
    texts = [draw.render(picture, "mermaid").decode() for _, picture in EVERY[some]]
    texts.append("stateDiagram-v2\n  powering-off --> deleted")
    modules = Path(sys.prefix) / "javascript"
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "node", judge, modules],
        input=json.dumps(texts),
        capture_output=True,
        check=True,
        text=True,
    )
    *verdicts, wrong = json.loads(done.stdout)
    assert [n for n, v in zip(NAMES[some], verdicts, strict=True) if v != "stateDiagram"] == []
    assert "Parse error" in wrong


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=repr)
def test_the_library_s_own_graph_machine_draws_the_same_arrows(lifecycle: Lifecycle) -> None:
    class Model:
        get_graph: Any

    model, machine = Model(), GraphMachine(lifecycle)
    assert isinstance(machine, LibraryMachine)
    machine.add_model(model)
    with draw.engine(str(judge())) as program:
        text = model.get_graph().source
        done = subprocess.run(
            [program, "-Kosage", "-Tjson0"], input=text, capture_output=True, check=True, text=True
        )
        if lifecycle is ECS:  # the layout of Nova's fifteen hundred arrows takes most of a minute
            assert model.get_graph().draw(None, format="svg").startswith(b"<?xml")
    answer = json.loads(done.stdout)
    names = [node["name"] for node in answer["objects"]]
    drawn = {
        (names[e["tail"]], word.removesuffix(" [internal]"), names[e["head"]])
        for e in answer["edges"]
        for word in e["label"].split(" | ")
    }
    assert set(names) == {str(s) for s in lifecycle.states}
    assert drawn == {
        (str(t.source), t.trigger, str(t.path[-1] if t.path else t.source))
        for t in lifecycle.transitions
        if t.source
    }


def test_a_model_of_the_graph_machine_is_marked_where_it_is() -> None:
    class Model:
        get_graph: Any
        advance: Any

    model = Model()
    GraphMachine(ECS).add_model(model)
    model.advance()
    assert '"building/-" [label="building/-\\l" color=red' in model.get_graph().source


@pytest.mark.parametrize(("name", "picture"), EVERY, ids=NAMES)
def test_an_svg_speaks_to_screen_readers_and_scripts_and_runs_none(
    name: str, picture: Picture
) -> None:
    text = draw.render(picture, "svg").decode()
    top = ET.fromstring(text)  # noqa: S314 our own
    title, description = top.find(f"{SVG}title"), top.find(f"{SVG}desc")
    assert title is not None
    assert title.text == picture.title
    assert description is not None
    assert description.text
    assert top.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    ids = [element.get("id") for element in top.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    drawn = {g.get("id"): g for g in top.iter(f"{SVG}g")}
    for box in picture.boxes:
        if box.state:
            assert drawn[box.key].get("data-vm-state") == box.state.vm_state
            assert f"status-{box.state.status}" in str(drawn[box.key].get("class")).split()
    for number, arrow in enumerate(picture.arrows):
        names = {transition.trigger for transition in arrow.transitions}
        group = drawn[f"arrow-{number}"]
        assert {*(group.get("data-trigger") or "").split()} == names
        assert {*(group.findtext(f"{SVG}title") or "").split(", ")} - {""} == names
    assert "@media (prefers-color-scheme:dark)" in text
    assert "<script" not in text
    assert "href" not in text


def luminance(colour: str) -> float:
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""
    darker, lighter = sorted(luminance(colour) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", Theme)
def test_every_text_stands_out_from_its_ground(theme: Theme) -> None:
    colours = COLOURS[theme]
    tints = [colours.faint, colours.badge, colours.stop, *colours.tones.values()]
    assert [t for t in tints if contrast(t.ink, t.fill) < 4.5] == []
    main = [colours.inks[name] for name in colours.inks]
    grounds = (colours.page, colours.lane)
    assert [pair for pair in product(main, grounds) if contrast(*pair) < 4.5] == []
    bands = [(t.ink, colours.bands[tone]) for tone, t in colours.tones.items()]
    assert [pair for pair in bands if contrast(*pair) < 4.5] == []
    names = [t.fill for t in colours.tones.values()]
    assert [fill for fill in names if contrast(main[0], fill) < 4.5] == []


def test_every_colour_of_a_light_page_has_one_of_its_own_on_a_dark_page() -> None:
    light = COLOURS[Theme.LIGHT]
    tints = (light.faint, light.badge, light.stop, *light.tones.values())
    used = [light.page, light.lane, light.lane_line, *light.inks.values(), *light.lines.values()]
    used += [colour for tint in tints for colour in tint] + [*light.bands.values()]
    assert sorted(counterparts()) == sorted(used)
    text = draw.render(still(NOVA)["lanes"], "svg", Theme.LIGHT).decode()
    assert {*re.findall(r"#[0-9a-f]{6}", text)} <= {*used}


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=repr)
def test_no_two_statuses_look_the_same(lifecycle: Lifecycle) -> None:
    tones = [status.tone for status in lifecycle.table.statuses]
    assert len(set(tones)) == len(tones)
    assert set(tones) <= set(Tone)


def test_the_same_lifecycle_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    code = "from tests.draw.test_draw import digest; print(digest())"
    other = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "1"},  # the one of this process is random
        capture_output=True,
        check=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert other.stdout.strip() == digest()


def digest() -> str:
    texts = [draw.render(picture, form) for _, picture in EVERY[::4] for form in ("dot", "mermaid")]
    texts += [draw.render(p, "svg") for name, p in EVERY if name in ("ecs lanes", "ecs run")]
    assert len(texts) > 30
    return hashlib.sha256(b"".join(texts)).hexdigest()


@settings(max_examples=60)
@given(st.data())
def test_a_run_numbers_every_state_that_a_server_enters(data: st.DataObject) -> None:
    servers = server_class(data.draw(st.sampled_from(["ecs", "nova"])))
    server = servers.create()
    for _ in range(data.draw(st.integers(0, 12))):
        possible = [o for o in server.lifecycle.outcomes(server.node) if o.nodes]
        if not possible:
            break
        outcome = data.draw(st.sampled_from(possible))
        server.trigger(outcome.transition.trigger, **given_with(server.lifecycle, outcome))
    picture = draw.run(server)
    badges = {
        box.key.removeprefix("badge-"): box.lines[0].words
        for box in picture.boxes
        if box.key.startswith("badge-")
    }
    numbered = {box.state for box in picture.boxes if box.key in badges}
    assert numbered == {server.lifecycle.state(c.vm_state, c.task_state) for c in server.history}
    numbers = [n for words in badges.values() if "…" not in words for n in words.split(", ")]
    assert len(numbers) == len(set(numbers))


def given_with(lifecycle: Lifecycle, outcome: Any) -> dict[str, str]:
    usual = lifecycle.triggers[outcome.transition.trigger].given
    return {name: value for name, value in outcome.facts if name in usual}


def test_a_run_fades_what_it_does_not_touch() -> None:
    server = Server.at("active")
    server.stop()
    server.run()
    boxes = {
        str(box.state): box for box in draw.run(server).boxes if box.look in (Look.STEP, Look.REST)
    }
    assert {name for name, box in boxes.items() if not box.faint} == {
        "active/-",
        "active/powering-off",
        "stopped/-",
    }


def test_a_refused_step_is_shown_where_it_was_refused() -> None:
    picture = runs(ECS)["run"]
    boxes = {box.key: box for box in picture.boxes}
    mark, error = boxes["refused"].bounds, boxes["state-active-none"].bounds
    assert mark is not None
    assert error is not None
    assert "refused" in boxes["refused"].lines[0].words
    assert abs(mark.x - error.x) < error.width / 2


def test_a_server_without_history_has_nothing_to_draw() -> None:
    with pytest.raises(InvalidInput, match="no history to draw"):
        draw.run(Server.at("active", history=False))


def test_an_animation_has_a_moment_for_each_state_stops_where_motion_is_unwanted() -> None:
    picture = runs(ECS)["animate"]
    top = svg_of(picture)
    moments = [g for g in top.iter(f"{SVG}g") if str(g.get("class")).startswith("moment")]
    captions = [text.text for g in moments for text in g.iter(f"{SVG}text")]
    assert len(moments) == len(picture.steps)
    assert captions[0] == "1  create: building/scheduling, status BUILD"
    assert str(captions[-1]).endswith("is refused")
    style = top.find(f"{SVG}style")
    assert style is not None
    still_rules = str(style.text).partition("@media (prefers-reduced-motion:reduce)")[2]
    assert ".walker,.moment{animation:none;visibility:hidden}" in still_rules
    assert str(style.text).count("%{transform") == len(moments)


def test_a_still_animation_is_the_run_with_its_last_caption() -> None:
    picture, run = runs(ECS)["animate"], runs(ECS)["run"]
    other = [box for box in picture.boxes if box not in run.boxes]
    assert [box.lines[0].words for box in other] == [picture.moments[-1].caption]
    assert picture.arrows == run.arrows


def test_a_pdf_of_the_lanes_is_one_sheet_of_a4() -> None:
    made = draw.render(still(ECS)["lanes"], "pdf")
    assert made.startswith(b"%PDF")
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", made)
    assert box is not None
    assert [round(float(side)) for side in box.groups()] == [842, 595]
    assert made.count(b"/Type /Page\n") + made.count(b"/Type /Page ") == 1


def test_a_pdf_of_many_lanes_has_a_sheet_for_each_of_a3_at_the_most() -> None:
    made = draw.render(still(NOVA)["lanes"], "pdf")
    boxes = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", made)
    assert len(boxes) == len(NOVA.table.vm_states)
    assert max(max(map(float, box)) for box in boxes) <= 1191
    assert made == draw.render(still(NOVA)["lanes"], "pdf")


def test_without_a_library_and_without_dot_a_pdf_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "svglib.svglib", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InvalidInput, match=re.escape(installing("pdf"))):
        draw.render(still(ECS)["overview"], "pdf")


def test_in_dot_a_bold_status_stands_as_high_as_the_tasks_beside_it() -> None:
    picture = still(ECS)["lanes"]
    looks = {box.key: box.look for box in picture.boxes}
    lifted: dict[Look, set[float]] = {}
    for drawn in laid_out(picture).json["objects"]:
        texts = [part for part in drawn.get("_ldraw_", ()) if part["op"] == "T"]
        sizes = [part["size"] for part in drawn.get("_ldraw_", ()) if part["op"] == "F"]
        if len(texts) == 1 and drawn["name"] in looks:
            down = (float(drawn["pos"].split(",")[1]) - texts[0]["pt"][1]) / sizes[-1]
            lifted.setdefault(looks[drawn["name"]], set()).add(round(down, 1))
    assert lifted[Look.BAND] == lifted[Look.STEP]


def test_an_installed_dot_can_be_chosen(tmp_path: Path) -> None:
    other = tmp_path / "dot"
    other.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/said\nexec {judge()} "$@"\n', encoding="utf-8"
    )
    other.chmod(0o755)
    picture = still(ECS)["stop"]
    top = ET.fromstring(draw.render(picture, "svg", program=str(other)))  # noqa: S314 our own
    assert (tmp_path / "said").read_text(encoding="utf-8").split()[-1] == "-Tsvg"
    groups = {group.get("id"): group for group in top.iter(f"{SVG}g")}
    for number, arrow in enumerate(picture.arrows):
        names = {transition.trigger for transition in arrow.transitions}
        group = groups[f"arrow-{number}"]
        assert {*(group.get("data-trigger") or "").split()} == names
        assert {*(group.findtext(f"{SVG}title") or "").split(", ")} - {""} == names
    for box in picture.boxes:
        if box.state:
            assert groups[box.key].get("data-vm-state") == box.state.vm_state
    with pytest.raises(InvalidInput, match="program 'nodot' not found"):
        draw.render(still(ECS)["overview"], "svg", program="nodot")


def test_an_engine_that_fails_is_quoted(tmp_path: Path) -> None:
    broken = tmp_path / "dot"
    broken.write_text("#!/bin/sh\necho out of paint >&2\nexit 3\n", encoding="utf-8")
    broken.chmod(0o755)
    with pytest.raises(InvalidInput, match="could not draw png: out of paint"):
        draw.render(still(ECS)["overview"], "png", program=str(broken))


@pytest.mark.parametrize(
    ("says", "form", "message"),
    [("", "png", "could not draw png: empty output"), ("no", "svg", "did not write SVG")],
)
def test_a_program_that_is_not_an_engine_is_an_error(
    tmp_path: Path, says: str, form: str, message: str
) -> None:
    other = tmp_path / "dot"
    other.write_text(f"#!/bin/sh\ncat > /dev/null; printf '{says}'\n", encoding="utf-8")
    other.chmod(0o755)
    with pytest.raises(InvalidInput, match=message):
        draw.render(still(ECS)["overview"], form, program=str(other))


def test_a_picture_can_be_drawn_while_the_engine_is_in_use() -> None:
    picture = still(ECS)["overview"]
    with draw.engine(str(judge())):
        drawn = draw.render(picture, "svg")
    assert drawn == draw.render(picture, "svg")


def test_the_engine_of_the_graphviz_package_is_restored() -> None:
    before = dot_command.DOT_BINARY
    with draw.engine(str(judge())) as program:
        assert program == dot_command.DOT_BINARY
    assert before == dot_command.DOT_BINARY


def test_mermaid_colours_every_state_as_its_status() -> None:
    text = draw.render(still(ECS)["status"], "mermaid").decode()
    classes = {
        name: status
        for names, status in re.findall(r"^ +class (\S+) (\S+)$", text, re.MULTILINE)
        for name in names.split(",")
    }
    assert classes == {mermaid_name(s): s.status for s in ECS.states.values()}
