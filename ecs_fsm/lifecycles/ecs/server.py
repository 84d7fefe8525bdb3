"""A server with a method for each event of its lifecycle.

Written by `python -m ecs_fsm.lifecycles.generate` from the table; change the table instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.lifecycles.ecs.table import ECS

if TYPE_CHECKING:
    from ecs_fsm.lifecycles.ecs.table import Status, TaskState, VmState


class Server(BaseServer):
    """A server of `ECS`; `BaseServer` has what all servers can do."""

    __slots__ = ()

    lifecycle = ECS

    if TYPE_CHECKING:

        @property
        def vm_state(self) -> VmState:
            """The stable state that the last finished operation left behind."""

        @property
        def task_state(self) -> TaskState | None:
            """The step now running, or None."""

        @property
        def status(self) -> Status:
            """The status that the API shows."""

    def stop(self) -> bool:
        """Shut the server down properly; its disks and address stay.

        Accepted under active.
        """
        return self._fire("stop")

    def may_stop(self) -> bool:
        """Return whether `stop` is possible now."""
        return self.may("stop")

    def start(self) -> bool:
        """Start a server that was shut down.

        Accepted under stopped.
        """
        return self._fire("start")

    def may_start(self) -> bool:
        """Return whether `start` is possible now."""
        return self.may("start")

    def reboot(self) -> bool:
        """Restart the guest gracefully.

        Accepted under active.
        """
        return self._fire("reboot")

    def may_reboot(self) -> bool:
        """Return whether `reboot` is possible now."""
        return self.may("reboot")

    def hard_reboot(self) -> bool:
        """Restart by force, also over a graceful restart that does not end.

        Accepted under active.
        """
        return self._fire("hard_reboot")

    def may_hard_reboot(self) -> bool:
        """Return whether `hard_reboot` is possible now."""
        return self.may("hard_reboot")

    def live_migrate(self) -> bool:
        """Move the running server to another host.

        Accepted under active.
        """
        return self._fire("live_migrate")

    def may_live_migrate(self) -> bool:
        """Return whether `live_migrate` is possible now."""
        return self.may("live_migrate")

    def rebuild(self) -> bool:
        """Make the system disk anew from an image; a way out of an error.

        Accepted under active, stopped, error.
        """
        return self._fire("rebuild")

    def may_rebuild(self) -> bool:
        """Return whether `rebuild` is possible now."""
        return self.may("rebuild")

    def resize(self) -> bool:
        """Give the stopped server another flavor, to be confirmed or reverted afterwards.

        Accepted under stopped.
        """
        return self._fire("resize")

    def may_resize(self) -> bool:
        """Return whether `resize` is possible now."""
        return self.may("resize")

    def confirm_resize(self) -> bool:
        """Keep the new flavor.

        Accepted under resized.
        """
        return self._fire("confirm_resize")

    def may_confirm_resize(self) -> bool:
        """Return whether `confirm_resize` is possible now."""
        return self.may("confirm_resize")

    def revert_resize(self) -> bool:
        """Go back to the old flavor.

        Accepted under resized.
        """
        return self._fire("revert_resize")

    def may_revert_resize(self) -> bool:
        """Return whether `revert_resize` is possible now."""
        return self.may("revert_resize")

    def delete(self) -> bool:
        """Remove the server, whatever it is doing; the request can be repeated.

        Accepted under active, stopped, error.
        """
        return self._fire("delete")

    def may_delete(self) -> bool:
        """Return whether `delete` is possible now."""
        return self.may("delete")

    def advance(self) -> bool:
        """The running step ends as it should and the next one begins.

        Can happen under building, active, stopped, resized, error.
        """
        return self._fire("advance")

    def may_advance(self) -> bool:
        """Return whether `advance` is possible now."""
        return self.may("advance")

    def fail(self) -> bool:
        """The running step goes wrong and leaves the server in error.

        Can happen under building, active, stopped, resized, error.
        """
        return self._fire("fail")

    def may_fail(self) -> bool:
        """Return whether `fail` is possible now."""
        return self.may("fail")

    def roll_back(self) -> bool:
        """The running step goes wrong and leaves the server as it was.

        Can happen under active, stopped.
        """
        return self._fire("roll_back")

    def may_roll_back(self) -> bool:
        """Return whether `roll_back` is possible now."""
        return self.may("roll_back")

    def reschedule(self) -> bool:
        """The host could not build the server; another one is tried.

        Can happen under building.
        """
        return self._fire("reschedule")

    def may_reschedule(self) -> bool:
        """Return whether `reschedule` is possible now."""
        return self.may("reschedule")
