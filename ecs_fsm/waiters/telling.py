"""Findings in words: one sentence for the person who reads it."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_fsm.core.model import State
from ecs_fsm.waiters.faults import Fault
from ecs_fsm.waiters.runs import Run
from ecs_fsm.waiters.values import Attribute

MOST_STATES = 4
"""States to name one by one before they are counted."""

CLAIMS = {
    Fault.NEVER_SUCCEEDS: "nothing that {operation} ever shows ends in success",
    Fault.SPURIOUS_FAILURE: "failure is reported at {value} although {operation} succeeds",
    Fault.LEAVES_EARLY: "success is reported at {value} while {operation} still goes on to {end}",
    Fault.FALSE_SUCCESS: "success is reported at {value} although {operation} does not succeed",
    Fault.MISSES: "it waits for ever at {value} although {operation} succeeds",
    Fault.BLIND: "it waits for ever at {value} although {operation} failed, which left {end}",
    Fault.HANGS: "it waits for ever at {value} although {operation} came to rest at {end}",
}


def sentence(
    fault: Fault, run: Run, polled: Sequence[str], polls: Attribute, advice: str = ""
) -> str:
    """One sentence: what is wrong, the run and the poll that show it, and what would help."""
    operation = run.start.request.transition.trigger
    end = run.nodes[-1].state
    claim = CLAIMS[fault].format(operation=operation, value=polled[-1], end=end)
    shown = f"{claim}: {run_in_words(run)}, polled {polls.name} {', '.join(polled)}"
    return f"{shown}; {advice}" if advice else shown


def run_in_words(run: Run) -> str:
    """A run from where it was asked; events other than the expected end of a step are named."""
    words = [run.start.name]
    for place, (event, node) in enumerate(zip(run.events, run.nodes, strict=True)):
        if event or place:
            words.append(f"—{event}→ {node.state}" if event else f"→ {node.state}")
    return " ".join(words)


def unknown_value(run: Run, polled: Sequence[str], polls: Attribute, name: str, value: str) -> str:
    """That a listed value does not exist, and which one does."""
    return (
        f"{value!r} in {name} is a value that {polls.name} never has, the nearest one that it has "
        f"is {polls.nearest(value)!r}: {run_in_words(run)}, polled {polls.name} {', '.join(polled)}"
    )


def hanging(states: Sequence[State], polls: Attribute) -> str:
    """That steps can hang while a waiter waits."""
    named = [f"{state} ({polls.of(state)})" for state in states[:MOST_STATES]]
    more = len(states) - len(named)
    told = f"{', '.join(named)} and {more} more" if more else ", ".join(named)
    return f"a step can hang, and it waits for ever then: {told}; only a time limit helps there"
