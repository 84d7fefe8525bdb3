"""The exact answers for a profile as one JSON document, and what a change of a profile changes.

Figures are compared before and after, those that matter most first. Simulated ones have a standard
error: a difference that chance explains is left out, and of exact ones what rounding explains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.model import Kind
from ecs_fsm.fleet.arrays import compile_profile
from ecs_fsm.fleet.exact import Exact, Passage
from ecs_fsm.fleet.result import PERCENTILES, FleetResult, attributes_of, shown
from ecs_fsm.fleet.transient import NoClosedForm
from ecs_fsm.profiles.profile import Profile

DAY = 86_400
if TYPE_CHECKING:
    from ecs_fsm.fleet.capacity_result import Capacity, Estimate
    from ecs_fsm.fleet.contention import Contention, Queue

Answer = dict[str, object]
POINTS = 20
"""Points in time after 0, by default."""


def answer(
    profile: Profile,
    duration: float | None = None,
    step: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Answer:
    """Return everything that can be calculated for a profile; times in seconds.

    With a duration, also shares over time, every `step`. What cannot be calculated is None or
    missing, and "why" lists the reasons. `progress` receives how many operations are done, of how
    many.
    """
    exact, why = Exact(compile_profile(profile)), []
    found: Answer = {"lifecycle": profile.lifecycle.name}
    try:
        passages = exact.passages()
        found["operations"] = {name: _passage_as_dict(p, exact) for name, p in passages.items()}
        found["percentiles"] = percentiles = {}
        operations = exact.compiled.classes_by_operation()
        for name, classes in operations.items():
            times = exact.percentiles(exact.weights(classes), PERCENTILES)
            percentiles[name] = {str(p): time for p, time in times.items()}
            if progress:
                progress(len(percentiles), len(operations))
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


Figures = Mapping[str, "Figure"]
"""Figures by path, such as `operations.NAME.mean_seconds`."""
BATCHES = 20
"""Parts of a simulation whose means give the standard error of the whole."""
CHANCE = 3.0
"""Standard errors up to which a difference of simulated figures is chance."""
SMALLEST = 1e-6
"""The difference below which exact figures are equal, relative to the floor of their unit."""


class Unit(StrEnum):
    """What a figure counts."""

    SHARE = "share"
    TIME = "time"
    NUMBER = "number"


FLOORS = {Unit.SHARE: 1e-4, Unit.TIME: 0.1, Unit.NUMBER: 0.01}
"""What counts as next to nothing: a figure far below it does not matter, whatever its relation."""


class Figure(NamedTuple):
    """One figure: its name in words, its unit, its value (seconds for times), a standard error."""

    name: str
    unit: Unit
    value: float
    error: float = 0.0


class Effect(NamedTuple):
    """One figure before and after; `weight` says how much the change matters."""

    before: Figure
    after: Figure
    weight: float

    @property
    def relation(self) -> str:
        """The relation in words: "x 6.09", "-3.1 %", "from 0"."""
        one, two = self.before.value, self.after.value
        if not one or not two:
            return "from 0" if two else "to 0"
        if 0.5 < two / one < 2:
            return f"{100 * (two / one - 1):+.2g} %"
        return f"x {two / one:.3g}"

    def as_dict(self) -> dict[str, float]:
        """Return before, after and difference, for JSON."""
        one, two = self.before.value, self.after.value
        return {"before": one, "after": two, "difference": two - one}


def effects(before: Figures, after: Figures) -> dict[str, Effect]:
    """Return the figures that change, by path, those that change most first."""
    found = {}
    for path, one in before.items():
        two = after.get(path)
        if two is None:
            continue
        floor, off = FLOORS[one.unit], abs(two.value - one.value)
        weight = abs(math.log((two.value + floor) / (one.value + floor)))
        noise = CHANCE * math.hypot(one.error, two.error)
        if off > max(noise, SMALLEST * max(floor, one.value)):
            found[path] = Effect(one, two, weight)
    # Among equals, what is said of a whole life comes first.
    return dict(
        sorted(found.items(), key=lambda e: (-round(e[1].weight, 3), not e[0].startswith("life")))
    )


WORDS = {
    "requests_in_a_life": ("times in a life", Unit.NUMBER),
    "requests_a_day": ("times a day", Unit.NUMBER),
    "rests": ("comes to rest", Unit.SHARE),
    "ends_in_error": ("in error", Unit.SHARE),
    "mean_seconds": ("mean time", Unit.TIME),
    "sd_seconds": ("sd of the time", Unit.TIME),
    "mean_changes": ("changes", Unit.NUMBER),
    "sd_changes": ("sd of the changes", Unit.NUMBER),
    "mean_steps": ("steps", Unit.NUMBER),
}


def of_answer(answer: Mapping[str, object]) -> dict[str, Figure]:
    """Return the figures of an exact answer."""
    figures = {}
    ends = isinstance((life := answer.get("life")), Mapping) and life.get("mean_seconds")
    for path, value in _numbers(answer):
        first, second, *_ = *path, ""
        last = path[-1]
        if last == "requests_a_day" and ends:
            continue  # it says what the times in a life say
        name, unit = WORDS.get(last, (last, Unit.SHARE))
        if first == "percentiles":
            name, unit = f"{last} % within", Unit.TIME
        elif first == "shares":
            second, name = "share of time", f"{second} {last}"
        elif first == "life":
            second = "a life" if len(path) == 2 else "a life ends at"
        figures[".".join(path)] = Figure(f"{second}: {name}", unit, value)
    return figures


def _numbers(found: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """Every number of an answer with its path, except those over time."""
    if isinstance(found, Mapping):
        for key, value in found.items():
            if key not in ("times", "over_time"):
                yield from _numbers(value, (*path, str(key)))
    elif isinstance(found, float):
        yield path, found


def figures_of(run: FleetResult | Contention | Capacity) -> dict[str, Figure]:
    """Return the figures of a simulation."""
    from ecs_fsm.fleet.capacity_result import Capacity

    if isinstance(run, FleetResult):
        return of_result(run)
    if isinstance(run, Capacity):
        return of_capacity(run)
    return {**of_queues(run.queues), **of_result(run.result)}


def of_result(result: FleetResult) -> dict[str, Figure]:
    """Return the figures of a simulation of independent servers, with standard errors."""
    figures, done = {}, max(result.done, 1)
    for operation, seen in result.requests().items():
        if not seen.requested:
            continue
        where, often = f"operations.{operation}", seen.requested / done
        figures[f"{where}.requests_of_a_server"] = Figure(
            f"{operation}: times a server", Unit.NUMBER, often, math.sqrt(seen.requested) / done
        )
        for key, word, count in (
            ("ends_in_error", "in error", seen.failed),
            ("hangs", "hangs", seen.hung),
        ):
            name = f"{operation}: {word}"
            figures[f"{where}.{key}"] = _proportion(name, count, seen.requested)
        if seen.rested:
            middle, _ = seen.bins()
            variance = float(seen.histogram @ (middle - seen.mean) ** 2) / seen.rested
            figures[f"{where}.mean_seconds"] = Figure(
                f"{operation}: mean time",
                Unit.TIME,
                seen.mean,
                math.sqrt(variance / seen.rested),
            )
            for percent in PERCENTILES:
                off = 100 * math.sqrt(percent / 100 * (1 - percent / 100) / seen.rested)
                low, high = (seen.percentile(min(percent + n * off, 100)) for n in (-1, 1))
                figures[f"percentiles.{operation}.{percent}"] = Figure(
                    f"{operation}: {percent} % within",
                    Unit.TIME,
                    seen.percentile(percent),
                    (high - low) / 2,
                )
    for event, count in result.events(Kind.FAILURE).items():
        figures[f"failures.{event}"] = Figure(
            f"{event}: times a server", Unit.NUMBER, count / done, math.sqrt(count) / done
        )
    for word, column in result.counts().items():
        figures[f"at_the_end.{word}"] = _proportion(f"at the end: {word}", int(column[-1]), done)
    return figures


def of_capacity(found: Capacity) -> dict[str, Figure]:
    """Return the figures of a simulation of servers on hosts."""
    figures = {}

    def add(path: str, name: str, estimate: Estimate | None) -> None:
        if estimate:
            figures[path] = Figure(name, Unit.SHARE, estimate.value, estimate.error)

    add("refused", "all creations: refused", found.refused())
    for n, flavor in enumerate(found.room.flavors):
        add(f"flavors.{flavor.name}.refused", f"{flavor.name}: refused", found.refused(n))
        lost = found.fragmentation(n)
        add(f"flavors.{flavor.name}.fragmentation", f"{flavor.name}: room in parts too small", lost)
    for name, used in found.use().items():
        add(f"use.{name}", f"{name}: in use", used)
    for n, name in enumerate(found.operations):
        add(f"moves.{name}.refused", f"{name}: finds no host", found.unmoved(n))
    if found.bound_of_all is not None:
        figures["bound"] = Figure(
            "all creations: refused by one pool", Unit.SHARE, found.bound_of_all
        )
    full = np.array(found.full)
    if len(full) > 1 and np.isfinite(full).all():
        error = float(full.std(ddof=1) / math.sqrt(len(full)))
        figures["full"] = Figure("until full: mean time", Unit.TIME, float(full.mean()), error)
    return figures


def of_queues(queues: tuple[Queue, ...]) -> dict[str, Figure]:
    """Return the figures of the queues of a simulation of servers that compete."""
    figures = {}
    for queue in queues:
        name, waits = queue.resource.name, queue.waits
        if len(waits):
            figures[f"resources.{name}.mean_wait"] = Figure(
                f"{name}: mean wait", Unit.TIME, float(waits.mean()), _batch_error(waits)
            )
        error = _batch_error(queue.lengths.astype(np.float64))
        figures[f"resources.{name}.mean_queue"] = Figure(
            f"{name}: mean queue", Unit.NUMBER, queue.length, error
        )
    return figures


def _proportion(name: str, count: int, of: int) -> Figure:
    share = (count + 0.5) / (of + 1)  # the error of 0 of 10 is not 0
    return Figure(name, Unit.SHARE, count / of, math.sqrt(share * (1 - share) / of))


def _batch_error(values: NDArray[np.float64]) -> float:
    """The standard error of a mean of values that depend on those before, by batch means."""
    if len(values) < 2 * BATCHES:
        return math.inf
    means = [batch.mean() for batch in np.array_split(values, BATCHES)]
    return float(np.std(means, ddof=1) / math.sqrt(BATCHES))
