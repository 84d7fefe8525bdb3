"""A run that walks over the lanes; still, it is the same as `run`."""

from __future__ import annotations

from dataclasses import replace

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.draw.asked import Asked
from ecs_fsm.draw.boxes import EXPLAINED, NOWHERE
from ecs_fsm.draw.picture import CAPTION, Box, Ink, Moment, Picture, Text
from ecs_fsm.draw.views.run import drawn
from ecs_fsm.draw.walk import Run


def picture(asked: Asked) -> Picture:
    """WORD... (as in simulate): the server walks from state to state, in one animated SVG."""
    asked.without("animate", "only")
    return animate(asked.servers.lifecycle, asked.run())


def animate(lifecycle: Lifecycle, happened: Run) -> Picture:
    """A run on the lanes that moves as an SVG."""
    still, visits = drawn(lifecycle, happened)
    moments = [
        Moment(visit.box, f"{number}  {event or 'begins'}: {state}, status {state.status}")
        for number, (visit, (event, state)) in enumerate(
            zip(visits, happened.steps(lifecycle), strict=True), start=1
        )
    ]
    if happened.refused:
        refused = f"{moments[-1].caption}; {happened.refused.operation} is refused"
        moments[-1] = replace(moments[-1], caption=refused)
    boxes = tuple(
        _caption(box, moments[-1]) if box.key == EXPLAINED else box for box in still.boxes
    )
    return replace(still, view="animate", boxes=boxes, moments=tuple(moments))


def _caption(box: Box, moment: Moment) -> Box:
    """What is said of a moment, in the place of the explanation."""
    text = Text(moment.caption, 10, bold=True, ink=Ink.REQUEST)
    spot = replace(box.spot or NOWHERE, height=15)
    return replace(box, key=CAPTION, lines=(text,), spot=spot)
