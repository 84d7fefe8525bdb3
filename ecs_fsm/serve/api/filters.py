"""Lists of servers: which of them are meant, in which order, and page by page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple, cast

from starlette.datastructures import QueryParams

from ecs_fsm.model import State
from ecs_fsm.serve.api.asking import FORBIDDEN, Asking
from ecs_fsm.serve.api.creating import as_flag
from ecs_fsm.serve.api.errors import ApiError
from ecs_fsm.serve.api.paging import MOST
from ecs_fsm.serve.api.shapes import names
from ecs_fsm.serve.instance import Instance

Test = Callable[[Instance], bool]
LONGEST_PATTERN, MOST_LOOPS, MOST_BRANCHES, MOST_WORK = 255, 3, 8, 2e8
REFUSED = re.compile(r"\)[*+{]|\\\d|\(\?")
"""What makes the time that a regular expression takes hard to foresee."""


class Page(NamedTuple):
    """Servers of a list, and the query of the next page if there is one."""

    servers: list[Instance]
    more: str | None


def listed(asking: Asking) -> Page:
    """The servers that a query asks for.

    Raises 400 for a query that does not read, 403 for what only administrators may ask.
    """
    query = asking.request.query_params
    limit, marker = _limit(query), query.get("marker")
    found = iter(_ordered(asking, _candidates(asking, query), query))
    if marker:
        _behind(found, marker)
    tests = list(_tests(asking, query))
    shown: list[Instance] = []
    if limit == 0:
        return Page(shown, None)
    for instance in found:
        if all(test(instance) for test in tests):
            if len(shown) == limit:
                url = asking.request.url.include_query_params(marker=shown[-1].id)
                return Page(shown, url.query)
            shown.append(instance)
    return Page(shown, None)


def _limit(query: QueryParams) -> int:
    text = query.get("limit")
    if text is None:
        return MOST
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise ApiError(400, f"Invalid input for query parameter limit. Value: {text[:40]}")
    return min(int(text), MOST)


def _behind(found: Iterator[Instance], marker: str) -> None:
    """Goes on behind the server with that id."""
    if not any(instance.id == marker for instance in found):
        raise ApiError(400, f"marker [{marker[:255]}] not found")


def _flag(query: QueryParams, name: str) -> bool:
    value = as_flag(query.get(name, False))
    if name in query and query[name] == "":
        return True
    if not isinstance(value, bool):
        raise ApiError(400, f"Invalid input for query parameter {name}: {str(value)[:40]}")
    return value


def _candidates(asking: Asking, query: QueryParams) -> Iterable[Instance]:
    """Those that the caller may see, of those that are there or, if asked for, gone."""
    cloud, caller = asking.cloud, asking.caller
    every = _flag(query, "all_tenants") or _flag(query, "all_projects")
    if every and not caller.admin:
        raise ApiError(403, FORBIDDEN.format("os_compute_api:servers:index:get_all_tenants"))
    gone = caller.admin and _flag(query, "deleted")
    pools = [cloud.gone] if gone else [cloud.instances]
    past = "changes-since" in query and "deleted" not in query
    if not gone and (past or _all_gone(asking, query)):
        pools.append(cloud.gone)
    wanted = (query.get("project_id") or query.get("tenant_id")) if every else caller.project_id
    everything = (instance for pool in pools for instance in reversed(pool.values()))
    return (i for i in everything if (wanted is None and every) or i.project_id == wanted)


def _all_gone(asking: Asking, query: QueryParams) -> bool:
    """Whether a status is asked for that only servers have that are gone."""
    asked = {status.upper() for status in query.getlist("status")}
    gone = {state.status.upper() for state in _ends(asking)}
    if not asked & gone:
        return False
    if not asking.caller.admin:
        raise ApiError(403, FORBIDDEN.format("os_compute_api:servers:index"))
    return True


def _ends(asking: Asking) -> list[State]:
    lifecycle = asking.cloud.lifecycle
    return [state for state in lifecycle.states.values() if not lifecycle.leaving(state)]


SORTS: dict[str, Callable[[Instance], object]] = {
    "created_at": lambda instance: instance.created,
    "updated_at": lambda instance: instance.updated,
    "launched_at": lambda instance: instance.launched or 0.0,
    "display_name": lambda instance: instance.name,
    "uuid": lambda instance: instance.id,
    "vm_state": lambda instance: instance.state.vm_state,
    "task_state": lambda instance: instance.state.task_state or "",
    "power_state": lambda instance: instance.state.vm_state,
    "project_id": lambda instance: instance.project_id,
    "user_id": lambda instance: instance.user_id,
    "host": lambda instance: instance.host,
    "image_ref": lambda instance: instance.image or "",
    "instance_type_id": lambda instance: instance.flavor,
    "key_name": lambda instance: str(instance.details.get("key_name") or ""),
    "availability_zone": lambda instance: str(instance.details.get("zone") or ""),
    "config_drive": lambda instance: str(instance.details.get("config_drive") or ""),
    "display_description": lambda instance: str(instance.details.get("description") or ""),
    "access_ip_v4": lambda instance: str(instance.details.get("accessIPv4") or ""),
    "access_ip_v6": lambda instance: str(instance.details.get("accessIPv6") or ""),
}
"""What servers are ordered by."""
NEWEST_FIRST = "desc"
DIRECTIONS = ("asc", NEWEST_FIRST)


def _ordered(asking: Asking, found: Iterable[Instance], query: QueryParams) -> Iterable[Instance]:
    keys, directions = query.getlist("sort_key"), query.getlist("sort_dir")
    for key in keys:
        if key not in SORTS:
            raise ApiError(400, f"Invalid input for query parameter sort_key: {key[:40]}")
    for direction in directions:
        if direction not in DIRECTIONS:
            raise ApiError(400, f"Invalid input for query parameter sort_dir: {direction[:40]}")
    if not keys and not directions:
        return found
    servers = sorted(found, key=lambda instance: instance.number)
    keys = keys or ["created_at"]
    directions += directions[:1] * (len(keys) - len(directions)) or [NEWEST_FIRST] * len(keys)
    for key, direction in reversed(list(zip(keys, directions, strict=False))):
        by = cast(Callable[[Instance], float], SORTS[key])
        servers.sort(key=by, reverse=direction == NEWEST_FIRST)
    return servers


def _tests(asking: Asking, query: QueryParams) -> Iterator[Test]:
    """What a server must be, by each filter of the query."""
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
        wanted = _flag(query, "locked")
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
    seconds = (at - asking.cloud.epoch).total_seconds()
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
