"""An animated picture as GIF: a frame for each state that the server enters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

from ecs_fsm.core.errors import InvalidInput, installing
from ecs_fsm.draw.formats.png_pdf import FAMILY, pixels
from ecs_fsm.draw.formats.svg import MARKS, SECONDS, drawn, moment_group
from ecs_fsm.draw.picture import CAPTION, Picture, Slide
from ecs_fsm.draw.styles import Theme

if TYPE_CHECKING:
    from PIL.Image import Image

SIZE = Slide(1280, 720)
LAST = 2.0
"""How long the last frame stays, in times of the others."""
MOST_FRAMES = 200


def gif(picture: Picture, theme: Theme | None = None, program: str | None = None) -> bytes:
    """Return the GIF of an animated picture, 1280 by 720 pixels unless it has a slide's size.

    Raise `InvalidInput` for a picture without moments, for more of them than a GIF should have, and
    if what it is made with is missing.
    """
    if not picture.moments:
        raise InvalidInput("a GIF is animated: expected the view animate")
    if len(picture.moments) > MOST_FRAMES:
        raise InvalidInput(f"a GIF of {len(picture.moments)} states is too long: choose svg")
    if program is not None:
        raise InvalidInput("a GIF is made without a layout engine: leave --engine out")
    try:
        from PIL.Image import Dither, Quantize  # noqa: F401
    except ImportError:
        raise InvalidInput(f"a GIF needs Pillow: {installing('gif')}") from None
    first, *others = _frames(picture, theme or Theme.LIGHT)
    long = round(SECONDS * 1000)
    times = [long] * len(others) + [round(long * LAST)]
    written = BytesIO()
    first.save(written, "GIF", save_all=True, append_images=others, duration=times, loop=0)
    return written.getvalue()


def _frames(picture: Picture, theme: Theme) -> Iterator[Image]:
    from PIL import Image

    boxes = tuple(box for box in picture.boxes if box.key != CAPTION)
    (place,) = (box.bounds for box in picture.boxes if box.key == CAPTION)
    marks = sum(box.look in MARKS for box in boxes)
    still = replace(picture, boxes=boxes, moments=(), slide=picture.slide or SIZE)
    for moment in picture.moments:
        shown = drawn(still, theme, FAMILY)
        shown[-1].insert(len(shown[-1]) - marks, moment_group(moment, place, theme))
        image = Image.open(BytesIO(pixels(still, shown))).convert("RGB")
        yield image.quantize(128, dither=Image.Dither.NONE)
