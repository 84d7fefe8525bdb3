"""What the application says, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ecs_fsm.core.model import NO_SERVER, Kind
from ecs_fsm.play.session import Choice, Session

WELCOME = "There is no server yet: press 1 or n to make one, l for the lessons, ? for help."
KEYS = "↑↓⏎ 1-9 choose n next u undo r redo x restart h history l lessons z quiz ? q"
HELP = """\
↑ ↓ and enter  choose what happens, on the left: what is possible is numbered,
               what is not is marked with - and says why when it is chosen
1 to 9         the first nine that are possible
n or space     the system goes on by one step
u, r           undo, redo
x              begin anew
h              everything that happened
l              lessons
z              quiz
q              quit

Right: the vm_states with the status that each shows at rest, and a mark where
the server is; the way it is on, its state in [brackets]; what happened last.
! marks what goes wrong, * what the system does unasked."""
MARKS = {Kind.REQUEST: " ", Kind.PROGRESS: " ", Kind.FAILURE: "!", Kind.SYSTEM: "*"}
NUMBERED = 9
LAST = 12


def attributes(session: Session) -> str:
    """What an API client sees of the server, and what is remembered besides."""
    node = session.position.node
    if node is None:
        return f"{session.lifecycle.name}: {NO_SERVER}"
    state = node.state
    remembers = "".join(f" {name}={value}" for name, value in node.facts)
    besides = f"\nremembers{remembers}" if remembers else ""
    return (
        f"status {state.status}  vm_state {state.vm_state}  "
        f"task_state {state.task_state or 'null'}{besides}"
    )


def listed(choices: Iterable[Choice]) -> list[str]:
    """A line for each choice: its number where it is possible, its mark where it is not."""
    lines = []
    for number, choice in enumerate(choices, 1):
        key = " " if number > NUMBERED else str(number)
        lines.append(f"{'-' if choice.why else key}{MARKS[choice.kind]}{choice.name}")
    return lines


def last_changes(session: Session) -> str:
    """The last changes, the latest first."""
    changes = session.position.changes[-LAST:]
    return "\n".join(
        f"{c.event or 'begins'}: {c.status} {c.task_state or ''}" for c in changes[::-1]
    )


def history(session: Session) -> str:
    """Everything that happened, as a table."""
    return str(session.history) if session.history else "Nothing yet."


def values(known: Sequence[str], fact: str, usual: str | None) -> list[tuple[str, str]]:
    """The values of a fact to choose from, the usual one first; else what is remembered."""
    if usual is None:
        return [("", "as it is remembered"), *((value, f"{fact}={value}") for value in known)]
    first = sorted(known, key=lambda value: value != usual)
    return [(value, f"{fact}={value}") for value in first]


def refused(session: Session, trigger: str, why: str) -> str:
    """That something is not possible, and why."""
    request = session.lifecycle.triggers[trigger].kind is Kind.REQUEST
    return f"{trigger} {'gets 409' if request else 'cannot happen'}: {why}."


def happened(session: Session, trigger: str, before: int, *, done: bool) -> str:
    """What an event changed since so many changes, or what the lesson says of it."""
    lesson, position = session.lesson, session.position
    if lesson and done:
        return lesson.steps[position.done - 1].then
    meaning = session.lifecycle.triggers[trigger].meaning
    entered = [f"{c.vm_state}/{c.task_state or '-'} {c.status}" for c in position.changes[before:]]
    told = f"{trigger}: {' → '.join(entered) or 'neither attribute changed'}. {meaning}"
    if lesson and session.step:
        return f"{told} The lesson asks for something else: u takes it back."
    return told


def with_step(text: str, session: Session) -> str:
    """A message, and below it the lesson's next step or its end."""
    lesson = session.lesson
    if lesson is None:
        return text
    if session.step is None:
        return f"{text}\nThe lesson “{lesson.title}” is done: l shows the others."
    return f"{text}\n({session.position.done + 1}/{len(lesson.steps)}) {session.step.text}"
