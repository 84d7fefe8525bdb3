"""Everything that moves a Nova instance: the whole lifecycle of a server in OpenStack Nova.

Words with their meaning, the 150 pairs with their status, the facts to remember, and
every transition, as literal rows in the notation of `ecs_fsm.core.notation`. The facts were read in
Nova's code and checked against recordings of a real Nova, change by change.
"""

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles import (
    NO_SERVER,
    Fact,
    Guard,
    Kind,
    Rows,
    Surprise,
    Table,
    Tone,
    Word,
)


class VmState(Word):
    """The stable state that the last finished operation left behind (`OS-EXT-STS:vm_state`)."""

    BUILDING = "building", "The server is only a record so far; the guest is still being made."
    ACTIVE = "active", "The server runs."
    STOPPED = "stopped", "The server is off; its disk stays on its host."
    PAUSED = "paused", "The server stands still; everything it was doing is kept in memory."
    SUSPENDED = "suspended", "The server is off, and what it was doing is saved to disk."
    RESCUED = "rescued", "The server runs from a rescue image, its own disk attached beside it."
    RESIZED = (
        "resized",
        "The server has a new flavor or host that is not confirmed or reverted yet.",
    )
    SHELVED = (
        "shelved",
        "The server is off and kept as an image, its place on the host still taken.",
    )
    SHELVED_OFFLOADED = "shelved_offloaded", "The server is off and has no host any more."
    SOFT_DELETED = (
        "soft-delete",
        "The server is deleted, but can be restored until it is reclaimed.",
    )
    ERROR = "error", "An operation went wrong and left the server in need of attention."
    DELETED = "deleted", "The server is gone."


class TaskState(Word):
    """The step of the operation now running (`OS-EXT-STS:task_state`); None when nothing runs."""

    SCHEDULING = "scheduling", "Creation: the scheduler is choosing a host."
    NETWORKING = "networking", "Creation: network ports and addresses are being allocated."
    BLOCK_DEVICE_MAPPING = (
        "block_device_mapping",
        "Creation: disks are being prepared and attached.",
    )
    SPAWNING = "spawning", "The host is starting the guest: in a creation, or back from a shelf."
    REBOOTING = "rebooting", "A graceful restart was requested."
    REBOOT_PENDING = "reboot_pending", "The host has taken up the restart and is about to begin."
    REBOOT_STARTED = "reboot_started", "The guest is being restarted."
    REBOOTING_HARD = "rebooting_hard", "A restart by force was requested."
    REBOOT_PENDING_HARD = (
        "reboot_pending_hard",
        "The host is about to cut the power and begin again.",
    )
    REBOOT_STARTED_HARD = "reboot_started_hard", "The guest is being restarted by force."
    REBUILDING = (
        "rebuilding",
        "A new system disk, or the server's return on another host, was requested.",
    )
    REBUILD_BLOCK_DEVICE_MAPPING = (
        "rebuild_block_device_mapping",
        "Rebuild, evacuate: disks are being detached and prepared anew.",
    )
    REBUILD_SPAWNING = "rebuild_spawning", "Rebuild, evacuate: the guest is being set up anew."
    RESIZE_PREP = "resize_prep", "Resize: a host is chosen and resources are claimed there."
    RESIZE_MIGRATING = "resize_migrating", "Resize: the disks are on their way to the host."
    RESIZE_MIGRATED = "resize_migrated", "Resize: the disks have arrived."
    RESIZE_FINISH = "resize_finish", "Resize: the server is being set up at its new place."
    RESIZE_REVERTING = "resize_reverting", "The old flavor and host are being restored."
    MIGRATING = "migrating", "The guest is moving to another host while it runs."
    POWERING_OFF = "powering-off", "The guest is shutting down."
    POWERING_ON = "powering-on", "The guest is starting up."
    PAUSING = "pausing", "The guest is being brought to a standstill."
    UNPAUSING = "unpausing", "The guest is being let go on."
    SUSPENDING = "suspending", "The guest's memory is being saved, then it is turned off."
    RESUMING = "resuming", "The guest is coming back with its saved memory."
    RESCUING = "rescuing", "The server is starting from a rescue image."
    UNRESCUING = "unrescuing", "The server is going back from the rescue image to its own disk."
    UPDATING_PASSWORD = "updating_password", "The guest's administrator gets a new password."
    IMAGE_SNAPSHOT_PENDING = "image_snapshot_pending", "An image of the server was requested."
    IMAGE_SNAPSHOT = "image_snapshot", "The host has taken up the image and is about to make it."
    IMAGE_PENDING_UPLOAD = "image_pending_upload", "The image is being made on the host."
    IMAGE_UPLOADING = "image_uploading", "The image is being sent to the image store."
    IMAGE_BACKUP = "image_backup", "An image that replaces older ones was requested."
    SHELVING = "shelving", "The server is being turned off to be put on the shelf."
    SHELVING_IMAGE_PENDING_UPLOAD = (
        "shelving_image_pending_upload",
        "Shelve: the image of the server is being made on the host.",
    )
    SHELVING_IMAGE_UPLOADING = (
        "shelving_image_uploading",
        "Shelve: the image is being sent to the image store.",
    )
    SHELVING_OFFLOADING = "shelving_offloading", "The shelved server is leaving its host."
    UNSHELVING = "unshelving", "The server is being taken from the shelf."
    RESTORING = "restoring", "A deleted server is being brought back."
    DELETING = "deleting", "The server is being removed for good."
    SOFT_DELETING = "soft-deleting", "The server is being removed so that it can be restored."


class Status(Word):
    """What the API shows as `status`: a function of vm_state and task_state."""

    BUILD = "BUILD", "The server is being created and does not run yet.", Tone.BLUE
    REBOOT = "REBOOT", "The server is restarting gracefully.", Tone.AMBER
    HARD_REBOOT = (
        "HARD_REBOOT",
        "The server is restarting by force, as if its power had been cut.",
        Tone.ORANGE,
    )
    REBUILD = (
        "REBUILD",
        "The server is being made anew, from an image or on another host.",
        Tone.VIOLET,
    )
    RESIZE = "RESIZE", "The server is getting another flavor or moving to another host.", Tone.PINK
    MIGRATING = "MIGRATING", "The server is moving to another host while it runs.", Tone.TEAL
    PASSWORD = "PASSWORD", "The administrator's password is being changed.", Tone.LIME
    REVERT_RESIZE = (
        "REVERT_RESIZE",
        "The server is going back to its old flavor and host.",
        Tone.PLUM,
    )
    ACTIVE = "ACTIVE", "The server runs.", Tone.GREEN
    SHUTOFF = "SHUTOFF", "The server is off.", Tone.GREY
    PAUSED = "PAUSED", "The server stands still in memory.", Tone.SKY
    SUSPENDED = "SUSPENDED", "The server is off with its memory saved to disk.", Tone.INDIGO
    RESCUE = "RESCUE", "The server runs from a rescue image.", Tone.BROWN
    VERIFY_RESIZE = (
        "VERIFY_RESIZE",
        "The server has its new flavor or host and waits to be confirmed or reverted.",
        Tone.ROSE,
    )
    SHELVED = (
        "SHELVED",
        "The server is off and kept as an image; its host keeps a place for it.",
        Tone.OLIVE,
    )
    SHELVED_OFFLOADED = (
        "SHELVED_OFFLOADED",
        "The server is off and needs a host to come back.",
        Tone.SAND,
    )
    SOFT_DELETED = "SOFT_DELETED", "The server is deleted and can still be restored.", Tone.STONE
    ERROR = "ERROR", "An operation went wrong; only some operations lead out of here.", Tone.RED
    DELETED = "DELETED", "The server is gone.", Tone.SLATE


# fmt: off
PAIRS = (
    ("building", "-, scheduling, networking, block_device_mapping, spawning, deleting", "BUILD"),
    ("active", "-, image_snapshot_pending, image_snapshot, image_pending_upload, image_uploading, image_backup, shelving, shelving_image_pending_upload, shelving_image_uploading, deleting, soft-deleting, powering-off, pausing, suspending, rescuing, resize_reverting", "ACTIVE"),
    ("active", "rebooting, reboot_pending, reboot_started", "REBOOT"),
    ("active", "rebooting_hard, reboot_pending_hard, reboot_started_hard", "HARD_REBOOT"),
    ("active", "rebuilding, rebuild_block_device_mapping, rebuild_spawning", "REBUILD"),
    ("active", "resize_prep, resize_migrating, resize_migrated, resize_finish", "RESIZE"),
    ("active", "migrating", "MIGRATING"),
    ("active", "updating_password", "PASSWORD"),
    ("stopped", "-, rebooting_hard, reboot_pending_hard, reboot_started_hard, image_snapshot_pending, image_snapshot, image_pending_upload, image_uploading, image_backup, shelving, shelving_image_pending_upload, shelving_image_uploading, deleting, soft-deleting, powering-on, powering-off, rescuing, resize_reverting", "SHUTOFF"),
    ("stopped", "rebuilding, rebuild_block_device_mapping, rebuild_spawning", "REBUILD"),
    ("stopped", "resize_prep, resize_migrating, resize_migrated, resize_finish", "RESIZE"),
    ("paused", "-, rebooting_hard, reboot_pending_hard, reboot_started_hard, image_snapshot_pending, image_snapshot, image_pending_upload, image_uploading, image_backup, shelving, shelving_image_pending_upload, shelving_image_uploading, deleting, soft-deleting, unpausing, powering-off", "PAUSED"),
    ("paused", "migrating", "MIGRATING"),
    ("suspended", "-, rebooting_hard, reboot_pending_hard, reboot_started_hard, image_snapshot_pending, image_snapshot, image_pending_upload, image_uploading, image_backup, shelving, shelving_image_pending_upload, shelving_image_uploading, deleting, soft-deleting, resuming", "SUSPENDED"),
    ("rescued", "-, deleting, soft-deleting, unrescuing", "RESCUE"),
    ("resized", "-, deleting, soft-deleting, powering-off", "VERIFY_RESIZE"),
    ("resized", "resize_reverting", "REVERT_RESIZE"),
    ("shelved", "-, deleting, soft-deleting, shelving_offloading, unshelving, powering-on", "SHELVED"),
    ("shelved_offloaded", "-, deleting, soft-deleting, unshelving, spawning", "SHELVED_OFFLOADED"),
    ("soft-delete", "-, deleting, soft-deleting, restoring", "SOFT_DELETED"),
    ("error", "-, rebooting_hard, reboot_pending_hard, reboot_started_hard, deleting, soft-deleting, powering-off, rescuing, unshelving, reboot_started, suspending, resuming, unrescuing, resize_prep, resize_migrating, resize_migrated, resize_finish, resize_reverting, networking, block_device_mapping, spawning, image_backup, shelving, shelving_image_pending_upload, shelving_image_uploading, updating_password, migrating, shelving_offloading", "ERROR"),
    ("error", "rebuilding, rebuild_block_device_mapping, rebuild_spawning", "REBUILD"),
    ("deleted", "-", "DELETED"),
)

GROUPS = {
    "KNOWN": "building, active, stopped, paused, suspended, rescued, resized, shelved, shelved_offloaded, soft-delete, error",
    "SOUND": "building, active, stopped, paused, suspended, rescued, resized, shelved, shelved_offloaded, soft-delete",
    "SETTLED": "active, stopped, paused, suspended, rescued, shelved, shelved_offloaded, soft-delete",
    "LIVE": "active, stopped, paused, suspended",
    "HOSTED": "active, stopped, paused, suspended, rescued, shelved, soft-delete",
    "DEL2": "deleting, soft-deleting",
    "BUILD5": "-, scheduling, networking, block_device_mapping, spawning",
    "SOFT3": "rebooting, reboot_pending, reboot_started",
    "HARD3": "rebooting_hard, reboot_pending_hard, reboot_started_hard",
    "REBUILD3": "rebuilding, rebuild_block_device_mapping, rebuild_spawning",
    "RESIZE4": "resize_prep, resize_migrating, resize_migrated, resize_finish",
    "IMAGE4": "image_snapshot_pending, image_snapshot, image_pending_upload, image_uploading",
    "SHELVE3": "shelving, shelving_image_pending_upload, shelving_image_uploading",
}

FACTS = (
    Fact("was", ("active", "stopped"),
        "The vm_state that a resize or migrate began in.", "it was {value}",
        scope="active, stopped/RESIZE4, resize_reverting; resized/any",
        implied={
            "active/RESIZE4, resize_reverting": "active",
            "stopped/RESIZE4, resize_reverting": "stopped",
        }),
    Fact("offload", ("now", "later"),
        "When a shelved server leaves its host: the cloud's shelved_offload_time, 0 for now.", "it is offloaded {value}",
        scope="KNOWN/any", default="now"),
    Fact("boot", ("image", "volume"),
        "What the server boots from: a disk made from an image, or a volume.", "its boot source is: {value}",
        scope="KNOWN/any"),
    Fact("upload", ("staged", "direct"),
        "How the host's driver stores an image: it makes a file first, or has the store copy the disk.", "its image upload is {value}",
        scope="KNOWN/any"),
    Fact("end", ("stopped", "kept"),
        "What an evacuation leaves of a running server: it is stopped (from API 2.95 on), or its vm_state kept.", "its state at the end is {value}",
        scope="active/REBUILD3", default="kept"),
    Fact("cell", ("same", "cross"),
        "Whether a resize or migrate stays in the server's cell or crosses into another one.", "its move is {value}-cell",
        scope="active, stopped/RESIZE4, resize_reverting; resized/any", default="same"),
    Fact("network", ("some", "none"),
        "Whether networks are still to be set up; none too for a retry that kept those of the first try.", "of networks to set up there are {value}",
        scope="building/any"),
    Fact("launched", ("yes", "no"),
        "Whether the server ever ran.", "it once ran: {value}",
        scope="building, error/any",
        implied={"building/any": "no", "error/networking, block_device_mapping, spawning": "no"},
        default="yes"),
    Fact("closing", ("yes", "no"),
        "Whether the power goes off as the last step of a rebuild or evacuation.", "this stop ends a rebuild or evacuation: {value}",
        scope="active/powering-off", default="no"),
    Fact("ongoing", ("yes", "no"),
        "Whether a rescue of a server in error still runs, or stays as a restart of the host left it.", "its rescue still runs: {value}",
        scope="error/rescuing", default="yes"),
    Fact("locked", ("no", "yes"),
        "Whether the server is locked: only administrators can change it.", "it is locked: {value}",
        scope="KNOWN/any", default="no"),
    Fact("guest", ("on", "off", "paused", "kept"),
        "Whether the guest runs when its host's compute service starts or a resize is confirmed; kept: as it was before the resize.", "its guest's power is {value}",
        scope="", circumstance=True),
    Fact("host", ("up", "down"),
        "Whether the compute service on the server's host answers.", "its host is {value}",
        scope="", default="up", circumstance=True),
    Fact("vif", ("ok", "broken"),
        "Whether a host that starts anew can plug the server's network interfaces.", "plugging its network is {value}",
        scope="", default="ok", circumstance=True),
    Fact("driver", ("complete", "lacks"),
        "Whether the host's driver has the requested operation, or lacks it.", "its driver answers: {value}",
        scope="", default="complete", circumstance=True),
    Fact("retry", ("ok", "broken"),
        "Whether the request for another host succeeded.", "the request for another host was {value}",
        scope="", default="ok", circumstance=True),
)

GUARDS = (
    Guard("launched", "no",
        ("delete", "force_delete", "soft_delete", "reset_state_active", "reset_state_error", "lock", "unlock", "inject_network_info"),
        "the server never ran; wait for its creation to end, or delete it and create another one"),
    Guard("locked", "yes",
        ("create_image", "backup", "evacuate", "reset_state_active", "reset_state_error", "unlock", "get_console", "create_volume_snapshot", "delete_volume_snapshot"),
        "the server is locked; unlock it first, or ask as an administrator"),
)

# Resize and migrate move a server alike, and so do delete and force_delete end it.
RESIZED = {
    "active, stopped/- [cell=same]": "same/RESIZE4 -> resized/-",
    "active, stopped/- [cell=cross]": "same/resize_prep -> same/resize_migrating -> same/resize_migrated -> resized/-",
}
DELETED = {
    "building/scheduling": "deleted/-",
    "building/any but scheduling, deleting [host=up]; HOSTED, error/any but DEL2 [host=up]": "same/deleting -> deleted/-",
    "resized/any but DEL2 [host=up]": "resized/deleting -> was/- + deleted/-",
    "building, HOSTED, resized, error/~ DEL2 [host=up]": "",
    "building/any but scheduling [host=down]; HOSTED, resized, error/any [host=down]; shelved_offloaded/any": "same/deleting + deleted/-",
}

OPERATIONS = (
    Rows("create", Kind.REQUEST, "Make a new server and start it.", {
        f"{NO_SERVER} [network=some]": "building/scheduling -> building/- -> building/networking -> building/block_device_mapping -> building/spawning -> active/-",
        f"{NO_SERVER} [network=none]": "building/scheduling -> building/- -> building/block_device_mapping -> building/spawning -> active/-",
    }, given={"boot": "image", "upload": "staged", "network": "some"}),
    Rows("stop", Kind.REQUEST, "Shut the server down properly; its disks and address stay.", {
        "active, error/-": "same/powering-off -> stopped/-",
    }),
    Rows("start", Kind.REQUEST, "Start a server that was shut down.", {
        "stopped/-": "stopped/powering-on -> active/-",
    }),
    Rows("reboot", Kind.REQUEST, "Restart the guest gracefully.", {
        "active/-": "active/SOFT3 -> active/-",
    }),
    Rows("hard_reboot", Kind.REQUEST, "Restart by force, also over some tasks that do not end; a way out of an error.", {
        "LIVE, error/~ -, SOFT3, rebooting_hard, pausing, unpausing, suspending, resuming": "same/HARD3 -> active/-",
    }),
    Rows("pause", Kind.REQUEST, "Bring the server to a standstill; its memory stays where it is.", {
        "active/-": "active/pausing -> paused/-",
    }),
    Rows("unpause", Kind.REQUEST, "Let a paused server go on.", {
        "paused/-": "paused/unpausing -> active/-",
    }),
    Rows("suspend", Kind.REQUEST, "Save the server's memory to disk and turn it off.", {
        "active/-": "active/suspending -> suspended/-",
    }),
    Rows("resume", Kind.REQUEST, "Let a suspended server go on with its saved memory.", {
        "suspended/-": "suspended/resuming -> active/-",
    }),
    Rows("rescue", Kind.REQUEST, "Start the server from a rescue image, to repair its own disk.", {
        "active, stopped/-; error/- [ongoing=yes]": "same/rescuing -> rescued/-",
    }),
    Rows("unrescue", Kind.REQUEST, "Start a rescued server from its own disk again.", {
        "rescued/-": "rescued/unrescuing -> active/-",
    }),
    Rows("shelve", Kind.REQUEST, "Turn the server off and keep it as an image, so that its host can be given away.", {
        "LIVE/- [boot=image, upload=staged, offload=now]": "same/SHELVE3 -> shelved/shelving_offloading -> shelved_offloaded/-",
        "LIVE/- [boot=image, upload=staged, offload=later]": "same/SHELVE3 -> shelved/-",
        "LIVE/- [boot=image, upload=direct, offload=now]": "same/shelving -> same/shelving_image_uploading -> shelved/shelving_offloading -> shelved_offloaded/-",
        "LIVE/- [boot=image, upload=direct, offload=later]": "same/shelving -> same/shelving_image_uploading -> shelved/-",
        "LIVE/- [boot=volume]": "same/shelving -> shelved_offloaded/-",
    }, given={"offload": None}),
    Rows("shelve_offload", Kind.REQUEST, "Take a shelved server off its host.", {
        "shelved/-": "shelved/shelving_offloading -> shelved_offloaded/-",
    }),
    Rows("unshelve", Kind.REQUEST, "Bring a shelved server back, on some host if it has none, and start it.", {
        "shelved/-": "shelved/unshelving -> shelved/powering-on -> active/-",
        "shelved_offloaded/-": "same/unshelving -> same/spawning -> active/-",
    }),
    Rows("rebuild", Kind.REQUEST, "Make the system disk anew from an image; a way out of an error.", {
        "active/-": "active/rebuilding {end=kept} -> active/rebuild_block_device_mapping -> active/rebuild_spawning -> active/-",
        "stopped/-": "stopped/REBUILD3 -> active/- + active/powering-off {closing=yes} -> stopped/-",
        "error/-": "error/REBUILD3 -> active/-",
    }),
    Rows("evacuate", Kind.REQUEST, "Make the server anew on another host, because its own is down.", {
        "active/any [end=stopped]": "active/REBUILD3 -> active/- + active/powering-off {closing=yes} -> stopped/-",
        "active/any [end=kept]": "active/REBUILD3 -> active/-",
        "stopped/any": "stopped/REBUILD3 -> active/- + active/powering-off {closing=yes} -> stopped/-",
        "error/any": "error/REBUILD3 -> active/-",
    }, given={"end": "stopped"}),
    Rows("resize", Kind.REQUEST, "Give the server another flavor, to be confirmed or reverted afterwards.", RESIZED, given={"cell": "same"}),
    Rows("migrate", Kind.REQUEST, "Move the server to another host while it is off, to be confirmed or reverted afterwards.", RESIZED, given={"cell": "same"}),
    Rows("confirm_resize", Kind.REQUEST, "Keep the new flavor and host.", {
        "resized/- [guest=kept]": "was/-",
        "resized/- [guest=on]": "active/-",
        "resized/- [guest=off]": "stopped/-",
    }, unseen=True, given={"guest": "kept"}),
    Rows("revert_resize", Kind.REQUEST, "Go back to the old flavor and host.", {
        "resized/- [was=active, cell=same]": "resized/resize_reverting -> active/-",
        "resized/- [was=stopped, cell=same]": "resized/resize_reverting -> resized/powering-off -> stopped/-",
        "resized/- [cell=cross]": "resized/resize_reverting -> was/resize_reverting -> was/-",
    }),
    Rows("live_migrate", Kind.REQUEST, "Move the server to another host without turning it off.", {
        "active, paused/-": "same/migrating -> same/-",
    }),
    Rows("live_migrate_abort", Kind.REQUEST, "Give a running live migration up; it is mostly rolled back then.", {
        "active, paused/migrating": "",
    }),
    Rows("live_migrate_force_complete", Kind.REQUEST, "Make a running live migration come to its end.", {
        "active/migrating": "",
    }),
    Rows("create_image", Kind.REQUEST, "Make an image of the server; of one that boots from a volume, unseen in its states.", {
        "LIVE/- [boot=image, upload=staged]": "same/IMAGE4 -> same/-",
        "LIVE/- [boot=image, upload=direct]": "same/image_snapshot_pending -> same/image_snapshot -> same/image_uploading -> same/-",
        "LIVE/- [boot=volume]": "",
    }),
    Rows("backup", Kind.REQUEST, "Make an image that replaces the oldest backup; a server on a volume cannot have one.", {
        "LIVE/- [boot=image, upload=staged]": "same/image_backup -> same/image_pending_upload -> same/image_uploading -> same/-",
        "LIVE/- [boot=image, upload=direct]": "same/image_backup -> same/image_uploading -> same/-",
    }),
    Rows("change_password", Kind.REQUEST, "Give the guest's administrator a new password.", {
        "active/-": "active/updating_password -> active/-",
    }),
    Rows("delete", Kind.REQUEST, "Remove the server for good, whatever it is doing; the request can be repeated.", DELETED, given={"host": "up"}),
    Rows("force_delete", Kind.REQUEST, "Remove the server for good, even where a delete would leave it to be restored.", DELETED, given={"host": "up"}),
    Rows("soft_delete", Kind.REQUEST, "Delete the server so that it can be restored, as clouds do that reclaim it later.", {
        "building/scheduling": "deleted/-",
        "building/any but scheduling, deleting [host=up]; error/any but DEL2 [launched=no, host=up]": "same/deleting -> deleted/-",
        "HOSTED/any but DEL2 [host=up]; error/any but DEL2 [launched=yes, host=up]": "same/soft-deleting -> soft-delete/-",
        "resized/any but DEL2 [host=up]": "resized/soft-deleting -> was/- + was/soft-deleting -> soft-delete/-",
        "building, HOSTED, resized, error/~ DEL2 [host=up]": "",
        "building/any but scheduling [host=down]; error/any [launched=no, host=down]": "same/deleting + deleted/-",
        "HOSTED, resized/any [host=down]; error/any [launched=yes, host=down]; shelved_offloaded/any": "same/soft-deleting + soft-delete/- + deleted/-",
    }, given={"host": "up"}),
    Rows("restore", Kind.REQUEST, "Bring a server back that is deleted and not yet reclaimed, and start it.", {
        "soft-delete/-": "soft-delete/restoring -> active/-",
    }),
    Rows("reset_state_active", Kind.REQUEST, "Set the server to active, whatever it is; the guest is not touched.", {
        "KNOWN/any": "active/-",
    }),
    Rows("reset_state_error", Kind.REQUEST, "Set the server to error, whatever it is; the guest is not touched.", {
        "KNOWN/any": "error/-",
    }),
    Rows("lock", Kind.REQUEST, "Allow only administrators to change the server.", {
        "KNOWN/any": "{locked=yes}",
    }),
    Rows("unlock", Kind.REQUEST, "Let the server's owner change it again.", {
        "KNOWN/any": "{locked=no}",
    }),
    Rows("inject_network_info", Kind.REQUEST, "Write the network settings into the guest anew.", {
        "KNOWN/any": "",
    }),
    Rows("attach_volume", Kind.REQUEST, "Give the server another volume.", {
        "active, paused, stopped, resized, soft-delete, shelved, shelved_offloaded/-": "",
    }),
    Rows("detach_volume", Kind.REQUEST, "Take a volume from the server.", {
        "active, paused, stopped, resized, soft-delete, shelved, shelved_offloaded/-": "",
    }),
    Rows("swap_volume", Kind.REQUEST, "Replace a volume of the server by another one with the same content.", {
        "active, paused, resized/-": "",
    }),
    Rows("attach_interface", Kind.REQUEST, "Give the server another network port.", {
        "active, paused, stopped/-": "",
    }),
    Rows("detach_interface", Kind.REQUEST, "Take a network port from the server.", {
        "active, paused, stopped/-": "",
    }),
    Rows("attach_share", Kind.REQUEST, "Give the server a file share.", {
        "stopped/-": "",
    }),
    Rows("detach_share", Kind.REQUEST, "Take a file share from the server.", {
        "stopped, error/-": "",
    }),
    Rows("trigger_crash_dump", Kind.REQUEST, "Make the guest's system crash and write down what it held.", {
        "active, paused, rescued, resized, error/-": "",
    }),
    Rows("get_console", Kind.REQUEST, "Get an address under which the guest's console can be opened.", {
        "HOSTED, resized, error/any but deleting, migrating": "",
    }),
    Rows("create_volume_snapshot", Kind.REQUEST, "Let the host take a snapshot of an attached volume for the volume service.", {
        "HOSTED, resized, error/-": "",
    }),
    Rows("delete_volume_snapshot", Kind.REQUEST, "Let the host remove such a snapshot of an attached volume.", {
        "HOSTED, resized, error/-": "",
    }),
    Rows("update_metadata", Kind.REQUEST, "Set entries of the server's metadata.", {
        "LIVE/any": "",
    }),
    Rows("delete_metadata", Kind.REQUEST, "Remove an entry of the server's metadata.", {
        "LIVE/any": "",
    }),
)

EVENTS = (
    Rows("advance", Kind.PROGRESS, "The running step ends as it should and the next one begins.", {
        "error/rescuing [ongoing=no]": "",
    }),
    Rows("fail", Kind.FAILURE, "The running step goes wrong and leaves the server in error.", {
        "building/BUILD5": "error/-",
        "active/powering-off [closing=yes]": "active/- + error/-",
        "resized/powering-off": "resized/- + error/-",
        "active/reboot_started; LIVE/reboot_started_hard": "error/same + error/-",
        "error/reboot_started, reboot_started_hard": "error/-",
        "active/suspending; suspended/resuming; active, stopped/rescuing; rescued/unrescuing": "error/same + error/-",
        "error/suspending, resuming, unrescuing; error/rescuing [ongoing=yes]": "error/-",
        "shelved_offloaded/unshelving": "error/unshelving",
        "active, stopped/REBUILD3": "error/same + error/-",
        "error/REBUILD3": "error/-",
        "active, stopped/resize_prep [retry=ok]": "same/- + error/-",
        "active, stopped/resize_prep [retry=broken]": "error/resize_prep + error/-",
        "active, stopped/resize_migrating, resize_migrated, resize_finish": "error/same + error/-",
        "error/RESIZE4": "error/-",
        "resized/-": "error/-",
        "active, stopped, resized/resize_reverting": "error/same + error/-",
        "error/resize_reverting": "error/-",
        "SOUND/deleting": "error/deleting + error/-",
        "error/deleting": "error/-",
    }, given={"retry": "ok"}),
    Rows("fail_late", Kind.FAILURE, "The work is done, but the clean-up after it goes wrong and leaves the server in error.", {
        "active, stopped, error/rebuild_spawning": "active/- + error/-",
        "resized/-": "was/- + error/-",
        "active, paused/migrating": "same/- + error/-",
    }),
    Rows("abort", Kind.FAILURE, "The running step is given up and leaves the server in error, its task cleared at once.", {
        "KNOWN/~ powering-off, powering-on": "error/-",
        "active, stopped, error/rebuilding": "error/-",
        "active, stopped/resize_migrated [cell=cross]": "error/-",
        "active, paused/migrating": "error/-",
    }),
    Rows("roll_back", Kind.FAILURE, "The running step goes wrong and leaves the server as it was.", {
        "active, stopped, paused, error/powering-off; stopped, shelved/powering-on": "same/-",
        "LIVE/~ rebooting, rebooting_hard; error/rebooting_hard": "same/-",
        "active/reboot_started; LIVE, error/reboot_started_hard": "active/-",
        "LIVE/~ pausing, unpausing, suspending, resuming, rescuing, updating_password; error/rescuing [ongoing=yes]": "same/-",
        "rescued/unrescuing [driver=complete]": "same/-",
        "rescued/unrescuing [driver=lacks]": "active/-",
        "LIVE/IMAGE4, image_backup, SHELVE3": "same/-",
        "shelved/shelving_offloading; shelved_offloaded/unshelving, spawning": "same/-",
        "active, stopped, error/rebuilding": "same/-",
        "active, stopped/resize_prep, resize_migrating": "same/-",
        "active, stopped, resized/resize_reverting [driver=lacks]": "active/-",
        "active, paused/migrating": "same/-",
        "SETTLED, resized, error/soft-deleting; soft-delete/restoring": "same/-",
    }, given={"driver": "complete"}),
    Rows("reschedule", Kind.PROGRESS, "The host could not take the server; another one is tried.", {
        "building/-, networking, block_device_mapping, spawning": "building/scheduling",
        "active, stopped/resize_prep": "same/same",
    }, given={"network": None}),
    Rows("fallback", Kind.PROGRESS, "The store cannot copy the disk itself; the image is made on the host after all.", {
        "LIVE/image_uploading": "same/image_pending_upload",
        "LIVE/shelving_image_uploading": "same/shelving_image_pending_upload",
    }),
    Rows("power_sync", Kind.SYSTEM, "The guest is found on or off against its vm_state, and is stopped.", {
        "active, paused, stopped/-": "same/powering-off -> stopped/-",
    }),
    Rows("power_event", Kind.SYSTEM, "Bare metal reports that its power went off or on, and the server follows.", {
        "active/-": "active/powering-off -> stopped/-",
        "stopped/-": "stopped/powering-on -> active/-",
    }),
    Rows("timer", Kind.SYSTEM, "The time that the cloud gives for an answer is over, and it goes on by itself.", {
        "resized/- [guest=kept]": "was/-",
        "resized/- [guest=on]": "active/-",
        "resized/- [guest=off]": "stopped/-",
        "shelved/-": "shelved/shelving_offloading -> shelved_offloaded/-",
        "rescued/-": "rescued/unrescuing -> active/-",
    }, given={"guest": "kept"}),
    Rows("reclaim", Kind.SYSTEM, "The time to restore a deleted server is over, and it is removed.", {
        "soft-delete/-": "deleted/-",
    }),
    Rows("build_timeout", Kind.SYSTEM, "The time that the cloud allows for a creation is over; no limit is the default.", {
        "building/-": "error/-",
        "building/networking, block_device_mapping, spawning": "error/same",
    }, rare=True),
    Rows("restart", Kind.SYSTEM, "The compute service on the server's host starts anew, and takes up what it finds.", {
        "building/BUILD5, deleting": "error/-",
        "active, stopped/REBUILD3; shelved_offloaded/spawning": "error/-",
        "LIVE/IMAGE4 [vif=ok]; active, stopped/resize_prep, resize_migrating [vif=ok]; active, paused/~ migrating [vif=ok]": "same/-",
        "LIVE/IMAGE4 [vif=broken]; active, stopped/resize_prep [vif=broken]": "same/- + error/-",
        "error/resize_migrating [vif=ok]": "error/-",
        "LIVE/~ rebooting, reboot_started, rebooting_hard, reboot_started_hard, pausing, unpausing [guest=on, vif=ok]": "active/-",
        "LIVE/~ rebooting, reboot_started, rebooting_hard, reboot_started_hard, pausing, unpausing [guest=on, vif=broken]": "active/- + error/-",
        "LIVE/~ SOFT3, rebooting_hard, reboot_started_hard [guest=off]": "same/reboot_pending_hard -> same/reboot_started_hard -> active/-",
        "active/reboot_pending [guest=on]; LIVE/reboot_pending_hard; paused/unpausing [guest=paused]": "same/same",
        "active, stopped, paused, suspended, rescued, resized, shelved, error/deleting": "same/same",
        "shelved_offloaded/deleting": "same/same -> deleted/-",
        "SOUND/~ powering-off, powering-on": "same/same",
        "LIVE, rescued, resized, shelved/- [vif=broken]": "error/-",
        "LIVE/image_backup, SHELVE3 [vif=broken]; LIVE, rescued, resized, shelved/~ updating_password, suspending, resuming, unrescuing, resize_reverting, resize_migrating, resize_migrated, resize_finish, migrating, shelving_offloading [vif=broken]; error/resize_migrating [vif=broken]": "error/same",
        "active, stopped/rescuing [vif=broken]": "error/rescuing {ongoing=no}",
    }, given={"guest": None, "vif": "ok"}),
)

SURPRISES = (
    Surprise(
        "While a server stops, status says ACTIVE (or ERROR, where it began there) until the end; only task_state shows it.",
        ("stop", "active/powering-off", "error/powering-off", "powering-off", "ACTIVE", "ERROR"),
    ),
    Surprise(
        "While a server starts, status says SHUTOFF until the end; only task_state shows it.",
        ("start", "stopped/powering-on", "powering-on", "SHUTOFF"),
    ),
    Surprise(
        "While a server is deleted, status stays as it was at rest; only task_state shows it.",
        ("delete", "force_delete", "soft_delete", "deleting", "soft-deleting", "active/deleting", "stopped/deleting", "error/deleting", "active/soft-deleting"),
    ),
    Surprise(
        "While its host is up, a second delete of a server is accepted and changes nothing, so a delete that hangs "
        "stays. What ends it: a restart of the host's compute service (which takes up a delete, but not a soft one), "
        "a delete while the host is down, or a reset of the state and a delete after it.",
        ("delete", "force_delete", "soft_delete", "deleting", "soft-deleting", "building/deleting", "active/deleting", "active/soft-deleting", "stopped/deleting", "stopped/soft-deleting", "paused/deleting", "paused/soft-deleting", "suspended/deleting", "suspended/soft-deleting", "rescued/deleting", "rescued/soft-deleting", "resized/deleting", "resized/soft-deleting", "shelved/deleting", "shelved/soft-deleting", "shelved_offloaded/deleting", "shelved_offloaded/soft-deleting", "soft-delete/deleting", "soft-delete/soft-deleting", "error/deleting", "error/soft-deleting"),
    ),
    Surprise(
        "A restart of the host's compute service loses the delete of a server that is still being built: it ends in ERROR.",
        ("restart", "building/deleting"),
    ),
    Surprise(
        "A soft delete of a server that has no host, or whose host is down, cannot be restored: the server is gone at once.",
        ("soft_delete", "restore", "shelved_offloaded/-", "shelved_offloaded", "shelved_offloaded/soft-deleting", "SHELVED_OFFLOADED"),
    ),
    Surprise(
        "After a reboot of its host a server can be in ERROR though nothing was requested: the compute service could not "
        "plug its network. A hard reboot brings one back that was at rest; where a task was running, the task stays "
        "until the state is reset or the server is deleted.",
        ("restart", "error", "error/-", "ERROR", "error/image_backup", "error/shelving", "error/shelving_image_pending_upload", "error/shelving_image_uploading", "error/updating_password", "error/migrating", "error/shelving_offloading", "error/suspending", "error/resuming", "error/rescuing", "error/unrescuing", "error/resize_migrating", "error/resize_migrated", "error/resize_finish", "error/resize_reverting"),
    ),
    Surprise(
        "A creation that takes longer than the cloud allows is in ERROR, and its task stays: nothing but a delete helps.",
        ("build_timeout", "create", "error/networking", "error/block_device_mapping", "error/spawning"),
    ),
    Surprise(
        "Pause, suspend, rescue, shelve and an image have no status of their own while they run: "
        "it stays ACTIVE, or what it was at rest, until the end.",
        ("pause", "suspend", "rescue", "shelve", "create_image", "backup", "active/pausing", "active/suspending", "active/rescuing", "active/shelving", "active/image_uploading"),
    ),
    Surprise(
        "HARD_REBOOT is shown only where the server was active: from SHUTOFF, PAUSED, SUSPENDED or "
        "ERROR the status stays until the server is ACTIVE.",
        ("hard_reboot", "HARD_REBOOT", "stopped/rebooting_hard", "paused/rebooting_hard", "suspended/rebooting_hard", "error/rebooting_hard"),
    ),
    Surprise(
        "A hard reboot always ends in ACTIVE: it starts a server that was stopped.",
        ("hard_reboot", "rebooting_hard", "stopped/rebooting_hard", "stopped/reboot_started_hard"),
    ),
    Surprise(
        "A rebuild of a stopped server shows REBUILD, then ACTIVE, then SHUTOFF: the system starts "
        "the server and stops it again, and a wait for ACTIVE ends too early.",
        ("rebuild", "evacuate", "stopped/rebuilding", "stopped/rebuild_block_device_mapping", "stopped/rebuild_spawning", "active/powering-off", "REBUILD"),
    ),
    Surprise(
        "An evacuated server is stopped at the end, even if it ran, unless the request is an old one (before API 2.95).",
        ("evacuate", "active/rebuilding", "active/rebuild_spawning", "active/powering-off"),
    ),
    Surprise(
        "Unshelve, unrescue and restore start the server, even one that was stopped when it was "
        "shelved, rescued or deleted: that is not remembered.",
        ("unshelve", "unrescue", "restore", "shelved/unshelving", "shelved_offloaded/unshelving", "rescued/unrescuing", "soft-delete/restoring", "unshelving", "unrescuing", "restoring"),
    ),
    Surprise(
        "Confirm follows the guest's power: a server that was shut down from inside while it waited "
        "comes out as SHUTOFF, one that was started as ACTIVE. If its power did not change, it is what it was "
        "when the resize began, though VERIFY_RESIZE shows the same for both.",
        ("confirm_resize", "timer", "resized/-", "resized", "VERIFY_RESIZE"),
    ),
    Surprise(
        "Revert returns to what the server was when the resize began: ACTIVE or SHUTOFF, whatever its guest does now.",
        ("revert_resize", "resized/-", "resized/resize_reverting", "resized", "VERIFY_RESIZE", "REVERT_RESIZE"),
    ),
    Surprise(
        "A resize stays at VERIFY_RESIZE until a user confirms or reverts it, or the cloud's timer confirms it.",
        ("resize", "migrate", "timer", "resized/-", "resized", "VERIFY_RESIZE"),
    ),
    Surprise(
        "A delete at VERIFY_RESIZE confirms the resize first, so ACTIVE or SHUTOFF is seen on the way.",
        ("delete", "force_delete", "soft_delete", "resized/deleting", "resized/soft-deleting", "VERIFY_RESIZE"),
    ),
    Surprise(
        "A resize that failed and was rolled back looks like a server that was never resized.",
        ("resize", "migrate", "roll_back", "active/resize_prep", "active/resize_migrating", "stopped/resize_prep", "stopped/resize_migrating", "RESIZE"),
    ),
    Surprise(
        "A live migration that was rolled back looks like one that succeeded: MIGRATING, then the "
        "old status; only the host shows it.",
        ("live_migrate", "live_migrate_abort", "roll_back", "active/migrating", "paused/migrating", "migrating", "MIGRATING"),
    ),
    Surprise(
        "With offloading at once, the usual setting, a shelved server never rests at SHELVED: it "
        "goes on to SHELVED_OFFLOADED; one that boots from a volume is always offloaded.",
        ("shelve", "shelved/shelving_offloading", "shelved/-", "shelved_offloaded/-", "SHELVED", "SHELVED_OFFLOADED"),
    ),
    Surprise(
        "A server that boots from a volume is imaged without a trace: neither attribute changes.",
        ("create_image", "image_snapshot_pending", "image_snapshot"),
    ),
    Surprise(
        "An unshelve whose image is lost leaves a task that is never cleared: the server looks busy "
        "until it is deleted or its state is reset.",
        ("unshelve", "fail", "error/unshelving", "unshelving"),
    ),
    Surprise(
        "Where a failed create ends in ERROR, nothing but deleting it helps: resetting it to ACTIVE makes no guest.",
        ("create", "reset_state_active", "reset_state_error", "error/-", "ERROR"),
    ),
    Surprise(
        "A compute service that restarts ends creations and rebuilds in ERROR, gives images, resizes "
        "that have not moved yet and live migrations up as if nothing had been requested, ends or begins "
        "again a reboot, takes up a delete, a stop and a start again, and leaves every other task hanging.",
        ("restart", "building/spawning", "active/rebuilding", "active/image_uploading", "active/resize_migrating", "active/migrating", "active/reboot_started", "active/deleting"),
    ),
)

# What a refused write leaves in the worker's copy goes out with its next unconditional save.
UNCONDITIONAL = (
    "building/-, networking, block_device_mapping, spawning; active/reboot_started; LIVE, error/reboot_started_hard; "
    "active, stopped, error/rebuild_spawning; active, stopped, resized/resize_reverting; resized/powering-off; "
    "shelved_offloaded/unshelving, spawning; stopped, shelved/powering-on; paused/unpausing; suspended/resuming; "
    "rescued/unrescuing; soft-delete/restoring"
)
# fmt: on

TABLE = Table(
    name="nova",
    vm_states=VmState,
    task_states=TaskState,
    statuses=Status,
    pairs=PAIRS,
    groups=GROUPS,
    rows=OPERATIONS + EVENTS,
    advance="advance",
    undocumented={},
    surprises=SURPRISES,
    facts=FACTS,
    guards=GUARDS,
    unconditional=UNCONDITIONAL,
    default_status={
        "building": "BUILD",
        "active": "ACTIVE",
        "stopped": "SHUTOFF",
        "paused": "PAUSED",
        "suspended": "SUSPENDED",
        "rescued": "RESCUE",
        "resized": "VERIFY_RESIZE",
        "shelved": "SHELVED",
        "shelved_offloaded": "SHELVED_OFFLOADED",
        "soft-delete": "SOFT_DELETED",
        "error": "ERROR",
        "deleted": "DELETED",
    },
    unknown_status="UNKNOWN",
    sections={
        "create": "create",
        "power": "stop, start, reboot, hard_reboot",
        "guest": "pause, unpause, suspend, resume, rescue, unrescue, change_password, trigger_crash_dump, inject_network_info, get_console",
        "disk": "rebuild, attach_volume, detach_volume, swap_volume, attach_share, detach_share, create_volume_snapshot, delete_volume_snapshot",
        "move": "resize, migrate, confirm_resize, revert_resize, live_migrate, live_migrate_abort, live_migrate_force_complete, evacuate, attach_interface, detach_interface",
        "image": "create_image, backup, shelve, shelve_offload, unshelve",
        "delete": "delete, force_delete, soft_delete, restore",
        "admin": "reset_state_active, reset_state_error, lock, unlock, update_metadata, delete_metadata",
    },
)

NOVA = Lifecycle(TABLE)
"""The lifecycle of a Nova instance."""
