"""A run as the words that `simulate` takes.

A word begins with a request or an event of the system, and has the outcomes of its steps. Where the
next request comes over a running step, or the run ends there, the word hangs. Where something runs
that no word began, or a step goes on that hung while a request left it alone, the word is `wait`. A
failure at rest belongs to the operation without a step of
its own that is accepted there.
"""

from __future__ import annotations

from ecs_fsm.core.errors import Refused, UnknownFact
from ecs_fsm.core.graph import Outcome, Run
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, Node, State, bracketed
from ecs_fsm.core.scenario import HANG, WAIT

BEGINNING = (Kind.REQUEST, Kind.SYSTEM)
"""The kinds of events that begin a word; all others end or continue what runs."""


def scenario_words(lifecycle: Lifecycle, run: Run) -> list[str]:
    """Return the words of a run."""
    writer = _Writer(lifecycle, run.beginning)
    for outcome in run.outcomes:
        writer.add(outcome)
    return writer.words()


def arguments(lifecycle: Lifecycle, run: Run) -> list[str]:
    """Return all arguments with which `ecs-fsm simulate` repeats a run, its beginning included.

    Of the facts remembered at the beginning they have those that the run depends on.
    """
    words = scenario_words(lifecycle, run)
    if run.beginning is None:
        return words
    decide = {name for outcome in run.outcomes for name, _ in outcome.transition.when}
    facts = (f"{name}={value}" for name, value in run.beginning.facts if name in decide)
    remembered = (part for fact in facts for part in ("--remember", fact))
    return [*words, "--from", str(run.beginning.state), *remembered]


def event_names(lifecycle: Lifecycle, run: Run) -> list[str]:
    """Return the events of a run, each with the facts that must be given with it."""
    return [_event_name(lifecycle, node, outcome) for node, outcome in run.events()]


def needed_facts(lifecycle: Lifecycle, node: Node | None, outcome: Outcome) -> dict[str, str]:
    """Return the facts without which the event of an outcome comes to something else in `node`."""
    decided = {**dict(outcome.transition.when), **dict(outcome.facts)}
    usual = lifecycle.triggers[outcome.transition.trigger].given
    needed = dict(lifecycle.memory.ordered({n: v for n, v in decided.items() if n in usual}))
    for name in tuple(needed):
        fewer = {other: value for other, value in needed.items() if other != name}
        if _comes_to(lifecycle, node, fewer, outcome):
            needed = fewer
    return needed


def _comes_to(
    lifecycle: Lifecycle, node: Node | None, facts: dict[str, str], wanted: Outcome
) -> bool:
    try:
        found = lifecycle.outcome(wanted.transition.trigger, node, facts)
    except (Refused, UnknownFact):
        return False
    return found[:3] == wanted[:3]


def _event_name(lifecycle: Lifecycle, node: Node | None, outcome: Outcome) -> str:
    facts = tuple(needed_facts(lifecycle, node, outcome).items())
    return f"{outcome.transition.trigger}{bracketed(facts)}"


class _Writer:
    """The words written so far, and the parts of the one that is being written."""

    def __init__(self, lifecycle: Lifecycle, beginning: Node | None) -> None:
        self._lifecycle = lifecycle
        self._node = beginning
        self._words: list[str] = []
        self._operation: str | None = None
        self._outcomes: list[str] = []
        self._passed: list[State] = []  # since the word, or its last outcome, began
        self._hangs = False  # the word's request entered no state while a step was running

    def add(self, outcome: Outcome) -> None:
        """Write one event more."""
        event, node = outcome.transition.trigger, self._node
        name = _event_name(self._lifecycle, node, outcome)
        if outcome.transition.kind in BEGINNING or node is None:
            self._begin(name)
            runs = node is not None and not self._lifecycle.stays(node)
            self._hangs = runs and not outcome.nodes
        else:
            goes_on = self._hangs and event == self._lifecycle.advance
            self._hangs = False
            if self._operation is None or self._idle(node) or goes_on:
                self._begin(self._unseen(node, event))
                self._passed.append(node.state)
            if event != self._lifecycle.advance:
                self._outcomes.append(f"{name}@{self._step()}")
                self._passed.clear()
        self._node = outcome.end
        self._passed.append(outcome.end.state)

    def words(self) -> list[str]:
        """Return all words, the last one hanging if the run ends amid its steps."""
        if self._operation is None and self._node:
            self._begin(WAIT)
            self._passed.append(self._node.state)
        self._finish()
        return self._words

    def _begin(self, operation: str) -> None:
        self._finish()
        self._operation, self._outcomes, self._passed = operation, [], []

    def _idle(self, node: Node) -> bool:
        return self._lifecycle.stays(node)

    def _unseen(self, node: Node, event: str) -> str:
        """Return the operation for an event that no word began, or `wait`."""
        if event != self._lifecycle.advance:
            for name, operation in self._lifecycle.operations.items():
                here = operation.unseen and node.state in operation.steps
                if here and self._lifecycle.possible(name, node):
                    return name
        return WAIT

    def _finish(self) -> None:
        if self._operation is None:
            return
        if self._node and not self._lifecycle.stays(self._node):
            self._outcomes.append(f"{HANG}@{self._step()}")
        outcomes = ",".join(self._outcomes)
        self._words.append(f"{self._operation}:{outcomes}" if outcomes else self._operation)
        self._operation = None

    def _step(self) -> str:
        """Return the task of the present step, or its state where an earlier one has that task."""
        *before, here = self._passed
        return str(here) if any(s.step == here.step for s in before) else here.step
