"""The lifecycle of a Nova instance: its table, and servers that live by it."""

from ecs_fsm.nova.server import Server
from ecs_fsm.nova.table import NOVA, Status, TaskState, VmState

__all__ = ["NOVA", "Server", "Status", "TaskState", "VmState"]
