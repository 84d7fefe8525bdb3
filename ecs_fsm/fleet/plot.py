"""Plots of a fleet, on a slide: in the colours of the statuses, with hatches for print.

Statuses that few servers show have panels of their own, each with its own scale.
"""

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
from matplotlib.ticker import LogLocator, MaxNLocator, StrMethodFormatter

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.draw.styles import COLOURS, Theme, Tint
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.fleet.lattice import Distribution, passage_time
from ecs_fsm.fleet.report import span
from ecs_fsm.fleet.result import FleetResult
from ecs_fsm.fleet.tally import BINS, PER_OCTAVE, SHORTEST, bin_edges
from ecs_fsm.fleet.transient import Vector
from ecs_fsm.io.files import write_whole

if TYPE_CHECKING:
    from ecs_fsm.fleet.contention import Queue
    from ecs_fsm.fleet.fitting import Fit

FORMATS = ("svg", "png", "pdf")
HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---", "ooo", "|||", "+++", "**")
DASHES = ("-", "--", ":", "-.")
SIDES = (16.0, 9.0)
"""The sides of the figure in inches: those of a slide."""
COLUMNS, ROWS = 4, 4
"""The least small panels side by side, and the most rows of them: those that fit on a slide."""
RARE = 1 / 15
"""The most of the servers that show a rare status at any time."""
COARSE, FINE = PER_OCTAVE // 4, PER_OCTAVE // 16
"""Bins of a histogram that are drawn as one: four to an octave, or more of a narrow one."""
JUMPS = 0.001
"""The share of mass in single points from which on a distribution is drawn cumulated."""
NARROW = 5
"""The most octaves of a narrow histogram."""
DAY = 86400.0
FINISHED, HOW_OFTEN = "% finished by then", "how often"
"""What the upright axis of durations says."""


def plot(result: FleetResult, path: str, queues: Sequence[Queue] = ()) -> None:
    """Draw statuses over time, durations by operation with the exact curve, and queues.

    The suffix of the file name gives the format. Raise `InvalidInput` for an unknown one.
    """
    kind = kind_of(path)
    requests = result.requests().items()
    drawn = [name for name, seen in requests if seen.histogram[1 : BINS - 1].any()]
    rare = _rare(result)
    columns = max(math.ceil(len(drawn) / ROWS), COLUMNS)
    rows = max(math.ceil(len(drawn) / columns), 3)
    figure = Figure(figsize=SIDES)
    # placed by hand: the solver of a constrained layout differs in the last digits from run to run
    halves = figure.add_gridspec(
        1, 2, width_ratios=(1, 1.15 * columns / COLUMNS), left=0.065, right=0.99, wspace=0.08,
        top=0.88, bottom=0.06,
    )  # fmt: skip
    below = math.ceil(len(rare) / COLUMNS)
    heights = (*((3,) if queues else ()), 5, *((1.5,) * below))
    tall = halves[0].subgridspec(
        len(heights), COLUMNS, height_ratios=heights, hspace=0.3 + 0.15 * below, wspace=0.3
    )
    _statuses(figure.add_subplot(tall[bool(queues), :]), result, rare)
    if queues:
        _queues(figure.add_subplot(tall[0, :]), result, queues)
    for n, word in enumerate(rare):
        place = tall[1 + bool(queues) + n // COLUMNS, n % COLUMNS]
        _few(figure.add_subplot(place), word, result)
    exact = Exact(result.compiled)
    panels = halves[1].subgridspec(rows, columns, hspace=0.6, wspace=0.25)
    for n, name in enumerate(drawn):
        panel = figure.add_subplot(panels[n // columns, n % columns])
        _durations(panel, name, result, exact)
    note = f"grey: simulated, line: exact{' without waiting' if queues else ''}"
    figure.suptitle(_title(result, note), fontsize=10)
    write_whole(path, rendered(figure, kind))


def plot_fits(fits: Sequence[Fit], path: str) -> None:
    """Draw the cumulated share of the measured times of each row, and the fitted law over it."""
    kind, drawn = kind_of(path), [f for f in fits if f.time and f.samples]
    rows = max(math.ceil(len(drawn) / COLUMNS), 1)
    figure = Figure(figsize=(SIDES[0], 2.6 * rows + 0.6))
    grid = figure.add_gridspec(rows, COLUMNS, hspace=0.55, wspace=0.2, left=0.045, right=0.99)
    for n, fitted in enumerate(drawn):
        panel = figure.add_subplot(grid[n // COLUMNS, n % COLUMNS])
        times = np.sort(np.maximum(fitted.samples, SHORTEST))
        panel.step(times, 100 * np.arange(1, len(times) + 1) / len(times), color="0.6", linewidth=3)
        if fitted.time:
            smooth = np.geomspace(times[0], times[-1], 200)
            law = [100 * fitted.time.below(float(time)) for time in smooth]
            panel.plot(smooth, law, "k-", linewidth=1.2)
            family = fitted.time.family.value
            title = f"{fitted.key}: {family}\nn={fitted.size}, KS {fitted.distance:.3f}"
            panel.set_title(f"{title}, p={fitted.chance:.2g}", fontsize=8)
        panel.set_xscale("log")
        panel.tick_params(labelsize=7)
        panel.set_ylabel(FINISHED, fontsize=7)
    figure.suptitle("grey: measured, line: fitted", fontsize=10)
    write_whole(path, rendered(figure, kind))


def rendered(figure: Figure, kind: str) -> bytes:
    """Return the bytes of a figure, the same ones at every run."""
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "ecs-fsm", "svg.fonttype": "none"}):
        figure.savefig(out, format=kind, metadata=None if kind == "png" else _undated(kind))
    return out.getvalue()


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


def _tints(result: FleetResult) -> dict[str, Tint]:
    """Return the colours of each status."""
    tones = COLOURS[Theme.LIGHT].tones
    statuses = result.compiled.profile.lifecycle.table.statuses
    return {str(status): tones[status.tone] for status in statuses}


def _rare(result: FleetResult) -> list[str]:
    """Return the statuses that few servers show at any time, those of most servers first."""
    most = {str(word): int(column.max()) for word, column in result.counts().items()}
    return sorted(
        (word for word, number in most.items() if 0 < number < result.done * RARE),
        key=lambda word: -most[word],
    )


def _few(panel: Axes, word: str, result: FleetResult) -> None:
    """Draw how many servers show one status, with a scale of its own."""
    tint = _tints(result)[word]
    days = result.times / DAY
    column = result.counts()[word]
    panel.fill_between(days, column, step="post", facecolor=tint.fill, edgecolor=tint.line)
    panel.set_title(word, fontsize=8)
    panel.set_xlim(0, days[-1])
    panel.set_ylim(bottom=0)
    panel.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    panel.tick_params(labelsize=7)
    panel.set_xlabel("days", fontsize=7, labelpad=1)


def _statuses(axes: Axes, result: FleetResult, rare: Sequence[str]) -> None:
    counts, tints = result.counts(), _tints(result)
    days = result.times / DAY
    largest = sorted(counts, key=lambda word: -int(counts[word].sum()))
    bands = axes.stackplot(
        days,
        [counts[word] for word in largest],
        labels=largest,
        colors=[tints[str(word)].fill for word in largest],
        linewidth=0.6,
    )
    for n, band in enumerate(bands):
        band.set_hatch(HATCHES[n % len(HATCHES)])
        band.set_edgecolor(tints[str(largest[n])].line)
    below = np.zeros(len(days))
    for word in largest:
        column = counts[word]
        edge = len(column) // 10
        widest = edge + int(np.argmax(column[edge : len(column) - edge]))
        if column[widest] > result.done * RARE:
            height = below[widest] + column[widest] / 2
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            axes.text(days[widest], height, word, va="center", ha="center", bbox=box)
        below = below + column
    phrases = Phrases(result.compiled.profile.lifecycle.table)
    title = f"{phrases.things} by {phrases.attributes.status}"
    axes.set(xlabel="days", ylabel=phrases.things, title=title, xlim=(0, days[-1]))
    axes.set_ylim(0, result.done)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    seen = [word for word in largest if counts[word].any() and str(word) not in rare]
    handles = [band for word, band in zip(largest, bands, strict=True) if word in seen]
    axes.legend(handles, seen, loc="lower left", fontsize=7, handleheight=1.4, ncols=3)


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
        panel.stairs(100 * cumulated[1:], edges, fill=True, facecolor="0.8", edgecolor="0.3")
        panel.plot(found.times, 100 * np.asarray(found.shares), "k-", linewidth=1.2)
        panel.set_ylabel(FINISHED, fontsize=7)
    else:
        coarse = COARSE if high - low > NARROW else FINE
        _shares(panel, edges[::coarse], cumulated[::coarse], found)
    panel.set_xscale("log")
    panel.set_xlim(edges[0], edges[-1])
    subs = (1, 2, 5) if high - low <= NARROW else (1,)
    panel.xaxis.set_major_locator(LogLocator(subs=subs, numticks=4))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panel.minorticks_off()
    panel.tick_params(labelsize=7)
    panel.set_title(f"{name}\nmean {span(seen.mean)}, {seen.rested:,} times", fontsize=7)
    panel.set_xlabel("seconds until rest", fontsize=7)


def _shares(panel: Axes, edges: Vector, cumulated: Vector, exact: Distribution) -> None:
    """Draw how often a time lies between edges, simulated and exact, by the width of the bar."""
    widths = np.log2(edges[1:] / edges[:-1])
    panel.stairs(np.diff(cumulated) / widths, edges, fill=True, facecolor="0.8", edgecolor="0.3")
    middles = np.sqrt(edges[1:] * edges[:-1])
    panel.plot(middles, np.diff(exact.within(edges)) / widths, "k-", linewidth=1.2)
    panel.set_ylim(bottom=0)
    panel.set_yticks([])
    panel.set_ylabel(HOW_OFTEN, fontsize=7)


def _queues(axes: Axes, result: FleetResult, queues: Sequence[Queue]) -> None:
    for n, queue in enumerate(queues):
        mean = span(float(queue.waits.mean())) if len(queue.waits) else "-"
        label = f"{queue.resource.name} (mean wait {mean})"
        style = DASHES[n % len(DASHES)]
        axes.step(result.times / DAY, queue.lengths, where="post", color="black", ls=style,
                  linewidth=0.9, label=label)  # fmt: skip
    axes.set(xlabel="days", ylabel="waiting", title="queue lengths")
    axes.set_xlim(0, float(result.times[-1]) / DAY)
    axes.legend(loc="upper right", fontsize=8)
