"""What a notebook shows for a server and for its history: a picture, a table, a timeline.

Only the package itself is needed. A long history is cut to its end.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape

from ecs_fsm.core.history import History, cells
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.draw import render
from ecs_fsm.draw.picture import Picture
from ecs_fsm.draw.request import DrawnRun
from ecs_fsm.draw.views.run import run
from ecs_fsm.draw.views.timeline import timeline

MOST = 40
"""How many changes are shown at most; more would not be legible."""
FITTING = 'style="max-width:100%;height:auto"'


def server_svg(server: BaseServer) -> str:
    """Return the picture of a server's run up to its present state, as SVG."""
    changes = server.history or (server.lifecycle.change(None, server.node),)
    return _svg(run(server.lifecycle, DrawnRun(tuple(changes[-MOST:]))))


def history_html(history: History) -> str:
    """Return a history as a table and, if its lifecycle is known, a timeline below it, as HTML."""
    shown = "".join(_table(history))
    if history and isinstance(history.lifecycle, Lifecycle):
        drawn = timeline(history.lifecycle, DrawnRun(tuple(history[-MOST:])))
        image = b64encode(_svg(drawn).encode()).decode()
        alt = escape(drawn.title)
        shown += f'<img {FITTING} alt="{alt}" src="data:image/svg+xml;base64,{image}">'
    return f"<div>{shown}</div>"


def _table(history: History) -> Iterator[str]:
    headings, rows = cells(history)
    yield "<table><thead><tr>"
    yield from (f'<th scope="col">{heading}</th>' for heading in headings)
    yield "</tr></thead><tbody>"
    if len(history) > MOST:
        yield f'<tr><td colspan="{len(headings)}">{len(history) - MOST} earlier</td></tr>'
    for row in rows[-MOST:]:
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
    yield "</tbody></table>"


def _svg(picture: Picture) -> str:
    """Return a picture as an SVG element that is at most as wide as its page."""
    _, begin, rest = render(picture, "svg").decode().partition("<svg")
    return f"{begin} {FITTING}{rest}"
