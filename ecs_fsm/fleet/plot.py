"""Plots of a fleet, readable without colour: by hatches, line styles and words."""

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
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.fleet.lattice import Distribution, passage_time
from ecs_fsm.fleet.report import span
from ecs_fsm.fleet.result import FleetResult
from ecs_fsm.fleet.tally import BINS, PER_OCTAVE, SHORTEST, bin_edges
from ecs_fsm.fleet.transient import Vector
from ecs_fsm.io.files import write_whole

if TYPE_CHECKING:
    from ecs_fsm.fleet.contention import Queue

FORMATS = ("svg", "png", "pdf")
HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---", "ooo", "|||", "+++", "**")
GREYS = (0.97, 0.8, 0.9, 0.7, 0.85, 0.6)
DASHES = ("-", "--", ":", "-.")
COLUMNS = 3
COARSE, FINE = PER_OCTAVE // 4, PER_OCTAVE // 16
"""Bins of a histogram that are drawn as one: four to an octave, or more of a narrow one."""
JUMPS = 0.001
"""The share of mass in single points from which on a distribution is drawn cumulated."""
NARROW = 5
"""The most octaves of a narrow histogram."""
DAY = 86400.0


def plot(result: FleetResult, path: str, queues: Sequence[Queue] = ()) -> None:
    """Draw statuses over time, durations by operation with the exact curve, and queues.

    The suffix of the file name gives the format. Raise `InvalidInput` for an unknown one.
    """
    kind = kind_of(path)
    requests = result.requests().items()
    drawn = [name for name, seen in requests if seen.histogram[1 : BINS - 1].any()]
    rows = math.ceil(len(drawn) / COLUMNS)
    tall = 2 + bool(queues) + rows
    figure = Figure(figsize=(11, 2.6 * tall), layout="constrained")
    grid = figure.add_gridspec(tall, COLUMNS)
    _statuses(figure.add_subplot(grid[0:2, :]), result)
    if queues:
        _queues(figure.add_subplot(grid[2, :]), result, queues)
    exact = Exact(result.compiled)
    for n, name in enumerate(drawn):
        panel = figure.add_subplot(grid[2 + bool(queues) + n // COLUMNS, n % COLUMNS])
        _durations(panel, name, result, exact)
    note = f"grey: simulated, line: exact{' without waiting' if queues else ''}"
    figure.suptitle(_title(result, note), fontsize=10)
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "ecs-fsm", "svg.fonttype": "none"}):
        figure.savefig(out, format=kind, metadata=None if kind == "png" else _undated(kind))
    write_whole(path, out.getvalue())


def kind_of(path: str) -> str:
    """Return the format of a file, by its suffix. Raise `InvalidInput` for an unknown one."""
    kind = Path(path).suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise InvalidInput(f"{path}: unknown plot format; expected one of {', '.join(FORMATS)}")
    return kind


def _undated(kind: str) -> dict[str, None]:
    return {"Date" if kind == "svg" else "CreationDate": None}


def _title(result: FleetResult, note: str) -> str:
    lifecycle = result.compiled.profile.lifecycle
    name, things = lifecycle.name, Phrases(lifecycle.table).things
    partial = f", interrupted after {result.done:,} {things}" if result.partial else ""
    sizes = f"{result.servers:,} {things} for {span(result.horizon)}{partial}, seed {result.seed}"
    return f"lifecycle {name}: {sizes}\n{note}"


def _statuses(axes: Axes, result: FleetResult) -> None:
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
    phrases = Phrases(result.compiled.profile.lifecycle.table)
    title = f"{phrases.things} by {phrases.attributes.status}"
    axes.set(xlabel="days", ylabel=phrases.things, title=title, xlim=(0, days[-1]))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, handleheight=1.6)


def _durations(panel: Axes, name: str, result: FleetResult, exact: Exact) -> None:
    """Draw how long the requests of an operation took, and the exact distribution over it.

    Drawn are shares of times, or cumulated ones if constant or empirical times make them jump.
    """
    requested = result.tally.requested
    classes = [n for n in result.compiled.classes_by_operation()[name] if requested[n]]
    seen = result.requests_of(classes)
    used = np.flatnonzero(seen.histogram[1 : BINS - 1]) // PER_OCTAVE
    low, high = max(int(used[0]) - 1, 0), int(used[-1]) + 2
    chain = exact.chain_of(exact.weights_of({n: int(requested[n]) for n in classes}))
    found = passage_time(chain, SHORTEST * 2.0**low, high - low)
    bins = slice(low * PER_OCTAVE, high * PER_OCTAVE + 1)
    edges, cumulated = bin_edges()[1:][bins], (np.cumsum(seen.histogram) / seen.rested)[bins]
    if chain.jump_share > JUMPS:
        panel.stairs(cumulated[1:], edges, fill=True, facecolor="0.8", edgecolor="0.3")
        panel.plot(found.times, found.shares, "k-", linewidth=1.2)
        panel.set_ylabel("cumulated share", fontsize=8)
    else:
        coarse = COARSE if high - low > NARROW else FINE
        _shares(panel, edges[::coarse], cumulated[::coarse], found)
    panel.set_xscale("log")
    panel.set_xlim(edges[0], edges[-1])
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high - low <= NARROW else (1,)))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panel.minorticks_off()
    panel.set_title(f"{name}: mean {span(seen.mean)}, {seen.rested:,} times", fontsize=9)
    panel.set_xlabel("seconds from request to rest", fontsize=8)


def _shares(panel: Axes, edges: Vector, cumulated: Vector, exact: Distribution) -> None:
    """Draw the shares of times between edges, simulated and exact."""
    widths = np.log2(edges[1:] / edges[:-1])
    panel.stairs(np.diff(cumulated) / widths, edges, fill=True, facecolor="0.8", edgecolor="0.3")
    middles = np.sqrt(edges[1:] * edges[:-1])
    panel.plot(middles, np.diff(exact.within(edges)) / widths, "k-", linewidth=1.2)
    panel.set_ylabel("share per doubling", fontsize=8)


def _queues(axes: Axes, result: FleetResult, queues: Sequence[Queue]) -> None:
    for n, queue in enumerate(queues):
        mean = span(float(queue.waits.mean())) if len(queue.waits) else "-"
        label = f"{queue.resource.name} (mean wait {mean})"
        style = DASHES[n % len(DASHES)]
        axes.step(result.times / DAY, queue.lengths, where="post", color="black", ls=style,
                  linewidth=0.9, label=label)  # fmt: skip
    axes.set(xlabel="days", ylabel="waiting", title="queue lengths")
    axes.set_xlim(0, float(result.times[-1]) / DAY)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
