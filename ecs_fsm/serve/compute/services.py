"""The services of the cloud, which hosts get new servers, and the aggregates of hosts.

A host that was forced down does not answer: requests for its servers are made as for such a host.
"""

from __future__ import annotations

from uuid import uuid4

from starlette.responses import Response

from ecs_fsm.serve.cloud.resources import Item, Shelf
from ecs_fsm.serve.cloud.surroundings import ZONE
from ecs_fsm.serve.compute.api import ComputeContext, error, router
from ecs_fsm.serve.compute.hosts import COMPUTE, UUID_SINCE, ComputeHost, find_services, of_id
from ecs_fsm.serve.compute.nova_schemas import as_flag
from ecs_fsm.serve.compute.views import Fields, host_of, long_time
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import action_of, body_of, respond
from ecs_fsm.serve.http.declared import Declared
from ecs_fsm.serve.http.handlers import Handlers

FORCED_SINCE, CACHED_SINCE = 11, 81
UPDATE = "os-services:update"


@router.get("/os-services")
async def list_services(context: ComputeContext) -> Response:
    """The services; a query selects a host or a binary."""
    query = context.request.query_params
    shown = [
        _service(context, host)
        for host in find_services(context, "os-services:list")
        if query.get("host", host.name) == host.name
        and query.get("binary", host.binary) == host.binary
    ]
    return respond({"services": shown})


def _service(context: ComputeContext, host: ComputeHost) -> Fields:
    shown: Fields = {
        "id": host.id,
        "binary": host.binary,
        "host": host.name,
        "zone": host.own.zone,
        "status": host.status,
        "state": host.state,
        "updated_at": long_time(context.cloud.clock.date()),
        "disabled_reason": host.reason,
        "forced_down": host.state == "down",
    }
    return context.shown("service", shown)


BY_WORD = {
    "enable": ("status",),
    "disable": ("status",),
    "disable-log-reason": ("status", "disabled_reason"),
    "force-down": ("forced_down",),
}
"""Paths of changes below 2.53, and the keys that each answers with beside host and binary."""


@router.put("/os-services/{service_id}")
async def update_service(service_id: str, body: Item, context: ComputeContext) -> Response:
    """Let a service count as down, or let it get new servers or none."""
    services, by_id = find_services(context, UPDATE), context.minor >= UUID_SINCE
    given: Item = {"host": "", "binary": COMPUTE, **body}
    keys = BY_WORD.get(service_id, ())
    found = next((service for service in services if service.name == given["host"]), None)
    if by_id:
        found = of_id(context, services, service_id, "Service {} could not be found.")
        given["binary"] = found.binary
    elif not keys or (service_id == "force-down" and context.minor < FORCED_SINCE):
        raise ApiError(404, "Unknown action")
    else:
        if service_id != "force-down":
            given["status"] = "enabled" if service_id == "enable" else "disabled"
        if lacking := next((key for key in keys if given.get(key) is None), None):
            raise ApiError(400, f"Missing {lacking} field")
    if given["binary"] != COMPUTE:
        raise error(400, "no_compute", binary=given["binary"])
    if found is None or found.binary != COMPUTE:
        raise ApiError(404, f"Host '{given['host']}' is not mapped to any cell")
    _change(context, found, given)
    whole = _service(context, find_services(context, UPDATE)[found.number])
    shown = whole if by_id else {name: whole[name] for name in ("host", "binary", *keys)}
    return respond({"service": shown})


def _change(context: ComputeContext, host: ComputeHost, given: Item) -> None:
    cloud, status, reason = context.cloud, given.get("status"), given.get("disabled_reason")
    down = as_flag(given.get("forced_down"))
    if status is None and down is None:
        raise error(400, "no_updates")
    if status == "enabled":
        if context.minor >= UUID_SINCE and reason:
            raise error(400, "enabled_reason")
        cloud.disabled.drop(host.name)
    elif status is not None:
        cloud.disabled.put({"id": host.name, "reason": reason})
    if down is not None:
        cloud.force_down(host.number, down=bool(down))


class Aggregates(Declared[ComputeContext]):
    """Groups of hosts, for administrators; the zone of one is that of its hosts."""

    def shelf(self, context: ComputeContext) -> Shelf:
        """Return where the aggregates are. Raise 403 for users."""
        context.require_admin("os_compute_api:os-aggregates")
        return super().shelf(context)

    def now(self, context: ComputeContext) -> str:
        """Return the date with microseconds."""
        return long_time(context.cloud.clock.date())

    def made(self, context: ComputeContext, item: Item) -> Item:
        """Number the aggregate."""
        number = max((int(one["id"]) for one in self.shelf(context)), default=0) + 1
        own = {"id": str(number), "uuid": str(uuid4()), "updated_at": None}
        return self.changed(context, {}, {**item, **own, "hosts": [], "metadata": {}})

    def changed(self, context: ComputeContext, item: Item, new: Item) -> Item:
        """Put the zone among the metadata. Raise 409 or 400 for one that hosts cannot have."""
        zone = new.pop(ZONE, None) or new["metadata"].get(ZONE)
        new["metadata"] = {**new["metadata"], **({ZONE: zone} if zone else {})}
        before, after, cloud = {*item.get("hosts", ())}, {*new["hosts"]}, context.cloud
        others = {
            other["metadata"].get(ZONE)
            for other in self.shelf(context)
            if other["id"] != new["id"] and {*other["hosts"]} & after
        } - {None, zone}
        own, now = cloud.catalog.hosts, cloud.hosts
        used = {server.host for server in cloud.instances.values() if host_of(cloud, server)}
        moved = any(
            now[host].zone != (zone if now[host].name in after else own[host].zone)
            for host in used
            if now[host].name in before | after
        )
        if zone and (others or moved):
            taken = f"One or more hosts already in availability zone(s) {sorted(others)}"
            reason = taken if others else "One or more hosts contain instances in this zone"
            do = "add host to" if after - before else "remove host from" if before - after else ""
            words = {"do": do or "update", "id": new["id"], "reason": reason}
            raise error(409 if do else 400, "aggregate_zone", **words)
        return new

    def more(self, context: ComputeContext, item: Item) -> Item:
        """Show the number, and the zone."""
        return {"id": int(item["id"]), ZONE: item["metadata"].get(ZONE)}

    def shown_new(self, context: ComputeContext, item: Item) -> Item:
        """Leave out what a new one has not."""
        shown = self.shown(context, item)
        return {name: shown[name] for name in shown if name not in ("hosts", "metadata")}

    def gone(self, context: ComputeContext, item: Item) -> None:
        """Refuse while hosts are in it."""
        if item["hosts"]:
            words = {"do": "remove host from", "reason": "Host aggregate is not empty"}
            raise error(400, "aggregate_zone", id=item["id"], **words)

    def add_more(self, add: Handlers, one: str) -> None:
        """Add the actions, and the request to hold images ready, which shows nowhere."""
        add.post(f"{one}/action", name="act_on_aggregate")(self._act)
        add.post(f"{one}/images", name="cache_images", status_code=202)(self._cache)

    async def _act(self, context: ComputeContext, item_id: str) -> Response:
        item, (action, argument) = self.find(context, item_id), await action_of(context.request)
        if action == "set_metadata":
            kept = {**item["metadata"], **argument["metadata"]}
            if kept.get(ZONE, ZONE) is None:
                reason = "An empty named availability zone is not supported"
                words = {"do": "update metadata of", "id": item["id"], "reason": reason}
                raise error(400, "aggregate_zone", **words)
            changes = {name: value for name, value in kept.items() if value is not None}
            new = self.update(context, item, {"metadata": changes})
        elif action in ("add_host", "remove_host"):
            hosts = self._hosts(context, item, argument["host"], action)
            new = self.store(context, self.changed(context, item, {**item, "hosts": hosts}))
        else:
            raise error(400, "unknown_action", action=action[:255])
        return respond(self.wrapped(self.shown(context, new)))

    def _hosts(self, context: ComputeContext, item: Item, name: str, action: str) -> list[str]:
        words, hosts = {"id": item["id"], "host": name}, list[str](item["hosts"])
        if action == "remove_host" and name not in hosts:
            raise error(404, "aggregate_no_host", **words)
        if action == "add_host" and name not in (host.name for host in context.cloud.hosts):
            raise ApiError(404, f"Compute host {name} could not be found.")
        if action == "add_host" and name in hosts:
            raise error(409, "aggregate_host", **words)
        return [*hosts, name] if action == "add_host" else [one for one in hosts if one != name]

    async def _cache(self, context: ComputeContext, item_id: str) -> Response:
        await body_of(context.request)
        context.require_version(since=CACHED_SINCE)
        self.find(context, item_id)
        return Response(status_code=202)
