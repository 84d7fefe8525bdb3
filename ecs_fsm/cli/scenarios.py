"""Commands about the history of servers: run a scenario, explain a recording."""

from __future__ import annotations

from typing import Any

import click

from ecs_fsm.cli.options import (
    as_json,
    beginning,
    choosing,
    completing,
    print_json,
    record_options,
    remembering,
    scenario_words,
    servers,
    start_node,
)


@click.command()
@choosing
@click.argument(
    "words",
    nargs=-1,
    required=True,
    metavar="WORD...",
    shell_complete=completing(scenario_words),
)
@beginning
@remembering
@as_json
def simulate(
    words: tuple[str, ...], start: str | None, remember: tuple[str, ...], as_json: bool
) -> int:
    """Run a scenario and show every state the server enters.

    A WORD is OPERATION, which runs to its end, or OPERATION:OUTCOME@STEP with the outcome fail,
    roll_back, reschedule or hang. Leave out @STEP if only one step can have the outcome; @- is the
    step without a task, @VM/TASK one of two steps with the same task. A comma separates several
    outcomes. A hung step stays until the next WORD requests something. The WORD wait requests
    nothing: what runs at --from goes on. A refused request ends the scenario with exit code 1.

    \b
    Examples:
      ecs-fsm simulate create stop resize:fail@resize_finish rebuild delete
      ecs-fsm simulate create:reschedule@spawning,fail@networking
      ecs-fsm simulate rebuild:hang@rebuild_spawning delete --from stopped/-

    JSON: {"changes": [{"event", "vm_state", "task_state", "status"}, ...], "final": {"vm_state",
    "task_state", "status"}, "refused": null or {"operation", "vm_state", "task_state", "status",
    "reason", "allowed"}}; the first change is the state in which the scenario starts.
    """
    from ecs_fsm.core.scenario import simulate as run
    from ecs_fsm.io.console import console, print_history

    server, refused = run(servers(), words, start_node(start, remember))
    if as_json:
        print_json(
            {
                "changes": [change.as_dict() for change in server.history],
                "final": server.state.as_dict(),
                "refused": refused and refused.as_dict(),
            }
        )
    else:
        print_history(server.history)
        if refused:
            console().print(str(refused), style="red", soft_wrap=True)
    return 1 if refused else 0


@click.command()
@choosing
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True)
)
@record_options
@click.option(
    "--profile",
    metavar="FILE",
    help="How likely things are (TOML); the built-in profile otherwise.",
)
@click.option("--all-ways", is_flag=True, help="Name other ways also below a share of 1 %.")
@as_json
def replay(
    files: tuple[str, ...], profile: str | None, all_ways: bool, as_json: bool, **options: Any
) -> int:
    """Explain recorded changes by the events that cause them.

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
    by itself. Other ways follow with their share.

    \b
    Examples:
      ecs-fsm replay changes.csv
      ecs-fsm replay --columns server=host_name,time=ts,vm_state=state poll-*.csv
      ecs-fsm simulate create stop --json | ecs-fsm replay -

    JSON: {"record": {"format", "complete", "servers", "first", "last"}, "changes": [{"server",
    "at", "from", "to", "events": [...] or null, "facts", "or": [{"events", "share"}], "settled",
    "reason": null or text}, ...], "explained": true or false}; times are ISO in UTC, null without
    any; other columns of a row stay in "from" and "to", which are null for an action. The second
    change of one event has no events; other ways to explain a change stand under "or". "settled" is
    false where later rows could still change it. Exit code 1 if a change is not explained.
    """
    from ecs_fsm.profiles.loader import read
    from ecs_fsm.records.record import RecordOptions
    from ecs_fsm.replay.recording import Telling, replay_files

    lifecycle = servers().lifecycle
    likely = read(lifecycle, profile) if profile else None
    telling = Telling(as_json, likely, all_ways)
    explained = replay_files(lifecycle, files, RecordOptions(**options), telling)
    return 0 if explained else 1
