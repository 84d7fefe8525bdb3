"""A lifecycle as a JSON document of its own, for tools that nothing here knows.

`export.schema.json` beside this file describes it.
"""

from __future__ import annotations

import json
from importlib import resources

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node, Transition, Trigger
from ecs_fsm.export.flat_machine import FlatArrow, FlatMachine, node_name

EDITION = 1
"""Is counted up where a key is renamed or taken away."""


def schema() -> str:
    """Return the JSON Schema of the document."""
    place = resources.files("ecs_fsm.export") / "export.schema.json"
    return place.read_text(encoding="utf-8")


def text(lifecycle: Lifecycle) -> str:
    """Return the document as JSON."""
    arrows = FlatMachine(lifecycle).arrows
    document = {
        "edition": EDITION,
        "lifecycle": lifecycle.name,
        "step_ends": lifecycle.advance,
        "states": [{"name": state} | state.as_dict() for state in lifecycle.states.values()],
        "triggers": [_trigger(trigger) for trigger in lifecycle.triggers.values()],
        "facts": [
            {"name": fact.name, "values": [*fact.values], "meaning": fact.meaning}
            for fact in lifecycle.table.facts
        ],
        "transitions": [_transition(transition) for transition in lifecycle.transitions],
        "nodes": [
            {"name": node_name(node), "state": node.state, "facts": dict(node.facts)}
            for node in arrows
            if node is not None
        ],
        "edges": [_edge(node, arrow) for node, leaving in arrows.items() for arrow in leaving],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _trigger(trigger: Trigger) -> dict[str, object]:
    return {"name": trigger.name, "kind": str(trigger.kind), "meaning": trigger.meaning}


def _transition(transition: Transition) -> dict[str, object]:
    return {
        "trigger": transition.trigger,
        "source": transition.source,
        "path": [*transition.path],
        "when": dict(transition.when),
        "learns": dict(transition.learns),
    }


def _edge(node: Node | None, arrow: FlatArrow) -> dict[str, object]:
    return {
        "source": None if node is None else node_name(node),
        "trigger": arrow.trigger,
        "given": dict(arrow.given),
        "enters": [node_name(entered) for entered in arrow.entered],
        "target": node_name(arrow.end),
    }
