"""Waits that were found, judged: the waiters that each is, what is wrong with them, and a fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles import server_class
from ecs_fsm.waiters.baseline import without
from ecs_fsm.waiters.ranking import Level, Ranked, fold, rank
from ecs_fsm.waiters.report import Report, own_lists
from ecs_fsm.waiters.scan.configuration import Scan
from ecs_fsm.waiters.scan.directives import Directive, settled
from ecs_fsm.waiters.scan.wait import Wait, clients
from ecs_fsm.waiters.starts import select
from ecs_fsm.waiters.waiter import Waiter


@dataclass(frozen=True, slots=True)
class JudgedWait:
    """A wait with a waiter for each of its operations, or the reason why it could not be judged."""

    wait: Wait
    waiters: tuple[Waiter, ...]
    findings: tuple[Ranked, ...]
    reason: str | None
    accepted: int = 0
    path: str = ""

    @property
    def report(self) -> Report:
        """The findings with their place, as every format shows them."""
        wait = self.wait
        operations = ", ".join(wait.operations)
        name = f"{wait.function}: {operations}" if wait.function else operations
        return Report(
            name,
            self.waiters[0].lifecycle,
            self.findings,
            file=self.path or wait.file,
            line=wait.line,
            identity=(wait.file, wait.function or "", operations, wait.attribute),
            accepted=self.accepted,
            lists=own_lists(wait.pending, wait.target, wait.failure) if wait.literal else None,
        )

    def left(self, report: Report) -> JudgedWait:
        """Return the wait with the findings that a report leaves."""
        return replace(self, findings=report.findings, accepted=report.accepted)

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

    @property
    def judged(self) -> tuple[JudgedWait, ...]:
        """The waits that were judged."""
        return tuple(wait for wait in self.waits if wait.reason is None)

    def found(self, level: Level = Level.ERROR) -> bool:
        """Return whether there is a finding at a level or above it."""
        return any(one.level.counts(level) for wait in self.waits for one in wait.findings)

    def knowing(self, known: frozenset[str]) -> Verdict:
        """Return the verdict without the findings of a baseline."""
        reports = iter(without([wait.report for wait in self.judged], known))
        waits = tuple(
            wait if wait.reason is not None else wait.left(next(reports)) for wait in self.waits
        )
        return replace(self, waits=waits)

    def as_dict(self) -> dict[str, object]:
        """Return `{"waiters": [...], "passed_over": n}`."""
        return {
            "waiters": [judged.as_dict() for judged in self.waits],
            "passed_over": self.passed_over,
        }


def judge(scan: Scan, lifecycle: Lifecycle | None = None, *, rare: bool = False) -> Verdict:
    """Return what is wrong with the waits of a scan; `lifecycle` is None to decide by imports."""
    waits = tuple(
        replace(
            _judged(settled(wait, scan.directives), lifecycle, scan.directives, rare),
            path=scan.paths.get(wait.file, wait.file),
        )
        for wait in scan.waits
    )
    unused = []
    for directive in scan.directives:
        if directive.used:
            continue
        wrong = "hides no finding" if directive.ignored else "no wait begins here"
        unused.append(f"{directive.file}:{directive.line}: {wrong}; remove the comment")
    return Verdict(waits, scan.passed_over, tuple(scan.problems), tuple(unused))


def _judged(
    wait: Wait, chosen: Lifecycle | None, directives: Sequence[Directive], rare: bool
) -> JudgedWait:
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
    ranked = [one for waiter in waiters for one in _ranked(wait, waiter, rare)]
    kept = [one for one in ranked if not _ignored(one, wait, directives)]
    return JudgedWait(wait, tuple(waiters), fold(kept), None, len(fold(ranked)) - len(fold(kept)))


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


def _ranked(wait: Wait, waiter: Waiter, rare: bool) -> list[Ranked]:
    """Return the findings; where only a name hints at the operation, an error is a warning."""
    ranked = rank(waiter, rare=rare)
    if not wait.guess:
        return list(ranked)
    return [
        one._replace(level=Level.WARNING) if one.level is Level.ERROR else one for one in ranked
    ]


def _ignored(ranked: Ranked, wait: Wait, directives: Sequence[Directive]) -> bool:
    hidden = False
    for directive in directives:
        if ranked.finding.kind in directive.ignored and directive.covers(wait):
            directive.used = hidden = True
    return hidden
