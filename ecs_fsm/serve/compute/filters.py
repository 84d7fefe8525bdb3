"""Which servers of a list are meant: what a server must be, by each filter of a query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from starlette.datastructures import QueryParams

from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.compute.asking import Asking
from ecs_fsm.serve.compute.shapes import names
from ecs_fsm.serve.compute.values import as_flag
from ecs_fsm.serve.http.errors import ApiError

Test = Callable[[Instance], bool]
LONGEST_PATTERN, MOST_LOOPS, MOST_BRANCHES, MOST_WORK = 255, 3, 8, 2e8
REFUSED = re.compile(r"\)[*+{]|\\\d|\(\?")
"""What makes the time that a regular expression takes hard to foresee."""


def flag(query: QueryParams, name: str) -> bool:
    """A truth value; an empty one is true. Raises 400 for others."""
    value = as_flag(query.get(name, False))
    if name in query and query[name] == "":
        return True
    if not isinstance(value, bool):
        raise ApiError(400, f"Invalid input for query parameter {name}: {str(value)[:40]}")
    return value


def tests(asking: Asking, query: QueryParams) -> Iterator[Test]:
    """What a server must be, by each filter of the query. Raises 400 for one that does not read."""
    plain = {**EVERYBODYS, **(ADMINISTRATORS if asking.caller.admin else {})}
    usual = asking.compute.catalog.availability_zone
    plain["availability_zone"] = lambda instance: str(instance.details.get("zone") or usual)
    for name, get in plain.items():
        if name in query:
            yield _one_of(get, [value.lower() for value in query.getlist(name)])
    for name, read in PATTERNS.items():
        if name in query:
            yield _matching(name, query[name], read(asking))
    for name, later in (("changes-since", True), ("changes-before", False)):
        if name in query:
            yield _changed(asking, moment(name, query[name]), later)
    if asking.minor >= 26:
        yield from _tag_tests(query)
    if "locked" in query and asking.minor >= 73:
        wanted = flag(query, "locked")
        yield lambda instance: asking.compute.shapes.locked(instance) is wanted


EVERYBODYS: dict[str, Callable[[Instance], str]] = {
    "status": lambda instance: instance.state.status,
    "image": lambda instance: instance.image or "",
    "flavor": lambda instance: instance.flavor,
    "uuid": lambda instance: instance.id,
    "key_name": lambda instance: str(instance.details.get("key_name") or ""),
    "user_id": lambda instance: instance.user_id,
    "hostname": lambda instance: str(instance.details.get("hostname")),
    "reservation_id": lambda instance: str(instance.details.get("reservation_id")),
}
ADMINISTRATORS: dict[str, Callable[[Instance], str]] = {
    "vm_state": lambda instance: instance.state.vm_state,
    "task_state": lambda instance: instance.state.task_state or "",
}


def _one_of(get: Callable[[Instance], str], wanted: list[str]) -> Test:
    return lambda instance: get(instance).lower() in wanted


def _names(asking: Asking) -> Callable[[Instance], Iterable[str]]:
    return lambda instance: (instance.name,)


def _addresses(asking: Asking) -> Callable[[Instance], Iterable[str]]:
    shapes = asking.compute.shapes
    return lambda instance: (port.address for port in shapes.attachments(instance))


def _hosts(asking: Asking) -> Callable[[Instance], Iterable[str]]:
    shapes = asking.compute.shapes
    return lambda instance: (shapes.host(instance) or "",) if asking.caller.admin else ()


PATTERNS = {"name": _names, "ip": _addresses, "host": _hosts}


def _matching(name: str, text: str, get: Callable[[Instance], Iterable[str]]) -> Test:
    wanted, loops = pattern(name, text), len(LOOPS.findall(text))
    work = 0.0

    def matches(instance: Instance) -> bool:
        nonlocal work
        texts = tuple(get(instance))
        work += sum(len(text) ** (loops + 1) for text in texts)
        if work > MOST_WORK:
            raise ApiError(400, TOO_LONG.format(name))
        return any(wanted.search(text) for text in texts)

    return matches


LOOPS = re.compile(r"[*+?{]")
TOO_LONG = "Invalid filter {}: this regular expression could take too long"


def pattern(name: str, text: str) -> re.Pattern[str]:
    """A regular expression that takes no longer than a power of the text that it is tried on.

    Raises 400 for one that does not read, or that could take longer.
    """
    many = len(LOOPS.findall(text)) > MOST_LOOPS or text.count("|") > MOST_BRANCHES
    if len(text) > LONGEST_PATTERN or many or REFUSED.search(text):
        raise ApiError(400, TOO_LONG.format(name))
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ApiError(400, f"Invalid filter {name}: {error}") from None


def moment(name: str, text: str) -> datetime:
    """A date of ISO 8601, in UTC where it does not say. Raises 400 for others."""
    try:
        read = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise ApiError(400, f"Invalid input for query parameter {name}: {text[:40]}") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _changed(asking: Asking, at: datetime, later: bool) -> Test:
    seconds = (at - asking.cloud.clock.epoch).total_seconds()
    if later:
        return lambda instance: instance.updated >= seconds - 1
    return lambda instance: instance.updated <= seconds


def _tag_tests(query: QueryParams) -> Iterator[Test]:
    for name, (quantor, wanted) in TAGS.items():
        if name in query:
            yield _tagged(frozenset(query[name].split(",")), quantor, wanted)


TAGS: dict[str, tuple[Callable[[Iterable[bool]], bool], bool]] = {
    "tags": (all, True),
    "tags-any": (any, True),
    "not-tags": (all, False),
    "not-tags-any": (any, False),
}


def _tagged(tags: frozenset[str], quantor: Callable[[Iterable[bool]], bool], wanted: bool) -> Test:
    return lambda i: quantor(tag in names(i, "tags") for tag in tags) is wanted
