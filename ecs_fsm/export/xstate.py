"""XState 5: a machine config, as `createMachine` and Stately's editor take it.

States and events are those of `FlatMachine`, so that the config needs no code for guards and
context: `meta` of a state has its attributes and facts, its tag is the status, and `meta.enters` of
a transition lists what it passes through where that is more than its target. See
https://stately.ai/docs/machines.
"""

from __future__ import annotations

import json

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node
from ecs_fsm.export.flat_machine import FlatArrow, FlatMachine, node_name


def text(lifecycle: Lifecycle) -> str:
    """Return the config as JSON."""
    machine = FlatMachine(lifecycle)
    states = {node_name(node): _state(node, arrows) for node, arrows in machine.arrows.items()}
    config = {"id": lifecycle.name, "initial": node_name(None), "states": states}
    return json.dumps(config, indent=1, ensure_ascii=False) + "\n"


def _state(node: Node | None, arrows: tuple[FlatArrow, ...]) -> dict[str, object]:
    state: dict[str, object] = {}
    if node is not None:
        state["tags"] = [str(node.state.status)]
        state["description"] = node.state.status.meaning
        state["meta"] = node.state.as_dict() | ({"facts": dict(node.facts)} if node.facts else {})
    if not arrows:
        return {"type": "final"} | state
    return state | {"on": {arrow.word: _transition(arrow) for arrow in arrows}}


def _transition(arrow: FlatArrow) -> dict[str, object]:
    # A dot separates the levels of nested states in a target; a backslash takes this meaning away.
    escaped = node_name(arrow.end).replace("\\", "\\\\").replace(".", "\\.")
    transition: dict[str, object] = {"target": escaped}
    if len(arrow.entered) != 1:
        transition["meta"] = {"enters": [node_name(node) for node in arrow.entered]}
    return transition
