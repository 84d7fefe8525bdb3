"""What the specification of the Nova lifecycle says, written down a second time by hand.

Nothing here comes from the package: the tests hold its table against these facts. A state is named
`vm_state/task_state`, `-` for no task; words in one string are separated by blanks, sets of states
by `;`, in a set the words on each side of the slash by commas.

In a set, `v` is every vm_state, `any` every task, `calm` every task but those of DEL2 and `open`
every task but deleting and migrating, as far as the pair occurs. In a path, `v` is
the vm_state and `same` the task of the source, `w` the remembered `was`; what follows `|` is entered
by the system's own progress (for an operation: all but the first state).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

# Part 1: the groups.
GROUPS = {
    "LIVE": "active stopped paused suspended",
    "SOFT3": "rebooting reboot_pending reboot_started",
    "HARD3": "rebooting_hard reboot_pending_hard reboot_started_hard",
    "REBUILD3": "rebuilding rebuild_block_device_mapping rebuild_spawning",
    "RESIZE4": "resize_prep resize_migrating resize_migrated resize_finish",
    "IMAGE5": "image_snapshot_pending image_snapshot image_pending_upload image_uploading image_backup",
    "SHELVE3": "shelving shelving_image_pending_upload shelving_image_uploading",
    "DEL2": "deleting soft-deleting",
}

# Part 2: the pairs that occur with their status.
STATUS_TABLE: dict[str, dict[str, str]] = {
    "building": {"BUILD": "- scheduling networking block_device_mapping spawning deleting"},
    "active": {
        "ACTIVE": "- IMAGE5 SHELVE3 DEL2 powering-off pausing suspending rescuing resize_reverting",
        "REBOOT": "SOFT3",
        "HARD_REBOOT": "HARD3",
        "REBUILD": "REBUILD3",
        "RESIZE": "RESIZE4",
        "MIGRATING": "migrating",
        "PASSWORD": "updating_password",
    },
    "stopped": {
        "SHUTOFF": "- HARD3 IMAGE5 SHELVE3 DEL2 powering-on powering-off rescuing resize_reverting",
        "REBUILD": "REBUILD3",
        "RESIZE": "RESIZE4",
    },
    "paused": {
        "PAUSED": "- HARD3 IMAGE5 SHELVE3 DEL2 unpausing powering-off",
        "MIGRATING": "migrating",
    },
    "suspended": {"SUSPENDED": "- HARD3 IMAGE5 SHELVE3 DEL2 resuming"},
    "rescued": {"RESCUE": "- DEL2 unrescuing"},
    "resized": {"VERIFY_RESIZE": "- DEL2 powering-off", "REVERT_RESIZE": "resize_reverting"},
    "shelved": {"SHELVED": "- DEL2 shelving_offloading unshelving powering-on"},
    "shelved_offloaded": {"SHELVED_OFFLOADED": "- DEL2 unshelving spawning"},
    "soft-delete": {"SOFT_DELETED": "- DEL2 restoring"},
    "error": {
        "ERROR": "- HARD3 DEL2 powering-off rescuing unshelving reboot_started suspending "
        "resuming unrescuing RESIZE4 resize_reverting networking block_device_mapping spawning "
        "image_backup SHELVE3 updating_password migrating shelving_offloading",
        "REBUILD": "REBUILD3",
    },
    "deleted": {"DELETED": "-"},
}

COUNTS = "6 31 25 17 15 4 5 6 5 4 31 1"

# Part 1, part 2: all words.
VM_STATES = tuple(STATUS_TABLE)
TASK_STATES = (
    "scheduling networking block_device_mapping spawning SOFT3 HARD3 REBUILD3 RESIZE4 "
    "resize_reverting migrating powering-off powering-on pausing unpausing suspending resuming "
    "rescuing unrescuing updating_password IMAGE5 SHELVE3 shelving_offloading unshelving restoring "
    "DEL2"
)
STATUSES = (
    "BUILD ACTIVE SHUTOFF PAUSED SUSPENDED RESCUE VERIFY_RESIZE SHELVED SHELVED_OFFLOADED "
    "SOFT_DELETED ERROR DELETED REBOOT HARD_REBOOT REBUILD RESIZE MIGRATING PASSWORD REVERT_RESIZE"
)

# Part 3: the creation, by network.
CREATION = {
    "some": "building/scheduling building/- building/networking building/block_device_mapping "
    "building/spawning active/-",
    "none": "building/scheduling building/- building/block_device_mapping building/spawning active/-",
}

_RESIZED = {
    "cell=same": "v/RESIZE4 resized/-",
    "cell=cross": "v/resize_prep v/resize_migrating v/resize_migrated resized/-",
}
_REBUILT_STOPPED = "v/REBUILD3 active/- active/powering-off stopped/-"
_LAUNCHED = "active,stopped,paused,suspended,rescued,shelved,shelved_offloaded,soft-delete,error"
_ALIVE = f"building,resized,{_LAUNCHED}"
# Those that have a host: all but the shelved_offloaded.
_HOSTED = "active,stopped,paused,suspended,rescued,shelved,soft-delete"
_CLAIMED = "building/-,networking,block_device_mapping,spawning"
_NEVER_RAN = "error/networking,block_device_mapping,spawning"
_RAN = (
    "error/-,HARD3,powering-off,rescuing,unshelving,reboot_started,suspending,resuming,unrescuing,"
    "RESIZE4,resize_reverting,REBUILD3,image_backup,SHELVE3,updating_password,migrating,"
    "shelving_offloading"
)
_LOCAL = "v/deleting deleted/- |"
_LOCAL_SOFT = "v/soft-deleting soft-delete/- deleted/- |"
_DELETE = {
    "building/scheduling": {"": "deleted/-", "host=up": "deleted/-", "host=down": "deleted/-"},
    f"{_CLAIMED}; {_HOSTED},error/calm": {
        "": "v/deleting deleted/-",
        "host=up": "v/deleting deleted/-",
        "host=down": _LOCAL,
    },
    "resized/calm": {"": "resized/deleting w/- deleted/-", "host=down": _LOCAL},
    f"building,{_HOSTED},error/deleting": {
        "": "| deleted/-",
        "host=up": "| deleted/-",
        "host=down": _LOCAL,
    },
    f"{_HOSTED},error/soft-deleting": {"": "| soft-delete/-", "host=down": _LOCAL},
    "resized/deleting": {"": "| w/- deleted/-", "host=down": _LOCAL},
    "resized/soft-deleting": {
        "": "| w/- w/soft-deleting soft-delete/-",
        "host=down": _LOCAL,
    },
    "shelved_offloaded/any": {"": _LOCAL, "host=up": _LOCAL, "host=down": _LOCAL},
}

# Part 3: operations, by the states that accept them, by facts: the path to the next rest.
OPERATIONS: dict[str, dict[str, dict[str, str]]] = {
    "stop": {"active,error/-": {"": "v/powering-off stopped/-"}},
    "start": {"stopped/-": {"": "stopped/powering-on active/-"}},
    "reboot": {"active/-": {"": "active/SOFT3 active/-"}},
    "hard_reboot": {
        "LIVE,error/-,SOFT3,rebooting_hard,pausing,unpausing,suspending,resuming": {
            "": "v/HARD3 active/-"
        }
    },
    "pause": {"active/-": {"": "active/pausing paused/-"}},
    "unpause": {"paused/-": {"": "paused/unpausing active/-"}},
    "suspend": {"active/-": {"": "active/suspending suspended/-"}},
    "resume": {"suspended/-": {"": "suspended/resuming active/-"}},
    "rescue": {"active,stopped,error/-": {"": "v/rescuing rescued/-"}},
    "unrescue": {"rescued/-": {"": "rescued/unrescuing active/-"}},
    "shelve": {
        "LIVE/-": {
            "boot=image upload=staged offload=now": "v/SHELVE3 shelved/shelving_offloading "
            "shelved_offloaded/-",
            "boot=image upload=staged": "v/SHELVE3 shelved/shelving_offloading shelved_offloaded/-",
            "boot=image upload=direct offload=now": "v/shelving v/shelving_image_uploading "
            "shelved/shelving_offloading shelved_offloaded/-",
            "boot=image upload=staged offload=later": "v/SHELVE3 shelved/-",
            "boot=image upload=direct offload=later": "v/shelving v/shelving_image_uploading "
            "shelved/-",
            "boot=volume offload=now": "v/shelving shelved_offloaded/-",
            "boot=volume offload=later": "v/shelving shelved_offloaded/-",
        }
    },
    "shelve_offload": {"shelved/-": {"": "shelved/shelving_offloading shelved_offloaded/-"}},
    "unshelve": {
        "shelved/-": {"": "shelved/unshelving shelved/powering-on active/-"},
        "shelved_offloaded/-": {"": "v/unshelving v/spawning active/-"},
    },
    "rebuild": {
        "active,error/-": {"": "v/REBUILD3 active/-"},
        "stopped/-": {"": _REBUILT_STOPPED},
    },
    "evacuate": {
        "active/any": {
            "end=stopped": "active/REBUILD3 active/- active/powering-off stopped/-",
            "": "active/REBUILD3 active/- active/powering-off stopped/-",
            "end=kept": "active/REBUILD3 active/-",
        },
        "stopped/any": {"end=stopped": _REBUILT_STOPPED, "end=kept": _REBUILT_STOPPED},
        f"{_RAN}; error/DEL2": {
            "end=stopped": "v/REBUILD3 active/-",
            "end=kept": "v/REBUILD3 active/-",
        },
    },
    "resize": {"active,stopped/-": _RESIZED},
    "migrate": {"active,stopped/-": _RESIZED},
    "confirm_resize": {
        "resized/-": {"": "w/-", "guest=off": "stopped/-", "guest=on": "active/-"},
    },
    "revert_resize": {
        "resized/-": {
            "was=active": "resized/resize_reverting active/-",
            "was=stopped": "resized/resize_reverting resized/powering-off stopped/-",
            "cell=cross": "resized/resize_reverting w/resize_reverting w/-",
        }
    },
    "live_migrate": {"active,paused/-": {"": "v/migrating v/-"}},
    "live_migrate_abort": {"active,paused/migrating": {"": "| v/-"}},
    "live_migrate_force_complete": {"active/migrating": {"": "| active/-"}},
    "create_image": {
        "LIVE/-": {
            "boot=image upload=staged": "v/image_snapshot_pending v/image_snapshot "
            "v/image_pending_upload v/image_uploading v/-",
            "boot=image upload=direct": "v/image_snapshot_pending v/image_snapshot "
            "v/image_uploading v/-",
            "boot=volume": "",
        }
    },
    "backup": {
        "LIVE/-": {
            "boot=image upload=staged": "v/image_backup v/image_pending_upload v/image_uploading "
            "v/-",
            "boot=image upload=direct": "v/image_backup v/image_uploading v/-",
        }
    },
    "change_password": {"active/-": {"": "active/updating_password active/-"}},
    "delete": _DELETE,
    "force_delete": _DELETE,
    "soft_delete": {
        f"{_HOSTED}/calm; {_RAN}": {
            "": "v/soft-deleting soft-delete/-",
            "host=up": "v/soft-deleting soft-delete/-",
            "host=down": _LOCAL_SOFT,
        },
        "resized/calm": {
            "": "resized/soft-deleting w/- w/soft-deleting soft-delete/-",
            "host=down": _LOCAL_SOFT,
        },
        f"{_HOSTED},error/deleting": {"": "| deleted/-", "host=down": _LOCAL_SOFT},
        f"{_HOSTED},error/soft-deleting": {"": "| soft-delete/-", "host=down": _LOCAL_SOFT},
        "resized/deleting": {"": "| w/- deleted/-", "host=down": _LOCAL_SOFT},
        "resized/soft-deleting": {
            "": "| w/- w/soft-deleting soft-delete/-",
            "host=down": _LOCAL_SOFT,
        },
        "shelved_offloaded/any": {"": _LOCAL_SOFT, "host=up": _LOCAL_SOFT},
        "building/scheduling": {"": "deleted/-", "host=down": "deleted/-"},
        f"{_CLAIMED}; {_NEVER_RAN}": {"": "v/deleting deleted/-", "host=down": _LOCAL},
        "building/deleting": {"": "| deleted/-", "host=down": _LOCAL},
    },
    "restore": {"soft-delete/-": {"": "soft-delete/restoring active/-"}},
    "reset_state_active": {f"{_ALIVE}/any": {"": "active/-"}},
    "reset_state_error": {f"{_ALIVE}/any": {"": "error/-"}},
}

# Part 3: operations that touch neither attribute, by the states that accept them.
UNSEEN = {
    "lock": f"{_ALIVE}/any",
    "unlock": f"{_ALIVE}/any",
    "inject_network_info": f"{_ALIVE}/any",
    "attach_volume": "active,paused,stopped,resized,soft-delete,shelved,shelved_offloaded/-",
    "detach_volume": "active,paused,stopped,resized,soft-delete,shelved,shelved_offloaded/-",
    "swap_volume": "active,paused,resized/-",
    "attach_interface": "active,paused,stopped/-",
    "detach_interface": "active,paused,stopped/-",
    "attach_share": "stopped/-",
    "detach_share": "stopped,error/-",
    "trigger_crash_dump": "active,paused,rescued,resized,error/-",
    "update_metadata": "LIVE/any",
    "delete_metadata": "LIVE/any",
    "get_console": f"{_HOSTED},resized/open; {_RAN.replace(',migrating', '')}; error/soft-deleting",
    "create_volume_snapshot": f"{_HOSTED},resized,error/-",
    "delete_volume_snapshot": f"{_HOSTED},resized,error/-",
}

# Part 3: what a server that was never launched, and one that is locked, accepts at all.
UNLAUNCHED = "delete force_delete soft_delete reset_state_active reset_state_error lock unlock"
LOCKED = (
    "create_image backup evacuate reset_state_active reset_state_error unlock get_console "
    "create_volume_snapshot delete_volume_snapshot"
)

# What is known of an event from what was given with it, not from memory.
GIVEN = {
    "shelve": "offload",
    "evacuate": "end",
    "resize": "cell",
    "migrate": "cell",
    "fail": "retry",
    "roll_back": "driver",
    "reschedule": "network",
    "restart": "guest vif",
    "confirm_resize": "guest",
    "timer": "guest",
    "delete": "host",
    "force_delete": "host",
    "soft_delete": "host",
}

_BUILDING = "building/-,scheduling,networking,block_device_mapping,spawning"
_SAME = "error/same error/-"
_GUEST_OFF = "v/reboot_pending_hard | v/reboot_started_hard active/-"

# Parts 5 and 6: what the system does, by the states where it can, by facts. What is under error only
# in passing is half way through a failure: the second write is all that is left of it.
EVENTS: dict[str, dict[str, dict[str, str]]] = {
    "fail": {
        _BUILDING: {"": "error/-"},
        "active/powering-off": {"closing=yes": "active/- error/-"},
        "resized/powering-off": {"": "resized/- error/-"},
        "active/reboot_started; LIVE/reboot_started_hard": {"": _SAME},
        "active/suspending,rescuing; stopped/rescuing; suspended/resuming; rescued/unrescuing": {
            "": _SAME
        },
        "shelved_offloaded/unshelving": {"": "error/unshelving"},
        "active,stopped/REBUILD3": {"": _SAME},
        "active,stopped/resize_prep": {
            "": "v/- error/-",
            "retry=ok": "v/- error/-",
            "retry=broken": "error/resize_prep error/-",
        },
        "active,stopped/resize_migrating,resize_migrated,resize_finish": {"": _SAME},
        "resized/-": {"": "error/-"},
        "resized,active,stopped/resize_reverting": {"": _SAME},
        f"building,resized,{_LAUNCHED.removesuffix(',error')}/deleting": {"": _SAME},
        "error/reboot_started,reboot_started_hard,suspending,resuming,rescuing,unrescuing": {
            "": "error/-"
        },
        "error/REBUILD3,RESIZE4,resize_reverting,deleting": {"": "error/-"},
    },
    "fail_late": {
        "active,stopped,error/rebuild_spawning": {"": "active/- error/-"},
        "resized/-": {"": "w/- error/-"},
        "active,paused/migrating": {"": "v/- error/-"},
    },
    "abort": {
        "active,stopped,paused,resized,error/powering-off": {"": "error/-"},
        "stopped,shelved/powering-on": {"": "error/-"},
        "active,stopped,error/rebuilding": {"": "error/-"},
        "active,stopped/resize_migrated": {"cell=cross": "error/-"},
        "active,paused/migrating": {"": "error/-"},
    },
    "roll_back": {
        "active,error,stopped,paused/powering-off": {"": "v/-"},
        "stopped,shelved/powering-on": {"": "v/-"},
        "active/reboot_started; LIVE,error/reboot_started_hard": {"": "active/-"},
        "v/rebooting,rebooting_hard,pausing,unpausing,rescuing": {"": "v/-"},
        "active/suspending; suspended/resuming": {"": "v/-"},
        "LIVE/updating_password,IMAGE5,SHELVE3; shelved/shelving_offloading": {"": "v/-"},
        "v/soft-deleting,restoring": {"": "v/-"},
        "rescued/unrescuing": {"": "v/-", "driver=complete": "v/-", "driver=lacks": "active/-"},
        "resized,active,stopped/resize_reverting": {"driver=lacks": "active/-"},
        "shelved_offloaded/unshelving,spawning": {"": "shelved_offloaded/-"},
        "v/rebuilding": {"": "v/-"},
        "active,stopped/resize_prep,resize_migrating": {"": "v/-"},
        "active,paused/migrating": {"": "v/-"},
    },
    "reschedule": {
        "building/-,networking,block_device_mapping,spawning": {
            "network=some": "building/scheduling | building/- building/networking "
            "building/block_device_mapping building/spawning active/-",
            "network=none": "building/scheduling | building/- building/block_device_mapping "
            "building/spawning active/-",
        },
        "active,stopped/resize_prep": {
            "": "v/same | v/resize_migrating v/resize_migrated v/resize_finish resized/-"
        },
    },
    "fallback": {
        "LIVE/image_uploading": {"": "v/image_pending_upload | v/image_uploading v/-"},
        "LIVE/shelving_image_uploading": {
            "": "v/shelving_image_pending_upload | v/shelving_image_uploading "
            "shelved/shelving_offloading shelved_offloaded/-",
        },
    },
    "power_sync": {"active,paused,stopped/-": {"": "v/powering-off | stopped/-"}},
    "power_event": {
        "active/-": {"": "active/powering-off | stopped/-"},
        "stopped/-": {"": "stopped/powering-on | active/-"},
    },
    "timer": {
        "resized/-": {"": "w/-", "guest=off": "stopped/-", "guest=on": "active/-"},
        "shelved/-": {"": "shelved/shelving_offloading | shelved_offloaded/-"},
        "rescued/-": {"": "rescued/unrescuing | active/-"},
    },
    "reclaim": {"soft-delete/-": {"": "deleted/-"}},
    "build_timeout": {
        "building/-": {"": "error/-"},
        "building/networking,block_device_mapping,spawning": {"": "error/same"},
    },
    "restart": {
        f"{_BUILDING}; active,stopped/REBUILD3; shelved_offloaded/spawning": {
            "": "error/-",
            "vif=broken": "error/-",
        },
        "building/deleting": {"": "error/-"},
        "LIVE/image_snapshot_pending,image_snapshot,image_pending_upload,image_uploading": {
            "": "v/-",
            "vif=broken": "v/- error/-",
        },
        "active,stopped/resize_prep": {"": "v/-", "vif=broken": "v/- error/-"},
        "active,stopped/resize_migrating; active,paused/migrating": {
            "": "v/-",
            "vif=broken": "error/same",
        },
        "error/resize_migrating": {"": "error/-", "vif=broken": "error/same"},
        "active/rebooting,reboot_started; LIVE/rebooting_hard,reboot_started_hard": {
            "guest=on": "active/-",
            "guest=on vif=broken": "active/- error/-",
            "guest=off": _GUEST_OFF,
            "guest=off vif=broken": _GUEST_OFF,
        },
        "active/pausing": {"guest=on": "active/-", "guest=on vif=broken": "active/- error/-"},
        "paused/unpausing": {
            "guest=on": "active/-",
            "guest=on vif=broken": "active/- error/-",
            "guest=paused": "v/same | active/-",
        },
        "active/reboot_pending": {
            "guest=on": "v/same | active/reboot_started active/-",
            "guest=off": _GUEST_OFF,
        },
        "LIVE/reboot_pending_hard": {"": _GUEST_OFF},
        f"{_LAUNCHED.replace(',soft-delete', '')}/deleting": {"": "v/same | deleted/-"},
        "resized/deleting": {"": "v/same | w/- deleted/-"},
        "active,stopped,paused,resized/powering-off": {"": "v/same | stopped/-"},
        "stopped,shelved/powering-on": {"": "v/same | active/-"},
        "LIVE,rescued,resized,shelved/-": {"vif=broken": "error/-"},
        "LIVE/image_backup,SHELVE3": {"vif=broken": "error/same"},
        "active/updating_password,suspending; suspended/resuming": {"vif=broken": "error/same"},
        "active,stopped/rescuing; rescued/unrescuing; shelved/shelving_offloading": {
            "vif=broken": "error/same"
        },
        "active,stopped/resize_migrated,resize_finish": {"vif=broken": "error/same"},
        "active,stopped,resized/resize_reverting": {"vif=broken": "error/same"},
    },
}

# Parts 3 to 6: what the facts rule out where the operation or event is possible otherwise.
RULED_OUT = {
    "backup": {"LIVE/-": "boot=volume"},
    "fail": {"active/powering-off": "closing=no"},
    "abort": {"active,stopped/resize_migrated": "cell=same"},
    "roll_back": {"resized,active,stopped/resize_reverting": "driver=complete"},
    "restart": {"active/pausing; paused/unpausing": "guest=off", "LIVE,shelved/-": "vif=ok"},
}

# Part 4: without a word about them, these are not so.
UNUSUAL = {"closing=yes", "cell=cross"}

# Part 4: what depends on a fact that is unknown until somebody says it.
UNSAID = {
    "confirm_resize": ("resized/-", "was"),
    "revert_resize": ("resized/-", "was"),
    "timer": ("resized/-", "was"),
    "fail_late": ("resized/-", "was"),
    "shelve": ("active/-", "boot"),
    "create_image": ("active/-", "boot"),
    "restart": ("active/rebooting", "guest"),
}


class Case(NamedTuple):
    """One trigger in one state with some facts known and some given, and what it leads to."""

    trigger: str
    source: str
    known: dict[str, str]
    given: dict[str, str]
    own: list[str]
    further: list[str]

    def __str__(self) -> str:
        facts = "".join(f" {n}={v}" for n, v in (self.known | self.given).items())
        return f"{self.trigger} at {self.source}{facts}"


def by_trigger(cases: Iterable[Case]) -> dict[str, list[Case]]:
    """The cases of each trigger."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.trigger, []).append(case)
    return found


def members(text: str, separator: str | None = None) -> list[str]:
    """The words of a text, groups replaced by their members."""
    words = (word.strip() for word in text.split(separator))
    return [member for word in words for member in GROUPS.get(word, word).split()]


STATUS = {
    f"{vm_state}/{task}": status
    for vm_state, tasks in STATUS_TABLE.items()
    for status, text in tasks.items()
    for task in members(text)
}
STATES = list(STATUS)


def states(text: str) -> list[str]:
    """The pairs of a set that occur. Raises KeyError for a word that there is not."""
    vm_known = {name: [name] for name in VM_STATES} | {"v": list(VM_STATES)}
    tasks = ["-", *members(TASK_STATES)]
    task_known = {task: [task] for task in tasks} | {
        "any": tasks,
        "calm": [task for task in tasks if task not in ("deleting", "soft-deleting")],
        "open": [task for task in tasks if task not in ("deleting", "migrating")],
    }
    found = []
    for part in text.split(";"):
        vm_states, _, words = part.strip().partition("/")
        for word, task in product(members(vm_states, ","), members(words, ",")):
            pairs = product(vm_known[word], task_known[task])
            found += [f"{vm}/{t}" for vm, t in pairs if f"{vm}/{t}" in STATUS]
    return found


def facts(text: str) -> dict[str, str]:
    """Facts written as `name=value name=value`."""
    return dict(word.split("=") for word in text.split())


def cases(rows: dict[str, dict[str, dict[str, str]]], *, own: int | None = None) -> Iterator[Case]:
    """Every row for each of its states; `own` states are the trigger's where no `|` says."""
    for trigger, by_source in rows.items():
        for sources, paths in by_source.items():
            for source, (said, path) in product(states(sources), paths.items()):
                for was in ("active", "stopped") if "w/" in path else ("",):
                    known = facts(said) | ({"was": was} if was else {})
                    yield _case(trigger, source, known, path.replace("w/", f"{was}/"), own)


def _case(trigger: str, source: str, said: dict[str, str], path: str, own: int | None) -> Case:
    known = dict(said)
    given = {name: known.pop(name) for name in GIVEN.get(trigger, "").split() if name in known}
    before, bar, after = path.partition("|")
    written, later = _entered(before, source), _entered(after, source)
    if not bar and own is not None:
        written, later = written[:own], written[own:]
    return Case(trigger, source, known, given, written, later)


def _entered(path: str, source: str) -> list[str]:
    entered = []
    vm_source, _, task_source = source.partition("/")
    for step in path.split():
        vm_state, _, tasks = step.partition("/")
        vm_state = vm_source if vm_state == "v" else vm_state
        entered += [f"{vm_state}/{t}" for t in members(task_source if tasks == "same" else tasks)]
    return entered


def pair(state: str) -> tuple[str, str | None]:
    """vm_state and task_state of a state's name."""
    vm_state, _, task_state = state.partition("/")
    return vm_state, None if task_state == "-" else task_state
