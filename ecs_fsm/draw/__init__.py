"""Pictures of a lifecycle and of what happens in it.

A view makes a `Picture` of a lifecycle, or of the history of a server; `render` and `save` make
text or an image of it, in any of the `FORMATS`.

>>> from ecs_fsm import ECS, Server, draw
>>> draw.render(draw.lanes(ECS), "svg")[:5]
b'<?xml'
>>> server = Server.at("active")
>>> server.stop()
True
>>> print(draw.render(draw.timeline(server), "mermaid").decode().splitlines()[1])
title: "A run in time (ecs): stop"
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from ecs_fsm.core.errors import InvalidInput, Refused, unknown
from ecs_fsm.core.server import BaseServer
from ecs_fsm.draw import formats, views
from ecs_fsm.draw.engine import engine
from ecs_fsm.draw.palette import Theme
from ecs_fsm.draw.picture import Picture
from ecs_fsm.draw.views.animate import animate as _animate
from ecs_fsm.draw.views.lanes import lanes
from ecs_fsm.draw.views.operation import operation
from ecs_fsm.draw.views.overview import overview
from ecs_fsm.draw.views.run import run as _run
from ecs_fsm.draw.views.status import status
from ecs_fsm.draw.views.timeline import timeline as _timeline
from ecs_fsm.draw.walk import Run

__all__ = [
    "FORMATS",
    "VIEWS",
    "Picture",
    "Theme",
    "animate",
    "engine",
    "format_module",
    "format_of",
    "lanes",
    "operation",
    "overview",
    "render",
    "run",
    "save",
    "status",
    "timeline",
    "view_module",
]

FORMATS = tuple(found.name for found in iter_modules(formats.__path__))
"""The formats by name."""
VIEWS = tuple(found.name for found in iter_modules(views.__path__))
"""The views by name."""


def run(server: BaseServer, refused: Refused | None = None) -> Picture:
    """What happened to a server, on the lanes, and what it refused at the end."""
    return _run(server.lifecycle, _happened(server, refused))


def timeline(server: BaseServer, refused: Refused | None = None) -> Picture:
    """What happened to a server, along time."""
    return _timeline(server.lifecycle, _happened(server, refused))


def animate(server: BaseServer, refused: Refused | None = None) -> Picture:
    """What happened to a server, on lanes over which it walks; it moves in an SVG."""
    return _animate(server.lifecycle, _happened(server, refused))


def _happened(server: BaseServer, refused: Refused | None) -> Run:
    if not server.history:
        raise InvalidInput("a server without history has nothing to draw")
    return Run(tuple(server.history), refused)


def view_module(name: str) -> Any:
    """The module of a view. Raises `InvalidInput` for a name that does not exist."""
    if name not in VIEWS:
        raise unknown("view", name, VIEWS)
    return import_module(f"{views.__name__}.{name}")


def format_module(name: str) -> Any:
    """The module of a format. Raises `InvalidInput` for a name that does not exist."""
    if name not in FORMATS:
        raise unknown("format", name, FORMATS)
    return import_module(f"{formats.__name__}.{name}")


def render(
    picture: Picture,
    form: str = "svg",
    theme: Theme | None = None,
    program: str | None = None,
) -> bytes:
    """A picture in a format, text in UTF-8.

    `program` is an installed `dot` to use instead of the engine that comes with the package.
    Without a theme an SVG follows its reader's preference, everything else is light. Raises
    `InvalidInput` for an unknown format, or one that something must be installed for.
    """
    made: str | bytes = format_module(form).render(picture, theme, program)
    return made.encode() if isinstance(made, str) else made


def save(
    picture: Picture,
    path: str | Path,
    form: str | None = None,
    theme: Theme | None = None,
    program: str | None = None,
) -> None:
    """Write a picture into a file, whole or not at all; its ending tells the format."""
    from ecs_fsm.io.atomic import write_whole

    write_whole(path, render(picture, form or format_of(path), theme, program))


def format_of(path: str | Path) -> str:
    """The format that the ending of a file's name tells. Raises `InvalidInput` for any other."""
    ending = Path(path).suffix.lower()
    endings = {e: name for name in FORMATS for e in format_module(name).ENDINGS}
    if ending not in endings:
        said = f"{ending!r} of {str(path)!r}" if ending else f"of {str(path)!r} (there is none)"
        raise InvalidInput(f"the ending {said} names no format; known: {', '.join(endings)}")
    return endings[ending]
