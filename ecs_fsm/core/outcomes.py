"""What each trigger of a checked table does at each node: the outcomes, or why there is none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from itertools import product
from threading import Lock
from typing import TYPE_CHECKING

from ecs_fsm.core.errors import InvalidInput, Refused, UnknownFact, unknown
from ecs_fsm.core.graph import Outcome, StateGraph
from ecs_fsm.core.machine_model import KnownEvents
from ecs_fsm.core.model import (
    AnyChange,
    Change,
    ChangeWithFacts,
    Facts,
    Kind,
    Node,
    State,
    Table,
    Transition,
)
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.rules import Rules
from ecs_fsm.core.validation import check

if TYPE_CHECKING:
    from ecs_fsm.core.machine import LifecycleMachine

NOTHING_GIVEN: Mapping[str, str] = {}


class Outcomes(Rules):
    """A checked table, and what each of its triggers does at each node of its state graph.

    Raise `InvalidTable` as `Lifecycle` does.
    """

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.known_events = KnownEvents()
        self._machine: LifecycleMachine | None = None
        self._building = Lock()
        self._nodes: dict[tuple[State, Facts], Node] = {}
        check(self)

    @property
    def machine(self) -> LifecycleMachine:
        """The `transitions` machine that every server of this lifecycle runs on.

        It is built on first use: before that it has no callbacks, and servers need the table only.
        """
        with self._building:
            if self._machine is None:
                from ecs_fsm.core.machine import LifecycleMachine

                self._machine = LifecycleMachine(self, self.known_events)
            return self._machine

    @property
    def built_machine(self) -> LifecycleMachine | None:
        """The machine if it has been built."""
        return self._machine

    def node(self, state: State, facts: Mapping[str, str] = NOTHING_GIVEN) -> Node:
        """Return the node for a state and those of the facts that are remembered there."""
        key = state, self.memory.kept(state, facts)
        node = self._nodes.get(key)
        if node is None:
            node = Node(state, self.memory.shared(key[1]))
            node = self._nodes.setdefault((state, node.facts), node)
        return node

    def place(self, state: State, remembers: Mapping[str, str] = NOTHING_GIVEN) -> Node:
        """Return the node. Raise `InvalidInput` for facts that do not fit the state."""
        self.memory.check_kept(state, self.notation.known(remembers.items()))
        return self.node(state, remembers)

    def found(self, state: State) -> Node:
        """Return the node of a server found in `state` of which nothing else is known.

        A fact that holds back requests only has its default value: what was seen was not held back.
        """
        return self.node(state, dict(self.memory.unsaid(state)))

    def stays(self, node: Node) -> bool:
        """Return whether nothing goes on by itself: at rest, or where by its facts no step ends."""
        if node.state in self.endless:
            return not self.possible(self.advance, node)
        return self.rests(node.state)

    def change(self, event: str | None, node: Node) -> AnyChange:
        """Return the change that `event` makes by entering `node`."""
        state = node.state
        bare = Change(event, state.vm_state, state.task_state, state.status)
        return ChangeWithFacts(*bare, node.facts) if self.table.facts else bare

    def possible(self, trigger: str, node: Node) -> tuple[Transition, ...]:
        """Return the transitions of `trigger` that are possible in `node`, as far as is known."""
        given = self.triggers[trigger].given
        known = {name: value for name, value in node.facts if name not in given}
        return tuple(
            t for t in self.find(trigger, node.state) if self._can_be(t.when, known, given)
        )

    def _can_be(self, when: Facts, known: Mapping[str, str], free: Collection[str] = ()) -> bool:
        """Return whether known facts contradict no condition, except on facts in `free`."""
        value = self.memory.value
        return all(name in free or value(name, known) in (needed, None) for name, needed in when)

    def outcome(
        self, trigger: str, node: Node | None, given: Mapping[str, str] = NOTHING_GIVEN
    ) -> Outcome:
        """Return what `trigger` does in `node` (None: no server yet) with the given facts.

        Raise `Refused` if it is not possible, `UnknownFact` if it depends on a fact that is not
        known, `InvalidInput` for a trigger or a fact that does not exist.
        """
        if trigger not in self.triggers:
            raise unknown("operation or event", trigger, self.triggers)
        source, known = (node.state, dict(node.facts)) if node else (None, {})
        usual = self.triggers[trigger].given
        for name in self.notation.known(given.items()):
            if not usual:
                raise InvalidInput(f"{trigger} takes no facts, {name} is not given with it")
            if name not in usual:
                raise unknown(f"fact of {trigger}", name, usual)
        known |= {name: value for name, value in usual.items() if value is not None} | dict(given)
        missing: list[str] = []
        for transition in self.find(trigger, source):
            if self._can_be(transition.when, known):
                open_here = [n for n, _ in transition.when if self.memory.value(n, known) is None]
                if not open_here:
                    return self._enter(transition, source, known, given)
                missing += open_here
        if source is None or not missing:
            raise self.refusal(trigger, node)
        raise UnknownFact(self.memory.fact(missing[0]), trigger, source)

    def _enter(
        self,
        transition: Transition,
        source: State | None,
        known: Mapping[str, str],
        given: Mapping[str, str],
    ) -> Outcome:
        learned = dict(transition.learns)
        nodes: list[Node] = []
        facts = {**known, **learned}
        for state in transition.path:
            if nodes:
                facts = {**dict(nodes[-1].facts), **learned}
            nodes.append(self.node(state, facts))
        end = nodes[-1] if nodes or source is None else self.node(source, facts)
        decided: Facts = ()
        if given or transition.when:
            decided = self.memory.ordered({**self.memory.unusual(transition.when), **given})
        return Outcome(transition, tuple(nodes), end, decided)

    def outcomes(self, node: Node | None, trigger: str | None = None) -> Iterator[Outcome]:
        """Return every outcome at a node, for every value of each fact that is open there.

        With a `trigger`, only its outcomes.
        """
        source, known = (node.state, dict(node.facts)) if node else (None, {})
        for t in self.leaving(source) if trigger is None else self.find(trigger, source):
            given = self.triggers[t.trigger].given
            if not self._can_be(t.when, known, given):
                continue
            when = dict(t.when)
            if not given:
                if node is not None and self._changes_nothing(t, known):
                    yield Outcome(t, (), node, tuple(self.memory.unusual(t.when).items()))
                else:
                    yield self._enter(t, source, {**known, **when}, NOTHING_GIVEN)
                continue
            for chosen in self._choices(given, when, known):
                yield self._enter(t, source, {**known, **when, **chosen}, chosen)

    def _changes_nothing(self, transition: Transition, known: Mapping[str, str]) -> bool:
        """Return whether a transition enters no state and its conditions are known already."""
        value = self.memory.value
        return not (transition.path or transition.learns) and all(
            value(name, known) == needed for name, needed in transition.when
        )

    def _choices(
        self,
        given: Mapping[str, str | None],
        when: Mapping[str, str],
        known: Mapping[str, str],
    ) -> Iterator[dict[str, str]]:
        """Return the facts that can be given with an event, beyond those of its conditions.

        A circumstance on which nothing depends is left out: it would change nothing.
        """
        free = [n for n in given if n not in when and not self.memory.fact(n).circumstance]
        kept = ((None,) if given[name] is None and name in known else () for name in free)
        values = ((*old, *self.memory.values(name)) for old, name in zip(kept, free, strict=True))
        for combination in product(*values):
            yield {n: v for n, v in zip(free, combination, strict=True) if v is not None}

    @cached_property
    def state_graph(self) -> StateGraph:
        """The state graph, kept from its first use on."""
        return StateGraph(self, self.outcomes)

    def graph(self) -> dict[Node, tuple[Outcome, ...]]:
        """Every node that a server can get to from its creation, with all that can happen there."""
        graph = self.state_graph
        return {node: graph.outcomes(node) for node in graph.nodes}

    def refusal(self, trigger: str, node: Node | None) -> Refused:
        """Return the error for a `trigger` that is not possible in `node`.

        Raise `InvalidInput` for an unknown trigger, or before the server exists.
        """
        if trigger not in self.triggers or node is None:
            raise unknown("operation or event", trigger, self.triggers)
        return Refused(trigger, node.state, self.reason(trigger, node), self.requests(node))

    def reason(self, trigger: str, node: Node) -> str:
        """Return why `trigger` is not possible in `node`, in one line, the nearest reason first."""
        sources = [t.source for t in self.triggers[trigger].transitions if t.source]
        if not sources:
            return f"the {self.table.thing} exists already"
        under = dict.fromkeys(source.vm_state for source in sources)
        if in_facts := self._reason_in_facts(trigger, node):
            return in_facts
        if trigger in self.operations:
            return self._reason_in_state(trigger, node.state, under)
        if self.events[trigger].kind is Kind.SYSTEM:
            return f"it happens under {', '.join(under)} only"
        if self.rests(node.state):
            return "no step is running that it could end"
        return f"{Phrases(self.table).task} {node.state.step} cannot end that way"

    def _reason_in_state(self, operation: str, state: State, under: Collection[str]) -> str:
        if first := self.table.undocumented.get((operation, state.vm_state)):
            kind = "state" if state.one_word else "pair"
            if state.vm_state not in under:
                return f"its first step would be {first}, a {kind} that is not documented"
        if state.one_word:
            return f"it is accepted at {' or '.join(under)}"
        phrases = Phrases(self.table)
        if state.vm_state in under:
            return f"{phrases.task} {state.step} is running"
        name = phrases.attributes.vm_state
        return f"{name} is {state.vm_state}, it is accepted under {' or '.join(under)}"

    def _reason_in_facts(self, trigger: str, node: Node) -> str | None:
        known = dict(node.facts)
        for guard in self.table.guards:
            held = self.memory.value(guard.fact, known) == guard.value
            if held and trigger in self.operations and trigger not in guard.allows:
                return guard.reason
        here = self.find(trigger, node.state)
        if not here:
            return None
        needed = dict.fromkeys(f"{name}={value}" for t in here for name, value in t.when)
        return f"here it is possible only with {' or '.join(needed)}"

    def requests(self, node: Node) -> tuple[str, ...]:
        """Return the operations that a user can request at a node, by name."""
        return tuple(name for name in self.operations if self.possible(name, node))

    def runs(self, node: Node | None, trigger: str) -> Iterator[tuple[Node, ...]]:
        """Return the nodes that each undisturbed way of an operation enters, from `node`."""
        for way in self.ways(node, trigger):
            yield tuple(entered for outcome in way for entered in outcome.nodes)

    def ways(self, node: Node | None, trigger: str) -> Iterator[tuple[Outcome, ...]]:
        """Return the outcomes of each way of an operation without failures, from `node` to rest."""
        for outcome in self.state_graph.of(trigger, node):
            yield from self._go_on((outcome,))

    def _go_on(self, way: tuple[Outcome, ...]) -> Iterator[tuple[Outcome, ...]]:
        if self.stays(way[-1].end):
            yield way
            return
        for outcome in self.state_graph.of(self.advance, way[-1].end):
            yield from self._go_on((*way, outcome))
