"""The commands about many servers at once: simulated, calculated, competing, fitted."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from time import perf_counter
from typing import TYPE_CHECKING

import click

from ecs_fsm.cli.options import as_json, choosing, print_json, servers
from ecs_fsm.errors import InvalidInput

if TYPE_CHECKING:
    from ecs_fsm.fleet.profile import Profile
    from ecs_fsm.fleet.result import Result


class InOrder(click.Group):
    """A group that lists its commands as a reader meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of this file."""
        return list(self.commands)


@click.group(cls=InOrder)
def fleet() -> None:
    """Many servers at once, with random times: simulate, calculate, let them compete, fit.

    A profile (TOML) says how long steps take, what is asked of servers at rest, and what goes
    wrong; `fleet profile` prints the built-in one, which explains itself. Times are seconds, or
    words such as 90s, 2m, 1h, 30d. Needs the extra ecs-fsm[fleet].

    \b
    Example:
      ecs-fsm fleet run --servers 10000 --duration 30d --step 1h --seed 7
    """


profile_option = click.option(
    "--profile", "file", metavar="FILE", help="A profile (TOML); the built-in one otherwise."
)
size_option = click.option(
    "--servers", "number", metavar="N", type=click.IntRange(min=1), required=True,
    help="How many servers.",
)  # fmt: skip
duration_option = click.option(
    "--duration", metavar="TIME", required=True, help="How long, such as 30d."
)
step_option = click.option(
    "--step", metavar="TIME", help="The time between two counts; 100 counts otherwise."
)
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True,
    help="What decides everything random.",
)  # fmt: skip
plot_option = click.option(
    "--plot",
    "picture",
    metavar="FILE",
    help="Draw statuses over time and durations: SVG, PNG, PDF.",
)


def read_profile(file: str | None) -> Profile:
    """The profile that the command line names, for the chosen lifecycle."""
    from ecs_fsm.fleet.profilefile import read

    return read(servers().lifecycle, file)


@fleet.command("profile")
@choosing
def show_profile() -> int:
    """Print the built-in profile, to begin one's own from."""
    from ecs_fsm.fleet.profilefile import built_in_text

    click.echo(built_in_text(servers().lifecycle), nl=False)
    return 0


@fleet.command()
@choosing
@profile_option
@size_option
@duration_option
@step_option
@seed_option
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--dask", "address", metavar="ADDRESS", help="Simulate on the Dask cluster of this scheduler."
)
@click.option("-o", "--output", metavar="FILE", help="Write the counts over time to Parquet.")
@click.option("--events", is_flag=True, help="Write every change to the file of -o instead.")
@plot_option
@click.option("--check", "compare", is_flag=True, help="Compare with the exact answer.")
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
    as_json: bool,
) -> int:
    """Simulate servers that do not disturb each other.

    Prints servers by status, vm_state and task_state over time, events, failures, time spent, and
    how long it takes from a request to rest. The same seed gives the same result, whatever the
    number of threads. Ctrl-C ends with what is done so far, marked partial (exit code 130). With
    --check the simulated numbers stand beside the exact ones with confidence intervals; exit code 1
    where they disagree at one in a million.

    \b
    Examples:
      ecs-fsm fleet run --servers 1000000 --duration 30d --step 1h --seed 7 --threads 2
      ecs-fsm fleet run --servers 1000 --duration 1d --events -o events.parquet --lifecycle nova
      ecs-fsm fleet run --servers 1000000000 --duration 30d --dask tcp://scheduler:8786

    JSON: {"lifecycle", "servers", "done", "partial", "duration", "step", "seed", "changes",
    "changes_per_server", "times": [seconds, ...], "counts": {"status": {WORD: [servers, ...]},
    "vm_state", "task_state"}, "events": {EVENT: times}, "requests", "failures", "time_spent":
    {"status": {WORD: seconds}, "vm_state", "task_state"}, "waiting": {OPERATION: {"asked",
    "rested", "hung", "ended_in_error", "mean_changes", "mean_seconds", "percentiles"}}}, and with
    --check "check": {"agrees", "left_out", "comparisons": [{"what", "simulated", "low", "high",
    "exact", "chance"}, ...], "disagreements"}.
    """
    from ecs_fsm.fleet.extra import need

    need("numba", "numpy", *(["pyarrow"] if output else []), *(["scipy"] if compare else []))
    _check_picture(picture)
    if events and not output:
        raise InvalidInput("--events are written to a file: name one with -o")
    from ecs_fsm.fleet import running
    from ecs_fsm.fleet.cluster import cluster
    from ecs_fsm.fleet.compiled import compile_profile
    from ecs_fsm.fleet.telling import progress

    profile = read_profile(file)
    begun = perf_counter()
    with ExitStack() as stack:
        take = None
        if events and output:
            from ecs_fsm.fleet.parquet import events_into

            made = compile_profile(profile)
            take = stack.enter_context(events_into(output, made.states, made.events))
        result = running.run(
            profile,
            servers=number,
            duration=duration,
            step=step,
            seed=seed,
            threads=threads,
            executor=stack.enter_context(cluster(address)) if address else None,
            take=take,
            progress=stack.enter_context(progress()),
        )
    took = perf_counter() - begun
    if output and not events:
        from ecs_fsm.fleet.parquet import write_counts

        write_counts(output, result)
    if picture:
        from ecs_fsm.fleet.plot import plot

        plot(result, picture)
    agrees = _tell(result, compare, as_json)
    rate = result.changes / took
    print(f"{took:.2f} s, {rate / 1e6:.1f} million changes a second", file=sys.stderr)
    return 130 if result.partial else 0 if agrees else 1


def _check_picture(picture: str | None) -> None:
    """Say before a long run that a plot cannot be drawn after it."""
    if picture:
        from ecs_fsm.fleet.extra import need

        need("matplotlib", "scipy")
        from ecs_fsm.fleet.plot import kind_of

        kind_of(picture)


def _tell(result: Result, compare: bool, as_json: bool) -> bool:
    """Print a result; whether it agrees with the exact answer, if that was asked."""
    checked = None
    if compare:
        from ecs_fsm.fleet.checking import check

        checked = check(result)
    if as_json:
        from ecs_fsm.fleet.answers import check_as_dict

        print_json(result.as_dict() | ({"check": check_as_dict(checked)} if checked else {}))
    else:
        from ecs_fsm.fleet.answers import print_check
        from ecs_fsm.fleet.telling import print_result

        print_result(result)
        if checked:
            print_check(checked)
    return not (checked and checked.disagreements)


@fleet.command()
@choosing
@profile_option
@click.option(
    "--what-if", "changes", metavar="TABLE.KEY=VALUE", multiple=True,
    help="Change the profile, and show what that does; again for more changes at once.",
)  # fmt: skip
@click.option("--duration", metavar="TIME", help="Show shares over time for so long.")
@step_option
@as_json
def exact(
    file: str | None,
    changes: tuple[str, ...],
    duration: str | None,
    step: str | None,
    as_json: bool,
) -> int:
    """Calculate what has a closed form, without a simulation.

    Time and changes from request to rest and the probability of an error, per operation; the mean
    life and how it ends; the share of each status in a life, which is the stationary share of a
    fleet that is kept full; with --duration the share of each status over time, where all times are
    exponential (or gamma with a whole shape). What has no closed form is said.

    \b
    Examples:
      ecs-fsm fleet exact
      ecs-fsm fleet exact --what-if fail.spawning=0.05 --what-if durations.spawning=2m

    JSON: {"lifecycle", "operations": {OPERATION: {"requests_in_a_life", "rests", "ends_in_error",
    "mean_seconds", "sd_seconds", "mean_changes", "sd_changes"}}, "life": {"mean_seconds",
    "mean_steps", "ends": {STATE: probability}}, "shares": {"status": {WORD: share}, "vm_state",
    "task_state"}, "times", "over_time": {STATUS: [share, ...]}, "why": [what is not given, ...]};
    with --what-if {"before", "after", "differences": {PATH: {"before", "after", "difference"}}}.
    """
    from ecs_fsm.fleet.extra import need

    need("numpy", "scipy")
    from ecs_fsm.fleet.answers import answer, differences, print_answer, print_differences
    from ecs_fsm.fleet.durations import seconds
    from ecs_fsm.fleet.profilefile import changed

    profile = read_profile(file)
    long = None if duration is None else seconds(duration)
    between = None if step is None else seconds(step)
    if long == 0 or between == 0:
        raise InvalidInput("a duration and a step are times above 0")
    told = answer(profile, long, between)
    if not changes:
        print_json(told) if as_json else print_answer(told)
        return 0
    after = answer(changed(profile, changes), long, between)
    found = differences(told, after)
    if as_json:
        print_json({"before": told, "after": after, "differences": found})
    else:
        print_differences(found)
    return 0


@fleet.command()
@choosing
@profile_option
@size_option
@duration_option
@step_option
@seed_option
@plot_option
@as_json
def contend(
    file: str | None,
    number: int,
    duration: str,
    step: str | None,
    seed: int,
    picture: str | None,
    as_json: bool,
) -> int:
    """Simulate servers that compete for the [resources] of the profile.

    A resource has a capacity (of each of its hosts, among which servers are dealt out by number),
    and steps during which a server holds one unit of it; who finds none free waits in line, and the
    step begins after that. Prints what `fleet run` prints, and how long the lines were.

    \b
    Example:
      ecs-fsm fleet contend --servers 2000 --duration 3d --seed 7

    JSON: as of `fleet run`, and "resources": {NAME: {"capacity", "hosts", "uses", "waited",
    "mean_wait", "wait_percentiles", "mean_queue", "busy", "lengths": [waiting, ...]}}.
    """
    from ecs_fsm.fleet.extra import need

    need("numba", "numpy", "simpy")
    _check_picture(picture)
    from ecs_fsm.fleet.contend import contend as compete
    from ecs_fsm.fleet.telling import print_queues, print_result, progress

    profile = read_profile(file)
    with progress("parts of the time") as moved:
        found = compete(
            profile, servers=number, duration=duration, step=step, seed=seed, progress=moved
        )
    if picture:
        from ecs_fsm.fleet.plot import plot

        plot(found.result, picture, found.queues)
    if as_json:
        print_json(found.as_dict())
    else:
        print_result(found.result)
        print_queues(found.queues)
    return 130 if found.result.partial else 0


@fleet.command()
@choosing
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=False))
@click.option("-o", "--output", metavar="FILE", help="Write the profile there, and print its rows.")
def fit(file: str, output: str | None) -> int:
    """Fit a profile to timed observations.

    FILE is what `replay` reads (JSON, JSON Lines or CSV with vm_state and task_state) plus a column
    seconds, time, timestamp or at (seconds, or ISO 8601), ascending for each server, and a column
    server where there are several. The profile says for each row how many samples it has and how
    well it fits (Kolmogorov-Smirnov); what there is too little data for stays as in the built-in
    profile and is named.

    \b
    Example:
      ecs-fsm fleet fit observed.csv -o mine.toml
    """
    from ecs_fsm.fleet.extra import need

    need("numpy", "scipy")
    from ecs_fsm.fleet.fitting import fit as fit_to
    from ecs_fsm.fleet.observed import observe_file
    from ecs_fsm.fleet.telling import print_fits
    from ecs_fsm.writing import write_whole

    lifecycle = servers().lifecycle
    fitted = fit_to(lifecycle, observe_file(lifecycle, file))
    if output:
        write_whole(output, fitted.text.encode())
        print_fits(fitted)
    else:
        click.echo(fitted.text, nl=False)
    return 0
