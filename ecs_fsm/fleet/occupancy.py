"""What a server's changes mean for hosts: which jumps take room, and which free it.

The words are those of `occupancy.toml`; here they become arrays beside those of the process.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.errors import Refused
from ecs_fsm.core.model import Kind, State
from ecs_fsm.fleet.arrays import ABSENT, CompiledProfile
from ecs_fsm.profiles.loader import changed
from ecs_fsm.profiles.process import Activity, ChainState
from ecs_fsm.profiles.profile import Profile

Numbers = NDArray[np.int64]
SELDOM = 1e-12
"""The share of a request that is never drawn, and that makes its steps a part of the process."""


class Need(IntEnum):
    """What a chain state means for the room of a server that enters it."""

    TAKES = 0
    KEEPS = 1
    FREES = 2


class Second(IntEnum):
    """What a jump means for a second place: none, the same flavor elsewhere, another flavor."""

    NONE = 0
    MOVES = 1
    RESIZES = 2


class RoomRules(NamedTuple):
    """The rules for P chain states and J jumps.

    `needs` (P) are values of `Need`; `rests` (P) is 1 where nothing runs, 2 where both places are
    held until an answer; `undone` (P) is the chain state to which a server goes from here if it
    finds no host, `rescued` (P) the jump by which it leaves a host that failed, `ABSENT` for none.
    `moves` (J) are values of `Second`; `well` (J) is 1 for progress, `reverts` (J) for a request
    that keeps the first place; `operations` (J) is the number of the operation that begins,
    `ABSENT` for none.
    """

    needs: Numbers
    rests: Numbers
    undone: Numbers
    rescued: Numbers
    moves: Numbers
    well: Numbers
    reverts: Numbers
    operations: Numbers


@cache
def _words() -> Mapping[str, list[str]]:
    text = (resources.files("ecs_fsm.fleet") / "occupancy.toml").read_text(encoding="utf-8")
    return {k: [v] if isinstance(v, str) else v for k, v in tomllib.loads(text).items()}


def with_rescues(profile: Profile) -> Profile:
    """Return a profile whose process has the steps of servers that leave a host that failed."""
    lifecycle, changes = profile.lifecycle, []
    for name in _words()["evacuation"]:
        for state, requests in profile.requests.items():
            if (
                name in lifecycle.triggers
                and lifecycle.find(name, state)
                and name not in requests.mix
            ):
                shares = ", ".join(f'"{n}" = {s!r}' for n, s in requests.mix.items())
                changes.append(f'requests."{state}".mix={{ {shares}, "{name}" = {SELDOM!r} }}')
    return changed(profile, changes) if changes else profile


def room_rules(compiled: CompiledProfile, names: Sequence[str]) -> RoomRules:
    """Return the rules for a process; `names` are its operations, by number."""
    words, lifecycle = _words(), compiled.profile.lifecycle
    numbers = {sojourn.at: n for n, sojourn in enumerate(compiled.sojourns)}
    needs, rests, undone, rescued = ([ABSENT] * len(numbers) for _ in range(4))
    for n, sojourn in enumerate(compiled.sojourns):
        node = sojourn.at.node
        if node is None:
            needs[n], rests[n] = Need.KEEPS, 0
            continue
        state = node.state
        freed = words["frees_words" if state.one_word else "frees"]
        needs[n] = (
            Need.FREES if state.gone or _among(state, freed)
            else Need.KEEPS if _among(state, words["keeps"]) else Need.TAKES
        )  # fmt: skip
        resting = sojourn.activity in (Activity.RESTS, Activity.ENDS)
        rests[n] = 0 if not resting else 2 if _among(state, words["answer"]) else 1
        for name in words["refused"]:
            if needs[n] == Need.FREES and name in lifecycle.triggers:
                with suppress(Refused):
                    back = ChainState(lifecycle.outcome(name, node).end)
                    undone[n] = numbers.get(back, ABSENT)
    moves, well, reverts, operations = ([0] * len(compiled.jumps) for _ in range(4))
    origins = [n for n, sojourn in enumerate(compiled.sojourns) for _ in sojourn.jumps]
    for n, jump in enumerate(compiled.jumps):
        kind = None if jump.event is None else lifecycle.triggers[jump.event].kind
        well[n] = int(kind is Kind.PROGRESS)
        operations[n] = ABSENT if jump.requested is None else names.index(jump.requested)
        if jump.requested is None or jump.event != jump.requested:
            continue
        if jump.requested in words["moves"]:
            moves[n] = Second.RESIZES if jump.requested in words["resizes"] else Second.MOVES
        reverts[n] = int(jump.requested in words["reverts"])
        if jump.requested in words["evacuation"] and rescued[origins[n]] == ABSENT:
            rescued[origins[n]] = n
    columns = (needs, rests, undone, rescued, moves, well, reverts, operations)
    return RoomRules(*(np.array(column, np.int64) for column in columns))


def _among(state: State, words: Sequence[str]) -> bool:
    return str(state) in words or str(state.vm_state) in words
