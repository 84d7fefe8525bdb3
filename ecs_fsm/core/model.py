"""What lifecycles are made of: words, states, facts, rows as written, transitions as read."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol, Self, runtime_checkable

NO_TASK = "-"
NO_TASK_SPELLINGS = (NO_TASK, "null", "none")
"""The spellings of "no task" that are accepted as input."""
NO_SERVER = "(no server)"

Facts = tuple[tuple[str, str], ...]
"""Facts with their values, in the table's order."""


class Tone(StrEnum):
    """The family of colours in which diagrams show a status, beside its name."""

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
    """A word of the API: `str()` is its spelling there, `meaning` explains it in a sentence.

    A status also has a `tone`.
    """

    _value_: str
    meaning: str
    tone: Tone

    def __new__(cls, value: str, meaning: str = "", tone: Tone = Tone.GREY) -> Self:
        """Make a member of its spelling, its meaning and its tone."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.meaning = meaning
        word.tone = tone
        return word


class Kind(StrEnum):
    """Who causes a transition."""

    REQUEST = "request"
    """A user requests it."""
    PROGRESS = "progress"
    """The system continues an operation."""
    FAILURE = "failure"
    """A step of an operation fails."""
    SYSTEM = "system"
    """The system acts without a request."""


class State(str):
    """A vm_state with a task_state, and the status that the API shows for them.

    A state is a `str`, its own name (`"active/powering-off"`, `"active/-"`), with its parts as
    attributes.
    """

    __slots__ = ("status", "task_state", "vm_state")

    vm_state: Word
    task_state: Word | None
    status: Word

    def __new__(cls, vm_state: Word, task_state: Word | None, status: Word) -> Self:
        """Make a state; its name follows from vm_state and task_state."""
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
        """Return `{"vm_state", "task_state", "status"}`, with None for no task."""
        return {
            "vm_state": self.vm_state.value,
            "task_state": self.task_state and self.task_state.value,
            "status": self.status.value,
        }


class Fact(NamedTuple):
    """Something that decides the next state, though vm_state and task_state do not show it.

    A server remembers it in the states of `scope`; some states imply a value (`implied`). Without
    other knowledge its value is `default`, or unknown if that is None. A `circumstance` is given
    with an event and not remembered. `because` states a value in a sentence: "it was {value}".
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
    """While `fact` has `value`, every request except those in `allows` is refused for `reason`.

    A guard holds back requests only: what the system does is the same with and without it.
    """

    fact: str
    value: str
    allows: tuple[str, ...]
    reason: str


class Rows(NamedTuple):
    """One trigger of a table as written: its paths by the sources from which they start.

    `unseen` marks an operation without a step of its own: it fails in the state in which it was
    requested. `given` holds the facts that may be given with the event, each with its value if it
    is not given; None stands for the remembered value. `rare` marks an event that only happens in a
    cloud that is set up for it.
    """

    name: str
    kind: Kind
    meaning: str
    paths: Mapping[str, str]
    unseen: bool = False
    given: Mapping[str, str | None] = {}
    rare: bool = False


class Surprise(NamedTuple):
    """A common mistake in a sentence, and the triggers, states and words that it is about."""

    text: str
    about: tuple[str, ...]


class Table(NamedTuple):
    """A lifecycle as written, in the notation of `ecs_fsm.core.notation`.

    - `pairs`: rows of (vm_state, task_states, status); together they list every state.
    - `groups`: names for lists of words.
    - `rows`: the triggers; `advance` is the name of the one that the arrows of a path stand for.
    - `undocumented`: by (operation, vm_state), a first step that the table has no pair for.
    - `surprises`, `facts`, `guards`: see their classes.
    - `unconditional`: the steps whose normal end is written even if another request has replaced
      their task, so that it can show late; failures are always written so.
    - `default_status`, `unknown_status`: the status of a pair that does not occur, by vm_state, and
      of an unknown vm_state; only for a table whose status rule covers such pairs.
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
    unconditional: str = ""
    default_status: Mapping[str, str] = {}
    unknown_status: str | None = None


class Transition(NamedTuple):
    """What one trigger does in one state: `path` holds the states that it enters, in order.

    `source` is None for the creation of a server. The transition is taken if the facts in `when`
    hold; it makes the facts in `learns` known.
    """

    trigger: str
    source: State | None
    path: tuple[State, ...]
    kind: Kind
    when: Facts = ()
    learns: Facts = ()

    def as_dict(self) -> dict[str, object]:
        """Return `{"trigger", "kind", "source", "path"}`, and "when" if it depends on facts."""
        shown: dict[str, object] = {
            "trigger": self.trigger,
            "kind": self.kind.value,
            "source": self.source and self.source.as_dict(),
            "path": [state.as_dict() for state in self.path],
        }
        return shown | ({"when": dict(self.when)} if self.when else {})


class Trigger(NamedTuple):
    """An operation (kind request) or an event of the system, with its transitions.

    `steps` are the states that an operation passes through while it runs; an event has none. An
    `unseen` operation has no step of its own; its steps are the states in which it is accepted.
    `given` holds the facts that may be given with it, `rare` marks an event that some clouds have
    only, as in `Rows`.
    """

    name: str
    kind: Kind
    meaning: str
    transitions: tuple[Transition, ...]
    steps: tuple[State, ...]
    unseen: bool
    given: Mapping[str, str | None]
    rare: bool = False


class Node:
    """A state with its facts: a vertex of the state graph.

    A lifecycle makes one object for each, so nodes are compared and hashed by identity.
    """

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
        """Return `{"event", "vm_state", "task_state", "status"}`, with None for no task."""
        return {
            "event": self.event,
            "vm_state": self.vm_state.value,
            "task_state": self.task_state and self.task_state.value,
            "status": self.status.value,
        }


class ChangeWithFacts(NamedTuple):
    """A change in a lifecycle with facts; `remembers` holds those known after it."""

    event: str | None
    vm_state: Word
    task_state: Word | None
    status: Word
    remembers: Facts

    def as_dict(self) -> dict[str, object]:
        """Return the keys of `Change.as_dict`, and "remembers": the facts by name."""
        return Change(*self[:4]).as_dict() | {"remembers": dict(self.remembers)}


AnyChange = Change | ChangeWithFacts


class KnownEvents:
    """The events that are known to run no callback: a server takes a short cut through them.

    By trigger and node: the node at the event's end, and the changes that lead there. A machine
    whose callbacks are changed replaces `by_trigger` by an empty dictionary. Plain tuples and
    dictionaries, because every event of a server is looked up here.
    """

    __slots__ = ("by_trigger",)

    def __init__(self) -> None:
        self.by_trigger: dict[str, dict[Node, tuple[Node, tuple[AnyChange, ...]]]] = {}


@runtime_checkable
class MachineModel(Protocol):
    """What the machine asks of a model that keeps facts and a history itself, as servers do.

    `transitions` calls the object that a machine moves its model. Any other model has a state and
    nothing else, and the machine moves it as the library does.
    """

    __slots__ = ()

    def event_triggered(
        self, event: str, sources: Container[str], proceed: Callable[[], bool]
    ) -> bool:
        """Let an event happen that was triggered at the machine.

        `sources` are the states in which the machine has a transition for it. `proceed` does what
        the library does, and returns whether a transition was taken.
        """

    def event_begins(self) -> Callable[[], None]:
        """Return what takes the model back to its present node, for a callback that raises."""

    def event_allows(self, row: Transition) -> bool:
        """Return whether this transition of the table is the one for the model's facts."""

    def event_enters(self, event: str, state: str, count: int) -> None:
        """Enter `state`, number `count` (from 0) on the path of `event`."""

    def event_ends(self) -> None:
        """End an event that enters no state: it can still change facts."""


def bracketed(facts: Facts) -> str:
    """Return facts as written behind a word: `[was=stopped]`, or nothing if there are none."""
    return f"[{','.join(f'{name}={value}' for name, value in facts)}]" if facts else ""
