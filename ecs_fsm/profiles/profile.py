"""A profile: how long steps take, what is asked at rest, what goes wrong, what servers come.

It is a value that was checked against its lifecycle; `ecs_fsm.profiles.loader` reads it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.profiles.durations import Duration, Family

Document = Mapping[str, object]
"""A profile as it is written."""
SIZES = ("vcpus", "ram", "disk")
"""What a host has and a server takes; RAM in MiB and disk in GiB, as in Nova's flavors."""
NEVER = Duration(Family.CONSTANT, math.inf)


@dataclass(frozen=True, slots=True)
class Requests:
    """What comes of a server at rest: the time until it is asked, and the share of each request."""

    every: Duration
    mix: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Stuck:
    """What comes of a server that hangs: after a time, the first of `ask` that it accepts."""

    every: Duration
    ask: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How servers come.

    `fixed` creates all at time 0, `poisson` further ones later with a mean time of `every` seconds
    between them, `none` finds them at rest in `state`.
    """

    kind: str
    every: float = 0.0
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """What servers compete for: `capacity` of each of `hosts`, held during `steps`."""

    name: str
    capacity: int
    hosts: int
    steps: frozenset[State]


@dataclass(frozen=True, slots=True)
class Hosts:
    """`count` hosts that are alike, by turns in `zones` zones.

    `sizes` are what servers can take of each, with overcommitment, in the order of `SIZES`; None
    has no limit. A host fails after `fails_every`, and returns after `down_for`; its servers are
    evacuated `evacuate_after` seconds after the failure, if the host is not back by then.
    """

    count: int
    sizes: tuple[int | None, ...]
    zones: int = 1
    fails_every: Duration = NEVER
    down_for: Duration = NEVER
    evacuate_after: float = math.inf


@dataclass(frozen=True, slots=True)
class SizedFlavor:
    """What a server of this flavor takes, in the order of `SIZES`, and its share of creations."""

    name: str
    sizes: tuple[int, ...]
    share: float


@dataclass(frozen=True, slots=True)
class PlacementRules:
    """How a host is chosen among those with room: Nova's weighers, with a positive multiplier.

    With `pack` it is negative. `anti_affinity` is the share of servers in groups of `group` servers
    that share no host. A resize stays on its host only if `same_host` allows that.
    """

    pack: bool = False
    anti_affinity: float = 0.0
    group: int = 2
    same_host: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """Hosts, the flavors of servers, and how servers are placed on hosts."""

    hosts: Hosts
    flavors: tuple[SizedFlavor, ...]
    placement: PlacementRules


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything random about the servers of a lifecycle.

    `durations` are by working state, `requests` by resting state, `outcomes` the probabilities of
    triggers other than advance, by event and state, `hang` by state, `facts` the shares of values
    by fact, `replay` the weights of what a fleet does not do by itself, by event, kind or
    FACT=VALUE.
    `document` is what all this was read from, `room` the hosts and flavors if there are any.
    """

    lifecycle: Lifecycle
    arrivals: Arrivals
    durations: Mapping[State, Duration]
    requests: Mapping[State, Requests]
    outcomes: Mapping[str, Mapping[State, float]]
    hang: Mapping[State, float]
    stuck: Stuck | None
    facts: Mapping[str, Mapping[str, float]]
    resources: tuple[Resource, ...]
    replay: Mapping[str, float]
    document: Document
    room: Room | None = None
