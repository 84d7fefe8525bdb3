"""The command line: `ecs-fsm COMMAND`, each command a few lines over the package.

Exit codes: 0 yes, 1 the answer is no (refused, not explained, false, found), 2 wrong usage or
input.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import NoReturn

import click

from ecs_fsm.cli import (
    capacity_command,
    exporting,
    fleet_analyses,
    fleet_commands,
    graph_commands,
    learning,
    lifecycle_commands,
    lookup,
    recordings,
    scenarios,
    serving,
    waiter_commands,
    watching,
)
from ecs_fsm.cli.options import SectionedGroup, choosing_first
from ecs_fsm.core.errors import InvalidInput, InvalidTable, LifecycleError
from ecs_fsm.io.console import visible
from ecs_fsm.version import __version__

READER_LEFT = 141
"""The exit code if the reader of the output has left: that of a process ended by SIGPIPE."""


@click.group(
    cls=SectionedGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nCompletion in bash (zsh and fish alike):\n"
    '  eval "$(_ECS_FSM_COMPLETE=bash_source ecs-fsm)"',
)
@choosing_first
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Simulate, explain, check and serve the lifecycle of a cloud server.

    \b
    Example:
      ecs-fsm simulate create stop resize:fail@resize_finish rebuild delete

    Exit codes: 0 yes, 1 the answer is no (refused, not explained, false, found), 2 wrong usage or
    input.
    """


cli.sections = {
    "Look": (lookup.table, lookup.status, lookup.operations, lookup.explain, lookup.draw),
    "Run": (
        scenarios.simulate,
        recordings.replay,
        recordings.alerts,
        watching.watch,
        graph_commands.path,
        serving.serve,
    ),
    "Judge": (
        waiter_commands.check,
        waiter_commands.infer,
        graph_commands.prove,
        graph_commands.cover,
    ),
    "Teach": (learning.explore, learning.play, learning.quiz, learning.lesson),
    "Plan": (fleet_commands.fleet,),
    "Extend": (lifecycle_commands.lifecycle, exporting.export),
}
for _command in (command for section in cli.sections.values() for command in section):
    cli.add_command(_command)
for _command in (
    fleet_analyses.exact,
    fleet_analyses.contend,
    capacity_command.capacity,
    fleet_analyses.fit,
):
    fleet_commands.fleet.add_command(_command)


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
    except InvalidTable as error:
        for fault in error.faults:
            _complain(str(fault))
    except LifecycleError as error:
        _complain(str(error))
    except (KeyboardInterrupt, click.Abort):
        code = 130
    except SystemExit as leaving:
        # click exits after the completion of a word in a shell, and when the reader of the output
        # has left; in the second case it has also replaced standard output.
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
    click.echo(f"ecs-fsm: {visible(' '.join(message.split()))}", err=True)
