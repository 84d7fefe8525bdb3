"""Commands about the history of servers: run a scenario, explain a recording."""

from __future__ import annotations

import click

from ecs_fsm.cli.completion import scenario_words
from ecs_fsm.cli.options import (
    as_json,
    beginning,
    choosing,
    print_json,
    remembering,
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
    shell_complete=scenario_words,
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
