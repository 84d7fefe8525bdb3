"""Where an operation can start: every state that accepts it, with every fact that matters to it.

A start is a state that a server can reach, the facts that decide how the operation goes on, and the
outcome of the request. It is written `resized/-[was=…]`, or `(no server)`. A start under a rare
circumstance (`active/-[host=down]`) counts only where it is named or rare runs are wanted, and a
request that is repeated without effect while a task runs only where its state is named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.graph import Outcome, reachable
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Kind, Node, State, Transition, bracketed
from ecs_fsm.core.phrases import Phrases


class Start(NamedTuple):
    """One start of an operation: the node of the request and its outcome.

    `facts` are those that decide how the operation goes on, and a rare circumstance. Of those that
    differ between the starts in one state, `name` shows the unusual ones and `full_name` all.
    `circumstances` are the rare ones, `repeated` means that the request enters no state while
    a task runs, though it begins something elsewhere.
    """

    source: Node | None
    request: Outcome
    facts: Facts
    name: str
    full_name: str
    circumstances: Facts = ()
    repeated: bool = False

    @property
    def rare(self) -> bool:
        """Whether the request is made under a circumstance that is not the usual one."""
        return bool(self.circumstances)

    @property
    def state(self) -> State | None:
        """The state of the request, None without a server."""
        return self.source.state if self.source else None

    @property
    def first(self) -> Node:
        """The node of the server after the request is accepted."""
        return (self.request.nodes or (self.request.end,))[0]


@cache
def _requests(lifecycle: Lifecycle) -> Mapping[str, list[tuple[Node | None, Outcome]]]:
    """Return the outcomes of each trigger with their sources, also those between two writes."""
    graph = lifecycle.state_graph
    found: defaultdict[str, list[tuple[Node | None, Outcome]]] = defaultdict(list)
    for source in (None, *graph.entered):
        for outcome in graph.outcomes(source):
            found[outcome.transition.trigger].append((source, outcome))
    return found


@cache
def all_starts(lifecycle: Lifecycle, operation: str) -> tuple[Start, ...]:
    """Return every start of an operation in the order of the table, those during a task last."""
    deciding = _deciding(lifecycle, operation)
    found: dict[tuple[State | None, Facts], Start] = {}
    for source, outcome in _requests(lifecycle)[operation]:
        start = Start(source, outcome, (), "", "")
        facts, rare = _facts(lifecycle, start, deciding), _rare(lifecycle, start)
        facts = lifecycle.memory.ordered({**dict(facts), **rare})
        repeated = _repeated(lifecycle, start)
        found.setdefault(
            (start.state, facts),
            start._replace(facts=facts, circumstances=tuple(rare.items()), repeated=repeated),
        )
    order = {state: place for place, state in enumerate((None, *lifecycle.states.values()))}
    ordered = sorted(
        found.values(),
        key=lambda start: (
            start.state is not None and not lifecycle.rests(start.state),
            order[start.state],
            [_rank(lifecycle, fact) for fact in start.facts],
        ),
    )
    differing = _differing(ordered)
    return tuple(_named(lifecycle, start, differing[start.state]) for start in ordered)


@cache
def _by_state(lifecycle: Lifecycle, operation: str) -> Mapping[State | None, list[Start]]:
    found: dict[State | None, list[Start]] = {}
    for start in all_starts(lifecycle, operation):
        found.setdefault(start.state, []).append(start)
    return found


def select(
    lifecycle: Lifecycle,
    operation: str,
    places: Sequence[str],
    remember: Facts,
    *,
    rare: bool = False,
) -> tuple[Start, ...]:
    """Return the starts of an operation in the given states (default: all) with the given facts.

    With `rare` those under rare circumstances are among them. Raise `InvalidInput` for an unknown
    operation, state or fact, and if no start is left.
    """
    if operation not in lifecycle.operations:
        raise unknown("operation", operation, lifecycle.operations)
    every = [start for start in all_starts(lifecycle, operation) if rare or not start.rare]
    starts = [start for start in every if not start.repeated] or every
    chosen: dict[Start, None] = {}
    for place in places:
        state, facts = read_place(lifecycle, place)
        for name in facts:
            unknown_here = name not in lifecycle.operations[operation].given
            if unknown_here and lifecycle.memory.fact(name).circumstance:
                raise InvalidInput(f"{place}: {name} cannot be given with {operation}")
        here = _by_state(lifecycle, operation).get(state, [])
        fitting = [
            start
            for start in here
            if _agrees(lifecycle, start, facts)
            and (rare or not start.rare or not facts.items().isdisjoint(start.circumstances))
        ]
        if not fitting:
            raise InvalidInput(_not_accepted(lifecycle, operation, place, here))
        chosen |= dict.fromkeys(fitting)
    wanted = lifecycle.notation.known(remember)
    left = [start for start in chosen or starts if _agrees(lifecycle, start, wanted)]
    for name in wanted:
        if not any(_remembers(lifecycle, name, start) for start in chosen or starts):
            a_thing = Phrases(lifecycle.table).a_thing
            raise InvalidInput(f"{a_thing} has no fact {name} where {operation} starts")
    if not left:
        facts_given = ", ".join(f"{name}={value}" for name, value in wanted.items())
        raise InvalidInput(f"{operation} is not accepted with {facts_given}")
    return tuple(left)


def read_place(lifecycle: Lifecycle, text: str) -> tuple[State | None, dict[str, str]]:
    """Return the state (None for no server) and the facts of `VM/TASK[FACT=VALUE]`."""
    bare, bracket, inside = text.strip().partition("[")
    if bracket and not inside.endswith("]"):
        form = Phrases(lifecycle.table).form
        raise InvalidInput(
            f"invalid start {text!r}: expected a closing bracket, as in {form}[FACT=VALUE]"
        )
    facts = lifecycle.notation.facts(inside.removesuffix("]")) if bracket else {}
    if Phrases(lifecycle.table).means_nowhere(bare):
        return None, facts
    return lifecycle.state_named(bare, text), facts


def cover(lifecycle: Lifecycle, operation: str, starts: Iterable[Start]) -> list[str]:
    """Return the shortest list of names that `select` reads as exactly these starts."""
    own = dict.fromkeys(start.full_name for start in starts)
    chosen = [s for s in all_starts(lifecycle, operation) if s.full_name in own]
    places: dict[str, None] = {}
    for start in chosen:
        here = _by_state(lifecycle, operation)[start.state]
        whole = all(other.full_name in own for other in here if other.rare == start.rare)
        whole = whole and not start.rare
        place = Phrases(lifecycle.table).place(start.state)
        places[place if whole else start.full_name] = None
    return list(places)


def _deciding(lifecycle: Lifecycle, operation: str) -> frozenset[str]:
    """Return the facts that decide how an operation goes on.

    They are the conditions of all transitions that can follow until the server rests. Requests of
    other users are not part of a run, so their conditions do not count.
    """
    trigger = lifecycle.operations[operation]
    first = list(trigger.transitions)
    if trigger.unseen:
        first += _failures(lifecycle, trigger.steps)

    def onward(state: State) -> list[Transition]:
        here = () if lifecycle.rests(state) else lifecycle.leaving(state)
        return [t for t in here if t.kind is not Kind.REQUEST]

    def ends(transitions: Iterable[Transition]) -> list[State]:
        found = (t.path[-1] if t.path else t.source for t in transitions)
        return [state for state in found if state is not None]

    passed = reachable(ends(first), lambda state: ends(onward(state)))
    followed = [*first, *(t for state in passed for t in onward(state))]
    return frozenset(name for transition in followed for name, _ in transition.when)


def _failures(lifecycle: Lifecycle, states: Iterable[State]) -> list[Transition]:
    return [t for state in states for t in lifecycle.leaving(state) if t.kind is Kind.FAILURE]


def _facts(lifecycle: Lifecycle, start: Start, deciding: frozenset[str]) -> Facts:
    """Return the deciding facts that are known once the request is accepted, also usual ones."""
    memory, found = lifecycle.memory, {}
    source, operation = start.source, start.request.transition.trigger
    needed = _needed(lifecycle, operation, start.state, source.state if source else None)
    for name in deciding:
        value = None
        if memory.open(name, start.first.state):
            value = memory.value(name, dict(start.first.facts))
        elif source and name in needed and memory.open(name, source.state):
            value = memory.value(name, dict(source.facts))
        if value is not None:
            found[name] = value
    return memory.ordered(found)


@cache
def _needed(
    lifecycle: Lifecycle, operation: str, state: State | None, source: State | None
) -> frozenset[str]:
    """Return the facts on which it depends what a request does at once."""
    at_once = list(lifecycle.find(operation, state))
    if source and lifecycle.operations[operation].unseen:
        at_once += _failures(lifecycle, [source])
    return frozenset(name for t in at_once for name, _ in t.when)


def _rank(lifecycle: Lifecycle, fact: tuple[str, str]) -> tuple[bool, int]:
    name, value = fact
    known = lifecycle.memory.fact(name)
    return value != known.default, known.values.index(value)


def _differing(starts: Iterable[Start]) -> dict[State | None, frozenset[str]]:
    """Return, by state, the facts that differ between the starts there."""
    known: dict[State | None, list[Facts]] = {}
    for start in starts:
        known.setdefault(start.state, []).append(start.facts)
    return {
        state: frozenset(name for facts in here for name, _ in set(facts) ^ set(here[0]))
        for state, here in known.items()
    }


def _named(lifecycle: Lifecycle, start: Start, differing: frozenset[str]) -> Start:
    facts = tuple(fact for fact in start.facts if fact[0] in differing)
    unusual = lifecycle.memory.unusual(facts)
    place = Phrases(lifecycle.table).place(start.state)
    return start._replace(
        name=f"{place}{bracketed(tuple(unusual.items()))}",
        full_name=f"{place}{bracketed(facts)}",
    )


def _rare(lifecycle: Lifecycle, start: Start) -> dict[str, str]:
    """Return the rare circumstances under which the request was made."""
    transition = start.request.transition
    if lifecycle.operations[transition.trigger].unseen or not lifecycle.rare(transition):
        return {}
    return {n: v for n, v in transition.when if lifecycle.memory.fact(n).circumstance}


def _repeated(lifecycle: Lifecycle, start: Start) -> bool:
    """Return whether a task runs that the request leaves alone, though it has a task of its own."""
    if start.state is None or start.request.nodes or lifecycle.rests(start.state):
        return False
    return _has_steps(lifecycle, start.request.transition.trigger)


@cache
def _has_steps(lifecycle: Lifecycle, operation: str) -> bool:
    own = lifecycle.operations[operation].transitions
    return any(lifecycle.find(lifecycle.advance, step) for t in own for step in t.path)


def _agrees(lifecycle: Lifecycle, start: Start, wanted: Mapping[str, str]) -> bool:
    """Return whether the start has the facts; a circumstance that it has not is the usual one."""
    facts, own = dict(start.facts), lifecycle.operations[start.request.transition.trigger].given
    for name, value in wanted.items():
        usual = own.get(name) if lifecycle.memory.fact(name).circumstance else None
        if facts.get(name, usual or value) != value:
            return False
    return True


def _remembers(lifecycle: Lifecycle, name: str, start: Start) -> bool:
    states = [start.first.state, *([start.state] if start.state else [])]
    known = {*dict(start.first.facts), *dict(start.source.facts if start.source else ())}
    return name in known or any(lifecycle.memory.open(name, state) for state in states)


def _not_accepted(lifecycle: Lifecycle, operation: str, place: str, here: list[Start]) -> str:
    state, facts = read_place(lifecycle, place)
    if here:
        known = ", ".join(start.full_name for start in here)
        return f"{place} is not a start of {operation}; expected one of {known}"
    if state is None:
        phrases = Phrases(lifecycle.table)
        return f"{operation} needs {phrases.a_thing}: expected a state {phrases.form}"
    return str(lifecycle.refusal(operation, lifecycle.place(state, facts)))
