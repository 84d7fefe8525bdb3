"""The best waiter for an operation, decided by its runs, and how to write it out for pasting."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.waiters.grouping import start_groups
from ecs_fsm.waiters.judge import GONE, find_attribute
from ecs_fsm.waiters.runs import runs_from
from ecs_fsm.waiters.starts import cover, select
from ecs_fsm.waiters.waiter import Waiter, Words, facts_of, places


def infer(
    operation: str,
    *,
    from_: Words = (),
    attribute: str = "",
    remember: Mapping[str, str] | Words = (),
    lifecycle: Lifecycle = ECS,
) -> list[Waiter]:
    """Return waiters without avoidable findings, one for as many starts as it serves equally well.

    `from_` and `remember` choose the starts, as in `Waiter`, and raise `InvalidInput` as there. Of
    all possible waiters it is the one with the fewest findings, in this order of weight:
    never-succeeds, misses, spurious-failure, leaves-early, false-success, blind, hangs.
    """
    polls = find_attribute(lifecycle, attribute)
    starts = select(lifecycle, operation, places(from_), facts_of(remember))
    groups = start_groups(runs_from(lifecycle, operation, starts), polls)
    return [
        Waiter(
            operation,
            group.lists["target"],
            pending=group.lists["pending"],
            failure=group.lists["failure"],
            attribute=polls.name,
            from_=cover(lifecycle, operation, group.starts),
            name=operation if len(groups) == 1 else f"{operation} {number}",
            lifecycle=lifecycle,
        )
        for number, group in enumerate(groups, start=1)
    ]


def as_dict(waiter: Waiter) -> dict[str, object]:
    """Return `{"from", "attribute", "pending", "target", "failure", "findings"}`."""
    return {
        "from": list(waiter.from_),
        "attribute": waiter.attribute,
        "pending": list(waiter.pending or ()),
        "target": list(waiter.target),
        "failure": list(waiter.failure),
        "findings": [finding.as_dict() for finding in waiter.findings()],
    }


def pasteable(waiters: Sequence[Waiter]) -> str:
    """Return each waiter as lists, Terraform's fields and TOML for `check`, with its findings."""
    return "\n\n".join("\n".join(_lines(waiter)) for waiter in waiters) + "\n"


def described(waiter: Waiter) -> Iterator[str]:
    """Yield the lines of a waiter as TOML for `check`, and comments on what it cannot see."""
    yield from _toml(waiter)
    yield from (f"# {finding.kind}: {finding.sentence}" for finding in waiter.findings())
    yield from (f"# note: {note}" for note in waiter.notes())


def _lines(waiter: Waiter) -> Iterator[str]:
    where = "every state that accepts it" if everywhere(waiter) else ", ".join(waiter.from_)
    yield f"# {waiter.operation} from {where}, polling {waiter.attribute}"
    for name, values in waiter.lists.items():
        yield f"{name:8} {', '.join(values) or '(none)'}"
    yield ""
    gone = any(GONE in waiter.lists[name] for name in ("pending", "target"))
    yield f"# Terraform ({GONE} stands for a 404 in Refresh)" if gone else "# Terraform"
    for name in ("pending", "target"):
        listed = ", ".join(json.dumps(value) for value in waiter.lists[name])
        yield f"{name.capitalize() + ':':8} []string{{{listed}}},"
    yield ""
    yield "# TOML for ecs-fsm check"
    yield from _toml(waiter)
    yield ""
    findings = waiter.findings()
    yield "# findings that polling cannot avoid" if findings else "# no findings"
    yield from (f"{finding.kind}: {finding.message}" for finding in findings)
    yield from (f"note: {note}" for note in waiter.notes())


def _toml(waiter: Waiter) -> Iterator[str]:
    yield "[[waiter]]"
    yield f"name = {json.dumps(waiter.name)}"
    yield f"operation = {json.dumps(waiter.operation)}"
    if not everywhere(waiter):
        yield f"from = {json.dumps(waiter.from_)}"
    yield f"attribute = {json.dumps(waiter.attribute)}"
    for name, values in waiter.lists.items():
        yield f"{name} = {json.dumps(values)}"


def everywhere(waiter: Waiter) -> bool:
    """Return whether the starts of a waiter are all that its operation has."""
    all_starts = Waiter(waiter.operation, waiter.target, lifecycle=waiter.lifecycle).runs.starts
    return waiter.from_ == tuple(cover(waiter.lifecycle, waiter.operation, all_starts))
