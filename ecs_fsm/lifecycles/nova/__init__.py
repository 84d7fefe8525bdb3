"""The lifecycle of a Nova instance: its table and its servers."""

from ecs_fsm.lifecycles.nova.server import Server
from ecs_fsm.lifecycles.nova.table import NOVA, Status, TaskState, VmState

__all__ = ["NOVA", "Server", "Status", "TaskState", "VmState"]
