"""A table read into states and transitions, with the facts that decide between transitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from ecs_fsm.core.errors import Fault, InvalidInput, unknown
from ecs_fsm.core.facts import Memory
from ecs_fsm.core.model import (
    GONE,
    NO_TASK,
    NO_TASK_SPELLINGS,
    Fact,
    Facts,
    Kind,
    State,
    Table,
    Transition,
    Trigger,
)
from ecs_fsm.core.notation import Notation, words
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.row_reader import RowReader
from ecs_fsm.core.word import Word


class Rules:
    """A table that was read: its words, its states, every transition.

    What cannot be read is left out and stands in `faults`: a state outside the pairs, two
    transitions for one trigger, source and facts, a pair without a status.
    """

    states: Mapping[str, State]
    """Every state by name, in the order of the pairs."""
    transitions: tuple[Transition, ...]
    """Every transition, by trigger in the order of the rows."""
    endless: frozenset[State | None]
    """The states whose step never ends, if the facts are such."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = table.name
        self.advance = table.advance
        self.faults: list[Fault] = []
        self.states = {state: state for state in self._read_pairs()}
        self.notation = self._notation(table.facts)
        facts = [
            fact if self._readable(fact) else fact._replace(scope="", implied={})
            for fact in table.facts
        ]
        self.memory = Memory(table._replace(facts=facts), self.notation)
        try:
            self.notation.scope(table.unconditional)
        except InvalidInput as error:
            self.faults.append(Fault(str(error), "unconditional", ("unconditional",)))
        reader = RowReader(table, self.notation, self.memory, self.faults)
        found = reader.read()
        self.endless = frozenset(reader.endless)
        sources = (None, *self.states.values())
        by_trigger: dict[str, dict[State | None, tuple[Transition, ...]]] = {
            row.name: {} for row in table.rows
        }
        for (name, source), transitions in found.items():
            if name in by_trigger:  # the event of the arrows may have no row, which is a fault
                by_trigger[name][source] = tuple(transitions)
        self._by_source: dict[State | None, dict[str, tuple[Transition, ...]]] = {
            source: {} for source in sources
        }
        for name, known in by_trigger.items():
            for source, own in known.items():
                self._by_source[source][name] = own
        self.transitions = tuple(
            transition
            for known in by_trigger.values()
            for source in sources
            if source in known
            for transition in known[source]
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
                rare=row.rare,
                pauses=row.pauses,
            )
            for row in self.table.rows
        }

    @cached_property
    def sections(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the operations of each section, in the order of the table."""
        return {name: tuple(words(text)) for name, text in self.table.sections.items()}

    @cached_property
    def operations(self) -> Mapping[str, Trigger]:
        """What a user can request, by name."""
        return {n: t for n, t in self.triggers.items() if t.kind is Kind.REQUEST}

    @cached_property
    def events(self) -> Mapping[str, Trigger]:
        """What the system does, by name."""
        return {n: t for n, t in self.triggers.items() if t.kind is not Kind.REQUEST}

    @cached_property
    def creations(self) -> Mapping[str, tuple[Transition, ...]]:
        """The transitions of each trigger that makes a server, in the order of the table."""
        return self._by_source[None]

    @property
    def creation(self) -> Transition:
        """The first of the transitions that make a server."""
        return next(iter(self.creations.values()))[0]

    def state(self, vm_state: str, task_state: str | None = None) -> State:
        """Return the state. Raise `InvalidInput` for an unknown word or a pair that is not one."""
        vm = self.word("vm_state", vm_state)
        if self.table.one_word:
            if task_state is not None:
                raise InvalidInput(f"{vm} is a whole state: there is no {task_state!r} beside it")
            return self.states[vm]
        task = None if task_state is None else self.word("task_state", task_state)
        found = self.states.get(f"{vm}/{task or NO_TASK}")
        if found is None:
            under = (s for s in self.states.values() if s.vm_state == vm)
            there = ", ".join(s.task_state or NO_TASK for s in under)
            pair, tasks = f"{vm}/{task or NO_TASK}", f"{Phrases(self.table).task}s"
            raise InvalidInput(f"{pair} does not occur; {tasks} under {vm}: {there}")
        return found

    def state_named(self, text: str, within: str = "") -> State:
        """Return the state that `VM/TASK`, or its one word, names.

        Raise `InvalidInput` if it names none; `within` is a longer text that contains it.
        """
        if self.table.one_word or text == GONE:
            return self.state(text)
        vm_state, slash, task_state = text.partition("/")
        if not slash:
            phrases = Phrases(self.table)
            such = (
                f"such as {vm_state}/{NO_TASK}" if vm_state else f"{NO_TASK} for no {phrases.task}"
            )
            wrong = f"{(within or text)!r} is not a state: write {phrases.form}, {such}"
            raise InvalidInput(wrong)
        return self.state(vm_state, None if task_state in NO_TASK_SPELLINGS else task_state)

    def word(self, kind: str, spelling: str) -> Word:
        """Return the vm_state, task_state or status (`kind`) spelt so, or raise `InvalidInput`."""
        known = {
            "vm_state": self.table.vm_states,
            "task_state": self.table.task_states,
            "status": self.table.statuses,
        }[kind]
        try:
            return known(spelling)
        except ValueError:
            raise unknown(Phrases(self.table).kind(kind), spelling, known) from None

    def status(self, vm_state: str, task_state: str | None = None) -> tuple[str, bool]:
        """Return the status of a pair, and whether the pair occurs.

        Raise `InvalidInput` for an unknown word or a pair that does not occur, unless the table's
        status rule covers it: that of a known vm_state covers every task.
        """
        if self.table.unknown_status and vm_state not in list(self.table.vm_states):
            return self.table.unknown_status, False
        found = self.states.get(f"{vm_state}/{task_state or NO_TASK}")
        if found is None and vm_state in self.table.default_status:
            return self.table.default_status[vm_state], False
        return self.state(vm_state, task_state).status.value, True

    def because(self, facts: Facts) -> str:
        """Return the facts as the reason that ends a sentence; usual values are left out."""
        unusual = self.memory.unusual(facts).items()
        said = [self.memory.fact(name).because.format(value=value) for name, value in unusual]
        return f" because {' and '.join(said)}" if said else ""

    @cached_property
    def _leaving(self) -> Mapping[State | None, tuple[Transition, ...]]:
        names = (*self.events, *self.operations)
        return {
            source: tuple(t for name in names for t in found.get(name, ()))
            for source, found in self._by_source.items()
        }

    def find(self, trigger: str, source: State | None) -> tuple[Transition, ...]:
        """Return the transitions of `trigger` in `source`, one for each combination of facts."""
        return self._by_source.get(source, {}).get(trigger, ())

    def leaving(self, source: State | None) -> tuple[Transition, ...]:
        """Return the transitions out of a state: those of the system first, then operations."""
        return self._leaving.get(source, ())

    def rare(self, transition: Transition) -> tuple[str, ...]:
        """Return what makes a transition rare, in words; nothing for one that happens usually.

        That is a circumstance other than the usual one of its trigger, or a trigger that only some
        clouds have. The circumstances of a failure are not rarer than the failure.
        """
        return self._rare.get(id(transition), ())

    @cached_property
    def _rare(self) -> Mapping[int, tuple[str, ...]]:
        found = {}
        for transition in self.transitions:
            trigger = self.triggers[transition.trigger]
            words = [trigger.name] if trigger.rare else []
            words += [
                f"{name}={value}"
                for name, value in transition.when
                if self.memory.fact(name).circumstance
                and trigger.given.get(name) not in (None, value)
            ]
            if words and trigger.kind is not Kind.FAILURE:
                found[id(transition)] = tuple(words)
        return found

    @cached_property
    def late_writes(self) -> Mapping[State, tuple[tuple[State, ...], ...]]:
        """What a step can still write after another request has replaced its task.

        Every failure, and the normal end where the table says that it is written unconditionally.
        """
        kinds = {name: trigger.kind for name, trigger in self.triggers.items()}
        ends = self.notation.scope(self.table.unconditional)
        found: dict[State, dict[tuple[State, ...], None]] = {}
        for t in self.transitions if self.table.unconditional else ():
            ended = t.trigger == self.advance and t.source in ends
            written = ended or kinds[t.trigger] is Kind.FAILURE
            if t.source and t.path and written and not self.rests(t.source):
                found.setdefault(t.source, {})[t.path] = None
        return {source: tuple(paths) for source, paths in found.items()}

    def rests(self, state: State) -> bool:
        """Return whether `state` is at rest: nothing runs, it lasts until the next request."""
        return not self.find(self.advance, state)

    def _steps(self, own: list[Transition], *, unseen: bool) -> tuple[State, ...]:
        """Return the states in which an operation with these transitions can be while it runs."""
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

    def _notation(self, facts: Sequence[Fact]) -> Notation:
        return Notation(self.states, self.table.groups, facts, one_word=self.table.one_word)

    def _readable(self, fact: Fact) -> bool:
        """Return whether the scope and what is implied can be read; otherwise note the fault."""
        path = ("facts", fact.name)
        for key, text in (("scope", fact.scope), *(("implied", text) for text in fact.implied)):
            inner = () if key == "scope" else (text,)
            try:
                self.notation.scope(text)
                self.notation.known([(fact.name, fact.implied[text])] if inner else ())
            except InvalidInput as error:
                self.faults.append(Fault(str(error), "facts", (*path, key, *inner)))
                return False
        return True

    def _read_pairs(self) -> Iterator[State]:
        for row in self.table.pairs:
            if len(row) != len(("vm_state", "task_states", "status")):
                self.faults.append(
                    Fault("a row is vm_state, task_states, status", f"pairs {row}", ("pairs",))
                )
                continue
            vm_state, tasks, status = row
            try:
                vm = self.word("vm_state", vm_state)
                shown = self.word("status", status)
                for task in words(tasks):
                    known = None if task == NO_TASK else self.word("task_state", task)
                    yield State(vm, known, shown)
            except InvalidInput as error:
                path = ("pairs", f"{vm_state}/{tasks}")
                self.faults.append(Fault(str(error), f"pairs {row}", path))
