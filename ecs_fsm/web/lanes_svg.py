"""The lanes of a lifecycle as SVG for a page: small, without styles of its own.

The board of the view `lanes`, as wide as a page has room for. A box carries `data-state`, an arrow
and the box it leads to `data-transitions`, the name of a request `data-trigger`, each the place of
that in the exported table. What the marks mean stands in lists beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.draw.board import BoardRow, LaneBoard
from ecs_fsm.draw.boxes import LINE, NOWHERE, slug, width_of
from ecs_fsm.draw.formats.svg_shapes import CAPITAL, POINT
from ecs_fsm.draw.lane_notes import Signs, signs_of
from ecs_fsm.draw.lane_rows import BoardStyle
from ecs_fsm.draw.picture import Arrow, Box, Look, Text
from ecs_fsm.draw.rows import Lane, lanes_of
from ecs_fsm.draw.views.lanes import with_notes

WIDE = 790.0
"""The width of a page's picture, which shows its smallest type at ten pixels."""
MARGIN = 4.0
AIR = 7.0
"""Room below the rows of a picture with headings, for what a page puts on them."""
SHORT = 3
"""The letters from which on a text is fitted into its box."""
HEADS = (
    '<defs><marker id="head" viewBox="0 0 6 5" refX="6" refY="2.5" markerWidth="6" '
    'markerHeight="5" markerUnits="userSpaceOnUse" orient="auto"><path class="tip" '
    'd="M0 0L6 2.5L0 5z"/></marker></defs>'
)


def lanes_svg(lifecycle: Lifecycle, *, heads: bool = False) -> str:
    """Return the lanes as an `<svg>` element, with headings or without."""
    return _PageBoard(lifecycle, heads=heads).text()


def legends(lifecycle: Lifecycle) -> str:
    """Return what the marks mean as lists, one for each lane, or one if all lanes share them."""
    board = _PageBoard(lifecycle).board
    lanes = [(None, board.shared)] if board.shared else enumerate(signs_of(_lanes(lifecycle)))
    return "".join(_legend(lane, signs) for lane, signs in lanes if signs and signs.of)


def _legend(lane: int | None, signs: Signs) -> str:
    of = "" if lane is None else f' data-lane="{lane}"'
    items = "".join(
        f'<li><b class="{"system" if not sign.isdecimal() else _class_of(sign, signs)}">{sign}</b> '
        f"{escape(trigger)} → {escape(seen)}</li>"
        for (trigger, seen), sign in signs.of.items()
    )
    return f'<ul class="legend"{of}>{items}</ul>'


def _class_of(sign: str, signs: Signs) -> str:
    return "returns" if sign in signs.back else "ends"


def _lanes(lifecycle: Lifecycle) -> list[Lane]:
    return [with_notes(lane) for lane in lanes_of(lifecycle)]


class _PageBoard:
    """Writes one board as markup for a page; one with headings has no marks."""

    def __init__(self, lifecycle: Lifecycle, *, heads: bool = False) -> None:
        self.lifecycle = lifecycle
        self.states = {state: n for n, state in enumerate(lifecycle.states.values())}
        self.triggers = {name: n for n, name in enumerate(lifecycle.triggers)}
        self.transitions = {t: n for n, t in enumerate(lifecycle.transitions)}
        self.lanes = _lanes(lifecycle)
        if heads:
            self.lanes = [lane._replace(notes=()) for lane in self.lanes]
        style = BoardStyle(wide=WIDE, heads=heads, legend=False, air=AIR if heads else 0)
        self.board = LaneBoard(lifecycle, self.lanes, style, {}, signs_of(self.lanes))
        self.bottom = self.board.place(0)
        self.heads: dict[str, list[Arrow]] = {}
        for arrow in self.board.arrows:
            self.heads.setdefault(arrow.head, []).append(arrow)

    def text(self) -> str:
        """Return the whole picture as markup."""
        in_rows = {box.key for row in self.board.rows for box in row.boxes}
        of_lane = {slug(lane.vm_state): n for n, lane in enumerate(self.lanes)}
        lanes: list[list[str]] = [[] for _ in self.lanes]
        now = 0
        for box in self.board.boxes:
            if box.key in in_rows:
                continue
            if box.look is Look.LANE and box.key.startswith("lane-"):
                now = of_lane[box.key.removeprefix("lane-")]
            lanes[now] += self._box(box)
        for row in self.board.rows:
            lanes[row.lane] += self._row(row)
        wide, high = self.board.right + 2 * MARGIN, self.bottom + 2 * MARGIN
        name = escape(f"The lifecycle of {Phrases(self.lifecycle.table).subject}")
        bounds = " ".join(_short(n) for n in (-MARGIN, -MARGIN, wide, high))
        drawn = "".join(f'<g data-lane="{n}">{"".join(p)}</g>' for n, p in enumerate(lanes))
        return (
            f'<svg id="board" viewBox="{bounds}" role="img" aria-labelledby="board-title" '
            f'xmlns="http://www.w3.org/2000/svg"><title id="board-title">{name}</title>'
            f"{HEADS}{drawn}</svg>"
        )

    def _row(self, row: BoardRow) -> Iterator[str]:
        yield f'<g class="row" data-row="{_short(row.top)} {_short(row.bottom)}">'
        tone = None
        for box in row.boxes:
            own = box.tone if box.look not in (Look.BADGE, Look.SIGN) else tone
            if own != tone:
                yield ("</g>" if tone else "") + (f'<g class="tone-{own}">' if own else "")
                tone = own
            yield from self._box(box, toned=tone is not None)
        if tone:
            yield "</g>"
        for arrow in row.arrows:
            yield from self._arrow(arrow)
        yield "</g>"

    def _box(self, box: Box, *, toned: bool = False) -> Iterator[str]:
        if box.look is Look.LANE:
            kind = "lane" if box.key.startswith("lane-") else "section"
            yield f'<g class="{kind}">{_rect(box, 8)}</g>'
        elif box.look is Look.ORIGIN:
            at = box.bounds or NOWHERE
            yield f'<circle class="origin" cx="{_short(at.x)}" cy="{_short(at.y)}" r="6"/>'
        elif box.look in (Look.BADGE, Look.SIGN):
            kind = box.key.split("-")[0]
            yield f'<g class="mark-{kind}">{_rect(box, 5)}{"".join(_lines(box))}</g>'
        elif box.look is Look.BAND:
            yield f'<g class="band">{_rect(box, 3)}{"".join(_lines(box))}</g>'
        elif box.state is not None:
            tone = "" if toned else f" tone-{box.tone}"
            yield f'<g class="{self._kind(box)}{tone}" data-state="{self.states[box.state]}"'
            by = dict.fromkeys(t for a in self.heads.get(box.key, ()) for t in a.transitions)
            if by:
                yield f' data-transitions="{",".join(str(self.transitions[t]) for t in by)}"'
            yield f">{_goal(box) if box.look is Look.GOAL else _rect(box, 3)}"
            yield f"{''.join(_lines(box))}</g>"
        else:
            yield from self._words(box)

    def _kind(self, box: Box) -> str:
        return {Look.REST: "box rest", Look.STEP: "box"}.get(box.look, "box again")

    def _words(self, box: Box) -> Iterator[str]:
        """Yield bare text; the names of requests can be pressed."""
        name = box.look in (Look.REQUEST, Look.PROGRESS)
        for line, x, y in _places(box):
            words = escape(line.words)
            if name:
                words = re.sub(r"[\w-]+", self._name, words)
            at = f'x="{x}" y="{y}"{_long(line)}'
            yield f'<text class="{_text_class(line, box)}" {at}>{words}</text>'

    def _name(self, found: re.Match[str]) -> str:
        """Return a word, which can be pressed if it is the name of a request or an event."""
        place = self.triggers.get(found[0])
        return found[0] if place is None else f'<tspan data-trigger="{place}">{found[0]}</tspan>'

    def _arrow(self, arrow: Arrow) -> Iterator[str]:
        if len(arrow.way) < 2 or (len(arrow.way) == 2 and arrow.way[0] == arrow.way[1]):
            return
        kind = "req" if arrow.look is Look.REQUEST else "sys"
        knot = " knot" if arrow.knot else ""
        own = ",".join(str(self.transitions[t]) for t in arrow.transitions)
        yield (
            f'<path class="arrow {kind}{knot}" data-transitions="{own}" d="{_path(arrow.way)}"/>'
        )


def _short(number: float) -> str:
    return f"{round(number, 1):g}"


def _rect(box: Box, rx: float) -> str:
    at = box.bounds or NOWHERE
    left, top = at.x - at.width / 2, at.y - at.height / 2
    size = f'width="{_short(at.width)}" height="{_short(at.height)}" rx="{rx:g}"'
    return f'<rect x="{_short(left)}" y="{_short(top)}" {size}/>'


def _goal(box: Box) -> str:
    at = box.bounds or NOWHERE
    left, top = at.x - at.width / 2, at.y - at.height / 2
    edge, high = at.width - POINT, at.height / 2
    moves = f"h{_short(edge)}l{POINT:g} {_short(high)}l-{POINT:g} {_short(high)}"
    return f'<path d="M{_short(left)} {_short(top)}{moves}h-{_short(edge)}z"/>'


def _path(way: Iterable[tuple[float, float]]) -> str:
    (x, y), *others = way
    parts = [f"M{_short(x)} {_short(y)}"]
    for across, down in others:
        parts.append(f"H{_short(across)}" if down == y else f"V{_short(down)}")
        x, y = across, down
    return "".join(parts)


def _places(box: Box) -> Iterator[tuple[Text, str, str]]:
    """Yield each line of a box with its place: where it begins, or its middle."""
    at = box.bounds or NOWHERE
    x = at.x - at.width / 2 + 3 if box.left else at.x - (POINT / 2 if box.look is Look.GOAL else 0)
    y = at.y - LINE * sum(line.size for line in box.lines) / 2
    for line in box.lines:
        y += LINE * line.size / 2
        yield line, _short(x), _short(y + CAPITAL * line.size)
        y += LINE * line.size / 2


def _lines(box: Box) -> Iterator[str]:
    for line, x, y in _places(box):
        bold = ' class="bold"' if line.bold and box.look is Look.REST else ""
        yield f'<text{bold} x="{x}" y="{y}"{_long(line)}>{escape(line.words)}</text>'


def _long(line: Text) -> str:
    """Return how long a text is made where the reader's font is another one."""
    if len(line.words) < SHORT:
        return ""
    return f' textLength="{width_of(line.words, line.size, line.bold):.0f}"'


def _text_class(line: Text, box: Box) -> str:
    """Return the classes of a line of bare text."""
    chip = line.bold and box.look in (Look.REQUEST, Look.PROGRESS)
    kind = ("chip system" if box.look is Look.PROGRESS else "chip") if chip else "small"
    bold = " bold" if line.bold and not chip else ""
    if box.key.startswith("head-"):
        return "head bold"
    return f"{kind}{bold}{'' if box.left else ' middle'}"
