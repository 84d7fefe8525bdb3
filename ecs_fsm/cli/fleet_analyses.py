"""The commands about fleets that do more than run one: what is exact, what competes, what fits."""

from __future__ import annotations

import click

from ecs_fsm.cli.fleet_commands import (
    check_option,
    check_picture,
    counts_option,
    duration_option,
    plot_option,
    profile_option,
    read_profile,
    seed_option,
    size_option,
    step_option,
    tell,
)
from ecs_fsm.cli.options import as_json, choosing, print_json, servers
from ecs_fsm.core.errors import InvalidInput


@click.command()
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

    Time and changes from request to rest (the time with its percentiles) and the probability of an
    error, per operation; the mean life and how it ends; the share of each status in a life, which
    is the stationary share of a fleet that is kept full; with --duration the share of each status
    over time (at 21 points, or every --step), unless constant or empirical times make it jump. What
    cannot be calculated is said.

    \b
    Examples:
      ecs-fsm fleet exact
      ecs-fsm fleet exact --what-if fail.spawning=0.05 --what-if durations.spawning=2m

    JSON: {"lifecycle", "operations": {OPERATION: {"requests_in_a_life", "rests", "ends_in_error",
    "mean_seconds", "sd_seconds", "mean_changes", "sd_changes"}}, "percentiles": {OPERATION:
    {"50": seconds, "90", "99"}}, "life": {"mean_seconds", "mean_steps", "ends": {STATE:
    probability}}, "shares": {"status": {WORD: share}, "vm_state", "task_state"}, "times",
    "over_time": {STATUS: [share, ...]}, "why": [what is not given, ...]}; with --what-if {"before",
    "after", "differences": {PATH: {"before", "after", "difference"}}}.
    """
    from ecs_fsm.core.errors import require

    require("numpy", "scipy")
    from ecs_fsm.fleet.report import print_answer, print_differences
    from ecs_fsm.fleet.what_if import answer, differences
    from ecs_fsm.profiles.durations import seconds
    from ecs_fsm.profiles.loader import changed

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
    as_json: bool,
) -> int:
    """Simulate servers that compete for the [resources] of the profile.

    A resource has a capacity (of each of its hosts, among which servers are dealt out by number),
    and steps during which a server holds one unit of it; who finds none free waits in line, and the
    step begins after that. Prints what `fleet run` prints, and how long the lines were. --check
    compares as `fleet run --check` where nobody waits; where somebody does, only how requests end
    has an exact answer.

    \b
    Example:
      ecs-fsm fleet contend --servers 2000 --duration 3d --seed 7 -o counts.parquet

    JSON: as of `fleet run`, and "resources": {NAME: {"capacity", "hosts", "uses", "waited",
    "mean_wait", "wait_percentiles", "mean_queue", "busy", "lengths": [waiting, ...]}}, and with
    --check "check".
    """
    from ecs_fsm.core.errors import require

    wanted = ["pyarrow"] * bool(output) + ["scipy"] * compare
    require("numba", "numpy", "simpy", *wanted)
    check_picture(picture)
    from ecs_fsm.fleet.contention import contend as compete
    from ecs_fsm.fleet.report import print_queues, print_result, progress

    profile = read_profile(file)
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
        from ecs_fsm.fleet.comparison import check_contention

        checked = check_contention(found)

    def show() -> None:
        print_result(found.result)
        print_queues(found.queues)

    agrees = tell(found, show, checked, as_json)
    return 130 if found.result.partial else 0 if agrees else 1


@click.command()
@choosing
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("-o", "--output", metavar="FILE", help="Write the profile there, and print its rows.")
def fit(file: str, output: str | None) -> int:
    """Fit a profile to timed observations.

    FILE (- is standard input) is what `replay` reads (JSON, JSON Lines or CSV with vm_state and
    task_state) plus a column seconds, time, timestamp or at (seconds, or ISO 8601), ascending for
    each server, and a column server where there are several. The profile says for each row how
    many samples it has and how well it fits (Kolmogorov-Smirnov); what there is too little data for
    stays as in the built-in profile and is named.

    \b
    Example:
      ecs-fsm fleet fit observed.csv -o mine.toml
    """
    from ecs_fsm.core.errors import require

    require("numpy", "scipy")
    from ecs_fsm.fleet.fitting import fit as fit_to
    from ecs_fsm.fleet.fitting import observe_file
    from ecs_fsm.fleet.report import print_fits
    from ecs_fsm.io.files import write_whole

    lifecycle = servers().lifecycle
    fitted = fit_to(lifecycle, observe_file(lifecycle, file))
    if output:
        write_whole(output, fitted.text.encode())
        print_fits(fitted)
    else:
        click.echo(fitted.text, nl=False)
    return 0
