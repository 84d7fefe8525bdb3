"""Prints what servers on hosts come to, as tables; and writes it over time to Parquet."""

from __future__ import annotations

import math
from operator import mul

import numpy as np

from ecs_fsm.core.phrases import Phrases
from ecs_fsm.fleet.capacity_result import (
    CONFIDENCE,
    FEWEST,
    IN_A_BATCH,
    Capacity,
    Estimate,
    limited,
)
from ecs_fsm.fleet.report import print_rows, span
from ecs_fsm.fleet.sizing import Sizing
from ecs_fsm.io.console import console
from ecs_fsm.io.files import replacing
from ecs_fsm.profiles.profile import SIZES, Profile
from ecs_fsm.profiles.profile_room import room_of

SURE = f"{100 * CONFIDENCE:g} % confidence"


def print_capacity(found: Capacity) -> None:
    """Print shares of refusals beside the exact ones, use, other claims, and time until full."""
    plan, shown = found.plan, console()
    measured = plan.step * found.intervals
    partial = "PARTIAL: interrupted; " if found.partial else ""
    warm = f" after a warm-up of {span(plan.warmup)}" if plan.warmup else ""
    things = Phrases(found.profile.lifecycle.table).things
    servers = float(found.seen.roomed.sum()) / (measured or 1)
    shown.print(
        f"{_hosts(found.profile)}; {partial}{found.arrived:,} {things} in {span(measured)}{warm}, "
        f"{servers:,.1f} at a time",
        soft_wrap=True,
    )
    _print_flavors(found)
    _print_use(found)
    rows = [
        (name, f"{int(found.seen.moved[:, n].sum()):,}", *_shown(found.unmoved(n)))
        for n, name in enumerate(found.operations)
        if found.seen.moved[:, n].any()
    ]
    if rows:
        print_rows("room for servers that exist", ("operation", "claims", "refused", SURE), rows)
    shown.print()
    if found.full:
        shown.print(_until_full(found), soft_wrap=True)
    if found.short:
        least = span(found.life.seconds * FEWEST * IN_A_BATCH / 2)
        shown.print(
            f"servers have room for {span(found.life.seconds)}: batches depend on each other, and "
            f"intervals are too narrow; a --duration of {least} or more is long enough",
            soft_wrap=True,
        )
    shown.print(f"seed {found.seed} repeats this", soft_wrap=True)


def _hosts(profile: Profile) -> str:
    room = room_of(profile)
    sizes = ", ".join(f"{size:,} {name}" for name, size in zip(*limited(room), strict=True))
    zones = f" in {room.hosts.zones} zones" if room.hosts.zones > 1 else ""
    count = room.hosts.count
    return f"{count:,} host{'s' * (count > 1)}{zones}, each with {sizes}"


def _shown(share: Estimate | None) -> tuple[str, str]:
    if share is None:
        return "-", "-"
    return f"{share.value:.4%}", f"{share.low:.4%} to {share.high:.4%}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.4%}"


def _print_flavors(found: Capacity) -> None:
    exact, why = found.exact
    bound, rows = found.bound, []
    for n, flavor in enumerate(found.room.flavors):
        lost = found.fragmentation(n)
        rows.append(
            (
                flavor.name,
                f"{flavor.share:.4g}",
                f"{int(found.seen.asked[:, n].sum()):,}",
                *_shown(found.refused(n)),
                _percent(exact[n] if exact else None),
                _percent(bound[n] if bound else None),
                f"{lost.value:.2%}" if lost else "-",
            )
        )
    headings = ("flavor", "share", "creations", "refused", SURE, "exact", "one pool", "in parts")
    print_rows('"No valid host"', headings, rows)
    shown, whole, pool = console(), found.refused(), found.bound_of_all
    if whole and pool is not None:
        shares = [flavor.share for flavor in found.room.flavors]
        known = sum(map(mul, exact, shares)) if exact else whole.value
        fails = math.isfinite(found.room.hosts.fails_every.mean)
        costs = "fragmentation and failures cost" if fails else "fragmentation costs"
        shown.print(
            f"of all creations {known:.4%} are refused; one pool of all hosts refuses {pool:.4%}: "
            f"{costs} {100 * (known - pool):+.4f} points",
            soft_wrap=True,
        )
    if why:
        shown.print(f"no exact answer: {why}", soft_wrap=True)


def _print_use(found: Capacity) -> None:
    sizes = dict(zip(*limited(found.room), strict=True))
    rows = [
        (name, f"{sizes[name] * found.room.hosts.count:,}", *_shown(used))
        for name, used in found.use().items()
    ]
    print_rows("use of all hosts", ("resource", "there is", "in use", SURE), rows)


def _until_full(found: Capacity) -> str:
    full = [time for time in found.full if math.isfinite(time)]
    runs, within = len(found.full), span(found.watched)
    begin = "fleets that begin empty" if not found.servers else "fleets"
    if not full:
        return f"until full: none of {runs} {begin} refuses a creation within {within}"
    seen = "" if len(full) == runs else f" ({len(full)} of {runs} within {within})"
    mean, longest = span(float(np.mean(full))), span(max(full))
    return (
        f"until full: of {runs} {begin}, the first refusal comes after {span(min(full))} to "
        f"{longest}, {mean} on average{seen}"
    )


def print_sizing(found: Sizing, profile: Profile) -> None:
    """Print the numbers of hosts that were tried, and the smallest that is enough."""
    rows = [
        (
            f"{trial.hosts:,}",
            trial.flavor,
            *_shown(trial.refused),
            _percent(trial.exact),
            _percent(trial.bound),
            "yes" if trial.share <= found.target else "no",
        )
        for trial in found.curve
    ]
    headings = ("hosts", "flavor", "refused", SURE, "exact", "one pool", "enough")
    title = "share of the flavor that is refused most often"
    print_rows(title, headings, rows)
    shown = console()
    shown.print()
    sizes = ", ".join(f"{s:,} {n}" for n, s in zip(*limited(room_of(profile)), strict=True))
    if found.partial:
        shown.print("PARTIAL: interrupted", soft_wrap=True)
    elif found.hosts is None:
        shown.print(f"no number of hosts is enough for {found.target:.4%}", soft_wrap=True)
    else:
        plural = "s" * (found.hosts > 1)
        shown.print(
            f"{found.hosts:,} host{plural} with {sizes}: no flavor is refused more often than "
            f"{found.target:.4%}",
            soft_wrap=True,
        )
    shown.print(f"seed {found.seed} repeats this", soft_wrap=True)


def capacity_to_parquet(path: str, found: Capacity) -> None:
    """Write a row for each interval and flavor, with what all flavors have in common."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    flavors, rows = found.room.flavors, found.intervals
    columns: dict[str, object] = {"seconds": np.repeat(found.times, len(flavors))}
    names = pa.array([flavor.name for flavor in flavors] * rows)
    columns["flavor"] = names.dictionary_encode()
    columns["asked"], columns["refused"] = found.seen.asked.ravel(), found.seen.refused.ravel()
    columns["room_left"] = found.fits.astype(np.int64).ravel()
    used = found.use_over_time()
    columns |= {f"{n}_used": np.repeat(used[n], len(flavors)) for n in SIZES if n in used}
    columns["servers"] = np.repeat(found.seen.roomed / found.plan.step, len(flavors))
    columns["hosts"] = np.repeat(found.up.astype(np.int64), len(flavors))
    with replacing(path) as beside:
        pq.write_table(pa.table(columns), beside)
