"""What a server shows at the end of a record, and since when."""

from __future__ import annotations

from typing import NamedTuple

from ecs_fsm.core.model import State
from ecs_fsm.records.observations import Observation


class Standing(NamedTuple):
    """Where a server stands when its record ends.

    `row` was the first to show it, at its time; `left` is the time of the last row that showed
    something else, None where there was none. `states` are those that it can be in.
    """

    row: Observation
    left: float | None
    states: tuple[State, ...]
