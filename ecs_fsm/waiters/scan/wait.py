"""A wait that was found in source code, and what is known of a server on the way to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from ecs_fsm.core.model import NO_TASK
from ecs_fsm.io.toml import shipped
from ecs_fsm.lifecycles import NAMES, server_class
from ecs_fsm.waiters.judge import BOTH, GONE, STATUS, TASK_STATE, VM_STATE

ATTRIBUTES = {
    "status": STATUS,
    "vm_state": VM_STATE,
    "task_state": TASK_STATE,
    "OS-EXT-STS:vm_state": VM_STATE,
    "OS-EXT-STS:task_state": TASK_STATE,
}
"""What source code calls an attribute of a server, and the attribute's name for a waiter."""


OPTIONS = re.compile(r"opts?$|options$|req(?:uest)?$|body$|param", re.IGNORECASE)
"""What a request is made of that names its server inside."""
ELSEWHERE = "it ends at every value but those that it names"
NO_REQUEST = "no request for this server is seen before the wait"


@dataclass(frozen=True, slots=True)
class Wait:
    """A loop or a call in source code that waits for a server.

    `line` is where the literal, the call or the loop begins. `operations` are the requests that
    the wait can follow; they are a `guess` where only the name of the function says so. `pending`
    is None where every value that is not listed keeps the loop going. `starts` are states at rest,
    as `vm_state/task_state`, None where the source does not say. `reason` says why the wait cannot
    be judged, None where it can; a wait is `decided` if a comment names its operation.
    """

    file: str
    line: int
    function: str | None
    operations: tuple[str, ...]
    attribute: str
    pending: tuple[str, ...] | None
    target: tuple[str, ...]
    failure: tuple[str, ...]
    starts: tuple[str, ...] | None = None
    lifecycle: str | None = None
    reason: str | None = None
    guess: bool = False
    decided: bool = False
    literal: bool = False
    """Whether the values stand where the wait begins."""


@dataclass(slots=True)
class Found:
    """What a file holds: waits for servers, and how many waits for other things."""

    waits: list[Wait] = field(default_factory=list)
    passed_over: int = 0


@cache
def clients() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return what clients call the operations, by language, then by kind of call."""
    return shipped(__package__, "clients.toml")


def lifecycle_of(names: Iterable[str]) -> str | None:
    """Return the lifecycle that the parts of import paths or commands name, None for none."""
    known: Mapping[str, object] = clients()["lifecycle"]
    found = {str(known[name]) for name in names if name in known}
    return min(found) if found else None  # a file of both clouds is one of the smaller lifecycle


@cache
def known_values() -> Mapping[str, Mapping[str, str]]:
    """Return every value in the API's spelling, by attribute and by small letters."""
    found: dict[str, dict[str, str]] = {STATUS: {}, VM_STATE: {}, TASK_STATE: {}}
    for name in NAMES:
        for state in server_class(name).lifecycle.states.values():
            found[STATUS][state.status.lower()] = str(state.status)
            found[VM_STATE][state.vm_state.lower()] = str(state.vm_state)
            if state.task_state:
                found[TASK_STATE][state.task_state.lower()] = str(state.task_state)
    return found


def spelled(attribute: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return values as the API spells them, each once; what it does not know stays as it is."""
    return tuple(dict.fromkeys(v if v == GONE else _spelled(attribute, v) for v in values))


def _spelled(attribute: str, value: str) -> str:
    if attribute == BOTH:
        status, slash, task = value.partition("/")
        return _spelled(STATUS, status) + (slash and slash + _spelled(TASK_STATE, task))
    if attribute == TASK_STATE and value.lower() in ("", "none", NO_TASK):
        return NO_TASK
    return known_values().get(attribute, {}).get(value.lower(), value)


def is_known(attribute: str, value: str) -> bool:
    """Return whether an attribute can have a value, in any lifecycle."""
    return value == GONE or _spelled(attribute, value) in known_values().get(attribute, {}).values()


def is_servers(values: Iterable[str]) -> bool:
    """Return whether all values are statuses of a server, and one of them of a server alone.

    Volumes, images and load balancers share ACTIVE, ERROR and others with servers.
    """
    known = known_values()[STATUS]
    return all(value.lower() in known or value == GONE for value in values)


@cache
def states_showing(status: str) -> tuple[str, ...]:
    """Return the states at rest that show a status, in any lifecycle."""
    found = {
        str(state): None
        for name in NAMES
        for lifecycle in [server_class(name).lifecycle]
        for state in lifecycle.states.values()
        if state.status == status and not state.task_state and lifecycle.rests(state)
    }
    return tuple(found)


@dataclass(slots=True)
class ServerRequests:
    """The requests for each server that may have been the last ones at a place of a function.

    Servers are distinguished by a key, which is the name that the source gives them. A request is
    `over` once a wait for it has ended; where a branch has a newer one, only that counts.
    """

    last: dict[str, tuple[str, ...]] = field(default_factory=dict)
    over: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rest: dict[str, tuple[str, ...]] = field(default_factory=dict)
    starts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def same(self, name: str, server: str) -> None:
        """Note that a name stands for the same server as another one."""
        server = self.names.get(server, server)
        if name != server:
            self.names[name] = server

    def new(self, server: str) -> None:
        """Note that a name stands for another server from here on."""
        self.names.pop(server, None)

    def add(self, server: str, *operations: str) -> None:
        """Note that one of the operations is requested for a server, from where it rested."""
        server = self.names.get(server, server)
        self.last[server] = operations
        self.over.pop(server, None)
        self.starts.pop(server, None)
        if server in self.rest:
            self.starts[server] = self.rest.pop(server)

    def forget(self, server: str) -> None:
        """Note that something else is requested for a server, after which nothing is known."""
        server = self.names.get(server, server)
        for known in (self.last, self.over, self.rest, self.starts):
            known.pop(server, None)

    def fail(self) -> None:
        """Note that the open requests were refused: a newer one counts more."""
        self.over |= self.last
        self.last.clear()

    def waited(self, server: str, target: Iterable[str]) -> None:
        """Note that a wait ended with one of the target's statuses."""
        server = self.names.get(server, server)
        if server in self.last:
            self.over[server] = self.last.pop(server)
        resting = [state for value in target for state in states_showing(value)]
        if resting:
            self.rest[server] = tuple(resting)

    def of(self, server: str) -> tuple[str, ...]:
        """Return the requests that a wait for a server can follow."""
        server = self.names.get(server, server)
        return self.last.get(server) or self.over.get(server, ())

    def only(self) -> tuple[str, ...]:
        """Return the open request if there is one alone, whatever its server is called."""
        return next(iter(self.last.values())) if len(self.last) == 1 else ()

    def likely(self, server: str) -> tuple[str, ...]:
        """Return the last requests for a server, of the only one there is where names differ."""
        if len(self.last) == 1 and OPTIONS.search(next(iter(self.last))):
            return self.only()
        found = self.of(server) or self.only()
        if not found and not self.last and len(self.over) == 1:
            return next(iter(self.over.values()))
        return found

    def copy(self) -> ServerRequests:
        """Return a copy that a branch of the source may change."""
        return ServerRequests(
            dict(self.last), dict(self.over), dict(self.rest), dict(self.starts), dict(self.names)
        )

    def began(self, server: str) -> tuple[str, ...] | None:
        """Return the states in which the last request for a server was made, None if unknown."""
        return self.starts.get(self.names.get(server, server))

    def join(self, branches: Iterable[ServerRequests]) -> None:
        """Become what is known after one of several branches, whichever was taken."""
        branches = list(branches)
        self.last = _joined(branch.last for branch in branches)
        self.over = _joined(branch.over for branch in branches)
        # A start that one branch does not know is not known.
        self.names = {k: v for branch in branches for k, v in branch.names.items()}
        self.rest = _shared([branch.rest for branch in branches])
        self.starts = _shared([branch.starts for branch in branches])


Values = dict[str, tuple[str, ...]]


def _joined(parts: Iterable[Values]) -> Values:
    joined: Values = {}
    for part in parts:
        for server, values in part.items():
            joined[server] = tuple(dict.fromkeys((*joined.get(server, ()), *values)))
    return joined


def _shared(parts: list[Values]) -> Values:
    return {s: v for s, v in _joined(parts).items() if all(s in part for part in parts)}
