"""Words of lifecycles that the APIs of the cloud treat in a special way.

An API shows some states in its own way, and some of its requests are operations of the lifecycle.
The words are here and in the tables of actions, and nowhere else. Those that a lifecycle lacks do
no harm: an operation that it does not have is not forbidden either.
"""

from __future__ import annotations

PROGRESS = frozenset(
    ("ACTIVE", "BUILD", "MIGRATING", "REBUILD", "RESIZE", "REVERT_RESIZE", "VERIFY_RESIZE")
)
"""Statuses with a progress."""
BEGUN = "BUILD"
"""The status at the beginning of a server, whose progress is 0."""
FAULT = frozenset(("ERROR", "DELETED"))
"""Statuses in which a server shows its fault."""
CONNECTED = frozenset(("building/block_device_mapping", "building/spawning", "active/-"))
"""The states in which a server has its ports for the first time; it keeps them afterwards."""
WITHOUT_HOST = frozenset(("building/scheduling", "building/-", "shelved_offloaded/-"))
"""States of servers without a host."""
RUNNING, PAUSED, SHUT_DOWN = 1, 3, 4
POWER_STATES = {
    **dict.fromkeys(("active", "rescued", "resized"), RUNNING),
    "paused": PAUSED,
    **dict.fromkeys(
        ("stopped", "suspended", "shelved", "shelved_offloaded", "soft-delete"), SHUT_DOWN
    ),
}
"""Numbers of power states by vm_state; 0, unknown, for others."""
LOCKED = ("locked", "yes")
"""The fact of a locked server."""
FROM_VOLUME, WITHOUT_NETWORK = {"boot": "volume"}, {"network": "none"}
"""Facts of a creation."""

DELETE = "delete"
UPDATE_METADATA, DELETE_METADATA = "update_metadata", "delete_metadata"
UNRECORDED = (UPDATE_METADATA, DELETE_METADATA, "inject_network_info")
"""Operations that are no actions in Nova's record of a server."""
GET_CONSOLE = "get_console"
ATTACH_SHARE, DETACH_SHARE = "attach_share", "detach_share"
ATTACH_VOLUME, DETACH_VOLUME, SWAP_VOLUME = "attach_volume", "detach_volume", "swap_volume"
ATTACH_INTERFACE, DETACH_INTERFACE = "attach_interface", "detach_interface"
CREATE_IMAGE, BACKUP = "create_image", "backup"
MIGRATE_LIVE = "live_migrate"
ABORT_MIGRATION, FORCE_MIGRATION = "live_migrate_abort", "live_migrate_force_complete"
OPERATIONS = frozenset(
    (
        *(DELETE, UPDATE_METADATA, DELETE_METADATA, CREATE_IMAGE, BACKUP, GET_CONSOLE),
        *(ATTACH_SHARE, DETACH_SHARE),
        *(ATTACH_VOLUME, DETACH_VOLUME, SWAP_VOLUME, ATTACH_INTERFACE, DETACH_INTERFACE),
        *(MIGRATE_LIVE, ABORT_MIGRATION, FORCE_MIGRATION),
    )
)
"""Operations that requests request without naming them: `DELETE /servers/{id}` for example."""
MOVES = {
    "resize": "resize",
    "migrate": "migration",
    "live_migrate": "live-migration",
    "evacuate": "evacuation",
}
"""Types of migrations by the operation."""
SETTLED = {"confirm_resize": "confirmed", "revert_resize": "reverted"}
"""Statuses of a migration by the operation that ends it."""
VOLUME_LIFECYCLE = "cinder"
VOLUME = "volume:"
"""The beginning of a fault of volumes."""
CREATE, ATTACH, DETACH, EXTEND = "create", "attach", "detach", "extend"
UPLOAD, RETYPE, SNAPSHOT = "upload", "retype", "snapshot"
RESERVE, UNRESERVE = "reserve", "unreserve"
RESETS = {"available": "reset_available", "error": "reset_error"}
"""Operations of volumes; those of a reset by the status that it sets."""
FROM_IMAGE = {"content": "image"}
"""The fact of a volume that is filled from an image."""
VOLUME_SHOWN = {
    "managing": "creating",
    "error_managing": "error",
    "error_managing_deleting": "deleting",
}
"""What the volume API shows for these statuses."""
VOLUME_FREE, VOLUME_USED = "available", "in-use"
AWAITS_VOLUMES = "building/block_device_mapping"
"""The state of a new server that ends only when its volumes are attached."""
ABORTED = "roll_back"
"""The event in which an aborted migration ends."""
