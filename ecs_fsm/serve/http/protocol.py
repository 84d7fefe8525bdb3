"""Connections of uvicorn with bounds, and the faults of the wire that strike on them.

The scope of a request has in its `extensions` callables that close its connection at once (`CLOSE`)
or after what was written (`FINISH`), and an event that is set when it is lost (`LOST`). The faults
strike around the application, which knows nothing of them.

The bounds together limit what a client can occupy: before its request is complete, it holds one of
`MOST_CONNECTIONS` for at most `SLOWEST` seconds, with at most `MOST_HEADERS` bytes and the body
that the guard of requests allows. After that the connection waits for the answer, as long as that
takes, since latency on order is a feature of the emulator.
"""

from __future__ import annotations

import asyncio
import json
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.http.api_errors import OUTER_KEYS, spelled
from ecs_fsm.serve.http.middleware import RequestLayer
from ecs_fsm.serve.http.wire import (
    AFTER,
    CLOSE_AFTER,
    CLOSE_BEFORE,
    LATENCY,
    OWN_PATHS,
    SLOW_BODY,
    TRUNCATED,
    WRONG_TYPE,
    WireFault,
    WireFaults,
)

CLOSE, FINISH, LOST = "ecs_fsm.close", "ecs_fsm.finish", "ecs_fsm.lost"
SLOWEST = 30.0
"""Seconds in which a request must arrive whole, and the first of a connection must begin."""
MOST_HEADERS = 64 * 1024
"""Bytes of the request line and all headers of a request."""
MOST_CONNECTIONS = 4000
"""Connections that are served at once, including those that only wait for events."""
LARGE_HEADERS = f"The headers of a request may have {MOST_HEADERS} bytes."


class TooLarge(Exception):
    """The headers of a request are too large."""


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    _before_body = False
    _expected = True
    _too_late: asyncio.TimerHandle | None = None
    _received = 0
    _crowded = _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a client."""
        super().connection_made(transport)
        self._crowded = len(self.connections) > MOST_CONNECTIONS
        self._lost = asyncio.Event()
        self._extensions = {CLOSE: transport.abort, FINISH: transport.close, LOST: self._lost}
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Set the event for those who wait for it."""
        super().connection_lost(exc)
        self._lost.set()
        self._expected = False
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Read; headers that never end are refused while they arrive."""
        if self._refused or self.transport.is_closing():
            return
        if self._crowded:
            self._refuse(503, f"There are {MOST_CONNECTIONS} connections, which is the most.")
            return
        if self._before_body:  # uvicorn's parser would collect them without a bound
            self._received += len(data)
            if self._received > MOST_HEADERS:
                self._refuse(431, LARGE_HEADERS)
                return
        super().data_received(data)
        self._watch()

    def _watch(self) -> None:
        """Start or stop the timer that closes the connection of a slow client."""
        if not self._expected:
            if self._too_late:
                self._too_late.cancel()
                self._too_late = None
        elif not self._too_late:
            self._too_late = self.loop.call_later(SLOWEST, self.transport.abort)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]
        self._expected = self._before_body = True
        self._received = 0

    def on_headers_complete(self) -> None:
        """Start the request, unless its headers are too large.

        They are counted again, since a small request may come in one piece with the next one.
        """
        self._before_body = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > (
            MOST_HEADERS
        ):
            self._refused = True
            raise TooLarge
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request; its answer has no limit of time."""
        super().on_message_complete()
        self._expected = False

    def send_400_response(self, msg: str) -> None:
        """Answer data that is not a request, and headers that are too large."""
        if self._refused:
            self._refuse(431, LARGE_HEADERS)
        else:
            super().send_400_response(msg)

    def _refuse(self, status: int, said: str) -> None:
        self._refused = True
        self.transport.write(
            STATUS_LINE[status]
            + b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
            + f"content-length: {len(said)}\r\n\r\n{said}".encode()
        )
        self.transport.close()


ACTION = re.compile(r"/action/?$")


class FaultInjector(RequestLayer):
    """Lets the faults strike; requests of the control API are never touched."""

    def __init__(self, app: ASGIApp, faults: WireFaults) -> None:
        super().__init__(app)
        self.faults = faults

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.faults.active or f"{scope['path']}/".startswith(f"{OWN_PATHS}/"):
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
        elif fault.status is not None:
            if fault.outcome.endswith(AFTER):
                await self.app(scope, receive, _discard)
            await _failed(fault, fault.status, scope, receive, send)
        elif fault.outcome in (CLOSE_BEFORE, CLOSE_AFTER):
            if fault.outcome == CLOSE_AFTER:
                await self.app(scope, receive, _discard)
            await _close(scope, receive)
        elif fault.outcome in (TRUNCATED, SLOW_BODY, WRONG_TYPE):
            await self.app(scope, receive, Spoiler(fault, scope, send).take)
        else:
            if fault.outcome == LATENCY:
                await _wait(scope, fault.amount or 0)
            else:
                _forget_token(scope)
            await self.app(scope, receive, send)


PIECES = 10
"""Parts of a slow body."""


class Spoiler:
    """Sends a response whose body is cut, slow, or not of the type that its header says."""

    def __init__(self, fault: WireFault, scope: Scope, send: Send) -> None:
        self._fault, self._scope, self._send = fault, scope, send
        self._body = bytearray()

    async def take(self, message: Message) -> None:
        """Pass a message on, or hold it back."""
        if message["type"] == "http.response.start":
            if self._fault.outcome == WRONG_TYPE:
                others = [row for row in message.get("headers", []) if row[0] != b"content-type"]
                message["headers"] = [*others, (b"content-type", b"text/html; charset=utf-8")]
            await self._send(message)
            return
        if self._fault.outcome == WRONG_TYPE:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._end()

    async def _end(self) -> None:
        if self._fault.outcome == TRUNCATED:
            half = bytes(self._body[: len(self._body) // 2])
            close = self._scope.get("extensions", {}).get(FINISH)
            cut = {"type": "http.response.body", "body": half, "more_body": close is not None}
            await self._send(cut)
            if close is not None:
                close()
            return
        size = -(-len(self._body) // PIECES) or 1
        for at in range(0, len(self._body), size):
            await _wait(self._scope, (self._fault.amount or 0) / PIECES)
            piece = bytes(self._body[at : at + size])
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _forget_token(scope: Scope) -> None:
    """Let the token of the request be as one that has expired."""
    for name, value in scope["headers"]:
        if name == b"x-auth-token":
            scope["app"].state.access.revoke(value.decode("latin-1"))


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


async def _failed(fault: WireFault, code: int, scope: Scope, receive: Receive, send: Send) -> None:
    retry = None if fault.amount is None else {"Retry-After": f"{fault.amount:g}"}
    message = fault.message
    if message is None:
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
