"""What can be claimed of a lifecycle: the kinds of claims about its nodes, each decided exactly.

A claim is true if it holds for every run of a server from its creation on. It is decided by a
search through the state graph, so the answer is exact, and a false claim has a shortest
counterexample. `run_claims` has the kinds that depend on the past of a run, `claimfile` the form in
which claims are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ecs_fsm.core.graph import Run
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, Node, State

GOAL = "goal"


class States(NamedTuple):
    """A set of states, and the word or words that name it."""

    text: str
    members: frozenset[State]


class Decision(NamedTuple):
    """Whether a claim is true, the reason, and the shortest run that shows that it is false."""

    true: bool
    reason: str
    counterexample: Run | None = None


class Statement(Protocol):
    """What a claim says, of any kind."""

    def decide(self, lifecycle: Lifecycle) -> Decision:
        """Return whether the statement is true of a lifecycle, and why."""


@dataclass(frozen=True, slots=True)
class Leads:
    """From every state of `origin` a run leads to `goal`, with `by` and no later request."""

    origin: States
    goal: States
    by: tuple[str, ...]

    def decide(self, lifecycle: Lifecycle) -> Decision:
        """Search backwards from the goal.

        The graph has two layers: before the last `by`, and after it, where no request is taken. A
        vertex of the first layer from which the goal can be reached fulfils the claim.
        """
        import networkx as nx

        nodes = lifecycle.state_graph.nodes
        layers: nx.DiGraph[tuple[Node, bool] | str] = nx.DiGraph()
        layers.add_node(GOAL)
        for node in nodes:
            for outcome in lifecycle.state_graph.leaving(node):
                requested = outcome.transition.trigger in self.by
                layers.add_edge((node, False), (outcome.end, False))
                if requested:
                    layers.add_edge((node, False), (node, True))
                if requested or outcome.transition.kind is not Kind.REQUEST:
                    there = any(entered.state in self.goal.members for entered in outcome.nodes)
                    layers.add_edge((node, True), GOAL if there else (outcome.end, True))
        leading = nx.ancestors(layers, GOAL)
        claimed = [
            n for n in nodes if n.state in self.origin.members and n.state not in self.goal.members
        ]
        stuck = {node for node in claimed if (node, False) not in leading}
        by = " or ".join(self.by)
        if stuck:
            run, where = _run_to(lifecycle, stuck)
            return Decision(False, f"from {where} no {by} leads to {self.goal.text}", run)
        return Decision(True, self._reason(lifecycle, claimed, by))

    def _reason(self, lifecycle: Lifecycle, claimed: list[Node], by: str) -> str:
        states = dict.fromkeys(node.state for node in claimed)
        allowed = [any(lifecycle.possible(name, node) for name in self.by) for node in claimed]
        accepting = {node.state for node, may in zip(claimed, allowed, strict=True) if may}
        refusing = (node for node, may in zip(claimed, allowed, strict=True) if not may)
        first = [state for state in states if state not in accepting]
        text = f"there is a way from each of the {len(states)} states, and {by} is possible at once"
        text += f" in {len(accepting)} of them" if first else " in all of them"
        held = next((node for node in refusing if node.state in accepting), None)
        if held:
            text += f" unless {lifecycle.refusal(self.by[0], held).reason}"
        return f"{text}; something else must happen first in {', '.join(first)}" if first else text


@dataclass(frozen=True, slots=True)
class WayOut:
    """Every state of `of` except those of `but` can be left."""

    of: States
    but: States

    def decide(self, lifecycle: Lifecycle) -> Decision:
        """Look at the edges out of each node."""
        graph = lifecycle.state_graph
        claimed = [n for n in graph.nodes if n.state in self.of.members - self.but.members]
        dead = {n for n in claimed if all(o.end.state == n.state for o in graph.leaving(n))}
        if dead:
            run, where = _run_to(lifecycle, dead)
            return Decision(False, f"nothing leads out of {where}", run)
        count = len({n.state for n in claimed})
        return Decision(True, f"in each of the {count} states some event leads to another state")


@dataclass(frozen=True, slots=True)
class Accepted:
    """Each operation of `by` is accepted in every state of `of`."""

    of: States
    by: tuple[str, ...]

    def decide(self, lifecycle: Lifecycle) -> Decision:
        """Look at the requests that each node accepts."""
        nodes = [n for n in lifecycle.state_graph.nodes if n.state in self.of.members]
        for name in self.by:
            refused = {node for node in nodes if not lifecycle.possible(name, node)}
            if refused:
                run, where = _run_to(lifecycle, refused)
                why = run and run.last and lifecycle.refusal(name, run.last).reason
                return Decision(False, f"{name} is refused at {where}: {why}", run)
        count = len({node.state for node in nodes})
        return Decision(True, f"each of the {count} states accepts {' and '.join(self.by)}")


@dataclass(frozen=True, slots=True)
class Never:
    """No run leads from `origin` to `goal`."""

    origin: States
    goal: States

    def decide(self, lifecycle: Lifecycle) -> Decision:
        """Search for such a run."""
        graph = lifecycle.state_graph
        run = graph.shortest(
            (n for n in graph.nodes if n.state in self.origin.members),
            lambda outcome: any(e.state in self.goal.members for e in outcome.nodes),
        )
        if run is None:
            return Decision(True, f"from {self.origin.text} no event leads to {self.goal.text}")
        events = " and ".join(o.transition.trigger for o in run.outcomes)
        return Decision(False, f"{events} leads from {self.origin.text} to {self.goal.text}", run)


def _run_to(lifecycle: Lifecycle, nodes: set[Node]) -> tuple[Run | None, str]:
    """Return the shortest run from creation to one of the nodes, and the state at its end."""
    run = lifecycle.state_graph.run_to(nodes.__contains__)
    return run, run.last.state if run and run.last else ""
