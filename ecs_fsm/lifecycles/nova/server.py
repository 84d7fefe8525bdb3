"""A server with a method for each event of its lifecycle.

Written by `python -m ecs_fsm.lifecycles.generate` from the table; change the table instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.lifecycles.nova.table import NOVA

if TYPE_CHECKING:
    from ecs_fsm.lifecycles.nova.table import Status, TaskState, VmState


class Server(BaseServer):
    """A server of `NOVA`; `BaseServer` has what all servers can do."""

    __slots__ = ()

    lifecycle = NOVA

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

        Accepted under active, error.
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
        """Restart by force, also over some tasks that do not end; a way out of an error.

        Accepted under active, stopped, paused, suspended, error.
        """
        return self._fire("hard_reboot")

    def may_hard_reboot(self) -> bool:
        """Return whether `hard_reboot` is possible now."""
        return self.may("hard_reboot")

    def pause(self) -> bool:
        """Bring the server to a standstill; its memory stays where it is.

        Accepted under active.
        """
        return self._fire("pause")

    def may_pause(self) -> bool:
        """Return whether `pause` is possible now."""
        return self.may("pause")

    def unpause(self) -> bool:
        """Let a paused server go on.

        Accepted under paused.
        """
        return self._fire("unpause")

    def may_unpause(self) -> bool:
        """Return whether `unpause` is possible now."""
        return self.may("unpause")

    def suspend(self) -> bool:
        """Save the server's memory to disk and turn it off.

        Accepted under active.
        """
        return self._fire("suspend")

    def may_suspend(self) -> bool:
        """Return whether `suspend` is possible now."""
        return self.may("suspend")

    def resume(self) -> bool:
        """Let a suspended server go on with its saved memory.

        Accepted under suspended.
        """
        return self._fire("resume")

    def may_resume(self) -> bool:
        """Return whether `resume` is possible now."""
        return self.may("resume")

    def rescue(self) -> bool:
        """Start the server from a rescue image, to repair its own disk.

        Accepted under active, stopped, error.
        """
        return self._fire("rescue")

    def may_rescue(self) -> bool:
        """Return whether `rescue` is possible now."""
        return self.may("rescue")

    def unrescue(self) -> bool:
        """Start a rescued server from its own disk again.

        Accepted under rescued.
        """
        return self._fire("unrescue")

    def may_unrescue(self) -> bool:
        """Return whether `unrescue` is possible now."""
        return self.may("unrescue")

    def shelve(
        self,
        *,
        offload: Literal["now", "later"] | None = None,
    ) -> bool:
        """Turn the server off and keep it as an image, so that its host can be given away.

        Accepted under active, stopped, paused, suspended.
        """
        return self.trigger("shelve", offload=offload)

    def may_shelve(self) -> bool:
        """Return whether `shelve` is possible now."""
        return self.may("shelve")

    def shelve_offload(self) -> bool:
        """Take a shelved server off its host.

        Accepted under shelved.
        """
        return self._fire("shelve_offload")

    def may_shelve_offload(self) -> bool:
        """Return whether `shelve_offload` is possible now."""
        return self.may("shelve_offload")

    def unshelve(self) -> bool:
        """Bring a shelved server back, on some host if it has none, and start it.

        Accepted under shelved, shelved_offloaded.
        """
        return self._fire("unshelve")

    def may_unshelve(self) -> bool:
        """Return whether `unshelve` is possible now."""
        return self.may("unshelve")

    def rebuild(self) -> bool:
        """Make the system disk anew from an image; a way out of an error.

        Accepted under active, stopped, error.
        """
        return self._fire("rebuild")

    def may_rebuild(self) -> bool:
        """Return whether `rebuild` is possible now."""
        return self.may("rebuild")

    def evacuate(
        self,
        *,
        end: Literal["stopped", "kept"] | None = None,
    ) -> bool:
        """Make the server anew on another host, because its own is down.

        Accepted under active, stopped, error.
        """
        return self.trigger("evacuate", end=end)

    def may_evacuate(self) -> bool:
        """Return whether `evacuate` is possible now."""
        return self.may("evacuate")

    def resize(
        self,
        *,
        cell: Literal["same", "cross"] | None = None,
    ) -> bool:
        """Give the server another flavor, to be confirmed or reverted afterwards.

        Accepted under active, stopped.
        """
        return self.trigger("resize", cell=cell)

    def may_resize(self) -> bool:
        """Return whether `resize` is possible now."""
        return self.may("resize")

    def migrate(
        self,
        *,
        cell: Literal["same", "cross"] | None = None,
    ) -> bool:
        """Move the server to another host while it is off, to be confirmed or reverted afterwards.

        Accepted under active, stopped.
        """
        return self.trigger("migrate", cell=cell)

    def may_migrate(self) -> bool:
        """Return whether `migrate` is possible now."""
        return self.may("migrate")

    def confirm_resize(
        self,
        *,
        guest: Literal["on", "off", "kept"] | None = None,
    ) -> bool:
        """Keep the new flavor and host.

        Accepted under resized.
        """
        return self.trigger("confirm_resize", guest=guest)

    def may_confirm_resize(self) -> bool:
        """Return whether `confirm_resize` is possible now."""
        return self.may("confirm_resize")

    def revert_resize(self) -> bool:
        """Go back to the old flavor and host.

        Accepted under resized.
        """
        return self._fire("revert_resize")

    def may_revert_resize(self) -> bool:
        """Return whether `revert_resize` is possible now."""
        return self.may("revert_resize")

    def live_migrate(self) -> bool:
        """Move the server to another host without turning it off.

        Accepted under active, paused.
        """
        return self._fire("live_migrate")

    def may_live_migrate(self) -> bool:
        """Return whether `live_migrate` is possible now."""
        return self.may("live_migrate")

    def live_migrate_abort(self) -> bool:
        """Give a running live migration up; it is mostly rolled back then.

        Accepted under active, paused.
        """
        return self._fire("live_migrate_abort")

    def may_live_migrate_abort(self) -> bool:
        """Return whether `live_migrate_abort` is possible now."""
        return self.may("live_migrate_abort")

    def live_migrate_force_complete(self) -> bool:
        """Make a running live migration come to its end.

        Accepted under active.
        """
        return self._fire("live_migrate_force_complete")

    def may_live_migrate_force_complete(self) -> bool:
        """Return whether `live_migrate_force_complete` is possible now."""
        return self.may("live_migrate_force_complete")

    def create_image(self) -> bool:
        """Make an image of the server; of one that boots from a volume, unseen in its states.

        Accepted under active, stopped, paused, suspended.
        """
        return self._fire("create_image")

    def may_create_image(self) -> bool:
        """Return whether `create_image` is possible now."""
        return self.may("create_image")

    def backup(self) -> bool:
        """Make an image that replaces the oldest backup; a server on a volume cannot have one.

        Accepted under active, stopped, paused, suspended.
        """
        return self._fire("backup")

    def may_backup(self) -> bool:
        """Return whether `backup` is possible now."""
        return self.may("backup")

    def change_password(self) -> bool:
        """Give the guest's administrator a new password.

        Accepted under active.
        """
        return self._fire("change_password")

    def may_change_password(self) -> bool:
        """Return whether `change_password` is possible now."""
        return self.may("change_password")

    def delete(
        self,
        *,
        host: Literal["up", "down"] | None = None,
    ) -> bool:
        """Remove the server for good, whatever it is doing; the request can be repeated.

        Accepted under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self.trigger("delete", host=host)

    def may_delete(self) -> bool:
        """Return whether `delete` is possible now."""
        return self.may("delete")

    def force_delete(
        self,
        *,
        host: Literal["up", "down"] | None = None,
    ) -> bool:
        """Remove the server for good, even where a delete would leave it to be restored.

        Accepted under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self.trigger("force_delete", host=host)

    def may_force_delete(self) -> bool:
        """Return whether `force_delete` is possible now."""
        return self.may("force_delete")

    def soft_delete(
        self,
        *,
        host: Literal["up", "down"] | None = None,
    ) -> bool:
        """Delete the server so that it can be restored, as clouds do that reclaim it later.

        Accepted under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self.trigger("soft_delete", host=host)

    def may_soft_delete(self) -> bool:
        """Return whether `soft_delete` is possible now."""
        return self.may("soft_delete")

    def restore(self) -> bool:
        """Bring a server back that is deleted and not yet reclaimed, and start it.

        Accepted under soft-delete.
        """
        return self._fire("restore")

    def may_restore(self) -> bool:
        """Return whether `restore` is possible now."""
        return self.may("restore")

    def reset_state_active(self) -> bool:
        """Set the server to active, whatever it is; the guest is not touched.

        Accepted under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self._fire("reset_state_active")

    def may_reset_state_active(self) -> bool:
        """Return whether `reset_state_active` is possible now."""
        return self.may("reset_state_active")

    def reset_state_error(self) -> bool:
        """Set the server to error, whatever it is; the guest is not touched.

        Accepted under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self._fire("reset_state_error")

    def may_reset_state_error(self) -> bool:
        """Return whether `reset_state_error` is possible now."""
        return self.may("reset_state_error")

    def lock(self) -> bool:
        """Allow only administrators to change the server.

        Accepted under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self._fire("lock")

    def may_lock(self) -> bool:
        """Return whether `lock` is possible now."""
        return self.may("lock")

    def unlock(self) -> bool:
        """Let the server's owner change it again.

        Accepted under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self._fire("unlock")

    def may_unlock(self) -> bool:
        """Return whether `unlock` is possible now."""
        return self.may("unlock")

    def inject_network_info(self) -> bool:
        """Write the network settings into the guest anew.

        Accepted under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self._fire("inject_network_info")

    def may_inject_network_info(self) -> bool:
        """Return whether `inject_network_info` is possible now."""
        return self.may("inject_network_info")

    def attach_volume(self) -> bool:
        """Give the server another volume.

        Accepted under active, stopped, paused, resized, shelved, shelved_offloaded, soft-delete.
        """
        return self._fire("attach_volume")

    def may_attach_volume(self) -> bool:
        """Return whether `attach_volume` is possible now."""
        return self.may("attach_volume")

    def detach_volume(self) -> bool:
        """Take a volume from the server.

        Accepted under active, stopped, paused, resized, shelved, shelved_offloaded, soft-delete.
        """
        return self._fire("detach_volume")

    def may_detach_volume(self) -> bool:
        """Return whether `detach_volume` is possible now."""
        return self.may("detach_volume")

    def swap_volume(self) -> bool:
        """Replace a volume of the server by another one with the same content.

        Accepted under active, paused, resized.
        """
        return self._fire("swap_volume")

    def may_swap_volume(self) -> bool:
        """Return whether `swap_volume` is possible now."""
        return self.may("swap_volume")

    def attach_interface(self) -> bool:
        """Give the server another network port.

        Accepted under active, stopped, paused.
        """
        return self._fire("attach_interface")

    def may_attach_interface(self) -> bool:
        """Return whether `attach_interface` is possible now."""
        return self.may("attach_interface")

    def detach_interface(self) -> bool:
        """Take a network port from the server.

        Accepted under active, stopped, paused.
        """
        return self._fire("detach_interface")

    def may_detach_interface(self) -> bool:
        """Return whether `detach_interface` is possible now."""
        return self.may("detach_interface")

    def attach_share(self) -> bool:
        """Give the server a file share.

        Accepted under stopped.
        """
        return self._fire("attach_share")

    def may_attach_share(self) -> bool:
        """Return whether `attach_share` is possible now."""
        return self.may("attach_share")

    def detach_share(self) -> bool:
        """Take a file share from the server.

        Accepted under stopped, error.
        """
        return self._fire("detach_share")

    def may_detach_share(self) -> bool:
        """Return whether `detach_share` is possible now."""
        return self.may("detach_share")

    def trigger_crash_dump(self) -> bool:
        """Make the guest's system crash and write down what it held.

        Accepted under active, paused, rescued, resized, error.
        """
        return self._fire("trigger_crash_dump")

    def may_trigger_crash_dump(self) -> bool:
        """Return whether `trigger_crash_dump` is possible now."""
        return self.may("trigger_crash_dump")

    def get_console(self) -> bool:
        """Get an address under which the guest's console can be opened.

        Accepted under active, stopped, paused, suspended, rescued, resized, shelved, soft-delete,
        error.
        """
        return self._fire("get_console")

    def may_get_console(self) -> bool:
        """Return whether `get_console` is possible now."""
        return self.may("get_console")

    def create_volume_snapshot(self) -> bool:
        """Let the host take a snapshot of an attached volume for the volume service.

        Accepted under active, stopped, paused, suspended, rescued, resized, shelved, soft-delete,
        error.
        """
        return self._fire("create_volume_snapshot")

    def may_create_volume_snapshot(self) -> bool:
        """Return whether `create_volume_snapshot` is possible now."""
        return self.may("create_volume_snapshot")

    def delete_volume_snapshot(self) -> bool:
        """Let the host remove such a snapshot of an attached volume.

        Accepted under active, stopped, paused, suspended, rescued, resized, shelved, soft-delete,
        error.
        """
        return self._fire("delete_volume_snapshot")

    def may_delete_volume_snapshot(self) -> bool:
        """Return whether `delete_volume_snapshot` is possible now."""
        return self.may("delete_volume_snapshot")

    def update_metadata(self) -> bool:
        """Set entries of the server's metadata.

        Accepted under active, stopped, paused, suspended.
        """
        return self._fire("update_metadata")

    def may_update_metadata(self) -> bool:
        """Return whether `update_metadata` is possible now."""
        return self.may("update_metadata")

    def delete_metadata(self) -> bool:
        """Remove an entry of the server's metadata.

        Accepted under active, stopped, paused, suspended.
        """
        return self._fire("delete_metadata")

    def may_delete_metadata(self) -> bool:
        """Return whether `delete_metadata` is possible now."""
        return self.may("delete_metadata")

    def advance(self) -> bool:
        """The running step ends as it should and the next one begins.

        Can happen under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self._fire("advance")

    def may_advance(self) -> bool:
        """Return whether `advance` is possible now."""
        return self.may("advance")

    def fail(
        self,
        *,
        retry: Literal["ok", "broken"] | None = None,
    ) -> bool:
        """The running step goes wrong and leaves the server in error.

        Can happen under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self.trigger("fail", retry=retry)

    def may_fail(self) -> bool:
        """Return whether `fail` is possible now."""
        return self.may("fail")

    def fail_late(self) -> bool:
        """The work is done, but the clean-up after it goes wrong and leaves the server in error.

        Can happen under active, stopped, paused, resized, error.
        """
        return self._fire("fail_late")

    def may_fail_late(self) -> bool:
        """Return whether `fail_late` is possible now."""
        return self.may("fail_late")

    def abort(self) -> bool:
        """The running step is given up and leaves the server in error, its task cleared at once.

        Can happen under active, stopped, paused, resized, shelved, error.
        """
        return self._fire("abort")

    def may_abort(self) -> bool:
        """Return whether `abort` is possible now."""
        return self.may("abort")

    def roll_back(
        self,
        *,
        driver: Literal["complete", "lacks"] | None = None,
    ) -> bool:
        """The running step goes wrong and leaves the server as it was.

        Can happen under active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, soft-delete, error.
        """
        return self.trigger("roll_back", driver=driver)

    def may_roll_back(self) -> bool:
        """Return whether `roll_back` is possible now."""
        return self.may("roll_back")

    def reschedule(
        self,
        *,
        network: Literal["some", "none"] | None = None,
    ) -> bool:
        """The host could not take the server; another one is tried.

        Can happen under building, active, stopped.
        """
        return self.trigger("reschedule", network=network)

    def may_reschedule(self) -> bool:
        """Return whether `reschedule` is possible now."""
        return self.may("reschedule")

    def fallback(self) -> bool:
        """The store cannot copy the disk itself; the image is made on the host after all.

        Can happen under active, stopped, paused, suspended.
        """
        return self._fire("fallback")

    def may_fallback(self) -> bool:
        """Return whether `fallback` is possible now."""
        return self.may("fallback")

    def power_sync(self) -> bool:
        """The guest is found on or off against its vm_state, and is stopped.

        Can happen under active, stopped, paused.
        """
        return self._fire("power_sync")

    def may_power_sync(self) -> bool:
        """Return whether `power_sync` is possible now."""
        return self.may("power_sync")

    def power_event(self) -> bool:
        """Bare metal reports that its power went off or on, and the server follows.

        Can happen under active, stopped.
        """
        return self._fire("power_event")

    def may_power_event(self) -> bool:
        """Return whether `power_event` is possible now."""
        return self.may("power_event")

    def timer(
        self,
        *,
        guest: Literal["on", "off", "kept"] | None = None,
    ) -> bool:
        """The time that the cloud gives for an answer is over, and it goes on by itself.

        Can happen under rescued, resized, shelved.
        """
        return self.trigger("timer", guest=guest)

    def may_timer(self) -> bool:
        """Return whether `timer` is possible now."""
        return self.may("timer")

    def reclaim(self) -> bool:
        """The time to restore a deleted server is over, and it is removed.

        Can happen under soft-delete.
        """
        return self._fire("reclaim")

    def may_reclaim(self) -> bool:
        """Return whether `reclaim` is possible now."""
        return self.may("reclaim")

    def build_timeout(self) -> bool:
        """The time that the cloud allows for a creation is over; no limit is the default.

        Can happen under building.
        """
        return self._fire("build_timeout")

    def may_build_timeout(self) -> bool:
        """Return whether `build_timeout` is possible now."""
        return self.may("build_timeout")

    def restart(
        self,
        *,
        guest: Literal["on", "off", "paused"] | None = None,
        vif: Literal["ok", "broken"] | None = None,
    ) -> bool:
        """The compute service on the server's host starts anew, and takes up what it finds.

        Can happen under building, active, stopped, paused, suspended, rescued, resized, shelved,
        shelved_offloaded, error.
        """
        return self.trigger("restart", guest=guest, vif=vif)

    def may_restart(self) -> bool:
        """Return whether `restart` is possible now."""
        return self.may("restart")
