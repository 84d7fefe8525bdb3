"""A lesson: a place to begin at, and steps that let one thing happen each and tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ecs_fsm.core.model import Facts, State, bracketed


class Step(NamedTuple):
    """One thing to do. It is done when the server stands in `state` after `trigger`."""

    text: str
    """What to do, and why."""
    trigger: str
    given: Facts
    state: State
    then: str
    """What was learned."""

    @property
    def word(self) -> str:
        """What to do as it is written: `shelve[offload=later]`."""
        return f"{self.trigger}{bracketed(self.given)}"

    def as_dict(self) -> dict[str, object]:
        """`{"text", "do": {"trigger", "given": {fact: value}}, "state": "vm/task", "then"}`."""
        return {
            "text": self.text,
            "do": {"trigger": self.trigger, "given": dict(self.given)},
            "state": str(self.state),
            "then": self.then,
        }


class Lesson(NamedTuple):
    """Steps that are played one after the other, from `start` (None: there is no server yet)."""

    name: str
    title: str
    introduction: str
    start: State | None
    remember: Mapping[str, str]
    """What a server at `start` remembers."""
    steps: tuple[Step, ...]

    def as_dict(self) -> dict[str, object]:
        """The fields by name: `start` as "vm/task" or None, each step as `Step.as_dict`."""
        steps = [step.as_dict() for step in self.steps]
        return self._asdict() | {"remember": dict(self.remember), "steps": steps}
