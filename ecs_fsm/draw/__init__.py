"""Pictures of a lifecycle and of what happens in it.

A view makes a `Picture` of a lifecycle, or of the history of a server. `render` and `save` turn it
into text or an image, in one of the `FORMATS`.

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

from ecs_fsm.core.errors import InvalidInput, Refused
from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.draw.formats import FORMATS, format_named, format_of, render, save
from ecs_fsm.draw.formats.dot import engine
from ecs_fsm.draw.picture import Picture
from ecs_fsm.draw.request import DrawnRun
from ecs_fsm.draw.styles import Theme
from ecs_fsm.draw.views import VIEWS, view_named
from ecs_fsm.draw.views.lanes import lanes
from ecs_fsm.draw.views.matrix import matrix
from ecs_fsm.draw.views.operation import operation
from ecs_fsm.draw.views.overview import overview
from ecs_fsm.draw.views.run import animate as _animate
from ecs_fsm.draw.views.run import run as _run
from ecs_fsm.draw.views.statuses import status
from ecs_fsm.draw.views.timeline import timeline as _timeline

__all__ = [
    "FORMATS",
    "VIEWS",
    "Picture",
    "Theme",
    "animate",
    "engine",
    "format_named",
    "format_of",
    "lanes",
    "matrix",
    "operation",
    "overview",
    "render",
    "run",
    "save",
    "status",
    "timeline",
    "view_named",
]


def run(server: BaseServer, refused: Refused | None = None) -> Picture:
    """Return the history of a server on the lanes, and what the server refused at the end."""
    return _run(server.lifecycle, _happened(server, refused))


def timeline(server: BaseServer, refused: Refused | None = None) -> Picture:
    """Return the history of a server along time."""
    return _timeline(server.lifecycle, _happened(server, refused))


def animate(server: BaseServer, refused: Refused | None = None) -> Picture:
    """Return the history of a server on the lanes; as an SVG it is animated."""
    return _animate(server.lifecycle, _happened(server, refused))


def _happened(server: BaseServer, refused: Refused | None) -> DrawnRun:
    if not server.history:
        raise InvalidInput("no history to draw: expected a server made with history=True")
    return DrawnRun(tuple(server.history), refused)
