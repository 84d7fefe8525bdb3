"""What the specification of the ECS lifecycle says, written down a second time by hand.

Nothing here comes from the package: the tests hold its table against these facts. A state is named
`vm_state/task_state`, `-` for no task; what stands in one string is separated by blanks.
"""

from __future__ import annotations

# Part 1: the normative pairs with their status.
STATUS_TABLE: tuple[tuple[str, str | None, str], ...] = (
    ("building", "scheduling", "BUILD"),
    ("building", "block_device_mapping", "BUILD"),
    ("building", "networking", "BUILD"),
    ("building", "spawning", "BUILD"),
    ("building", None, "BUILD"),
    ("active", "rebooting", "REBOOT"),
    ("active", "reboot_pending", "REBOOT"),
    ("active", "reboot_started", "REBOOT"),
    ("active", "rebooting_hard", "HARD_REBOOT"),
    ("active", "reboot_pending_hard", "HARD_REBOOT"),
    ("active", "reboot_started_hard", "HARD_REBOOT"),
    ("active", "rebuilding", "REBUILD"),
    ("active", "rebuild_block_device_mapping", "REBUILD"),
    ("active", "rebuild_spawning", "REBUILD"),
    ("active", "migrating", "MIGRATING"),
    ("active", "powering-off", "ACTIVE"),
    ("active", "deleting", "ACTIVE"),
    ("active", None, "ACTIVE"),
    ("stopped", "resize_prep", "RESIZE"),
    ("stopped", "resize_migrating", "RESIZE"),
    ("stopped", "resize_migrated", "RESIZE"),
    ("stopped", "resize_finish", "RESIZE"),
    ("stopped", "rebuilding", "REBUILD"),
    ("stopped", "rebuild_block_device_mapping", "REBUILD"),
    ("stopped", "rebuild_spawning", "REBUILD"),
    ("stopped", "powering-on", "SHUTOFF"),
    ("stopped", "deleting", "SHUTOFF"),
    ("stopped", None, "SHUTOFF"),
    ("resized", "resize_reverting", "REVERT_RESIZE"),
    ("resized", None, "VERIFY_RESIZE"),
    ("error", "rebuilding", "REBUILD"),
    ("error", "rebuild_block_device_mapping", "REBUILD"),
    ("error", "rebuild_spawning", "REBUILD"),
    ("error", "deleting", "ERROR"),
    ("error", None, "ERROR"),
    ("deleted", None, "DELETED"),
)

VM_STATES = "building active stopped resized error deleted"
TASK_STATES = (
    "scheduling block_device_mapping networking spawning "
    "rebooting reboot_pending reboot_started "
    "rebooting_hard reboot_pending_hard reboot_started_hard "
    "rebuilding rebuild_block_device_mapping rebuild_spawning migrating "
    "resize_prep resize_migrating resize_migrated resize_finish resize_reverting "
    "powering-off powering-on deleting"
)
STATUSES = (
    "BUILD REBOOT HARD_REBOOT REBUILD MIGRATING ACTIVE "
    "RESIZE SHUTOFF REVERT_RESIZE VERIFY_RESIZE ERROR DELETED"
)

# Part 2: what may be asked, by the states that accept it, and the states that are then entered.
CREATION = (
    "building/scheduling building/- building/networking building/block_device_mapping "
    "building/spawning active/-"
)
OPERATIONS: dict[str, dict[str, str]] = {
    "create": {},
    "stop": {"active/-": "active/powering-off stopped/-"},
    "start": {"stopped/-": "stopped/powering-on active/-"},
    "reboot": {
        "active/-": "active/rebooting active/reboot_pending active/reboot_started active/-",
    },
    "hard_reboot": {
        "active/- active/rebooting active/reboot_pending active/reboot_started "
        "active/rebooting_hard": "active/rebooting_hard active/reboot_pending_hard "
        "active/reboot_started_hard active/-",
    },
    "live_migrate": {"active/-": "active/migrating active/-"},
    "rebuild": {
        "active/-": "active/rebuilding active/rebuild_block_device_mapping "
        "active/rebuild_spawning active/-",
        "stopped/-": "stopped/rebuilding stopped/rebuild_block_device_mapping "
        "stopped/rebuild_spawning active/- active/powering-off stopped/-",
        "error/-": "error/rebuilding error/rebuild_block_device_mapping "
        "error/rebuild_spawning active/-",
    },
    "resize": {
        "stopped/-": "stopped/resize_prep stopped/resize_migrating stopped/resize_migrated "
        "stopped/resize_finish resized/-",
    },
    "confirm_resize": {"resized/-": "stopped/-"},
    "revert_resize": {"resized/-": "resized/resize_reverting stopped/-"},
    "delete": {
        "active/rebooting active/reboot_pending active/reboot_started active/rebooting_hard "
        "active/reboot_pending_hard active/reboot_started_hard active/rebuilding "
        "active/rebuild_block_device_mapping active/rebuild_spawning active/migrating "
        "active/powering-off active/deleting active/-": "active/deleting deleted/-",
        "stopped/resize_prep stopped/resize_migrating stopped/resize_migrated "
        "stopped/resize_finish stopped/rebuilding stopped/rebuild_block_device_mapping "
        "stopped/rebuild_spawning stopped/powering-on stopped/deleting stopped/-": (
            "stopped/deleting deleted/-"
        ),
        "error/rebuilding error/rebuild_block_device_mapping error/rebuild_spawning "
        "error/deleting error/-": "error/deleting deleted/-",
    },
}

# Parts 2 and 3: what the system itself does, by the states where it can, and what each enters.
EVENTS: dict[str, dict[str, str]] = {
    "advance": {
        "building/scheduling": "building/-",
        "building/-": "building/networking",
        "building/networking": "building/block_device_mapping",
        "building/block_device_mapping": "building/spawning",
        "building/spawning": "active/-",
        "active/rebooting": "active/reboot_pending",
        "active/reboot_pending": "active/reboot_started",
        "active/reboot_started": "active/-",
        "active/rebooting_hard": "active/reboot_pending_hard",
        "active/reboot_pending_hard": "active/reboot_started_hard",
        "active/reboot_started_hard": "active/-",
        "active/rebuilding": "active/rebuild_block_device_mapping",
        "active/rebuild_block_device_mapping": "active/rebuild_spawning",
        "active/rebuild_spawning": "active/-",
        "active/migrating": "active/-",
        "active/powering-off": "stopped/-",
        "active/deleting": "deleted/-",
        "stopped/resize_prep": "stopped/resize_migrating",
        "stopped/resize_migrating": "stopped/resize_migrated",
        "stopped/resize_migrated": "stopped/resize_finish",
        "stopped/resize_finish": "resized/-",
        "stopped/rebuilding": "stopped/rebuild_block_device_mapping",
        "stopped/rebuild_block_device_mapping": "stopped/rebuild_spawning",
        "stopped/rebuild_spawning": "active/- active/powering-off",
        "stopped/powering-on": "active/-",
        "stopped/deleting": "deleted/-",
        "resized/resize_reverting": "stopped/-",
        "error/rebuilding": "error/rebuild_block_device_mapping",
        "error/rebuild_block_device_mapping": "error/rebuild_spawning",
        "error/rebuild_spawning": "active/-",
        "error/deleting": "deleted/-",
    },
    "fail": {
        "building/scheduling building/- building/networking building/block_device_mapping "
        "building/spawning": "error/-",
        "active/rebuilding stopped/rebuilding": "error/rebuilding error/-",
        "active/rebuild_block_device_mapping stopped/rebuild_block_device_mapping": (
            "error/rebuild_block_device_mapping error/-"
        ),
        "active/rebuild_spawning stopped/rebuild_spawning": "error/rebuild_spawning error/-",
        "error/rebuilding error/rebuild_block_device_mapping error/rebuild_spawning": "error/-",
        "stopped/resize_prep": "stopped/- error/-",
        "stopped/resize_migrating stopped/resize_migrated stopped/resize_finish": "error/-",
        "resized/- resized/resize_reverting": "error/-",
        "active/reboot_started active/reboot_started_hard": "error/-",
        "active/deleting stopped/deleting": "error/deleting error/-",
        "error/deleting": "error/-",
    },
    "roll_back": {
        "stopped/resize_prep stopped/resize_migrating": "stopped/-",
        "active/reboot_started active/reboot_started_hard": "active/-",
        "active/powering-off active/migrating": "active/-",
        "stopped/powering-on": "stopped/-",
    },
    "reschedule": {
        "building/- building/networking building/block_device_mapping building/spawning": (
            "building/scheduling"
        ),
    },
}

# Part 4: what is refused because its first step is a pair that the documentation does not have.
UNDOCUMENTED = {
    ("resize", "active/-"): "active/resize_prep",
    ("hard_reboot", "stopped/-"): "stopped/rebooting_hard",
    ("hard_reboot", "error/-"): "error/rebooting_hard",
    ("stop", "error/-"): "error/powering-off",
    ("delete", "building/-"): "building/deleting",
    ("delete", "resized/-"): "resized/deleting",
}

STATES = [f"{vm_state}/{task_state or '-'}" for vm_state, task_state, _ in STATUS_TABLE]


def pair(state: str) -> tuple[str, str | None]:
    """vm_state and task_state of a state's name."""
    vm_state, _, task_state = state.partition("/")
    return vm_state, None if task_state == "-" else task_state


def by_source(facts: dict[str, dict[str, str]]) -> dict[tuple[str, str], list[str]]:
    """The path of each trigger in each state that accepts it."""
    return {
        (trigger, source): path.split()
        for trigger, paths in facts.items()
        for sources, path in paths.items()
        for source in sources.split()
    }
