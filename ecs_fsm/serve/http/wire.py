"""Faults on the wire: a response that is an error, comes late, is broken, or never comes.

A fault is written `wire:OUTCOME[=SECONDS][="MESSAGE"][@REQUEST][#N][*TIMES][%PERCENT]`, where
REQUEST is the operation id of a route or the key of an action. The famous outcomes are `500_after`
and `close_after`: the work was done, and the client does not know.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Self, cast

from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Chance, StrikeCount
from ecs_fsm.serve.cloud.vocabulary import VOLUME
from ecs_fsm.serve.http.api_errors import OUTER_KEYS, spelled
from ecs_fsm.serve.http.middleware import RequestLayer

PREFIX = "wire:"
AFTER = "_after"
LATENCY, SLOW_BODY = "latency", "slow_body"
CLOSE_BEFORE, CLOSE_AFTER = "close_before", "close_after"
TRUNCATED, WRONG_TYPE, OLD_TOKEN = "truncated", "wrong_type", "old_token"
OUTCOMES = (LATENCY, SLOW_BODY, CLOSE_BEFORE, CLOSE_AFTER, TRUNCATED, WRONG_TYPE, OLD_TOKEN)
TIMED = (LATENCY, SLOW_BODY)
EXPECTED = f"a status from 400 to 599, with or without {AFTER}, or {', '.join(OUTCOMES)}"
LONGEST = 3600.0
"""Seconds of latency, and of Retry-After."""
LONGEST_MESSAGE = 500
MOST_FAULTS = 1000
OWN_PATHS = "/_ecs"
TRANSPORT = "ecs_fsm.transport"
"""The key of the connection of a request among the extensions of its scope."""
PIECES = 10
"""Parts of a slow body."""
ACTION = re.compile(r"/action/?$")
NamedRequests = tuple[Iterable[tuple[str, str, str]], Collection[str]]
STATUS = re.compile(rf"([45]\d\d)({AFTER})?", re.ASCII)
WRITTEN = re.compile(
    r"(?P<outcome>[^=@#*%\"]*)(?:=(?P<amount>[^=@#*%\"]*))?(?:=(?P<message>\"(?:[^\"\\]|\\.)*\"))?"
    r"(?:@(?P<request>[^#*%]*))?(?P<marks>[#*%].*)?"
)


@dataclass(frozen=True, slots=True)
class WireFault:
    """An outcome for the requests of a name, or for any if it is None.

    `amount` is the seconds of latency or of a slow body, or those of Retry-After; `message` is that
    of an error.
    """

    outcome: str
    request: str | None
    amount: float | None
    chance: Chance
    message: str | None = None

    @property
    def status(self) -> int | None:
        """The status of an error, None for other outcomes."""
        found = STATUS.fullmatch(self.outcome)
        return int(found[1]) if found else None

    @classmethod
    def parse(cls, text: str, requests: Collection[str]) -> Self:
        """Return the fault of a text; `wire:` is optional.

        Examples are `wire:429=5@show_server#3*2%10` and `wire:403="Quota exceeded"@create_server`.
        Raise `InvalidInput`, which lists the known ones, for an unknown outcome or request.
        """
        found = WRITTEN.fullmatch(text.strip().removeprefix(PREFIX))
        if found is None:
            raise InvalidInput(f"{text!r} does not read; expected {EXPECTED}")
        _, chance = Chance.parse(found["marks"] or "")
        try:
            message = str(json.loads(found["message"])) if found["message"] else None
        except ValueError as error:
            raise InvalidInput(f"{text!r}: invalid message: {error}") from None
        outcome, request = found["outcome"].strip(), found["request"]
        request, status = request and request.strip(), bool(STATUS.fullmatch(outcome))
        if outcome not in OUTCOMES and not status:
            raise InvalidInput(f"unknown outcome {outcome!r}; known: {EXPECTED}")
        if request is not None and request not in requests:
            raise unknown("request", request, requests)
        if message is not None and (not status or len(message) > LONGEST_MESSAGE):
            most = f"of up to {LONGEST_MESSAGE} characters"
            raise InvalidInput(f"{outcome}: a message, {most}, is for errors")
        return cls(outcome, request, _seconds(outcome, status, found["amount"]), chance, message)

    def __str__(self) -> str:
        unit = "s" if self.outcome in TIMED else ""
        amount = f"={self.amount:g}{unit}" if self.amount is not None else ""
        message = f"={json.dumps(self.message)}" if self.message is not None else ""
        request = f"@{self.request}" if self.request else ""
        return f"{PREFIX}{self.outcome}{amount}{message}{request}{self.chance}"


def _seconds(outcome: str, status: bool, text: str | None) -> float | None:
    if text is None and outcome not in TIMED:
        return None
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s)?", text or "", re.ASCII)
    if found is not None and (status or outcome in TIMED):
        seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
        if seconds <= LONGEST:
            return seconds
    expected = f"{outcome}=2s" if outcome in TIMED else f"{outcome}=5 for seconds of Retry-After"
    if not status and outcome not in TIMED:
        expected = f"{outcome} without a value"
    raise InvalidInput(f"{outcome}={text or ''}: expected {expected}, up to {LONGEST:g} seconds")


class WireFaults:
    """The faults in force, with their counts, and the names of requests.

    `requests` gives method, path and name of each route, and the keys of bodies that name an
    action; it is called for the first fault, since it imports all services.
    """

    def __init__(self, requests: Callable[[], NamedRequests], seed: int) -> None:
        self._requests, self._seed = requests, seed
        self.restore(())

    @cached_property
    def _routes(self) -> list[tuple[re.Pattern[str], str, str]]:
        return [(compile_path(path)[0], method, name) for method, path, name in self._requests()[0]]

    @cached_property
    def _actions(self) -> frozenset[str]:
        return frozenset(self._requests()[1])

    @cached_property
    def requests(self) -> frozenset[str]:
        """The names that a fault may select."""
        return self._actions | {name for _, _, name in self._routes}

    def add(self, text: str, count: StrikeCount | None = None) -> WireFault:
        """Add a fault, which may have struck before. Raise `InvalidInput` for an invalid one."""
        if len(self.active) >= MOST_FAULTS:
            raise InvalidInput(f"there are {MOST_FAULTS} faults already; remove some")
        fault = WireFault.parse(text, self.requests)
        self.active.append((fault, count or StrikeCount()))
        return fault

    def restore(self, faults: Iterable[tuple[str, int, int]]) -> None:
        """Return to these faults with their counts, and to the first of the random numbers."""
        self.active: list[tuple[WireFault, StrikeCount]] = []
        self._random = Random(self._seed)  # noqa: S311 - a seed repeats it
        for text, met, struck in faults:
            self.add(text, StrikeCount(met, struck))

    def kept(self) -> list[tuple[str, int, int]]:
        """Return what `restore` reads."""
        return [(str(fault), count.met, count.struck) for fault, count in self.active]

    def strike(self, method: str, path: str, body: bytes) -> WireFault | None:
        """Return the first fault that strikes a request: any, or one of its route or its action."""
        names = {next((n for r, m, n in self._routes if m == method and r.match(path)), None)}
        if method == "POST" and ACTION.search(path):
            names |= _keys(body) & self._actions
        for fault, count in self.active:
            matches = fault.request is None or fault.request in names
            if matches and count.strikes(fault.chance, self._random.random):
                return fault
        return None


def _keys(body: bytes) -> set[str]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    return set(document) if isinstance(document, dict) else set()


class FaultInjector(RequestLayer):
    """Lets the faults strike; requests of the control API are never touched."""

    def __init__(self, app: ASGIApp, faults: WireFaults) -> None:
        super().__init__(app)
        self.faults = faults

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, fault = scope["path"], None
        if self.faults.active and not f"{path}/".startswith(f"{OWN_PATHS}/"):
            fault = self.faults.strike(scope["method"], path, scope["state"]["body"])
        if fault is not None and fault.outcome == LATENCY:
            await _wait(receive, fault.amount or 0)
        if fault is not None and fault.outcome == OLD_TOKEN:
            for token in (value for name, value in scope["headers"] if name == b"x-auth-token"):
                scope["app"].state.access.revoke(token.decode("latin-1"))
        if fault is None or fault.outcome in (LATENCY, OLD_TOKEN):
            await self.app(scope, receive, send)
            return
        done: list[Message] = []

        async def keep(message: Message) -> None:
            done.append(message)

        if fault.outcome != CLOSE_BEFORE and (fault.status is None or AFTER in fault.outcome):
            await self.app(scope, receive, keep)
        if fault.status is not None:
            retry = None if fault.amount is None else {"Retry-After": f"{fault.amount:g}"}
            outer = OUTER_KEYS.get(fault.status, "computeFault")
            asked = f"{outer}: a fault was asked for ({fault})"
            message = asked if fault.message is None else fault.message
            await spelled(path, fault.status, message, retry)(scope, receive, send)
        elif fault.outcome in (CLOSE_BEFORE, CLOSE_AFTER):
            if (transport := _transport(scope)) is None:
                raise InvalidInput("this server cannot close connections")
            transport.abort()
            await _wait(receive, None)
        else:
            await _spoil(fault, done, scope, receive, send)


async def _spoil(
    fault: WireFault, done: list[Message], scope: Scope, receive: Receive, send: Send
) -> None:
    """Send a response whose body is cut, slow, or not of the type that its header says."""
    begin, body = done[0], b"".join(message.get("body", b"") for message in done[1:])
    if fault.outcome == WRONG_TYPE:
        others = [row for row in begin["headers"] if row[0] != b"content-type"]
        begin["headers"] = [*others, (b"content-type", b"text/html; charset=utf-8")]
    await send(begin)
    if fault.outcome == SLOW_BODY:
        size = -(-len(body) // PIECES) or 1
        for at in range(0, len(body), size):
            await _wait(receive, (fault.amount or 0) / PIECES)
            piece = body[at : at + size]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        body = b""
    transport = _transport(scope) if fault.outcome == TRUNCATED else None
    body = body[: len(body) // 2] if fault.outcome == TRUNCATED else body
    await send({"type": "http.response.body", "body": body, "more_body": transport is not None})
    if transport is not None:
        transport.close()


def _transport(scope: Scope) -> asyncio.Transport | None:
    """Return the connection of a request, None without a socket."""
    return cast("asyncio.Transport | None", scope.get("extensions", {}).get(TRANSPORT))


async def _wait(receive: Receive, seconds: float | None) -> None:
    """Wait, but not for a client that has gone: its request is carried out at once."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


def add_fault(cloud: Cloud, wire: WireFaults, text: str, count: StrikeCount | None = None) -> str:
    """Let a fault strike from now on, and return it as it is listed.

    It is one of the wire or of volumes if its text begins with `wire:` or `volume:`.
    """
    if text.startswith(PREFIX):
        return str(wire.add(text, count))
    mark = VOLUME if text.startswith(VOLUME) else ""
    orders = cloud.volumes.cloud.orders if mark else cloud.orders
    return f"{mark}{orders.add(text.removeprefix(mark), count)}"
