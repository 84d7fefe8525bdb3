"""Slides and animations: their size, and whether they can be read from the back of a room."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from ecs_fsm import ECS, InvalidInput, Lifecycle, Server, draw
from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.core.model import Kind, State
from ecs_fsm.draw.boxes import extent
from ecs_fsm.draw.formats.gif import gif
from ecs_fsm.draw.formats.png_pdf import pixels as paint
from ecs_fsm.draw.picture import Look, Picture
from ecs_fsm.draw.request import DrawRequest
from ecs_fsm.draw.slide import READABLE, slide_of
from ecs_fsm.draw.views import view_named
from ecs_fsm.lifecycles.nova import Server as NovaServer
from tests.command import Answer, ecs_fsm

FULL_HD = slide_of("16:9")
RUN = ("create", "stop", "resize:fail@resize_finish", "rebuild")


def on_slide(tmp_path: Path, *words: str, name: str = "slide.png") -> Image.Image:
    path = tmp_path / name
    assert ecs_fsm("draw", *words, "-o", str(path)) == Answer(0, "", "")
    return Image.open(BytesIO(path.read_bytes()))


@pytest.mark.parametrize(
    ("size", "scale", "pixels"),
    [("16:9", 1, (1920, 1080)), ("4:3", 1, (1440, 1080)), ("A4", 1, (1123, 794)),
     ("640x480", 1, (640, 480)), ("16:9", 0.5, (960, 540)), ("4:3", 2, (2880, 2160))],
)  # fmt: skip
def test_a_slide_has_the_size_that_was_given(
    size: str, scale: float, pixels: tuple[int, int]
) -> None:
    assert tuple(slide_of(size, scale)) == pixels


@pytest.mark.parametrize("size", ["16:9", "4:3"])
def test_an_image_and_an_svg_are_as_large_as_the_slide(tmp_path: Path, size: str) -> None:
    words = ("operation", "stop", "--size", size, "--scale", "0.5")
    assert on_slide(tmp_path, *words).size == tuple(slide_of(size, 0.5))
    assert ecs_fsm("draw", *words, "-o", str(tmp_path / "a.svg")).code == 0
    top = ET.fromstring((tmp_path / "a.svg").read_bytes())  # noqa: S314 our own
    assert (top.get("width"), top.get("height")) == tuple(map(str, slide_of(size, 0.5)))
    _, _, wide, high = map(float, str(top.get("viewBox")).split())
    assert wide / high == pytest.approx(slide_of(size).width / slide_of(size).height, rel=0.01)


def smallest(view: str, request: DrawRequest) -> float:
    """The size of the smallest text in the SVG of a slide, in points of 1920 pixels."""
    picture = replace(view_named(view)(request), slide=FULL_HD)
    text = draw.render(picture, "svg").decode()
    wide = float(text.partition("viewBox=")[2].split()[2])
    sizes = re.findall(r'<text[^>]* font-size="([\d.]+)"', text)
    return min(map(float, sizes)) * FULL_HD.width / wide * 72 / 96


def requests(servers: type[BaseServer]) -> Iterator[tuple[str, DrawRequest]]:
    """Each operation and system event, and runs of each operation where it is first accepted."""
    lifecycle = servers.lifecycle
    for name, trigger in lifecycle.triggers.items():
        if trigger.kind in (Kind.REQUEST, Kind.SYSTEM):
            yield "operation", DrawRequest(servers, [name], slide=True)
    for name, operation in lifecycle.operations.items():
        sources = [t.source for t in operation.transitions]
        begun = [s for s in sources if s is not None and lifecycle.rests(s)]
        if begun or None in sources:
            begin = lifecycle.place(begun[0], known(lifecycle, begun[0])) if begun else None
            for view in ("run", "timeline"):
                yield view, DrawRequest(servers, [name], begin, slide=True)


def known(lifecycle: Lifecycle, state: State) -> dict[str, str]:
    """A value of each fact that a server remembers in a state and that nothing else decides."""
    memory = lifecycle.memory
    names = [n for n in memory.remembered(state) if n not in memory.implied(state)]
    return {n: memory.values(n)[0] for n in names if memory.fact(n).default is None}


@pytest.mark.parametrize("servers", [Server, NovaServer], ids=["ecs", "nova"])
def test_text_on_a_slide_can_be_read_from_the_back_of_a_room(servers: type[BaseServer]) -> None:
    asked = list(requests(servers))
    assert len(asked) > 2 * len(servers.lifecycle.operations)
    sizes = [(view, request.words, smallest(view, request)) for view, request in asked]
    assert [each for each in sizes if each[2] < READABLE] == []


def test_a_longer_run_and_its_timeline_can_be_read_too() -> None:
    request = DrawRequest(Server, RUN, slide=True)
    for view in ("run", "timeline"):
        assert smallest(view, request) >= READABLE, view


def test_a_long_timeline_fills_the_height_of_a_slide() -> None:
    words = ("create", "reboot", "stop", "start", "stop", "rebuild", "delete")
    picture = view_named("timeline")(DrawRequest(Server, words, slide=True))
    left, top, right, bottom = extent(picture)
    assert (bottom - top) / (right - left) > 0.9 * FULL_HD.height / FULL_HD.width


def test_a_slide_of_an_operation_that_is_high_shows_its_bands() -> None:
    for name in ("rebuild", "soft_delete"):
        servers = Server if name in ECS.operations else NovaServer
        picture = view_named("operation")(DrawRequest(servers, [name], slide=True))
        named = [box.lines[0].words for box in picture.boxes if box.look is Look.REQUEST]
        assert {*named} == {name}
        assert len(named) > 2
    assert any("-if-" in box.key and box.lines[0].words == "host=down" for box in picture.boxes)


def test_a_note_says_when_text_is_too_small(tmp_path: Path) -> None:
    words = ("lanes", "--size", "16:9", "-o", str(tmp_path / "a.svg"))
    assert "note: the smallest text is 11 points high" in ecs_fsm("draw", *words).err


def test_a_gif_has_a_frame_for_each_state_and_shows_where_the_server_is(tmp_path: Path) -> None:
    image = on_slide(tmp_path, "animate", "create", "stop", name="run.gif")
    assert image.size == (1280, 720)
    assert image.n_frames == 8  # type: ignore[attr-defined]
    frames = []
    for n in range(8):
        image.seek(n)
        frames.append(image.convert("RGB").tobytes())
    assert len(set(frames)) == 8
    on_slide(tmp_path, "animate", "create", "stop", name="again.gif")
    assert (tmp_path / "again.gif").read_bytes() == (tmp_path / "run.gif").read_bytes()


def test_in_a_gif_the_numbers_are_above_the_frame_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[list[str]] = []

    def noted(picture: Picture, shown: ET.Element) -> bytes:
        painted.append([part.get("class", "frame") for part in shown[-1]])
        return paint(picture, shown)

    monkeypatch.setattr(sys.modules[gif.__module__], "pixels", noted)
    on_slide(tmp_path, "animate", "create", name="run.gif")
    for parts in painted:
        after = parts[parts.index("frame") + 1 :]
        assert after == [part for part in parts if "badge" in part] != []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lanes", "--size", "3:2"],
         "invalid size '3:2': expected 16:9, 4:3, a4 or WIDTHxHEIGHT in pixels"),
        (["lanes", "--size", "10x10"],
         "invalid size 10x10: expected 100 to 10000 pixels a side"),
        (["lanes", "--size", "16:9", "--scale", "0"],
         "invalid scale 0: expected more than 0, at most 8"),
        (["lanes", "--scale", "2"], "--scale needs --size"),
        (["lanes", "--size", "a4", "--engine", "dot"],
         "--size and --engine are mutually exclusive"),
        (["lanes", "--format", "gif"], "a GIF is animated: expected the view animate"),
    ],
)  # fmt: skip
def test_a_wrong_size_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ecs_fsm("draw", *arguments) == Answer(2, "", f"ecs-fsm: {message}\n")


def test_without_the_library_of_png_everything_else_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    picture = draw.operation(ECS, "stop")
    assert draw.render(picture, "svg")
    with pytest.raises(InvalidInput, match="without a wheel for this system choose svg"):
        draw.render(picture, "png")


def test_png_is_painted_with_the_fonts_of_the_package() -> None:
    image = Image.open(BytesIO(draw.render(draw.operation(ECS, "stop"), "png"))).convert("L")
    assert image.size == (872, 264)
    dark = sum(1 for pixel in image.tobytes() if pixel < 90)
    assert dark > 2000
