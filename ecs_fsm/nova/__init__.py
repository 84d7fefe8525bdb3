"""The lifecycle of an OpenStack Nova instance: its table and its servers."""

from ecs_fsm.lifecycles.nova import NOVA, Server, Status, TaskState, VmState
from ecs_fsm.lifecycles.nova.table import TABLE

__all__ = ["NOVA", "TABLE", "Server", "Status", "TaskState", "VmState"]
