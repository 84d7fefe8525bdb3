"""The picture as text: every vm_state with a mark where the server is, and the way it is on."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_SERVER, NO_TASK, AnyChange, State
from ecs_fsm.play.session import Session

HERE = "▶ "
ELSEWHERE = "  "
ARROW = " → "
MANY = 8
"""From so many vm_states on they stand in two columns."""


def lanes(lifecycle: Lifecycle, state: State | None) -> str:
    """Every vm_state on a line with the status that it shows at rest, or in two columns."""
    cells = []
    vm_states = list(lifecycle.table.vm_states)
    widest = max(map(len, vm_states))
    many = len(vm_states) > MANY
    for vm_state in vm_states:
        here = state is not None and state.vm_state == vm_state
        cell = f"{HERE if here else ELSEWHERE}{vm_state:<{widest}}"
        rest = lifecycle.states.get(f"{vm_state}/{NO_TASK}")
        cells.append(f"{cell} {rest.status}" if rest and not many else cell)
    if not many:
        return "\n".join(cells)
    half = (len(cells) + 1) // 2
    left, right = cells[:half], [*cells[half:], ""]
    return "\n".join(f"{a}{b}".rstrip() for a, b in zip(left, right, strict=False))


def way(session: Session) -> str:
    """The states since the last request, and behind the present one in brackets what comes next.

    Next comes what is entered if nothing goes wrong. A vm_state is named only where it changes.
    """
    state = session.state
    if state is None:
        return NO_SERVER
    position = session.position
    before = [_name(c) for c in position.changes[max(position.asked - 1, 0) : -1]]
    ahead = [str(s) for s in session.ahead()]
    return ARROW.join(_short([*before, f"[{state}]", *ahead]))


def _name(change: AnyChange) -> str:
    return f"{change.vm_state}/{change.task_state or NO_TASK}"


def _short(names: Sequence[str]) -> list[str]:
    shown, last = [], ""
    for name in names:
        vm_state, _, task = name.strip("[]").partition("/")
        same = f"…/{task}" if vm_state == last else f"{vm_state}/{task}"
        shown.append(f"[{same}]" if name.startswith("[") else same)
        last = vm_state
    return shown
