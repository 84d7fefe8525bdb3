"""Tells what became of a fleet: tables for a person, JSON for a program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ecs_fsm.core.model import Kind
from ecs_fsm.fleet.result import PERCENTILES, Result
from ecs_fsm.io.console import console, print_table
from ecs_fsm.profiles.durations import UNITS

if TYPE_CHECKING:
    from ecs_fsm.fleet.contend import Queue
    from ecs_fsm.fleet.fitting import Fitted

MOST_TIMES = 9
"""Points in time to show in a table; JSON has them all."""


def span(seconds: float) -> str:
    """A time as people write it: 250ms, 96.9s, 12.5m, 3.2h, 30d."""
    units = [(name, size) for name, size in UNITS.items() if name != "w"]
    name, size = units[0]
    for other, larger in units:
        if seconds >= larger * (1 if larger <= 1 else 2):
            name, size = other, larger
    return f"{seconds / size:.4g}{name}"


def print_result(result: Result) -> None:
    """Print a result as tables."""
    shown = console()
    partial = f"PARTIAL: interrupted after {result.done:,} of them; " if result.partial else ""
    per = result.changes / max(result.done, 1)
    shown.print(
        f"{result.servers:,} servers for {span(result.horizon)}: {partial}"
        f"{result.changes:,} changes, {per:.1f} a server",
        soft_wrap=True,
    )
    for attribute in ("status", "vm_state", "task_state"):
        _print_counts(result, attribute)
    _print_events(result)
    _print_waits(result)
    shown.print()
    shown.print(f"seed {result.seed} repeats this", soft_wrap=True)


def _title(text: str) -> None:
    shown = console()
    shown.print()
    shown.print(text, style="bold", soft_wrap=True)


def _print_counts(result: Result, attribute: str) -> None:
    counts, spent = result.counts(attribute), result.spent(attribute)
    times = result.times
    picked = sorted({round(n * (len(times) - 1) / (MOST_TIMES - 1)) for n in range(MOST_TIMES)})
    _title(f"servers by {attribute} over time, and the share of all time spent there")
    total = sum(spent.values()) or 1.0
    rows = [
        (word, *(f"{column[n]:,}" for n in picked), f"{spent.get(word, 0) / total:.3%}")
        for word, column in counts.items()
    ]
    print_table((attribute, *(span(times[n]) for n in picked), "time"), rows)


def _print_events(result: Result) -> None:
    _title("events")
    triggers = result.compiled.profile.lifecycle.triggers
    rows = [(name, triggers[name].kind.value, f"{n:,}") for name, n in result.events().items()]
    print_table(("event", "kind", "times"), rows)
    failures = sum(result.events(Kind.FAILURE).values())
    console().print(f"failures: {failures:,}")


def _print_waits(result: Result) -> None:
    _title("from request to rest")
    rows = []
    for name, wait in result.waits().items():
        if wait.asked:
            numbers = (wait.asked, wait.wrong, wait.hung)
            times = (wait.mean, *(wait.percentile(p) for p in PERCENTILES))
            known = [span(t) if wait.rested else "-" for t in times]
            rows.append((name, *(f"{n:,}" for n in numbers), *known))
    headings = ("operation", "asked", "in error", "hung", "mean", *(f"{p} %" for p in PERCENTILES))
    print_table(headings, rows)


def print_rows(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print one table under its title."""
    _title(title)
    print_table(headings, rows)


def print_queues(queues: Sequence[Queue]) -> None:
    """Print how the resources were used."""
    rows = []
    for queue in queues:
        told = queue.as_dict()
        waits = queue.waits
        times = [float(waits.mean()), *np.percentile(waits, PERCENTILES)] if len(waits) else []
        numbers = [f"{told[name]:,}" for name in ("capacity", "hosts", "uses", "waited")]
        rows.append(
            (
                queue.resource.name,
                *numbers,
                *([span(float(t)) for t in times] or ["-"] * (1 + len(PERCENTILES))),
                f"{queue.length:.4g}",
                f"{queue.busy:.3%}",
            )
        )
    percentiles = [f"{p} %" for p in PERCENTILES]
    headings = ("resource", "capacity", "hosts", "uses", "waited", "mean wait", *percentiles)
    print_rows("waiting for resources", (*headings, "mean queue", "busy"), rows)


def print_fits(fitted: Fitted) -> None:
    """Print what was fitted how well, and what could not be."""
    rows = [
        (f.key, f"{f.size:,}", f.time.family.value, span(f.time.mean), f"{f.distance:.4f}",
         f"{f.chance:.3g}")
        for f in fitted.fits
        if f.time
    ]  # fmt: skip
    print_rows("fitted", ("what", "samples", "family", "mean", "KS", "p"), rows)
    for told in fitted.too_little:
        console().print(f"too little data: {told}", soft_wrap=True)


@contextmanager
def progress(what: str = "servers") -> Iterator[Callable[[int, int], None] | None]:
    """Who hears how far a run is: a bar with rate and time left on a terminal, else nobody."""
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

        def moved(done: int, of: int) -> None:
            took = bar.tasks[0].elapsed or 0.0
            rate = f"{done / took:,.0f}/s" if took else ""
            bar.update(task, completed=done, total=of, rate=rate)

        yield moved
