"""What can be claimed of a lifecycle: a small vocabulary, each kind with how it is decided.

A claim is true if it holds for every run that a server can do from its creation on; the answer is
exact, by a search through the state graph. `ecs_fsm.analysis.claimfile` has how claims are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ecs_fsm.analysis.ground import Ground, Verdict
from ecs_fsm.core.model import Kind, Node, State

GOAL = "goal"


class States(NamedTuple):
    """A set of states, and the word or words that name it."""

    text: str
    members: frozenset[State]


class Claimed(Protocol):
    """What a claim says, of any kind."""

    def decide(self, ground: Ground) -> Verdict:
        """Whether it is true, and why."""


@dataclass(frozen=True, slots=True)
class Leads:
    """From every state of `origin` there is a way on which `by` is asked and leads to `goal`."""

    origin: States
    goal: States
    by: tuple[str, ...]

    def decide(self, ground: Ground) -> Verdict:
        """Search back from the goal."""
        import networkx as nx

        graph: nx.DiGraph[tuple[Node, bool] | str] = nx.DiGraph()
        graph.add_node(GOAL)
        for node in ground.nodes:
            for outcome in ground.moves.at(node):
                asked = outcome.transition.trigger in self.by
                graph.add_edge((node, False), (outcome.end, False))
                if asked:
                    graph.add_edge((node, False), (node, True))
                if asked or outcome.transition.kind is not Kind.REQUEST:
                    there = any(entered.state in self.goal.members for entered in outcome.nodes)
                    graph.add_edge((node, True), GOAL if there else (outcome.end, True))
        leading = nx.ancestors(graph, GOAL)
        claimed = [
            n
            for n in ground.nodes
            if n.state in self.origin.members and n.state not in self.goal.members
        ]
        stuck = {node for node in claimed if (node, False) not in leading}
        by = " or ".join(self.by)
        if stuck:
            run = ground.run_to(stuck.__contains__)
            where = run.last.state if run and run.last else ""
            return Verdict(False, f"from {where} no {by} leads to {self.goal.text}", run)
        return Verdict(True, self._told(ground, claimed, by))

    def _told(self, ground: Ground, claimed: list[Node], by: str) -> str:
        possible = ground.lifecycle.possible
        states = dict.fromkeys(node.state for node in claimed)
        allowed = [any(possible(name, node) for name in self.by) for node in claimed]
        accepting = {node.state for node, may in zip(claimed, allowed, strict=True) if may}
        refusing = (node for node, may in zip(claimed, allowed, strict=True) if not may)
        first = [state for state in states if state not in accepting]
        told = f"there is a way from each of the {len(states)} states, and {by} is possible at once"
        told += f" in {len(accepting)} of them" if first else " in all of them"
        held = next((node for node in refusing if node.state in accepting), None)
        if held:
            told += f" unless {ground.lifecycle.refusal(self.by[0], held).reason}"
        return f"{told}; something else must happen first in {', '.join(first)}" if first else told


@dataclass(frozen=True, slots=True)
class WayOut:
    """Every state of `of` but those of `but` can be left."""

    of: States
    but: States

    def decide(self, ground: Ground) -> Verdict:
        """Look at what can happen in each node."""
        claimed = [n for n in ground.nodes if n.state in self.of.members - self.but.members]
        dead = {n for n in claimed if all(o.end.state == n.state for o in ground.moves.at(n))}
        if dead:
            run = ground.run_to(dead.__contains__)
            where = run.last.state if run and run.last else ""
            return Verdict(False, f"nothing leads out of {where}", run)
        count = len({n.state for n in claimed})
        return Verdict(True, f"in each of the {count} states some event leads to another state")


@dataclass(frozen=True, slots=True)
class Accepted:
    """Each operation of `by` is accepted in every state of `of`."""

    of: States
    by: tuple[str, ...]

    def decide(self, ground: Ground) -> Verdict:
        """Look at what can be asked in each node."""
        for name in self.by:
            refused = {
                node
                for node in ground.nodes
                if node.state in self.of.members and not ground.lifecycle.possible(name, node)
            }
            if refused:
                run = ground.run_to(refused.__contains__)
                where = run.last if run else None
                why = where and ground.lifecycle.refusal(name, where).reason
                return Verdict(False, f"{name} is refused at {where and where.state}: {why}", run)
        count = len({node.state for node in ground.nodes if node.state in self.of.members})
        return Verdict(True, f"each of the {count} states accepts {' and '.join(self.by)}")


@dataclass(frozen=True, slots=True)
class Never:
    """No run leads from `origin` to `goal`."""

    origin: States
    goal: States

    def decide(self, ground: Ground) -> Verdict:
        """Search for such a run."""
        origins = [(n, True) for n in ground.nodes if n.state in self.origin.members]
        run = ground.search(
            origins,
            lambda kept, outcome: True,
            lambda n, kept, outcome: any(e.state in self.goal.members for e in outcome.nodes),
        )
        if run is None:
            return Verdict(True, f"from {self.origin.text} no event leads to {self.goal.text}")
        events = " and ".join(o.transition.trigger for o in run.outcomes)
        return Verdict(False, f"{events} leads from {self.origin.text} to {self.goal.text}", run)
