"""The commands that show what the table says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ecs_fsm.cli.options import (
    as_json,
    choosing,
    completing,
    node_at,
    print_json,
    read_pair,
    remembering,
    servers,
    task_state_words,
    vm_state_words,
)
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import NO_TASK, NO_TASK_SPELLINGS

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle


@click.command()
@choosing
@as_json
def table(as_json: bool) -> int:
    """Show every pair of states with its status.

    Example: ecs-fsm table

    JSON: a list of {"vm_state", "task_state", "status"}, null for no task.
    """
    from ecs_fsm.io.console import print_table

    rows = [state.as_dict() for state in servers().lifecycle.states.values()]
    if as_json:
        print_json(rows)
    else:
        print_table(list(rows[0]), ([word or NO_TASK for word in row.values()] for row in rows))
    return 0


@click.command()
@choosing
@click.argument("vm_state", shell_complete=vm_state_words)
@click.argument("task_state", required=False, shell_complete=task_state_words)
@as_json
def status(vm_state: str, task_state: str | None, as_json: bool) -> int:
    """Show the status of a pair.

    Example: ecs-fsm status active powering-off

    -, null, none or nothing mean no task.

    JSON: {"vm_state", "task_state", "status"}, and "note" for a pair that does not occur.
    """
    task = None if task_state in (None, *NO_TASK_SPELLINGS) else task_state
    shown, occurs = servers().lifecycle.status(vm_state, task)
    note = f"{vm_state}/{task or NO_TASK} does not occur; the status would be {shown}"
    if as_json:
        answer = {"vm_state": vm_state, "task_state": task, "status": shown}
        print_json(answer if occurs else answer | {"note": note})
    else:
        click.echo(shown)
        if not occurs:
            click.echo(note, err=True)
    return 0


@click.command()
@choosing
@click.argument("vm_state", required=False, shell_complete=vm_state_words)
@click.argument("task_state", required=False, shell_complete=task_state_words)
@remembering
@as_json
def operations(
    vm_state: str | None, task_state: str | None, remember: tuple[str, ...], as_json: bool
) -> int:
    """Show what can happen: everywhere, under a vm_state, or in a state.

    Example: ecs-fsm operations active rebooting

    A vm_state alone means every task under it, - no task. What nobody said of a server's facts
    may be either way.

    JSON: a list of {"trigger", "kind", "source", "path"}; source and the states of the path are
    {"vm_state", "task_state", "status"}, source is null where there is no server yet; "when" names
    the facts that a transition depends on.
    """
    from ecs_fsm.io.console import print_transitions

    lifecycle = servers().lifecycle
    found = lifecycle.transitions
    if vm_state is not None and task_state is not None:
        node = node_at(read_pair(vm_state, task_state), remember)
        here = lifecycle.leaving(node.state)
        found = tuple(t for t in here if t in lifecycle.possible(t.trigger, node))
    elif remember:
        raise InvalidInput("--remember is about a server in one state: say VM_STATE TASK_STATE")
    elif vm_state is not None:
        under = lifecycle.word("vm_state", vm_state)
        found = tuple(t for t in found if t.source and t.source.vm_state == under)
    if as_json:
        print_json([transition.as_dict() for transition in found])
    elif found:
        print_transitions(found, lifecycle.because)
    else:
        click.echo("Nothing: no event leads on from there.")
    return 0


def _things(lifecycle: Lifecycle) -> list[str]:
    from ecs_fsm.core.explain import things

    return things(lifecycle)


@click.command()
@choosing
@click.argument("thing", shell_complete=completing(_things))
@as_json
def explain(thing: str, as_json: bool) -> int:
    """Tell what a word or a state means.

    Example: ecs-fsm explain active/powering-off

    A THING is an operation, an event, a status, a vm_state, a task_state or a state.

    JSON: {"thing", "kind", "meaning", "shown_by", "reached_by", "next", "failures", "ways",
    "surprises"}; states and transitions as in `table` and `operations`.
    """
    from ecs_fsm.core.explain import describe
    from ecs_fsm.io.console import print_description

    lifecycle = servers().lifecycle
    described = describe(lifecycle, thing)
    if as_json:
        print_json(described.as_dict())
    else:
        print_description(described, lifecycle.because)
    return 0
