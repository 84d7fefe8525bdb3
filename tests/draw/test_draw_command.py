"""The command `draw`, with good and bad input."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecs_fsm import ECS, draw
from ecs_fsm.lifecycles.nova import NOVA
from tests.command import Answer, ecs_fsm

PNG = b"\x89PNG\r\n\x1a\n"


def drawn(tmp_path: Path, *words: str, name: str = "picture.svg") -> bytes:
    path = tmp_path / name
    assert ecs_fsm("draw", *words, "-o", str(path)) == Answer(0, "", "")
    return path.read_bytes()


def test_without_a_view_the_lanes_are_drawn(tmp_path: Path) -> None:
    assert drawn(tmp_path) == drawn(tmp_path, "lanes") == draw.render(draw.lanes(ECS), "svg")


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.svg", b"<?xml"),
        ("a.PNG", PNG),
        ("a.pdf", b"%PDF"),
        ("a.dot", b"// "),
        ("a.gv", b"// "),
        ("a.mmd", b"---\n"),
        ("a.mermaid", b"---\n"),
    ],
)
def test_the_ending_of_the_file_selects_the_format(
    tmp_path: Path, name: str, begins: bytes
) -> None:
    assert drawn(tmp_path, "overview", name=name).startswith(begins)


def test_an_explicit_format_overrides_the_ending(tmp_path: Path) -> None:
    assert drawn(tmp_path, "status", "--format", "png").startswith(PNG)
    assert drawn(tmp_path, "status", "--format", "dot", name="noending").startswith(b"// ")


def test_a_text_goes_to_standard_output_and_a_picture_to_a_file_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = ecs_fsm("draw", "operation", "stop", "--format", "mermaid")
    assert text == Answer(0, draw.render(draw.operation(ECS, "stop"), "mermaid").decode(), "")
    assert os.listdir(tmp_path) == []
    assert ecs_fsm("draw", "overview") == Answer(0, "overview.svg\n", "")
    assert ecs_fsm("draw", "run", "create", "--format", "png") == Answer(0, "run.png\n", "")
    assert sorted(os.listdir(tmp_path)) == ["overview.svg", "run.png"]
    assert ecs_fsm("draw", "overview", "-o", "-").out == Path("overview.svg").read_text("utf-8")


def test_every_view_is_drawn_of_nova_too(tmp_path: Path) -> None:
    nova = ("--lifecycle", "nova")
    assert drawn(tmp_path, "lanes", *nova) == draw.render(draw.lanes(NOVA), "svg")
    page = drawn(tmp_path, "lanes", "--vm-state", "shelved", "--vm-state", "resized", *nova)
    assert page == draw.render(draw.lanes(NOVA, ["shelved", "resized"]), "svg")
    for words in (["overview"], ["status"], ["operation", "evacuate"]):
        assert b"(nova)" in drawn(tmp_path, *words, *nova)
    words = ["shelve[offload=later]", "unshelve", "--from", "active/-"]
    facts = ["--remember", "boot=image", "--remember", "upload=direct"]
    for view in ("run", "timeline", "animate"):
        assert b"shelved/-" in drawn(tmp_path, view, *words, *facts, *nova)


def test_an_operation_is_drawn_from_one_state(tmp_path: Path) -> None:
    from_stopped = drawn(tmp_path, "operation", "rebuild", "--from", "stopped/-")
    assert from_stopped == draw.render(draw.operation(ECS, "rebuild", ECS.state("stopped")), "svg")


def test_a_refused_request_is_drawn(tmp_path: Path) -> None:
    picture = drawn(
        tmp_path, "run", "stop", "resize", "confirm_resize", "start", "--from", "active/-"
    )
    assert b"is refused at" not in picture
    picture = drawn(tmp_path, "run", "stop", "stop", "--from", "active/-")
    assert b"stop is refused at stopped/- (status SHUTOFF)" in picture


def test_a_theme_can_be_chosen(tmp_path: Path) -> None:
    light, dark = (drawn(tmp_path, "status", "--theme", t, name="a.png") for t in ("light", "dark"))
    assert light == drawn(tmp_path, "status", name="a.png")
    assert dark != light
    assert b"prefers-color-scheme" not in drawn(tmp_path, "status", "--theme", "dark")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lnes"], "unknown view 'lnes'; did you mean 'lanes'?"),
        (["lanes", "--format", "jpg"], "unknown format 'jpg'; did you mean 'png'?"),
        (["lanes", "-o", "a.jpg"],
         "unknown ending '.jpg' of 'a.jpg'; expected one of .dot, .gv, .gif, .mmd, .mermaid, .pdf, "
         ".png, .svg"),
        (["lanes", "-o", "a"],
         "no ending in 'a'; expected one of .dot, .gv, .gif, .mmd, .mermaid, .pdf, .png, .svg"),
        (["lanes", "create"], "view 'lanes' takes no WORD"),
        (["lanes", "--vm-state", "activ"], "unknown vm_state 'activ'; did you mean 'active'?"),
        (["overview", "--vm-state", "active"], "view 'overview' takes no --vm-state"),
        (["status", "--from", "active/-"], "view 'status' takes no --from"),
        (["operation"],
         "no WORD: expected one operation of create, stop, start, reboot, hard_reboot, "
         "live_migrate, rebuild, resize, confirm_resize, revert_resize, delete"),
        (["operation", "confirm_resize", "--from", "resized/-", "--remember", "was=active",
          "--lifecycle", "nova"],
         "view 'operation' takes no --remember: it draws all facts"),
        (["operation", "stpo"], "unknown operation 'stpo'; did you mean 'stop'?"),
        (["operation", "stop", "--from", "stopped/-"],
         "stop is refused at stopped/- (status SHUTOFF): vm_state is stopped, it is accepted under "
         "active; possible now: start, rebuild, resize, delete"),
        (["run"], "no WORD: expected a scenario as in simulate, such as: create stop"),
        (["run", "create", "stpo"], "unknown operation 'stpo'; did you mean 'stop'?"),
        (["timeline", "stop"],
         "there is no server yet: begin with create, or say where it is (--from VM/TASK)"),
        (["lanes", "--engine", "nodot"],
         "program 'nodot' not found; install Graphviz, or leave --engine out: pictures need no "
         "program"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_wrong_input_is_one_line_and_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ecs_fsm("draw", *arguments) == Answer(2, "", f"ecs-fsm: {message}\n")
    assert os.listdir(tmp_path) == []


def test_help_lists_every_view_with_what_it_shows() -> None:
    shown = ecs_fsm("draw", "--help").out
    for view in draw.VIEWS:
        assert f"\n  {view} " in shown
    assert "ecs-fsm draw operation resize" in shown.split("Example")[1]
