"""Which lifecycles the emulated cloud can serve: those that speak OpenStack as Nova does."""

from __future__ import annotations

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import ATTRIBUTES
from ecs_fsm.lifecycles import names, server_class

SPOKEN = "nova"
"""The lifecycle whose operations the APIs of the cloud request."""


def check_servable(lifecycle: Lifecycle) -> None:
    """Raise `InvalidInput`, saying why and what can be served, for any other lifecycle."""
    if reason := why_not(lifecycle):
        able = [name for name in names() if not why_not(server_class(name).lifecycle)]
        raise InvalidInput(
            f"serve speaks OpenStack, and {lifecycle.name} does not: {reason}; it can serve "
            f"{', '.join(able)}, and files that extend them"
        )


def why_not(lifecycle: Lifecycle) -> str:
    """Return why a lifecycle cannot be served; empty if it can be."""
    attributes = {key: lifecycle.table.attributes.get(key) for key in ATTRIBUTES}
    if lifecycle.table.one_word or attributes != dict(ATTRIBUTES):
        called = ", ".join(lifecycle.table.attributes.values())
        return f"its attributes are {called}, not those of the compute API"
    known = server_class(SPOKEN).lifecycle
    foreign = [name for name in lifecycle.operations if name not in known.operations]
    if foreign:
        return f"Nova has no operation {foreign[0]}"
    if {*lifecycle.creations} != {*known.creations}:
        return f"servers come by {' and '.join(known.creations)} only"
    return ""
