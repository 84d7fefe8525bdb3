"""Moves of servers to other hosts, and a live migration while it runs: show, complete, abort it."""

from __future__ import annotations

from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import NOT_ENOUGH, Instance
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import ABORT_MIGRATION, ABORTED, FORCE_MIGRATION, MIGRATE_LIVE
from ecs_fsm.serve.compute.actions import CHANGES, Changes, of_actions
from ecs_fsm.serve.compute.api import ComputeContext, error, router
from ecs_fsm.serve.compute.disks import flavor_of
from ecs_fsm.serve.compute.instance_actions import moves_of
from ecs_fsm.serve.compute.nova_schemas import DISK_CONFIG
from ecs_fsm.serve.compute.servers import host_numbers, zone_of
from ecs_fsm.serve.compute.views import Fields, host_of
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import respond

COLD = "No valid host found for cold migrate"
MIGRATIONS_SINCE, FORCED_SINCE, ABORTED_SINCE = 23, 22, 24


def _migration(context: ComputeContext, instance: Instance) -> Fields | None:
    """Return the running live migration, None without one."""
    if instance.operation != MIGRATE_LIVE or not instance.state.task_state:
        return None
    *_, move = moves_of(context, instance)
    shown = {name: value for name, value in move.shown.items() if name not in IN_LISTS}
    work = (f"{what}_{part}_bytes" for what in ("memory", "disk") for part in WORK)
    return {**shown, **dict.fromkeys(work, 0), "server_uuid": instance.id}


IN_LISTS = {"instance_uuid", "migration_type", "old_instance_type_id", "new_instance_type_id", "links"}  # fmt: skip  # noqa: E501
"""What only the list of all migrations shows of one."""
WORK = ("total", "processed", "remaining")


def _running(
    context: ComputeContext, server_id: str, migration_id: str, since: int
) -> tuple[Instance, Fields]:
    """Return a server and its migration. Raises 404 for no such one, 403 for users."""
    context.require_version(since=since)
    context.require_admin("os_compute_api:servers:migrations")
    instance = context.find(server_id)
    migration = _migration(context, instance)
    if migration is None or str(migration["id"]) != migration_id:
        raise error(404, "no_migration", id=migration_id[:255], server=server_id)
    return instance, migration


HERE = "/servers/{server_id}/migrations"
ONE = f"{HERE}/{{migration_id}}"


@router.get(HERE)
def list_migrations(server_id: str, context: ComputeContext) -> Response:
    """The running live migration; for administrators."""
    context.require_version(since=MIGRATIONS_SINCE)
    context.require_admin("os_compute_api:servers:migrations:index")
    migration = _migration(context, context.find(server_id))
    return respond({"migrations": [migration] if migration else []})


@router.get(ONE)
def show_migration(server_id: str, migration_id: str, context: ComputeContext) -> Response:
    """A running live migration; for administrators."""
    _, migration = _running(context, server_id, migration_id, MIGRATIONS_SINCE)
    return respond({"migration": migration})


@router.delete(ONE, status_code=202)
def abort_migration(server_id: str, migration_id: str, context: ComputeContext) -> Response:
    """Abort a live migration; for administrators."""
    instance, _ = _running(context, server_id, migration_id, ABORTED_SINCE)
    _request(context, instance, ABORT_MIGRATION)
    context.cloud.happen(instance, ABORTED, {})
    return Response(status_code=202)


@router.post(f"{ONE}/action", body="OneKey", status_code=202)
def act_on_migration(
    server_id: str, migration_id: str, body: Item, context: ComputeContext
) -> Response:
    """`force_complete`: complete a live migration at once; for administrators."""
    instance, _ = _running(context, server_id, migration_id, FORCED_SINCE)
    key = next(iter(body))
    if key != "force_complete":
        raise ApiError(400, "There is one action of a migration: force_complete")
    _request(context, instance, FORCE_MIGRATION)
    context.cloud.hasten(instance)
    return Response(status_code=202)


def _request(context: ComputeContext, instance: Instance, operation: str) -> None:
    """Request an operation. Raises 400 if the lifecycle does not have it."""
    lifecycle = context.cloud.lifecycle
    if operation not in lifecycle.operations:
        raise ApiError(400, f"The lifecycle {lifecycle.name} has no operation {operation}")
    context.compute.request(instance, operation, context.asker(operation))


def moved_to(
    context: ComputeContext, instance: Instance, host: str | None = None, why: str = NOT_ENOUGH
) -> Changes:
    """Return a move to the host of that name, or to the next one that is up.

    Raises 400 for no other host, and if there is none; `why` is its reason.
    """
    hosts, cloud = host_numbers(context.cloud), context.cloud
    others = [number for number in hosts.values() if number != instance.host]
    if host is not None and host not in hosts:
        raise ApiError(400, f"Compute host {host} could not be found.")
    if host is not None and hosts[host] == instance.host:
        raise ApiError(400, f"Unable to migrate instance ({instance.id}) to current host ({host}).")
    found = cloud.place(instance.host + 1, others if host is None else [hosts[host]], instance)
    if found is None:
        raise ApiError(400, f"No valid host was found. {why}")
    return {"host": found, "old_host": instance.host}


def require_up(context: ComputeContext, instance: Instance) -> None:
    """Raise 409 if the host of the server is down."""
    if host_of(context.cloud, instance) and context.cloud.is_down(instance.host):
        raise ApiError(409, "Service is unavailable at this time.")


@of_actions(CHANGES, "migrate")
def _migrate(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Move the server to a host, or to one that is chosen."""
    require_up(context, instance)
    return moved_to(context, instance, given.get("host"), COLD)


@of_actions(CHANGES, "os-migrateLive")
def _migrate_live(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Move the running server. Raises 400 if one of the hosts is down."""
    host = given.get("host")
    numbers = [instance.host, *filter(None, [host_numbers(context.cloud).get(host or "")])]
    down = next((number for number in numbers if context.cloud.is_down(number)), None)
    if down is not None:
        name = context.cloud.hosts[down].name
        raise ApiError(400, f"Compute service of {name} is unavailable at this time.")
    return moved_to(context, instance, host)


@of_actions(CHANGES, "evacuate")
def _evacuate(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Move the server. Raises 404 for an unknown host, 400 if its own host is up."""
    host, own = given.get("host"), context.cloud.hosts[instance.host].name
    if host is not None and host not in host_numbers(context.cloud):
        raise ApiError(404, f"Compute host {host} not found.")
    if host == own:
        raise ApiError(400, "The target host can't be the same one.")
    if not context.cloud.is_down(instance.host):
        raise ApiError(400, f"Compute service of {own} is still in use.")
    return moved_to(context, instance, host)


@of_actions(CHANGES, "resize")
def _resize(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Keep the old flavor for a revert. Raises 400 for the flavor that the server has."""
    require_up(context, instance)
    flavor, old = flavor_of(context, given["flavorRef"]), context.cloud.flavor(instance)
    new = context.cloud.resources.of("flavors").all[flavor]
    if instance.image and not new["disk"] and old["disk"]:
        reason = "Resize to zero disk flavor is not allowed."
        raise ApiError(400, f"Server disk was unable to be resized because: {reason}")
    if flavor == instance.flavor:
        raise ApiError(400, "When resizing, instances must change flavor!")
    disk: Changes = {"disk_config": given[DISK_CONFIG]} if given.get(DISK_CONFIG) else {}
    moved = moved_to(context, instance, None, "No valid host found for resize")
    return {"flavor": flavor, "old_flavor": instance.flavor, **disk, **moved}


@of_actions(CHANGES, "confirmResize")
def _confirm_resize(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Forget the way back."""
    return {"old_flavor": None, "old_host": None}


@of_actions(CHANGES, "revertResize")
def _revert_resize(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Go back to the old flavor and host."""
    before = instance.details.get("old_host")
    host = instance.host if before is None else before
    flavor = instance.old_flavor or instance.flavor
    return {"flavor": flavor, "host": host, "old_flavor": None, "old_host": None}


@of_actions(CHANGES, "unshelve")
def _unshelve(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Move the server if it names another host; off its host, it may come back there."""
    host = given.get("host")
    if host is not None:
        context.require_admin("os_compute_api:os-shelve:unshelve_to_host")
    zone = zone_of(context, given.get("availability_zone"))
    here = host in (None, context.cloud.hosts[instance.host].name)
    moved = {} if here else moved_to(context, instance, host)
    return {**moved, **({"zone": zone} if "availability_zone" in given else {})}
