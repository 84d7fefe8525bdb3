"""Commands about wait loops: find their mistakes, make better ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ecs_fsm.cli.options import (
    Command,
    as_json,
    choosing,
    completing,
    print_json,
    remembering,
    servers,
)
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import NO_TASK
from ecs_fsm.io.console import visible

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
    shell_complete=completing(lambda lifecycle: [*lifecycle.states]),
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
    type=click.Choice(["text", "json", "github", "junit"]),
    help="text (default), json, or github or junit: one finding a line, for a CI service.",
)
@click.option(
    "--exclude", metavar="GLOB", multiple=True, help="Scan no such file; as in .gitignore."
)
@click.option(
    "--toml", "as_toml", is_flag=True, help="Print the waiters found as the TOML that check reads."
)
@click.option("--strict", is_flag=True, help="A wait that could not be judged fails too.")
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
    exclude: tuple[str, ...],
    as_toml: bool,
    strict: bool,
    service: str | None,
    picture: str | None,
    as_json: bool,
) -> int:
    """Find what is wrong with wait loops, against every run of their operations.

    A PATH that is a folder, or ends with .go, .py, .sh, .yml or .yaml, is scanned for wait loops;
    it is read and never run. --lifecycle is auto there unless you choose one: the imports of each
    file decide. A comment `ecs-fsm: operation=NAME from=VM/TASK` above a loop decides what the
    scanner cannot know, `ecs-fsm: ignore KIND -- reason` silences a kind of finding.

    One waiter is described by options. Many are in a TOML file (- is standard input), with
    tables [[waiter]] that have name, operation, target and, if need be, attribute, pending,
    failure, from, remember. A waiter polls the attribute after its operation was accepted. Without
    --pending everything else means go on. <gone> is the answer 404, - a null task_state; in
    status+task_state a value is ACTIVE/powering-off or ACTIVE/-, and ACTIVE alone is that status
    with any task. What goes wrong only under a rare circumstance (a host that is down, a network
    that a restarted host cannot plug) is a note that names it, unless --rare is given.

    \b
    Examples:
      ecs-fsm check --operation resize --attribute status --target VERIFY_RESIZE --failure ERROR
      ecs-fsm check --operation rebuild --target ACTIVE --from stopped/- --draw bug.svg
      ecs-fsm check waiters.toml --format github
      ecs-fsm check . --exclude 'tests/'
      ecs-fsm check --botocore ec2 --lifecycle ec2

    JSON of a scan: {"waiters": [{"file", "line", "function", "operation": [name, ...], "from":
    [state, ...] or null, "attribute", "pending": [...] or null, "target": [...], "failure": [...],
    "judged", "reason", "findings": [{"finding", "level", "from", "run", "polled", "message", "fix"
    or null}, ...]}, ...], "passed_over"}.

    JSON of waiters that you describe: {"waiters": [{"name", "findings": [{"finding", "avoidable",
    "from", "run": [{"vm_state", "task_state"}, ...], "polled": [value, ...], "message"}, ...],
    "notes": [...]}, ...]}.

    Exit code 1 if anything is found; notes do not count. In a scan, a finding counts if it is an
    error: another choice of values would avoid it, and the source shows the operation.
    """
    from ecs_fsm.waiters import report as forms

    if form and as_json:
        raise InvalidInput("--json and --format are mutually exclusive")
    lists = {"pending": pending, "target": target, "failure": failure}
    described = bool(operation or places or remember or attribute or any(lists.values()))
    if _scanned(paths, described):
        if picture or rare or form in ("github", "junit"):
            raise InvalidInput("a scan has no --draw, no --rare and the formats text and json only")
        return _scan(paths, exclude, "json" if as_json else form, as_toml, strict)
    if exclude or as_toml or strict:
        raise InvalidInput(
            "--exclude, --toml and --strict are for scans: expected a PATH of source"
        )
    if service is not None and (paths or described):
        raise InvalidInput("--botocore takes no PATH and no options that describe a waiter")
    if service is not None:
        reports = _shipped(service, rare)
    elif not paths:
        reports = [_one(operation, places, remember, attribute, lists, rare)]
    elif described:
        raise InvalidInput("FILE and options that describe a waiter are mutually exclusive")
    else:
        reports = [report for path in paths for report in _many(path, rare)]
    if picture is not None:
        _draw(picture, reports)
    if as_json or form == "json":
        print_json({"waiters": [report.as_dict() for report in reports]})
    else:
        shown = {"github": forms.github, "junit": forms.junit}
        click.echo(shown.get(form or "", forms.text)(reports), nl=False)
    return 1 if any(report.findings for report in reports) else 0


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


def _scan(
    paths: tuple[str, ...], exclude: tuple[str, ...], form: str | None, as_toml: bool, strict: bool
) -> int:
    from ecs_fsm.waiters.scan.configuration import scan_paths
    from ecs_fsm.waiters.scan.report import text, toml
    from ecs_fsm.waiters.scan.verdict import judge

    chosen = click.get_current_context().find_root().obj
    if as_toml and form is not None:
        raise InvalidInput("--toml and --format are mutually exclusive")
    lifecycle = None if chosen in (None, AUTO) else servers().lifecycle
    verdict = judge(scan_paths(paths, exclude), lifecycle)
    if form == "json":
        print_json(verdict.as_dict())
    else:
        click.echo((toml if as_toml else text)(verdict), nl=False)
    if form == "json" or as_toml:
        for sentence in (*verdict.unused, *verdict.problems):
            click.echo(f"note: {visible(sentence)}", err=True)
    failed = verdict.found() or (strict and bool(verdict.not_judged or verdict.unused))
    return 1 if failed else 0


def _draw(file: str, reports: list[Report]) -> None:
    from ecs_fsm.draw import format_of, save
    from ecs_fsm.waiters.report import draw, numbered

    format_of(file)
    found = [(report, finding) for report in reports for finding in report.findings]
    for number, (report, finding) in enumerate(found, start=1):
        save(draw(report.waiter.lifecycle, finding), numbered(file, number))


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


def _many(file: str, rare: bool) -> list[Report]:
    from ecs_fsm.waiters.report import examine
    from ecs_fsm.waiters.waiter import read_file

    return [examine(*placed, rare=rare) for placed in read_file(file, servers().lifecycle)]


def _shipped(service: str, rare: bool) -> list[Report]:
    from ecs_fsm.waiters.botocore_waiters import read_shipped
    from ecs_fsm.waiters.report import examine

    placed = read_shipped(service, servers().lifecycle)
    return [examine(waiter, rare=rare) for waiter, _, _ in placed]


def _split(listed: tuple[str, ...]) -> list[str]:
    words = (word.strip() for text in listed for word in text.split(","))
    return [word for word in words if word]


@click.command()
@choosing
@click.argument("operation", shell_complete=completing(_operations))
@beginnings
@remembering
@polling
@as_json
def infer(
    operation: str,
    places: tuple[str, ...],
    remember: tuple[str, ...],
    attribute: str | None,
    as_json: bool,
) -> int:
    """Make the best waiter for an operation, ready to paste: it has no avoidable finding.

    It is printed as lists, as Terraform's fields and as the TOML that `check` reads, with what no
    waiter on that attribute can see, and why. If separate waiters serve some starts better than a
    common one, there are several.

    \b
    Examples:
      ecs-fsm infer rebuild
      ecs-fsm infer stop --from active/- --attribute status+task_state

    JSON: a list of {"from": [...], "attribute", "pending": [...], "target": [...], "failure":
    [...], "findings": [...]}, findings as in check.
    """
    from ecs_fsm.waiters.inference import as_dict, pasteable
    from ecs_fsm.waiters.inference import infer as best_waiters

    waiters = best_waiters(
        operation,
        from_=places,
        attribute=attribute or "",
        remember=remember,
        lifecycle=servers().lifecycle,
    )
    if as_json:
        print_json([as_dict(waiter) for waiter in waiters])
    else:
        click.echo(pasteable(waiters), nl=False)
    return 0
