"""The commands to learn and to teach with."""

from __future__ import annotations

import click

from ecs_fsm.cli.options import as_json, choosing, print_json, servers
from ecs_fsm.errors import InvalidInput

STANDARD_OUTPUT = "-"


@click.command()
@choosing
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Decides which questions are asked, and in which order.",
)
@click.option(
    "--questions",
    "count",
    type=int,
    default=20,
    show_default=True,
    metavar="N",
    help="How many questions.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="The file to write (.html, .md or .csv); otherwise Markdown goes to standard output.",
)
@as_json
def quiz(seed: int, count: int, output: str | None, as_json: bool) -> int:
    """Make a sheet of questions about the lifecycle, with the answers apart.

    Questions, answers and explanations are derived from the table; the same seed gives the same
    sheet, here and in the page that `explore` makes.

    \b
    Examples:
      ecs-fsm quiz --seed 7 --questions 20 -o sheet.html
      ecs-fsm quiz --questions 5 --lifecycle nova

    JSON: {"lifecycle", "seed", "questions": [{"kind", "text", "choices": [text, ...], "answers":
    [number of a right choice from 0, ...], "explanation"}, ...]}.
    """
    from ecs_fsm.teach.sheet import markdown, render, sheet
    from ecs_fsm.writing import write_whole

    if as_json and output is not None:
        raise InvalidInput("--json goes to standard output, -o to a file: choose one")
    made = sheet(servers().lifecycle, seed, count)
    if as_json:
        print_json(made.as_dict())
    elif output in (None, STANDARD_OUTPUT):
        click.echo(markdown(made), nl=False)
    else:
        write_whole(str(output), render(made, str(output)).encode())
    return 0
