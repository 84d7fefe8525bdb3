"""Lists of servers: filters, order and pages.

Filters are regular expressions of clients. RE2 matches them in a time that is linear in the length
of a name, whatever the expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple, cast

from starlette.datastructures import QueryParams

from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.resources import tables
from ecs_fsm.serve.cloud.vocabulary import POWER_STATES
from ecs_fsm.serve.compute.api import FORBIDDEN, ComputeContext
from ecs_fsm.serve.compute.nova_schemas import TRUTHS, as_flag
from ecs_fsm.serve.compute.views import Reader, addresses_of, host_of, is_locked, reader
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import MOST_ITEMS, TAG_FILTERS

Test = Callable[[Instance], bool]
TABLE = tables()["compute"]


LONGEST_PATTERN = 255
MOST_MEMORY = 1024 * 1024
"""Bytes of a compiled regular expression."""


def _flag(query: QueryParams, name: str) -> bool:
    """Return a truth value of a query; an empty one is true. Raises 400 for others."""
    text = query.get(name, "false")
    value = as_flag(text) if text else True
    if not isinstance(value, bool):
        known = ", ".join(f"'{word}'" for word in sorted(filter(None, TRUTHS)))
        reason = f"Unrecognized value '{text[:40]}', acceptable values are: {known}"
        raise ApiError(400, f"Invalid input received: {reason}")
    return value


def _allowed(context: ComputeContext) -> QueryParams:
    """Return the filters of the query that the caller may use; Nova ignores the others."""
    query = context.request.query_params
    if context.caller.admin:
        return query
    names = {
        n for since, some in TABLE["users"].items() if int(since) <= context.minor for n in some
    }
    return QueryParams([(name, value) for name, value in query.multi_items() if name in names])


def _tests(context: ComputeContext) -> Iterator[Test]:
    """Yield one test of a server for each filter of the query. Raises 400 for an invalid one."""
    query, cloud = _allowed(context), context.cloud

    def addresses(instance: Instance) -> Iterable[str]:
        ports = cloud.ports.shown(instance)
        return (address for port in ports for address, _ in addresses_of(cloud, port))

    patterns: dict[str, Callable[[Instance], Iterable[str]]] = {
        **{"name": lambda instance: (instance.name,), "ip": addresses, "ip6": addresses},
        "host": lambda instance: (host_of(cloud, instance) or "",),
    }
    plain = {name: reader(path) for name, path in TABLE["filters"].items()}
    plain["availability_zone"] = context.cloud.zone_of
    plain["power_state"] = lambda instance: str(POWER_STATES.get(instance.state.vm_state, 0))
    for name, get in plain.items():
        if name in query:
            yield _one_of(get, [value.lower() for value in query.getlist(name)])
    if "status" in query:
        yield _of_status(context, {value.upper() for value in query.getlist("status")})
    for name, read in patterns.items():
        if name in query:
            yield _matching(pattern_of(name, query[name]), read)
    if "changes-since" in query:
        since = _seconds(context, "changes-since") - 1
        yield lambda instance: instance.updated >= since
    if "changes-before" in query:
        before = _seconds(context, "changes-before")
        yield lambda instance: instance.updated <= before
    for name in TAG_FILTERS if context.minor >= 26 else ():
        if name in query:
            yield _tagged(frozenset(query[name].split(",")), *TAG_FILTERS[name])
    if "locked" in query and context.minor >= 73:
        wanted = _flag(query, "locked")
        yield lambda instance: is_locked(instance) is wanted


def _of_status(context: ComputeContext, wanted: set[str]) -> Test:
    """Return a test of whether a server has one of these statuses, as Nova sees it.

    All servers of a vm_state have its status at rest, whatever their task. Raise 400 from 2.38 on
    for a status that does not exist.
    """
    states = [s for s in context.cloud.lifecycle.states.values() if s.status.upper() in wanted]
    if not states and not wanted & {*TABLE["statuses"]["known"]} and context.minor >= 38:
        raise ApiError(400, "Invalid status value")
    places, tasks = {s.vm_state for s in states}, {s.task_state for s in states}
    return lambda one: (
        one.state.vm_state in places and (None in tasks or one.state.task_state in tasks)
    )


def _one_of(read: Reader, wanted: list[str]) -> Test:
    return lambda instance: (read(instance) or "").lower() in wanted


def _matching(wanted: re.Pattern[str], get: Callable[[Instance], Iterable[str]]) -> Test:
    return lambda instance: any(map(wanted.search, get(instance)))


def pattern_of(name: str, text: str) -> re.Pattern[str]:
    """Return a regular expression. Raises 400 for an invalid or a too large one."""
    import re2

    if len(text) > LONGEST_PATTERN:
        raise ApiError(400, f"Invalid filter {name}: above {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.case_sensitive, options.log_errors, options.max_mem = False, False, MOST_MEMORY
    try:
        return cast(re.Pattern[str], re2.compile(text, options))
    except re2.error as error:
        reason = error.args[0].decode() if error.args else "invalid regular expression"
        raise ApiError(400, f"Invalid filter {name}: {reason}") from None


def moment(name: str, text: str) -> datetime:
    """Return a date of ISO 8601, in UTC without an offset. Raises 400 for an invalid one."""
    try:
        read = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise ApiError(400, f"Invalid input for query parameter {name}: {text[:40]}") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _seconds(context: ComputeContext, name: str) -> float:
    """Return the simulated time of a date in the query. Raises 400 for an invalid one."""
    at = moment(name, context.request.query_params[name])
    return (at - context.cloud.clock.epoch).total_seconds()


def _tagged(tags: frozenset[str], quantor: Callable[[Iterable[bool]], bool], wanted: bool) -> Test:
    return lambda i: quantor(tag in i.names("tags") for tag in tags) is wanted


class ServerPage(NamedTuple):
    """A page of a list, and the query of the next one if there is one."""

    servers: list[Instance]
    more: str | None


def servers_of(context: ComputeContext) -> ServerPage:
    """Return the page of servers that the query selects.

    Raises 400 for an invalid query, 403 for one that is for administrators only.
    """
    query = context.request.query_params
    limit = min(int(query.get("limit", "")[:LONGEST_PATTERN] or MOST_ITEMS), MOST_ITEMS)
    marker, found = query.get("marker"), iter(_ordered(context, _candidates(context, query), query))
    if marker and not any(instance.id == marker for instance in found):
        raise ApiError(400, f"marker [{marker[:255]}] not found")
    tests = list(_tests(context))
    wanted = (instance for instance in found if all(test(instance) for test in tests))
    shown = list(islice(wanted, limit))
    if not shown or next(wanted, None) is None:
        return ServerPage(shown, None)
    return ServerPage(shown, context.request.url.include_query_params(marker=shown[-1].id).query)


def _candidates(context: ComputeContext, query: QueryParams) -> Iterable[Instance]:
    """Return the servers that the caller may see; deleted ones if the query selects them."""
    cloud, caller = context.cloud, context.caller
    every = _flag(query, "all_tenants") or _flag(query, "all_projects")
    if every and not caller.admin:
        raise ApiError(403, FORBIDDEN.format("os_compute_api:servers:index:get_all_tenants"))
    gone = caller.admin and _flag(query, "deleted")
    pools = [cloud.gone] if gone else [cloud.instances]
    past = "changes-since" in query and "deleted" not in query
    if not gone and (past or _all_gone(context, query)):
        pools.append(cloud.gone)
    wanted = (query.get("project_id") or query.get("tenant_id")) if every else caller.project_id
    everything = (instance for pool in pools for instance in reversed(pool.values()))
    return (i for i in everything if (wanted is None and every) or i.project_id == wanted)


def _all_gone(context: ComputeContext, query: QueryParams) -> bool:
    """Return whether the query selects a status that only deleted servers have."""
    statuses, lifecycle = set(query.getlist("status")), context.cloud.lifecycle
    ends = (state for state in lifecycle.states.values() if not lifecycle.leaving(state))
    if {name.upper() for name in statuses}.isdisjoint(state.status.upper() for state in ends):
        return False
    if not context.caller.admin:
        raise ApiError(403, FORBIDDEN.format("os_compute_api:servers:index"))
    return True


NEWEST_FIRST = "desc"
DIRECTIONS = ("asc", NEWEST_FIRST)
UNSORTED = "Invalid input received: Unknown sort direction, must be 'desc' or 'asc'"


def _sorting(key: str) -> Callable[[Instance], tuple[bool, object]]:
    """Return what servers are ordered by, those without it first."""
    read = is_locked if key == "locked" else reader(TABLE["attributes"].get(key, ""))

    def rank(instance: Instance) -> tuple[bool, object]:
        value = read(instance)
        return (False, 0) if value in (None, "") else (True, value)

    return rank


def _ordered(
    context: ComputeContext, found: Iterable[Instance], query: QueryParams
) -> Iterable[Instance]:
    keys, directions = query.getlist("sort_key"), query.getlist("sort_dir")
    for direction in directions:
        if direction not in DIRECTIONS:
            raise ApiError(400, UNSORTED)
    if not keys and not directions:
        return found
    servers = sorted(found, key=lambda instance: instance.number)
    keys = keys or ["created_at"]
    directions += directions[:1] * (len(keys) - len(directions)) or [NEWEST_FIRST] * len(keys)
    for key, direction in reversed(list(zip(keys, directions, strict=False))):
        servers.sort(key=_sorting(key), reverse=direction == NEWEST_FIRST)
    return servers
