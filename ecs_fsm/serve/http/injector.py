"""Lets the faults of the wire strike: around the application, which knows nothing of them."""

from __future__ import annotations

import asyncio
import json
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.http.api_errors import OUTER_KEYS, spelled
from ecs_fsm.serve.http.protocol import CLOSE, FINISH, LOST
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

ACTION = re.compile(r"/action/?$")


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
