"""What lifecycles are made of: words, states, facts, rows as written, transitions as read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Self

NO_TASK = "-"
NO_TASK_SPELLINGS = (NO_TASK, "null", "none")
"""How people write that no task runs."""
NO_SERVER = "(no server)"

Facts = tuple[tuple[str, str], ...]
"""Facts with their values, in the order of the table."""


class Tone(StrEnum):
    """A family of colours in which diagrams show a status; never the only thing that tells it."""

    BLUE = "blue"
    SKY = "sky"
    TEAL = "teal"
    GREEN = "green"
    LIME = "lime"
    OLIVE = "olive"
    SAND = "sand"
    AMBER = "amber"
    ORANGE = "orange"
    BROWN = "brown"
    RED = "red"
    ROSE = "rose"
    PINK = "pink"
    PLUM = "plum"
    VIOLET = "violet"
    INDIGO = "indigo"
    STONE = "stone"
    GREY = "grey"
    SLATE = "slate"


class Word(StrEnum):
    """A word of the API: `str()` is its spelling there, `meaning` says what it stands for.

    A status has a `tone` as well.
    """

    _value_: str
    meaning: str
    tone: Tone

    def __new__(cls, value: str, meaning: str = "", tone: Tone = Tone.GREY) -> Self:
        """A member: its spelling, its meaning, its tone."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.meaning = meaning
        word.tone = tone
        return word


class Kind(StrEnum):
    """Who causes a transition."""

    REQUEST = "request"
    """A user asks for it."""
    PROGRESS = "progress"
    """The system goes on with what it was asked."""
    FAILURE = "failure"
    """The system could not do what it was asked."""
    SYSTEM = "system"
    """The system does it unasked."""


class State(str):
    """A vm_state and a task_state that occur together, with the status that the API shows for them.

    It is its own name (`"active/powering-off"`, `"active/-"`) and carries its parts.
    """

    __slots__ = ("status", "task_state", "vm_state")

    vm_state: Word
    task_state: Word | None
    status: Word

    def __new__(cls, vm_state: Word, task_state: Word | None, status: Word) -> Self:
        """The state of a pair; its name follows from it."""
        state = super().__new__(cls, f"{vm_state}/{task_state or NO_TASK}")
        for name, part in (("vm_state", vm_state), ("task_state", task_state), ("status", status)):
            object.__setattr__(state, name, part)
        return state

    def __getnewargs__(self) -> tuple[Word, Word | None, Word]:  # type: ignore[override]
        return self.vm_state, self.task_state, self.status

    def __getstate__(self) -> None:
        return None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{self} is a state of a table: its {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{self} is a state of a table: its {name} cannot be deleted")

    def as_dict(self) -> dict[str, str | None]:
        """`{"vm_state", "task_state", "status"}`, None for no task."""
        return {
            "vm_state": self.vm_state.value,
            "task_state": self.task_state and self.task_state.value,
            "status": self.status.value,
        }


class Fact(NamedTuple):
    """Something that the two attributes do not show and that decides what comes next.

    It is remembered in the states of `scope`, and `implied` in some of them. Where nothing else is
    known it is `default`, or unknown if that is None. A `circumstance` is given with its event and
    not remembered. `because` tells a value in a sentence: "it was {value}".
    """

    name: str
    values: tuple[str, ...]
    meaning: str
    because: str
    scope: str
    implied: Mapping[str, str] = {}
    default: str | None = None
    circumstance: bool = False


class Guard(NamedTuple):
    """While `fact` has `value`, every request but those in `allows` is refused for `reason`."""

    fact: str
    value: str
    allows: tuple[str, ...]
    reason: str


class Rows(NamedTuple):
    """One trigger of a table as it is written: its paths by the sources that they start from.

    `unseen` marks an operation that has no step of its own: what goes wrong with it goes wrong in
    the state where it was asked. `given` are the facts that may be given with the event, each with
    the value that it has otherwise, None for what is remembered.
    """

    name: str
    kind: Kind
    meaning: str
    paths: Mapping[str, str]
    unseen: bool = False
    given: Mapping[str, str | None] = {}


class Surprise(NamedTuple):
    """Something that people get wrong, and the operations, states and statuses where it lies."""

    text: str
    about: tuple[str, ...]


class Table(NamedTuple):
    """A lifecycle as it is written.

    `pairs` are rows of (vm_state, task_states, status), `groups` names for lists of words, `rows`
    the triggers, `advance` the one of them that the arrows of a path stand for, and `undocumented`
    gives, by operation and vm_state, the first step for which the table has no pair. A table whose
    status rule covers every pair of words says so by `default_status`, for each vm_state, and
    `unknown_status`, for any other.
    """

    name: str
    vm_states: type[Word]
    task_states: type[Word]
    statuses: type[Word]
    pairs: Sequence[tuple[str, str, str]]
    groups: Mapping[str, str]
    rows: Sequence[Rows]
    advance: str
    undocumented: Mapping[tuple[str, str], str]
    surprises: Sequence[Surprise]
    facts: Sequence[Fact] = ()
    guards: Sequence[Guard] = ()
    default_status: Mapping[str, str] = {}
    unknown_status: str | None = None


class Transition(NamedTuple):
    """What one event does in one state: `path` holds the states that it enters, in order.

    `source` is None where there is no server yet. It happens where the facts in `when` hold, and
    makes those in `learns` known.
    """

    trigger: str
    source: State | None
    path: tuple[State, ...]
    kind: Kind
    when: Facts = ()
    learns: Facts = ()

    def as_dict(self) -> dict[str, object]:
        """`{"trigger", "kind", "source", "path"}`, and "when" where it depends on facts."""
        shown: dict[str, object] = {
            "trigger": self.trigger,
            "kind": self.kind.value,
            "source": self.source and self.source.as_dict(),
            "path": [state.as_dict() for state in self.path],
        }
        return shown | ({"when": dict(self.when)} if self.when else {})


class Trigger(NamedTuple):
    """An operation (kind request) or an event of the system, with its transitions.

    `steps` are the states in which an operation can be found while it runs; an event of the system
    has none. An `unseen` operation has no step of its own: it is found in the state where it was
    asked. `given` are the facts that may be given with it.
    """

    name: str
    kind: Kind
    meaning: str
    transitions: tuple[Transition, ...]
    steps: tuple[State, ...]
    unseen: bool
    given: Mapping[str, str | None]


class Node:
    """A state with what is remembered in it; a lifecycle has one object for each."""

    __slots__ = ("facts", "state")

    def __init__(self, state: State, facts: Facts) -> None:
        self.state = state
        self.facts = facts

    def __repr__(self) -> str:
        return f"<{self.state}{bracketed(self.facts)}>"


class Change(NamedTuple):
    """One state that an event entered. `event` is None where a history begins without one."""

    event: str | None
    vm_state: Word
    task_state: Word | None
    status: Word

    def as_dict(self) -> dict[str, object]:
        """`{"event", "vm_state", "task_state", "status"}`, None for no task."""
        return {
            "event": self.event,
            "vm_state": self.vm_state.value,
            "task_state": self.task_state and self.task_state.value,
            "status": self.status.value,
        }


class ChangeWithFacts(NamedTuple):
    """A change in a lifecycle with facts; `remembers` are those known after it."""

    event: str | None
    vm_state: Word
    task_state: Word | None
    status: Word
    remembers: Facts

    def as_dict(self) -> dict[str, object]:
        """As `Change.as_dict`, and "remembers" with the facts by name."""
        return Change(*self[:4]).as_dict() | {"remembers": dict(self.remembers)}


AnyChange = Change | ChangeWithFacts


class Steps:
    """The events of a machine that are known to run no callback.

    By trigger and node: the node at the event's end, and the changes that lead there. Plain tuples
    and dictionaries, because a server's every event looks something up here.
    """

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[str, dict[Node, tuple[Node, tuple[AnyChange, ...]]]] = {}


def bracketed(facts: Facts) -> str:
    """Facts as they are written with a word: `[was=stopped]`, nothing for none."""
    return f"[{','.join(f'{name}={value}' for name, value in facts)}]" if facts else ""
