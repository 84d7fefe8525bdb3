"""Write the server module of every built-in lifecycle from its table.

Run it as `python -m ecs_fsm.lifecycles.generate`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from textwrap import fill

from ecs_fsm.core.lifecycle import Lifecycle, where_possible
from ecs_fsm.core.model import Trigger
from ecs_fsm.lifecycles import NAMES

WIDTH = 92

HEAD = '''"""A server with a method for each event of its lifecycle.

Written by `python -m ecs_fsm.lifecycles.generate` from the table; change the table instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_fsm.core.lifecycle import BaseServer
from {package}.table import {constant}

if TYPE_CHECKING:
    from {package}.table import Status, TaskState, VmState


class Server(BaseServer):
    """A server of `{constant}`; `BaseServer` has what all servers can do."""

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
            """The status that the API shows."""
'''

METHOD = '''
    def {name}({parameters}) -> bool:
        """{meaning}

        {where}
        """
        return {call}

    def may_{name}(self) -> bool:
        """Return whether `{name}` is possible now."""
        return self.may("{name}")
'''


def _method(lifecycle: Lifecycle, trigger: Trigger) -> str:
    parameters, call = "self", f'self._fire("{trigger.name}")'
    if trigger.given:
        given = {
            name: ", ".join(f'"{value}"' for value in _values(lifecycle, trigger, name))
            for name in trigger.given
        }
        listed = [f"{name}: Literal[{v}] | None = None" for name, v in given.items()]
        parameters = "".join(f"\n        {part}," for part in ("self", "*", *listed)) + "\n    "
        passed = ", ".join(f"{name}={name}" for name in given)
        call = f'self.trigger("{trigger.name}", {passed})'
    return METHOD.format(
        name=trigger.name,
        parameters=parameters,
        meaning=trigger.meaning,
        where=fill(where_possible(trigger), WIDTH, subsequent_indent=" " * 8),
        call=call,
    )


def _values(lifecycle: Lifecycle, trigger: Trigger, fact: str) -> list[str]:
    """Return the values that matter to a trigger; all of them if the fact decides a later step."""
    used = {value for t in trigger.transitions for name, value in t.when if name == fact}
    return [value for value in lifecycle.memory.values(fact) if not used or value in used]


def server_module(lifecycle: Lifecycle, package: str) -> str:
    """Return the text of the server module of a lifecycle whose table is in `package`."""
    triggers = [t for t in lifecycle.triggers.values() if any(w.source for w in t.transitions)]
    methods = "".join(_method(lifecycle, trigger) for trigger in triggers)
    text = HEAD.format(package=package, constant=lifecycle.name.upper()) + methods
    if any(trigger.given for trigger in triggers):
        text = text.replace("import TYPE_CHECKING", "import TYPE_CHECKING, Literal")
    return text


def main() -> None:
    """Write the server module of every built-in lifecycle."""
    for name in NAMES:
        package = f"ecs_fsm.lifecycles.{name}"
        lifecycle = getattr(import_module(f"{package}.table"), name.upper())
        path = Path(__file__).parent / name / "server.py"
        path.write_text(server_module(lifecycle, package), encoding="utf-8")


if __name__ == "__main__":
    main()
