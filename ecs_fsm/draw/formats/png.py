"""A picture as PNG, fine enough for a screen of high density."""

from __future__ import annotations

from ecs_fsm.draw.engine import painted
from ecs_fsm.draw.formats import dot
from ecs_fsm.draw.palette import Theme
from ecs_fsm.draw.picture import Picture

ENDINGS = (".png",)
TEXT = False
DOTS_PER_INCH = "144"


def render(picture: Picture, theme: Theme | None = None, program: str | None = None) -> bytes:
    """The PNG of a picture. Raises `InvalidInput` where the engine is missing."""
    return painted(dot.render(picture, theme, dpi=DOTS_PER_INCH), "png", program)
