"""A lifecycle: a table that was read and checked, and what can be asked of it.

A `Lifecycle` is a value. Everything else in the package (the machine, servers, the command line,
whatever draws or checks) learns from it which states, operations and steps there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import product
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.checks import check
from ecs_fsm.errors import InvalidInput, InvalidTable, Refused, UnknownFact, unknown
from ecs_fsm.memory import Memory
from ecs_fsm.model import (
    NO_TASK,
    AnyChange,
    Change,
    ChangeWithFacts,
    Facts,
    Kind,
    Node,
    State,
    Steps,
    Table,
    Transition,
    Trigger,
    Word,
)
from ecs_fsm.notation import Notation, words
from ecs_fsm.reading import read_rows
from ecs_fsm.refusal import reason

if TYPE_CHECKING:
    from ecs_fsm.machine import LifecycleMachine

NOTHING_GIVEN: Mapping[str, str] = {}


class Outcome(NamedTuple):
    """What an event comes to: its transition, the nodes that it enters, the node at its end.

    The end is a node of its own where the event changes only what is remembered. `facts` are those
    that the event was given or that decided it.
    """

    transition: Transition
    nodes: tuple[Node, ...]
    end: Node
    facts: Facts


class Lifecycle:
    """A checked table: the words, the pairs with their status, every transition.

    Raises `InvalidTable`, naming the row, for a state outside the pairs, two transitions for one
    trigger, source and facts, a state that nothing reaches, a task with no way out, a pair without
    a status.
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
            self.memory = Memory(table.facts, self.notation)
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
        self.steps = Steps()
        self._machine: LifecycleMachine | None = None
        self._making = Lock()
        self._nodes: dict[tuple[State, Facts], Node] = {}
        check(self)

    def __repr__(self) -> str:
        return f"<Lifecycle {self.name}>"

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

    @property
    def machine(self) -> LifecycleMachine:
        """The `transitions` machine that every server of this lifecycle runs on."""
        with self._making:
            if self._machine is None:
                from ecs_fsm.machine import LifecycleMachine

                self._machine = LifecycleMachine(self)
            return self._machine

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

    def find(self, trigger: str, source: State | None) -> tuple[Transition, ...]:
        """The transitions of `trigger` in `source`, one for each combination of facts."""
        return self._by_source.get(source, {}).get(trigger, ())

    def leaving(self, source: State | None) -> tuple[Transition, ...]:
        """The transitions out of a state: those of the system first, then what a user may ask."""
        found = self._by_source.get(source, {})
        names = (*self.events, *self.operations)
        return tuple(t for name in names if name in found for t in found[name])

    def rests(self, state: State) -> bool:
        """Whether nothing goes on in `state`: it stays until somebody asks for something."""
        return not self.find(self.advance, state)

    def node(self, state: State, facts: Mapping[str, str] = NOTHING_GIVEN) -> Node:
        """The one object for a state with what is remembered there of the facts."""
        key = state, self.memory.kept(state, facts)
        return self._nodes.get(key) or self._nodes.setdefault(key, Node(*key))

    def place(self, state: State, remembers: Mapping[str, str] = NOTHING_GIVEN) -> Node:
        """The node of a server found in `state`. Raises `InvalidInput` for facts that cannot be."""
        self.memory.check_kept(state, self.notation.known(remembers.items()))
        return self.node(state, remembers)

    def change(self, event: str | None, node: Node) -> AnyChange:
        """The change that `event` makes by entering `node`."""
        state = node.state
        bare = Change(event, state.vm_state, state.task_state, state.status)
        return ChangeWithFacts(*bare, node.facts) if self.table.facts else bare

    def possible(self, trigger: str, node: Node) -> tuple[Transition, ...]:
        """The transitions that `trigger` can take in `node`, whatever is not known of the facts."""
        given = self.triggers[trigger].given
        facts = {name: value for name, value in node.facts if name not in given}
        return tuple(
            t
            for t in self.find(trigger, node.state)
            if all(
                name in given or self.memory.value(name, facts) in (v, None) for name, v in t.when
            )
        )

    def outcome(
        self, trigger: str, node: Node | None, given: Mapping[str, str] = NOTHING_GIVEN
    ) -> Outcome:
        """What `trigger` comes to in `node` (None: no server yet) with the facts that are given.

        Raises `Refused` where it is not possible, `UnknownFact` where it depends on something that
        nobody said, `InvalidInput` for a trigger or a fact that does not exist.
        """
        if trigger not in self.triggers:
            raise unknown("operation or event", trigger, self.triggers)
        source, known = (node.state, dict(node.facts)) if node else (None, {})
        usual = self.triggers[trigger].given
        for name in self.notation.known(given.items()):
            if name not in usual:
                raise unknown(f"fact of {trigger}", name, usual)
        known |= {name: value for name, value in usual.items() if value is not None} | dict(given)
        held = [(t, {n for n, _ in t.when if self.memory.value(n, known) is None})
                for t in self.find(trigger, source)
                if all(self.memory.value(n, known) in (v, None) for n, v in t.when)]  # fmt: skip
        for transition, unsaid in held:
            if not unsaid:
                return self._enter(transition, source, known, given)
        if source is None or not held:
            raise self.refusal(trigger, node)
        fact = next(name for name in self.memory.names if name in held[0][1])
        raise UnknownFact(self.memory.fact(fact), trigger, source)

    def _enter(
        self,
        transition: Transition,
        source: State | None,
        known: Mapping[str, str],
        given: Mapping[str, str],
    ) -> Outcome:
        told = dict(transition.learns)
        nodes: list[Node] = []
        facts = {**known, **told}
        for state in transition.path:
            nodes.append(self.node(state, facts))
            facts = {**dict(nodes[-1].facts), **told}
        end = nodes[-1] if nodes or source is None else self.node(source, facts)
        decided = self.memory.ordered({**dict(transition.when), **given})
        return Outcome(transition, tuple(nodes), end, decided)

    def outcomes(self, node: Node | None) -> Iterator[Outcome]:
        """Everything that can happen in a node, for every value of each fact left open there."""
        source, known = (node.state, dict(node.facts)) if node else (None, {})
        for t in self.leaving(source):
            given = self.triggers[t.trigger].given
            if all(n in given or self.memory.value(n, known) in (v, None) for n, v in t.when):
                when = dict(t.when)
                free = [name for name in given if name not in when]
                choices = ([None, *self.memory.values(n)] if given[n] is None and n in known
                           else self.memory.values(n) for n in free)  # fmt: skip
                for values in product(*choices):
                    chosen = {n: v for n, v in zip(free, values, strict=True) if v is not None}
                    yield self._enter(t, source, {**known, **when, **chosen}, chosen)

    def graph(self) -> dict[Node, tuple[Outcome, ...]]:
        """Every node that a server can get to from its creation, with all that can happen there."""
        found: dict[Node, tuple[Outcome, ...]] = {}
        waiting = [outcome.end for outcome in self.outcomes(None)]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found[node] = tuple(self.outcomes(node))
                waiting += [outcome.end for outcome in found[node]]
        return found

    def refusal(self, trigger: str, node: Node | None) -> Refused:
        """Why `trigger` is not possible in `node`; `InvalidInput` for no trigger at all."""
        if trigger not in self.triggers or node is None:
            raise unknown("operation or event", trigger, self.triggers)
        why = reason(self, self.triggers[trigger], node)
        return Refused(trigger, node.state, why, self.requests(node))

    def requests(self, node: Node) -> tuple[str, ...]:
        """What a user may ask in a node, by name."""
        return tuple(name for name in self.operations if self.possible(name, node))

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

    def runs(self, node: Node | None, trigger: str) -> Iterator[tuple[Node, ...]]:
        """Everything that is seen of an operation when nothing goes wrong, from `node`."""
        for outcome in self.outcomes(node):
            if outcome.transition.trigger == trigger:
                yield from self._go_on(outcome.nodes, outcome.end)

    def _go_on(self, seen: tuple[Node, ...], at: Node) -> Iterator[tuple[Node, ...]]:
        if self.rests(at.state):
            yield seen
            return
        for outcome in self.outcomes(at):
            if outcome.transition.trigger == self.advance:
                yield from self._go_on((*seen, *outcome.nodes), outcome.end)

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
