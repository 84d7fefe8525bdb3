"""What somebody wants to see, in the words of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import Node
from ecs_fsm.core.server import BaseServer
from ecs_fsm.draw.walk import Run


class Asked(NamedTuple):
    """The words behind the name of a view, where a server begins, the vm_states to draw."""

    servers: type[BaseServer]
    words: Sequence[str] = ()
    begin: Node | None = None
    only: Sequence[str] = ()

    def without(self, view: str, *unused: str) -> None:
        """Raise `InvalidInput` for anything that the view has no use for."""
        given = {"words": self.words, "begin": self.begin, "only": self.only}
        named = {
            "words": f"the word {' '.join(self.words)!r}",
            "begin": "--from",
            "only": "--vm-state",
        }
        for part in unused:
            if given[part]:
                raise InvalidInput(f"{view} has no use for {named[part]}")

    def run(self) -> Run:
        """The run that the words tell. Raises `InvalidInput` as `simulate` does."""
        from ecs_fsm.core.scenario import simulate

        if not self.words:
            raise InvalidInput("say what happens, in the words of simulate, such as: create stop")
        server, refused = simulate(self.servers, self.words, self.begin)
        return Run(tuple(server.history), refused)
