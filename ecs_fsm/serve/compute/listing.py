"""Lists of servers: those that a caller may see, in which order, and page by page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, cast

from starlette.datastructures import QueryParams

from ecs_fsm.core.model import State
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.compute.asking import FORBIDDEN, Asking
from ecs_fsm.serve.compute.filters import flag, tests
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.paging import MOST


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
    wanted = list(tests(asking, query))
    shown: list[Instance] = []
    if limit == 0:
        return Page(shown, None)
    for instance in found:
        if all(test(instance) for test in wanted):
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


def _candidates(asking: Asking, query: QueryParams) -> Iterable[Instance]:
    """Those that the caller may see, of those that are there or, if asked for, gone."""
    cloud, caller = asking.cloud, asking.caller
    every = flag(query, "all_tenants") or flag(query, "all_projects")
    if every and not caller.admin:
        raise ApiError(403, FORBIDDEN.format("os_compute_api:servers:index:get_all_tenants"))
    gone = caller.admin and flag(query, "deleted")
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
