"""The exact answers for a profile as one JSON document, and what a change of the profile does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from ecs_fsm.fleet.arrays import compile_profile
from ecs_fsm.fleet.exact import Exact, Passage
from ecs_fsm.fleet.lattice import passage_time
from ecs_fsm.fleet.result import PERCENTILES, attributes_of, shown
from ecs_fsm.fleet.tally import SHORTEST
from ecs_fsm.fleet.transient import NoClosedForm
from ecs_fsm.profiles.profile import Profile

Answer = dict[str, object]
OCTAVES = 8
"""How far below the longest times percentiles are looked for at first."""
POINTS = 20
"""Points in time after 0, by default."""
SMALLEST_CHANGE = 1e-9
"""The relative difference below which two numbers are equal up to rounding."""


def answer(profile: Profile, duration: float | None = None, step: float | None = None) -> Answer:
    """Return everything that can be calculated for a profile; times in seconds.

    With a duration, also shares over time, every `step`. What cannot be calculated is None or
    missing, and "why" lists the reasons.
    """
    exact, why = Exact(compile_profile(profile)), []
    found: Answer = {"lifecycle": profile.lifecycle.name}
    try:
        passages = exact.passages()
        found["operations"] = {name: _passage_as_dict(p) for name, p in passages.items()}
        found["percentiles"] = {name: _percentiles(exact, name, p) for name, p in passages.items()}
        found["life"] = {
            "mean_seconds": _finite(exact.life),
            "mean_steps": _finite(exact.steps),
            "ends": exact.ends(),
        }
        named = attributes_of(exact.compiled.profile.lifecycle)
        found["shares"] = {name: exact.shares(key) for name, key in named.items()}
    except NoClosedForm as error:
        why.append(str(error))
    if duration is not None:
        try:
            found |= _over_time(exact, duration, step or duration / POINTS)
        except NoClosedForm as error:
            found["over_time"] = None
            why.append(str(error))
    return found | {"why": why}


def _percentiles(exact: Exact, operation: str, passage: Passage) -> dict[str, float]:
    """The seconds within which each percentage of an operation's requests comes to rest."""
    if not passage.rests:
        return {str(percent): 0.0 for percent in PERCENTILES}
    classes = exact.compiled.classes_by_operation()[operation]
    chain = exact.chain_of(exact.weights(classes))
    # By Cantelli's inequality, less than 1 % take longer than this.
    longest = max(passage.seconds + 10 * passage.seconds_spread, 2 * SHORTEST)
    most = math.ceil(math.log2(longest / SHORTEST))
    few = min(OCTAVES, most)
    found = passage_time(chain, SHORTEST * 2.0 ** (most - few), few)
    if found.shares[0] > PERCENTILES[0] / 100:
        found = passage_time(chain, SHORTEST, most)
    return {str(percent): found.percentile(percent) for percent in PERCENTILES}


def _passage_as_dict(passage: Passage) -> dict[str, float]:
    return {
        "requests_in_a_life": passage.requests,
        "rests": passage.rests,
        "ends_in_error": passage.error,
        "mean_seconds": passage.seconds,
        "sd_seconds": passage.seconds_spread,
        "mean_changes": passage.changes,
        "sd_changes": passage.changes_spread,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _over_time(exact: Exact, duration: float, step: float) -> Answer:
    points = math.floor(duration / step * (1 + 1e-12)) + 1
    law, _ = exact.over_time(step, range(points))
    columns: dict[str, np.ndarray] = {}
    for n, sojourn in enumerate(exact.compiled.sojourns):
        if sojourn.at.node is not None:
            word = shown(sojourn.at.node.state, "status")
            columns[word] = columns.get(word, 0.0) + law[:, n]
    times = (np.arange(points) * step).tolist()
    return {"times": times, "over_time": {word: c.tolist() for word, c in columns.items()}}


def differences(before: Answer, after: Answer) -> dict[str, dict[str, float]]:
    """Return before, after and difference of every number that a change of the profile changes."""
    then = dict(_numbers(after))
    return {
        name: {"before": value, "after": then[name], "difference": then[name] - value}
        for name, value in _numbers(before)
        if name in then and abs(then[name] - value) > SMALLEST_CHANGE * max(abs(value), 1e-6)
    }


def _numbers(found: object, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number of an answer with its path, such as `operations.NAME.mean_seconds`."""
    if isinstance(found, Mapping):
        for key, value in found.items():
            if key not in ("times", "over_time"):
                yield from _numbers(value, f"{name}.{key}" if name else str(key))
    elif isinstance(found, float):
        yield name, found
