"""The shortest path from one state or status to another, or why there is none.

The path with the fewest events is found; among equals one without failures, then one with the
fewest requests. It ends in a node where the server can stay; only where no path does, the answer is
one whose last event passes through the goal in the middle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

from ecs_fsm.analysis.words import event_names
from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.graph import BY_PLAINNESS, Outcome, Run
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Kind, Node, State
from ecs_fsm.core.phrases import Phrases

MOST_ENTRIES = 6
"""Transitions into a goal to name one by one before they are counted."""


class Endpoints(NamedTuple):
    """The states in which a path can begin (None: no server yet) and end."""

    origin: tuple[State | None, ...]
    goal: tuple[State, ...]


class PathLimits(NamedTuple):
    """What a path must do without: states that it must not enter, events, all failures."""

    avoided: Collection[State] = ()
    events: Collection[str] = ()
    failures: bool = True

    def allow(self, outcome: Outcome) -> bool:
        """Return whether an outcome may be part of a path."""
        event = outcome.transition
        if event.trigger in self.events or (event.kind is Kind.FAILURE and not self.failures):
            return False
        return not any(node.state in self.avoided for node in outcome.nodes)


class ShortestPath(NamedTuple):
    """The shortest run to the goal, and the facts with which it is the shortest.

    `passes` is true where the last event enters the goal and leaves it again.
    """

    run: Run
    passes: bool
    facts: Facts = ()


def read_states(lifecycle: Lifecycle, text: str, *, events: bool = False) -> tuple[State, ...]:
    """Return the state of that name, or all states that show that status.

    Raise `InvalidInput` with the nearest word for anything else; with `events` the names of
    operations and events are among the words that it suggests.
    """
    states = tuple(s for s in lifecycle.states.values() if text in (s, s.status))
    if not states:
        vm_state, slash, task_state = text.partition("/")
        if slash and vm_state in list(lifecycle.table.vm_states):
            lifecycle.state(vm_state, task_state)  # raises with the tasks that exist there
        known = list(dict.fromkeys([*lifecycle.table.statuses, *lifecycle.states]))
        kinds = dict.fromkeys(("state", Phrases(lifecycle.table).kind("status")))
        if events:
            kind = f"{', '.join(kinds)} or event"
            raise unknown(kind, text, [*known, *lifecycle.triggers])
        raise unknown(" or ".join(kinds), text, known)
    return states


def read_limits(lifecycle: Lifecycle, avoid: Iterable[str], *, failures: bool) -> PathLimits:
    """Return the limits given by names of states, statuses, operations and events.

    Raise `InvalidInput` for an unknown name.
    """
    words = list(avoid)
    events = [word for word in words if word in lifecycle.triggers]
    states = [s for w in words if w not in events for s in read_states(lifecycle, w, events=True)]
    return PathLimits(frozenset(states), frozenset(events), failures)


def read_endpoints(lifecycle: Lifecycle, origin: str, goal: str) -> Endpoints:
    """Return both ends of a path, read as by `read_states`; the origin may be `(no server)`."""
    nowhere = Phrases(lifecycle.table).means_nowhere(origin)
    begun = (None,) if nowhere else read_states(lifecycle, origin)
    return Endpoints(begun, read_states(lifecycle, goal))


class PathFinder:
    """The paths within limits from one origin, for a server with the given facts."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        origin: Iterable[State | None],
        given: Mapping[str, str],
        limits: PathLimits,
    ) -> None:
        self.lifecycle = lifecycle
        self.limits = limits
        self._graph = lifecycle.state_graph
        self._costs = self._graph.costs(BY_PLAINNESS)
        self._starts = start_nodes(lifecycle, origin, given, limits.avoided)

    def to(self, goal: Collection[State]) -> tuple[list[ShortestPath], list[Facts]]:
        """Return the shortest path for each value of the unknown facts that it depends on.

        The best path comes first. Where a path begins in the middle of an operation, the shortest
        path of a server at rest follows it. The second list has the facts with which there is no
        path.
        """
        found: list[tuple[Facts, ShortestPath | None]] = []
        for facts, nodes in self._starts.items():
            path = self._shortest(nodes, goal)
            found.append((facts, path))
            if path and not self._rests(path.run.beginning):
                at_rest = self._shortest([node for node in nodes if self._rests(node)], goal)
                found += [(facts, at_rest)] if at_rest else []
        return _distinguish(found, list(self._starts))

    def reachable(self) -> list[State]:
        """Return every state that a path within the limits enters, in the order of the table."""
        graph, allow = self._graph, self.limits.allow
        entered: set[State] = set()

        def collect(outcome: Outcome) -> bool:
            entered.update(node.state for node in (*outcome.nodes, outcome.end))
            return False

        starts = dict.fromkeys(node for nodes in self._starts.values() for node in nodes)
        graph.shortest(starts, collect, allowed=allow)
        return [state for state in self.lifecycle.states.values() if state in entered]

    def _rests(self, node: Node | None) -> bool:
        return node is None or self.lifecycle.stays(node)

    def _shortest(
        self, starts: Sequence[Node | None], goal: Collection[State]
    ) -> ShortestPath | None:
        for node in starts:
            if node and node.state in goal:
                return ShortestPath(Run(node, ()), passes=False)
        for passes in (False, True):
            run = self._graph.shortest(
                starts,
                (lambda o: any(node.state in goal for node in o.nodes[:-1]))
                if passes
                else (lambda o: o.end.state in goal),
                self._costs,
                self.limits.allow,
            )
            if run:
                return ShortestPath(run, passes)
        return None


def why_not(
    lifecycle: Lifecycle, ends: Endpoints, given: Mapping[str, str], limits: PathLimits
) -> str:
    """Return one sentence that says why no path within the limits connects the ends."""
    place = Phrases(lifecycle.table).place
    for what, states in (("begin", ends.origin), ("arrive", ends.goal)):
        if all(state in limits.avoided for state in states):
            return f"every state to {what} in is to be avoided"
    starts = [n for ns in start_nodes(lifecycle, ends.origin, given, ()).values() for n in ns]
    if not any(lifecycle.state_graph.leaving(node) for node in starts):
        return f"no event leads on from {', '.join(map(place, ends.origin))}"
    paths, _ = PathFinder(lifecycle, ends.origin, given, PathLimits()).to(ends.goal)
    if paths:
        events = ", ".join(event_names(lifecycle, paths[0].run))
        return f"every path breaks a limit; without limits the shortest is {events}"
    entries = dict.fromkeys(
        f"{t.trigger} at {place(t.source)}"
        for t in lifecycle.transitions
        if t.source not in ends.goal and any(state in ends.goal for state in t.path)
    )
    if not entries:
        return f"nothing enters {', '.join(map(place, ends.goal))}"
    shown, more = list(entries)[:MOST_ENTRIES], len(entries) - MOST_ENTRIES
    counted = f" and {more} more" if more > 0 else ""
    return f"it is entered only by {', '.join(shown)}{counted}, and no path leads to any of these"


def start_nodes(
    lifecycle: Lifecycle,
    origin: Iterable[State | None],
    given: Mapping[str, str],
    avoided: Collection[State],
) -> dict[Facts, list[Node | None]]:
    """Return the nodes in which a path can begin, by the values of the facts not given.

    States at rest come first. Raise `InvalidInput` where the given facts fit no state.
    """
    memory = lifecycle.memory
    states = [state for state in origin if state not in avoided]
    states.sort(key=lambda state: state is not None and not lifecycle.rests(state))
    fitting = [state for state in states if state is None or _fits(lifecycle, state, given)]
    if states and states[0] and not fitting:
        lifecycle.place(states[0], given)  # raises with the fact that does not fit
    unknown_facts = [
        name
        for name in memory.names
        if name not in given and memory.fact(name).default is None
        if any(state and memory.open(name, state) for state in fitting)
    ]
    found: dict[Facts, list[Node | None]] = {}
    for values in product(*(memory.values(name) for name in unknown_facts)):
        facts = tuple(zip(unknown_facts, values, strict=True))
        known = {**given, **dict(facts)}
        found[facts] = [None if s is None else lifecycle.node(s, known) for s in fitting]
    return _existing(lifecycle, found) if unknown_facts else found


def _existing(
    lifecycle: Lifecycle, found: Mapping[Facts, list[Node | None]]
) -> dict[Facts, list[Node | None]]:
    """Leave out combinations of state and facts that no run leads to.

    A state without any such run (a server can be put there by hand) keeps all its combinations.
    """
    real = set(lifecycle.state_graph.nodes)
    states = {node.state for nodes in found.values() for node in nodes if node in real}
    left = {
        facts: [n for n in nodes if n is None or n in real or n.state not in states]
        for facts, nodes in found.items()
    }
    return {facts: nodes for facts, nodes in left.items() if nodes}


def _fits(lifecycle: Lifecycle, state: State, given: Mapping[str, str]) -> bool:
    try:
        lifecycle.place(state, given)
    except InvalidInput:
        return False
    return True


def _distinguish(
    found: list[tuple[Facts, ShortestPath | None]], every: list[Facts]
) -> tuple[list[ShortestPath], list[Facts]]:
    """Merge paths that look the same; name each by the facts that set it apart.

    A fact decides if two combinations that differ in it alone have different paths. Each path gets
    the deciding facts that all its combinations share. The second list does the same for the
    combinations without a path.
    """
    by_look: dict[object, list[Facts]] = {}
    looks: dict[Facts, list[object]] = {facts: [] for facts in every}
    paths: dict[object, ShortestPath] = {}
    for facts, path in found:
        look = path and _look(path.run)
        by_look.setdefault(look, []).append(facts)
        looks[facts].append(look)
        if path:
            paths.setdefault(look, path)
    deciding = {
        name
        for one, other in combinations(every, 2)
        for name in _only_difference(one, other)
        if looks[one] != looks[other]
    }
    named = [path._replace(facts=_common(by_look[look], deciding)) for look, path in paths.items()]
    named.sort(key=lambda path: (path.passes, len(path.run.outcomes)))
    lacking = by_look.get(None, [])
    if not lacking:
        return named, []
    common = _common(lacking, deciding)
    if [facts for facts in every if all(fact in facts for fact in common)] == lacking:
        return named, [common]
    return named, [tuple(f for f in facts if f[0] in deciding) for facts in lacking]


def _common(alike: list[Facts], deciding: Collection[str]) -> Facts:
    """Return the deciding facts that are the same in all."""
    first, *rest = alike
    return tuple(f for f in first if f[0] in deciding and all(f in facts for facts in rest))


def _look(run: Run) -> object:
    """Return what an observer can see of a run, whatever facts are remembered along it."""
    entered = tuple((o.transition.trigger, tuple(n.state for n in o.nodes)) for o in run.outcomes)
    return run.beginning and run.beginning.state, entered


def _only_difference(one: Facts, other: Facts) -> Iterator[str]:
    """Yield the fact that differs between two combinations, if it is a single one."""
    names = [n for (n, value), (_, another) in zip(one, other, strict=True) if value != another]
    yield from names if len(names) == 1 else ()
