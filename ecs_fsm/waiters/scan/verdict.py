"""Waits that were found, judged: the waiters that each is, what is wrong with them, and a fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles import server_class
from ecs_fsm.waiters.findings import Finding
from ecs_fsm.waiters.inference import infer
from ecs_fsm.waiters.scan.configuration import Scan
from ecs_fsm.waiters.scan.directives import Directive, settled
from ecs_fsm.waiters.scan.wait import Wait, clients
from ecs_fsm.waiters.starts import select
from ecs_fsm.waiters.waiter import Waiter

LEVELS = ("error", "warning", "note")
Lists = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """A finding at a place in source, with its level and the lists that would avoid it."""

    finding: Finding
    waiter: Waiter
    level: str
    fix: Lists | None

    def as_dict(self) -> dict[str, object]:
        """Return `{"finding", "level", "from", "run", "polled", "message", "fix"}`."""
        found = self.finding.as_dict()
        return {
            "finding": found["finding"],
            "level": self.level,
            "from": [found["from"]],
            "run": found["run"],
            "polled": found["polled"],
            "message": found["message"],
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True)
class JudgedWait:
    """A wait with a waiter for each of its operations, or the reason why it could not be judged."""

    wait: Wait
    waiters: tuple[Waiter, ...]
    findings: tuple[PlacedFinding, ...]
    reason: str | None

    def as_dict(self) -> dict[str, object]:
        """Return the wait and its findings as JSON has them."""
        wait = self.wait
        return {
            "file": wait.file,
            "line": wait.line,
            "function": wait.function,
            "operation": list(wait.operations),
            "from": None if wait.starts is None else list(wait.starts),
            "attribute": wait.attribute,
            "pending": None if wait.pending is None else list(wait.pending),
            "target": list(wait.target),
            "failure": list(wait.failure),
            "judged": self.reason is None,
            "reason": self.reason,
            "findings": [finding.as_dict() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every wait of a scan judged, in the order of files and lines.

    `problems` are sentences about files that were passed over and comments that are not valid,
    `unused` those about comments that decide or silence nothing.
    """

    waits: tuple[JudgedWait, ...]
    passed_over: int
    problems: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def not_judged(self) -> int:
        """How many waits could not be judged."""
        return sum(judged.reason is not None for judged in self.waits)

    def found(self, level: str = LEVELS[0]) -> bool:
        """Return whether there is a finding at a level or above it."""
        worst = LEVELS[: LEVELS.index(level) + 1]
        return any(f.level in worst for judged in self.waits for f in judged.findings)

    def as_dict(self) -> dict[str, object]:
        """Return `{"waiters": [...], "passed_over": n}`."""
        return {
            "waiters": [judged.as_dict() for judged in self.waits],
            "passed_over": self.passed_over,
        }


def judge(scan: Scan, lifecycle: Lifecycle | None = None) -> Verdict:
    """Return what is wrong with the waits of a scan; `lifecycle` is None to decide by imports."""
    waits = tuple(
        _judged(settled(wait, scan.directives), lifecycle, scan.directives) for wait in scan.waits
    )
    unused = []
    for directive in scan.directives:
        if directive.used:
            continue
        wrong = "hides no finding" if directive.ignored else "no wait begins here"
        unused.append(f"{directive.file}:{directive.line}: {wrong}; remove the comment")
    return Verdict(waits, scan.passed_over, tuple(scan.problems), tuple(unused))


def _judged(wait: Wait, chosen: Lifecycle | None, directives: Sequence[Directive]) -> JudgedWait:
    if wait.reason is not None:
        return JudgedWait(wait, (), (), wait.reason)
    default = str(next(iter(clients()["default"].values())))
    lifecycle = chosen or server_class(wait.lifecycle or default).lifecycle
    waiters, refused = [], []
    for operation in wait.operations:
        try:
            waiters.append(_waiter(wait, operation, lifecycle))
        except InvalidInput as error:
            refused.append(str(error))
    if refused and not waiters:
        return JudgedWait(wait, (), (), f"{refused[0]} (lifecycle {lifecycle.name})")
    findings = [placed for waiter in waiters for placed in _findings(wait, waiter)]
    kept = [placed for placed in findings if not _ignored(placed, wait, directives)]
    return JudgedWait(wait, tuple(waiters), tuple(kept), None)


def _waiter(wait: Wait, operation: str, lifecycle: Lifecycle) -> Waiter:
    # A loop that names a value twice stops there: its target is looked at first.
    ending = {*wait.target}
    failure = [value for value in wait.failure if value not in ending]
    pending = wait.pending
    if pending is not None:
        pending = tuple(v for v in pending if v not in ending and v not in failure)
    return Waiter(
        operation,
        wait.target,
        pending=pending,
        failure=failure,
        attribute=wait.attribute,
        from_=_starts(wait, operation, lifecycle),
        name=f"{wait.file}:{wait.line} {operation}",
        lifecycle=lifecycle,
    )


def _starts(wait: Wait, operation: str, lifecycle: Lifecycle) -> tuple[str, ...]:
    """Return the starts that the source shows and the operation accepts, empty for all."""
    fitting = []
    for start in wait.starts or ():
        try:
            select(lifecycle, operation, (start,), ())
        except InvalidInput:
            if wait.decided:
                raise
            continue
        fitting.append(start)
    return tuple(fitting)


def _findings(wait: Wait, waiter: Waiter) -> list[PlacedFinding]:
    placed = []
    for finding in waiter.findings():
        level = LEVELS[0] if finding.avoidable else LEVELS[2]
        if wait.guess and level == LEVELS[0]:
            level = LEVELS[1]
        fix = _fix(waiter, finding) if finding.avoidable else None
        placed.append(PlacedFinding(finding, waiter, level, fix))
    return placed


def _ignored(placed: PlacedFinding, wait: Wait, directives: Sequence[Directive]) -> bool:
    hidden = False
    for directive in directives:
        if placed.finding.kind in directive.ignored and directive.covers(wait):
            directive.used = hidden = True
    return hidden


def _fix(waiter: Waiter, finding: Finding) -> Lists | None:
    better = _best(waiter.lifecycle, waiter.operation, waiter.from_, waiter.attribute)
    for found in better:
        names = {start.name for start in found.runs.starts}
        if finding.from_ in names:
            return {name: list(values) for name, values in found.lists.items()}
    return None


@lru_cache(maxsize=512)
def _best(
    lifecycle: Lifecycle, operation: str, starts: tuple[str, ...], attribute: str
) -> tuple[Waiter, ...]:
    return tuple(infer(operation, from_=starts, attribute=attribute, lifecycle=lifecycle))
