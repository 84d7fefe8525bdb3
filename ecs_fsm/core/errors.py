"""What can be wrong, under one base: a table, an input, or a request at the wrong time."""

from __future__ import annotations

from collections.abc import Iterable

from ecs_fsm.core.model import Fact, State


class LifecycleError(Exception):
    """The base of every error that this package raises by itself."""


class InvalidTable(LifecycleError):
    """A lifecycle's table contradicts itself; the message names the row."""


class InvalidInput(LifecycleError, ValueError):
    """Something given from outside does not exist or does not fit; the message says what would."""


class UnknownFact(LifecycleError):
    """What comes next depends on something that nobody said.

    `fact` is its name, `values` what it can be, `trigger` the event and `state` where it matters.
    """

    def __init__(self, fact: Fact, trigger: str, state: State) -> None:
        super().__init__(fact, trigger, state)
        self.fact = fact.name
        self.values = fact.values
        self.trigger = trigger
        self.state = state

    def __str__(self) -> str:
        choices = " or ".join(f"{self.fact}={value}" for value in self.values)
        return f"{self.trigger} at {self.state} depends on {self.fact}: say {choices}"


class Refused(LifecycleError):
    """An event that is not possible in the present state: what the API answers with 409.

    `operation` is the trigger that was asked, `state` the state that refused it (its parts also as
    `vm_state`, `task_state`, `status`), `reason` one line that says why, `allowed` the operations
    that a user may ask there instead.
    """

    def __init__(self, operation: str, state: State, reason: str, allowed: tuple[str, ...]) -> None:
        super().__init__(operation, state, reason, allowed)
        self.operation = operation
        self.state = state
        self.vm_state = state.vm_state
        self.task_state = state.task_state
        self.status = state.status
        self.reason = reason
        self.allowed = allowed

    def as_dict(self) -> dict[str, str | list[str] | None]:
        """`{"operation", "vm_state", "task_state", "status", "reason", "allowed"}`."""
        return {
            "operation": self.operation,
            **self.state.as_dict(),
            "reason": self.reason,
            "allowed": list(self.allowed),
        }

    def __str__(self) -> str:
        instead = ", ".join(self.allowed) or "nothing that a user can ask"
        return (
            f"{self.operation} is refused at {self.state} (status {self.status}): "
            f"{self.reason}; possible now: {instead}"
        )


def unknown(kind: str, word: str, known: Iterable[str]) -> InvalidInput:
    """The error for a `word` that is not among the `known` ones, with the nearest of them."""
    from difflib import get_close_matches

    words = sorted(map(str, known))
    folded = {w.lower(): w for w in words}
    near = get_close_matches(str(word), words, n=1) or [
        folded[match] for match in get_close_matches(str(word).lower(), folded, n=1)
    ]
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(words) or 'none'}"
    return InvalidInput(f"unknown {kind} {word!r}; {hint}")
