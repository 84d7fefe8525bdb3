"""A table that was read: which states, operations and events there are, and what leads where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from ecs_fsm.core.errors import InvalidInput, InvalidTable, unknown
from ecs_fsm.core.facts import Memory
from ecs_fsm.core.model import (
    NO_TASK,
    NO_TASK_SPELLINGS,
    Facts,
    Kind,
    State,
    Table,
    Transition,
    Trigger,
    Word,
)
from ecs_fsm.core.notation import Notation, words
from ecs_fsm.core.reading import read_rows


class Rules:
    """A table, read: its words, its pairs with their status, every transition.

    Raises `InvalidTable`, naming the row, for a state outside the pairs, two transitions for one
    trigger, source and facts, a pair without a status.
    """

    states: Mapping[str, State]
    """Every state by its name, in the order of the pairs."""
    transitions: tuple[Transition, ...]
    """Every transition, by trigger in the order of the rows."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = table.name
        self.advance = table.advance
        self.states = {state: state for state in self._read_pairs()}
        try:
            self.notation = Notation(self.states, table.groups, table.facts)
            self.memory = Memory(table.facts, table.guards, self.notation)
        except InvalidInput as error:
            raise InvalidTable(f"facts: {error}") from error
        ways = read_rows(table, self.notation, self.memory)
        sources = (None, *self.states.values())
        self._by_source: dict[State | None, dict[str, tuple[Transition, ...]]] = {
            source: {
                row.name: tuple(ways[row.name, source])
                for row in table.rows
                if (row.name, source) in ways
            }
            for source in sources
        }
        self.transitions = tuple(
            transition
            for row in table.rows
            for source in sources
            for transition in self._by_source[source].get(row.name, ())
        )

    @cached_property
    def triggers(self) -> Mapping[str, Trigger]:
        """Operations and events of the system, by name."""
        own: dict[str, list[Transition]] = {row.name: [] for row in self.table.rows}
        for transition in self.transitions:
            own[transition.trigger].append(transition)
        return {
            row.name: Trigger(
                name=row.name,
                kind=row.kind,
                meaning=row.meaning,
                transitions=tuple(own[row.name]),
                steps=self._steps(own[row.name], unseen=row.unseen),
                unseen=row.unseen,
                given=row.given,
            )
            for row in self.table.rows
        }

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
        ((creation,),) = self._by_source[None].values()
        return creation

    def state(self, vm_state: str, task_state: str | None = None) -> State:
        """The state of a pair. Raises `InvalidInput` for an unknown word or a pair that is none."""
        vm = self.word("vm_state", vm_state)
        task = None if task_state is None else self.word("task_state", task_state)
        found = self.states.get(f"{vm}/{task or NO_TASK}")
        if found is None:
            under = (s for s in self.states.values() if s.vm_state == vm)
            there = ", ".join(s.task_state or NO_TASK for s in under)
            raise InvalidInput(f"{vm}/{task or NO_TASK} does not occur; tasks under {vm}: {there}")
        return found

    def state_named(self, text: str, within: str = "") -> State:
        """The state that `VM/TASK` names, `within` a longer text that an error quotes.

        Raises `InvalidInput` where it names none.
        """
        vm_state, slash, task_state = text.partition("/")
        if not slash:
            such = f", such as {vm_state}/{NO_TASK}" if vm_state else f", {NO_TASK} for no task"
            raise InvalidInput(f"{(within or text)!r} is no state: write VM/TASK{such}")
        return self.state(vm_state, None if task_state in NO_TASK_SPELLINGS else task_state)

    def word(self, kind: str, spelling: str) -> Word:
        """The `vm_state`, `task_state` or `status` of that spelling, or `InvalidInput`."""
        known = {
            "vm_state": self.table.vm_states,
            "task_state": self.table.task_states,
            "status": self.table.statuses,
        }[kind]
        try:
            return known(spelling)
        except ValueError:
            raise unknown(kind, spelling, known) from None

    def status(self, vm_state: str, task_state: str | None = None) -> tuple[str, bool]:
        """The status of a pair and whether the pair occurs.

        A table whose rule covers every pair answers for those that do not occur too; elsewhere they
        raise `InvalidInput`, as unknown words do.
        """
        if self.table.unknown_status and vm_state not in list(self.table.vm_states):
            return self.table.unknown_status, False
        task = None if task_state is None else self.word("task_state", task_state)
        found = self.states.get(f"{vm_state}/{task or NO_TASK}")
        if found is None and vm_state in self.table.default_status:
            return self.table.default_status[vm_state], False
        return self.state(vm_state, task_state).status.value, True

    def because(self, facts: Facts) -> str:
        """What facts decide, as the end of a sentence; what is usual goes without saying."""
        known = ((self.memory.fact(name), value) for name, value in facts)
        told = [fact.because.format(value=value) for fact, value in known if value != fact.default]
        return f" because {' and '.join(told)}" if told else ""

    @cached_property
    def _leaving(self) -> Mapping[State | None, tuple[Transition, ...]]:
        names = (*self.events, *self.operations)
        return {
            source: tuple(t for name in names for t in found.get(name, ()))
            for source, found in self._by_source.items()
        }

    def find(self, trigger: str, source: State | None) -> tuple[Transition, ...]:
        """The transitions of `trigger` in `source`, one for each combination of facts."""
        return self._by_source.get(source, {}).get(trigger, ())

    def leaving(self, source: State | None) -> tuple[Transition, ...]:
        """The transitions out of a state: those of the system first, then what a user may ask."""
        return self._leaving.get(source, ())

    def rests(self, state: State) -> bool:
        """Whether nothing goes on in `state`: it stays until somebody asks for something."""
        return not self.find(self.advance, state)

    def _steps(self, own: list[Transition], *, unseen: bool) -> tuple[State, ...]:
        """Where an operation with these transitions can be found while it runs."""
        if not own or own[0].kind not in (Kind.REQUEST, Kind.SYSTEM):
            return ()
        if unseen:
            return tuple(dict.fromkeys(t.source for t in own if t.source))
        steps: dict[State, None] = {}
        waiting = [t for t in reversed(own) if t.path]
        while waiting:
            at = waiting.pop().path[-1]
            if at not in steps and not self.rests(at):
                steps[at] = None
                waiting += reversed(self.find(self.advance, at))
        return tuple(steps)

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
