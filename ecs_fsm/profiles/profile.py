"""A profile: how long steps take, what is asked at rest, what goes wrong, what servers come.

It is a value that was checked against its lifecycle; `ecs_fsm.profiles.loader` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.profiles.durations import Duration

Document = Mapping[str, object]
"""A profile as it is written."""


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
class Profile:
    """Everything random about the servers of a lifecycle.

    `durations` are by working state, `requests` by resting state, `outcomes` the probabilities of
    triggers other than advance, by event and state, `hang` by state, `facts` the shares of values
    by fact, `replay` the weights of what a fleet does not do by itself, by event, kind or
    FACT=VALUE.
    `document` is what all this was read from.
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
