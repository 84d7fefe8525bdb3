"""The errors of the package, under one base class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ecs_fsm.core.model import Fact, State


class LifecycleError(Exception):
    """The base class of the errors that this package raises."""


class Fault(NamedTuple):
    """What is wrong in one row of a table.

    `where` names the row as a table in Python shows it; `path` leads to it in a lifecycle file.
    """

    wrong: str
    where: str = ""
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return f"{self.where}: {self.wrong}" if self.where else self.wrong


class InvalidTable(LifecycleError):
    """A table contradicts itself; the message has a line for each of its `faults`."""

    def __init__(self, *faults: Fault | str) -> None:
        super().__init__(*faults)
        self.faults = tuple(f if isinstance(f, Fault) else Fault(f) for f in faults)

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


class InvalidInput(LifecycleError, ValueError):
    """An input is unknown or does not fit; the message says what would be right."""


class MissingExtra(LifecycleError):
    """An optional library is not installed; the message says how to install it."""


class UnknownFact(LifecycleError):
    """What an event does depends on a fact that is not known.

    `fact` is its name, `values` are its possible values, `trigger` is the event and `state` the
    state in which it matters.
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
    """A trigger is not possible in the present state; the API answers a request with 409.

    `operation` is the trigger, `state` the state that refused it (also as `vm_state`, `task_state`
    and `status`), `reason` says why in one line, `allowed` are the operations that a user can
    request there.
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
        """Return `{"operation", "vm_state", "task_state", "status", "reason", "allowed"}`.

        The state is that of `State.as_dict`.
        """
        return {
            "operation": self.operation,
            **self.state.as_dict(),
            "reason": self.reason,
            "allowed": list(self.allowed),
        }

    def __str__(self) -> str:
        instead = ", ".join(self.allowed) or "nothing that a user can ask"
        called = type(self.status).attribute
        status = "" if self.state.one_word or self.state.gone else f" ({called} {self.status})"
        return (
            f"{self.operation} is refused at {self.state}{status}: "
            f"{self.reason}; possible now: {instead}"
        )


def unknown(kind: str, word: str, known: Iterable[str]) -> InvalidInput:
    """Return the error for a `word` that is not among the `known` ones; it names the nearest."""
    from difflib import get_close_matches

    words = sorted(map(str, known))
    folded = {w.lower(): w for w in words}
    near = get_close_matches(str(word), words, n=1) or [
        folded[match] for match in get_close_matches(str(word).lower(), folded, n=1)
    ]
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(words) or 'none'}"
    return InvalidInput(f"unknown {kind} {word!r}; {hint}")


def require(*modules: str, extra: str = "fleet") -> None:
    """Import optional libraries. Raise `MissingExtra` if one of them is not installed."""
    from importlib import import_module

    for name in modules:
        try:
            import_module(name)
        except ImportError:
            raise MissingExtra(
                f"this needs {name}, which is not installed: {installing(extra)}"
            ) from None


def installing(extra: str) -> str:
    """Return the command that installs an extra, from the folder or index the package came from."""
    import json
    from importlib.metadata import distributions
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    # A clone that is the present folder has a description of its own, which does not say it.
    said = (found.read_text("direct_url.json") for found in distributions(name="ecs-fsm"))
    origin = json.loads(next(filter(None, said), "{}"))
    place = urlsplit(origin.get("url", ""))
    if place.scheme != "file":
        return f"pip install 'ecs-fsm[{extra}]'"
    editable = "-e " if origin.get("dir_info", {}).get("editable") else ""
    return f"pip install {editable}'{url2pathname(place.path)}[{extra}]'"
