"""A profile to fill in, for a lifecycle that comes without one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, Node, State

STEP, REST = "1m", "1d"
"""The times that stand in it until they are filled in."""


def text(lifecycle: Lifecycle) -> str:
    """Return a profile that can be used as it is: every number in it is a placeholder.

    Each step takes a minute on average and each rest a day; at rest every operation is requested
    equally often, and nothing goes wrong.
    """
    lines = [
        f"# A profile of the lifecycle {lifecycle.name}. Every number is a placeholder: replace",
        "# it, and write its source behind it.",
        "",
        f"lifecycle = {_quoted(lifecycle.name)}",
        "",
        "[arrivals]",
        'kind = "fixed"  # all exist from the beginning',
        "",
        "# The mean time from here to the end of a step.",
        "[durations]",
    ]
    lines += [f'{_quoted(state)} = "{STEP}"' for state in _working(lifecycle)]
    lines += ["", "# What is requested at rest: the mean time until then, and the share of each."]
    for state, names in _resting(lifecycle).items():
        lines += [f"[requests.{_quoted(state)}]", f'every = "{REST}"', _mix(names), ""]
    lines += [*_facts(lifecycle), *_failures(lifecycle)]
    return "\n".join([*lines, ""])


def _working(lifecycle: Lifecycle) -> list[State]:
    return [s for s in lifecycle.states.values() if not lifecycle.rests(s)]


def _resting(lifecycle: Lifecycle) -> dict[State, list[str]]:
    """Return what changes a resting state, by state; the end of a life has nothing."""
    found: dict[State, dict[str, None]] = {}
    for node in lifecycle.state_graph.nodes:
        if lifecycle.stays(node) and not node.state.task_state:
            found.setdefault(node.state, {}).update(dict.fromkeys(_changing(lifecycle, node)))
    return {state: list(names) for state, names in found.items() if names}


def _changing(lifecycle: Lifecycle, node: Node) -> Iterator[str]:
    for outcome in lifecycle.state_graph.edges(node):
        if outcome.transition.kind is Kind.REQUEST and outcome.end is not node:
            yield outcome.transition.trigger


def _mix(names: list[str]) -> str:
    share = round(1 / len(names), 4)
    shares = [share] * (len(names) - 1)
    shares.append(round(1 - sum(shares), 4))
    return f"mix = {{ {', '.join(f'{n} = {s}' for n, s in zip(names, shares, strict=True))} }}"


def _facts(lifecycle: Lifecycle) -> Iterator[str]:
    """Yield the facts that are given with an event and have no usual value."""
    givens = [trigger.given.items() for trigger in lifecycle.triggers.values()]
    kept = {fact.name for fact in lifecycle.table.facts if not fact.circumstance}
    needed = (name for given in givens for name, usual in given if usual is None and name in kept)
    names = dict.fromkeys(needed)
    if names:
        yield "# What a state does not show: the share of each value."
        yield "[facts]"
        for name in names:
            yield f"{name} = {_mix(list(lifecycle.memory.values(name))).removeprefix('mix = ')}"
        yield ""


def _failures(lifecycle: Lifecycle) -> Iterator[str]:
    """Yield the tables of what can go wrong, each as a comment."""
    failures = [name for name, t in lifecycle.events.items() if t.kind is Kind.FAILURE]
    if failures:
        yield "# The probability that a step ends so instead of going on."
    for name in failures:
        sources = [t.source for t in lifecycle.triggers[name].transitions if t.source]
        steps = [s for s in dict.fromkeys(sources) if not lifecycle.rests(s)]
        if steps:
            yield f"# [{name}]"
            yield from (f"# {_quoted(step)} = 0.001" for step in steps)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
