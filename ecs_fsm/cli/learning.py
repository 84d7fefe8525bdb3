"""Commands for learning: the explorer page, the quiz, and lessons in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import click

from ecs_fsm.cli.options import OrderedGroup, as_json, choosing, print_json, servers
from ecs_fsm.core.errors import InvalidInput, installing
from ecs_fsm.io.console import visible
from ecs_fsm.io.files import STANDARD_STREAM

EXPLORER_FILE = "lifecycle.html"
OF_A_SHEET = 20
"""Questions of a sheet if the command line gives no number."""
OF_A_QUIZ = 10
"""The number of questions of a quiz in the terminal."""


@click.command()
@choosing
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help=f"The file to write. Default: {EXPLORER_FILE}.",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--lessons",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A folder of more lessons, TOML files; - is one lesson on standard input.",
)
@click.option(
    "--waiters",
    metavar="FILE",
    help="A TOML file of waiters to try out, as check reads it, instead of the built-in ones.",
)
def explore(output: str | None, show: bool, folder: Path | None, waiters: str | None) -> int:
    """Make a web page on which to explore the lifecycle.

    The page is one HTML file that needs no network. It has the picture, the requests, what a client
    sees, waiters, lessons and a quiz.

    \b
    Examples:
      ecs-fsm explore --open
      ecs-fsm explore --lifecycle nova --lessons my-lessons --waiters waiters.toml -o nova.html

    Lessons and waiters that stand beside a lifecycle file, in NAME.lessons and NAME.waiters.toml,
    are found by themselves.

    \b
    A lesson in DIR (begin with `ecs-fsm lesson new FILE`):
      title = "Stop a server"
      introduction = "A few sentences that say what this is about."
      from = "active/-"
      [[step]]
      text = "What to do, and why."
      do = "stop"
      state = "active/powering-off"
      then = "What was learned."
      hint = "What helps after a wrong step; may be left out."
      [[question]]
      text = "What does status say now? Questions may be left out."
      right = "ACTIVE"
      wrong = ["SHUTOFF", "REBOOT"]
      because = "Why that is right."
    """
    import webbrowser

    from ecs_fsm.explore import content, explorer
    from ecs_fsm.io.files import write_whole

    if waiters == STANDARD_STREAM == str(folder):
        raise InvalidInput("standard input holds a lesson or waiters, not both")
    lifecycle = servers().lifecycle
    path = Path(output or EXPLORER_FILE)
    write_whole(path, explorer(lifecycle, content(lifecycle, folder, waiters)).encode())
    if output is None:
        click.echo(visible(str(path)))
    if show and not webbrowser.open(path.resolve().as_uri()):
        raise click.ClickException(f"no browser could be started; open {path} in one")
    return 0


ACommand = TypeVar("ACommand", bound=Callable[..., object])


def selecting(command: ACommand) -> ACommand:
    """Give a command the options that choose questions."""
    options = (
        click.option(
            "--topic",
            "topics",
            metavar="NAME,...",
            help="Only questions about these operations and events, such as stop,resize.",
        ),
        click.option(
            "--kind",
            "kinds",
            metavar="KIND,...",
            help="Only kinds of: status, shows, next, failure, system, refused, why, leads, seen, "
            "hangs. A small lifecycle lacks some.",
        ),
        click.option(
            "--level",
            type=click.Choice(["easy", "hard"]),
            help="easy: one right answer, and nothing goes wrong; hard: the others.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@choosing
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="The seed that decides the questions and their order.",
)
@click.option(
    "--questions",
    "count",
    type=int,
    metavar="N",
    help=f"How many questions; otherwise {OF_A_SHEET}, or all if there are fewer.",
)
@selecting
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="The file to write: .html to print, .md, .csv, or .gift and .xml for Moodle. "
    "Default: Markdown on standard output.",
)
@as_json
def quiz(
    seed: int,
    count: int | None,
    topics: str | None,
    kinds: str | None,
    level: str | None,
    output: str | None,
    as_json: bool,
) -> int:
    """Make a sheet of questions, with the answers at the end.

    Questions, answers and explanations are derived from the table, and each wrong answer is
    explained too. The seed shuffles questions and answers; the same seed gives the same sheet, here
    and in the page that `explore` makes.

    \b
    Examples:
      ecs-fsm quiz --seed 7 --questions 20 -o sheet.html
      ecs-fsm quiz --topic stop,resize --level hard --questions 10
      ecs-fsm quiz --questions 5 --lifecycle nova -o quiz.gift

    JSON: {"lifecycle", "seed", "questions": [{"kind", "text", "choices": [text, ...], "answers":
    [number of a right choice from 0, ...], "explanation", "mistakes": [text for each choice, empty
    for a right one], "about": [operation or event, ...], "hard"}, ...]}.
    """
    from ecs_fsm.io.files import write_whole
    from ecs_fsm.teach.quiz import Selection, at_most, quiz_sheet
    from ecs_fsm.teach.sheet import markdown, render

    if as_json and output is not None:
        raise InvalidInput("--json and -o are mutually exclusive")
    lifecycle = servers().lifecycle
    selection = Selection(_words(topics), _words(kinds), level or "")
    number = at_most(lifecycle, OF_A_SHEET, selection) if count is None else count
    made = quiz_sheet(lifecycle, seed, number, selection)
    if as_json:
        print_json(made.as_dict())
    elif output in (None, STANDARD_STREAM):
        click.echo(markdown(made), nl=False)
    else:
        write_whole(str(output), render(made, str(output)).encode())
    return 0


def _words(written: str | None) -> tuple[str, ...]:
    """Return the words of a list with commas."""
    words = () if written is None else tuple(word.strip() for word in written.split(","))
    if "" in words:
        raise InvalidInput(f"invalid list {written!r}: expected words with a comma between them")
    return words


@click.command()
@choosing
@click.option(
    "--lessons",
    "folder",
    metavar="DIR",
    help="A folder of more lessons, TOML files; - is one lesson on standard input.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="The seed that decides the questions of the quiz.",
)
@selecting
def play(
    folder: str | None, seed: int, topics: str | None, kinds: str | None, level: str | None
) -> int:
    """Play with a server in the terminal; take lessons and a quiz.

    The screen lists what can happen, by number, and what cannot, with the reason; beside it are the
    picture, the path that the server is on, and its history. Keys: lessons (l), quiz (z), undo (u),
    redo (r). Needs 80 columns and 24 lines; works without colour (NO_COLOR).

    \b
    Examples:
      ecs-fsm play
      ecs-fsm play --lifecycle nova --lessons mine/
      ecs-fsm play --topic stop,resize --level hard
    """
    from ecs_fsm.teach.lesson import lessons
    from ecs_fsm.teach.quiz import Selection, at_most, chosen

    lifecycle = servers().lifecycle
    material = lessons(lifecycle, Path(folder) if folder is not None else None)
    selection = Selection(_words(topics), _words(kinds), level or "")
    asked = at_most(lifecycle, OF_A_QUIZ, selection)
    questions = chosen(lifecycle, seed, asked, selection) if asked else ()
    if find_spec("textual") is None:
        raise InvalidInput(f"play needs Textual: {installing('play')}")
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput(
            "play needs a terminal as input and output; without one, try quiz or draw"
        )
    from ecs_fsm.play.application import Play

    Play(lifecycle, material, questions).run()
    return 0


# The form of a lesson is written once, in the help of explore.
play.help = f"{play.help}\n    \b{(explore.help or '').rpartition(chr(8))[2]}"


@click.group(cls=OrderedGroup)
def lesson() -> None:
    """Begin a lesson of your own, or check one.

    The help of `explore` shows the form of a lesson.

    Example: ecs-fsm lesson new lessons/stop.toml
    """


@lesson.command()
@choosing
@click.argument("file", metavar="FILE.toml")
def new(file: str) -> int:
    """Write a lesson to begin with; it is correct, and its comments say what to change.

    \b
    Examples:
      ecs-fsm lesson new lessons/stop.toml
      ecs-fsm lesson new --lifecycle nova lessons/stop.toml
    """
    from ecs_fsm.teach.lesson import ENDING, lesson_name
    from ecs_fsm.teach.lesson_template import template

    if not file.endswith(ENDING):
        raise InvalidInput(f"{file}: the name of a lesson's file ends with {ENDING}")
    name = lesson_name(file, file)
    text = template(servers().lifecycle)
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    try:
        with Path(file).open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise InvalidInput(f"{file} exists already; name another file") from None
    click.echo(f"The lesson {name} is in {visible(file)}. Next: ecs-fsm lesson check FILE")
    return 0


@lesson.command(name="check")
@choosing
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def check_lesson(files: tuple[str, ...]) -> int:
    """Check lessons: each is read, and its steps are run; - is standard input.

    Exit code 0 if all are right, 2 for a lesson that is wrong, with the file and the line.

    Example: ecs-fsm lesson check lessons/stop.toml
    """
    from ecs_fsm.io.files import opened
    from ecs_fsm.teach.lesson import FROM_INPUT, MOST_BYTES, read

    lifecycle = servers().lifecycle
    for file in files:
        with opened(file) as (stream, place):
            data = stream.read(MOST_BYTES + 1)
        made = read(lifecycle, data, place, FROM_INPUT if file == STANDARD_STREAM else None)
        steps, asked = len(made.steps), len(made.questions)
        click.echo(f"{visible(place)}: {made.name}, {steps} steps, {asked} questions, correct")
    return 0
