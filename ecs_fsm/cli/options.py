"""Options that several commands share, and functions that read their values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ecs_fsm.cli.completion import chosen, state_words
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import NO_TASK_SPELLINGS
from ecs_fsm.lifecycles import NAMES, names

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ecs_fsm.core.lifecycle import BaseServer
    from ecs_fsm.core.model import Node, State

Command = TypeVar("Command", bound=Callable[..., Any])


class OrderedGroup(click.Group):
    """A group that lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in that order."""
        return list(self.commands)


class SectionedGroup(OrderedGroup):
    """A group whose help lists its commands under headings."""

    sections: Mapping[str, Sequence[click.Command]] = {}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a list of commands for each heading."""
        width = max(map(len, self.commands))
        formatter.write_paragraph()
        for heading, commands in self.sections.items():
            names = [command.name or "" for command in commands]
            room = formatter.width - width - 4
            rows = [
                (name.ljust(width), self.commands[name].get_short_help_str(room)) for name in names
            ]
            formatter.write_text(f"{heading}:")
            with formatter.indentation():
                formatter.write_dl(rows)


def _choose(ctx: click.Context, param: click.Parameter, name: str | None) -> None:
    """Choose the lifecycle for the whole command line; the last option wins."""
    if name is not None:
        ctx.find_root().obj = name


def _lifecycles(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    named = [CompletionItem(name) for name in names() if name.startswith(start)]
    return named or [CompletionItem(start, type="file")]


def _choosing(envvar: str | None) -> Callable[[Command], Command]:
    return click.option(
        "--lifecycle",
        metavar="NAME|FILE.toml",
        envvar=envvar,
        expose_value=False,
        is_eager=True,
        callback=_choose,
        shell_complete=_lifecycles,
        help="The lifecycle: a name of `ecs-fsm lifecycle list`, or a file "
        f"(or ECS_FSM_LIFECYCLE; {NAMES[0]} otherwise).",
    )


choosing_first = _choosing("ECS_FSM_LIFECYCLE")
choosing = _choosing(None)


def servers(ctx: click.Context | None = None) -> type[BaseServer]:
    """Return the server class of the chosen lifecycle."""
    return chosen(ctx or click.get_current_context())


remembering = click.option(
    "--remember",
    metavar="FACT=VALUE",
    multiple=True,
    help="A fact that is remembered there. Repeatable.",
)
RECORD_OPTIONS = (
    click.option(
        "--sampled/--complete",
        "sampled",
        default=None,
        help="The observer may have missed states between rows, or saw every change "
        "(polls and a status alone are sampled, other records complete).",
    ),
    click.option("--format", metavar="NAME", help="The layout of the rows; their columns decide."),
    click.option(
        "--columns",
        metavar="MEANING=COLUMN,...",
        help="Columns by meaning: server, time, vm_state, task_state, status, host, updated.",
    ),
    click.option("--one-server", is_flag=True, help="All rows are about one server."),
    click.option(
        "--utc-offset", metavar="+HH:MM", help="The zone of times that have none (UTC otherwise)."
    ),
    click.option(
        "--partial-lists",
        is_flag=True,
        help="Lists leave servers out, so one that is absent need not be gone.",
    ),
)


def record_options(command: Command) -> Command:
    """The options that say what a record does not say by itself: `RecordOptions`, by its fields."""
    for option in reversed(RECORD_OPTIONS):
        command = option(command)
    return command


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

beginning = click.option(
    "--from",
    "start",
    metavar="STATE",
    help="The state to start in, as `table` lists it: VM/TASK, - for no task; or its one word.",
    shell_complete=state_words,
)


def print_json(answer: object) -> None:
    """Print an answer as JSON."""
    from ecs_fsm.io.console import visible_json

    click.echo(visible_json(json.dumps(answer, indent=2, ensure_ascii=False)))


def read_pair(vm_state: str, task_state: str | None) -> State:
    """Return the state that two words of the command line name."""
    task = None if task_state in (None, *NO_TASK_SPELLINGS) else task_state
    return servers().lifecycle.state(vm_state, task)


def node_at(state: State, remember: tuple[str, ...]) -> Node:
    """Return the node in `state` with the facts of `--remember`."""
    lifecycle = servers().lifecycle
    facts = lifecycle.notation.facts(",".join(remember)) if remember else {}
    return lifecycle.place(state, facts)


def start_node(text: str | None, remember: tuple[str, ...]) -> Node | None:
    """Return the node that `VM/TASK` and `--remember` name."""
    if text is None:
        if remember:
            thing = servers().lifecycle.table.thing
            raise InvalidInput(f"--remember is about the {thing} at --from: say where it is")
        return None
    return node_at(servers().lifecycle.state_named(text), remember)
