"""How few scenarios can touch everything, at best.

What a scenario touches, one thing after the other, is a walk through the graph of the things that
can follow each other. What is remembered is left out of this graph, so it has a walk for every
scenario, and more. No walk comes back to a strongly connected component that it left; so the fewest
walks that together enter every component and take every edge between components that must be
touched are a minimum flow with lower bounds through the condensation, and no set of scenarios is
smaller.
"""

from __future__ import annotations

from itertools import chain, pairwise, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx as nx

    from ecs_fsm.analysis.atlas import Atlas

Point = tuple[int, bool]
"""A component of the things: where walks come in, and where they leave."""
SINK: Point = (-1, True)
BEGINNING = -1


def _things(atlas: Atlas) -> nx.DiGraph[int]:
    """The things that can follow each other, as marks that scenarios leave behind them."""
    import networkx as nx

    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_node(BEGINNING, needed=False)
    arrived: list[dict[int, None]] = [{} for _ in atlas.spots]
    for spot in atlas.beginnings:
        arrived[spot][BEGINNING] = None
    for edge in chain(*atlas.edges):
        if edge.marks:
            graph.add_nodes_from(edge.marks, needed=not atlas.in_pairs)
            graph.add_edges_from(pairwise(edge.marks), needed=False)
            arrived[edge.target][edge.marks[-1]] = None
    for spot, edges in enumerate(atlas.edges):
        firsts = dict.fromkeys(edge.marks[0] for edge in edges if edge.marks)
        follow = product(arrived[spot], firsts)
        graph.add_edges_from(follow, needed=atlas.in_pairs and atlas.spots[spot].last is not None)
    return graph


def fewest(atlas: Atlas) -> int:
    """The smallest number of scenarios that can touch everything."""
    import networkx as nx

    things = _things(atlas)
    condensed = nx.condensation(things)
    component: dict[int, int] = condensed.graph["mapping"]
    needed: dict[tuple[Point, Point], int] = {}
    for c in condensed:
        inside = things.subgraph(condensed.nodes[c]["members"])
        must = any(inside.nodes[n]["needed"] for n in inside)
        must |= any(inside.edges[link]["needed"] for link in inside.edges)
        needed[(c, False), (c, True)] = int(must)
        needed[(c, True), SINK] = 0
    for one, other in things.edges:
        if component[one] != component[other]:
            link = ((component[one], True), (component[other], False))
            needed[link] = needed.get(link, 0) + int(things.edges[one, other]["needed"])
    return _least_flow((component[BEGINNING], False), needed)


def _least_flow(source: Point, needed: dict[tuple[Point, Point], int]) -> int:
    """The least flow from the source to the sink with at least what is needed on each link."""
    import networkx as nx

    ways = nx.single_source_shortest_path(nx.DiGraph(needed.keys()), source)
    flow = dict.fromkeys(needed, 0)
    for (one, other), need in needed.items():
        onward = [other, SINK] if other[1] else [other, (other[0], True), SINK]
        for link in pairwise([*ways[one], *(onward if other != SINK else [SINK])]):
            flow[link] += need
    total = sum(needed.values())
    undoing: nx.DiGraph[Point] = nx.DiGraph()
    for (one, other), amount in flow.items():
        undoing.add_edge(one, other, capacity=amount - needed[one, other])
        undoing.add_edge(other, one, capacity=total)
    return total - int(nx.maximum_flow_value(undoing, source, SINK))
