"""Plots of a fleet that can be read without colour: hatches, line styles and words tell it too."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, StrMethodFormatter

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.fleet.lattice import Law, law
from ecs_fsm.fleet.result import Result
from ecs_fsm.fleet.stages import Vector
from ecs_fsm.fleet.tally import BINS, PER_OCTAVE, SHORTEST, bin_edges
from ecs_fsm.fleet.telling import span
from ecs_fsm.io.files import write_whole

if TYPE_CHECKING:
    from ecs_fsm.fleet.contend import Queue

FORMATS = ("svg", "png", "pdf")
HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---", "ooo", "|||", "+++", "**")
GREYS = (0.97, 0.8, 0.9, 0.7, 0.85, 0.6)
DASHES = ("-", "--", ":", "-.")
COLUMNS = 3
COARSE, FINE = PER_OCTAVE // 4, PER_OCTAVE // 16
"""Bins of a histogram that are drawn as one: four to an octave, or more of a narrow one."""
JUMPS = 0.001
"""The share of times that come in jumps from which on times are summed up."""
NARROW = 5
"""Octaves of a narrow histogram."""
DAY = 86400.0


def plot(result: Result, path: str, queues: Sequence[Queue] = ()) -> None:
    """Draw statuses over time, durations per operation with the exact curve, and queues.

    The format follows from the end of the name. Raises `InvalidInput` for one that is not known.
    """
    kind = kind_of(path)
    waits = [name for name, w in result.waits().items() if w.histogram[1 : BINS - 1].any()]
    rows = math.ceil(len(waits) / COLUMNS)
    tall = 2 + bool(queues) + rows
    figure = Figure(figsize=(11, 2.6 * tall), layout="constrained")
    grid = figure.add_gridspec(tall, COLUMNS)
    _statuses(figure.add_subplot(grid[0:2, :]), result)
    if queues:
        _queues(figure.add_subplot(grid[2, :]), result, queues)
    places = [(2 + bool(queues) + n // COLUMNS, n % COLUMNS) for n in range(len(waits))]
    exact = Exact(result.compiled)
    for name, place in zip(waits, places, strict=True):
        _durations(figure.add_subplot(grid[place]), name, result, exact)
    note = f"grey: simulated, line: exact{' where nobody waits' if queues else ''}"
    figure.suptitle(_title(result, note), fontsize=10)
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "ecs-fsm", "svg.fonttype": "none"}):
        figure.savefig(out, format=kind, metadata=None if kind == "png" else _undated(kind))
    write_whole(path, out.getvalue())


def kind_of(path: str) -> str:
    """The format that the name of a file asks for. Raises `InvalidInput` for no known one."""
    kind = Path(path).suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise InvalidInput(f"{path}: a plot is written as {', '.join(FORMATS)}; name it so")
    return kind


def _undated(kind: str) -> dict[str, None]:
    return {"Date" if kind == "svg" else "CreationDate": None}


def _title(result: Result, note: str) -> str:
    partial = f", interrupted after {result.done:,} of them" if result.partial else ""
    name = result.compiled.profile.lifecycle.name
    sizes = f"{result.servers:,} servers for {span(result.horizon)}{partial}, seed {result.seed}"
    return f"lifecycle {name}: {sizes}\n{note}"


def _statuses(axes: Axes, result: Result) -> None:
    counts = result.counts()
    days = result.times / DAY
    largest = sorted(counts, key=lambda word: -int(counts[word].sum()))
    bands = axes.stackplot(
        days,
        [counts[word] for word in largest],
        labels=largest,
        colors=[str(GREYS[n % len(GREYS)]) for n in range(len(largest))],
        edgecolor="black",
        linewidth=0.4,
    )
    for n, band in enumerate(bands):
        band.set_hatch(HATCHES[n % len(HATCHES)])
    below = np.zeros(len(days))
    for word in largest:
        column = counts[word]
        edge = len(column) // 10
        widest = edge + int(np.argmax(column[edge : len(column) - edge]))
        if column[widest] > result.done / 15:
            height = below[widest] + column[widest] / 2
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            axes.text(days[widest], height, word, va="center", bbox=box)
        below = below + column
    axes.set(xlabel="days", ylabel="servers", title="servers by status", xlim=(0, days[-1]))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, handleheight=1.6)


def _durations(panel: Axes, name: str, result: Result, exact: Exact) -> None:
    """Draw how long requests of an operation took, over it how likely that was.

    As shares of times, or summed up where constant or empirical times make the exact ones jump.
    """
    groups, asked = result.compiled.groups, result.tally.asked
    chosen = [n for n, g in enumerate(groups) if g.asks == name and asked[n]]
    wait = result.waits_of(chosen)
    used = np.flatnonzero(wait.histogram[1 : BINS - 1]) // PER_OCTAVE
    low, high = max(int(used[0]) - 1, 0), int(used[-1]) + 2
    steps = exact.steps_of(exact.asked({n: int(asked[n]) for n in chosen}))
    found = law(steps, SHORTEST * 2.0**low, high - low)
    bins = slice(low * PER_OCTAVE, high * PER_OCTAVE + 1)
    edges, upto = bin_edges()[1:][bins], (np.cumsum(wait.histogram) / wait.rested)[bins]
    if steps.jumps_by > JUMPS:
        panel.stairs(upto[1:], edges, fill=True, facecolor="0.8", edgecolor="0.3")
        panel.plot(found.times, found.shares, "k-", linewidth=1.2)
        panel.set_ylabel("share at rest by then", fontsize=8)
    else:
        coarse = COARSE if high - low > NARROW else FINE
        _shares(panel, edges[::coarse], upto[::coarse], found)
    panel.set_xscale("log")
    panel.set_xlim(edges[0], edges[-1])
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high - low <= NARROW else (1,)))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panel.minorticks_off()
    panel.set_title(f"{name}: mean {span(wait.mean)}, {wait.rested:,} times", fontsize=9)
    panel.set_xlabel("seconds from request to rest", fontsize=8)


def _shares(panel: Axes, edges: Vector, upto: Vector, exact: Law) -> None:
    """Draw the shares of times between edges, simulated and exact."""
    widths = np.log2(edges[1:] / edges[:-1])
    panel.stairs(np.diff(upto) / widths, edges, fill=True, facecolor="0.8", edgecolor="0.3")
    middles = np.sqrt(edges[1:] * edges[:-1])
    panel.plot(middles, np.diff(exact.within(edges)) / widths, "k-", linewidth=1.2)
    panel.set_ylabel("share per doubling", fontsize=8)


def _queues(axes: Axes, result: Result, queues: Sequence[Queue]) -> None:
    for n, queue in enumerate(queues):
        mean = span(float(queue.waits.mean())) if len(queue.waits) else "-"
        label = f"{queue.resource.name} (mean wait {mean})"
        style = DASHES[n % len(DASHES)]
        axes.step(result.times / DAY, queue.lengths, where="post", color="black", ls=style,
                  linewidth=0.9, label=label)  # fmt: skip
    axes.set(xlabel="days", ylabel="waiting", title="queue lengths")
    axes.set_xlim(0, float(result.times[-1]) / DAY)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
