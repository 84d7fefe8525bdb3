"""The interpreter in the page is judged by the Python machine: the same answers, one by one."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.core.errors import Refused, UnknownFact
from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.core.model import Kind, Node, Transition
from ecs_fsm.core.scenario import simulate
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from tests.conftest import Opening

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
LIFECYCLES = pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=["ecs", "nova"])
Answer = list[Any]

NODES = """const { machine } = explorer;
const nodeOf = (pair) => pair && { state: machine.stateNamed.get(pair[0]), facts: pair[1] };
const pairOf = ({ state, facts }) => [state.name, facts];
"""
OUTCOMES = f"""(cases) => {{ {NODES}
return cases.map(([node, name, given]) => {{
  const found = machine.outcome(machine.triggerNamed.get(name), nodeOf(node), given);
  if (found.refused) return explorer.refusalText(found.refused);
  if (found.unknown) return explorer.unknownFactText(found.unknown, machine.triggerNamed.get(name), nodeOf(node));
  return [found.transition.index, found.nodes.map(pairOf), pairOf(found.end)];
}}); }}"""
REFUSALS = f"""(nodes) => {{ {NODES}
const reasons = new Map();
const number = (reason) => reasons.set(reason, reasons.get(reason) ?? reasons.size).get(reason);
const rows = nodes.map((pair) => {{
  const node = nodeOf(pair);
  return [machine.requests(node).map(({{ name }}) => name),
    machine.triggers.map((trigger) => machine.may(trigger, node) ? -1 : number(machine.reason(trigger, node)))];
}});
return {{ reasons: [...reasons.keys()], rows }}; }}"""
RUNS = """(runs) => { const { machine, Story, newRun, scenario } = explorer;
return runs.map((steps) => {
  const events = steps.map(([name, given]) => name === machine.data.hang ? { hang: true }
    : { trigger: machine.triggerNamed.get(name), given });
  const run = newRun(null, events);
  const history = new Story(machine, run).history();
  return [history.map(({ event, node }) => [event, node.state.name, node.facts]), scenario(machine, run)];
}); }"""


def pair(node: Node | None) -> Answer | None:
    return [str(node.state), dict(node.facts)] if node else None


def given_with(lifecycle: Lifecycle, outcome: Outcome) -> dict[str, str]:
    takes = lifecycle.triggers[outcome.transition.trigger].given
    return {n: v for n, v in (*outcome.transition.when, *outcome.facts) if n in takes}


@cache
def nodes(lifecycle: Lifecycle) -> tuple[Node, ...]:
    """Every node of the graph, and the source of every transition with no more than it needs."""
    needed = (lifecycle.node(t.source, dict(t.when)) for t in lifecycle.transitions if t.source)
    bare = map(lifecycle.place, lifecycle.states.values())
    return tuple(dict.fromkeys([*lifecycle.graph(), *bare, *needed]))


def evaluate(page: Page, question: str, about: object) -> Any:
    """What a function of the page answers; as text, which is the quickest way in and out."""
    return json.loads(
        page.evaluate(
            f"(text) => JSON.stringify(({question})(JSON.parse(text)))", json.dumps(about)
        )
    )


def answer(lifecycle: Lifecycle, case: Answer, node: Node | None) -> Answer | str:
    """What Python answers to a trigger in a node with facts."""
    _, trigger, given = case
    try:
        found = lifecycle.outcome(trigger, node, given)
    except (UnknownFact, Refused) as error:
        return str(error)
    place = places(lifecycle)[found.transition]
    return [place, [pair(n) for n in found.nodes], pair(found.end)]


@cache
def places(lifecycle: Lifecycle) -> dict[Transition, int]:
    return {transition: n for n, transition in enumerate(lifecycle.transitions)}


@LIFECYCLES
def test_every_transition_is_the_same_in_the_page(lifecycle: Lifecycle, opening: Opening) -> None:
    cases = [
        (node, [pair(node), outcome.transition.trigger, given_with(lifecycle, outcome)])
        for node in (None, *nodes(lifecycle))
        for outcome in lifecycle.outcomes(node)
    ]
    expected = [answer(lifecycle, case, node) for node, case in cases]
    assert evaluate(opening(lifecycle.name), OUTCOMES, [case for _, case in cases]) == expected
    taken = {case[0] for case in expected if isinstance(case, list)}
    assert taken == set(range(len(lifecycle.transitions)))


@LIFECYCLES
def test_a_trigger_without_facts_has_the_same_outcome(
    lifecycle: Lifecycle, opening: Opening
) -> None:
    cases: list[tuple[Node, Answer]] = [
        (node, [pair(node), name, {}])
        for node in nodes(lifecycle)
        for name, trigger in lifecycle.triggers.items()
        if trigger.given and lifecycle.possible(name, node)
    ]
    expected = [answer(lifecycle, case, node) for node, case in cases]
    assert evaluate(opening(lifecycle.name), OUTCOMES, [case for _, case in cases]) == expected


@LIFECYCLES
def test_every_refusal_is_the_same_in_the_page(lifecycle: Lifecycle, opening: Opening) -> None:
    page = opening(lifecycle.name)
    got = evaluate(page, REFUSALS, [pair(node) for node in nodes(lifecycle)])
    for node, (requests, row) in zip(nodes(lifecycle), got["rows"], strict=True):
        reasons = [None if n < 0 else got["reasons"][n] for n in row]
        allowed = [bool(lifecycle.possible(name, node)) for name in lifecycle.triggers]
        assert reasons == [
            None if can else lifecycle.reason(trigger, node)
            for can, trigger in zip(allowed, lifecycle.triggers, strict=True)
        ], node
        cases = zip(allowed, lifecycle.triggers.values(), strict=True)
        assert requests == [t.name for can, t in cases if can and t.kind is Kind.REQUEST]


def test_a_refusal_has_the_text_of_python(opening: Opening) -> None:
    page = opening(fragment="#from=active/powering-off")
    page.press("[data-name=resize]", "Enter")
    node = ECS.place(ECS.states["active/powering-off"])
    assert page.text_content("#said") == f"409 Conflict: {ECS.refusal('resize', node)}"


def walks(lifecycle: Lifecycle, seed: int) -> list[list[Answer]]:
    """Runs of together 200 steps, each from a creation; now and then a step hangs."""
    draw = random.Random(seed)  # noqa: S311 - a walk is no secret
    runs: list[list[Answer]] = [[]]
    node, hung = None, False
    for _ in range(200):
        outcomes = [
            o for o in lifecycle.outcomes(node)
            if not hung or o.transition.kind in (Kind.REQUEST, Kind.SYSTEM)
        ]  # fmt: skip
        if not outcomes:
            runs.append([])
            node, hung = None, False
            continue
        if node and not hung and not lifecycle.rests(node.state) and draw.random() < 0.05:
            runs[-1].append(["hang", {}])
            hung = True
            continue
        going = [o for o in outcomes if o.transition.trigger == lifecycle.advance]
        chosen = draw.choice(going if going and draw.random() < 0.6 else outcomes)
        runs[-1].append([chosen.transition.trigger, given_with(lifecycle, chosen)])
        hung = hung and not chosen.nodes
        node = lifecycle.outcome(chosen.transition.trigger, node, runs[-1][-1][1]).end
    return [run for run in runs if run]


def lived(lifecycle: Lifecycle, run: Sequence[Answer]) -> BaseServer:
    (_, given), *rest = run
    server = server_class(lifecycle.name).create(history=True, **given)
    for name, facts in rest:
        if name != "hang":
            server.trigger(name, **facts)
    return server


def entered(server: BaseServer) -> list[Answer]:
    return [
        [c.event, f"{c.vm_state}/{c.task_state or '-'}", dict(getattr(c, "remembers", ()))]
        for c in server.history
    ]


@LIFECYCLES
def test_random_walks_agree_and_can_be_repeated_as_words(
    lifecycle: Lifecycle, opening: Opening
) -> None:
    runs = [run for seed in range(50) for run in walks(lifecycle, seed)]
    page = opening(lifecycle.name)
    for run, (history, words) in zip(runs, evaluate(page, RUNS, runs), strict=True):
        expected = entered(lived(lifecycle, run))
        assert history == expected, run
        server, refused = simulate(server_class(lifecycle.name), words)
        assert (entered(server), refused) == (expected, None), words
