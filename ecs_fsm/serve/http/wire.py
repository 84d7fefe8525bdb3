"""Faults on the wire strike: an answer that is an error, comes late, or never comes.

The famous one is `close_after`: the work was done, and the client does not know.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from random import Random

from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.orders import StrikeCount
from ecs_fsm.serve.http.errors import OUTER_KEYS, spelled
from ecs_fsm.serve.http.protocol import CLOSE, LOST
from ecs_fsm.serve.http.wirefault import CLOSE_AFTER, LATENCY, STATUSES, WireFault

MOST_FAULTS = 1000
OWN_PATHS = "/_ecs"
Requests = tuple[Iterable[tuple[str, str, str]], Collection[str]]
ACTION = re.compile(r"/action/?$")


class WireFaults:
    """The faults in force, with their counts, and the names of requests.

    `requests` gives method, path and name of each route, and the keys of bodies that name an
    action; it is called for the first fault, since it imports all services.
    """

    def __init__(self, requests: Callable[[], Requests], seed: int) -> None:
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

    def add(self, asked: str | Mapping[str, object]) -> tuple[int, WireFault]:
        """Adds a fault and says its number. Raises `InvalidInput`."""
        if len(self.active) >= MOST_FAULTS:
            raise InvalidInput(f"there are {MOST_FAULTS} faults already; remove some")
        make = WireFault.parse if isinstance(asked, str) else WireFault.given
        fault = make(asked, self.requests)  # type: ignore[arg-type]
        self._last += 1
        self.active[self._last] = fault, StrikeCount()
        return self._last, fault

    def remove(self, number: int) -> bool:
        """Takes a fault away; whether there was one."""
        return self.active.pop(number, None) is not None

    def clear(self) -> None:
        """Takes all faults away."""
        self.active.clear()

    def of_actions(self) -> bool:
        """Whether a fault waits for an action, so that bodies must be looked at."""
        return any(fault.request in self.actions for fault, _ in self.active.values())

    def route(self, method: str, path: str) -> str | None:
        """The name of the route that answers."""
        return next((n for r, found, n in self._routes if method == found and r.match(path)), None)

    def strike(self, names: Collection[str]) -> WireFault | None:
        """The first fault that strikes a request of these names."""
        for fault, tally in self.active.values():
            matches = fault.request is None or fault.request in names
            if matches and tally.strikes(fault.chance, self._random.random):
                return fault
        return None


class Wired:
    """Lets the faults strike; paths of the emulator itself are never touched."""

    def __init__(self, app: ASGIApp, faults: WireFaults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or does not."""
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
                await self.app(scope, receive, _unheard)
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
    """What receives a body that was read, and then whatever comes."""
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
    """Waits, but not for a client that is gone: its request is done at once."""
    lost = scope.get("extensions", {}).get(LOST)
    if lost is None:
        await asyncio.sleep(seconds)
        return
    try:
        await asyncio.wait_for(lost.wait(), seconds)
    except TimeoutError:
        return


async def _unheard(message: Message) -> None:
    """What is sent goes nowhere."""


async def _close(scope: Scope, receive: Receive) -> None:
    close = scope.get("extensions", {}).get(CLOSE)
    if close is None:
        raise InvalidInput("this server cannot close connections")
    close()
    while (await receive())["type"] != "http.disconnect":
        pass
