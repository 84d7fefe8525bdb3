"""Everything that moves an ECS (Elastic Cloud Server): its lifecycle is written here, and only here.

Words with their meaning, the 36 pairs with their status, and every transition, as literal rows in
the notation of `ecs_fsm.core.notation`. Nothing outside this file knows an operation or a state of the
ECS; a new operation is a few lines here. Pairs and statuses come from the cloud's API documentation,
paths and failures from recordings of the OpenStack Nova under it and, where none shows a row, from
its code.
"""

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles import NO_SERVER, Kind, Rows, Surprise, Table, Tone, Word


class VmState(Word):
    """The stable state that the last finished operation left behind (`OS-EXT-STS:vm_state`)."""

    BUILDING = "building", "The server has been created and does not run yet."
    ACTIVE = "active", "The server runs."
    STOPPED = "stopped", "The server was shut down properly."
    RESIZED = "resized", "The server has a new flavor that is not confirmed or reverted yet."
    ERROR = "error", "An operation went wrong and left the server unusable."
    DELETED = "deleted", "The server is gone."


class TaskState(Word):
    """The step of the operation now running (`OS-EXT-STS:task_state`); None when nothing runs."""

    SCHEDULING = "scheduling", "Creation: the scheduler is choosing a host."
    BLOCK_DEVICE_MAPPING = (
        "block_device_mapping",
        "Creation: disks are being prepared and attached.",
    )
    NETWORKING = "networking", "Creation: network ports and addresses are being allocated."
    SPAWNING = "spawning", "Creation: the host is starting the guest."
    REBOOTING = "rebooting", "A graceful restart was requested."
    REBOOT_PENDING = "reboot_pending", "The host has taken up the restart and is about to begin."
    REBOOT_STARTED = "reboot_started", "The guest is being restarted."
    REBOOTING_HARD = "rebooting_hard", "A restart by force was requested."
    REBOOT_PENDING_HARD = (
        "reboot_pending_hard",
        "The host is about to cut the power and begin again.",
    )
    REBOOT_STARTED_HARD = "reboot_started_hard", "The guest is being restarted by force."
    REBUILDING = "rebuilding", "A new system disk was requested."
    REBUILD_BLOCK_DEVICE_MAPPING = (
        "rebuild_block_device_mapping",
        "Rebuild: disks are being detached and prepared anew.",
    )
    REBUILD_SPAWNING = "rebuild_spawning", "Rebuild: the guest is started from its new system disk."
    MIGRATING = "migrating", "The guest is moving to another host while it runs."
    RESIZE_PREP = "resize_prep", "Resize: a host is chosen and resources are claimed there."
    RESIZE_MIGRATING = "resize_migrating", "Resize: the disks are on their way to the host."
    RESIZE_MIGRATED = "resize_migrated", "Resize: the disks have arrived."
    RESIZE_FINISH = "resize_finish", "Resize: the server is being set up with its new flavor."
    RESIZE_REVERTING = "resize_reverting", "The old flavor and host are being restored."
    POWERING_OFF = "powering-off", "The guest is shutting down."
    POWERING_ON = "powering-on", "The guest is starting up."
    DELETING = "deleting", "The server is being removed."


class Status(Word):
    """What the API shows as `status`: a function of vm_state and task_state."""

    BUILD = "BUILD", "The server is being created and does not run yet.", Tone.BLUE
    REBOOT = "REBOOT", "The server is restarting gracefully.", Tone.AMBER
    HARD_REBOOT = (
        "HARD_REBOOT",
        "The server is restarting by force, as if its power had been cut.",
        Tone.ORANGE,
    )
    REBUILD = "REBUILD", "The system disk is being made anew from an image.", Tone.VIOLET
    MIGRATING = "MIGRATING", "The server is moving to another host while it runs.", Tone.TEAL
    ACTIVE = "ACTIVE", "The server runs.", Tone.GREEN
    RESIZE = "RESIZE", "The flavor of the server is being changed.", Tone.PINK
    SHUTOFF = "SHUTOFF", "The server is shut down.", Tone.GREY
    REVERT_RESIZE = "REVERT_RESIZE", "The server is going back to its old flavor.", Tone.PLUM
    VERIFY_RESIZE = (
        "VERIFY_RESIZE",
        "The server has its new flavor and waits to be confirmed or reverted.",
        Tone.ROSE,
    )
    ERROR = "ERROR", "An operation went wrong; the server needs a rebuild or a delete.", Tone.RED
    DELETED = "DELETED", "The server is gone.", Tone.SLATE


GROUPS = {
    "BUILD": "scheduling, -, networking, block_device_mapping, spawning",
    "SOFT": "rebooting, reboot_pending, reboot_started",
    "HARD": "rebooting_hard, reboot_pending_hard, reboot_started_hard",
    "REBUILD": "rebuilding, rebuild_block_device_mapping, rebuild_spawning",
    "RESIZE": "resize_prep, resize_migrating, resize_migrated, resize_finish",
}

PAIRS = (
    ("building", "scheduling, block_device_mapping, networking, spawning, -", "BUILD"),
    ("active", "rebooting, reboot_pending, reboot_started", "REBOOT"),
    ("active", "rebooting_hard, reboot_pending_hard, reboot_started_hard", "HARD_REBOOT"),
    ("active", "rebuilding, rebuild_block_device_mapping, rebuild_spawning", "REBUILD"),
    ("active", "migrating", "MIGRATING"),
    ("active", "powering-off, deleting, -", "ACTIVE"),
    ("stopped", "resize_prep, resize_migrating, resize_migrated, resize_finish", "RESIZE"),
    ("stopped", "rebuilding, rebuild_block_device_mapping, rebuild_spawning", "REBUILD"),
    ("stopped", "powering-on, deleting, -", "SHUTOFF"),
    ("resized", "resize_reverting", "REVERT_RESIZE"),
    ("resized", "-", "VERIFY_RESIZE"),
    ("error", "rebuilding, rebuild_block_device_mapping, rebuild_spawning", "REBUILD"),
    ("error", "deleting, -", "ERROR"),
    ("deleted", "-", "DELETED"),
)

# fmt: off
OPERATIONS = (
    Rows("create", Kind.REQUEST, "Make a new server and start it.", {
        NO_SERVER: "building/BUILD -> active/-",
    }),
    Rows("stop", Kind.REQUEST, "Shut the server down properly; its disks and address stay.", {
        "active/-": "active/powering-off -> stopped/-",
    }),
    Rows("start", Kind.REQUEST, "Start a server that was shut down.", {
        "stopped/-": "stopped/powering-on -> active/-",
    }),
    Rows("reboot", Kind.REQUEST, "Restart the guest gracefully.", {
        "active/-": "active/SOFT -> active/-",
    }),
    Rows("hard_reboot", Kind.REQUEST, "Restart by force, also over a graceful restart that does not end.", {
        "active/-, SOFT, rebooting_hard": "active/HARD -> active/-",
    }),
    Rows("live_migrate", Kind.REQUEST, "Move the running server to another host.", {
        "active/-": "active/migrating -> active/-",
    }),
    Rows("rebuild", Kind.REQUEST, "Make the system disk anew from an image; a way out of an error.", {
        "active, error/-": "same/REBUILD -> active/-",
        "stopped/-": "stopped/REBUILD -> active/- + active/powering-off -> stopped/-",
    }),
    Rows("resize", Kind.REQUEST, "Give the stopped server another flavor, to be confirmed or reverted afterwards.", {
        "stopped/-": "stopped/RESIZE -> resized/-",
    }),
    Rows("confirm_resize", Kind.REQUEST, "Keep the new flavor.", {
        "resized/-": "stopped/-",
    }, unseen=True),
    Rows("revert_resize", Kind.REQUEST, "Go back to the old flavor.", {
        "resized/-": "resized/resize_reverting -> stopped/-",
    }),
    Rows("delete", Kind.REQUEST, "Remove the server, whatever it is doing; the request can be repeated.", {
        "active, stopped, error/any": "same/deleting -> deleted/-",
    }),
)

EVENTS = (
    Rows("advance", Kind.PROGRESS, "The running step ends as it should and the next one begins.", {}),
    Rows("fail", Kind.FAILURE, "The running step goes wrong and leaves the server in error.", {
        "building/BUILD": "error/-",
        "active, stopped/REBUILD": "error/same + error/-",
        "error/REBUILD": "error/-",
        "stopped/resize_prep": "stopped/- + error/-",
        "stopped/resize_migrating, resize_migrated, resize_finish": "error/-",
        "resized/-, resize_reverting": "error/-",
        "active/reboot_started, reboot_started_hard": "error/-",
        "active, stopped/deleting": "error/deleting + error/-",
        "error/deleting": "error/-",
    }),
    Rows("roll_back", Kind.FAILURE, "The running step goes wrong and leaves the server as it was.", {
        "stopped/resize_prep, resize_migrating": "stopped/-",
        "active/reboot_started, reboot_started_hard": "active/-",
        "active/powering-off, migrating": "active/-",
        "stopped/powering-on": "stopped/-",
    }),
    Rows("reschedule", Kind.PROGRESS, "The host could not build the server; another one is tried.", {
        "building/-, networking, block_device_mapping, spawning": "building/scheduling",
    }),
)

# fmt: on

UNDOCUMENTED = {
    ("resize", "active"): "active/resize_prep",
    ("hard_reboot", "stopped"): "stopped/rebooting_hard",
    ("hard_reboot", "error"): "error/rebooting_hard",
    ("stop", "error"): "error/powering-off",
    ("delete", "building"): "building/deleting",
    ("delete", "resized"): "resized/deleting",
}

SURPRISES = (
    Surprise(
        "While a server stops, status says ACTIVE until the end; only task_state shows it.",
        ("stop", "active/powering-off", "powering-off", "ACTIVE"),
    ),
    Surprise(
        "While a server starts, status says SHUTOFF until the end; only task_state shows it.",
        ("start", "stopped/powering-on", "powering-on", "SHUTOFF"),
    ),
    Surprise(
        "While a server is deleted, status stays as it was at rest (ACTIVE, SHUTOFF or ERROR); "
        "only task_state shows it.",
        ("delete", "deleting", "active/deleting", "stopped/deleting", "error/deleting",
         "ACTIVE", "SHUTOFF", "ERROR"),
    ),
    Surprise(
        "A rebuild of a stopped server shows REBUILD, then ACTIVE, then SHUTOFF: the system starts "
        "the server and stops it again, and a wait for ACTIVE ends too early.",
        ("rebuild", "stopped/rebuilding", "stopped/rebuild_block_device_mapping",
         "stopped/rebuild_spawning", "active/powering-off", "active/-", "rebuilding",
         "rebuild_block_device_mapping", "rebuild_spawning", "powering-off", "REBUILD", "ACTIVE"),
    ),
    Surprise(
        "A resize that failed and was rolled back looks like a server that was never resized.",
        ("resize", "roll_back", "stopped/-", "stopped/resize_prep", "stopped/resize_migrating",
         "resize_prep", "resize_migrating", "RESIZE", "SHUTOFF"),
    ),
    Surprise(
        "A resize starts from SHUTOFF only, and stays at VERIFY_RESIZE until it is confirmed or "
        "reverted.",
        ("resize", "confirm_resize", "revert_resize", "stopped/-", "resized/-", "resized",
         "VERIFY_RESIZE", "SHUTOFF"),
    ),
)  # fmt: skip

TABLE = Table(
    name="ecs",
    vm_states=VmState,
    task_states=TaskState,
    statuses=Status,
    pairs=PAIRS,
    groups=GROUPS,
    rows=OPERATIONS + EVENTS,
    advance="advance",
    undocumented=UNDOCUMENTED,
    surprises=SURPRISES,
)

ECS = Lifecycle(TABLE)
"""The lifecycle of an Elastic Cloud Server."""
