"""The commands about lifecycles themselves: listed, printed, checked, begun."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ecs_fsm.cli.options import OrderedGroup, as_json, print_json
from ecs_fsm.core.errors import InvalidInput, InvalidTable, LifecycleError
from ecs_fsm.io.files import STANDARD_STREAM


@click.group(cls=OrderedGroup)
def lifecycle() -> None:
    """List, print and check lifecycles, or begin one of your own.

    A lifecycle is a table in a TOML file; every command takes it: --lifecycle FILE.toml.

    Example: ecs-fsm lifecycle new disk.toml
    """


@lifecycle.command(name="list")
@as_json
def list_command(as_json: bool) -> int:
    """List the lifecycles that --lifecycle takes by name.

    Installed packages offer more by the entry point group ecs_fsm.lifecycles.

    Example: ecs-fsm lifecycle list

    JSON: a list of {"name", "title", "thing", "states", "operations", "source"}.
    """
    from ecs_fsm.io.console import print_table
    from ecs_fsm.lifecycles import names, server_class

    rows = []
    for name in names():
        try:
            found = server_class(name).lifecycle
        except LifecycleError as error:
            click.echo(f"ecs-fsm: {name}: {error}", err=True)
            continue
        title = {"name": name, "title": found.table.title, "thing": found.table.thing}
        sizes = {"states": len(found.states), "operations": len(found.operations)}
        rows.append({**title, **sizes, "source": found.table.source})
    if as_json:
        print_json(rows)
    else:
        headings = ("name", "thing", "states", "operations", "title")
        print_table(headings, ([str(row[key]) for key in headings] for row in rows))
    return 0


@lifecycle.command()
@click.argument("name", metavar="NAME|FILE.toml")
@click.option("--toml", "as_toml", is_flag=True, help="Print it as a lifecycle file.")
@as_json
def show(name: str, as_toml: bool, as_json: bool) -> int:
    """Show a lifecycle: in short, or whole as a file that reads back as the same.

    \b
    Examples:
      ecs-fsm lifecycle show nova
      ecs-fsm lifecycle show nova --toml

    JSON: the keys of a lifecycle file, as `ecs-fsm lifecycle schema` describes them.

    """
    from ecs_fsm.lifecycles import printed, server_class

    if as_toml and as_json:
        raise InvalidInput("--toml and --json are mutually exclusive")
    found = server_class(name).lifecycle
    if as_toml:
        click.echo(printed.as_toml(found.table), nl=False)
    elif as_json:
        print_json(json.loads(printed.as_json(found.table)))
    else:
        for line in printed.summary(found):
            click.echo(line)
    return 0


@lifecycle.command()
@click.argument("file", metavar="FILE.toml")
@as_json
def check(file: str, as_json: bool) -> int:
    """Check a lifecycle file, and print everything that is wrong with it.

    Exit code 1 if there is anything; documented states that nothing reaches are listed.

    Example: ecs-fsm lifecycle check disk.toml

    JSON: {"file", "faults", "unreached"}; both are lists of texts.
    """
    from ecs_fsm.io.console import visible
    from ecs_fsm.lifecycles import load, printed

    faults: list[str] = []
    unreached: list[str] = []
    lines: list[str] = []
    try:
        found = load(file)
        unreached += found.table.unreached
        lines += printed.summary(found)
    except InvalidTable as error:
        faults = lines = [str(fault) for fault in error.faults]
    if as_json:
        print_json({"file": file, "faults": faults, "unreached": unreached})
    else:
        for line in lines:
            click.echo(visible(line))
    return 1 if faults else 0


@lifecycle.command()
@click.argument("file", metavar="FILE.toml")
def new(file: str) -> int:
    """Write a lifecycle file to begin with; its comments explain every key, and it works.

    An existing file is not replaced; - is standard output.

    Example: ecs-fsm lifecycle new disk.toml
    """
    from ecs_fsm.lifecycles.template import begun, name_of

    if file == STANDARD_STREAM:
        click.echo(begun(), nl=False)
        return 0
    text = begun(name_of(file))
    try:
        with Path(file).open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise InvalidInput(f"{file} exists already; name a new file") from None
    click.echo(file)
    return 0


@lifecycle.command()
def schema() -> int:
    """Print the JSON Schema of lifecycle files, with which editors complete and check them.

    Example: ecs-fsm lifecycle schema
    """
    from ecs_fsm.lifecycles import shape

    click.echo(shape.FILE.read_text(encoding="utf-8"), nl=False)
    return 0
