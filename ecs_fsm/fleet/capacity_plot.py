"""Plots of servers on hosts: refusals and use over time, and refusals by the number of hosts."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ecs_fsm.fleet.capacity_result import CONFIDENCE, Capacity
from ecs_fsm.fleet.plot import DASHES, DAY, SIDES, kind_of, rendered
from ecs_fsm.fleet.report import span
from ecs_fsm.fleet.sizing import Sizing
from ecs_fsm.io.files import write_whole

MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
SURE = f"{100 * CONFIDENCE:g} % confidence"
POINTS = 60
"""Points of a curve over time; intervals are put together."""


def plot_capacity(found: Capacity, path: str) -> None:
    """Draw refusals by flavor beside the exact ones, and refusals, use and room over time."""
    kind = kind_of(path)
    figure = Figure(figsize=SIDES)
    grid = figure.add_gridspec(2, 2, left=0.07, right=0.98, top=0.86, bottom=0.08, hspace=0.4)
    _refusals(figure.add_subplot(grid[0, 0]), found)
    _over_time(figure.add_subplot(grid[0, 1]), found)
    _use(figure.add_subplot(grid[1, 0]), found)
    _room(figure.add_subplot(grid[1, 1]), found)
    hosts = found.room.hosts
    partial = ", interrupted" if found.partial else ""
    figure.suptitle(
        f"lifecycle {found.profile.lifecycle.name}: {hosts.count:,} hosts for "
        f"{span(found.plan.step * found.intervals)}{partial}, seed {found.seed}\n"
        f"bars: simulated, with {SURE}; crosses: exact; lines: one pool",
        fontsize=10,
    )
    write_whole(path, rendered(figure, kind))


def _refusals(axes: Axes, found: Capacity) -> None:
    exact, _ = found.exact
    names = [flavor.name for flavor in found.room.flavors]
    for n, _name in enumerate(names):
        share = found.refused(n)
        if share:
            off = [[share.value - share.low], [share.high - share.value]]
            axes.bar(n, share.value, color="0.8", edgecolor="0.3", yerr=off, capsize=4)
        if exact:
            axes.plot([n], [exact[n]], "kx", markersize=9)
        if found.bound:
            axes.plot([n - 0.4, n + 0.4], [found.bound[n]] * 2, "k--", linewidth=1)
    axes.set_xticks(range(len(names)), names)
    axes.set(title='"No valid host", by flavor', ylabel="of creations")
    _percent(axes)


def _over_time(axes: Axes, found: Capacity) -> None:
    days, rows = _parts(found, found.times / DAY)
    for n, flavor in enumerate(found.room.flavors):
        asked, refused = (
            np.add.reduceat(counts[:, n], rows) for counts in (found.seen.asked, found.seen.refused)
        )
        share = np.divide(refused, asked, out=np.zeros(len(rows)), where=asked > 0)
        style = DASHES[n % len(DASHES)]
        axes.step(days, share, style, color="black", linewidth=0.9, label=flavor.name)
    axes.set(title='"No valid host", over time', xlabel="days", ylabel="of creations")
    axes.legend(fontsize=8)
    _percent(axes)


def _use(axes: Axes, found: Capacity) -> None:
    days, rows = _parts(found, found.times / DAY)
    width = np.diff(np.append(rows, found.intervals))
    for n, (name, part) in enumerate(found.use_over_time().items()):
        mean = np.add.reduceat(part, rows) / width
        style = DASHES[n % len(DASHES)]
        axes.step(days, mean, style, color="black", linewidth=0.9, label=name)
    axes.set(title="use of all hosts", xlabel="days", ylabel="of what there is", ylim=(0, 1))
    axes.legend(fontsize=8)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _room(axes: Axes, found: Capacity) -> None:
    names = [flavor.name for flavor in found.room.flavors]
    for n in range(len(names)):
        lost = found.fragmentation(n)
        axes.bar(n, lost.value if lost else 0.0, color="0.8", edgecolor="0.3")
    axes.set_xticks(range(len(names)), names)
    axes.set(title="free room in parts that are too small", ylabel="of the free room")
    _percent(axes)


def _parts(found: Capacity, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends and the first rows of up to `POINTS` parts of the time."""
    count = min(POINTS, max(found.intervals, 1))
    rows = np.arange(count) * found.intervals // count
    ends = np.append(rows[1:], found.intervals) - 1
    return times[ends], rows


def _percent(axes: Axes) -> None:
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def plot_sizing(found: Sizing, path: str) -> None:
    """Draw the share of the flavor that is refused most often, by the number of hosts."""
    kind = kind_of(path)
    figure = Figure(figsize=SIDES)
    axes = figure.add_axes((0.08, 0.1, 0.88, 0.78))
    hosts = [trial.hosts for trial in found.curve]
    shares = [trial.refused for trial in found.curve]
    off = [[s.value - s.low for s in shares], [s.high - s.value for s in shares]]
    axes.errorbar(
        hosts, [s.value for s in shares], yerr=off, fmt="ko-", capsize=4, linewidth=1,
        label=f"simulated, with {SURE}",
    )  # fmt: skip
    exact = [(t.hosts, t.exact) for t in found.curve if t.exact is not None]
    if exact:
        axes.plot(*zip(*exact, strict=True), "kx", markersize=9, label="exact")
    bound = [(t.hosts, t.bound) for t in found.curve if t.bound is not None]
    if bound:
        axes.plot(*zip(*bound, strict=True), "k:", linewidth=1, label="one pool")
    axes.axhline(found.target, color="0.5", linewidth=1, label=f"target {found.target:.4g}")
    if found.hosts:
        axes.axvline(found.hosts, color="0.8", linewidth=6, zorder=0, label="enough")
    axes.set_yscale("symlog", linthresh=found.target / 10)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="hosts", ylabel="refused of the flavor that is refused most often")
    axes.legend()
    enough = f"{found.hosts:,} hosts are enough" if found.hosts else "no number is enough"
    figure.suptitle(f"{enough} for {found.target:.4%}, seed {found.seed}", fontsize=12)
    write_whole(path, rendered(figure, kind))
