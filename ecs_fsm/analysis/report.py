"""The results of `path`, `cover` and `prove`, for a person and as plain data."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Sequence

from ecs_fsm.analysis.claimfile import Claim
from ecs_fsm.analysis.claims import Decision
from ecs_fsm.analysis.cover import Cover
from ecs_fsm.analysis.path import ShortestPath
from ecs_fsm.analysis.words import arguments, event_names, needed_facts, scenario_words
from ecs_fsm.core.graph import Run
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, Facts, State
from ecs_fsm.core.phrases import Phrases, with_status
from ecs_fsm.io.console import console, grouped, print_table, visible
from ecs_fsm.lifecycles import NAMES
from ecs_fsm.lifecycles.registry import option_of

Json = dict[str, object]


def print_paths(
    lifecycle: Lifecycle, paths: Sequence[ShortestPath], without: Sequence[Facts]
) -> None:
    """Print each path as a table of events, with the command that runs it."""
    for number, path in enumerate(paths):
        if number:
            _line()
        if path.facts:
            _line(f"where {_joined(path.facts)}:")
        elif number:
            _line(f"and for {Phrases(lifecycle.table).a_thing} at rest:")
        if not path.run.outcomes:
            _line("Nothing has to happen: it is there already.")
            continue
        columns = Phrases(lifecycle.table).columns
        print_table(("event", *columns.values()), _rows(lifecycle, path.run, columns))
        if path.passes:
            _line("It is entered in the middle of the last event, and left by the same.")
        _line(_command(lifecycle, path.run))
    for facts in without:
        _line(f"where {_joined(facts)} no path exists")


def print_no_path(why: str, reachable: Collection[State]) -> None:
    """Print why no path exists, and what can be reached instead, by status."""
    _line(why)
    by_status: dict[str, list[str]] = {}
    for state in reachable:
        by_status.setdefault(state.status, []).append(state)
    if not by_status:
        _line("nothing can be reached instead")
        return
    _line("what can be reached instead:")
    if all(state.one_word for state in reachable):
        _line(f"  {', '.join(by_status)}")
        return
    print_table(("status", "states"), ((s, ", ".join(states)) for s, states in by_status.items()))


def paths_as_dict(
    lifecycle: Lifecycle,
    paths: Sequence[ShortestPath],
    without: Sequence[Facts],
    why: str | None,
    reachable: Iterable[State],
) -> Json:
    """The shortest path with the further ones, or why there is none."""
    shown = [_path_as_dict(lifecycle, path) for path in paths]
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
    for run in cover.scenarios:
        _line(shlex.join(arguments(lifecycle, run)))
    count, events = len(cover.scenarios), _events(cover)
    scenarios = "1 scenario" if count == 1 else f"{count} scenarios"
    things = f"{len(cover.items)} {what.replace('-', ' ')}"
    _line(f"# {scenarios} with {events} events that touch all {things}")
    _line(f"# lower bound: {cover.at_least}, no fewer can do it (a minimum flow)")
    if cover.left_out:
        _line("# left out of the pairs, since no server comes to where it is possible:")
    for line in grouped(cover.left_out, lifecycle):
        _line(f"#   {line}")


def cover_as_dict(lifecycle: Lifecycle, cover: Cover) -> Json:
    """The scenarios as arguments of `simulate`, and how good they are."""
    return {
        "scenarios": [arguments(lifecycle, run) for run in cover.scenarios],
        "touched": len(cover.items),
        "lower_bound": cover.at_least,
        "events": _events(cover),
        "left_out": [transition.as_dict() for transition in cover.left_out],
    }


def _events(cover: Cover) -> int:
    return sum(len(run.outcomes) for run in cover.scenarios)


def print_claims(lifecycle: Lifecycle, decided: Iterable[tuple[Claim, Decision]]) -> None:
    """Print each claim with its decision, the reason, and the run that shows it false."""
    shown = console()
    for number, (claim, decision) in enumerate(decided):
        if number:
            _line()
        colour = "green" if decision.true else "red"
        word = "true" if decision.true else "false"
        head = visible(f"{word}: {claim.text} [{claim.name}]")
        shown.print(head, style=colour, soft_wrap=True)
        _line(f"  {decision.reason}")
        if decision.counterexample:
            _line(f"  {_on_one_line(lifecycle, decision.counterexample)}")
            _line(f"  {_command(lifecycle, decision.counterexample)}")


def claims_as_dicts(lifecycle: Lifecycle, decided: Iterable[tuple[Claim, Decision]]) -> list[Json]:
    """Each claim with its decision as plain data."""
    return [
        {
            "name": claim.name,
            "text": claim.text,
            "true": decision.true,
            "reason": decision.reason,
            "counterexample": run and [change.as_dict() for change in run.changes()],
            "simulate": run and arguments(lifecycle, run),
        }
        for claim, decision in decided
        for run in (decision.counterexample,)
    ]


def _line(text: str = "") -> None:
    console().print(visible(text), soft_wrap=True)


def _joined(facts: Facts) -> str:
    return " and ".join(f"{name}={value}" for name, value in facts)


def _rows(lifecycle: Lifecycle, run: Run, columns: Collection[str]) -> list[list[str]]:
    rows = [] if run.beginning is None else [[NO_TASK, *_parts(run.beginning.state, columns)]]
    for name, outcome in zip(event_names(lifecycle, run), run.outcomes, strict=True):
        entered = [[name, *_parts(node.state, columns)] for node in outcome.nodes]
        rows += entered or [[name, "(no change)", *[""] * (len(columns) - 1)]]
    return rows


def _parts(state: State, columns: Iterable[str]) -> list[str]:
    return [getattr(state, column) or NO_TASK for column in columns]


def _on_one_line(lifecycle: Lifecycle, run: Run) -> str:
    """A run on one line: states with their status, the events before the arrows."""
    begun = [] if run.beginning is None else [with_status(run.beginning.state)]
    for name, outcome in zip(event_names(lifecycle, run), run.outcomes, strict=True):
        entered = " + ".join(with_status(node.state) for node in outcome.nodes) or "(no change)"
        begun.append(f"{name} → {entered}")
    return ", ".join(begun)


def _command(lifecycle: Lifecycle, run: Run) -> str:
    """The command line that runs a run."""
    words = arguments(lifecycle, run)
    called = option_of(lifecycle)
    chosen = () if called == NAMES[0] else ("--lifecycle", called)
    return shlex.join(("ecs-fsm", "simulate", *words, *chosen))


def _path_as_dict(lifecycle: Lifecycle, path: ShortestPath) -> Json:
    run = path.run
    return {
        "events": [
            {
                "event": outcome.transition.trigger,
                "given": needed_facts(lifecycle, node, outcome),
                "states": [entered.state.as_dict() for entered in outcome.nodes],
            }
            for node, outcome in run.events()
        ],
        "words": scenario_words(lifecycle, run),
        "simulate": arguments(lifecycle, run),
        "begins": run.beginning and run.beginning.state.as_dict(),
        "if": dict(path.facts),
        "passes": path.passes,
    }
