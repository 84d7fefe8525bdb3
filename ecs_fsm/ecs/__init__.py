"""The lifecycle of an Elastic Cloud Server: its table and its servers."""

from ecs_fsm.lifecycles.ecs import ECS, Server, Status, TaskState, VmState
from ecs_fsm.lifecycles.ecs.table import TABLE

__all__ = ["ECS", "TABLE", "Server", "Status", "TaskState", "VmState"]
