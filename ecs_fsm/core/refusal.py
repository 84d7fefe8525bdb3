"""Why an event is not possible: one line for whoever asked, the nearest reason first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_fsm.core.model import NO_TASK, Kind, Node, Trigger

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle


def reason(lifecycle: Lifecycle, trigger: Trigger, node: Node) -> str:
    """Why `trigger` is not possible in `node`."""
    if not any(t.source for t in trigger.transitions):
        return "the server exists already"
    facts = _facts(lifecycle, trigger, node)
    if facts:
        return facts
    if trigger.kind is Kind.REQUEST:
        return _request(lifecycle, trigger, node)
    if trigger.kind is Kind.SYSTEM:
        sources = dict.fromkeys(t.source for t in trigger.transitions if t.source)
        return f"it happens under {', '.join(dict.fromkeys(s.vm_state for s in sources))} only"
    if lifecycle.rests(node.state):
        return "no step is running that it could end"
    return f"task {node.state.task_state or NO_TASK} cannot end that way"


def _facts(lifecycle: Lifecycle, trigger: Trigger, node: Node) -> str | None:
    known = dict(node.facts)
    for guard in lifecycle.table.guards:
        held = lifecycle.memory.value(guard.fact, known) == guard.value
        if held and trigger.kind is Kind.REQUEST and trigger.name not in guard.allows:
            return guard.reason
    here = lifecycle.find(trigger.name, node.state)
    if not here:
        return None
    needed = dict.fromkeys(f"{name}={value}" for t in here for name, value in t.when)
    return f"here it is possible only with {' or '.join(needed)}"


def _request(lifecycle: Lifecycle, trigger: Trigger, node: Node) -> str:
    vm_state, task_state = node.state.vm_state, node.state.task_state
    under = dict.fromkeys(t.source.vm_state for t in trigger.transitions if t.source)
    if vm_state in under:
        return f"task {task_state or NO_TASK} is running"
    if first := lifecycle.table.undocumented.get((trigger.name, vm_state)):
        return f"its first step would be {first}, a pair that is not documented"
    return f"vm_state is {vm_state}, it is accepted under {' or '.join(under)}"
