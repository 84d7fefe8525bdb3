"""The HTTP server: its settings, a bound socket, uvicorn with bounds on it, and its log.

The socket is bound first, so that its port is known before the first request. A signal ends
everything within a second, including streams and idle connections.

The bounds of connections together limit what a client can occupy: before its request is complete,
it holds one of `MOST_CONNECTIONS` for at most `SLOWEST` seconds, with at most `MOST_HEADERS` bytes
and the body that the guard of requests allows. After that the connection waits for the answer, as
long as that takes, since latency on order is a feature of the emulator.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.store import StateLost
from ecs_fsm.serve.http.middleware import access_logger
from ecs_fsm.serve.http.wire import TRANSPORT

MOST_LINES = 10_000
"""Lines that wait for a reader; further ones are dropped."""
LAST_WAIT = 0.3
"""Seconds in which the last lines are written at the end."""


class PatientHandler(logging.Handler):
    """Writes lines to a file descriptor in a thread of its own."""

    # The thread writes to the descriptor itself: a stream would be locked while a write waits, and
    # the end of the process would wait for the lock.

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: queue.Queue[bytes] = queue.Queue(MOST_LINES)
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on, or drop it if too many wait."""
        try:
            self._lines.put_nowait(f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except queue.Full:
            return

    def flush(self) -> None:
        """Wait until all is written, but not long."""
        end = time.monotonic() + LAST_WAIT
        while self._lines.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.005)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:  # nothing reads any more
                pass
            finally:
                self._lines.task_done()


BACKLOG = 1024
GRACE = 0.3
"""Seconds in which a request may end after a signal."""
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Settings:
    """HTTP server settings: `port` 0 is any free one, `token_lifetime` is in real seconds.

    `allowed_hosts` are further names under which clients reach the server.
    """

    host: str = "127.0.0.1"
    port: int = 8774
    token_lifetime: float = 3600
    allowed_hosts: tuple[str, ...] = ()

    @property
    def loopback(self) -> bool:
        """Whether only programs of this machine reach the server."""
        if self.host == LOCAL_NAMES[0]:
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def guarded_hosts(self) -> tuple[str, ...] | None:
        """The names in the header Host; None for any: a server open to others, without a list."""
        if not self.loopback and not self.allowed_hosts:
            return None
        return (*LOCAL_NAMES, self.host.lower(), *(name.lower() for name in self.allowed_hosts))


def bind(settings: Settings) -> socket.socket:
    """Return a listening socket for the settings.

    Raise `InvalidInput` if the address does not belong to this machine or the port is in use.
    """
    host = settings.host.strip("[]")
    with contextlib.ExitStack() as undo:
        try:
            family, kind, number, _, address = socket.getaddrinfo(
                host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            bound = undo.enter_context(socket.socket(family, kind, number))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(BACKLOG)  # a request that comes before the server waits
        except (OSError, UnicodeError) as error:  # the latter from a name that DNS cannot have
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise InvalidInput(f"cannot listen on {host} port {settings.port}: {reason}") from None
        undo.pop_all()
    return bound


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
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MOST_HEADERS:
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


class GracefulServer(uvicorn.Server):
    """A server that ends within a second: after `GRACE` it closes all connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready
        self.lost: str | None = None

    def end(self, reason: str) -> None:
        """Stop, and say why: what is changed from now on could not be kept."""
        self.lost, self.should_exit = reason, True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen; then call `ready`, when requests are answered and a signal ends it."""
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, and close streams and idle connections after `GRACE`."""
        asyncio.get_running_loop().call_later(GRACE, self._cut)
        await super().shutdown(sockets)

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at a signal, which is not raised again afterwards, so that callers can clean up."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


def url_of(bound: socket.socket) -> str:
    """Return the URL at which clients of this machine reach the server on a bound socket."""
    host, port = bound.getsockname()[:2]
    if ip_address(host).is_unspecified:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_of(app: Starlette, ready: Callable[[], object]) -> GracefulServer:
    """Return a server of the application, which calls `ready` when it listens."""
    return GracefulServer(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,  # the simulated clock gives it
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        ),
        ready,
    )


def serve_until_signal(
    app: Starlette, bound: socket.socket, ready: Callable[[], object], *, quiet: bool = False
) -> None:
    """Serve the application on the socket until a signal ends it.

    `ready` is called once it listens. Each request is a line of the log, unless it is `quiet`.
    Raise `StateLost` if the state of the cloud could not be kept any more.
    """
    _log_to_terminal(quiet)
    _allow_files()
    server = server_of(app, ready)
    app.state.end = server.end
    server.run([bound])
    if server.lost is not None:
        raise StateLost(server.lost)


def _allow_files() -> None:
    """Raise the limit of open files, and so of connections, to the most that the system allows."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # exists on Unix only

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _log_to_terminal(quiet: bool) -> None:
    """Log one line a request, warnings and errors to standard error, nothing else."""
    handler = PatientHandler(sys.stderr.fileno())
    handler.setFormatter(logging.Formatter("%(message)s"))
    for logger, level in (
        (access_logger, logging.WARNING if quiet else logging.INFO),
        (logging.getLogger("uvicorn.error"), logging.WARNING),
        (logging.getLogger("ecs_fsm.cloud"), logging.WARNING),
    ):
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level)
