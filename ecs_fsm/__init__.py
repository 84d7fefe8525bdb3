"""An executable model of a cloud server's lifecycle: it simulates, explains and checks.

Public are the names in `__all__` here, in the packages `ecs_fsm.ecs`, `nova`, `lifecycles`, `draw`,
`fleet` and `testing`, and `ecs_fsm.draw.graph_machine`; all other modules are internal.

>>> from ecs_fsm import Server
>>> server = Server.at("active", None)
>>> server.stop()
True
>>> print(server.state, server.status)
active/powering-off ACTIVE
"""

from ecs_fsm.core.errors import (
    InvalidInput,
    InvalidTable,
    LifecycleError,
    Refused,
    UnknownFact,
)
from ecs_fsm.core.history import History
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.lifecycles.ecs import ECS, Server, Status, TaskState, VmState
from ecs_fsm.version import __version__

__all__ = [
    "ECS",
    "BaseServer",
    "InvalidInput",
    "InvalidTable",
    "Lifecycle",
    "LifecycleError",
    "Refused",
    "Server",
    "Status",
    "TaskState",
    "UnknownFact",
    "VmState",
    "__version__",
]


def _server_svg(server: BaseServer) -> str:
    from ecs_fsm.integrations.jupyter import server_svg

    return server_svg(server)


def _history_html(history: History) -> str:
    from ecs_fsm.integrations.jupyter import history_html

    return history_html(history)


# What a notebook shows is drawn by rooms far above the core, and imported on first use.
BaseServer.to_svg = _server_svg
History.to_html = _history_html
