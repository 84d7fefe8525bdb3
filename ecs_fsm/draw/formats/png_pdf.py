"""A picture as PNG, and as PDF on paper of a usual size if it stays readable there."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from math import sqrt
from shutil import which
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ecs_fsm.core.errors import InvalidInput, installing
from ecs_fsm.draw.boxes import FONTS, measured
from ecs_fsm.draw.formats.dot import dot, painted
from ecs_fsm.draw.formats.svg import drawn
from ecs_fsm.draw.formats.svg_shapes import SPACE
from ecs_fsm.draw.picture import Picture
from ecs_fsm.draw.styles import Theme

if TYPE_CHECKING:
    from reportlab.graphics.shapes import Drawing

ZOOM, LEAST_ZOOM = 2.0, 1.0
"""Pixels to a point: a PNG has 144 dots per inch, a very large one fewer, but at least 72."""
MOST_PIXELS = 5_000_000
"""The pixels from which on a picture is large: few to a point, lines without soft edges."""
UNUSED = ("id", "class", "textLength", "lengthAdjust")
"""What a painter need not read; its fonts are those that the layout measured."""
FAMILY = "Lifecycle Sans"
"""The fonts that come with the package; texts are measured with them."""
LEAN = 0.2126
"""How far italics lean: upright letters are slanted by 12 degrees."""


def png(picture: Picture, theme: Theme | None = None, program: str | None = None) -> bytes:
    """Return the PNG of a picture. Raise `InvalidInput` if what paints it is missing."""
    if program is not None:
        return painted(dot(picture, theme, dpi="144"), "png", program)
    return pixels(picture, drawn(replace(picture, moments=()), theme or Theme.LIGHT, FAMILY))


def pixels(picture: Picture, shown: ET.Element) -> bytes:
    """Return what an SVG shows of a picture as PNG. Raise `InvalidInput` without the library."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise InvalidInput(
            f"PNG and GIF need resvg-py: {installing('png')}; without a wheel for this system "
            "choose svg, or an installed dot with --engine"
        ) from None
    for part in shown.iter():
        if part.attrib.pop("font-style", None):
            part.set("transform", f"matrix(1 0 -{LEAN} 1 {LEAN * float(part.get('y', 0)):g} 0)")
        for name in [name for name in part.attrib if name in UNUSED or name.startswith("data-")]:
            del part.attrib[name]
        part[:] = [child for child in part if child.tag != f"{{{SPACE}}}title"]
    for side in ("width", "height"):
        shown.set(side, str(shown.get(side)).removesuffix("pt"))
    own = all(measured(line.words) for box in picture.boxes for line in box.lines)
    area = float(shown.get("width", 1)) * float(shown.get("height", 1))
    large = not picture.slide and area > MOST_PIXELS / ZOOM
    return svg_to_bytes(
        svg_string=ET.tostring(shown, encoding="unicode"),
        shape_rendering="crisp_edges" if large else "geometric_precision",
        zoom=1 if picture.slide else min(ZOOM, max(LEAST_ZOOM, sqrt(MOST_PIXELS / area))),
        skip_system_fonts=own,
        font_files=[str(path) for path in sorted(FONTS.glob("*.ttf"))],
        font_family=FAMILY,
    )


MARGIN = 20.0
LEAST = 0.7
"""The smallest scale to fit on a page: the smallest letters are 5.6 points then."""


def pdf(picture: Picture, theme: Theme | None = None, program: str | None = None) -> bytes:
    """Return the PDF of a picture, made from its SVG by svglib, or by an installed `dot`.

    Raise `InvalidInput` that says what to install if both are missing.
    """
    if program is not None:
        return painted(dot(picture, theme), "pdf", program)
    try:
        from reportlab.graphics import renderPDF
        from reportlab.pdfgen.canvas import Canvas
        from svglib.svglib import svg2rlg
    except ImportError:
        if which("dot"):
            return painted(dot(picture, theme), "pdf", "dot")
        raise InvalidInput(
            f"a PDF needs svglib or Graphviz: {installing('pdf')}, or install dot"
        ) from None
    written = BytesIO()
    canvas = Canvas(written, invariant=True)
    canvas.setTitle(picture.title)
    sheets = picture.sheets() if picture.sheets and not picture.slide else (picture,)
    for sheet in sheets:
        still = drawn(replace(sheet, moments=()), theme or Theme.LIGHT, "Helvetica")
        shown: Drawing = svg2rlg(BytesIO(ET.tostring(still, encoding="utf-8")))
        page = shown if sheet.slide else _on_paper(shown)
        canvas.setPageSize((page.width, page.height))
        renderPDF.draw(page, canvas, 0, 0)
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def _on_paper(drawing: Drawing) -> Drawing:
    """Return the drawing on the smallest paper on which it is readable, or in its own size."""
    from reportlab.graphics.shapes import Drawing, Group
    from reportlab.lib.pagesizes import A3, A4, landscape

    wide = drawing.width > drawing.height
    for size in (A4, A3):
        width, height = landscape(size) if wide else size
        scale = min(
            1.0, (width - 2 * MARGIN) / drawing.width, (height - 2 * MARGIN) / drawing.height
        )
        if scale >= LEAST:
            left, bottom = width - drawing.width * scale, height - drawing.height * scale
            page = Drawing(width, height)
            page.add(Group(*drawing.contents, transform=(scale, 0, 0, scale, left / 2, bottom / 2)))
            return page
    return drawing
