"""Commands that look things up in a lifecycle, and show them as text or as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ecs_fsm.cli.completion import completing, scenario_words, task_state_words, vm_state_words
from ecs_fsm.cli.options import (
    as_json,
    beginning,
    choosing,
    node_at,
    print_json,
    read_pair,
    remembering,
    servers,
    start_node,
)
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import NO_TASK, NO_TASK_SPELLINGS
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.io.files import STANDARD_STREAM

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.draw.picture import Picture, Slide
    from ecs_fsm.draw.request import DrawRequest

DEFAULT_VIEW = "lanes"


@click.command()
@choosing
@as_json
def table(as_json: bool) -> int:
    """List every state with the status that the API shows.

    Example: ecs-fsm table

    JSON: a list of {"vm_state", "task_state", "status"}, null for no task; of {ATTRIBUTE: word}
    where the API has one attribute.
    """
    from ecs_fsm.io.console import print_table

    lifecycle = servers().lifecycle
    states = lifecycle.states.values()
    if as_json:
        print_json([state.as_dict() for state in states])
        return 0
    columns = Phrases(lifecycle.table).columns
    rows = ([getattr(state, column) or NO_TASK for column in columns] for state in states)
    print_table([*columns.values()], rows)
    return 0


@click.command()
@choosing
@click.argument("vm_state", shell_complete=vm_state_words)
@click.argument("task_state", required=False, shell_complete=task_state_words)
@as_json
def status(vm_state: str, task_state: str | None, as_json: bool) -> int:
    """Show the status of a vm_state with a task_state.

    Example: ecs-fsm status active powering-off

    No task is written -, null or none, or left out.

    JSON: {"vm_state", "task_state", "status"}, and "note" for a state that does not occur.
    Where the API has one attribute, it is {ATTRIBUTE: word}.
    """
    lifecycle = servers().lifecycle
    if lifecycle.table.one_word:
        state = read_pair(vm_state, task_state)
        print_json(state.as_dict()) if as_json else click.echo(state)
        return 0
    task = None if task_state in (None, *NO_TASK_SPELLINGS) else task_state
    shown, occurs = lifecycle.status(vm_state, task)
    name = Phrases(lifecycle.table).attributes.status
    note = f"{vm_state}/{task or NO_TASK} does not occur; the {name} would be {shown}"
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
    """List what can happen in a state: operations and events.

    Example: ecs-fsm operations active rebooting

    Without TASK_STATE every state with that vm_state counts; - means that nothing runs. A fact that
    --remember does not give may have any value.

    JSON: a list of {"trigger", "kind", "source", "path"}; source and the states of the path are
    {"vm_state", "task_state", "status"}, source is null before the server exists; "when" names
    the facts that a transition depends on.
    """
    from ecs_fsm.io.console import print_transitions

    lifecycle = servers().lifecycle
    found = lifecycle.transitions
    whole = task_state is not None or (lifecycle.table.one_word and bool(remember))
    if vm_state is not None and whole:
        node = node_at(read_pair(vm_state, task_state), remember)
        here = lifecycle.leaving(node.state)
        found = tuple(t for t in here if t in lifecycle.possible(t.trigger, node))
    elif remember:
        phrases = Phrases(lifecycle.table)
        state = "STATE" if phrases.one_word else "VM_STATE TASK_STATE"
        raise InvalidInput(f"--remember is about {phrases.a_thing} in one state: say {state}")
    elif vm_state is not None:
        under = lifecycle.word("vm_state", vm_state)
        found = tuple(t for t in found if t.source and t.source.vm_state == under)
    if as_json:
        print_json([transition.as_dict() for transition in found])
    elif found:
        print_transitions(found, lifecycle)
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
    """Explain a word or a state, and what surprises about it.

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
        print_description(described, lifecycle)
    return 0


def _views(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from ecs_fsm.draw import VIEWS

    return completing(lambda lifecycle: list(VIEWS))(ctx, param, incomplete)


def _formats(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from ecs_fsm.draw import FORMATS

    return completing(lambda lifecycle: list(FORMATS))(ctx, param, incomplete)


class Listing(click.Command):
    """A command whose help lists the views."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each view shows, from its docstring."""
        from ecs_fsm.draw import VIEWS

        with formatter.section("Views"):
            formatter.write_dl([(name, str(view.__doc__)) for name, view in VIEWS.items()])


@click.command(cls=Listing)
@choosing
@click.argument("view", default=DEFAULT_VIEW, shell_complete=_views)
@click.argument("words", nargs=-1, metavar="[WORD]...", shell_complete=scenario_words)
@click.option("-o", "--output", metavar="FILE", help="The file to write; - is standard output.")
@click.option(
    "--format",
    "form",
    metavar="FORMAT",
    help="svg, png, pdf, gif (of animate), dot or mermaid. Default: as the file name ends, or svg.",
    shell_complete=_formats,
)
@click.option(
    "--theme",
    type=click.Choice(["light", "dark"]),
    help="Colours. Default: an SVG follows its reader's setting, other formats are light.",
)
@click.option(
    "--vm-state",
    "only",
    metavar="WORD",
    multiple=True,
    help="Draw only the lane of this vm_state, or with this state of one word (view lanes). "
    "Repeatable.",
    shell_complete=vm_state_words,
)
@beginning
@remembering
@click.option(
    "--engine",
    metavar="DOT",
    help="An installed dot to lay out and paint with, by name or path. Default: none is needed.",
)
@click.option(
    "--size",
    metavar="SIZE",
    help="As a slide: 16:9 (1920x1080 pixels), 4:3 (1440x1080), a4 or WIDTHxHEIGHT.",
)
@click.option("--scale", type=float, metavar="N", help="With --size: N times as many pixels.")
@click.option(
    "--replay",
    "recorded",
    metavar="FILE",
    multiple=True,
    help="For timeline: draw a server of this record, to scale. Repeatable.",
)
@click.option("--server", metavar="ID", help="The server of --replay to draw.")
def draw(
    view: str,
    words: tuple[str, ...],
    recorded: tuple[str, ...],
    server: str | None,
    output: str | None,
    form: str | None,
    theme: str | None,
    only: tuple[str, ...],
    start: str | None,
    remember: tuple[str, ...],
    engine: str | None,
    size: str | None,
    scale: float | None,
) -> int:
    """Draw the lifecycle, an operation or a run of a server.

    Without -o, text formats go to standard output, others to a file with the name of the view.

    \b
    Examples:
      ecs-fsm draw -o lifecycle.pdf
      ecs-fsm draw operation resize --format mermaid
      ecs-fsm draw run create stop resize:fail@resize_finish -o run.png
      ecs-fsm draw operation resize --size 16:9 -o resize.png
      ecs-fsm draw animate create stop rebuild -o run.gif
      ecs-fsm draw timeline --replay changes.csv --server vm-7 -o vm-7.svg
    """
    from ecs_fsm.draw import Theme, format_named, format_of, render, view_named
    from ecs_fsm.draw.request import DrawRequest
    from ecs_fsm.io.files import write_whole

    to_file = output not in (None, STANDARD_STREAM)
    form = form or (format_of(str(output)) if to_file else "svg")
    slide = _slide(size, scale, engine)
    large = slide is not None or form == "gif"
    request = DrawRequest(servers(), words, start_node(start, remember), only, large)
    if recorded or server is not None:
        picture = _recorded(view, request, recorded, server)
    else:
        picture = view_named(view)(request)
    picture = _on_slide(picture, slide)
    made = render(picture, form, Theme(theme) if theme else None, engine)
    if output == STANDARD_STREAM or (output is None and format_named(form).is_text):
        click.echo(made, nl=False)
        return 0
    path = output or f"{view}.{form}"
    write_whole(path, made)
    if output is None:
        click.echo(path)
    return 0


def _slide(size: str | None, scale: float | None, engine: str | None) -> Slide | None:
    """Return the size of a slide, None without one."""
    from ecs_fsm.draw.slide import slide_of

    if size is None:
        if scale is not None:
            raise InvalidInput("--scale needs --size")
        return None
    if engine is not None:
        raise InvalidInput("--size and --engine are mutually exclusive")
    return slide_of(size, 1.0 if scale is None else scale)


def _on_slide(picture: Picture, slide: Slide | None) -> Picture:
    """Return the picture on a slide; a note says when its text is small."""
    from dataclasses import replace

    from ecs_fsm.draw.slide import READABLE, smallest_text

    if slide is None:
        return picture
    small = smallest_text(picture, slide)
    if small < READABLE:
        click.echo(
            f"note: the smallest text is {small:.0f} points high on a slide of 1920 pixels, "
            f"readable from the back of a room are {READABLE:.0f}; draw less of it, such as one "
            "operation --from one state, or a shorter run",
            err=True,
        )
    return replace(picture, slide=slide)


def _recorded(
    view: str, request: DrawRequest, files: tuple[str, ...], server: str | None
) -> Picture:
    """Return the timeline of a server of a record."""
    from ecs_fsm.replay.seen import seen_along_time

    if view != "timeline":
        raise InvalidInput("--replay and --server are for the view timeline")
    if not files:
        raise InvalidInput("--server is one of the record of --replay FILE")
    request.without(view, "words", "begin", "only")
    return seen_along_time(request.servers.lifecycle, files, server)
