"""What the walking commands answer, for a person and as plain data."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from ecs_fsm.analysis.claimfile import Claim
from ecs_fsm.analysis.cover import Cover
from ecs_fsm.analysis.ground import Verdict
from ecs_fsm.analysis.moves import Walk, given, places
from ecs_fsm.analysis.saying import arguments, say
from ecs_fsm.analysis.ways import Way
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, Facts, State
from ecs_fsm.io.console import console, grouped, print_table
from ecs_fsm.lifecycles import NAMES

Json = dict[str, object]


def print_ways(lifecycle: Lifecycle, ways: Sequence[Way], without: Sequence[Facts]) -> None:
    """Print each way as a table of events, with the command that runs it."""
    for number, way in enumerate(ways):
        if number:
            _line()
        if way.facts:
            _line(f"where {_told(way.facts)}:")
        elif number:
            _line("and for a server at rest:")
        if not way.walk.outcomes:
            _line("Nothing has to happen: it is there already.")
            continue
        print_table(("event", "vm_state", "task_state", "status"), _rows(lifecycle, way.walk))
        if way.passes:
            _line("It is entered in the middle of the last event, and left by the same.")
        _line(_command(lifecycle, way.walk))
    for facts in without:
        _line(f"where {_told(facts)} there is no way")


def print_no_way(why: str, reachable: Iterable[State]) -> None:
    """Print why there is no way, and what can be reached instead, by status."""
    _line(why)
    by_status: dict[str, list[str]] = {}
    for state in reachable:
        by_status.setdefault(state.status, []).append(state)
    if not by_status:
        _line("nothing can be reached instead")
        return
    _line("what can be reached instead:")
    print_table(("status", "states"), ((s, ", ".join(states)) for s, states in by_status.items()))


def ways_as_dict(
    lifecycle: Lifecycle,
    ways: Sequence[Way],
    without: Sequence[Facts],
    why: str | None,
    reachable: Iterable[State],
) -> Json:
    """The shortest way with the further ones, or why there is none."""
    shown = [_way_as_dict(lifecycle, way) for way in ways]
    keys = ("events", "words", "simulate", "begins", "if", "passes")
    return {
        **(shown[0] if shown else dict.fromkeys(keys)),
        "others": shown[1:],
        "without": [dict(facts) for facts in without],
        "why": why,
        "reachable": [state.as_dict() for state in reachable] if why else None,
    }


def print_cover(lifecycle: Lifecycle, cover: Cover, what: str) -> None:
    """Print a scenario a line, then how good they are."""
    for walk in cover.scenarios:
        _line(shlex.join(arguments(lifecycle, walk)))
    count, events = len(cover.scenarios), _events(cover)
    scenarios = "1 scenario" if count == 1 else f"{count} scenarios"
    things = f"{len(cover.things)} {what.replace('-', ' ')}"
    _line(f"# {scenarios} with {events} events that touch all {things}")
    _line(f"# lower bound: {cover.at_least}, no fewer can do it (a minimum flow)")
    if cover.left_out:
        _line("# left out of the pairs, since no server comes to where it is possible:")
    for line in grouped(cover.left_out, lifecycle.because):
        _line(f"#   {line}")


def cover_as_dict(lifecycle: Lifecycle, cover: Cover) -> Json:
    """The scenarios as arguments of `simulate`, and how good they are."""
    return {
        "scenarios": [arguments(lifecycle, walk) for walk in cover.scenarios],
        "touched": len(cover.things),
        "lower_bound": cover.at_least,
        "events": _events(cover),
        "left_out": [transition.as_dict() for transition in cover.left_out],
    }


def _events(cover: Cover) -> int:
    return sum(len(walk.outcomes) for walk in cover.scenarios)


def print_claims(lifecycle: Lifecycle, decided: Iterable[tuple[Claim, Verdict]]) -> None:
    """Print each claim with its verdict, the reason, and the run that shows it false."""
    shown = console()
    for number, (claim, verdict) in enumerate(decided):
        if number:
            _line()
        colour = "green" if verdict.true else "red"
        word = "true" if verdict.true else "false"
        shown.print(f"{word}: {claim.text} [{claim.name}]", style=colour, soft_wrap=True)
        _line(f"  {verdict.reason}")
        if verdict.counterexample:
            _line(f"  {_run(lifecycle, verdict.counterexample)}")
            _line(f"  {_command(lifecycle, verdict.counterexample)}")


def claims_as_dicts(lifecycle: Lifecycle, decided: Iterable[tuple[Claim, Verdict]]) -> list[Json]:
    """Each claim with its verdict as plain data."""
    return [
        {
            "name": claim.name,
            "text": claim.text,
            "true": verdict.true,
            "reason": verdict.reason,
            "counterexample": run and [change.as_dict() for change in run.changes()],
            "simulate": run and arguments(lifecycle, run),
        }
        for claim, verdict in decided
        for run in (verdict.counterexample,)
    ]


def _line(text: str = "") -> None:
    console().print(text, soft_wrap=True)


def _told(facts: Facts) -> str:
    return " and ".join(f"{name}={value}" for name, value in facts)


def _rows(lifecycle: Lifecycle, walk: Walk) -> list[list[str]]:
    rows = [] if walk.beginning is None else [[NO_TASK, *_parts(walk.beginning.state)]]
    for name, outcome in zip(walk.names(lifecycle), walk.outcomes, strict=True):
        entered = [[name, *_parts(node.state)] for node in outcome.nodes]
        rows += entered or [[name, *("(no change)", "", "")]]
    return rows


def _parts(state: State) -> tuple[str, str, str]:
    return state.vm_state, state.task_state or NO_TASK, state.status


def _run(lifecycle: Lifecycle, walk: Walk) -> str:
    """A run on one line: states with their status, the events before the arrows."""
    begun = [] if walk.beginning is None else [_shown(walk.beginning.state)]
    for name, outcome in zip(walk.names(lifecycle), walk.outcomes, strict=True):
        entered = " + ".join(_shown(node.state) for node in outcome.nodes) or "(no change)"
        begun.append(f"{name} → {entered}")
    return ", ".join(begun)


def _shown(state: State) -> str:
    return f"{state} ({state.status})"


def _command(lifecycle: Lifecycle, walk: Walk) -> str:
    """The command line that runs a walk."""
    words = arguments(lifecycle, walk)
    chosen = () if lifecycle.name == NAMES[0] else ("--lifecycle", lifecycle.name)
    return shlex.join(("ecs-fsm", "simulate", *words, *chosen))


def _way_as_dict(lifecycle: Lifecycle, way: Way) -> Json:
    walk = way.walk
    return {
        "events": [
            {
                "event": outcome.transition.trigger,
                "given": given(lifecycle, node, outcome),
                "states": [entered.state.as_dict() for entered in outcome.nodes],
            }
            for node, outcome in places(walk)
        ],
        "words": say(lifecycle, walk),
        "simulate": arguments(lifecycle, walk),
        "begins": walk.beginning and walk.beginning.state.as_dict(),
        "if": dict(way.facts),
        "passes": way.passes,
    }
