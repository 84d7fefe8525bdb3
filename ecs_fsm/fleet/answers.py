"""The exact answers as people and programs read them, before and after a change of the profile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from ecs_fsm.fleet.checking import Checked
from ecs_fsm.fleet.compiled import compile_profile
from ecs_fsm.fleet.exact import Course, Exact
from ecs_fsm.fleet.lattice import law
from ecs_fsm.fleet.result import ATTRIBUTES, PERCENTILES, shown
from ecs_fsm.fleet.stages import NoClosedForm
from ecs_fsm.fleet.tally import SHORTEST
from ecs_fsm.fleet.telling import print_rows, span
from ecs_fsm.io.console import console
from ecs_fsm.profiles.profile import Profile

Answer = dict[str, object]
MOST_TIMES = 9
OCTAVES = 8
"""How far below the longest times percentiles are looked for at first."""
POINTS = 20
"""Points in time besides 0 where nobody says how many."""


def answer(profile: Profile, duration: float | None = None, step: float | None = None) -> Answer:
    """Everything that can be calculated of a profile; shares over time for `duration` seconds.

    What has no closed form is None, and "why" tells the reason.
    """
    exact, why = Exact(compile_profile(profile)), []
    told: Answer = {"lifecycle": profile.lifecycle.name}
    try:
        courses = exact.courses()
        told["operations"] = {name: _course(course) for name, course in courses.items()}
        told["percentiles"] = {name: _percentiles(exact, name, c) for name, c in courses.items()}
        told["life"] = {
            "mean_seconds": _finite(exact.life),
            "mean_steps": _finite(exact.steps),
            "ends": exact.ends(),
        }
        told["shares"] = {attribute: exact.shares(attribute) for attribute in ATTRIBUTES}
    except NoClosedForm as error:
        why.append(str(error))
    if duration is not None:
        try:
            told |= _over_time(exact, duration, step or duration / POINTS)
        except NoClosedForm as error:
            told["over_time"] = None
            why.append(str(error))
    return told | {"why": why}


def _percentiles(exact: Exact, name: str, course: Course) -> dict[str, float]:
    """The seconds from request to rest of an operation that each share of its requests keeps to."""
    if not course.rests:
        return {str(percent): 0.0 for percent in PERCENTILES}
    groups = exact.compiled.groups
    steps = exact.steps_of(exact.weights(n for n, g in enumerate(groups) if g.asks == name))
    # By Cantelli's inequality less than 1 % take longer than this.
    longest = max(course.seconds + 10 * course.spread, 2 * SHORTEST)
    most = math.ceil(math.log2(longest / SHORTEST))
    few = min(OCTAVES, most)
    found = law(steps, SHORTEST * 2.0 ** (most - few), few)
    if found.shares[0] > PERCENTILES[0] / 100:
        found = law(steps, SHORTEST, most)
    return {str(percent): found.percentile(percent) for percent in PERCENTILES}


def _course(course: Course) -> dict[str, float]:
    return {
        "requests_in_a_life": course.requests,
        "rests": course.rests,
        "ends_in_error": course.error,
        "mean_seconds": course.seconds,
        "sd_seconds": course.spread,
        "mean_changes": course.changes,
        "sd_changes": course.changes_spread,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _over_time(exact: Exact, duration: float, step: float) -> Answer:
    points = math.floor(duration / step * (1 + 1e-12)) + 1
    law, _ = exact.over_time(step, range(points))
    columns: dict[str, np.ndarray] = {}
    for n, spot in enumerate(exact.compiled.spots):
        if spot.place.node is not None:
            word = shown(spot.place.node.state, "status")
            columns[word] = columns.get(word, 0.0) + law[:, n]
    times = (np.arange(points) * step).tolist()
    return {"times": times, "over_time": {word: c.tolist() for word, c in columns.items()}}


def numbers(told: object, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number of an answer with its path, such as `operations.NAME.mean_seconds`."""
    if isinstance(told, Mapping):
        for key, value in told.items():
            if key not in ("times", "over_time"):
                yield from numbers(value, f"{name}.{key}" if name else str(key))
    elif isinstance(told, float):
        yield name, told


def differences(before: Answer, after: Answer) -> dict[str, dict[str, float]]:
    """What a change does: before, after and difference of every number that it changes."""
    then = dict(numbers(after))
    return {
        name: {"before": value, "after": then[name], "difference": then[name] - value}
        for name, value in numbers(before)
        if name in then and abs(then[name] - value) > 1e-9 * max(abs(value), 1e-6)
    }


def print_answer(told: Answer) -> None:
    """Print an answer as tables."""
    shown_on = console()
    for reason in _texts(told["why"]):
        shown_on.print(reason, soft_wrap=True)
    operations, percentiles = told.get("operations"), told.get("percentiles")
    if isinstance(operations, dict) and isinstance(percentiles, dict):
        _print_operations(operations, percentiles)
    life = told.get("life")
    if isinstance(life, dict):
        _print_life(life)
    shares = told.get("shares")
    if isinstance(shares, dict):
        rows = [(word, f"{share:.6%}") for word, share in shares["status"].items()]
        print_rows("share of a life, and of a fleet that is kept full", ("status", "share"), rows)
    over_time, times = told.get("over_time"), told.get("times")
    if isinstance(over_time, dict) and isinstance(times, list):
        last = len(times) - 1
        picked = sorted({round(n * last / (MOST_TIMES - 1)) for n in range(MOST_TIMES)})
        rows = [(word, *(f"{c[n]:.4%}" for n in picked)) for word, c in over_time.items()]
        print_rows("share over time", ("status", *(span(times[n]) for n in picked)), rows)


def _texts(why: object) -> list[str]:
    return [str(reason) for reason in why] if isinstance(why, list) else []


def _print_operations(
    operations: Mapping[str, Mapping[str, float]], percentiles: Mapping[str, Mapping[str, float]]
) -> None:
    within = [f"{percent} %" for percent in PERCENTILES]
    headings = ["operation", "times in a life", "mean", "sd", *within, "changes", "in error"]
    rows = [
        (
            name,
            f"{c['requests_in_a_life']:.4g}",
            span(c["mean_seconds"]),
            span(c["sd_seconds"]),
            *(span(seconds) for seconds in percentiles[name].values()),
            f"{c['mean_changes']:.4f}",
            f"{c['ends_in_error']:.4%}",
            f"{max(1 - c['rests'], 0):.4%}",
        )
        for name, c in operations.items()
    ]
    print_rows("from request to rest, exactly", (*headings, "hangs"), rows)


def _print_life(life: Mapping[str, object]) -> None:
    seconds, steps, ends = life["mean_seconds"], life["mean_steps"], life["ends"]
    if isinstance(seconds, float) and isinstance(steps, float) and isinstance(ends, dict):
        rows = [(where, f"{chance:.6%}") for where, chance in ends.items()]
        print_rows(f"a life takes {span(seconds)} in {steps:.2f} steps", ("ends at", "share"), rows)
    else:
        console().print("\nlives have no end", soft_wrap=True)


def print_differences(changed: Mapping[str, Mapping[str, float]]) -> None:
    """Print what a change does."""
    rows = [
        (name, f"{c['before']:.6g}", f"{c['after']:.6g}", f"{c['difference']:+.4g}")
        for name, c in changed.items()
    ]
    print_rows("what changes", ("what", "before", "after", "difference"), rows)


def check_as_dict(checked: Checked) -> Answer:
    """A comparison for JSON."""
    return {
        "agrees": not checked.disagreements,
        "left_out": checked.left_out,
        "comparisons": [c._asdict() for c in checked.comparisons],
        "disagreements": [c.what for c in checked.disagreements],
    }


def print_check(checked: Checked) -> None:
    """Print simulated beside exact numbers."""
    headings = ("what", "simulated", "95 % confidence", "exact", "chance")
    rows = [
        (c.what, f"{c.simulated:.6g}", f"{c.low:.6g} to {c.high:.6g}", f"{c.exact:.6g}",
         f"{c.chance:.2g}{'  DISAGREES' if c in checked.disagreements else ''}")
        for c in checked.comparisons
    ]  # fmt: skip
    print_rows("simulated and exact", headings, rows)
    shown_on = console()
    if checked.left_out:
        shown_on.print(checked.left_out, soft_wrap=True)
    wrong = len(checked.disagreements)
    verdict = f"{wrong} DISAGREE" if wrong else "all agree"
    shown_on.print(
        f"{len(checked.comparisons)} numbers compared at 1 in a million: {verdict}", soft_wrap=True
    )
