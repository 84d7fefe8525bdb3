"""The command that writes a lifecycle in other tools' formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ecs_fsm.cli.options import choosing, servers
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.io.files import STANDARD_STREAM

if TYPE_CHECKING:
    from ecs_fsm.profiles.profile import Profile

FORMAT_NAMES = ("xstate", "markup", "prism", "plantuml", "json")


@click.command()
@click.argument("form", metavar="FORMAT", type=click.Choice(FORMAT_NAMES))
@click.option(
    "-o", "--output", metavar="FILE", help="Write there; standard output otherwise, or for -."
)
@click.option("--profile", metavar="FILE", help="For prism: a profile (TOML); else the built-in.")
@click.option("--schema", is_flag=True, help="For json: print the JSON Schema of the document.")
@choosing
def export(form: str, output: str | None, profile: str | None, schema: bool) -> int:
    """Write the lifecycle for another tool, such as XState or PRISM.

    \b
    xstate    a machine config of XState 5 (JSON); Stately's editor opens it
    markup    the JSON of transitions' MarkupMachine
    prism     a Markov chain in continuous time, of lifecycle and profile, for PRISM and Storm
    plantuml  a state diagram
    json      states, rules and state graph; --schema prints what describes them

    In xstate and markup a state is named with its facts, and an event with the facts that are
    given with it: shelve[offload=later].

    \b
    Example:
      ecs-fsm export xstate -o machine.json
    """
    from ecs_fsm.export.formats import exported
    from ecs_fsm.io.files import write_whole

    if profile and form != "prism":
        raise InvalidInput(f"--profile is for prism; {form} has no times")
    if schema and form != "json":
        raise InvalidInput(f"--schema is for json; {form} is described by its tool")
    text = _schema() if schema else exported(servers().lifecycle, form, _profile(form, profile))
    if output in (None, STANDARD_STREAM):
        click.echo(text, nl=False)
    else:
        write_whole(str(output), text.encode())
    return 0


def _schema() -> str:
    from ecs_fsm.export.json_document import schema

    return schema()


def _profile(form: str, file: str | None) -> Profile | None:
    from ecs_fsm.profiles.loader import read

    return read(servers().lifecycle, file) if form == "prism" else None
