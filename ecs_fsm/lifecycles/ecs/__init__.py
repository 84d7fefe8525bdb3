"""The lifecycle of an Elastic Cloud Server: its table and its servers."""

from ecs_fsm.lifecycles.ecs.server import Server
from ecs_fsm.lifecycles.ecs.table import ECS, Status, TaskState, VmState

__all__ = ["ECS", "Server", "Status", "TaskState", "VmState"]
