"""The command `watch`: a real cloud, polled."""

from __future__ import annotations

import sys

import click

from ecs_fsm.cli.options import choosing, servers


@click.command()
@choosing
@click.option("--cloud", metavar="NAME", help="A cloud of clouds.yaml (else the OS_ variables).")
@click.option(
    "--interval", metavar="TIME", default="30s", show_default=True, help="The time between polls."
)
@click.option(
    "--full-every",
    metavar="N",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Every N-th poll lists all servers, the others those that have changed.",
)
@click.option("--overdue", metavar="LIMIT", help="pNN of the profile, or a time; p99 otherwise.")
@click.option(
    "--profile", metavar="FILE", help="How long steps take (TOML); the built-in profile otherwise."
)
@click.option("--once", is_flag=True, help="Poll once and print, for cron.")
@click.option("--polls", metavar="N", type=click.IntRange(1), help="End after N polls.")
@click.option("--state", metavar="FILE", help="Keep in FILE what is known, for the next run.")
@click.option("--json", "as_json", is_flag=True, help="Print each poll as a line of JSON.")
@click.option("--record", metavar="FILE", help="Append what was seen to FILE, for replay.")
@click.option("--listen", metavar="HOST:PORT", help="Serve metrics for Prometheus there.")
def watch(
    cloud: str | None,
    interval: str,
    full_every: int,
    overdue: str | None,
    profile: str | None,
    once: bool,
    polls: int | None,
    state: str | None,
    as_json: bool,
    record: str | None,
    listen: str | None,
) -> int:
    """Watch a real cloud: what happens, and what is stuck.

    openstacksdk logs in, with clouds.yaml or the OS_ variables. The servers of all projects are
    listed if the cloud allows it, by default every 30 seconds, in between only what has changed.
    Nothing is changed in the cloud. A step that runs longer than its limit is overdue: since when,
    what frees the server and, by its instance actions, who requested it. Times are those of the
    cloud's clock. A cloud that does not answer is asked again after growing pauses.

    On a terminal a table shows what is not at rest; elsewhere there is a line for each change.
    Needs the extra watch: pip install 'ecs-fsm[watch]'

    \b
    Examples:
      ecs-fsm watch --cloud production --lifecycle nova
      ecs-fsm watch --cloud production --once --state /var/lib/ecs-fsm.json
      ecs-fsm watch --record polls.jsonl --listen 127.0.0.1:9180

    JSON, a line for each poll: {"at", "full": true for a list of all servers, "servers": their
    number, "changes": [...] as in `replay --json`, where a change that is not settled comes again
    once it is, "unknown": {server: what is wrong with its words}, "working": [{"server", "name",
    "vm_state", "task_state", "status", "since"}, ...], "overdue": [...] as in `replay --json` with
    "name", "host" and "request": null or {"action", "request_id", "user", "started", "host"}}.
    Exit code 1 if a server is overdue after the last poll.
    """
    from ecs_fsm.core.errors import require

    require("openstack", "msgspec", extra="watch")
    from ecs_fsm.monitor.client import CloudClient
    from ecs_fsm.monitor.watch import Lines, LiveTable, Watch, WatchSettings
    from ecs_fsm.profiles.durations import seconds
    from ecs_fsm.profiles.loader import read

    lifecycle = servers().lifecycle
    name = cloud or "the cloud"
    settings = WatchSettings(
        name,
        overdue,
        profile or "built in",
        seconds(interval),
        full_every,
        1 if once else polls,
        once,
        state,
        record,
        listen,
    )
    likely = read(lifecycle, profile) if profile else None
    watching = Watch(CloudClient.of(cloud), lifecycle, settings, likely)
    if as_json or once or not sys.stdout.isatty():
        watching.run(Lines(watching.tracking, name, as_json=as_json, whole=once))
    else:
        table = LiveTable(watching.tracking, name)
        with table.live:
            watching.run(table)
    return 1 if watching.late else 0
