"""The JSON of `transitions.extensions.markup.MarkupMachine`, of the library `transitions`.

States and triggers are those of `FlatMachine`: no conditions are needed, and a machine built from
the text does what a server does.
"""

from __future__ import annotations

import json

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.export.flat_machine import FlatMachine, node_name


def text(lifecycle: Lifecycle) -> str:
    """Return the markup as JSON; `MarkupMachine(markup=json.loads(text))` builds the machine."""
    arrows = FlatMachine(lifecycle).arrows
    markup = {
        "name": lifecycle.name,
        "initial": node_name(None),
        "auto_transitions": False,
        "send_event": False,
        "queued": False,
        "ignore_invalid_triggers": False,
        "before_state_change": [],
        "after_state_change": [],
        "prepare_event": [],
        "finalize_event": [],
        "states": [
            {"name": node_name(node), **({"final": True} if not leaving else {})}
            for node, leaving in arrows.items()
        ],
        "transitions": [
            {"trigger": arrow.word, "source": node_name(node), "dest": node_name(arrow.end)}
            for node, leaving in arrows.items()
            for arrow in leaving
        ],
        "models": [{"name": lifecycle.name, "class-name": "self", "state": node_name(None)}],
    }
    return json.dumps(markup, indent=1, ensure_ascii=False) + "\n"
