"""The command line: `ecs-fsm COMMAND`, each command a few lines over the package.

Exit codes: 0 yes, 1 the answer is no (refused, not explained), 2 wrong usage or input.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn

import click

from ecs_fsm.errors import InvalidInput, LifecycleError
from ecs_fsm.model import NO_TASK
from ecs_fsm.options import (
    NO_TASK_SPELLINGS,
    as_json,
    choosing,
    choosing_first,
    completing,
    node_at,
    print_json,
    read_pair,
    remembering,
    scenario_words,
    servers,
    start_node,
    task_state_words,
    vm_state_words,
)
from ecs_fsm.version import __version__

if TYPE_CHECKING:
    from ecs_fsm.lifecycle import Lifecycle

READER_LEFT = 141
"""The exit code of a command that a signal ended because nobody reads its output any more."""


class InOrder(click.Group):
    """A group that lists its commands as a reader meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of this file."""
        return list(self.commands)


@click.group(
    cls=InOrder,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nCompletion in bash (zsh and fish alike):\n"
    '  eval "$(_ECS_FSM_COMPLETE=bash_source ecs-fsm)"',
)
@choosing_first
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """How a cloud server lives: its states, what leads from one to the next, what the API shows.

    \b
    Example:
      ecs-fsm simulate create stop resize:fail@resize_finish rebuild delete

    Exit codes: 0 yes, 1 the answer is no (refused, not explained), 2 wrong usage or input.
    """


@cli.command()
@choosing
@as_json
def table(as_json: bool) -> int:
    """Show every pair of states with its status.

    Example: ecs-fsm table

    JSON: a list of {"vm_state", "task_state", "status"}, null for no task.
    """
    from ecs_fsm.text import print_table

    rows = [state.as_dict() for state in servers().lifecycle.states.values()]
    if as_json:
        print_json(rows)
    else:
        print_table(list(rows[0]), ([word or NO_TASK for word in row.values()] for row in rows))
    return 0


@cli.command()
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


@cli.command()
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
    from ecs_fsm.text import print_transitions

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


@cli.command()
@choosing
@click.argument(
    "words",
    nargs=-1,
    required=True,
    metavar="WORD...",
    shell_complete=completing(scenario_words),
)
@click.option(
    "--from",
    "start",
    metavar="VM/TASK",
    help="Where the server is at the start, - for no task.",
    shell_complete=completing(lambda lifecycle: [*lifecycle.states]),
)
@remembering
@as_json
def simulate(
    words: tuple[str, ...], start: str | None, remember: tuple[str, ...], as_json: bool
) -> int:
    """Run a scenario and show every state the server enters.

    A WORD is OPERATION, run to its end, or OPERATION:OUTCOME@STEP with the outcome fail, roll_back,
    reschedule or hang; @STEP may be left out where only one step can have it, @- is the step
    without a task, outcomes follow each other after a comma. A hung step stays until the next word
    is asked over it. A refused request ends the scenario: exit code 1.

    \b
    Examples:
      ecs-fsm simulate create stop resize:fail@resize_finish rebuild delete
      ecs-fsm simulate create:reschedule@spawning,fail@networking
      ecs-fsm simulate rebuild:hang@rebuild_spawning delete --from stopped/-

    JSON: {"changes": [{"event", "vm_state", "task_state", "status"}, ...], "final": {"vm_state",
    "task_state", "status"}, "refused": null or {"operation", "vm_state", "task_state", "status",
    "reason", "allowed"}}; the first change is the state that the scenario starts in.
    """
    from ecs_fsm.simulate import simulate as run
    from ecs_fsm.text import console, print_history

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


@cli.command()
@choosing
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--sampled", is_flag=True, help="The observer may have missed states between rows.")
@as_json
def replay(file: str, sampled: bool, as_json: bool) -> int:
    """Explain recorded changes by the events that cause them.

    FILE (- is standard input) is a JSON array, JSON Lines or CSV; each row has vm_state and
    task_state (also as OS-EXT-STS:vm_state and OS-EXT-STS:task_state) and may have status. With
    --sampled a change is explained by the shortest sequence of events, and a row may hold status
    alone.

    \b
    Examples:
      ecs-fsm replay changes.csv
      ecs-fsm simulate create stop --json | ecs-fsm replay -

    JSON: {"changes": [{"from", "to", "events": [...] or null, "reason": null or text}, ...],
    "explained": true or false}; other columns of a row stay in "from" and "to". The second change
    of one event has no events, and other single events that explain a change stand under "or".
    Exit code 1 if a change is not explained.
    """
    from ecs_fsm.recording import replay_file

    return 0 if replay_file(servers().lifecycle, file, sampled=sampled, as_json=as_json) else 1


def _things(lifecycle: Lifecycle) -> list[str]:
    from ecs_fsm.explain import things

    return things(lifecycle)


@cli.command()
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
    from ecs_fsm.explain import tell
    from ecs_fsm.text import print_told

    lifecycle = servers().lifecycle
    told = tell(lifecycle, thing)
    if as_json:
        print_json(told.as_dict())
    else:
        print_told(told, lifecycle.because)
    return 0


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; every error is one line on standard error."""
    code: str | int | None = 2
    out = sys.stdout
    try:
        code = _run(arguments)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
    except click.ClickException as error:
        _complain(error.format_message())
    except LifecycleError as error:
        _complain(str(error))
    except (KeyboardInterrupt, click.Abort):
        code = 130
    except SystemExit as leaving:
        # Of click's own: completion of a word in a shell, or a reader who has seen enough, and
        # then it has put something else in the place of standard output.
        code = READER_LEFT if sys.stdout is not out else leaving.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing is left to flush
        code = READER_LEFT
    except OSError as error:
        _complain(f"{error.filename or 'standard output'}: {error.strerror}")
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    if sys.stdout is None:
        raise InvalidInput("standard output is closed")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    code: int = cli.main(arguments, prog_name="ecs-fsm", standalone_mode=False)
    sys.stdout.flush()
    return code


def _complain(message: str) -> None:
    click.echo(f"ecs-fsm: {' '.join(message.split())}", err=True)
