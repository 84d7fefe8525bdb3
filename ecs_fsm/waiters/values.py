"""What can be polled of a server: the attributes of the API, and the values that each has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from ecs_fsm.core.errors import unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, NO_TASK_SPELLINGS, State

GONE = "<gone>"
"""What is polled of a server that is gone: the API answers 404."""
NOT_FOUND = "404"

STATUS, TASK_STATE, VM_STATE = "status", "task_state", "vm_state"
BOTH = f"{STATUS}+{TASK_STATE}"
NAMES = (STATUS, TASK_STATE, VM_STATE, BOTH)
"""The attributes, the one that is asked for most first."""


class Attribute(NamedTuple):
    """An attribute, and every value that it has somewhere, in the order of the table."""

    name: str
    values: tuple[str, ...]

    def of(self, state: State | None) -> str:
        """The value in a state; None is a server that is gone."""
        if state is None:
            return GONE
        task = str(state.task_state or NO_TASK)
        if self.name == BOTH:
            return f"{state.status}/{task}"
        return {STATUS: str(state.status), TASK_STATE: task, VM_STATE: str(state.vm_state)}[
            self.name
        ]

    def meant(self, listed: str) -> tuple[str, ...]:
        """The values that a listed one stands for: itself, or a status with any task; none."""
        if listed in self.values:
            return (listed,)
        if self.name == BOTH:
            return tuple(value for value in self.values if value.startswith(f"{listed}/"))
        return ()

    def nearest(self, listed: str) -> str:
        """The value that looks most like one which the attribute never has."""
        from difflib import SequenceMatcher

        if listed in (*NO_TASK_SPELLINGS, "None") and NO_TASK in self.values:
            return NO_TASK
        if listed == NOT_FOUND:
            return GONE
        wanted = SequenceMatcher(b=listed.lower())

        def likeness(value: str) -> float:
            wanted.set_seq1(value.lower())
            return wanted.ratio()

        return max(self._spellings(listed), key=likeness)

    def _spellings(self, listed: str) -> Iterator[str]:
        if self.name == BOTH and "/" not in listed:
            yield from dict.fromkeys(value.partition("/")[0] for value in self.values)
        else:
            yield from self.values


@cache
def find_attribute(lifecycle: Lifecycle, name: str) -> Attribute:
    """The attribute of that name. Raises `InvalidInput` for an unknown one."""
    if name not in NAMES:
        raise unknown("attribute", name, NAMES)
    bare = Attribute(name, ())
    return Attribute(name, tuple(dict.fromkeys(_values(bare, lifecycle.states.values()))))


def _values(attribute: Attribute, states: Iterable[State]) -> Iterator[str]:
    yield from (attribute.of(state) for state in states)
    yield GONE
