"""What is wrong with a waiter: every finding, with the shortest run and the polls that show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ecs_fsm.core.model import State
from ecs_fsm.waiters.judge import (
    CAUSE,
    Attribute,
    FindingKind,
    Reaction,
    Risks,
    Sighting,
    attribute_names,
    can_succeed,
    clean,
    find_attribute,
    free_of,
    risks,
)
from ecs_fsm.waiters.runs import OperationRun, Runs

Reactions = Mapping[str, Reaction]

FOLLOWING = ("status",)
"""What follows from the rest of a state, and is left out of a run in JSON."""
MOST_STATES = 4
"""States to name one by one before they are counted."""
CLAIMS = {
    FindingKind.NEVER_SUCCEEDS: "no value that {operation} shows means success",
    FindingKind.SPURIOUS_FAILURE: "the waiter reports failure at {value} although {operation} "
    "succeeds",
    FindingKind.LEAVES_EARLY: "the waiter reports success at {value} while {operation} still goes "
    "on to {end}",
    FindingKind.FALSE_SUCCESS: "the waiter reports success at {value} although {operation} does "
    "not succeed",
    FindingKind.MISSES: "the waiter waits forever at {value} although {operation} succeeds",
    FindingKind.BLIND: "the waiter waits forever at {value} although {operation} failed and left "
    "{end}",
    FindingKind.HANGS: "the waiter waits forever at {value} although {operation} came to rest at "
    "{end}",
}


class Judged(NamedTuple):
    """What is judged of a waiter: the runs that it may meet, what it polls, and its reactions.

    `lists` are its values by the name of their list, `reactions` those to each value.
    """

    runs: Runs
    polls: Attribute
    lists: Mapping[str, tuple[str, ...]]
    reactions: Reactions


class Finding(NamedTuple):
    """A run in which a waiter goes wrong.

    `value` is where it happens, None for the waiter as a whole. A finding is `avoidable` if another
    waiter on the same attribute, for the same operation and starts, has a part of the findings and
    not this one. `seen` are the polled indexes of the run's nodes; the index behind the last node
    is the 404 of a deleted server. `polled` are the values there.
    """

    kind: FindingKind
    value: str | None
    avoidable: bool
    run: OperationRun
    seen: tuple[int, ...]
    polled: tuple[str, ...]
    message: str
    advice: str = ""
    """The end of the message: why no other choice of values helps."""

    @property
    def sentence(self) -> str:
        """The message without its advice."""
        return self.message.removesuffix(f". {self.advice}") if self.advice else self.message

    @property
    def from_(self) -> str:
        """Where the run begins, with the facts that are not as usual there."""
        return self.run.start.name

    def as_dict(self) -> dict[str, object]:
        """Return `{"finding", "avoidable", "from", "run", "polled", "message"}`."""
        shown = [node.state.as_dict() for node in self.run.nodes]
        return {
            "finding": self.kind.value,
            "avoidable": self.avoidable,
            "from": self.from_,
            "run": [{name: s[name] for name in s if name not in FOLLOWING} for s in shown],
            "polled": list(self.polled),
            "message": self.message,
        }


def find(judged: Judged) -> tuple[Finding, ...]:
    """Return every finding, in the order of `FindingKind` and of the attribute's values."""
    known, reactions = risks(judged.runs, judged.polls), judged.reactions
    found = [_unknown(judged, name, value, known) for name, value in _unknown_values(judged)]
    if Reaction.SUCCESS not in reactions.values():
        found.append(_never(judged, known))
    for kind, reaction in CAUSE.items():
        for value, kinds in known.items():
            if kind in kinds and reactions[value] is reaction:
                found.append(finding_of(judged, kind, value))
    return tuple(found)


def notes(judged: Judged) -> tuple[str, ...]:
    """Return what no choice of values changes: the steps that can hang while the waiter goes on."""
    reactions, polls = judged.reactions, judged.polls
    waited = [s for s in judged.runs.hanging if reactions[polls.of(s)] is Reaction.GO_ON]
    if not waited:
        return ()
    steps = _some([_with_value(state, polls.of(state)) for state in waited])
    return (f"a step can hang, then the waiter waits forever: {steps}; use a time limit",)


def rare_notes(usual: Judged, rare: Judged) -> tuple[str, ...]:
    """Return a note for each rare circumstance that findings of `rare`, not of `usual`, need."""
    known, more = risks(usual.runs, usual.polls), risks(rare.runs, rare.polls)
    found: dict[str, list[str]] = {}
    for kind, reaction in CAUSE.items():
        for value, kinds in more.items():
            new = kind in kinds and kind not in known.get(value, {})
            if new and rare.reactions[value] is reaction:
                run, _ = _shown(rare.runs, kinds[kind], rare.polls, rare.reactions)
                found.setdefault(_circumstances(rare.runs, run), []).append(f"{kind} at {value}")
    return tuple(
        f"rarely, with {circumstances}: {_some(what)}; --rare counts it as a finding"
        for circumstances, what in found.items()
    )


def _circumstances(runs: Runs, run: OperationRun) -> str:
    outcomes = (run.start.request, *run.outcomes)
    rare = (o for o in outcomes if runs.lifecycle.rare(o.transition))
    return " and ".join(dict.fromkeys(runs.event(outcome) for outcome in rare))


def _some(words: Sequence[str]) -> str:
    more = len(words) - MOST_STATES
    shown = ", ".join(words[:MOST_STATES])
    return f"{shown} and {more} more" if more > 0 else shown


def _with_value(state: State, value: str) -> str:
    return str(state) if value == state else f"{state} ({value})"


def run_in_words(run: OperationRun) -> str:
    """Return a run from its start; events other than the normal end of a step are named."""
    words = [run.start.name]
    for index, (event, node) in enumerate(zip(run.events, run.nodes, strict=True)):
        if event or index:
            words.append(f"—{event}→ {node.state}" if event else f"→ {node.state}")
    return " ".join(words)


def _unknown_values(judged: Judged) -> Iterator[tuple[str, str]]:
    for name, values in judged.lists.items():
        yield from ((name, value) for value in values if not judged.polls.meant(value))


def _unknown(judged: Judged, name: str, value: str, known: Risks) -> Finding:
    polls = judged.polls
    spare = any(other not in known for other in polls.values)
    avoidable = judged.lists["target"] != (value,) or spare or can_succeed(known)
    run, polled = _whole(judged)
    message = (
        f"{value!r} in {name} is not a value of {polls.name}; did you mean "
        f"{polls.nearest(value)!r}? {_evidence(run, polled, polls)}"
    )
    seen = tuple(range(len(polled)))
    return Finding(FindingKind.UNKNOWN_VALUE, value, avoidable, run, seen, polled, message)


def _never(judged: Judged, known: Risks) -> Finding:
    kind, polls = FindingKind.NEVER_SUCCEEDS, judged.polls
    run, polled = _whole(judged)
    avoidable = can_succeed(known)
    helpful = (other for other in _others(judged) if can_succeed(risks(judged.runs, other)))
    advice = "" if avoidable else _advice(judged, next(helpful, None))
    message = _sentence(kind, run, polled, polls, advice)
    return Finding(kind, None, avoidable, run, tuple(range(len(polled))), polled, message, advice)


def _whole(judged: Judged) -> tuple[OperationRun, tuple[str, ...]]:
    """Return the shortest run that succeeds, and what is polled of it until the waiter stops."""
    run, polls, reactions = judged.runs.shortest(), judged.polls, judged.reactions
    values = [polls.of(node.state) for node in run.nodes] + [polls.of(None)] * run.gone
    stops = (n for n, v in enumerate(values, 1) if reactions[v] is not Reaction.GO_ON)
    return run, tuple(values[: next(stops, len(values))])


def finding_of(judged: Judged, kind: FindingKind, value: str) -> Finding:
    """Return the finding of a kind at a value, shown by the shortest run."""
    runs, polls, reactions = judged.runs, judged.polls, judged.reactions
    known = risks(runs, polls)
    run, seen = _shown(runs, known[value][kind], polls, reactions)
    polled = tuple(polls.of(run.nodes[n].state if n < len(run.nodes) else None) for n in seen)
    avoidable = _avoidable(value, known, reactions)
    other = None if avoidable else free_of(kind, value, runs, polls, _others(judged))
    advice = "" if avoidable else _advice(judged, other)
    message = _sentence(kind, run, polled, polls, advice)
    return Finding(kind, value, avoidable, run, seen, polled, message, advice)


def _shown(
    runs: Runs, sighting: Sighting, polls: Attribute, reactions: Reactions
) -> tuple[OperationRun, tuple[int, ...]]:
    """Return the run of a sighting and the indexes to poll.

    The last state is polled before the 404 as well, if the waiter goes on there.
    """
    run, index = runs.through(sighting.position, succeeding=sighting.succeeding)
    if not sighting.beyond:
        return run, (index,)
    goes_on = reactions[polls.of(sighting.position.node.state)] is Reaction.GO_ON
    return run, (index, index + 1) if goes_on else (index + 1,)


def _avoidable(value: str, known: Risks, reactions: Reactions) -> bool:
    """Return whether another reaction to the value is clean and leaves some value for success."""
    others = [d for d in Reaction if d is not reactions[value] and clean(known[value], d)]
    successes = sum(reaction is Reaction.SUCCESS for reaction in reactions.values())
    only_success = reactions[value] is Reaction.SUCCESS and successes == 1
    return bool(others) and (not only_success or can_succeed(known, but=value))


def _others(judged: Judged) -> list[Attribute]:
    lifecycle = judged.runs.lifecycle
    names = attribute_names(lifecycle)
    return [find_attribute(lifecycle, name) for name in names if name != judged.polls.name]


def _sentence(
    kind: FindingKind, run: OperationRun, polled: Sequence[str], polls: Attribute, advice: str
) -> str:
    """Return what is wrong, the run and the polls that show it, and what would help."""
    operation = run.start.request.transition.trigger
    end: State = run.nodes[-1].state
    claim = CLAIMS[kind].format(operation=operation, value=polled[-1], end=end)
    shown = f"{claim}: {_evidence(run, polled, polls)}"
    return f"{shown}. {advice}" if advice else shown


def _evidence(run: OperationRun, polled: Sequence[str], polls: Attribute) -> str:
    return f"{run_in_words(run)}, polled {polls.name} {', '.join(polled)}"


def _advice(judged: Judged, other: Attribute | None) -> str:
    """Return why no other choice of values helps, and which attribute does."""
    other_values = "every other choice of values fails elsewhere"
    if other is None:
        return f"Polling cannot fix this: {other_values}, and no other attribute helps."
    return (
        f"Polling {judged.polls.name} cannot fix this: {other_values}; poll {other.name} instead."
    )
