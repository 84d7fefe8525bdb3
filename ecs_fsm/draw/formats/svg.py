"""A picture as SVG: what the engine paints, told to screen readers, styles and scripts as well.

Every box of a state carries `data-vm-state`, `data-task-state` (`-` for none) and `data-status`,
every arrow `data-transitions`, and both a title. A picture in the light theme follows the reader's
`prefers-color-scheme`.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import NO_TASK
from ecs_fsm.draw.engine import PURE, painted
from ecs_fsm.draw.formats import dot
from ecs_fsm.draw.formats.dot import listed
from ecs_fsm.draw.motion import SPACE, element, moving, rules
from ecs_fsm.draw.palette import Theme, counterparts
from ecs_fsm.draw.picture import Arrow, Box, Look, Picture

ENDINGS = (".svg",)
TEXT = False
FONTS = "Arimo, 'Liberation Sans', Helvetica, Arial, sans-serif"
ET.register_namespace("", SPACE)


def render(picture: Picture, theme: Theme | None = None, program: str | None = None) -> bytes:
    """The SVG of a picture; without a theme it is light or dark as its reader prefers.

    Raises `InvalidInput` where the engine is missing, or is none.
    """
    made = painted(dot.render(picture, theme), "svg", program)
    try:
        top = ET.fromstring(made)  # noqa: S314 what our own engine wrote
    except ET.ParseError as error:
        raise InvalidInput(f"{program or PURE} did not write SVG: {error}") from error
    top.set("role", "img")
    top.set("aria-labelledby", "picture-title picture-description")
    parts = (
        element("title", picture.title, id="picture-title"),
        element("desc", picture.description, id="picture-description"),
        element("style", _style(picture, theme, made.decode())),
    )
    for place, part in enumerate(parts):
        top.insert(place, part)
    _describe(top, picture)
    if picture.moments:
        page = top[len(parts)]
        groups = [place for place, group in enumerate(page) if _is_badge(group)]
        for part in reversed(list(moving(picture, theme or Theme.LIGHT))):
            page.insert(groups[0], part)
    ET.indent(top, "")
    written: bytes = ET.tostring(top, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _is_badge(group: ET.Element) -> bool:
    return Look.BADGE in str(group.get("class")).split()


def _style(picture: Picture, theme: Theme | None, drawn: str) -> str:
    shown = [f"text{{font-family:{FONTS}}}"]
    if theme is None:
        used = ((light, dark) for light, dark in counterparts().items() if f'"{light}"' in drawn)
        dark = "".join(_swaps(used))
        shown.append(f"@media (prefers-color-scheme:dark){{{dark}}}")
    if picture.moments:
        shown.append(rules(picture))
    return "\n".join(shown)


def _swaps(colours: Iterable[tuple[str, str]]) -> Iterable[str]:
    for light, dark in colours:
        for attribute in ("fill", "stroke"):
            yield f'[{attribute}="{light}"]{{{attribute}:{dark}}}'


def _describe(top: ET.Element, picture: Picture) -> None:
    boxes = {box.key: box for box in picture.boxes}
    arrows = {f"arrow-{number}": arrow for number, arrow in enumerate(picture.arrows)}
    for group in top.iter(f"{{{SPACE}}}g"):
        key = group.get("id", "")
        heading = group.find(f"{{{SPACE}}}title")
        if heading is None:
            continue
        if key in boxes:
            _describe_box(group, heading, boxes[key])
        elif key in arrows:
            _describe_arrow(group, heading, arrows[key])
        else:
            group.remove(heading)


def _describe_box(group: ET.Element, heading: ET.Element, box: Box) -> None:
    if box.title:
        heading.text = box.title
    else:
        group.remove(heading)
    if box.state:
        group.set("data-vm-state", box.state.vm_state)
        group.set("data-task-state", box.state.task_state or NO_TASK)
        group.set("data-status", box.state.status)


def _describe_arrow(group: ET.Element, heading: ET.Element, arrow: Arrow) -> None:
    triggers = dict.fromkeys(t.trigger for t in arrow.transitions)
    heading.text = ", ".join(triggers)
    group.set("data-trigger", " ".join(triggers))
    group.set("data-transitions", listed(arrow.transitions))
