"""The formats of pictures: text or an image, selected by name or by the ending of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.draw.formats.dot import dot
from ecs_fsm.draw.formats.gif import gif
from ecs_fsm.draw.formats.mermaid import mermaid
from ecs_fsm.draw.formats.png_pdf import pdf, png
from ecs_fsm.draw.formats.svg import svg
from ecs_fsm.draw.picture import Picture
from ecs_fsm.draw.styles import Theme


class PictureFormat(NamedTuple):
    """A format: the endings of its files, whether it is text for a person, and how to render it."""

    endings: tuple[str, ...]
    is_text: bool
    render: Callable[[Picture, Theme | None, str | None], str | bytes]


FORMATS: Mapping[str, PictureFormat] = {
    "dot": PictureFormat((".dot", ".gv"), True, dot),
    "gif": PictureFormat((".gif",), False, gif),
    "mermaid": PictureFormat((".mmd", ".mermaid"), True, mermaid),
    "pdf": PictureFormat((".pdf",), False, pdf),
    "png": PictureFormat((".png",), False, png),
    "svg": PictureFormat((".svg",), False, svg),
}
"""The formats by name."""


def format_named(name: str) -> PictureFormat:
    """Return the format with that name. Raise `InvalidInput` for an unknown one."""
    if name not in FORMATS:
        raise unknown("format", name, FORMATS)
    return FORMATS[name]


def format_of(path: str | Path) -> str:
    """Return the name of the format for the ending of a file. Raise `InvalidInput` for others."""
    ending = Path(path).suffix.lower()
    endings = {e: name for name, form in FORMATS.items() for e in form.endings}
    if ending not in endings:
        wrong = f"unknown ending {ending!r} of" if ending else "no ending in"
        raise InvalidInput(f"{wrong} {str(path)!r}; expected one of {', '.join(endings)}")
    return endings[ending]


def render(
    picture: Picture,
    form: str = "svg",
    theme: Theme | None = None,
    program: str | None = None,
) -> bytes:
    """Return a picture in a format; text is encoded in UTF-8.

    `program` is an installed `dot` to use instead of the engine that comes with the package.
    Without a theme an SVG follows its reader's preference, the other formats are light. Raise
    `InvalidInput` for an unknown format, or one that needs something which is not installed.
    """
    made = format_named(form).render(picture, theme, program)
    return made.encode() if isinstance(made, str) else made


def save(
    picture: Picture,
    path: str | Path,
    form: str | None = None,
    theme: Theme | None = None,
    program: str | None = None,
) -> None:
    """Write a picture to a file, atomically. Its ending selects the format unless `form` does."""
    from ecs_fsm.io.files import write_whole

    write_whole(path, render(picture, form or format_of(path), theme, program))
