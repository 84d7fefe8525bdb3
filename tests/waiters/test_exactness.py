"""The answers of `check` and `infer` are exact: nothing more and nothing less than enumeration."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given, settings

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.waiters import Waiter, infer
from ecs_fsm.waiters.judge import NAMES, find_attribute
from ecs_fsm.waiters.runs import runs_from
from ecs_fsm.waiters.starts import all_starts
from tests import brute_force
from tests.polled import meant, places, waiters

QUICK = settings(max_examples=60)
# What a server does not notice (a lock, metadata) can be requested in every state, with all facts.
MOVING = tuple(
    name for name, trigger in NOVA.operations.items() if any(t.path for t in trigger.transitions)
)
VERDICTS = ("success", "failure", "go on")


def enumerated(waiter: Waiter, longest: int) -> tuple[brute_force.Shown, ...]:
    walked = brute_force.walks(waiter.lifecycle, waiter.operation, waiter.from_, longest)
    return brute_force.shown(walked, waiter.attribute)


def compare(waiter: Waiter, longest: int = brute_force.LONGEST) -> None:
    runs = enumerated(waiter, longest)
    values = {v for run in runs for v in (*run.values, run.for_ever)}
    expected = brute_force.findings(runs, {value: meant(waiter, value) for value in values})
    found = [(finding.kind.value, finding.value) for finding in waiter.findings()]
    assert len(found) == len(set(found))
    assert set(found) == expected


@given(waiters(ECS, tuple(ECS.operations)))
@QUICK
def test_a_waiter_for_an_ecs_has_the_findings_of_every_run_and_polling(waiter: Waiter) -> None:
    compare(waiter)


@given(waiters(NOVA, MOVING))
@QUICK
def test_a_waiter_for_a_nova_server_has_them_too(waiter: Waiter) -> None:
    compare(waiter)


@given(waiters(ECS, tuple(ECS.operations)))
@QUICK
def test_a_finding_is_shown_by_a_run_that_there_is_and_a_poll_of_it(waiter: Waiter) -> None:
    walked = brute_force.walks(waiter.lifecycle, waiter.operation, waiter.from_)
    ended = {(walk.states, walk.succeeded): walk for walk in walked if not walk.hangs}
    for finding in waiter.findings():
        assert finding.run
        states = tuple(node.state for node in finding.run.nodes)
        walk = ended[states, finding.run.succeeded]
        assert finding.run.start.full_name in waiter.from_
        values = [brute_force.value(waiter.attribute, state) for state in states]
        values += ["<gone>"] * walk.gone
        assert tuple(values[place] for place in finding.seen) == finding.polled
        assert finding.value in (None, finding.polled[-1])
        assert list(finding.seen) == sorted(set(finding.seen))
        name = (finding.kind.value, finding.value)
        verdicts = {v: meant(waiter, v) for v in {*values, brute_force.GONE}}
        for other in brute_force.shown(
            [w for w in ended.values() if len(w.states) < len(states)], waiter.attribute
        ):
            verdicts |= {v: meant(waiter, v) for v in (*other.values, other.for_ever)}
            assert finding.value is None or name not in brute_force.findings([other], verdicts)


def assignments(runs: tuple[brute_force.Shown, ...]) -> Iterator[dict[str, str]]:
    values = list(dict.fromkeys(v for run in runs for v in (*run.values, run.for_ever)))
    for verdicts in product(VERDICTS, repeat=len(values)):
        yield dict(zip(values, verdicts, strict=True))


FEW_VALUES = [
    (operation, attribute, place)
    for operation in ECS.operations
    for attribute in NAMES
    for place in places(ECS, operation)
    if place.endswith(("/-", ")"))
    and len({v for run in brute_force.shown(brute_force.walks(ECS, operation, (place,), 8), attribute)
             for v in (*run.values, run.for_ever)}) <= 6
]  # fmt: skip


def every_waiter(
    operation: str, attribute: str, place: str
) -> list[tuple[dict[str, str], set[tuple[str, str | None]]]]:
    runs = brute_force.shown(brute_force.walks(ECS, operation, (place,), 8), attribute)
    polled = {v for run in runs for v in (*run.values, run.for_ever)}
    spare = any(value not in polled for value in find_attribute(ECS, attribute).values)
    return [
        (verdicts, brute_force.findings(runs, verdicts))
        for verdicts in assignments(runs)
        if spare or "success" in verdicts.values()
    ]


@pytest.mark.parametrize(("operation", "attribute", "place"), FEW_VALUES, ids=lambda word: word)
def test_avoidable_and_best_are_what_a_look_at_every_waiter_says(
    operation: str, attribute: str, place: str
) -> None:
    every = every_waiter(operation, attribute, place)
    spare = next((v for v in find_attribute(ECS, attribute).values if v not in every[0][0]), None)
    for verdicts, found in every[:: max(1, len(every) // 60)]:
        lists = {verdict: [v for v in verdicts if verdicts[v] == verdict] for verdict in VERDICTS}
        waiter = Waiter(
            operation,
            lists["success"] or [str(spare)],
            pending=lists["go on"],
            failure=lists["failure"],
            attribute=attribute,
            from_=place,
        )
        for finding in waiter.findings():
            key = (finding.kind.value, finding.value)
            assert finding.avoidable == any(key not in other < found for _, other in every)
    (best,) = infer(operation, from_=place, attribute=attribute)
    own = {(finding.kind.value, finding.value) for finding in best.findings()}
    assert weight(own) == min(weight(found) for _, found in every)


def weight(found: set[tuple[str, str | None]]) -> list[int]:
    order = ("never-succeeds", "misses", "spurious-failure", "leaves-early", "false-success",
             "blind", "hangs")  # fmt: skip
    return [sum(name == fault for fault, _ in found) for name in order]


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
@pytest.mark.parametrize("attribute", NAMES)
def test_nothing_that_infer_leaves_can_be_avoided(lifecycle: Lifecycle, attribute: str) -> None:
    for operation in lifecycle.operations:
        starts = places(lifecycle, operation)
        for place in ((), *((name,) for name in starts[:: 1 + len(starts) // 50])):
            inferred = infer(operation, from_=place, attribute=attribute, lifecycle=lifecycle)
            for waiter in inferred:
                faults = [finding for finding in waiter.findings() if finding.avoidable]
                assert faults == [], f"{operation} from {place or 'everywhere'}"
            served = [start.full_name for waiter in inferred for start in waiter.runs.starts]
            assert sorted(served) == sorted(place or places(lifecycle, operation))


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_a_run_in_which_nothing_goes_wrong_ends_where_its_operation_ends(
    lifecycle: Lifecycle,
) -> None:
    for operation in lifecycle.operations:
        for start in all_starts(lifecycle, operation):
            runs = runs_from(lifecycle, operation, (start,))
            ends = {start.request.end}
            while not all(map(lifecycle.stays, ends)):
                going = {node for node in ends if not lifecycle.stays(node)}
                ends -= going
                ends |= {way.end for node in going for way in lifecycle.outcomes(node, "advance")}
            ended = {s.node for s in runs.positions if runs.ended(s) and not s.wrong}
            assert ended <= ends
            assert runs.shortest().succeeded
