"""The command that draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ecs_fsm.cli.options import (
    beginning,
    choosing,
    completing,
    remembering,
    scenario_words,
    servers,
    start_node,
    vm_state_words,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

DEFAULT = "lanes"
STANDARD_OUTPUT = "-"


def _views(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from ecs_fsm.draw import VIEWS

    return completing(lambda lifecycle: list(VIEWS))(ctx, param, incomplete)


def _formats(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from ecs_fsm.draw import FORMATS

    return completing(lambda lifecycle: list(FORMATS))(ctx, param, incomplete)


class Listing(click.Command):
    """A command whose help lists the views."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each view shows, as the view itself tells it."""
        from ecs_fsm.draw import VIEWS

        with formatter.section("Views"):
            formatter.write_dl([(name, str(view.__doc__)) for name, view in VIEWS.items()])


@click.command(cls=Listing)
@choosing
@click.argument("view", default=DEFAULT, shell_complete=_views)
@click.argument("words", nargs=-1, metavar="[WORD]...", shell_complete=completing(scenario_words))
@click.option("-o", "--output", metavar="FILE", help="The file to write; - is standard output.")
@click.option(
    "--format",
    "form",
    metavar="FORMAT",
    help="svg, png, pdf, dot or mermaid; otherwise as the file's ending says, or svg.",
    shell_complete=_formats,
)
@click.option(
    "--theme",
    type=click.Choice(["light", "dark"]),
    help="Light or dark; otherwise an SVG follows its reader, the rest is light.",
)
@click.option(
    "--vm-state",
    "only",
    metavar="VM_STATE",
    multiple=True,
    help="Of lanes, only this one; may be repeated.",
    shell_complete=vm_state_words,
)
@beginning
@remembering
@click.option("--engine", metavar="DOT", help="An installed dot to draw with, by name or path.")
def draw(
    view: str,
    words: tuple[str, ...],
    output: str | None,
    form: str | None,
    theme: str | None,
    only: tuple[str, ...],
    start: str | None,
    remember: tuple[str, ...],
    engine: str | None,
) -> int:
    """Draw the lifecycle, or a run of a server.

    Without -o a text goes to standard output, a picture to a file named after the view.

    \b
    Examples:
      ecs-fsm draw -o lifecycle.pdf
      ecs-fsm draw operation resize --format mermaid
      ecs-fsm draw run create stop resize:fail@resize_finish -o run.png
    """
    from ecs_fsm.draw import Theme, format_named, format_of, render, view_named
    from ecs_fsm.draw.request import DrawRequest
    from ecs_fsm.io.files import write_whole

    request = DrawRequest(servers(), words, start_node(start, remember), only)
    to_file = output not in (None, STANDARD_OUTPUT)
    form = form or (format_of(str(output)) if to_file else "svg")
    picture = view_named(view)(request)
    made = render(picture, form, Theme(theme) if theme else None, engine)
    if output == STANDARD_OUTPUT or (output is None and format_named(form).is_text):
        click.echo(made, nl=False)
        return 0
    path = output or f"{view}.{form}"
    write_whole(path, made)
    if output is None:
        click.echo(path)
    return 0
