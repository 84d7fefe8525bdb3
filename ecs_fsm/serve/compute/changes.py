"""What actions change about a server beside its state, by the names that `actions.toml` uses.

Each function looks at what was asked and gives the attributes; none changes the server itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ecs_fsm.serve.cloud.cloud import HOSTS
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.compute import arguments as asked_for
from ecs_fsm.serve.compute.arguments import Argument
from ecs_fsm.serve.compute.asking import Asking
from ecs_fsm.serve.compute.existing import flavor_of, group_of, image_of, key_of, zone_of
from ecs_fsm.serve.compute.shapes import host_name, names
from ecs_fsm.serve.compute.values import within_quota
from ecs_fsm.serve.http.errors import ApiError

Changes = Mapping[str, Json]
Changing = Callable[[Asking, Instance, Argument], Changes]
CHANGES: dict[str, Changing] = {}


def named(function: Changing) -> Changing:
    """Has the table find a function by its name."""
    CHANGES[function.__name__] = function
    return function


def _moved(instance: Instance, host: str | None = None) -> Changes:
    """To the host of that name, or the next one. Raises 400 for one that there is not."""
    hosts = {host_name(number): number for number in range(HOSTS)}
    if host is None:
        return {"host": (instance.host + 1) % HOSTS, "old_host": instance.host}
    if host not in hosts:
        raise ApiError(400, f"Compute host {host} could not be found.")
    if hosts[host] == instance.host:
        raise ApiError(400, f"Unable to migrate instance ({instance.id}) to current host ({host}).")
    return {"host": hosts[host], "old_host": instance.host}


@named
def new_flavor(asking: Asking, instance: Instance, argument: Argument) -> Changes:
    """A resize: the flavor, and the one before for a way back. Raises 400 for no other one."""
    assert isinstance(argument, asked_for.Resize)  # noqa: S101 -- the table says so
    wanted = flavor_of(asking, argument.flavorRef)
    if wanted == instance.flavor:
        raise ApiError(400, "When resizing, instances must change flavor!")
    disk = {"disk_config": argument.disk_config} if argument.disk_config else {}
    return {"flavor": wanted, "old_flavor": instance.flavor, **disk, **_moved(instance)}


@named
def kept_flavor(asking: Asking, instance: Instance, argument: Argument) -> Changes:
    """A resize or a migration that is confirmed."""
    return {"old_flavor": None, "old_host": None}


@named
def old_flavor(asking: Asking, instance: Instance, argument: Argument) -> Changes:
    """A resize or a migration that is reverted."""
    before = instance.details.get("old_host")
    return {
        "flavor": instance.old_flavor or instance.flavor,
        "host": instance.host if before is None else before,
        **kept_flavor(asking, instance, argument),
    }


@named
def new_host(asking: Asking, instance: Instance, argument: Argument) -> Changes:
    """A migration of any kind."""
    return _moved(instance, argument.host if isinstance(argument, asked_for.Somewhere) else None)


@named
def new_place(asking: Asking, instance: Instance, argument: Argument) -> Changes:
    """A return from a shelf, to a zone or a host if one was named."""
    if not isinstance(argument, asked_for.Unshelve):
        return {}
    zone = zone_of(asking, argument.availability_zone)
    here = argument.host in (None, host_name(instance.host))  # off its host, it may come back there
    host = {} if here else _moved(instance, argument.host)
    return {**host, **({"zone": zone} if "availability_zone" in argument.model_fields_set else {})}


SINCE = {"description": 19, "key_name": 54, "user_data": 57, "hostname": 90}
"""The microversions that brought parts of a rebuild."""


@named
def new_image(asking: Asking, instance: Instance, argument: Argument) -> Changes:
    """A rebuild: the image, and whatever else was given."""
    assert isinstance(argument, asked_for.Rebuild)  # noqa: S101 -- the table says so
    image = image_of(asking, argument.imageRef)
    within_quota(argument.metadata or {})
    if asking.minor >= SINCE["key_name"]:
        key_of(asking, argument.key_name)
    left_out = {"imageRef", "adminPass"}
    given = argument.model_dump(exclude_unset=True, exclude=left_out)
    told = {
        name: value
        for name, value in given.items()
        if asking.minor >= SINCE.get(name, 0) and (value is not None or name in SINCE)
    }
    return told if instance.image is None else {"image": image, **told}


@named
def reason_of_lock(asking: Asking, instance: Instance, argument: Argument) -> Changes:
    """Why the server is locked, if somebody said."""
    return {
        "locked_reason": argument.locked_reason if isinstance(argument, asked_for.Lock) else None
    }


@named
def no_reason_of_lock(asking: Asking, instance: Instance, argument: Argument) -> Changes:
    """A server that is not locked any more."""
    return {"locked_reason": None}


@named
def more_groups(asking: Asking, instance: Instance, argument: Argument) -> Changes:
    """One security group more. Raises 404 for one that there is not."""
    assert isinstance(argument, asked_for.SecurityGroup)  # noqa: S101 -- the table says so
    name = group_of(asking, argument.name, 404).name
    return {"security_groups": [*dict.fromkeys((*_groups(instance), name))]}


@named
def fewer_groups(asking: Asking, instance: Instance, argument: Argument) -> Changes:
    """One security group less. Raises 404 for one that the server is not in."""
    assert isinstance(argument, asked_for.SecurityGroup)  # noqa: S101 -- the table says so
    if argument.name not in _groups(instance):
        raise ApiError(404, f"Security group {argument.name} not associated with the instance")
    return {"security_groups": [group for group in _groups(instance) if group != argument.name]}


def _groups(instance: Instance) -> list[str]:
    return names(instance, "security_groups")
