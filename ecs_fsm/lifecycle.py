"""What a lifecycle is: words, states and transitions, read from literal rows and then checked.

A `Lifecycle` is a value. Everything else in the package (the machine, servers, the command line,
whatever draws or checks) learns from it which states, operations and steps there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Self

from ecs_fsm.errors import InvalidInput, InvalidTable, Refused, unknown
from ecs_fsm.notation import NO_TASK, Notation, words

if TYPE_CHECKING:
    from ecs_fsm.machine import LifecycleMachine


class Word(StrEnum):
    """A word of the API: `str()` is its spelling there, `meaning` says what it stands for."""

    _value_: str
    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """A member: its spelling and its meaning."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.meaning = meaning
        return word


class Kind(StrEnum):
    """Who causes a transition."""

    REQUEST = "request"
    """A user asks for it."""
    PROGRESS = "progress"
    """The system goes on with what it was asked."""
    FAILURE = "failure"
    """The system could not do what it was asked."""


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


class Rows(NamedTuple):
    """One trigger of a table as it is written: its paths by the sources that they start from.

    `unseen` marks an operation that has no step of its own: what goes wrong with it goes wrong in
    the state where it was asked.
    """

    name: str
    kind: Kind
    meaning: str
    paths: Mapping[str, str]
    unseen: bool = False


class Surprise(NamedTuple):
    """Something that people get wrong, and the operations, states and statuses where it lies."""

    text: str
    about: tuple[str, ...]


class Transition(NamedTuple):
    """What one event does in one state: `path` holds the states that it enters, in order.

    `source` is None where there is no server yet.
    """

    trigger: str
    source: State | None
    path: tuple[State, ...]
    kind: Kind

    def as_dict(self) -> dict[str, object]:
        """`{"trigger", "kind", "source", "path"}`, states as `State.as_dict` gives them."""
        return {
            "trigger": self.trigger,
            "kind": self.kind.value,
            "source": self.source and self.source.as_dict(),
            "path": [state.as_dict() for state in self.path],
        }


class Trigger(NamedTuple):
    """An operation (kind request) or an event of the system, with its transitions.

    `steps` are the states in which an operation can be found while it runs; an event of the system
    has none. An `unseen` operation has no step of its own: it is found in the state where it was
    asked.
    """

    name: str
    kind: Kind
    meaning: str
    transitions: tuple[Transition, ...]
    steps: tuple[State, ...]
    unseen: bool


class Table(NamedTuple):
    """A lifecycle as it is written.

    `pairs` are rows of (vm_state, task_states, status), `groups` names for lists of task_states,
    `rows` the triggers, `advance` the one of them that the arrows of a path stand for, and
    `undocumented` gives, by operation and vm_state, the first step for which the table has no pair.
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


class Lifecycle:
    """A checked table: the words, the pairs with their status, every transition.

    Raises `InvalidTable`, naming the row, for a state outside the pairs, two transitions for one
    trigger and source, a state that nothing reaches, a task with no way out, a pair without a
    status.
    """

    states: Mapping[str, State]
    """Every state by its name, in the order of the pairs."""
    transitions: tuple[Transition, ...]
    """Every transition, by trigger in the order of the rows."""

    def __init__(self, table: Table) -> None:
        from ecs_fsm.checks import check

        self.table = table
        self.name = table.name
        self.advance = table.advance
        self.states = {state: state for state in self._read_pairs()}
        self._by_source: dict[State | None, dict[str, Transition]] = {}
        self._read_rows()
        self.transitions = tuple(
            transition
            for row in table.rows
            for source in (None, *self.states.values())
            if (transition := self._by_source.get(source, {}).get(row.name))
        )
        check(self)

    def __repr__(self) -> str:
        return f"<Lifecycle {self.name}>"

    @cached_property
    def triggers(self) -> Mapping[str, Trigger]:
        """Operations and events of the system, by name."""
        return {row.name: self._trigger(row) for row in self.table.rows}

    @cached_property
    def operations(self) -> Mapping[str, Trigger]:
        """What a user may ask, by name."""
        return {n: t for n, t in self.triggers.items() if t.kind is Kind.REQUEST}

    @cached_property
    def events(self) -> Mapping[str, Trigger]:
        """What the system itself causes, by name."""
        return {n: t for n, t in self.triggers.items() if t.kind is not Kind.REQUEST}

    @cached_property
    def creation(self) -> Transition:
        """The transition that makes a server."""
        (creation,) = self._by_source[None].values()
        return creation

    @cached_property
    def machine(self) -> LifecycleMachine:
        """The `transitions` machine that every server of this lifecycle runs on."""
        from ecs_fsm.machine import LifecycleMachine

        return LifecycleMachine(self)

    def state(self, vm_state: str, task_state: str | None = None) -> State:
        """The state of a pair. Raises `InvalidInput` for an unknown word or a pair that is none."""
        vm = self.word("vm_state", vm_state)
        task = None if task_state is None else self.word("task_state", task_state)
        found = self.states.get(f"{vm}/{task or NO_TASK}")
        if found is None:
            there = ", ".join(
                s.task_state or NO_TASK for s in self.states.values() if s.vm_state == vm
            )
            raise InvalidInput(f"{vm}/{task or NO_TASK} does not occur; tasks under {vm}: {there}")
        return found

    def word(self, kind: str, spelling: str) -> Word:
        """The `vm_state`, `task_state` or `status` of that spelling, or `InvalidInput`."""
        known = {
            "vm_state": self.table.vm_states,
            "task_state": self.table.task_states,
            "status": self.table.statuses,
        }[kind]
        try:
            return known(spelling)  # type: ignore[call-arg]
        except ValueError:
            raise unknown(kind, spelling, known) from None

    def find(self, trigger: str, source: State | None) -> Transition | None:
        """The one transition of `trigger` in `source`, or None."""
        return self._by_source.get(source, {}).get(trigger)

    def leaving(self, source: State | None) -> tuple[Transition, ...]:
        """The transitions out of a state: those of the system first, then what a user may ask."""
        found = self._by_source.get(source, {})
        return tuple(found[name] for name in (*self.events, *self.operations) if name in found)

    def rests(self, state: State) -> bool:
        """Whether nothing goes on in `state`: it stays until somebody asks for something."""
        return self.find(self.advance, state) is None

    def ways(self, first: Transition) -> Iterator[Transition]:
        """`first` and the system's own steps after it, as it goes when nothing goes wrong."""
        yield first
        at = first.path[-1]
        while step := self.find(self.advance, at):
            yield step
            at = step.path[-1]

    def refusal(self, trigger: str, state: State) -> Refused:
        """Why `trigger` is not possible in `state`. `InvalidInput` for no trigger at all."""
        if trigger not in self.triggers:
            raise unknown("operation or event", trigger, self.triggers)
        reason = self._reason(self.triggers[trigger], state)
        return Refused(trigger, state, reason, self.requests(state))

    def requests(self, state: State) -> tuple[str, ...]:
        """What a user may ask in `state`, by name."""
        return tuple(t.trigger for t in self.leaving(state) if t.kind is Kind.REQUEST)

    def _reason(self, trigger: Trigger, state: State) -> str:
        sources = [t.source for t in trigger.transitions if t.source]
        under = list(dict.fromkeys(s.vm_state for s in sources))
        if not sources:
            return "the server exists already"
        if trigger.kind is not Kind.REQUEST:
            if self.rests(state):
                return "no step is running that it could end"
            return f"task {state.task_state or NO_TASK} cannot end that way"
        if state.vm_state in under:
            return f"task {state.task_state or NO_TASK} is running"
        if first := self.table.undocumented.get((trigger.name, state.vm_state)):
            return f"its first step would be {first}, a pair that is not documented"
        return f"vm_state is {state.vm_state}, it is accepted under {' or '.join(under)}"

    def _read_pairs(self) -> Iterator[State]:
        for row in self.table.pairs:
            if len(row) != len(("vm_state", "task_states", "status")):
                raise InvalidTable(f"pairs {row}: a row is vm_state, task_states, status")
            vm_state, tasks, status = row
            try:
                vm = self.word("vm_state", vm_state)
                shown = self.word("status", status)
                for task in words(tasks):
                    known = None if task == NO_TASK else self.word("task_state", task)
                    yield State(vm, known, shown)
            except InvalidInput as error:
                raise InvalidTable(f"pairs {row}: {error}") from error

    def _read_rows(self) -> None:
        notation = Notation(self.states, self.table.groups)
        kinds = {row.name: row.kind for row in self.table.rows}
        if len(kinds) < len(self.table.rows) or self.advance not in kinds:
            twice = [row.name for row in self.table.rows if kinds.pop(row.name, None) is None]
            raise InvalidTable(
                f"rows: written twice, or missing: {', '.join(twice) or self.advance}"
            )
        for row in self.table.rows:
            for sources, path in row.paths.items():
                try:
                    for source in notation.sources(sources):
                        self._add_path(row, source, notation.path(path, source))
                except InvalidInput as error:
                    raise InvalidTable(f"{row.name}, {sources!r}: {path!r}: {error}") from error

    def _add_path(self, row: Rows, source: State | None, path: list[tuple[State, ...]]) -> None:
        self._add(Transition(row.name, source, path[0], row.kind))
        progress = next(r.kind for r in self.table.rows if r.name == self.advance)
        for before, entered in pairwise(path):
            step = Transition(self.advance, before[-1], entered, progress)
            if self.find(self.advance, before[-1]) != step:
                self._add(step)

    def _add(self, transition: Transition) -> None:
        known = self._by_source.setdefault(transition.source, {})
        if other := known.get(transition.trigger):
            ends = " and to ".join(" + ".join(t.path) for t in (other, transition))
            raise InvalidInput(f"two transitions for {other.trigger} at {other.source}: to {ends}")
        known[transition.trigger] = transition

    def _trigger(self, row: Rows) -> Trigger:
        own = tuple(t for t in self.transitions if t.trigger == row.name)
        steps: dict[State, None] = {}
        if row.kind is Kind.REQUEST:
            if row.unseen:
                steps = {t.source: None for t in own if t.source}
            else:
                visited = (t.path[-1] for first in own for t in self.ways(first))
                steps = {state: None for state in visited if not self.rests(state)}
        return Trigger(row.name, row.kind, row.meaning, own, tuple(steps), row.unseen)
