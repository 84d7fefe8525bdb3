"""Checks the room of a profile: `[hosts]`, `[flavors]` and `[placement]`.

They are used by `fleet capacity` only. A profile has hosts and flavors, or neither.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.profiles.profile import (
    SIZES,
    Document,
    Hosts,
    PlacementRules,
    Profile,
    Room,
    SizedFlavor,
)
from ecs_fsm.profiles.profile_values import TOLERANCE, Key, ProfileValues

SECTIONS = ("hosts", "flavors", "placement")
SPREAD, PACK = "spread", "pack"
MOST_HOSTS, MOST_SIZE, MOST_FLAVORS, MOST_RATIO = 100_000, 1 << 40, 1000, 1000
LARGEST_GROUP = 64
NO_ROOM = (
    "the profile has no [hosts] and [flavors]: `ecs-fsm fleet profile --capacity` prints an example"
)
WHOLE = 1e-12
"""By how much rounding may move a size that is a whole number, relative to it."""


def room_of(profile: Profile) -> Room:
    """Return the room of a profile. Raise `InvalidInput` if it has none."""
    if profile.room is None:
        raise InvalidInput(NO_ROOM)
    return profile.room


def read_room(values: ProfileValues, document: Document) -> Room | None:
    """Return the room of a profile, None if it has none. Raise `InvalidInput` for a mistake."""
    if not any(name in document for name in SECTIONS):
        return None
    tables = {name: values.table((name,), document.get(name)) for name in SECTIONS[:2]}
    hosts = _hosts(values, tables["hosts"])
    flavors = tuple(
        _flavor(values, name, table, hosts) for name, table in tables["flavors"].items()
    )
    if not 1 <= len(flavors) <= MOST_FLAVORS:
        raise values.problem(
            ("flavors",), f"has {len(flavors)} flavors; expected 1 to {MOST_FLAVORS}"
        )
    total = sum(flavor.share for flavor in flavors)
    if abs(total - 1) > TOLERANCE:
        raise values.problem(("flavors",), f"the shares add up to {total:g}; expected 1")
    return Room(hosts, flavors, _placement(values, document.get("placement", {})))


def _hosts(values: ProfileValues, table: Mapping[str, object]) -> Hosts:
    def key(name: str) -> Key:
        return ("hosts", name)

    times = ("fails_every", "down_for", "evacuate_after")
    values.known(("hosts",), table, ("count", *SIZES, "overcommit", "zones", *times))
    count = values.whole(key("count"), table.get("count"), 1, MOST_HOSTS)
    ratios = values.table(key("overcommit"), table.get("overcommit", {}))
    values.known(key("overcommit"), ratios, SIZES)
    sizes: list[int | None] = []
    for name in SIZES:
        ratio = 1.0
        if name in ratios:
            ratio = values.number((*key("overcommit"), name), ratios[name], MOST_RATIO)
            if not ratio:
                raise values.problem((*key("overcommit"), name), "is 0; expected a number above 0")
        if name not in table and name != SIZES[0]:
            sizes.append(None)
            continue
        size = values.whole(key(name), table.get(name), 1, MOST_SIZE)
        sizes.append(math.floor(size * ratio * (1 + WHOLE)))
    zones = values.whole(key("zones"), table.get("zones", 1), 1, count)
    failing = [name in table for name in times]
    if not any(failing):
        return Hosts(count, tuple(sizes), zones)
    fails, down = (values.duration(key(n), table.get(n)) for n in times[:2])
    for name, time in zip(times, (fails, down), strict=False):
        if not time.mean:
            raise values.problem(key(name), "is 0; expected a time above 0")
    after = values.time(key(times[2]), table[times[2]]) if failing[2] else math.inf
    return Hosts(count, tuple(sizes), zones, fails, down, after)


def _flavor(values: ProfileValues, name: str, value: object, hosts: Hosts) -> SizedFlavor:
    key = ("flavors", name)
    table = values.table(key, value)
    values.known(key, table, (*SIZES, "share"))
    sizes = []
    for size, most in zip(SIZES, hosts.sizes, strict=True):
        least = 1 if size == SIZES[0] else 0
        taken = values.whole((*key, size), table.get(size, None if least else 0), least, MOST_SIZE)
        if most is not None and taken > most:
            raise values.problem(
                (*key, size),
                f"is {taken}, and a host has {most}: no host has room for it; "
                f"expected at most {most}",
            )
        sizes.append(taken)
    share = values.number((*key, "share"), table.get("share"), 1)
    if not share:
        raise values.problem((*key, "share"), "is 0; expected a share above 0, or no such flavor")
    return SizedFlavor(name, tuple(sizes), share)


def _placement(values: ProfileValues, value: object) -> PlacementRules:
    def key(name: str) -> Key:
        return ("placement", name)

    table = values.table(("placement",), value)
    names = ("strategy", "anti_affinity", "group", "resize_to_same_host")
    values.known(("placement",), table, names)
    strategy = table.get("strategy", SPREAD)
    if strategy not in (SPREAD, PACK):
        raise values.problem(key("strategy"), f"is {strategy!r}; expected {SPREAD} or {PACK}")
    same_host = table.get("resize_to_same_host", False)
    if not isinstance(same_host, bool):
        raise values.problem(
            key("resize_to_same_host"), f"is {same_host!r}; expected true or false"
        )
    return PlacementRules(
        strategy == PACK,
        values.number(key("anti_affinity"), table.get("anti_affinity", 0), 1),
        values.whole(key("group"), table.get("group", 2), 2, LARGEST_GROUP),
        same_host,
    )
