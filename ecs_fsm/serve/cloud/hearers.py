"""Who hears what happens in a cloud: every state that a server enters, every operation's end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ecs_fsm.serve.cloud.instance import Instance, Seen

Listener = Callable[[Instance, Seen], object]
Ender = Callable[[Instance, str, bool], object]
Ended = tuple[Instance, str, bool]
"""A server, the operation that is over, and whether it went wrong."""


class Hearers:
    """The `listeners` of states and the `enders` of operations.

    `following` says that enders are being told: what they ask for follows from what is over.
    """

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.enders: list[Ender] = []
        self.following = False

    def hear(self, instance: Instance, seen: Seen) -> None:
        """Tell of a state that a server entered, or in which it hangs."""
        for listener in self.listeners:
            listener(instance, seen)

    def tell(self, ended: deque[Ended]) -> None:
        """Tell of what is over, also of what is over by what those who hear it ask for."""
        if self.following:
            return
        self.following = True
        try:
            while ended:
                over = ended.popleft()
                for ender in self.enders:
                    ender(*over)
        finally:
            self.following = False
