"""A table read into states and transitions, with the facts that decide between transitions."""

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
    Rows,
    State,
    Table,
    Transition,
    Trigger,
    Word,
    bracketed,
)
from ecs_fsm.core.notation import Entry, Notation, Source, words

Conditioned = tuple[dict[str, str], Transition]
"""A transition and the facts under which it is taken."""


class Rules:
    """A table that was read: its words, its states, every transition.

    Raise `InvalidTable`, naming the row, for a state outside the pairs, two transitions for one
    trigger, source and facts, or a pair without a status.
    """

    states: Mapping[str, State]
    """Every state by name, in the order of the pairs."""
    transitions: tuple[Transition, ...]
    """Every transition, by trigger in the order of the rows."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = table.name
        self.advance = table.advance
        self.states = {state: state for state in self._read_pairs()}
        try:
            self.notation = Notation(self.states, table.groups, table.facts)
            self.memory = Memory(table, self.notation)
        except InvalidInput as error:
            raise InvalidTable(f"facts: {error}") from error
        found = _RowReader(table, self.notation, self.memory).read()
        sources = (None, *self.states.values())
        self._by_source: dict[State | None, dict[str, tuple[Transition, ...]]] = {
            source: {
                row.name: tuple(found[row.name, source])
                for row in table.rows
                if (row.name, source) in found
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
                rare=row.rare,
            )
            for row in self.table.rows
        }

    @cached_property
    def operations(self) -> Mapping[str, Trigger]:
        """What a user can request, by name."""
        return {n: t for n, t in self.triggers.items() if t.kind is Kind.REQUEST}

    @cached_property
    def events(self) -> Mapping[str, Trigger]:
        """What the system does, by name."""
        return {n: t for n, t in self.triggers.items() if t.kind is not Kind.REQUEST}

    @cached_property
    def creation(self) -> Transition:
        """The transition that makes a server."""
        ((creation,),) = self._by_source[None].values()
        return creation

    def state(self, vm_state: str, task_state: str | None = None) -> State:
        """Return the state. Raise `InvalidInput` for an unknown word or a pair that is not one."""
        vm = self.word("vm_state", vm_state)
        task = None if task_state is None else self.word("task_state", task_state)
        found = self.states.get(f"{vm}/{task or NO_TASK}")
        if found is None:
            under = (s for s in self.states.values() if s.vm_state == vm)
            there = ", ".join(s.task_state or NO_TASK for s in under)
            raise InvalidInput(f"{vm}/{task or NO_TASK} does not occur; tasks under {vm}: {there}")
        return found

    def state_named(self, text: str, within: str = "") -> State:
        """Return the state that `VM/TASK` names. Raise `InvalidInput` if it names none.

        `within` is a longer text that contains it, for the message.
        """
        vm_state, slash, task_state = text.partition("/")
        if not slash:
            such = f", such as {vm_state}/{NO_TASK}" if vm_state else f", {NO_TASK} for no task"
            raise InvalidInput(f"{(within or text)!r} is not a state: write VM/TASK{such}")
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
            raise unknown(kind, spelling, known) from None

    def status(self, vm_state: str, task_state: str | None = None) -> tuple[str, bool]:
        """Return the status of a pair, and whether the pair occurs.

        Raise `InvalidInput` for an unknown word, and for a pair that does not occur unless the
        table's status rule covers such pairs.
        """
        if self.table.unknown_status and vm_state not in list(self.table.vm_states):
            return self.table.unknown_status, False
        task = None if task_state is None else self.word("task_state", task_state)
        found = self.states.get(f"{vm_state}/{task or NO_TASK}")
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
        trigger = self.triggers[transition.trigger]
        if trigger.kind is Kind.FAILURE:
            return ()
        unusual = tuple(
            f"{name}={value}"
            for name, value in transition.when
            if self.memory.fact(name).circumstance and trigger.given[name] not in (None, value)
        )
        return (trigger.name, *unusual) if trigger.rare else unusual

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


class _RowReader:
    """Reads the rows of a table into transitions, and finds the facts that decide between them."""

    def __init__(self, table: Table, notation: Notation, memory: Memory) -> None:
        self._table = table
        self._notation = notation
        self._memory = memory
        self._kinds = {row.name: row.kind for row in table.rows}

    def read(self) -> dict[tuple[str, State | None], list[Transition]]:
        """Return the transitions by trigger and source, one for each combination of facts.

        Raise `InvalidTable` that names the row, or the source where two rows contradict each other.
        """
        rows, advance, kinds = self._table.rows, self._table.advance, dict(self._kinds)
        if len(kinds) < len(rows) or advance not in kinds:
            twice = [row.name for row in rows if kinds.pop(row.name, None) is None]
            raise InvalidTable(f"rows: written twice, or missing: {', '.join(twice) or advance}")
        found: dict[tuple[str, State | None], list[Conditioned]] = {}
        for row in rows:
            for sources, path in row.paths.items():
                try:
                    for when, transition in self._read_row(row, sources, path):
                        key = transition.trigger, transition.source
                        self._add(found.setdefault(key, []), when, transition)
                except InvalidInput as error:
                    raise InvalidTable(f"{row.name}, {sources!r}: {path!r}: {error}") from error
        return {key: self._decide(key[0], entries) for key, entries in found.items()}

    def _add(self, known: list[Conditioned], when: dict[str, str], new: Transition) -> None:
        # Paths of several operations may share a step and then say the same of its end. Any other
        # trigger is written once for each source and set of facts.
        for other_when, other in known:
            if other_when == when and (other != new or new.trigger != self._table.advance):
                ends = " and to ".join(" + ".join(t.path) for t in (other, new))
                where = f"{new.trigger} at {new.source}"
                raise InvalidInput(f"two transitions for {where}: to {ends}")
        known.append((when, new))

    def _read_row(self, row: Rows, sources: str, path: str) -> Iterator[Conditioned]:
        starts = self._notation.sources(sources)
        for text, named in self._notation.variants(path):
            followed: object = None
            for state, when in starts:
                if all(when.get(name, value) == value for name, value in named):
                    entries = self._notation.path(text, state)
                    rest = entries[0].states[-1:], when, entries[1:]
                    if rest == followed:
                        entries = entries[:1]  # the previous source has the same rest
                    followed = rest
                    yield from self._follow(row, Source(state, {**when, **dict(named)}), entries)

    def _follow(self, row: Rows, source: Source, entries: list[Entry]) -> Iterator[Conditioned]:
        trigger, kind, at = row.name, row.kind, source.state
        known, given = source.when, row.given
        for states, learned in entries:
            learns = self._memory.ordered(learned) if learned else ()
            transition = Transition(trigger, at, states, kind, (), learns)
            allowed = self._memory.possible(at, known, given) if known else {}
            when = None if allowed is None else self._guarded(trigger, kind, at, allowed)
            if when is not None:
                yield when, transition
            if states:
                known = {**known, **learned}
                trigger, at, given = self._table.advance, states[-1], {}
                kind = self._kinds[trigger]

    def _guarded(
        self, trigger: str, kind: Kind, at: State | None, when: dict[str, str]
    ) -> dict[str, str] | None:
        """Return the conditions with those of the guards; None where a guard always refuses."""
        if kind is not Kind.REQUEST or at is None:
            return when
        guards = {}
        for guard in self._table.guards:
            if trigger in guard.allows:
                continue
            if self._memory.implied(at).get(guard.fact) == guard.value:
                return None
            if self._memory.open(guard.fact, at):
                (guards[guard.fact],) = self._memory.others(guard.fact, guard.value)
        return when | guards

    def _decide(self, trigger: str, found: list[Conditioned]) -> list[Transition]:
        """Return one transition for each way, with the conditions that keep the ways apart.

        A row states all conditions of its whole path; most of them decide nothing at one of its
        steps. So each fact is left out in turn, and stays out if no two transitions that could then
        be taken at once lead to different ends. An event that is not `advance` may need a fact to
        happen at all: there it stays out only if the rows cover each of its values.
        """
        advances = trigger == self._table.advance
        if len(found) == 1:
            when, only = found[0]
            return [only if advances or not when else self._conditioned(when, only)]
        rows = found
        for fact in {name: None for when, _ in rows for name in when}:
            shorter = [({k: v for k, v in w.items() if k != fact}, t) for w, t in rows]
            if _agree(shorter) and (advances or self._covered(fact, rows, shorter)):
                rows = shorter
        decided = list(dict.fromkeys(self._conditioned(when, t) for when, t in rows))
        for n, one in enumerate(decided):
            for other in decided[:n]:
                if _overlap(one.when, other.when):
                    whens = " and ".join(bracketed(t.when) or "always" for t in (other, one))
                    raise InvalidTable(f"two transitions for {trigger} at {one.source}: {whens}")
        return decided

    def _conditioned(self, when: Mapping[str, str], transition: Transition) -> Transition:
        return transition._replace(when=self._memory.ordered(when))

    def _covered(self, fact: str, rows: list[Conditioned], shorter: list[Conditioned]) -> bool:
        """Return whether each set of conditions without the fact has rows for all its values."""
        values: dict[Facts, set[str | None]] = {}
        for (when, _), (rest, _) in zip(rows, shorter, strict=True):
            values.setdefault(tuple(sorted(rest.items())), set()).add(when.get(fact))
        every = {*self._memory.values(fact)}
        return all(None in seen or seen == every for seen in values.values())


def _agree(seen: list[Conditioned]) -> bool:
    """Return whether no two transitions that can be taken at once lead to different ends."""
    return not any(
        one != other and _overlap(tuple(when.items()), tuple(elsewhen.items()))
        for n, (when, one) in enumerate(seen)
        for elsewhen, other in seen[:n]
    )


def _overlap(one: Facts, other: Facts) -> bool:
    elsewhere = dict(other)
    return all(elsewhere.get(name, value) == value for name, value in one)
