"""What the application shows, as text: attributes, choices, messages, lanes and states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, AnyChange, Kind, State
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.word import Word
from ecs_fsm.draw.rows import task_of
from ecs_fsm.draw.styles import COLOURS, Theme
from ecs_fsm.play.session import Choice, Session

KEYS = "↑↓⏎ 1-9 choose n next u undo r redo x anew h history l lessons z quiz ? q"
HELP = """\
↑ ↓ and enter  choose an event on the left: possible events have a number,
               impossible ones a - and a message that says why
1 to 9         trigger one of the first nine possible events
n or space     let the system finish one step
u, r           undo, redo
x              begin anew
h              history
l              lessons
z              quiz
q              quit

Right: {states}, and a mark at the current one;
the way, each status with its steps, the current one in [brackets]; the last
events.
! marks failures, * what the system does by itself."""
MARKS = {Kind.REQUEST: " ", Kind.PROGRESS: " ", Kind.FAILURE: "!", Kind.SYSTEM: "*"}
NUMBERED = 9
LAST = 12


def welcome(lifecycle: Lifecycle) -> str:
    """Return the first message."""
    thing = lifecycle.table.thing
    return f"There is no {thing} yet: press 1 or n to create one, l for lessons, ? for help."


def help_text(lifecycle: Lifecycle) -> str:
    """Return what the keys do, and what is shown where."""
    names = Phrases(lifecycle.table).attributes
    paired = f"the {names.vm_state}s with their {names.status} at rest"
    return HELP.format(states="the states" if lifecycle.table.one_word else paired)


def attributes(session: Session) -> str:
    """Return what an API client sees of the server, and its facts."""
    node, phrases = session.point.node, Phrases(session.lifecycle.table)
    if node is None:
        return f"{session.lifecycle.name}: {phrases.nowhere}"
    state, names = node.state, phrases.attributes
    known = "".join(f" {name}={value}" for name, value in node.facts)
    facts = f"\nfacts{known}" if known else ""
    if state.one_word or state.gone:
        return f"{names.status} {state}{facts}"
    return (
        f"{names.status} {state.status}  {names.vm_state} {state.vm_state}  "
        f"{names.task_state} {state.task_state or 'null'}{facts}"
    )


def listed(choices: Iterable[Choice]) -> list[str]:
    """Return a line per choice: its number if it is possible, otherwise a hyphen."""
    lines = []
    for number, choice in enumerate(choices, 1):
        key = " " if number > NUMBERED else str(number)
        lines.append(f"{'-' if choice.why else key}{MARKS[choice.kind]}{choice.name}")
    return lines


def last_changes(session: Session) -> str:
    """Return the last changes, the latest first."""
    changes = session.point.changes[-LAST:]
    return "\n".join(
        f"{c.event or 'begins'}: {c.status} {c.task_state or ''}" for c in changes[::-1]
    )


def history(session: Session) -> str:
    """Return the whole history as a table."""
    return str(session.history) if session.history else "No events yet."


def values(known: Sequence[str], fact: str, usual: str | None) -> list[tuple[str, str]]:
    """Return the values of a fact, the usual one (or else the remembered one) first."""
    if usual is None:
        return [("", "as remembered"), *((value, f"{fact}={value}") for value in known)]
    first = sorted(known, key=lambda value: value != usual)
    return [(value, f"{fact}={value}") for value in first]


def refused(session: Session, trigger: str, why: str) -> str:
    """Return why an event is not possible."""
    request = session.lifecycle.triggers[trigger].kind is Kind.REQUEST
    return f"{trigger} {'gets 409' if request else 'cannot happen'}: {why}."


def happened(session: Session, trigger: str, before: int, *, done: bool) -> str:
    """Return what an event changed after the first `before` changes, or the lesson's comment."""
    lesson, point = session.lesson, session.point
    if lesson and done:
        return lesson.steps[point.done - 1].then
    meaning = session.lifecycle.triggers[trigger].meaning
    states = (_state(session.lifecycle, change) for change in point.changes[before:])
    entered = [str(s) if s.one_word or s.gone else f"{s} {s.status}" for s in states]
    text = f"{trigger}: {' → '.join(entered) or 'no visible change'}. {meaning}"
    here = str(point.node.state) if point.node else ""
    for surprise in session.lifecycle.table.surprises:
        if {trigger, here} <= {*surprise.about}:
            text += f" ! {surprise.text}"
    if lesson and session.step:
        return f"{text} This is not the step of the lesson: u undoes it. {session.amiss()}"
    return text


def with_step(text: str, session: Session) -> str:
    """Return a message, and below it the next step or the end of the lesson."""
    lesson = session.lesson
    if lesson is None:
        return text
    if session.step is None:
        ask = ", z asks its questions" if lesson.questions else ""
        return f"{text}\nThe lesson “{lesson.title}” is complete: l shows the others{ask}."
    return f"{text}\n({session.point.done + 1}/{len(lesson.steps)}) {session.step.text}"


HERE = "▶ "
ELSEWHERE = "  "
ARROW = " → "
MOST_WIDE = 44
"""The characters of a line beside the events, with two to spare."""
MAX_ONE_COLUMN = 8
"""With more vm_states than that there are two columns."""


def lanes(lifecycle: Lifecycle, state: State | None) -> str:
    """Return the vm_states with their status at rest, the current one marked, or in two columns."""
    cells = []
    vm_states = _around(list(lifecycle.table.vm_states), state)
    widest = max(map(len, vm_states))
    many = len(vm_states) > MAX_ONE_COLUMN
    for vm_state in vm_states:
        here = state is not None and state.vm_state == vm_state
        cell = f"{HERE if here else ELSEWHERE}{vm_state:<{widest}}"
        rest = lifecycle.states.get(f"{vm_state}/{NO_TASK}")
        cells.append(f"{cell} {rest.status}" if rest and not many else cell)
    if not many:
        return "\n".join(cells)
    half = (len(cells) + 1) // 2
    left, right = cells[:half], [*cells[half:], ""]
    wide = max(len(cell.rstrip()) for cell in left)
    if wide + max(len(cell.rstrip()) for cell in right) <= MOST_WIDE:
        wide = min(wide + 2, len(left[0]))
    return "\n".join(f"{a[:wide]:<{wide}}{b}".rstrip() for a, b in zip(left, right, strict=False))


def _around(vm_states: list[Word], state: State | None) -> list[Word]:
    """Return the vm_states that there is room for, with the current one among them."""
    place = vm_states.index(state.vm_state) if state is not None else 0
    first = max(0, min(place - MAX_ONE_COLUMN, len(vm_states) - 2 * MAX_ONE_COLUMN))
    return vm_states[first : first + 2 * MAX_ONE_COLUMN]


def way(session: Session) -> str:
    """Return the way since the last request as bands: a status, and behind it its steps.

    The current step stands in brackets; what follows is entered if nothing goes wrong.
    """
    state, lifecycle = session.state, session.lifecycle
    if state is None:
        return Phrases(lifecycle.table).nowhere
    point = session.point
    before = [_state(lifecycle, c) for c in point.changes[max(point.requested - 1, 0) : -1]]
    bands: list[tuple[str, list[str]]] = []
    whole = (*before, state, *session.ahead())
    for place, entered in enumerate(whole):
        at_end = place in (0, len(before), len(whole) - 1)
        alone = entered.one_word or entered.gone or (at_end and lifecycle.rests(entered))
        status = str(entered) if entered.gone else str(entered.status)
        step = "" if alone else task_of(entered)
        if place == len(before):
            status, step = (f"[{status}]", "") if alone else (status, f"[{step}]")
        if step and bands and bands[-1][0] == status and bands[-1][1]:
            bands[-1][1].append(step)
        else:
            bands.append((status, [step] if step else []))
    return ARROW.join(f"{s}: {' · '.join(steps)}" if steps else s for s, steps in bands)


def tones(lifecycle: Lifecycle, text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where statuses stand in a text, and their colours."""
    statuses = {str(status): status for status in lifecycle.table.statuses}
    longest = sorted(map(re.escape, statuses), key=len, reverse=True)
    for found in re.finditer(rf"(?<![\w-])({'|'.join(longest)})(?![\w-])", text):
        tint = COLOURS[Theme.DARK].tones[statuses[found[0]].tone]
        yield *found.span(), f"{tint.ink} on {tint.fill}"


def _state(lifecycle: Lifecycle, change: AnyChange) -> State:
    return lifecycle.state(change.vm_state, change.task_state)
