"""Faults on the wire: a response that is an error, comes late, or never comes.

A fault is written `wire:OUTCOME[@REQUEST][#N][*TIMES][%PERCENT]`, where REQUEST is the operation id
of a route or the key of an action. The famous outcome is `close_after`: the work was done, and the
client does not know.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Self

from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.serve.cloud.orders import Chance, StrikeCount
from ecs_fsm.serve.http.api_errors import OUTER_KEYS, spelled
from ecs_fsm.serve.http.protocol import CLOSE, LOST

PREFIX = "wire:"
STATUSES = ("500", "503", "429", "401")
LATENCY, CLOSE_BEFORE, CLOSE_AFTER = "latency", "close_before", "close_after"
OUTCOMES = (*STATUSES, LATENCY, CLOSE_BEFORE, CLOSE_AFTER)
WITH_RETRY = ("503", "429")
LONGEST = 3600.0
"""Seconds of latency, and of Retry-After."""
MOST_FAULTS = 1000
OWN_PATHS = "/_ecs"
NamedRequests = tuple[Iterable[tuple[str, str, str]], Collection[str]]
ACTION = re.compile(r"/action/?$")


@dataclass(frozen=True, slots=True)
class WireFault:
    """An outcome for the requests of a name, or for any if it is None.

    `amount` is the seconds of latency, or those of Retry-After.
    """

    outcome: str
    request: str | None
    amount: float | None
    chance: Chance

    @classmethod
    def parse(cls, text: str, requests: Collection[str]) -> Self:
        """Return the fault of a text such as `wire:429=5@show_server#3*2%10`; `wire:` is optional.

        Raise `InvalidInput`, which lists the known ones, for an unknown outcome or request.
        """
        rest, chance = Chance.parse(text.removeprefix(PREFIX))
        what, at, request = rest.partition("@")
        return cls._checked(what, request if at else None, None, chance, requests)

    @classmethod
    def given(cls, document: Mapping[str, object], requests: Collection[str]) -> Self:
        """Return the fault of a JSON object: `wire`, `request`, `retry_after` and a chance."""
        known = {"wire", "request", "retry_after", "first", "times", "percent"}
        for key in document:
            if key not in known:
                raise unknown("key", key, known)
        what, request = document.get("wire"), document.get("request")
        if not isinstance(what, str) or not isinstance(request, str | None):
            raise InvalidInput(
                "invalid wire or request: expected texts, such as {'wire': '503', ...}"
            )
        after = document.get("retry_after")
        chance = Chance.given(document)
        return cls._checked(what, request, None if after is None else str(after), chance, requests)

    @classmethod
    def _checked(
        cls,
        what: str,
        request: str | None,
        amount: str | None,
        chance: Chance,
        requests: Collection[str],
    ) -> Self:
        outcome, _, after = what.strip().partition("=")
        if outcome not in OUTCOMES:
            raise InvalidInput(f"unknown outcome {outcome!r}; known: {', '.join(OUTCOMES)}")
        if request is not None and request not in requests:
            raise unknown("request", request, requests)
        seconds = _seconds(outcome, after or amount)
        return cls(outcome, request, seconds, chance)

    def as_dict(self) -> dict[str, object]:
        """Return the fault as JSON, as `given` reads it."""
        late = self.outcome == LATENCY
        shown: dict[str, object] = {"wire": self._what() if late else self.outcome}
        if self.request is not None:
            shown["request"] = self.request
        if self.amount is not None and not late:
            shown["retry_after"] = self.amount
        return {**shown, **self.chance.as_dict()}

    def _what(self) -> str:
        unit = "s" if self.outcome == LATENCY else ""
        return self.outcome + (f"={self.amount:g}{unit}" if self.amount is not None else "")

    def __str__(self) -> str:
        return f"{PREFIX}{self._what()}{f'@{self.request}' if self.request else ''}{self.chance}"


def _seconds(outcome: str, text: str | None) -> float | None:
    if text is None and outcome != LATENCY:
        return None
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s)?", text or "", re.ASCII)
    if found is not None and outcome in (*WITH_RETRY, LATENCY):
        seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
        if seconds <= LONGEST:
            return seconds
    expected = f"{LATENCY}=2s" if outcome == LATENCY else f"{outcome}=5 for seconds of Retry-After"
    if outcome not in (*WITH_RETRY, LATENCY):
        expected = f"{outcome} without a value"
    raise InvalidInput(f"{outcome}={text or ''}: expected {expected}, up to {LONGEST:g} seconds")


class WireFaults:
    """The faults in force, with their counts, and the names of requests.

    `requests` gives method, path and name of each route, and the keys of bodies that name an
    action; it is called for the first fault, since it imports all services.
    """

    def __init__(self, requests: Callable[[], NamedRequests], seed: int) -> None:
        self._requests = requests
        self.active: dict[int, tuple[WireFault, StrikeCount]] = {}
        self._random = Random(seed)  # noqa: S311 - a seed repeats it
        self._last = 0

    @cached_property
    def _routes(self) -> list[tuple[re.Pattern[str], str, str]]:
        return [(compile_path(path)[0], method, name) for method, path, name in self._requests()[0]]

    @cached_property
    def actions(self) -> frozenset[str]:
        """The keys of bodies that name an action."""
        return frozenset(self._requests()[1])

    @cached_property
    def requests(self) -> frozenset[str]:
        """The names that a fault may select."""
        return self.actions | {name for _, _, name in self._routes}

    def add(self, wanted: str | Mapping[str, object]) -> tuple[int, WireFault]:
        """Add a fault. Return its number and the fault. Raise `InvalidInput` for an invalid one."""
        if len(self.active) >= MOST_FAULTS:
            raise InvalidInput(f"there are {MOST_FAULTS} faults already; remove some")
        make = WireFault.parse if isinstance(wanted, str) else WireFault.given
        fault = make(wanted, self.requests)  # type: ignore[arg-type]
        self._last += 1
        self.active[self._last] = fault, StrikeCount()
        return self._last, fault

    def remove(self, number: int) -> bool:
        """Remove a fault. Return whether there was one."""
        return self.active.pop(number, None) is not None

    def clear(self) -> None:
        """Remove all faults."""
        self.active.clear()

    def of_actions(self) -> bool:
        """Return whether a fault selects an action, so that bodies must be read."""
        return any(fault.request in self.actions for fault, _ in self.active.values())

    def route(self, method: str, path: str) -> str | None:
        """Return the name of the route that answers."""
        return next((n for r, found, n in self._routes if method == found and r.match(path)), None)

    def strike(self, names: Collection[str]) -> WireFault | None:
        """Return the first fault that strikes a request with these names."""
        for fault, count in self.active.values():
            matches = fault.request is None or fault.request in names
            if matches and count.strikes(fault.chance, self._random.random):
                return fault
        return None


class FaultInjector:
    """Lets the faults strike; requests of the control API are never touched."""

    def __init__(self, app: ASGIApp, faults: WireFaults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail to."""
        if scope["type"] != "http" or not self.faults.active or _own(scope["path"]):
            await self.app(scope, receive, send)
            return
        names = {self.faults.route(scope["method"], scope["path"]) or ""}
        if scope["method"] == "POST" and ACTION.search(scope["path"]) and self.faults.of_actions():
            body = await _read(receive)
            names |= _keys(body)
            receive = _again(body, receive)
        fault = self.faults.strike(names)
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.outcome in STATUSES:
            await _failed(fault, scope, receive, send)
        elif fault.outcome == LATENCY:
            await _wait(scope, fault.amount or 0)
            await self.app(scope, receive, send)
        else:
            if fault.outcome == CLOSE_AFTER:
                await self.app(scope, receive, _discard)
            await _close(scope, receive)


def _own(path: str) -> bool:
    return path == OWN_PATHS or path.startswith(f"{OWN_PATHS}/")


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return b"".join(parts)


def _keys(body: bytes) -> set[str]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    return set(document) if isinstance(document, dict) else set()


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that repeats a body that was read, and then goes on with the rest."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return pending.pop() if pending else await receive()

    return received


async def _failed(fault: WireFault, scope: Scope, receive: Receive, send: Send) -> None:
    code = int(fault.outcome)
    retry = None if fault.amount is None else {"Retry-After": f"{fault.amount:g}"}
    message = f"{OUTER_KEYS.get(code, 'computeFault')}: a fault was asked for ({fault})"
    await spelled(scope["path"], code, message, retry)(scope, receive, send)


async def _wait(scope: Scope, seconds: float) -> None:
    """Wait, but not for a client that has gone: its request is carried out at once."""
    lost = scope.get("extensions", {}).get(LOST)
    if lost is None:
        await asyncio.sleep(seconds)
        return
    try:
        await asyncio.wait_for(lost.wait(), seconds)
    except TimeoutError:
        return


async def _discard(message: Message) -> None:
    """Send nothing."""


async def _close(scope: Scope, receive: Receive) -> None:
    close = scope.get("extensions", {}).get(CLOSE)
    if close is None:
        raise InvalidInput("this server cannot close connections")
    close()
    while (await receive())["type"] != "http.disconnect":
        pass
