"""A picture as PNG, fine enough for a screen of high density."""

from __future__ import annotations

from ecs_fsm.draw.engine import painted
from ecs_fsm.draw.formats.dot import graph
from ecs_fsm.draw.palette import Theme
from ecs_fsm.draw.picture import Picture

ENDINGS = (".png",)
TEXT = False
DOTS_PER_INCH = "144"


def render(picture: Picture, theme: Theme | None = None, program: str | None = None) -> bytes:
    """The PNG of a picture. Raises `InvalidInput` where the engine is missing."""
    drawn = graph(picture, theme or Theme.LIGHT)
    drawn.attr(dpi=DOTS_PER_INCH)
    return painted(drawn, "png", program)
