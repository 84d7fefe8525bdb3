"""The state graph, held against a walk of its own through the rows of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise, permutations, product
from typing import NamedTuple

import networkx as nx
import pytest

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.core.graph import BY_PLAINNESS, Outcome, Position, StateGraph, after
from ecs_fsm.core.model import Facts, Node, State, Transition
from ecs_fsm.lifecycles.nova import NOVA

Plain = tuple[State, Facts]
"""A node without the package's class: the state, and its facts in order."""


class Edge(NamedTuple):
    source: Plain | None
    transition: Transition
    entered: tuple[Plain, ...]
    end: Plain


class Scoped(NamedTuple):
    """A fact where a state remembers it: its name, the value that the state implies, the default."""

    name: str
    implied: str | None
    default: str | None


@cache
def scoped(lifecycle: Lifecycle, state: State) -> list[Scoped]:
    """The facts that a state remembers, by the columns of the facts in the table."""
    scope = lifecycle.notation.scope
    found = []
    for fact in lifecycle.table.facts:
        if state in scope(fact.scope):
            implied = [value for states, value in fact.implied.items() if state in scope(states)]
            found.append(Scoped(fact.name, implied[-1] if implied else None, fact.default))
    return found


def remembered(lifecycle: Lifecycle, state: State, known: dict[str, str]) -> Plain:
    """What is left of the known facts in a state."""
    kept = []
    for fact in scoped(lifecycle, state):
        value = fact.implied or known.get(fact.name)
        if value not in (None, fact.default):
            kept.append((fact.name, str(value)))
    return state, tuple(kept)


@cache
def from_state(lifecycle: Lifecycle) -> dict[State | None, list[Transition]]:
    found: dict[State | None, list[Transition]] = {}
    for transition in lifecycle.transitions:
        found.setdefault(transition.source, []).append(transition)
    return found


def edges_from(lifecycle: Lifecycle, source: Plain | None) -> Iterator[Edge]:
    rows = {row.name: row for row in lifecycle.table.rows}
    values = {fact.name: fact.values for fact in lifecycle.table.facts}
    usual = {fact.name: fact.default for fact in lifecycle.table.facts}
    state, known = (source[0], dict(source[1])) if source else (None, {})
    for transition in from_state(lifecycle).get(state, []):
        given = rows[transition.trigger].given
        needed = dict(transition.when)
        if not all(n in given or known.get(n, usual[n]) in (v, None) for n, v in needed.items()):
            continue
        free = [name for name in given if name not in needed]
        as_is = [(None,) if given[n] is None and n in known else () for n in free]
        choices = [(*old, *values[n]) for old, n in zip(as_is, free, strict=True)]
        for chosen in product(*choices):
            said = {n: v for n, v in zip(free, chosen, strict=True) if v is not None}
            facts, entered = {**known, **needed, **said, **dict(transition.learns)}, []
            for target in transition.path:
                entered.append(remembered(lifecycle, target, facts))
                facts = {**dict(entered[-1][1]), **dict(transition.learns)}
            end = entered[-1] if entered or state is None else remembered(lifecycle, state, facts)
            yield Edge(source, transition, tuple(entered), end)


@cache
def walked(lifecycle: Lifecycle) -> dict[Plain | None, set[Edge]]:
    """Every node that a server can stay in, by its edges; None is the server's creation."""
    found: dict[Plain | None, set[Edge]] = {}
    waiting: list[Plain | None] = [None]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found[node] = set(edges_from(lifecycle, node))
            waiting += [edge.end for edge in found[node]]
    return found


def plain(node: Node | None) -> Plain | None:
    return None if node is None else (node.state, node.facts)


@pytest.mark.parametrize(
    ("lifecycle", "nodes", "edges"), [(ECS, 36, 111), (NOVA, 2369, 30992)], ids=str
)
def test_the_graph_has_every_node_and_every_edge(
    lifecycle: Lifecycle, nodes: int, edges: int
) -> None:
    graph, expected = lifecycle.state_graph, walked(lifecycle)
    assert (len(expected) - 1, sum(map(len, expected.values()))) == (nodes, edges)
    assert [plain(node) for node in graph.nodes if plain(node) not in expected] == []
    assert len(graph.nodes) == len({*graph.nodes}) == nodes
    for node in (None, *graph.nodes):
        found = [
            Edge(plain(node), o.transition, tuple(map(_known, o.nodes)), _known(o.end))
            for o in graph.leaving(node)
        ]
        assert len(found) == len({*found})
        assert {*found} == expected[plain(node)]


def _known(node: Node) -> Plain:
    return node.state, node.facts


@pytest.mark.parametrize(
    ("lifecycle", "positions", "writes"), [(ECS, 42, 116), (NOVA, 2989, 31604)], ids=str
)
def test_the_positions_are_the_nodes_and_the_points_between_two_writes(
    lifecycle: Lifecycle, positions: int, writes: int
) -> None:
    graph = lifecycle.state_graph
    found = graph.positions(after(outcome) for outcome in graph.leaving(None))
    expected: dict[tuple[Plain, tuple[Plain, ...]], int] = {}
    for node, edges in walked(lifecycle).items():
        if node:
            expected[node, ()] = len(edges)
        for edge in edges:
            for count in range(1, len(edge.entered)):
                expected[edge.entered[count - 1], edge.entered[count:]] = 1
    shown = {(_known(p.node), tuple(map(_known, p.ahead))): p for p in found}
    assert (len(found), {*shown}) == (positions, {*expected})
    written = {place: len([*graph.writes(p)]) for place, p in shown.items()}
    assert (written, sum(written.values())) == (expected, writes)


def test_a_lifecycle_has_one_graph_and_expands_a_node_once() -> None:
    expanded: list[Node | None] = []

    def expand(node: Node | None) -> Iterator[Outcome]:
        expanded.append(node)
        return ECS.outcomes(node)

    graph = StateGraph(ECS, expand)
    for _ in range(2):
        assert len(graph.nodes) == len(ECS.state_graph.nodes)
        graph.run_to(lambda node: node.state == "resized/-")
        assert {*graph.entered} == {*graph.nodes}
    assert len(expanded) == len({*expanded}) == len(graph.nodes) + 1
    assert ECS.state_graph is ECS.state_graph


def test_ways_are_walks_over_the_kept_graph() -> None:
    lifecycle, expanded = NOVA.fresh(), list[Node | None]()

    def expand(node: Node | None) -> Iterator[Outcome]:
        expanded.append(node)
        return lifecycle.outcomes(node)

    vars(lifecycle)["state_graph"] = StateGraph(lifecycle, expand)
    begin = lifecycle.found(lifecycle.states["active/-"])
    for _ in range(2):
        (way,) = lifecycle.ways(begin, "stop")
        assert [str(outcome.end.state) for outcome in way] == ["active/powering-off", "stopped/-"]
    assert expanded == [begin, way[0].end]


def test_the_public_graph_has_every_outcome_of_every_node() -> None:
    for lifecycle in (ECS, NOVA):
        found = lifecycle.graph()
        assert {plain(node) for node in found} == {*walked(lifecycle)} - {None}
    assert ECS.graph() == {node: tuple(ECS.outcomes(node)) for node in ECS.state_graph.nodes}


def test_nodes_that_a_server_only_passes_through_are_entered_too() -> None:
    graph = NOVA.state_graph
    expected = {edge for edges in walked(NOVA).values() for edge in edges}
    passed = {node for edge in expected for node in edge.entered}
    entered = {_known(node) for node in graph.entered}
    assert passed | {*walked(NOVA)} - {None} <= entered
    assert {node.state for node in graph.entered} == {*NOVA.states.values()}


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=str)
def test_the_shortest_runs_are_as_long_as_those_of_a_breadth_first_search(
    lifecycle: Lifecycle,
) -> None:
    expected: dict[Plain | None, int] = {None: 0}
    waiting: list[Plain | None] = [None]
    for here in waiting:
        for edge in walked(lifecycle)[here]:
            if edge.end not in expected:
                expected[edge.end] = expected[here] + 1
                waiting.append(edge.end)
    graph = lifecycle.state_graph
    for goal in graph.nodes[:: len(graph.nodes) // 30]:
        run = graph.run_to({goal}.__contains__)
        assert run
        assert len(run.outcomes) == expected[plain(goal)]
        assert run.last is goal
        for node, outcome in run.events():
            assert outcome in graph.leaving(node)


def test_the_cheapest_runs_cost_what_networkx_finds() -> None:
    graph = ECS.state_graph
    costs = graph.costs(BY_PLAINNESS)
    judge: nx.DiGraph[Node] = nx.DiGraph()
    for node in graph.nodes:
        for outcome in graph.leaving(node):
            cost = costs[outcome.transition.trigger]
            known = judge.get_edge_data(node, outcome.end, {"cost": cost})["cost"]
            judge.add_edge(node, outcome.end, cost=min(cost, known))
    for start, goal in permutations(graph.nodes, 2):
        run = graph.shortest([start], _ends_at(goal), costs)
        spent = run and sum(costs[o.transition.trigger] for o in run.outcomes)
        if nx.has_path(judge, start, goal):
            assert spent == nx.dijkstra_path_length(judge, start, goal, weight="cost")
        else:
            assert spent is None


def _ends_at(goal: Node) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.end is goal


def test_a_run_with_fewer_events_always_costs_less() -> None:
    for lifecycle in (ECS, NOVA):
        costs = sorted(lifecycle.state_graph.costs(BY_PLAINNESS).values())
        assert len({*costs}) == len(lifecycle.triggers)
        assert 100 * costs[-1] < 101 * costs[0]


def test_the_search_keeps_in_memory_what_the_caller_wants_to_know() -> None:
    def rebuilds(count: int, trigger: str) -> int:
        return count + (trigger == "rebuild")

    run = ECS.state_graph.search(
        [(None, 0)],
        lambda count, outcome: rebuilds(count, outcome.transition.trigger),
        lambda node, count, outcome: count == 2 and outcome.end.state.status == "SHUTOFF",
    )
    assert run
    names = [outcome.transition.trigger for outcome in run.outcomes]
    assert names.count("rebuild") == 2
    assert run.changes()[-1].status == "SHUTOFF"
    assert [c.event for c in run.changes()].count("rebuild") >= 2
    never = ECS.state_graph.search([(None, 0)], lambda kept, outcome: None, lambda *seen: False)
    assert never is None


def test_a_position_between_two_writes_leads_only_to_the_next_write() -> None:
    graph = NOVA.state_graph
    outcome = next(o for node in graph.nodes for o in graph.leaving(node) if len(o.nodes) > 1)
    position = after(outcome)
    assert position == Position(outcome.nodes[0], outcome.nodes[1:])
    for here, there in pairwise(outcome.nodes):
        assert (position.node, position.state) == (here, here.state)
        ((write, position),) = graph.writes(position)
        assert (write, position.node) == (None, there)
    assert position.ahead == ()
