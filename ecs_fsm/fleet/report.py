"""Prints what a fleet comes to, simulated or exact, as tables; and shows how far a run is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ecs_fsm.core.model import Kind
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.fleet.result import PERCENTILES, FleetResult
from ecs_fsm.io.console import console, print_table
from ecs_fsm.profiles.durations import UNITS

if TYPE_CHECKING:
    from ecs_fsm.fleet.comparison import FleetCheck
    from ecs_fsm.fleet.contention import Queue
    from ecs_fsm.fleet.fitted_profile import FittedProfile
    from ecs_fsm.fleet.fitting import Fit
    from ecs_fsm.fleet.what_if import Effect, Figure

MOST_TIMES = 9
"""Points in time in a table; JSON has all of them."""
ATTRIBUTE_SHARES = ("shares.vm_state.", "shares.task_state.")
OFTEN = "requests_in_a_life"
WORST_FIT = 1e-3
"""The probability, over all rows, with which a time that was fitted well is rejected."""
MOST_EFFECTS = 10
"""Figures that change most, in a table of effects."""


def span(seconds: float) -> str:
    """Return a time with a unit: 250ms, 96.9s, 12.5m, 3.2h, 30d."""
    units = [(name, size) for name, size in UNITS.items() if name != "w"]
    name, size = units[0]
    for other, larger in units:
        if seconds >= larger * (1 if larger <= 1 else 2):
            name, size = other, larger
    number = seconds / size
    return f"{number:.0f}{name}" if number >= 9999.5 else f"{number:.4g}{name}"


def print_result(result: FleetResult) -> None:
    """Print a result as tables."""
    shown, phrases = console(), Phrases(result.compiled.profile.lifecycle.table)
    partial = (
        f"PARTIAL: interrupted after {result.done:,} {phrases.things}; " if result.partial else ""
    )
    per = result.changes / max(result.done, 1)
    later = result.servers - result.at_once
    arrived = f" ({result.at_once:,} at the beginning, {later:,} later)" if later else ""
    shown.print(
        f"{result.servers:,} {phrases.things}{arrived} for {span(result.horizon)}: {partial}"
        f"{result.changes:,} changes, {per:.1f} for each {phrases.thing}",
        soft_wrap=True,
    )
    for key, called in phrases.columns.items():
        _print_counts(result, key, called, phrases.things)
    _print_events(result)
    _print_requests(result)
    shown.print()
    shown.print(f"seed {result.seed} repeats this", soft_wrap=True)


def _picked(points: int) -> list[int]:
    """The numbers of up to `MOST_TIMES` points, evenly spread from the first to the last."""
    return sorted({round(n * (points - 1) / (MOST_TIMES - 1)) for n in range(MOST_TIMES)})


def _print_counts(result: FleetResult, attribute: str, called: str, things: str) -> None:
    counts, spent = result.counts(attribute), result.spent(attribute)
    times, picked = result.times, _picked(len(result.times))
    total = sum(spent.values()) or 1.0
    rows = [
        (word, *(f"{column[n]:,}" for n in picked), f"{spent.get(word, 0) / total:.3%}")
        for word, column in counts.items()
    ]
    print_rows(
        f"{things} by {called} over time, and the share of all time spent there",
        (called, *(span(times[n]) for n in picked), "time"),
        rows,
    )


def _print_events(result: FleetResult) -> None:
    triggers = result.compiled.profile.lifecycle.triggers
    rows = [(name, triggers[name].kind.value, f"{n:,}") for name, n in result.events().items()]
    print_rows("events", ("event", "kind", "times"), rows)
    failures = sum(result.events(Kind.FAILURE).values())
    console().print(f"failures: {failures:,}")


def _print_requests(result: FleetResult) -> None:
    rows = []
    for operation, seen in result.requests().items():
        if seen.requested:
            numbers = (seen.requested, seen.failed, seen.hung)
            times = (seen.mean, *(seen.percentile(p) for p in PERCENTILES))
            known = [span(t) if seen.rested else "-" for t in times]
            rows.append((operation, *(f"{n:,}" for n in numbers), *known))
    percentiles = [f"{p} %" for p in PERCENTILES]
    headings = ("operation", "requests", "in error", "hung", "mean", *percentiles)
    print_rows("from request to rest", headings, rows)


def print_rows(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print one table under its title."""
    shown = console()
    shown.print()
    shown.print(title, style="bold", soft_wrap=True)
    print_table(headings, rows)


def print_queues(queues: Sequence[Queue]) -> None:
    """Print how long servers waited for resources, and how busy these were."""
    rows = []
    for queue in queues:
        figures = queue.as_dict()
        waits = queue.waits
        times = [float(waits.mean()), *np.percentile(waits, PERCENTILES)] if len(waits) else []
        numbers = [f"{figures[name]:,}" for name in ("capacity", "hosts", "uses", "waited")]
        rows.append(
            (
                queue.resource.name,
                *numbers,
                *([span(float(t)) for t in times] or ["-"] * (1 + len(PERCENTILES))),
                f"{queue.length:.4g}",
                f"{queue.busy:.3%}",
            )
        )
    if not rows:
        console().print("no resources in the profile: nothing waits", soft_wrap=True)
        return
    percentiles = [f"{p} %" for p in PERCENTILES]
    headings = ("resource", "capacity", "hosts", "uses", "waited", "mean wait", *percentiles)
    print_rows("waiting for resources", (*headings, "mean queue", "busy"), rows)


def print_fits(fitted: FittedProfile) -> None:
    """Print the fitted rows with their quality, and for what there were too few samples."""
    rows = [
        (f.key, f"{f.size:,}", f.time.family.value, span(f.time.mean), f"{f.distance:.4f}",
         f"{f.chance:.3g}")
        for f in fitted.fits
        if f.time
    ]  # fmt: skip
    print_rows("fitted", ("row", "samples", "family", "mean", "KS", "p"), rows)
    for row in fitted.too_little:
        console().print(f"too little data: {row}", soft_wrap=True)
    for row in fitted.few_requests:
        console().print(f"few requests: {row}", soft_wrap=True)


def print_fit_check(fits: Sequence[Fit]) -> bool:
    """Print how well each fitted time holds, and return whether all do."""
    found = [f for f in fits if f.time]
    least = WORST_FIT / max(len(found), 1)
    rows = [
        (f.key, f"{f.size:,}", f.time.family.value, span(f.time.mean), f"{f.distance:.4f}",
         f"{f.chance:.3g}", "holds" if f.chance >= least else "DOES NOT HOLD")
        for f in found
        if f.time
    ]  # fmt: skip
    print_rows("fitted", ("row", "samples", "family", "mean", "KS", "p", "verdict"), rows)
    wrong = sum(f.chance < least for f in found)
    console().print(
        f"{len(found)} times compared by the Kolmogorov-Smirnov test at 1 in 1,000: "
        f"{f'{wrong} do not hold' if wrong else 'all hold'}",
        soft_wrap=True,
    )
    return not wrong


def print_answer(answer: Mapping[str, object]) -> None:
    """Print an answer as tables."""
    shown_on = console()
    for reason in _texts(answer["why"]):
        shown_on.print(reason, soft_wrap=True)
    operations, percentiles = answer.get("operations"), answer.get("percentiles")
    if isinstance(operations, dict) and isinstance(percentiles, dict):
        _print_operations(operations, percentiles)
    life = answer.get("life")
    if isinstance(life, dict):
        _print_life(life)
    shares = answer.get("shares")
    if isinstance(shares, dict):
        name, values = next(iter(shares.items()))
        rows = [(word, f"{share:.6%}") for word, share in values.items()]
        print_rows("share of a life, and of a fleet that is kept full", (name, "share"), rows)
    over_time, times = answer.get("over_time"), answer.get("times")
    if isinstance(over_time, dict) and isinstance(times, list):
        picked = _picked(len(times))
        rows = [(word, *(f"{c[n]:.4%}" for n in picked)) for word, c in over_time.items()]
        name = next(iter(shares)) if isinstance(shares, dict) else "status"
        print_rows("share over time", (name, *(span(times[n]) for n in picked)), rows)


def _texts(why: object) -> list[str]:
    return [str(reason) for reason in why] if isinstance(why, list) else []


def _print_operations(
    operations: Mapping[str, Mapping[str, float]], percentiles: Mapping[str, Mapping[str, float]]
) -> None:
    within = [f"{percent} %" for percent in PERCENTILES]
    endless = any(c[OFTEN] is None for c in operations.values())
    often = ("times a day", "requests_a_day") if endless else ("times in a life", OFTEN)
    headings = ["operation", often[0], "mean", "sd", *within, "changes", "in error"]
    rows = [
        (
            name,
            f"{c[often[1]]:.4g}",
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
        console().print("\nlives do not end", soft_wrap=True)


def print_effects(found: Mapping[str, Effect], every: bool) -> None:
    """Print what a change of the profile changes: the most important figures, or every one."""
    # A status says what its attributes say, and more briefly.
    brief = [e for path, e in found.items() if not path.startswith(ATTRIBUTE_SHARES)]
    shown = list(found.values()) if every else brief[:MOST_EFFECTS]
    if not shown:
        console().print("nothing changes", soft_wrap=True)
        return
    rows = [(e.before.name, _figure(e.before), _figure(e.after), e.relation) for e in shown]
    print_rows("what changes most", ("figure", "before", "after", "change"), rows)
    if len(shown) < len(found):
        more = f"{len(found) - len(shown)} more figures change less: --all shows them"
        console().print(more, soft_wrap=True)


def _figure(figure: Figure) -> str:
    if figure.unit == "share":
        return f"{100 * figure.value:.4g} %"
    return span(figure.value) if figure.unit == "time" else f"{figure.value:.4g}"


def print_check(checked: FleetCheck) -> None:
    """Print the simulated numbers beside the exact ones."""
    if not checked.comparisons and checked.left_out:
        console().print(f"\n{checked.left_out}", soft_wrap=True)
        return
    headings = ("number", "simulated", "95 % confidence", "exact", "chance")
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


@contextmanager
def progress(what: str = "servers") -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that shows progress on a terminal, with rate and time left; else None."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="")

        def show(done: int, of: int) -> None:
            took = bar.tasks[0].elapsed or 0.0
            rate = f"{done / took:,.0f}/s" if took else ""
            bar.update(task, completed=done, total=of, rate=rate)

        yield show
