"""Connections of uvicorn with bounds.

The bounds together limit what a client can occupy: before its request is complete, it holds one of
`MOST_CONNECTIONS` for at most `SLOWEST` seconds, with at most `MOST_HEADERS` bytes and the body
that the guard of requests allows. After that the connection waits for the answer, as long as that
takes, since latency on order is a feature of the emulator.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ecs_fsm.serve.http.wire import TRANSPORT

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
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End with a client."""
        super().connection_lost(exc)
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
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]
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
