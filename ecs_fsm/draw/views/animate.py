"""A run that walks over the lanes; still, it is the same as `run`."""

from __future__ import annotations

from dataclasses import replace

from ecs_fsm.draw.asked import Asked
from ecs_fsm.draw.picture import Moment, Picture
from ecs_fsm.draw.views.run import run, walked
from ecs_fsm.draw.walk import Run
from ecs_fsm.lifecycle import Lifecycle


def picture(asked: Asked) -> Picture:
    """WORD... (as in simulate): the server walks from state to state, in one animated SVG."""
    asked.without("animate", "only")
    return animate(asked.servers.lifecycle, asked.run())


def animate(lifecycle: Lifecycle, happened: Run) -> Picture:
    """A run on the lanes that moves as an SVG."""
    _, visits = walked(lifecycle, happened)
    moments = [
        Moment(visit.box, f"{number}  {event or 'begins'}: {state}, status {state.status}")
        for number, (visit, (event, state)) in enumerate(
            zip(visits, happened.steps(lifecycle), strict=True), start=1
        )
    ]
    if happened.refused:
        refused = f"{moments[-1].caption}; {happened.refused.operation} is refused"
        moments[-1] = replace(moments[-1], caption=refused)
    return replace(run(lifecycle, happened), view="animate", moments=tuple(moments))
