"""What claims are decided on: every node that a server can get to, and the search for a run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple, TypeVar

from ecs_fsm.analysis.moves import ASKED, Moves, Walk
from ecs_fsm.core.lifecycle import Lifecycle, Outcome
from ecs_fsm.core.model import Kind, Node, State

Memory = TypeVar("Memory", bound=Hashable)


class Verdict(NamedTuple):
    """Whether a claim is true, why, and the shortest run that shows that it is not."""

    true: bool
    reason: str
    counterexample: Walk | None = None


class Ground:
    """The state graph of a lifecycle, from the creation of a server on."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.moves = Moves(lifecycle)

    @cached_property
    def nodes(self) -> list[Node]:
        """Every node that a server can stay in, those that are reached first before others."""
        found: dict[Node, None] = {}
        waiting: deque[Node | None] = deque([None])
        while waiting:
            for outcome in self.moves.at(waiting.popleft()):
                if outcome.end not in found:
                    found[outcome.end] = None
                    waiting.append(outcome.end)
        return list(found)

    @cached_property
    def resting(self) -> list[Node]:
        """The nodes in which nothing goes on."""
        return [node for node in self.nodes if self.lifecycle.rests(node.state)]

    def busy(self, state: State) -> bool:
        """Whether something goes on in a state, or its task says so."""
        return state.task_state is not None or not self.lifecycle.rests(state)

    def search(
        self,
        beginnings: Iterable[tuple[Node | None, Memory]],
        go_on: Callable[[Memory, Outcome], Memory | None],
        found: Callable[[Node | None, Memory, Outcome], bool],
    ) -> Walk | None:
        """The shortest run from one of the beginnings that ends with an event that is `found`.

        `go_on` gives what is kept in mind after an event, None where a run must not go on by it.
        """
        came: dict[tuple[Node | None, Memory], tuple[tuple[Node | None, Memory], Outcome] | None]
        came = dict.fromkeys(beginnings)
        waiting = deque(came)
        while waiting:
            here = node, memory = waiting.popleft()
            for outcome in self.moves.at(node):
                if found(node, memory, outcome):
                    return _run(came, here, outcome)
                kept = go_on(memory, outcome)
                there = (outcome.end, kept)
                if kept is not None and there not in came:
                    came[outcome.end, kept] = here, outcome
                    waiting.append((outcome.end, kept))
        return None

    def run_to(self, wanted: Callable[[Node], bool]) -> Walk | None:
        """The shortest run from a server's creation to a node that is wanted."""
        return self.search(
            [(None, True)], lambda kept, outcome: True, lambda n, kept, o: wanted(o.end)
        )

    def own_course(self, outcome: Outcome) -> bool:
        """Whether an event belongs to the operation that runs: nobody asked for anything else."""
        return outcome.transition.kind not in ASKED

    def failed(self, outcome: Outcome) -> bool:
        """Whether an event is a failure."""
        return outcome.transition.kind is Kind.FAILURE


def writes(node: Node | None, outcome: Outcome) -> Iterator[tuple[State | None, State]]:
    """Each state that an event enters with the one before it."""
    before = None if node is None else node.state
    for entered in outcome.nodes:
        yield before, entered.state
        before = entered.state


def _run(
    came: dict[tuple[Node | None, Memory], tuple[tuple[Node | None, Memory], Outcome] | None],
    here: tuple[Node | None, Memory],
    last: Outcome,
) -> Walk:
    outcomes = [last]
    while step := came[here]:
        here, outcome = step
        outcomes.append(outcome)
    return Walk(here[0], tuple(reversed(outcomes)))
