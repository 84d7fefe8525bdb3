"""Commands about wait loops: find their mistakes, make better ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ecs_fsm.cli.completion import completing, state_words
from ecs_fsm.cli.options import Command, as_json, choosing, print_json, remembering, servers
from ecs_fsm.cli.waiter_reports import Asked, complain, many, scan, show
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import NO_TASK

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.waiters.report import Report


AUTO = "auto"
"""The lifecycle of a scan that the imports of each file decide."""


def _operations(lifecycle: Lifecycle) -> list[str]:
    return list(lifecycle.operations)


def _attributes(lifecycle: Lifecycle) -> list[str]:
    from ecs_fsm.waiters.judge import attribute_names

    return list(attribute_names(lifecycle))


def _values(lifecycle: Lifecycle) -> list[str]:
    from ecs_fsm.waiters.judge import attribute_names, find_attribute

    names = attribute_names(lifecycle)
    return list(dict.fromkeys(v for name in names for v in find_attribute(lifecycle, name).values))


beginnings = click.option(
    "--from",
    "places",
    metavar="STATE",
    multiple=True,
    help=f"A state in which the operation is requested: VM/TASK, {NO_TASK} for no task; or its one "
    "word. [FACT=VALUE] after it adds a fact. Repeatable. Default: every state that accepts the "
    "operation.",
    shell_complete=state_words,
)
polling = click.option(
    "--attribute",
    metavar="NAME",
    help="The polled attribute, as the lifecycle calls it: status (default), task_state, vm_state "
    "or status+task_state; or its only one.",
    shell_complete=completing(_attributes),
)


def _listing(name: str, text: str) -> Callable[[Command], Command]:
    return click.option(
        name, metavar="A,B", multiple=True, help=text, shell_complete=completing(_values)
    )


@click.command()
@choosing
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(allow_dash=True))
@click.option(
    "--operation",
    metavar="NAME",
    help="The operation that the waiter waits for.",
    shell_complete=completing(_operations),
)
@beginnings
@remembering
@polling
@_listing("--pending", "Values at which it polls on; every other value is then a failure.")
@_listing("--target", "Values at which it stops with success.")
@_listing("--failure", "Values at which it stops with failure.")
@click.option(
    "--rare",
    is_flag=True,
    help="Count findings that need a rare circumstance, such as a host that is down.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "junit", "sarif"]),
    help="text (default), json, or github, junit or sarif for a CI service.",
)
@click.option(
    "--level",
    type=click.Choice(["error", "warning", "note"]),
    default="error",
    show_default=True,
    help="The least level that fails; of a scan, text shows no other findings.",
)
@click.option(
    "--baseline", metavar="FILE", help="Pass over the known findings that this file lists."
)
@click.option(
    "--write-baseline", is_flag=True, help="Write all findings to the file of --baseline."
)
@click.option(
    "--exclude", metavar="GLOB", multiple=True, help="Scan no such file; as in .gitignore."
)
@click.option(
    "--toml", "as_toml", is_flag=True, help="Print the waiters found as the TOML that check reads."
)
@click.option(
    "--strict", is_flag=True, help="What could not be judged, and a comment without use, fails too."
)
@click.option(
    "--botocore",
    "service",
    metavar="SERVICE",
    help="Judge the waiters that the package botocore ships for a service, such as ec2.",
)
@click.option(
    "--draw",
    "picture",
    metavar="FILE",
    help="Draw the run of the first finding; further ones go to FILE with a number added.",
)
@as_json
def check(
    paths: tuple[str, ...],
    operation: str | None,
    places: tuple[str, ...],
    remember: tuple[str, ...],
    attribute: str | None,
    pending: tuple[str, ...],
    target: tuple[str, ...],
    failure: tuple[str, ...],
    rare: bool,
    form: str | None,
    level: str,
    baseline: str | None,
    write_baseline: bool,
    exclude: tuple[str, ...],
    as_toml: bool,
    strict: bool,
    service: str | None,
    picture: str | None,
    as_json: bool,
) -> int:
    """Find what is wrong with wait loops, in code or in TOML.

    A PATH that is a folder, or ends with .go, .py, .sh, .yml or .yaml, is scanned for wait loops;
    it is read and never run. --lifecycle is auto there unless you choose one: the imports of each
    file decide. A comment `ecs-fsm: operation=NAME from=VM/TASK` above a loop decides what the
    scanner cannot know, `ecs-fsm: ignore KIND -- reason` silences a kind of finding.

    One waiter is described by options. Many are in a TOML file (- is standard input), with
    tables [[waiter]] that have name, operation, target and, if need be, attribute, pending,
    failure, from, remember; also source = "wait.py:41", where the loop is, and accept = ["hangs"]
    with reason = "why". A waiter polls the attribute after its operation was accepted. Without
    --pending everything else means go on. <gone> is the answer 404, - a null task_state; in
    status+task_state a value is ACTIVE/powering-off or ACTIVE/-, and ACTIVE alone is that status
    with any task. What goes wrong only under a rare circumstance (a host that is down, a network
    that a restarted host cannot plug) is a note that names it, unless --rare is given.

    A finding is an error if its run needs no fault and begins where servers usually are (for nova
    and ecs active, stopped or resized, for a deletion in an error too), and the lists of infer
    avoid it; a warning if the run needs a fault; a note if no lists help or the start is rare.

    \b
    Examples:
      ecs-fsm check . --exclude 'tests/' --level warning
      ecs-fsm check . --baseline known.json --write-baseline
      ecs-fsm check --operation resize --attribute status --target VERIFY_RESIZE --failure ERROR
      ecs-fsm check --operation rebuild --target ACTIVE --from stopped/- --draw bug.svg
      ecs-fsm check waiters.toml --format github
      ecs-fsm check --botocore ec2 --lifecycle ec2

    JSON of a scan: {"waiters": [{"file", "line", "function", "operation": [name, ...], "from":
    [state, ...] or null, "attribute", "pending": [...] or null, "target": [...], "failure": [...],
    "judged", "reason", "findings": [{"finding", "level", "from": [state, ...], "run", "polled",
    "message", "fix": {"pending", "target", "failure"} or null}, ...]}, ...], "passed_over"}.

    JSON of waiters that you describe: {"waiters": [{"name", "findings": [{"finding", "avoidable",
    "from", "run": [{"vm_state", "task_state"}, ...], "polled": [value, ...], "message", "level",
    "fix"}, ...], "notes": [...]}, ...]}.

    Exit code 1 if a finding is at the level or above it, 2 also if a waiter of a file is not valid;
    the others are judged.
    """
    if form and as_json:
        raise InvalidInput("--json and --format are mutually exclusive")
    form = "json" if as_json else form
    if write_baseline and baseline is None:
        raise InvalidInput("--write-baseline needs --baseline FILE, the file to write")
    lists = {"pending": pending, "target": target, "failure": failure}
    described = bool(operation or places or remember or attribute or any(lists.values()))
    asked = Asked(form, level, baseline, write_baseline, picture, rare)
    if _scanned(paths, described):
        if as_toml and form is not None:
            raise InvalidInput("--toml and --format are mutually exclusive")
        chosen = click.get_current_context().find_root().obj
        lifecycle = None if chosen in (None, AUTO) else servers().lifecycle
        return scan(paths, exclude, lifecycle, asked, as_toml=as_toml, strict=strict)
    if exclude or as_toml or strict:
        raise InvalidInput(
            "--exclude, --toml and --strict are for scans: expected a PATH of source"
        )
    if service is not None and (paths or described):
        raise InvalidInput("--botocore takes no PATH and no options that describe a waiter")
    wrong: list[InvalidInput] = []
    if service is not None:
        reports = _shipped(service, rare)
    elif not paths:
        reports = [_one(operation, places, remember, attribute, lists, rare)]
    elif described:
        raise InvalidInput("FILE and options that describe a waiter are mutually exclusive")
    else:
        reports, wrong = many(paths, servers().lifecycle, rare=rare)
    if wrong and not reports:
        first, *others = wrong
        complain(others)
        raise first
    code = show(reports, asked)
    complain(wrong)
    return 2 if wrong else code


def _scanned(paths: tuple[str, ...], described: bool) -> bool:
    """Return whether the paths are source to scan; set the lifecycle `auto` aside if not."""
    from ecs_fsm.waiters.scan.source_files import is_source

    sources = [path for path in paths if is_source(path)]
    if sources and described:
        raise InvalidInput("a waiter described by options is not scanned for: leave out the PATH")
    if sources and len(sources) < len(paths):
        other = next(path for path in paths if path not in sources)
        raise InvalidInput(f"{other} is not source to scan: check TOML files and source separately")
    root = click.get_current_context().find_root()
    if not sources and root.obj == AUTO:
        root.obj = None
    return bool(sources)


def _one(
    operation: str | None,
    places: tuple[str, ...],
    remember: tuple[str, ...],
    attribute: str | None,
    lists: dict[str, tuple[str, ...]],
    rare: bool,
) -> Report:
    from ecs_fsm.waiters.report import examine
    from ecs_fsm.waiters.waiter import Waiter

    if operation is None:
        raise InvalidInput("no waiter given: expected a FILE, or --operation NAME --target A,B")
    if not lists["target"]:
        raise InvalidInput("--target A,B is missing: the values at which the waiter succeeds")
    waiter = Waiter(
        operation,
        _split(lists["target"]),
        pending=_split(lists["pending"]) if lists["pending"] else None,
        failure=_split(lists["failure"]),
        attribute=attribute or "",
        from_=places,
        remember=remember,
        lifecycle=servers().lifecycle,
    )
    return examine(waiter, rare=rare)


def _shipped(service: str, rare: bool) -> list[Report]:
    from ecs_fsm.waiters.botocore_waiters import read_shipped
    from ecs_fsm.waiters.report import examine

    shipped = read_shipped(service, servers().lifecycle)
    return [examine(placed.waiter, rare=rare) for placed in shipped]


def _split(listed: tuple[str, ...]) -> list[str]:
    words = (word.strip() for text in listed for word in text.split(","))
    return [word for word in words if word]


@click.command()
@choosing
@click.argument("operation", shell_complete=completing(_operations))
@beginnings
@remembering
@polling
@click.option(
    "--as",
    "form",
    type=click.Choice(["python", "go", "terraform", "ansible", "bash", "toml"]),
    help="A complete loop: openstacksdk, gophercloud, a StateChangeConf, tasks of openstack.cloud, "
    "the openstack command, or a table for check.",
)
@as_json
def infer(
    operation: str,
    places: tuple[str, ...],
    remember: tuple[str, ...],
    attribute: str | None,
    form: str | None,
    as_json: bool,
) -> int:
    """Write the best wait loop for an operation, ready to paste.

    It has no avoidable finding. It is printed as lists, as Terraform's fields and as the TOML that
    `check` reads, with what no waiter on that attribute can see, and why. If separate waiters serve
    some starts better than a common one, there are several.

    With --as it is a complete loop, with a time limit, an interval, a branch for failure and one
    for 404, a comment on what it cannot see, and the comment by which a scan of check judges it.

    \b
    Examples:
      ecs-fsm infer rebuild
      ecs-fsm infer resize --lifecycle nova --as python
      ecs-fsm infer stop --from active/- --attribute status+task_state

    JSON: a list of {"from": [...], "attribute", "pending": [...], "target": [...], "failure":
    [...], "findings": [...]}, findings as in check.
    """
    from ecs_fsm.waiters.inference import as_dict, pasteable
    from ecs_fsm.waiters.inference import infer as best_waiters
    from ecs_fsm.waiters.loop_writers import write

    if form and as_json:
        raise InvalidInput("--json and --as are mutually exclusive")
    waiters = best_waiters(
        operation,
        from_=places,
        attribute=attribute or "",
        remember=remember,
        lifecycle=servers().lifecycle,
    )
    if as_json:
        print_json([as_dict(waiter) for waiter in waiters])
    elif form:
        click.echo(write(waiters, form), nl=False)
    else:
        click.echo(pasteable(waiters), nl=False)
    return 0
