"""Connections of uvicorn's with bounds: of their number, of headers, of the time they take.

A request finds in its scope's `extensions` how to close its connection (`CLOSE`, a callable) and
an event that is set when it is gone (`LOST`).
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

CLOSE, LOST = "ecs_fsm.close", "ecs_fsm.lost"
SLOWEST = 30.0
"""Seconds that a request may take to come in whole, the first one of a connection to begin."""
MOST_HEADERS = 64 * 1024
"""Bytes of the request line and all headers of a request."""
MOST_CONNECTIONS = 4000
"""Connections that are served at once, those included that only wait for events."""
LARGE_HEADERS = f"The headers of a request may have {MOST_HEADERS} bytes."


class TooLarge(Exception):
    """The headers of a request are larger than what is read."""


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    _before_body = False
    _expected = True
    _too_late: asyncio.TimerHandle | None = None
    _received = 0
    _crowded = _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins with a client."""
        super().connection_made(transport)
        self._crowded = len(self.connections) > MOST_CONNECTIONS
        self._lost = asyncio.Event()
        self._extensions = {CLOSE: transport.abort, LOST: self._lost}
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells whoever waits for it."""
        super().connection_lost(exc)
        self._lost.set()
        self._expected = False
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Reads; headers that do not end are refused while they come in."""
        if self._refused or self.transport.is_closing():
            return
        if self._crowded:
            self._refuse(503, f"There are {MOST_CONNECTIONS} connections, which is the most.")
            return
        if self._before_body:
            self._received += len(data)
            if self._received > MOST_HEADERS:
                self._refuse(431, LARGE_HEADERS)
                return
        super().data_received(data)
        self._watch()

    def _watch(self) -> None:
        """Cuts a client that keeps a request open for too long."""
        if not self._expected:
            if self._too_late:
                self._too_late.cancel()
                self._too_late = None
        elif not self._too_late:
            self._too_late = self.loop.call_later(SLOWEST, self.transport.abort)

    def on_message_begin(self) -> None:
        """Begins a request."""
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]
        self._expected = self._before_body = True
        self._received = 0

    def on_headers_complete(self) -> None:
        """Starts the request, unless its headers are too large."""
        self._before_body = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > (
            MOST_HEADERS
        ):
            self._refused = True
            raise TooLarge
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Ends a request; its answer may take as long as it takes."""
        super().on_message_complete()
        self._expected = False

    def send_400_response(self, msg: str) -> None:
        """Answers what is no request, or what has too large a head."""
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
