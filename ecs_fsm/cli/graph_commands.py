"""Commands that search the state graph: a path, covering scenarios, claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ecs_fsm.cli.completion import completing
from ecs_fsm.cli.options import as_json, choosing, print_json, remembering, servers
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.phrases import Phrases

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ecs_fsm.analysis.path import PathLimits
    from ecs_fsm.core.lifecycle import Lifecycle


def _places(lifecycle: Lifecycle) -> list[str]:
    return [*lifecycle.table.statuses, *lifecycle.states]


@click.command()
@choosing
@click.argument("origin", metavar="FROM", shell_complete=completing(_places))
@click.argument("goal", metavar="TO", shell_complete=completing(_places))
@click.option(
    "--avoid",
    metavar="WORD",
    multiple=True,
    help="A state or status not to enter, or an operation or event not to use. Repeatable.",
    shell_complete=completing(lambda lifecycle: [*_places(lifecycle), *lifecycle.triggers]),
)
@click.option("--no-failures", is_flag=True, help="Use no event in which something goes wrong.")
@remembering
@as_json
def path(  # a parameter for each option
    origin: str,
    goal: str,
    avoid: tuple[str, ...],
    no_failures: bool,
    remember: tuple[str, ...],
    as_json: bool,
) -> int:
    """Find the shortest path from one state or status to another.

    FROM and TO are states (VM/TASK, - for no task; or one word) or statuses; a status means any
    state that shows it. FROM can also be '(no server)', or with the noun of the lifecycle
    '(no volume)'. The path is printed as events, and as WORDs for `simulate`.
    If it depends on facts, each value has its own path; a fact with a usual value has that one,
    unless --remember gives another. Exit code 1 if no path exists.

    \b
    Examples:
      ecs-fsm path ACTIVE VERIFY_RESIZE
      ecs-fsm path stopped/- active/- --avoid stopped/powering-on --no-failures
      ecs-fsm path resized/- ACTIVE --remember was=stopped --lifecycle nova

    JSON: {"from", "to", "events": [{"event", "given", "states": [{"vm_state", "task_state",
    "status"}, ...]}, ...], "words", "simulate", "begins", "if", "passes", "others", "without",
    "why", "reachable"}. "words" are the WORDs of the path, "simulate" all arguments of that
    command; "begins" is the state in which the path begins, null for no server; "if" gives the
    facts with which this is the path, "without" those with which none exists; "passes" is true if
    TO is entered only in the middle of the last event; "others" are further paths with the same
    keys. If no path exists, "events" is null, "why" gives the reason, and "reachable" lists the
    states that can be entered.
    """
    from ecs_fsm.analysis.path import PathFinder, read_endpoints, why_not
    from ecs_fsm.analysis.report import paths_as_dict, print_no_path, print_paths

    lifecycle = servers().lifecycle
    said = lifecycle.notation.facts(",".join(remember)) if remember else {}
    phrases = Phrases(lifecycle.table)
    if said and phrases.means_nowhere(origin):
        raise InvalidInput(f"--remember is about {phrases.a_thing} that exists: say where it is")
    ends, limits = read_endpoints(lifecycle, origin, goal), _limits(avoid, no_failures)
    finder = PathFinder(lifecycle, ends.origin, said, limits)
    paths, without = finder.to(ends.goal)
    why = None if paths else why_not(lifecycle, ends, said, limits)
    if as_json:
        answer = paths_as_dict(lifecycle, paths, without, why, finder.reachable())
        print_json({"from": origin, "to": goal, **answer})
    elif why is None:
        print_paths(lifecycle, paths, without)
    else:
        print_no_path(f"no path leads from {origin} to {goal}: {why}", finder.reachable())
    return 0 if paths else 1


def _limits(avoid: tuple[str, ...], no_failures: bool) -> PathLimits:
    from ecs_fsm.analysis.path import read_limits

    return read_limits(servers().lifecycle, avoid, failures=not no_failures)


@click.command()
@choosing
@click.option(
    "--what",
    type=click.Choice(["states", "transitions", "pairs-of-transitions"]),
    default="transitions",
    show_default=True,
    help="What the scenarios must reach.",
)
@as_json
def cover(what: str, as_json: bool) -> int:
    """Make a few scenarios that reach everything.

    They reach every state, transition or pair of transitions. Each line has the arguments of
    `simulate`. A transition is what one event does in one state, for
    each value of the facts on which it depends; a pair is two transitions in a row. Scenarios begin
    with the creation of a server. The exception is a transition out of a state that servers only
    pass through within an event: its scenario begins there, and pairs leave it out. The last lines,
    after #, give how much is reached and the least number of scenarios that could do it: each is a
    walk through the graph of what can follow what, and a minimum flow through its strongly
    connected components gives how many walks are needed.

    \b
    Examples:
      ecs-fsm cover
      ecs-fsm cover --what states --lifecycle nova
      ecs-fsm cover | grep -v '^#' | xargs -L 1 ecs-fsm simulate

    JSON: {"what", "scenarios": [[argument of simulate, ...], ...], "touched", "lower_bound",
    "events", "left_out"}; "touched" is how many things are, all there are; "left_out" are the
    transitions without pairs, as `operations` gives them.
    """
    from ecs_fsm.analysis.cover import cover as scenarios_for
    from ecs_fsm.analysis.report import cover_as_dict, print_cover

    lifecycle = servers().lifecycle
    found = scenarios_for(lifecycle, what)
    if as_json:
        print_json({"what": what, **cover_as_dict(lifecycle, found)})
    else:
        print_cover(lifecycle, found, what)
    return 0


def _claim_names(ctx: click.Context, param: click.Parameter, start: str) -> list[CompletionItem]:
    from ecs_fsm.analysis.claimfile import built_in

    names = completing(lambda lifecycle: [claim.name for claim in built_in(lifecycle)])
    return names(ctx, param, start)


@click.command()
@choosing
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_claim_names)
@click.option(
    "--claims",
    "file",
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="A TOML file with claims (- is standard input), decided instead of the built-in ones.",
)
@as_json
def prove(names: tuple[str, ...], file: str | None, as_json: bool) -> int:
    """Decide whether claims are true, or show a counterexample.

    Without a NAME, all claims of FILE are decided, or all built-in claims if no FILE is given; a
    NAME selects one of either. The built-in claims include popular errors. Exit code 0 if all
    decided claims are true, 1 if one is false.

    \b
    Examples:
      ecs-fsm prove
      ecs-fsm prove delete-leads-to-deleted --lifecycle nova
      ecs-fsm prove --claims mine.toml

    \b
    FILE has a table for each claim, with name, text, kind and the keys of the kind:
      leads         from, by, to      from every state of `from` a run leads to `to`, in which
                                      `by` is requested and nothing else after it
      never         from, to          no run leads from `from` to `to`
      way-out       of, but           every state of `of`, except those of `but`, can be left
      left-only-by  of, by            `of` is left only while `by` runs
      accepted      of, by            every state of `of` accepts `by`
      tells         attribute         status, vm_state or task_state alone shows whether a task
                                      runs
      between       from, to, always  between showing `from` and showing `to` one of the events
                                      of `always` happens
      course        of, that, and     every run of the operation `of` that "fails", "succeeds" or
                    shows or ends     "ends" (either) shows `shows` (a failing one, from then on),
                                      or comes to rest in `ends`
    Name states by a state, a status, a vm_state, "any", or a list of these; operations and events
    by a name or a list of names.

    \b
      [[claim]]
      name = "rebuild-ends-active"
      text = "A rebuild that succeeds leaves the server ACTIVE."
      kind = "course"
      of = "rebuild"
      that = "succeeds"
      ends = "ACTIVE"

    \b
      [[claim]]
      name = "deleted-is-final"
      text = "A deleted server never comes back."
      kind = "never"
      from = "DELETED"
      to = "any"

    JSON: {"lifecycle", "claims": [{"name", "text", "true", "reason", "counterexample": null or
    [{"event", "vm_state", "task_state", "status"}, ...], "simulate": null or its arguments}, ...]};
    the first change of a counterexample has no event if the server already exists.
    """
    from ecs_fsm.analysis.claimfile import choose
    from ecs_fsm.analysis.report import claims_as_dicts, print_claims

    lifecycle = servers().lifecycle
    claims = choose(lifecycle, names, file)
    decided = [(claim, claim.says.decide(lifecycle)) for claim in claims]
    if as_json:
        answer = claims_as_dicts(lifecycle, decided)
        print_json({"lifecycle": lifecycle.name, "claims": answer})
    else:
        print_claims(lifecycle, decided)
    return 0 if all(decision.true for _, decision in decided) else 1
