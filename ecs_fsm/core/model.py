"""What lifecycles are made of: words, states, facts, rows as written, transitions as read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Self

from ecs_fsm.core.word import Word

NO_TASK = "-"
NO_TASK_SPELLINGS = (NO_TASK, "null", "none")
"""The spellings of "no task" that are accepted as input."""
NO_SERVER = "(no server)"
"""What a table writes as the source of a creation."""
GONE = "(gone)"
"""The state in which nothing exists any more and the API answers 404."""

ATTRIBUTES: Mapping[str, str] = {
    "status": "status",
    "vm_state": "OS-EXT-STS:vm_state",
    "task_state": "OS-EXT-STS:task_state",
}
"""What the compute API calls status, vm_state and task_state."""

Facts = tuple[tuple[str, str], ...]
"""Facts with their values, in the table's order."""


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

    A state is a `str`, its own name (`"active/powering-off"`, `"active/-"`), with its parts. Where
    the API has one attribute, one word is vm_state and status at once, and the name of the state.
    """

    __slots__ = ("status", "task_state", "vm_state")

    vm_state: Word
    task_state: Word | None
    status: Word

    def __new__(cls, vm_state: Word, task_state: Word | None, status: Word) -> Self:
        """Make a state; its name follows from vm_state and task_state."""
        one_word = vm_state is status or vm_state == GONE
        name = str(vm_state) if one_word else f"{vm_state}/{task_state or NO_TASK}"
        state = super().__new__(cls, name)
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

    @property
    def one_word(self) -> bool:
        """Whether the state is one word of the API's only attribute."""
        return self.vm_state is self.status

    @property
    def gone(self) -> bool:
        """Whether nothing exists any more, and the API answers 404."""
        return self.vm_state == GONE

    @property
    def step(self) -> str:
        """The state as a step of an operation: its task, `-` for none; or its one word."""
        return str(self) if self.one_word else self.task_state or NO_TASK

    def as_dict(self) -> dict[str, str | None]:
        """Return `{"vm_state", "task_state", "status"}`, with None for no task.

        A state of one word is `{ATTRIBUTE: word}`. Where nothing exists, every value is None.
        """
        return _as_dict(self.vm_state, self.task_state, self.status)


def _as_dict(vm_state: Word, task_state: Word | None, status: Word) -> dict[str, str | None]:
    gone = vm_state == GONE
    if vm_state is status:
        return {type(status).attribute: None if gone else status.value}
    return {
        "vm_state": None if gone else vm_state.value,
        "task_state": task_state and task_state.value,
        "status": None if gone else status.value,
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
    cloud that is set up for it. After an event of kind progress that `pauses`, an operation rests
    without having reached its goal.
    """

    name: str
    kind: Kind
    meaning: str
    paths: Mapping[str, str]
    unseen: bool = False
    given: Mapping[str, str | None] = {}
    rare: bool = False
    pauses: bool = False


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
    - `title`, `thing`, `source`: what has this lifecycle, in a few words and as one noun, and where
      the facts come from.
    - `attributes`: what the API calls status, vm_state and task_state. With a status alone a state
      is one word, and `vm_states` and `statuses` are the same enumeration, made by `word_class`.
    - `unreached`: documented states that nothing reaches.
    - `sections`: names for groups of operations, such as those that move a server; pictures keep
      the operations of a section together.
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
    title: str = ""
    thing: str = "server"
    source: str = ""
    attributes: Mapping[str, str] = ATTRIBUTES
    unreached: Sequence[str] = ()
    sections: Mapping[str, str] = {}

    @property
    def one_word(self) -> bool:
        """Whether the API has one attribute, so that a state is one word."""
        return self.vm_states is self.statuses


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
    `given` holds the facts that may be given with it, as in `Rows`; so do `rare` and `pauses`.
    """

    name: str
    kind: Kind
    meaning: str
    transitions: tuple[Transition, ...]
    steps: tuple[State, ...]
    unseen: bool
    given: Mapping[str, str | None]
    rare: bool = False
    pauses: bool = False


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
        """Return `{"event", "vm_state", "task_state", "status"}`, with None for no task.

        For a state of one word it is `{"event", ATTRIBUTE}`.
        """
        parts: dict[str, object] = {**_as_dict(self.vm_state, self.task_state, self.status)}
        return {"event": self.event} | parts


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


def bracketed(facts: Facts) -> str:
    """Return facts as written behind a word: `[was=stopped]`, or nothing if there are none."""
    return f"[{','.join(f'{name}={value}' for name, value in facts)}]" if facts else ""
