"""Commands about what was seen of servers: what happened, what is stuck, when to alert."""

from __future__ import annotations

from typing import Any

import click

from ecs_fsm.cli.options import as_json, choosing, record_options, servers

profile_option = click.option(
    "--profile",
    metavar="FILE",
    help="How likely things are, and how long they take (TOML); the built-in profile otherwise.",
)
overdue_option = click.option(
    "--overdue",
    metavar="pNN|TIME",
    help="The limit of a step: a percentile of its time, or a time.  [default: p99]",
)


@click.command()
@choosing
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True)
)
@record_options
@profile_option
@click.option("--all-ways", is_flag=True, help="Name other ways also below a share of 1 %.")
@overdue_option
@click.option(
    "--now", metavar="TIME", help="Count to this time, not to the last one of the record."
)
@click.option(
    "--story/--table",
    "story",
    default=None,
    help="Sentences for each server, or a line for each change (on a terminal, a story of few).",
)
@click.option("--summary", is_flag=True, help="One screen, for many servers.")
@click.option("--durations", is_flag=True, help="How long steps and operations took.")
@click.option("-o", "--output", metavar="FILE", help="Also write --durations to Parquet.")
@as_json
def replay(
    files: tuple[str, ...],
    profile: str | None,
    all_ways: bool,
    overdue: str | None,
    now: str | None,
    story: bool | None,
    summary: bool,
    durations: bool,
    output: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Explain what happened to servers, and what is stuck.

    FILE (- is standard input) is what clouds give, as CSV (with , ; | or tabs), JSON, JSON Lines or
    Parquet, also as gzip: rows with vm_state and task_state, or status, or both, of one server or
    many; answers of the compute API and of `openstack server list` and `show`; instance actions
    and `openstack server event`; Nova's notifications; Huawei job answers. Several files are one
    record. The first line says what was found. Rows are put in the order of time. Each server is
    followed for itself until the end of its life; one that a full list leaves out is gone.

    Formats, by their columns or by --format: columns, servers, server-list, instance-actions,
    notifications, jobs. Columns are known by their usual names, in any case; --columns names
    others. A change is explained by the likeliest sequence of events: a profile says how often
    steps fail, what users request and how long both take, and its table [replay] what no fleet does
    by itself. Other ways follow with their share. Where a record also names actions, those that
    contradict the story are named.

    A server is overdue if its step has run longer than the limit. The report says since when (at
    least, and at most where the begin is known), where the limit comes from, and which requests
    and system events free the server.

    \b
    Examples:
      ecs-fsm replay changes.csv
      ecs-fsm replay --columns server=host_name,time=ts,vm_state=state poll-*.csv
      ecs-fsm replay --overdue 10m --now 2026-03-01T12:00:00Z --summary poll-*.csv
      ecs-fsm replay --durations -o times.parquet actions.json
      ecs-fsm simulate create stop --json | ecs-fsm replay -

    JSON: {"record": {"format", "complete", "servers", "first", "last"}, "changes": [{"server",
    "at", "from", "to", "events": [...] or null, "facts", "or": [{"events", "share"}], "settled",
    "reason": null or text}, ...], "overdue": [{"server", "vm_state", "task_state", "status",
    "since": {"at_least": seconds, "at_most": seconds or null}, "limit": seconds, "limit_from":
    text, "frees": [{"events", "ends": {"vm_state", "task_state", "status"}}]}, ...], "explained":
    true or false}; times are ISO in UTC, null without any; other columns of a row stay in "from"
    and "to", which are null for an action. The second change of one event has no events; other
    ways to explain a change stand under "or". "settled" is false where later rows could still
    change it. Contradicting actions follow as "contradictions": [{"server", "at", "action",
    "failed", "story"}]. With --durations, "durations": [{"server" (null: all), "kind", "name", "n",
    "mean", "p50", "p95", "p99", "max"}] instead of changes; with --summary, counts. Exit code 1 if
    a change is not explained or a server is overdue.
    """
    from ecs_fsm.core.errors import require

    require(*["pyarrow"] * bool(output))
    from ecs_fsm.profiles.loader import read
    from ecs_fsm.records.record import RecordOptions
    from ecs_fsm.replay.recording import ReplayOptions, Shown, form_of, replay_files, source_of

    lifecycle = servers().lifecycle
    form = form_of(lifecycle, Shown(as_json, summary, story, durations, output))
    likely = read(lifecycle, profile) if profile else None
    chosen = ReplayOptions(form, likely, all_ways, overdue, now, source_of(profile))
    record_options = RecordOptions(**options, other_columns=as_json and not summary)
    return 0 if replay_files(lifecycle, files, record_options, chosen) else 1


@click.command()
@choosing
@click.option(
    "--format",
    "form",
    type=click.Choice(("prometheus", "sql")),
    required=True,
    help="Rules for Prometheus, or a query.",
)
@click.option(
    "--dialect",
    type=click.Choice(("sqlite", "mysql", "postgresql")),
    help="For sql: the database.  [default: sqlite]",
)
@profile_option
@overdue_option
@click.option("-o", "--output", metavar="FILE", help="Write there; standard output otherwise.")
def alerts(
    form: str, dialect: str | None, profile: str | None, overdue: str | None, output: str | None
) -> int:
    """Write alert rules for steps that take too long.

    \b
    prometheus  a rule file for the metrics of openstack-exporter: openstack_nova_server_task_state
                by task_state, openstack_nova_server_status for each status that only steps show
    sql         a query of the table instances of Nova's database

    The limit is a percentile of the time of the step in the profile, or one time for all
    (--overdue). Each alert says which requests and system events free the server.

    \b
    Examples:
      ecs-fsm alerts --format prometheus --overdue p99.9 -o steps.rules.yml
      ecs-fsm alerts --format sql --dialect mysql --lifecycle nova --overdue 1h
    """
    from ecs_fsm.core.errors import InvalidInput
    from ecs_fsm.io.files import STANDARD_STREAM, write_whole
    from ecs_fsm.replay.alerts import AGES, alert_rules
    from ecs_fsm.replay.recording import limits_of

    if dialect and form != "sql":
        raise InvalidInput(f"--dialect is for sql; {form} has none")
    lifecycle = servers().lifecycle
    limits = limits_of(lifecycle, profile, overdue)
    text = alert_rules(lifecycle, limits, form, dialect or next(iter(AGES)))
    if output in (None, STANDARD_STREAM):
        click.echo(text, nl=False)
    else:
        write_whole(str(output), text.encode())
    return 0
