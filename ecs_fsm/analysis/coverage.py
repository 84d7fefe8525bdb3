"""What a set of scenarios covers, as a graph, and how few scenarios can cover everything.

`CoverageGraph` holds every scenario. Scenarios begin with the creation of a server. A state that a
server only passes through, in the middle of an event, is left by nothing in the life of any server;
the transitions that the table has there are covered by scenarios that begin in it, and are left out
of the pairs.

`fewest_scenarios` is the lower bound. What a scenario covers, one item after the other, is a walk
through the graph of the items that can follow each other. Facts are left out of this graph, so it
has a walk for every scenario, and more. No walk comes back to a strongly connected component that
it left. So the fewest walks that together enter every component and take every edge between
components that must be covered are a minimum flow with lower bounds through the condensation, and
no set of scenarios is smaller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain, pairwise, product
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node, State, Transition

if TYPE_CHECKING:
    import networkx as nx

Item = State | Transition | tuple[Transition, Transition]
"""What can be covered: a state, a transition, or two that follow each other."""

CRITERIA = ("states", "transitions", "pairs-of-transitions")
STATES, TRANSITIONS, PAIRS = CRITERIA

Gate = tuple[int, bool]
"""A component of the items: where walks come in (False), and where they leave (True)."""
SINK: Gate = (-1, True)
BEGINNING = -1


class CoverageVertex(NamedTuple):
    """The node that a scenario is in, for pairs also the number of the transition before it."""

    node: Node | None
    last: int | None = None


class CoverageEdge(NamedTuple):
    """One event of a scenario, from the vertex that lists it to the vertex `target`.

    `marks` are the states that it enters, or its transition; `items` are what it covers.
    """

    target: int
    marks: tuple[int, ...]
    items: tuple[int, ...]
    outcome: Outcome


class CoverageGraph:
    """The vertices of all scenarios, and the edges that leave each; everything by its number.

    States that the table lists as unreached are not among those to be covered.
    """

    def __init__(self, lifecycle: Lifecycle, criterion: str) -> None:
        self.lifecycle = lifecycle
        self.in_pairs = criterion == PAIRS
        self._by_state = criterion == STATES
        self._graph = lifecycle.state_graph
        marked: Iterable[State | Transition] = lifecycle.transitions
        if self._by_state:
            unreached = {*lifecycle.table.unreached}
            marked = (s for s in lifecycle.states.values() if s not in unreached)
        self._marks = {mark: n for n, mark in enumerate(marked)}
        self._number = {id(t): n for n, t in enumerate(lifecycle.transitions)}
        self._pairs: dict[tuple[int, int], int] = {}
        self.vertices: list[CoverageVertex] = []
        self.edges: list[list[CoverageEdge]] = []
        self._numbers: dict[CoverageVertex, int] = {}
        self.beginnings = [self._add(CoverageVertex(None))]
        self._explore()
        self.from_creation = len(self.vertices)
        """The vertices with a lower number are those that a created server comes to."""
        nodes = (None, *self._graph.nodes)
        taken = {id(o.transition) for node in nodes for o in self._graph.leaving(node)}
        self.elsewhere = [t for t in lifecycle.transitions if id(t) not in taken]
        """The transitions that are possible only where no server stays."""
        if criterion == TRANSITIONS:
            for node in dict.fromkeys(n for t in self.elsewhere for n in _nodes(lifecycle, t)):
                self.beginnings.append(self._add(CoverageVertex(node)))
            self._explore()

    @cached_property
    def items(self) -> list[Item]:
        """Everything that is to be covered."""
        if not self.in_pairs:
            return list(self._marks)
        transitions = self.lifecycle.transitions
        return [(transitions[one], transitions[other]) for one, other in self._pairs]

    def _add(self, vertex: CoverageVertex) -> int:
        number = self._numbers.setdefault(vertex, len(self.vertices))
        if number == len(self.vertices):
            self.vertices.append(vertex)
        return number

    def _explore(self) -> None:
        while len(self.edges) < len(self.vertices):
            self.edges.append(list(self._leaving(self.vertices[len(self.edges)])))

    def _leaving(self, vertex: CoverageVertex) -> Iterator[CoverageEdge]:
        for outcome in self._graph.leaving(vertex.node):
            marks = self._left_by(outcome)
            items = self._covered(vertex.last, marks) if self.in_pairs else marks
            last = marks[0] if self.in_pairs else None
            target = self._add(CoverageVertex(outcome.end, last))
            yield CoverageEdge(target, marks, items, outcome)

    def _left_by(self, outcome: Outcome) -> tuple[int, ...]:
        if self._by_state:
            return tuple(self._marks[node.state] for node in outcome.nodes)
        return (self._number[id(outcome.transition)],)

    def _covered(self, last: int | None, marks: tuple[int, ...]) -> tuple[int, ...]:
        if last is None:
            return ()
        return (self._pairs.setdefault((last, marks[0]), len(self._pairs)),)


def _nodes(lifecycle: Lifecycle, transition: Transition) -> Iterator[Node]:
    """Yield the nodes where a transition is possible, for each value of facts without a default."""
    memory, state = lifecycle.memory, transition.source
    if state is None:
        return
    when = dict(transition.when)
    names = [
        name
        for name in memory.names
        if name not in when and memory.fact(name).default is None and memory.open(name, state)
    ]
    for values in product(*(memory.values(name) for name in names)):
        yield lifecycle.node(state, when | dict(zip(names, values, strict=True)))


def fewest_scenarios(graph: CoverageGraph) -> int:
    """Return a number of scenarios so small that no fewer can cover everything."""
    import networkx as nx

    marks = _marks_in_order(graph)
    condensed = nx.condensation(marks)
    component: dict[int, int] = condensed.graph["mapping"]
    needed: dict[tuple[Gate, Gate], int] = {}
    for c in condensed:
        inside = marks.subgraph(condensed.nodes[c]["members"])
        must = any(inside.nodes[n]["needed"] for n in inside)
        must |= any(inside.edges[link]["needed"] for link in inside.edges)
        needed[(c, False), (c, True)] = int(must)
        needed[(c, True), SINK] = 0
    for one, other in marks.edges:
        if component[one] != component[other]:
            link = ((component[one], True), (component[other], False))
            needed[link] = needed.get(link, 0) + int(marks.edges[one, other]["needed"])
    return _least_flow((component[BEGINNING], False), needed)


def _marks_in_order(graph: CoverageGraph) -> nx.DiGraph[int]:
    """Return the graph of the marks that scenarios can leave one after the other."""
    import networkx as nx

    marks: nx.DiGraph[int] = nx.DiGraph()
    marks.add_node(BEGINNING, needed=False)
    arrived: list[dict[int, None]] = [{} for _ in graph.vertices]
    for number in graph.beginnings:
        arrived[number][BEGINNING] = None
    for edge in chain(*graph.edges):
        if edge.marks:
            marks.add_nodes_from(edge.marks, needed=not graph.in_pairs)
            marks.add_edges_from(pairwise(edge.marks), needed=False)
            arrived[edge.target][edge.marks[-1]] = None
    for number, edges in enumerate(graph.edges):
        firsts = dict.fromkeys(edge.marks[0] for edge in edges if edge.marks)
        follow = product(arrived[number], firsts)
        needed = graph.in_pairs and graph.vertices[number].last is not None
        marks.add_edges_from(follow, needed=needed)
    return marks


def _least_flow(source: Gate, needed: dict[tuple[Gate, Gate], int]) -> int:
    """Return the least flow from the source to the sink with at least the need of each link.

    A feasible flow comes first: each need is sent on its own along a shortest path. What can be
    saved of it is a maximum flow through what may be undone: each link may give back what it has
    beyond its need, or take more.
    """
    import networkx as nx

    paths = nx.single_source_shortest_path(nx.DiGraph(needed.keys()), source)
    flow = dict.fromkeys(needed, 0)
    for (one, other), need in needed.items():
        onward = [other, SINK] if other[1] else [other, (other[0], True), SINK]
        for link in pairwise([*paths[one], *(onward if other != SINK else [SINK])]):
            flow[link] += need
    total = sum(needed.values())
    undoing: nx.DiGraph[Gate] = nx.DiGraph()
    for (one, other), amount in flow.items():
        undoing.add_edge(one, other, capacity=amount - needed[one, other])
        undoing.add_edge(other, one, capacity=total)
    return total - int(nx.maximum_flow_value(undoing, source, SINK))
