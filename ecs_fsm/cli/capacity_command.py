"""The command `fleet capacity`: servers on hosts with room, and how many hosts are enough."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from ecs_fsm.cli.fleet_commands import (
    all_option,
    check_option,
    check_picture,
    check_what_if,
    plot_option,
    print_what_if,
    print_with_check,
    read_profile,
    seed_option,
    step_option,
    what_if_option,
)
from ecs_fsm.cli.options import as_json, choosing, print_json, servers
from ecs_fsm.core.errors import InvalidInput

if TYPE_CHECKING:
    from ecs_fsm.fleet.capacity_result import Capacity
    from ecs_fsm.profiles.profile import Profile


class ShareOption(click.ParamType[float]):
    """A share: 0.1% or 0.001."""

    name = "share"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the share, or fail."""
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 < share < 1:
            self.fail(f"{text!r}: expected a share between 0 and 1, such as 0.1% or 0.001")
        return share


@click.command()
@choosing
@click.option(
    "--profile",
    "file",
    metavar="FILE",
    help="A profile (TOML) with [hosts] and [flavors]. Default: the built-in example.",
)
@click.option(
    "--servers",
    "number",
    metavar="N",
    type=click.IntRange(0, 10_000_000),
    default=0,
    help="Servers at the beginning. Default: none; others arrive as [arrivals] says.",
)
@click.option("--duration", metavar="TIME", help="How much time to measure. Default: enough.")
@click.option(
    "--warmup",
    metavar="TIME",
    help="Time before that, from an empty fleet. Default: ten times the mean life, for poisson.",
)
@step_option
@seed_option
@click.option(
    "--target",
    metavar="SHARE",
    type=ShareOption(),
    help="Find the smallest number of hosts that refuse no flavor more often, such as 0.1%.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write creations, refusals, use and room left over time to Parquet.",
)
@plot_option
@check_option
@what_if_option
@all_option
@as_json
def capacity(
    file: str | None,
    number: int,
    duration: str | None,
    warmup: str | None,
    step: str | None,
    seed: int,
    target: float | None,
    output: str | None,
    picture: str | None,
    compare: bool,
    changes: tuple[str, ...],
    every: bool,
    as_json: bool,
) -> int:
    """Simulate servers on hosts with room, and count how often no host is valid.

    The profile has [hosts], [flavors] and [placement] beside its times and requests (`fleet profile
    --capacity` prints an example, `fleet profile --help` every key). A server takes room from its
    creation until it is deleted or offloaded from a shelf; a resize, migration or evacuation takes
    room on a second host, and both are held until it is over or answered. A creation that finds no
    host ("No valid host") is refused, and lost; a move that finds none leaves the server where it
    is. Hosts can fail and return.

    Prints how often creations are refused, by flavor, with confidence intervals by batch means; use
    of each resource; how much of the free room lies in parts that are too small; and how long a
    fleet takes to be full. Beside it stands the exact answer for one flavor (Erlang's loss formula)
    or several flavors on one host (the Kaufman-Roberts recursion), and the loss of one pool with
    all the room; the difference to that is what fragmentation costs. --check compares with the
    exact answer; exit code 1 if they disagree at one in a million. With --target, the search begins
    at the number of hosts in the profile; exit code 1 if no number is enough. The same seed gives
    the same result, and the same servers on any number of hosts.

    \b
    Examples:
      ecs-fsm fleet capacity
      ecs-fsm fleet capacity --duration 3000d --seed 7 --what-if hosts.count=5
      ecs-fsm fleet capacity --lifecycle nova --duration 3000d --target 1%

    JSON: {"lifecycle", "hosts", "sizes", "zones", "flavors": {NAME: {"vcpus", "ram", "disk",
    "share", "asked", "refused", "low", "high", "exact", "bound", "fragmentation"}}, "refused":
    {"share", "low", "high"}, "bound", "why", "confidence", "batches", "too_short", "use":
    {RESOURCE: {"mean", "low", "high"}}, "servers", "moves": {OPERATION: {"asked", "refused", "low",
    "high"}}, "full": {"runs", "full", "within", "mean_seconds", "seconds"}, "life", "load",
    "arrived", "at_once", "warmup", "duration", "step", "seed", "partial", "times", "over_time":
    {"asked", "refused", "room_left", "use", "servers", "hosts"}}, and with --check "check"; with
    --target {"target", "hosts", "curve": [{"hosts", "flavor", "refused", "low", "high", "exact",
    "bound"}, ...], "seed", "partial"}; with --what-if {"before", "after", "differences"}.
    """
    from ecs_fsm.core.errors import require
    from ecs_fsm.profiles.loader import capacity_example, changed
    from ecs_fsm.profiles.profile_room import NO_ROOM

    profile = read_profile(file) if file else capacity_example(servers().lifecycle)
    if profile.room is None:
        raise InvalidInput(f"{file}: {NO_ROOM}")
    other = changed(profile, changes)
    require("llvmlite", "numpy", "scipy", *(["pyarrow"] if output else []))
    check_picture(picture)
    from ecs_fsm.fleet.capacity import simulate
    from ecs_fsm.fleet.capacity_report import capacity_to_parquet, print_capacity
    from ecs_fsm.fleet.report import progress

    def run(one: Profile) -> Capacity:
        with progress("parts of the time") as moved:
            return simulate(
                one, servers=number, duration=duration, warmup=warmup, step=step, seed=seed,
                progress=moved,
            )  # fmt: skip

    if changes:
        check_what_if(**{"-o": output, "--plot": picture, "--check": compare, "--target": target})
        two = [run(one) for one in (profile, other)]
        return print_what_if(two, every, as_json)
    if target is not None:
        if output or compare:
            raise InvalidInput("--target compares numbers of hosts: leave out -o and --check")
        from ecs_fsm.fleet.capacity_report import print_sizing
        from ecs_fsm.fleet.sizing import smallest

        with progress("numbers of hosts") as moved:
            sized = smallest(
                profile, target, servers=number, duration=duration, warmup=warmup, step=step,
                seed=seed, progress=moved,
            )  # fmt: skip
        if picture:
            from ecs_fsm.fleet.capacity_plot import plot_sizing

            plot_sizing(sized, picture)
        print_json(sized.as_dict()) if as_json else print_sizing(sized, profile)
        return 130 if sized.partial else 1 if sized.hosts is None else 0
    found = run(profile)
    if output:
        capacity_to_parquet(output, found)
    if picture:
        from ecs_fsm.fleet.capacity_plot import plot_capacity

        plot_capacity(found, picture)
    checked = None
    if compare:
        from ecs_fsm.fleet.formula_check import check_capacity

        checked = check_capacity(found)
    agrees = print_with_check(found, partial(print_capacity, found), checked, as_json)
    return 130 if found.partial else 0 if agrees else 1
