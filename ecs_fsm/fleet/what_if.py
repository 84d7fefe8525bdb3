"""The exact answers for a profile as one JSON document."""

from __future__ import annotations

import math

import numpy as np

from ecs_fsm.fleet.arrays import compile_profile
from ecs_fsm.fleet.exact import Exact, Passage
from ecs_fsm.fleet.result import PERCENTILES, attributes_of, shown
from ecs_fsm.fleet.transient import NoClosedForm
from ecs_fsm.profiles.profile import Profile

DAY = 86_400
Answer = dict[str, object]
POINTS = 20
"""Points in time after 0, by default."""


def answer(profile: Profile, duration: float | None = None, step: float | None = None) -> Answer:
    """Return everything that can be calculated for a profile; times in seconds.

    With a duration, also shares over time, every `step`. What cannot be calculated is None or
    missing, and "why" lists the reasons.
    """
    exact, why = Exact(compile_profile(profile)), []
    found: Answer = {"lifecycle": profile.lifecycle.name}
    try:
        passages = exact.passages()
        found["operations"] = {name: _passage_as_dict(p, exact) for name, p in passages.items()}
        found["percentiles"] = {
            name: {
                str(p): time
                for p, time in exact.percentiles(exact.weights(classes), PERCENTILES).items()
            }
            for name, classes in exact.compiled.classes_by_operation().items()
        }
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


def _passage_as_dict(passage: Passage, exact: Exact) -> dict[str, float | None]:
    ends = math.isfinite(exact.life)
    return {
        "requests_in_a_life": passage.requests if ends else None,
        "requests_a_day": passage.requests * DAY / exact.seconds,
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
