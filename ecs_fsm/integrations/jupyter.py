"""What a notebook shows of a server and of its history: a picture, a table, a timeline.

Both need nothing but the package; a long history is shown from its end.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape

from ecs_fsm.core.history import History
from ecs_fsm.core.model import NO_TASK, ChangeWithFacts, bracketed
from ecs_fsm.core.server import BaseServer
from ecs_fsm.draw import render
from ecs_fsm.draw.picture import Picture
from ecs_fsm.draw.views.run import run
from ecs_fsm.draw.views.timeline import timeline
from ecs_fsm.draw.walk import Run

MOST = 40
"""Changes to show; more of them would be no picture any more."""
FITTING = 'style="max-width:100%;height:auto"'
HEADINGS = ("event", "vm_state", "task_state", "status", "remembers")


def server_svg(server: BaseServer) -> str:
    """A server's place in the picture, with the way that led there, as SVG."""
    changes = server.history or (server.lifecycle.change(None, server.node),)
    return _svg(run(server.lifecycle, Run(tuple(changes[-MOST:]))))


def history_html(history: History) -> str:
    """A history as a table and, where its lifecycle is known, a timeline below it."""
    shown = "".join(_table(history))
    if history and history.lifecycle is not None:
        drawn = timeline(history.lifecycle, Run(tuple(history[-MOST:])))
        image = b64encode(_svg(drawn).encode()).decode()
        alt = escape(drawn.title)
        shown += f'<img {FITTING} alt="{alt}" src="data:image/svg+xml;base64,{image}">'
    return f"<div>{shown}</div>"


def _table(history: History) -> Iterator[str]:
    facts = any(isinstance(change, ChangeWithFacts) and change.remembers for change in history)
    headings = HEADINGS if facts else HEADINGS[:-1]
    yield "<table><thead><tr>"
    yield from (f'<th scope="col">{heading}</th>' for heading in headings)
    yield "</tr></thead><tbody>"
    if len(history) > MOST:
        yield f'<tr><td colspan="{len(headings)}">{len(history) - MOST} earlier</td></tr>'
    for change in history[-MOST:]:
        cells = [change.event or NO_TASK, change.vm_state, change.task_state or NO_TASK]
        cells.append(change.status)
        if facts and isinstance(change, ChangeWithFacts):
            cells.append(bracketed(change.remembers).strip("[]"))
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table>"


def _svg(picture: Picture) -> str:
    """The picture as an element that is no wider than its page."""
    _, begin, rest = render(picture, "svg").decode().partition("<svg")
    return f"{begin} {FITTING}{rest}"
