"""PlantUML: a state diagram, one box for each state and one arrow for each way between two.

Facts stand in brackets beside the trigger that depends on them; the states that a transition passes
through stand behind "via". See https://plantuml.com/state-diagram.
"""

from __future__ import annotations

from collections.abc import Iterator

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State, Transition, bracketed

OUTSIDE = "[*]"
"""What PlantUML writes for the beginning and the end."""


def text(lifecycle: Lifecycle) -> str:
    """Return the diagram."""
    lines = [f"@startuml {lifecycle.name}", "hide empty description"]
    names = {state: f"s{number}" for number, state in enumerate(lifecycle.states.values(), 1)}
    for state, name in names.items():
        lines.append(f'state "{_quoted(state)}" as {name}')
        if str(state.status) != str(state):
            lines.append(f"{name} : {state.status}")
    lines += _arrows(lifecycle, names)
    return "\n".join([*lines, "@enduml", ""])


def _arrows(lifecycle: Lifecycle, names: dict[State, str]) -> Iterator[str]:
    labels: dict[tuple[str, str], dict[str, None]] = {}
    for transition in lifecycle.transitions:
        source, target = transition.source, (transition.path or (transition.source,))[-1]
        ends = names[source] if source else OUTSIDE, names[target] if target else OUTSIDE
        labels.setdefault(ends, {})[_label(transition)] = None
    for (source_name, target_name), said in labels.items():
        label = r"\n".join(said)
        yield f"{source_name} --> {target_name} : {label}"
    for state, name in names.items():
        if not lifecycle.leaving(state) and state not in _unreached(lifecycle):
            yield f"{name} --> {OUTSIDE}"


def _unreached(lifecycle: Lifecycle) -> set[State]:
    entered = {state for transition in lifecycle.transitions for state in transition.path}
    return set(lifecycle.states.values()) - entered


def _label(transition: Transition) -> str:
    via = ", ".join(transition.path[:-1])
    return f"{transition.trigger}{bracketed(transition.when)}" + (f" via {via}" if via else "")


def _quoted(text: str) -> str:
    return text.replace('"', "''")
