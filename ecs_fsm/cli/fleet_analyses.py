"""Commands about fleets beside `run`: exact answers, contention, fitting a profile."""

from __future__ import annotations

from typing import Any

import click

from ecs_fsm.cli.fleet_commands import (
    all_option,
    announce_arrivals,
    check_option,
    check_picture,
    check_what_if,
    counts_option,
    duration_option,
    plot_option,
    print_what_if,
    print_with_check,
    profile_option,
    read_profile,
    seed_option,
    size_option,
    step_option,
    what_if_option,
)
from ecs_fsm.cli.options import as_json, choosing, print_json, record_options, servers
from ecs_fsm.core.errors import InvalidInput


@click.command()
@choosing
@profile_option
@what_if_option
@all_option
@click.option("--duration", metavar="TIME", help="Also give shares over time, for this long.")
@step_option
@as_json
def exact(
    file: str | None,
    changes: tuple[str, ...],
    every: bool,
    duration: str | None,
    step: str | None,
    as_json: bool,
) -> int:
    """Calculate times, failures and shares exactly, without a simulation.

    For each operation: the time (with percentiles) and changes from request to rest, and the
    probability of an error. For a life: its mean length, how it ends, and the share of each status,
    which is also the stationary share of a fleet that is kept full. With --duration: the share of
    each status over time (at 21 points, or every --step), unless constant or empirical times make
    it jump. The output names what cannot be calculated. With --what-if: the figures that change
    most, the largest change first; what only rounding changes is left out.

    \b
    Examples:
      ecs-fsm fleet exact
      ecs-fsm fleet exact --what-if fail.spawning=0.05 --what-if durations.spawning=2m

    JSON: {"lifecycle", "operations": {OPERATION: {"requests_in_a_life" (null if lives
    do not end), "requests_a_day", "rests", "ends_in_error", "mean_seconds", "sd_seconds",
    "mean_changes", "sd_changes"}}, "percentiles": {OPERATION:
    {"50": seconds, "90", "99"}}, "life": {"mean_seconds", "mean_steps", "ends": {STATE:
    probability}}, "shares": {"status": {WORD: share}, "vm_state", "task_state"}, "times",
    "over_time": {STATUS: [share, ...]}, "why": [what is not given, ...]}; with --what-if {"before",
    "after", "differences": {PATH: {"before", "after", "difference"}}}.
    """
    from ecs_fsm.core.errors import require

    require("numpy", "scipy")
    from ecs_fsm.fleet.report import print_answer, print_effects, progress
    from ecs_fsm.fleet.what_if import answer
    from ecs_fsm.profiles.durations import seconds
    from ecs_fsm.profiles.loader import changed

    profile = read_profile(file)
    long = None if duration is None else seconds(duration)
    between = None if step is None else seconds(step)
    if long == 0 or between == 0:
        raise InvalidInput("--duration and --step: expected times above 0")
    with progress("operations") as moved:
        before = answer(profile, long, between, moved)
    if not changes:
        print_json(before) if as_json else print_answer(before)
        return 0
    with progress("operations") as moved:
        after = answer(changed(profile, changes), long, between, moved)
    from ecs_fsm.fleet.what_if import effects, of_answer

    found = effects(of_answer(before), of_answer(after))
    if as_json:
        differences = {path: effect.as_dict() for path, effect in found.items()}
        print_json({"before": before, "after": after, "differences": differences})
    else:
        print_effects(found, every)
    return 0


@click.command()
@choosing
@profile_option
@size_option
@duration_option
@step_option
@seed_option
@counts_option
@plot_option
@check_option
@what_if_option
@all_option
@as_json
def contend(
    file: str | None,
    number: int,
    duration: str,
    step: str | None,
    seed: int,
    output: str | None,
    picture: str | None,
    compare: bool,
    changes: tuple[str, ...],
    every: bool,
    as_json: bool,
) -> int:
    """Simulate servers that compete for the [resources] of the profile.

    A resource has a capacity (for each of its hosts; servers are distributed over them by number)
    and steps during which a server holds one unit of it. A server that finds none free waits in a
    queue, and its step begins after that. Prints what `fleet run` prints, and how long the queues
    were. --check compares as `fleet run --check` if no server had to wait; otherwise only the ways
    in which requests end have an exact answer, and the mean wait for a resource that servers use
    once, in their creation, if they arrive at random (poisson): that of M/M/c for exponential
    times, that of M/G/1 for a capacity of 1. --what-if is that of `fleet run`.

    \b
    Examples:
      ecs-fsm fleet contend --servers 2000 --duration 3d --seed 7 -o counts.parquet
      ecs-fsm fleet contend --servers 2000 --duration 3d --what-if resources.builds.capacity=2

    JSON: that of `fleet run`, and "resources": {NAME: {"capacity", "hosts", "uses", "waited",
    "mean_wait", "wait_percentiles", "mean_queue", "busy", "lengths": [waiting, ...]}}, and with
    --check "check"; with --what-if {"before", "after", "differences"}.
    """
    from ecs_fsm.core.errors import require

    wanted = ["pyarrow"] * bool(output) + ["scipy"] * (compare or bool(changes))
    require("llvmlite", "numpy", "simpy", *wanted)
    check_picture(picture)
    from ecs_fsm.fleet.contention import contend as compete
    from ecs_fsm.fleet.report import print_queues, print_result, progress

    profile = read_profile(file)
    announce_arrivals(profile, number, duration)
    if changes:
        from ecs_fsm.profiles.loader import changed

        check_what_if(**{"-o": output, "--plot": picture, "--check": compare})
        two = []
        for one in (profile, changed(profile, changes)):
            with progress("parts of the time") as moved:
                two.append(
                    compete(
                        one, servers=number, duration=duration, step=step, seed=seed, progress=moved
                    )
                )
        return print_what_if(two, every, as_json)
    with progress("parts of the time") as moved:
        found = compete(
            profile, servers=number, duration=duration, step=step, seed=seed, progress=moved
        )
    if output:
        from ecs_fsm.fleet.result import counts_to_parquet

        counts_to_parquet(output, found.result)
    if picture:
        from ecs_fsm.fleet.plot import plot

        plot(found.result, picture, found.queues)
    checked = None
    if compare:
        from ecs_fsm.fleet.formula_check import check_queues

        with progress("comparisons") as moved:
            checked = check_queues(found, moved)

    def show() -> None:
        print_result(found.result)
        print_queues(found.queues)

    agrees = print_with_check(found, show, checked, as_json)
    return 130 if found.result.partial else 0 if agrees else 1


@click.command()
@choosing
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True)
)
@record_options
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the profile to FILE, and print its rows as a table.",
)
@click.option(
    "--check",
    "test",
    is_flag=True,
    help="Print how well each fitted time holds, instead of the profile.",
)
@click.option(
    "--plot", "picture", metavar="FILE",
    help="Draw measured and fitted times of each step, as SVG, PNG or PDF.",
)  # fmt: skip
def fit(
    files: tuple[str, ...], output: str | None, test: bool, picture: str | None, **options: Any
) -> int:
    """Make a profile from a recording with times.

    FILE (- is standard input) is what `replay` reads, with times; several files are one record.
    Instance actions (openstack server event show, os-instance-actions) have the exact times of the
    steps, and their hosts. Times, probabilities, requests, arrivals and the shares of facts are
    fitted. Comments in the profile give the number of samples of each row and how well it fits
    (Kolmogorov-Smirnov); probabilities have a 95 % interval under Jeffreys' prior. Rows with too
    little data keep the values of the built-in profile, and are named. --check prints the test of
    each time; the exit code is 1 if one does not hold at 1 in 1,000.

    \b
    Examples:
      ecs-fsm fleet fit observed.csv -o mine.toml
      ecs-fsm fleet fit observed.csv --check --plot fitted.svg
      ecs-fsm fleet fit actions-*.json --lifecycle nova
    """
    from ecs_fsm.core.errors import require

    require("numpy", "scipy")
    from ecs_fsm.fleet.fitted_profile import fit as fit_to
    from ecs_fsm.fleet.fitting import observe
    from ecs_fsm.fleet.report import print_fit_check, print_fits, progress
    from ecs_fsm.io.files import write_whole
    from ecs_fsm.records.record import RecordOptions

    check_picture(picture)
    lifecycle = servers().lifecycle
    data = observe(lifecycle, files, RecordOptions(**options))
    with progress("steps fitted") as moved:
        fitted = fit_to(lifecycle, data, moved)
    if output:
        write_whole(output, fitted.text.encode())
    if picture:
        from ecs_fsm.fleet.plot import plot_fits

        plot_fits(fitted.fits, picture)
    if test:
        return 0 if print_fit_check(fitted.fits) else 1
    if output:
        print_fits(fitted)
    else:
        click.echo(fitted.text, nl=False)
    return 0
