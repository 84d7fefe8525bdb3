"""A waiter ready to paste: its lists, Terraform's fields, and the TOML that `check` reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ecs_fsm.waiters.starts import cover
from ecs_fsm.waiters.values import GONE
from ecs_fsm.waiters.waiter import Waiter


def as_dict(waiter: Waiter) -> dict[str, object]:
    """`{"from", "attribute", "pending", "target", "failure", "findings"}`."""
    return {
        "from": list(waiter.from_),
        "attribute": waiter.attribute,
        "pending": list(waiter.pending or ()),
        "target": list(waiter.target),
        "failure": list(waiter.failure),
        "findings": [finding.as_dict() for finding in waiter.findings()],
    }


def text(waiters: Sequence[Waiter]) -> str:
    """Every waiter in all its forms, with what it cannot see and why."""
    return "\n\n".join("\n".join(_lines(waiter)) for waiter in waiters) + "\n"


def _lines(waiter: Waiter) -> Iterator[str]:
    where = "wherever it is accepted" if _everywhere(waiter) else f"at {', '.join(waiter.from_)}"
    yield f"# {waiter.operation} {where}, waited for by {waiter.attribute}"
    for name, values in waiter.lists.items():
        yield f"{name:8} {', '.join(values) or '(none)'}"
    yield ""
    gone = any(GONE in waiter.lists[name] for name in ("pending", "target"))
    yield f"# Terraform ({GONE} is what Refresh makes of a 404)" if gone else "# Terraform"
    for name in ("pending", "target"):
        listed = ", ".join(json.dumps(value) for value in waiter.lists[name])
        yield f"{name.capitalize() + ':':8} []string{{{listed}}},"
    yield ""
    yield "# TOML for ecs-fsm check"
    yield from _toml(waiter)
    yield ""
    findings = waiter.findings()
    yield "# what it cannot see" if findings else "# it sees everything"
    yield from (f"{finding.finding}: {finding.message}" for finding in findings)
    yield from (f"note: {note}" for note in waiter.notes())


def _toml(waiter: Waiter) -> Iterator[str]:
    yield "[[waiter]]"
    yield f"name = {json.dumps(waiter.name)}"
    yield f"operation = {json.dumps(waiter.operation)}"
    if not _everywhere(waiter):
        yield f"from = {json.dumps(waiter.from_)}"
    yield f"attribute = {json.dumps(waiter.attribute)}"
    for name, values in waiter.lists.items():
        yield f"{name} = {json.dumps(values)}"


def _everywhere(waiter: Waiter) -> bool:
    everything = Waiter(waiter.operation, waiter.target, lifecycle=waiter.lifecycle).runs.starts
    return waiter.from_ == tuple(cover(waiter.lifecycle, waiter.operation, everything))
