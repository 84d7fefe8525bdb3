"""A walk as the words that `simulate` takes.

A word begins where something is asked, and holds what becomes of it; where the next thing is asked
over a running step, or the walk ends there, the word hangs. Where nothing was asked and something
runs on, the word is the one that asks for nothing. A failure at rest belongs to the operation
without a step of its own that could be asked there.
"""

from __future__ import annotations

from ecs_fsm.analysis.moves import ASKED, Walk, given
from ecs_fsm.core.lifecycle import Lifecycle, Outcome
from ecs_fsm.core.model import NO_TASK, Node, State, bracketed
from ecs_fsm.core.scenario import GO_ON, HANG


def say(lifecycle: Lifecycle, walk: Walk) -> list[str]:
    """The words of a walk."""
    saying = _Saying(lifecycle, walk.beginning)
    for outcome in walk.outcomes:
        saying.add(outcome)
    return saying.words()


def arguments(lifecycle: Lifecycle, walk: Walk) -> list[str]:
    """All that `ecs-fsm simulate` takes to run a walk, its beginning included.

    Of what is remembered there it holds what the walk depends on.
    """
    words = say(lifecycle, walk)
    if walk.beginning is None:
        return words
    decide = {name for outcome in walk.outcomes for name, _ in outcome.transition.when}
    facts = (f"{name}={value}" for name, value in walk.beginning.facts if name in decide)
    remembered = (part for fact in facts for part in ("--remember", fact))
    return [*words, "--from", str(walk.beginning.state), *remembered]


class _Saying:
    """The words said so far, and the one that is being said."""

    def __init__(self, lifecycle: Lifecycle, beginning: Node | None) -> None:
        self._lifecycle = lifecycle
        self._node = beginning
        self._words: list[str] = []
        self._asked: str | None = None
        self._becomes: list[str] = []
        self._passed: list[State] = []  # since the word, or its last outcome, began

    def add(self, outcome: Outcome) -> None:
        """Say one event more."""
        event, node = outcome.transition.trigger, self._node
        said = f"{event}{bracketed(tuple(given(self._lifecycle, node, outcome).items()))}"
        if outcome.transition.kind in ASKED or node is None:
            self._begin(said)
        else:
            if self._asked is None or self._idle(node):
                self._begin(self._unseen(node, event))
                self._passed.append(node.state)
            if event != self._lifecycle.advance:
                self._becomes.append(f"{said}@{self._step()}")
                self._passed.clear()
        self._node = outcome.end
        self._passed.append(outcome.end.state)

    def words(self) -> list[str]:
        """All words, the last one hanging if the walk ends amid its steps."""
        if self._asked is None and self._node:
            self._begin(GO_ON)
            self._passed.append(self._node.state)
        self._finish()
        return self._words

    def _begin(self, asked: str) -> None:
        self._finish()
        self._asked, self._becomes, self._passed = asked, [], []

    def _idle(self, node: Node) -> bool:
        return node.state.task_state is None and self._lifecycle.rests(node.state)

    def _unseen(self, node: Node, event: str) -> str:
        """What is asked where an event follows on nothing that was asked."""
        if event != self._lifecycle.advance:
            for name, operation in self._lifecycle.operations.items():
                here = operation.unseen and node.state in operation.steps
                if here and self._lifecycle.possible(name, node):
                    return name
        return GO_ON

    def _finish(self) -> None:
        if self._asked is None:
            return
        if self._node and not self._lifecycle.rests(self._node.state):
            self._becomes.append(f"{HANG}@{self._step()}")
        self._words.append(":".join((self._asked, *filter(None, [",".join(self._becomes)]))))
        self._asked = None

    def _step(self) -> str:
        """The present step by its task, or whole where one before it has the same task."""
        *before, here = self._passed
        task = here.task_state or NO_TASK
        return str(here) if any((s.task_state or NO_TASK) == task for s in before) else task
