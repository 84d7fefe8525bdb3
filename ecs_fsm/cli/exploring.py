"""The command that makes the page in which a lifecycle is explored."""

from __future__ import annotations

from pathlib import Path

import click

from ecs_fsm.cli.options import choosing, servers
from ecs_fsm.io.console import visible

DEFAULT = "lifecycle.html"


@click.command()
@choosing
@click.option(
    "-o", "--output", metavar="FILE", help=f"The file to write (otherwise {DEFAULT}, by name)."
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--lessons",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A folder of more lessons, TOML files; - is one lesson on standard input.",
)
def explore(output: str | None, show: bool, folder: Path | None) -> int:
    """Make a page to learn the lifecycle by running it.

    One file of HTML that needs no network: the picture, the requests, what a client sees, waiters,
    lessons and a quiz.

    \b
    Examples:
      ecs-fsm explore --open
      ecs-fsm explore --lifecycle nova --lessons my-lessons -o nova.html
    """
    import webbrowser

    from ecs_fsm.explore import content, explorer
    from ecs_fsm.io.files import write_whole

    lifecycle = servers().lifecycle
    path = Path(output or DEFAULT)
    write_whole(path, explorer(lifecycle, content(lifecycle, folder)).encode())
    if output is None:
        click.echo(visible(str(path)))
    if show and not webbrowser.open(path.resolve().as_uri()):
        raise click.ClickException(f"no browser could be started; open {path} in one")
    return 0
