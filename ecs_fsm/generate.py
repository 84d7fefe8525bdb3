"""Writes the modules that are derived from a table: `python -m ecs_fsm.generate`."""

from __future__ import annotations

from pathlib import Path

from ecs_fsm.lifecycle import Kind, Lifecycle, Trigger

HEAD = '''"""A server with a method for each event of its lifecycle.

Written by `python -m ecs_fsm.generate` from the table; change the table instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from {package}.table import {constant}
from ecs_fsm.server import BaseServer

if TYPE_CHECKING:
    from {package}.table import Status, TaskState, VmState


class Server(BaseServer):
    """A server whose life is told by `{constant}`; see `BaseServer` for what all servers can do."""

    __slots__ = ()

    lifecycle = {constant}

    if TYPE_CHECKING:

        @property
        def vm_state(self) -> VmState:
            """The stable state that the last finished operation left behind."""

        @property
        def task_state(self) -> TaskState | None:
            """The step now running, or None."""

        @property
        def status(self) -> Status:
            """What the API shows as status."""
'''

METHOD = '''
    def {name}(self) -> bool:
        """{meaning}

        {where}
        """
        return self.trigger("{name}")
'''


def _where(trigger: Trigger) -> str:
    vm_states = dict.fromkeys(t.source.vm_state for t in trigger.transitions if t.source)
    verb = "Accepted" if trigger.kind is Kind.REQUEST else "Can happen"
    return f"{verb} under {', '.join(vm_states)}."


def server_module(lifecycle: Lifecycle, package: str) -> str:
    """The text of the module that holds the `Server` of a lifecycle defined in `package`."""
    methods = [
        METHOD.format(name=trigger.name, meaning=trigger.meaning, where=_where(trigger))
        for trigger in lifecycle.triggers.values()
        if any(t.source for t in trigger.transitions)
    ]
    return HEAD.format(package=package, constant=lifecycle.name.upper()) + "".join(methods)


def main() -> None:
    """Write every derived module of the package."""
    from ecs_fsm.ecs.table import ECS

    folder = Path(__file__).parent
    (folder / "ecs" / "server.py").write_text(server_module(ECS, "ecs_fsm.ecs"), encoding="utf-8")


if __name__ == "__main__":
    main()
