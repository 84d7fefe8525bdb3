"""What stands around servers: hosts and where servers go, ports, server groups and volumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ecs_fsm.serve.cloud.catalog import EPHEMERAL, Catalog, Host
from ecs_fsm.serve.cloud.clock import Clock
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.ports import Ports
from ecs_fsm.serve.cloud.resources import Item, Resources, Shelf
from ecs_fsm.serve.cloud.store import StateFile
from ecs_fsm.serve.cloud.vocabulary import AWAITS_VOLUMES

if TYPE_CHECKING:
    from ecs_fsm.serve.cloud.volumes import Volumes


APART, SOFT = "anti-affinity", "soft-"
ZONE = "availability_zone"
"""The entry of an aggregate's metadata that is the zone of its hosts."""


class Surroundings:
    """The part of a cloud with what stands around its servers.

    `resources` are the documents, `ports` what follows from some of them; `groups` are the server
    groups, and `disabled` the hosts that get no new servers, by name.
    """

    instances: dict[str, Instance]
    catalog: Catalog
    clock: Clock
    state: StateFile
    resources: Resources
    ports: Ports
    groups: Shelf
    disabled: Shelf
    _volumes: Volumes | None = None
    _down: tuple[int, ...]

    def surround(self) -> None:
        """Make, or read from the state file, what stands around the servers."""
        self.resources = Resources(self.state)
        if self.resources.fresh:
            self.catalog.stock(self.resources)
        self.ports = Ports(self.resources, self.instances, self.clock, self.zone_of)
        self.groups = self.resources.of("server-groups")
        self.disabled = self.resources.of("disabled-hosts")
        if self.resources.fresh:
            for instance in self.instances.values():
                self.ports.connect(instance)
        if next(iter(self.state.all("volumes")), None) is not None:
            self.volumes  # noqa: B018 - they continue from the file as well

    @property
    def volumes(self) -> Volumes:
        """The volumes, made at their first use."""
        if self._volumes is None:
            self._volumes = self._make_volumes()
        return self._volumes

    def _make_volumes(self) -> Volumes:
        raise NotImplementedError

    @property
    def has_volumes(self) -> bool:
        """Whether volumes were used."""
        return self._volumes is not None

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts, each in the zone of an aggregate if that has one."""
        zones = {
            name: zone
            for aggregate in self.resources.of("aggregates")
            if (zone := aggregate["metadata"].get(ZONE))
            for name in aggregate["hosts"]
        }
        own = self.catalog.hosts
        return tuple(replace(h, zone=zones.get(h.name, h.zone)) for h in own) if zones else own

    @property
    def zones(self) -> list[str]:
        """The names of the availability zones."""
        return sorted({*self.catalog.zones, *(host.zone for host in self.hosts)})

    def is_down(self, host: int) -> bool:
        """Return whether the compute service on the host with this number does not answer."""
        return host in self._down

    def zone_of(self, instance: Instance) -> str:
        """Return the availability zone of a server."""
        return str(instance.details.get("zone") or self.hosts[instance.host].zone)

    def flavor(self, instance: Instance) -> Item:
        """Return the flavor of a server, which may be deleted."""
        for kind in ("flavors", "past-flavors"):
            found = self.resources.of(kind).get(instance.flavor)
            if found is not None:
                return found
        sizes: Item = dict.fromkeys(("vcpus", "ram", "disk", EPHEMERAL, "swap"), 0)
        return {**sizes, "id": instance.flavor, "name": instance.flavor, "extra_specs": {}}

    def group_of(self, instance: Instance) -> Item | None:
        """Return the server group of a server, None without one."""
        return self.groups.get(instance.details.get("group"))

    def place(self, first: int, hosts: Iterable[int] | None, instance: Instance) -> int | None:
        """Return the first host from that number on, of `hosts`, that takes a server, if any does.

        It is up, and its zone, the group of the server and the state of the host allow it.
        """
        known, zone, group = self.hosts, instance.details.get("zone"), self.group_of(instance)
        count = len(known)
        wanted = range(count) if hosts is None else [*hosts]
        able = [
            number
            for number in (turn % count for turn in range(first, first + count))
            if number in wanted
            and not self.is_down(number)
            and zone in (None, known[number].zone)
            and known[number].name not in self.disabled.all
            and (not self.catalog.sized or self._has_room(number, instance))
        ]
        return self._by_policy(able, group, instance) if group else next(iter(able), None)

    def _by_policy(self, able: list[int], group: Item, instance: Instance) -> int | None:
        members = (self.instances.get(name) for name in group["members"])
        taken = Counter(one.host for one in members if one and one.id != instance.id)
        apart = group["policy"].removeprefix(SOFT) == APART
        if group["policy"].startswith(SOFT):
            way = 1 if apart else -1
            return min(able, key=lambda number: way * taken[number], default=None)
        most = int(group.get("rules", {}).get("max_server_per_host", 1))
        fits = (n for n in able if (taken[n] < most if apart else not taken or taken[n]))
        return next(fits, None)

    def _has_room(self, number: int, instance: Instance) -> bool:
        there = {one.id: one for one in self.instances.values() if one.host == number}
        flavors = [self.flavor(one) for one in {**there, instance.id: instance}.values()]
        return all(
            sum(flavor[size] for flavor in flavors) <= getattr(self.catalog.hosts[number], size)
            for size in ("vcpus", "ram", "disk")
        )

    def holds(self, instance: Instance) -> bool:
        """Return whether a step goes on for volumes that are not there yet."""
        waits = instance.state == AWAITS_VOLUMES and bool(instance.details.get("volumes"))
        return waits and self.volumes.hold(instance)

    def arrive(self, instance: Instance) -> None:
        """Put a new server into its group, and give it its ports."""
        if group := self.group_of(instance):
            self.groups.change(group, members=[*group["members"], instance.id])
        self.ports.connect(instance)

    def leave(self, instance: Instance) -> None:
        """Take a server that is gone from what stands around it."""
        self.ports.part(instance)
        if group := self.group_of(instance):
            left = [name for name in group["members"] if name != instance.id]
            self.groups.change(group, members=left)
        if instance.details.get("volumes"):
            self.volumes.part(instance)
