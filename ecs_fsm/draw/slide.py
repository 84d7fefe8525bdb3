"""Slides: pictures of a given size, with type that can be read from the back of a room."""

from __future__ import annotations

import re

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.draw.boxes import extent
from ecs_fsm.draw.picture import Picture, Slide

SIZES = {"16:9": (1920, 1080), "4:3": (1440, 1080), "a4": (1123, 794)}
"""The sizes by name, in pixels of 1/96 inch; A4 lies on its side."""
LEAST_SIDE, MOST_SIDE = 100, 10_000
MOST_SCALE = 8.0
READABLE = 14.0
"""The smallest text on a slide, in points where the slide is 1920 pixels wide."""
WIDE = 1920


def slide_of(size: str, scale: float = 1.0) -> Slide:
    """Return a slide by its name or as WIDTHxHEIGHT. Raise `InvalidInput` for anything else."""
    found = re.fullmatch(r"(\d{1,6})[xX](\d{1,6})", size)
    width, height = (int(found[1]), int(found[2])) if found else SIZES.get(size.lower(), (0, 0))
    if not width and not found:
        named = ", ".join(SIZES)
        raise InvalidInput(f"invalid size {size!r}: expected {named} or WIDTHxHEIGHT in pixels")
    if not (0 < scale <= MOST_SCALE):
        raise InvalidInput(f"invalid scale {scale:g}: expected more than 0, at most {MOST_SCALE:g}")
    slide = Slide(round(width * scale), round(height * scale))
    if min(slide) < LEAST_SIDE or max(slide) > MOST_SIDE:
        raise InvalidInput(
            f"invalid size {slide.width}x{slide.height}: expected {LEAST_SIDE} to {MOST_SIDE} "
            "pixels a side"
        )
    return slide


def smallest_text(picture: Picture, slide: Slide) -> float:
    """Return the size of the smallest text, in points of a slide that is 1920 pixels wide."""
    left, top, right, bottom = extent(picture)
    scale = min(slide.width / (right - left), slide.height / (bottom - top))
    smallest = min(line.size for box in picture.boxes for line in box.lines if line.words)
    return smallest * scale * 72 / 96 * WIDE / slide.width
