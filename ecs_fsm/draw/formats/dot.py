"""A picture as DOT text, the language of Graphviz, and an installed `dot` that paints such text.

Pictures are painted without it (see `svg`); an installed Graphviz can be chosen to do so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from shutil import which
from subprocess import CalledProcessError
from threading import RLock

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import NO_SERVER, Transition
from ecs_fsm.draw.boxes import LINE, MARGIN, height_for, width_for
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Picture, Text
from ecs_fsm.draw.styles import COLOURS, Colours, Theme, Tint, tint_of

FONT = "Arial"
TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0">'
INCH = 72
BOLD_IS_HIGH = 0.4
"""Room above a bold line, in sizes, that brings it to the height of any other line."""
PEN = {Look.REQUEST: "1.8", Look.REST: "1.8", Look.AGAIN: "1", Look.LANE: "1", Look.STEP: "1"}
BARE = (Look.PLAIN, Look.REQUEST, Look.PROGRESS, Look.FAILURE)
"""Boxes without a border."""
SHAPES = {Look.GOAL: "cds", Look.ORIGIN: "circle", Look.DOT: "circle"} | dict.fromkeys(BARE, "none")


def dot(
    picture: Picture, theme: Theme | None = None, program: str | None = None, **page: str
) -> str:
    """Return the DOT text of a picture for any Graphviz; the text names its layout engine.

    Boxes with bounds are pinned: `neato` keeps a position that ends in `!`, so Graphviz only draws
    the arrows and the layout is the same everywhere. `page` are further attributes of the graph.
    """
    colours = COLOURS[theme or Theme.LIGHT]
    lines = [
        f"// {' '.join(f'{picture.title}. {picture.description}'.split())}",
        f"digraph {picture.view} {{",
        f"  graph {_listed(_page(colours) | page)}",
        f"  node {_listed({'fontname': FONT, 'shape': 'box', 'margin': '0'})}",
        f"  edge {_listed({'arrowsize': '0.6'})}",
    ]
    for box in picture.boxes:
        lines.append(f"  {_quoted(box.key)} {_listed(_box(box, colours))}")
    for number, arrow in enumerate(picture.arrows):
        port = "" if arrow.port is None else f":p{arrow.port}:e"
        ends = f"{_quoted(arrow.tail)}{port} -> {_quoted(arrow.head)}"
        lines.append(f"  {ends} {_listed(_arrow(arrow, number, colours, picture.nowhere))}")
    return "\n".join([*lines, "}", ""])


def _listed(attributes: Mapping[str, str]) -> str:
    return f"[{' '.join([f'{name}={_quoted(value)}' for name, value in attributes.items()])}]"


def _quoted(text: str) -> str:
    """Return a text quoted for DOT; one in angle brackets is an HTML-like label."""
    if text.startswith("<") and text.endswith(">"):
        return text
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _page(colours: Colours) -> dict[str, str]:
    page = {"bgcolor": colours.page, "fontname": FONT, "outputorder": "nodesfirst"}
    return page | {
        "layout": "neato",
        "inputscale": str(INCH),
        "splines": "line",
        "pad": _inches(MARGIN),
    }


def _inches(points: float) -> str:
    """Return points in inches, rounded up."""
    return f"{points / INCH + 0.00005:.4f}".rstrip("0").rstrip(".")


def _box(box: Box, colours: Colours) -> dict[str, str]:
    tint = tint_of(box, colours)
    attributes = {
        "id": box.key,
        "class": _class(box),
        "label": _label(box, colours, tint),
        "fillcolor": tint.fill,
        "color": tint.line,
        "style": _style(box),
        "penwidth": PEN.get(box.look, "1"),
    }
    if box.look in SHAPES:
        attributes["shape"] = SHAPES[box.look]
    bounds = box.bounds
    attributes |= {
        "width": _inches(bounds.width if bounds else width_for(box)),
        "height": _inches(bounds.height if bounds else height_for(box)),
        "fixedsize": "true",
    }
    if bounds:
        attributes["pos"] = f"{bounds.x:.2f},{-bounds.y:.2f}!"
    return attributes


def _style(box: Box) -> str:
    if box.look in BARE:
        return ""
    if box.look is Look.AGAIN:
        return "rounded,filled,dashed"
    return "filled" if box.look in (Look.GOAL, Look.EMPTY, Look.ORIGIN) else "rounded,filled"


def _class(box: Box) -> str:
    words = [box.look.value]
    if box.state:
        words += ["state", f"status-{box.state.status.replace(' ', '-')}"]
    return " ".join([*words, *(["faint"] if box.faint else [])])


def _label(box: Box, colours: Colours, tint: Tint) -> str:
    if not box.lines:
        return ""
    side = ' ALIGN="LEFT"' if box.left else ""
    text = f"<BR{side}/>".join(_line(line, box, colours, tint) for line in box.lines)
    text += f"<BR{side}/>" if box.left else ""
    if box.ports and box.bounds:
        return f"<{_table(text, box.bounds.width, box.ports)}>"
    if box.bounds and _is_high(box):
        return f"<{_lowered(text, box, box.bounds.width)}>"
    if box.left and box.bounds:
        size = f'WIDTH="{int(box.bounds.width) - 2}" HEIGHT="{int(box.bounds.height) - 2}"'
        return f'<{TABLE}<TR><TD ALIGN="LEFT" BALIGN="LEFT" {size}>{text}</TD></TR></TABLE>>'
    return f"<{text}>"


def _is_high(box: Box) -> bool:
    """Return whether Graphviz would place a single bold line above the middle of the box."""
    if len(box.lines) != 1 or not box.lines[0].bold or box.bounds is None:
        return False
    return box.bounds.height >= (LINE + BOLD_IS_HIGH) * box.lines[0].size + 0.5


def _lowered(text: str, box: Box, width: float) -> str:
    room = f'<TR><TD HEIGHT="{round(BOLD_IS_HIGH * box.lines[0].size)}"></TD></TR>'
    side = f' ALIGN="LEFT" BALIGN="LEFT" WIDTH="{int(width) - 2}"' if box.left else ""
    return f"{TABLE}{room}<TR><TD{side}>{text}</TD></TR></TABLE>"


def _line(line: Text, box: Box, colours: Colours, tint: Tint) -> str:
    of_box = box.faint or line.ink is Ink.STATUS or box.look in (Look.BADGE, Look.SIGN)
    colour = tint.ink if of_box else colours.inks[line.ink]
    words = escape(line.words).replace("\\", "\\\\")
    words = f"<B>{words}</B>" if line.bold else words
    words = f"<I>{words}</I>" if line.italic else words
    return f'<FONT POINT-SIZE="{line.size:g}" COLOR="{colour}">{words}</FONT>'


def _table(text: str, width: float, ports: tuple[float, ...]) -> str:
    """Return a label with ports at its right side, from which arrows leave."""
    side = [f'<TD PORT="p{n}" WIDTH="1" HEIGHT="{high:g}"></TD>' for n, high in enumerate(ports)]
    rows = (f"<TR>{part}</TR>" for part in side[1:])
    first = f'<TD ROWSPAN="{len(side)}" WIDTH="{width - 2:g}">{text}</TD>{side[0]}'
    return f"{TABLE}<TR>{first}</TR>{''.join(rows)}</TABLE>"


def _arrow(arrow: Arrow, number: int, colours: Colours, nowhere: str) -> dict[str, str]:
    line = colours.faint.line if arrow.faint else colours.lines[arrow.look]
    attributes = {
        "id": f"arrow-{number}",
        "class": " ".join([arrow.look.value, *(["faint"] if arrow.faint else [])]),
        "color": line,
        "penwidth": PEN.get(arrow.look, "1"),
    }
    if arrow.transitions:
        attributes["transitions"] = listed(arrow.transitions, nowhere)
    if arrow.knot:
        attributes["arrowhead"] = "none"
    return attributes


def listed(transitions: Iterable[Transition], nowhere: str = NO_SERVER) -> str:
    """Return transitions as text: `stop active/- > active/powering-off; …`.

    `nowhere` is the source of a creation.
    """
    return "; ".join(
        " > ".join([f"{t.trigger} {t.source or nowhere}", *t.path]) for t in transitions
    )


_driving = RLock()


def painted(text: str, form: str, program: str) -> bytes:
    """Return DOT text painted by an installed `dot` in one of its formats, such as svg or png.

    `program` is its name or path. Raise `InvalidInput` if it is missing or fails.
    """
    import graphviz

    with engine(program):
        try:
            made: bytes = graphviz.pipe("dot", form, text.encode(), quiet=True)
        except (CalledProcessError, OSError) as error:
            said = getattr(error, "stderr", b"") or str(error).encode()
            why = " ".join(said.decode(errors="replace").split())
            raise InvalidInput(f"{program} could not draw {form}: {why}") from error
    if not made:
        raise InvalidInput(f"{program} could not draw {form}: empty output")
    return made


@contextmanager
def engine(program: str = "dot") -> Iterator[Path]:
    """Make the `graphviz` package run `program` inside the context.

    Everything that draws with that package uses it then, also the diagrams of `transitions`. Raise
    `InvalidInput` if it is not installed.
    """
    from graphviz.backend import dot_command

    path = found(program)
    with _driving:
        before, dot_command.DOT_BINARY = dot_command.DOT_BINARY, path
        try:
            yield path
        finally:
            dot_command.DOT_BINARY = before


def found(program: str = "dot") -> Path:
    """Return the path of an installed program. Raise `InvalidInput` that says what to install."""
    chosen = which(program)
    if chosen is None:
        raise InvalidInput(
            f"program {program!r} not found; install Graphviz, or leave --engine out: pictures "
            "need no program"
        )
    return Path(chosen)
