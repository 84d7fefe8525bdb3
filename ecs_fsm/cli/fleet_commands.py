"""The commands `fleet`, `fleet run` and `fleet profile`, and options that fleet commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING

import click

from ecs_fsm.cli.options import OrderedGroup, as_json, choosing, print_json, servers
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.profiles.profile_keys import help_text

if TYPE_CHECKING:
    from ecs_fsm.fleet.capacity_result import Capacity
    from ecs_fsm.fleet.comparison import FleetCheck
    from ecs_fsm.fleet.contention import Contention
    from ecs_fsm.fleet.result import FleetResult
    from ecs_fsm.profiles.profile import Profile


@click.group(cls=OrderedGroup)
def fleet() -> None:
    """Simulate or calculate many servers, with times and failures.

    A profile (TOML) says how long steps take, what users request of servers at rest, and what goes
    wrong. `fleet profile` prints the built-in one, with comments. Times are seconds, or written as
    90s, 2m, 1h, 30d. Needs the extra ecs-fsm[fleet].

    \b
    Example:
      ecs-fsm fleet run --servers 10000 --duration 30d --step 1h --seed 7
    """


profile_option = click.option(
    "--profile", "file", metavar="FILE", help="A profile (TOML). Default: the built-in one."
)
size_option = click.option(
    "--servers", "number", metavar="N", type=click.IntRange(min=1), required=True,
    help="The number of servers; with Poisson arrivals, those at the beginning.",
)  # fmt: skip
duration_option = click.option(
    "--duration", metavar="TIME", required=True, help="How much time to simulate, such as 30d."
)
step_option = click.option(
    "--step", metavar="TIME", help="The time between two counts. Default: 100 counts in all."
)
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True,
    help="The seed of all random numbers.",
)  # fmt: skip
counts_option = click.option(
    "-o", "--output", metavar="FILE", help="Write the counts over time to Parquet."
)
plot_option = click.option(
    "--plot",
    "picture",
    metavar="FILE",
    help="Draw statuses over time and durations, as SVG, PNG or PDF.",
)
check_option = click.option(
    "--check", "compare", is_flag=True, help="Compare with the exact answers."
)

what_if_option = click.option(
    "--what-if", "changes", metavar="TABLE.KEY=VALUE", multiple=True,
    help="Change the profile, and show the ten figures that change most. Repeatable.",
)  # fmt: skip
all_option = click.option(
    "--all", "every", is_flag=True, help="With --what-if: show every figure that changes."
)


def announce_arrivals(profile: Profile, number: int, duration: str) -> None:
    """Say before a simulation that Poisson arrivals make more servers than were named."""
    from ecs_fsm.fleet.report import span
    from ecs_fsm.profiles.durations import seconds
    from ecs_fsm.profiles.profile_validation import POISSON

    every = profile.arrivals.every
    if profile.arrivals.kind == POISSON:
        print(
            f"arrivals are poisson, every {span(every)}: about {seconds(duration) / every:,.0f} "
            f"more than the {number:,} of --servers",
            file=sys.stderr,
        )


def read_profile(file: str | None) -> Profile:
    """Return the profile that the command line names, for the chosen lifecycle."""
    from ecs_fsm.profiles.loader import read

    return read(servers().lifecycle, file)


PROFILE_HELP = f"""Print the built-in profile (TOML), as a start for your own.

\b
Examples:
  ecs-fsm fleet profile > mine.toml
  ecs-fsm fleet profile --lifecycle nova
  ecs-fsm fleet profile --template --lifecycle ec2
  ecs-fsm fleet profile --capacity > hosts.toml

{help_text()}
"""


@fleet.command("profile", help=PROFILE_HELP)
@click.option("--template", is_flag=True, help="Print one to fill in, for any lifecycle.")
@click.option("--capacity", is_flag=True, help="Print that of `fleet capacity`, with hosts.")
@choosing
def show_profile(template: bool, capacity: bool) -> int:
    """Print the built-in profile, a template, or the example with hosts."""
    from ecs_fsm.profiles import blank_profile
    from ecs_fsm.profiles.loader import built_in_text, capacity_text

    if template and capacity:
        raise InvalidInput("--template and --capacity are mutually exclusive")
    made = blank_profile.text if template else capacity_text if capacity else built_in_text
    click.echo(made(servers().lifecycle), nl=False)
    return 0


@fleet.command()
@choosing
@profile_option
@size_option
@duration_option
@step_option
@seed_option
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many threads simulate.",
)
@click.option(
    "--dask", "address", metavar="ADDRESS", help="Simulate on the Dask cluster of this scheduler."
)
@counts_option
@click.option(
    "--events", is_flag=True, help="Write every change to the file of -o, instead of counts."
)
@plot_option
@check_option
@what_if_option
@all_option
@as_json
def run(
    file: str | None,
    number: int,
    duration: str,
    step: str | None,
    seed: int,
    threads: int,
    address: str | None,
    output: str | None,
    events: bool,
    picture: str | None,
    compare: bool,
    changes: tuple[str, ...],
    every: bool,
    as_json: bool,
) -> int:
    """Simulate independent servers, up to billions.

    Prints servers by status, vm_state and task_state over time, events, failures, time spent, and
    the time from a request to rest. The same seed gives the same result with any number of threads.
    Ctrl-C ends the run with a partial result (exit code 130). With --check, simulated numbers
    (requests, shares over time, how often each event happens) are printed beside the exact ones,
    with confidence intervals; exit code 1 if they disagree at a level of one in a million. With
    --what-if, the changed profile is simulated with the same seed too, and the figures that change
    by more than chance explains (three standard errors) are printed, the largest change first.

    \b
    Examples:
      ecs-fsm fleet run --servers 1000000 --duration 30d --step 1h --seed 7 --threads 2
      ecs-fsm fleet run --servers 1000 --duration 1d --events -o events.parquet --lifecycle nova
      ecs-fsm fleet run --servers 100000 --duration 7d --what-if hang.migrating=0.01
      ecs-fsm fleet run --servers 1000000000 --duration 30d --dask tcp://scheduler:8786

    JSON: {"lifecycle", "servers", "done", "partial", "duration", "step", "seed", "changes",
    "changes_per_server", "times": [seconds, ...], "counts": {"status": {WORD: [servers, ...]},
    "vm_state", "task_state"}, "events": {EVENT: times}, "requests", "failures", "time_spent":
    {"status": {WORD: seconds}, "vm_state", "task_state"}, "waiting": {OPERATION: {"asked",
    "rested", "hung", "ended_in_error", "mean_changes", "mean_seconds", "percentiles"}}}, and with
    --check "check": {"agrees", "left_out", "comparisons": [{"what", "simulated", "low", "high",
    "exact", "chance"}, ...], "disagreements"}; with --what-if {"before", "after", "differences":
    {PATH: {"before", "after", "difference"}}}.
    """
    from ecs_fsm.core.errors import require

    require(
        "llvmlite",
        "numpy",
        *(["pyarrow"] if output else []),
        *(["scipy"] if compare or changes else []),
    )
    check_picture(picture)
    if events and not output:
        raise InvalidInput("--events needs a file to write to: add -o FILE")
    from ecs_fsm.fleet import simulation
    from ecs_fsm.fleet.arrays import compile_profile
    from ecs_fsm.fleet.report import print_result, progress

    profile = read_profile(file)
    announce_arrivals(profile, number, duration)
    if changes:
        check_what_if(**{"-o": output, "--plot": picture, "--check": compare, "--events": events})
        from ecs_fsm.profiles.loader import changed

        two = []
        with simulation.cluster(address) if address else nullcontext() as workers:
            for one in (profile, changed(profile, changes)):
                with progress() as moved:
                    two.append(
                        simulation.run(
                            one, servers=number, duration=duration, step=step, seed=seed,
                            threads=threads, executor=workers, progress=moved,
                        )
                    )  # fmt: skip
        return print_what_if(two, every, as_json)
    begun = perf_counter()
    with ExitStack() as stack:
        take = None
        if events and output:
            from ecs_fsm.fleet.result import events_to_parquet

            made = compile_profile(profile)
            take = stack.enter_context(
                events_to_parquet(output, made.profile.lifecycle, made.states, made.events)
            )
        result = simulation.run(
            profile,
            servers=number,
            duration=duration,
            step=step,
            seed=seed,
            threads=threads,
            executor=stack.enter_context(simulation.cluster(address)) if address else None,
            take=take,
            progress=stack.enter_context(progress()),
        )
    took = perf_counter() - begun
    if output and not events:
        from ecs_fsm.fleet.result import counts_to_parquet

        counts_to_parquet(output, result)
    if picture:
        from ecs_fsm.fleet.plot import plot

        plot(result, picture)
    checked = None
    if compare:
        from ecs_fsm.fleet.comparison import check

        with progress("comparisons") as moved:
            checked = check(result, moved)
    agrees = print_with_check(result, lambda: print_result(result), checked, as_json)
    rate = result.changes / took
    print(f"{took:.2f} s, {rate / 1e6:.1f} million changes a second", file=sys.stderr)
    return 130 if result.partial else 0 if agrees else 1


def check_what_if(**others: object) -> None:
    """Raise an error for an option that has no meaning for two runs."""
    for option, value in others.items():
        if value:
            raise InvalidInput(f"--what-if compares two runs: leave out {option}")


def print_what_if(
    runs: Sequence[FleetResult | Contention | Capacity], every: bool, as_json: bool
) -> int:
    """Print how two runs differ, beyond chance; return the exit code."""
    from ecs_fsm.fleet.report import print_effects
    from ecs_fsm.fleet.what_if import effects, figures_of

    before, after = runs
    found = effects(figures_of(before), figures_of(after))
    if as_json:
        differences = {path: effect.as_dict() for path, effect in found.items()}
        print_json(
            {"before": before.as_dict(), "after": after.as_dict(), "differences": differences}
        )
    else:
        print_effects(found, every)
    return 130 if before.partial or after.partial else 0


def check_picture(picture: str | None) -> None:
    """Raise an error before a long run if its plot could not be drawn afterwards."""
    if picture:
        from ecs_fsm.core.errors import require

        require("matplotlib", "scipy")
        from ecs_fsm.fleet.plot import kind_of

        kind_of(picture)


def print_with_check(
    found: FleetResult | Contention | Capacity,
    show: Callable[[], None],
    checked: FleetCheck | None,
    as_json: bool,
) -> bool:
    """Print the result, and its comparison with the exact answers; return whether they agree."""
    if checked is None:
        print_json(found.as_dict()) if as_json else show()
        return True
    from ecs_fsm.fleet.report import print_check

    if as_json:
        print_json(found.as_dict() | {"check": checked.as_dict()})
    else:
        show()
        print_check(checked)
    return not checked.disagreements
