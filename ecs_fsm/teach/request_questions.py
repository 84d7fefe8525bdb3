"""Questions about requests: which are refused and why, where they lead, what a poller sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby

from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node, State
from ecs_fsm.teach.question import (
    TICK,
    QuestionDraft,
    certain,
    deciding,
    known,
    listed,
    passing,
    placed,
    rotated,
    transitions_at,
)

REFUSED = "refused"
WHY = "why"
LEADS = "leads"
SEEN = "seen"
HANGS = "hangs"
Way = tuple[Outcome, ...]
ARROW = " → "
EASY_STATUSES = 2
"""A question about more statuses in turn is a hard one."""
ALTERNATIVES = 5
"""Selections of right answers to one question, of which the fairest is asked."""
MOST_REASONS = 3
"""Questions about reasons for one operation."""


def of_refusals(lifecycle: Lifecycle) -> Iterator[QuestionDraft]:
    """Yield a question about refused requests for each state that accepts some."""
    order = _operations(lifecycle)
    for number, (state, node) in enumerate(_nodes(lifecycle)):
        refused = [name for name in order if not lifecycle.possible(name, node)]
        accepted = [name for name in order if certain(lifecycle, name, state)]
        text = f"{placed(lifecycle, state)}: which of these requests get 409 now? {TICK}"
        wrong = tuple(rotated(accepted, number))
        accepts = partial(_accepted, lifecycle, state)
        for turn in range(ALTERNATIVES):
            right = tuple(rotated(refused, 3 * number + turn)[: 1 + number % 3])
            why = "; ".join(f"{n}: {lifecycle.reason(n, node)}" for n in order if n in right)
            about = tuple(dict.fromkeys((*right, *passing(lifecycle).get(state, ()))))
            yield QuestionDraft(REFUSED, text, right, wrong, f"{why}.", accepts, about)


def of_reasons(lifecycle: Lifecycle) -> Iterator[QuestionDraft]:
    """Yield a few questions for each operation about the reasons for its refusal."""
    nodes = _nodes(lifecycle)
    for number, name in enumerate(_operations(lifecycle)):
        by_reason: dict[str, State] = {}
        for state, node in nodes:
            if not lifecycle.possible(name, node):
                by_reason.setdefault(lifecycle.reason(name, node), state)
        chosen = rotated(by_reason.items(), 5 * number)[:MOST_REASONS]
        for why, state in chosen:
            untrue = {w: of for w, of in _untrue(lifecycle, name, state, by_reason) if w != why}
            wrong = rotated(untrue, number)
            text = f"{placed(lifecycle, state)}, and a user requests {name}. Why is it refused?"
            explanation = f"{name}: {lifecycle.triggers[name].meaning} Refused: {why}."
            yield QuestionDraft(
                WHY, text, (why,), tuple(wrong), explanation, untrue.__getitem__, (name,)
            )


def _untrue(
    lifecycle: Lifecycle, name: str, state: State, by_reason: Mapping[str, State]
) -> Iterator[tuple[str, str]]:
    """Yield reasons of other operations here and of this one elsewhere, all untrue here.

    Each comes with what it is the reason for.
    """
    node = lifecycle.found(state)
    own = _under(lifecycle, name)
    for other in _operations(lifecycle):
        under = _under(lifecycle, other)
        apart = not (under <= own or own <= under)
        if apart and state.vm_state not in under and not lifecycle.possible(other, node):
            yield lifecycle.reason(other, node), f"That is why {other} is refused here, not {name}."
    for why, elsewhere in by_reason.items():
        apart = elsewhere.vm_state != state.vm_state and elsewhere.task_state != state.task_state
        of_task = elsewhere.task_state not in (None, state.task_state)
        if (apart or of_task) and elsewhere.vm_state in own:
            yield why, f"That is why {name} is refused at {elsewhere}, not at {state}."


def _under(lifecycle: Lifecycle, name: str) -> set[str]:
    """Return the vm_states in which an operation is accepted."""
    return {t.source.vm_state for t in lifecycle.triggers[name].transitions if t.source}


def of_ways(lifecycle: Lifecycle) -> Iterator[QuestionDraft]:
    """Yield a question for each pair of states at rest: a request from one to the other."""
    order, thing = _operations(lifecycle), lifecycle.table.thing
    for state, node in _resting(lifecycle):
        ends = {
            name: {way[-1].end.state for way in lifecycle.ways(node, name) if way[-1].nodes}
            for name in order
        }
        refused = [name for name in order if not lifecycle.possible(name, node)]
        for goal in dict.fromkeys(end for found in ends.values() for end in found):
            right = [n for n in order if ends[n] == {goal} and certain(lifecycle, n, state)]
            wrong = [name for name in order if ends[name] and goal not in ends[name]]
            wrong += [n for n in rotated(refused, len(wrong)) if _ever(lifecycle, n, goal)]
            meanings = (f"{name}: {lifecycle.triggers[name].meaning}" for name in right)
            place = placed(lifecycle, state)
            text = f"{place}: which of these requests bring the {thing} to {goal}, "
            yield QuestionDraft(
                LEADS,
                f"{text}if nothing goes wrong? {TICK}",
                tuple(right[:2]),
                tuple(name for name in wrong if name not in right),
                " ".join(meanings),
                partial(_leads_elsewhere, lifecycle, node, ends),
                tuple(right[:2]),
            )


def _leads_elsewhere(
    lifecycle: Lifecycle, node: Node, ends: Mapping[str, set[State]], name: str
) -> str:
    """Say where a request leads instead, or why it is refused."""
    if ends[name]:
        return f"{name} leads to {listed(sorted(ends[name]))}."
    return f"{name} is refused: {lifecycle.reason(name, node)}."


def _accepted(lifecycle: Lifecycle, state: State, name: str) -> str:
    """Say what an accepted request does in a state."""
    path = next((t.path for t in transitions_at(lifecycle, name, state) if t.path), ())
    return f"{name} is accepted: it enters {path[0]}." if path else f"{name} is accepted."


def of_pollers(lifecycle: Lifecycle) -> Iterator[QuestionDraft]:
    """Yield questions about the statuses that a poller sees during an operation, in order."""
    seen = [
        (name, text, way)
        for name in _operations(lifecycle)
        for state, node in _resting(lifecycle)
        for text, way in _described_runs(lifecycle, name, node)
    ]
    everywhere = [_statuses(way) for _, _, way in seen]
    of_others = {_statuses(way): text for _, text, way in reversed(seen)}
    words = "states" if lifecycle.table.one_word else "statuses"
    for number, (name, text, way) in enumerate(seen):
        of_name = [_statuses(other) for own, _, other in seen if own == name]
        wrong = [*_spoiled(way), *of_name, *rotated(everywhere, 7 * number)]
        path = ARROW.join(node.state for outcome in way for node in outcome.nodes)
        yield QuestionDraft(
            SEEN,
            f"{text} Which {words} does a poller see, in this order?",
            (_statuses(way),),
            tuple(wrong),
            f"{lifecycle.triggers[name].meaning} It enters {path}.",
            partial(_not_seen, _shown(way), of_others),
            (name,),
            len(_shown(way)) > EASY_STATUSES,
        )


def _not_seen(shown: Sequence[str], of_others: Mapping[str, str], wrong: str) -> str:
    """Say what is wrong with a sequence of statuses."""
    missing = [status for status in shown if status not in wrong.split(ARROW)]
    if missing:
        return f"{listed(missing)} is missing."
    if wrong in of_others:
        return f"That is what it shows in another case: {of_others[wrong]}"
    return f"It shows {len(shown)} in turn, each as long as its state lasts."


def of_hanging(lifecycle: Lifecycle) -> Iterator[QuestionDraft]:
    """Yield a question for each step that a repeated request leaves as it is: what ends it."""
    order = _operations(lifecycle)
    for number, (state, node) in enumerate(_nodes(lifecycle)):
        usual = {
            name: [t for t in lifecycle.possible(name, node) if not lifecycle.rare(t)]
            for name in order
        }
        right = [name for name, here in usual.items() if here and all(t.path for t in here)]
        idle = [name for name, here in usual.items() if here and not any(t.path for t in here)]
        again = [n for n in idle if any(t.path for t in lifecycle.operations[n].transitions)]
        if lifecycle.rests(state) or not again:
            continue
        when = {fact: None for n in again for t in usual[n] for fact in t.when}
        facts = tuple(f for f in when if lifecycle.memory.fact(f[0]).circumstance)
        text = f"{placed(lifecycle, state)}, and the step hangs.{known(lifecycle, facts)}"
        which = f"Which of these requests end the step? {TICK}"
        why = f"Accepted without any effect: {', '.join(again)}."
        others = [name for name in idle if name not in again]
        for turn in range(ALTERNATIVES):
            yield QuestionDraft(
                HANGS,
                f"{text} {which}",
                tuple(rotated(right, number + turn)[: 1 + number % 2]),
                (*rotated(again, number)[:2], *rotated(others, number)),
                why,
                "{} is accepted, but the step goes on hanging.".format,
                tuple(dict.fromkeys((*right, *again))),
            )


def _described_runs(lifecycle: Lifecycle, name: str, node: Node) -> Iterator[tuple[str, Way]]:
    """Yield a run of an operation for each sequence of statuses, with the facts that decide it."""
    ways: dict[str, Way] = {}
    for way in lifecycle.ways(node, name):
        ways.setdefault(_statuses(way), way)
    decided = len(ways) > 1 or not certain(lifecycle, name, node.state)
    for statuses, way in ways.items():
        facts = dict(fact for outcome in way for fact in outcome.transition.when if decided)
        facts_known = known(lifecycle, deciding(lifecycle, lifecycle.memory.ordered(facts)))
        if statuses:
            yield f"{placed(lifecycle, node.state)}, and {name} succeeds.{facts_known}", way


def _statuses(way: Way) -> str:
    return ARROW.join(_shown(way))


def _shown(way: Way) -> list[str]:
    statuses = (node.state.status for outcome in way for node in outcome.nodes)
    return [status for status, _ in groupby(statuses)]


def _spoiled(way: Way) -> list[str]:
    """Return common mistakes: without the last status but one, and without the first."""
    statuses = _shown(way)
    wrong = (statuses[:-2] + statuses[-1:], statuses[1:])
    return [ARROW.join(s) for s in wrong if s]


def _operations(lifecycle: Lifecycle) -> list[str]:
    """Return the names of the operations on a server that exists."""
    return [
        name
        for name, operation in lifecycle.operations.items()
        if any(t.source for t in operation.transitions)
    ]


def _nodes(lifecycle: Lifecycle) -> list[tuple[State, Node]]:
    """Return every state with the node of a server whose facts are unknown."""
    return [(state, lifecycle.found(state)) for state in lifecycle.states.values()]


def _resting(lifecycle: Lifecycle) -> list[tuple[State, Node]]:
    """Return those of them that are at rest."""
    return [(s, n) for s, n in _nodes(lifecycle) if not s.task_state and lifecycle.rests(s)]


def _ever(lifecycle: Lifecycle, name: str, goal: State) -> bool:
    """Whether an operation starts from a state or enters it anywhere."""
    trigger = lifecycle.triggers[name]
    return any(goal in t.path or t.source == goal for t in trigger.transitions)
