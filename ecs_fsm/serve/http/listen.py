"""Listens: a bound socket and the server upon it.

The socket is bound first, so that its port can be told before the first request; a signal ends
everything within a second, streams and idle connections included.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import uvicorn
from starlette.applications import Starlette

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.http import accesslog
from ecs_fsm.serve.http.protocol import Connection
from ecs_fsm.serve.http.settings import Settings

BACKLOG = 1024
SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 0.3
"""Seconds that a request gets to end once a signal came."""


def bind(settings: Settings) -> socket.socket:
    """A listening socket as the settings say.

    Raises `InvalidInput` where the address is none of this machine or the port is taken.
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
            bound.listen(BACKLOG)  # whoever read the port may ask at once, and waits
        except OSError as error:
            reason = error.strerror or error
            raise InvalidInput(f"cannot listen on {host} port {settings.port}: {reason}") from None
        undo.pop_all()
    return bound


class Server(uvicorn.Server):
    """A server that closes what is still open when its grace is over."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen, and says so once the first request can come and a signal ends it."""
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends within a second: streams are cut, idle connections closed."""
        asyncio.get_running_loop().call_later(GRACE, self._cut)
        await super().shutdown(sockets)

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ends at a signal, and does not die of it afterwards: what is left to do gets done."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def url_of(bound: socket.socket) -> str:
    """The URL at which clients of this machine reach the server on a bound socket."""
    host, port = bound.getsockname()[:2]
    if ip_address(host).is_unspecified:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_of(app: Starlette, ready: Callable[[], object]) -> Server:
    """A server of the application; it calls `ready` once it listens on the sockets of `serve`."""
    return Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        ),
        ready,
    )


def serve_until_signal(app: Starlette, bound: socket.socket, ready: Callable[[], object]) -> None:
    """Serve the application on the socket, a line for each request, until a signal ends it.

    `ready` is called once it listens.
    """
    _log_to_terminal()
    _allow_files()
    server_of(app, ready).run([bound])


def _allow_files() -> None:
    """Has the system allow this process as many connections as it can; by itself it allows few."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # which only Unix has

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _log_to_terminal() -> None:
    """One line a request on standard error, and what went wrong; nothing else."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    for logger, level in (
        (accesslog.logger, logging.INFO),
        (logging.getLogger("uvicorn.error"), logging.WARNING),
    ):
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level)
