"""An executable model of a cloud server's lifecycle: it simulates, explains and checks.

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
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles.ecs import ECS, Server, Status, TaskState, VmState
from ecs_fsm.version import __version__

__all__ = [
    "ECS",
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
