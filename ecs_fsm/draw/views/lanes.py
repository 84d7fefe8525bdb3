"""The whole lifecycle on one page: a lane for each vm_state, a row for each operation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.draw.asked import Asked
from ecs_fsm.draw.picture import Picture
from ecs_fsm.draw.rows import lanes_of
from ecs_fsm.draw.sheet import sheet

ON_ONE_SHEET = 6
"""How many lanes go on one sheet of paper; of more, each has a sheet of its own."""


def picture(asked: Asked) -> Picture:
    """The whole lifecycle on one page, a lane for each vm_state (the default)."""
    asked.without("lanes", "words", "begin")
    return lanes(asked.servers.lifecycle, asked.only)


def lanes(lifecycle: Lifecycle, only: Collection[str] = ()) -> Picture:
    """The whole lifecycle, or the lanes of some vm_states only.

    Raises `InvalidInput` for a vm_state that does not exist.
    """
    chosen = [lifecycle.word("vm_state", name) for name in only]
    title = f"The lifecycle of a server ({lifecycle.name})"
    if chosen:
        title += f": {', '.join(chosen)}"
    shown = lanes_of(lifecycle, chosen)
    whole = sheet(shown, title, lifecycle=lifecycle)
    if len(shown) <= ON_ONE_SHEET:
        return whole
    return replace(whole, sheets=tuple(lanes(lifecycle, [lane.vm_state]) for lane in shown))
