"""The views by name: each makes a picture from a request; its docstring is its line of help."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ecs_fsm.core.errors import unknown
from ecs_fsm.draw.picture import Picture
from ecs_fsm.draw.request import DrawRequest
from ecs_fsm.draw.views.lanes import lanes_view
from ecs_fsm.draw.views.matrix import matrix_view
from ecs_fsm.draw.views.operation import operation_view
from ecs_fsm.draw.views.overview import overview_view
from ecs_fsm.draw.views.run import animate_view, run_view
from ecs_fsm.draw.views.statuses import status_view
from ecs_fsm.draw.views.timeline import timeline_view

View = Callable[[DrawRequest], Picture]
VIEWS: Mapping[str, View] = {
    "animate": animate_view,
    "lanes": lanes_view,
    "matrix": matrix_view,
    "operation": operation_view,
    "overview": overview_view,
    "run": run_view,
    "status": status_view,
    "timeline": timeline_view,
}
"""The views by name."""


def view_named(name: str) -> View:
    """Return the view with that name. Raise `InvalidInput` for an unknown one."""
    if name not in VIEWS:
        raise unknown("view", name, VIEWS)
    return VIEWS[name]
