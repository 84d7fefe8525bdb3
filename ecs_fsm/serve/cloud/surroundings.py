"""What stands around servers: hosts and where servers go, ports, server groups and volumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ecs_fsm.serve.cloud.catalog import EPHEMERAL, Catalog, Host
from ecs_fsm.serve.cloud.clock import Clock
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.ports import Ports
from ecs_fsm.serve.cloud.resources import Item, Resources
from ecs_fsm.serve.cloud.store import StateFile
from ecs_fsm.serve.cloud.vocabulary import AWAITS_VOLUMES

if TYPE_CHECKING:
    from ecs_fsm.serve.cloud.volumes import Volumes


APART, SOFT = "anti-affinity", "soft-"
ZONE = "availability_zone"
"""The entry of an aggregate's metadata that is the zone of its hosts."""


class Placement:
    """Chooses hosts, by their numbers; `disabled` are those that get no new servers, by name."""

    def __init__(
        self,
        kept: Resources,
        instances: Mapping[str, Instance],
        catalog: Catalog,
        flavor: Callable[[Instance], Item],
    ) -> None:
        self.disabled, self.groups = kept.of("disabled-hosts"), kept.of("server-groups")
        self._instances, self._catalog, self._flavor = instances, catalog, flavor

    def group_of(self, instance: Instance) -> Item | None:
        """Return the server group of a server, None without one."""
        return self.groups.get(instance.details.get("group"))

    def choose(self, known: Sequence[Host], hosts: Sequence[int], instance: Instance) -> int | None:
        """Return the first of these hosts, by number, that takes a server; None if none does."""
        zone = instance.details.get("zone")
        able = [
            number
            for number in hosts
            if zone in (None, known[number].zone)
            and known[number].name not in self.disabled.all
            and (not self._catalog.sized or self._room(number, instance))
        ]
        group = self.group_of(instance)
        return self._by_policy(able, group, instance) if group else next(iter(able), None)

    def _by_policy(self, able: list[int], group: Item, instance: Instance) -> int | None:
        members = (self._instances.get(name) for name in group["members"])
        taken = Counter(one.host for one in members if one and one.id != instance.id)
        apart = group["policy"].removeprefix(SOFT) == APART
        if group["policy"].startswith(SOFT):
            way = 1 if apart else -1
            return min(able, key=lambda number: way * taken[number], default=None)
        most = int(group.get("rules", {}).get("max_server_per_host", 1))
        fits = (n for n in able if (taken[n] < most if apart else not taken or taken[n]))
        return next(fits, None)

    def _room(self, number: int, instance: Instance) -> bool:
        host = self._catalog.hosts[number]
        there = {one.id: one for one in self._instances.values() if one.host == number}
        flavors = [self._flavor(one) for one in {**there, instance.id: instance}.values()]
        return all(
            sum(flavor[size] for flavor in flavors) <= getattr(host, size)
            for size in ("vcpus", "ram", "disk")
        )


class Surroundings:
    """The part of a cloud with what stands around its servers.

    `resources` are the documents, `ports` and `placement` what follows from some of them.
    """

    instances: dict[str, Instance]
    catalog: Catalog
    clock: Clock
    state: StateFile
    resources: Resources
    ports: Ports
    placement: Placement
    _volumes: Volumes | None = None

    def surround(self) -> None:
        """Make, or read from the state file, what stands around the servers."""
        self.resources = Resources(self.state)
        if self.resources.fresh:
            self.catalog.stock(self.resources)
        self.ports = Ports(self.resources, self.instances, self.clock, self.zone_of)
        self.placement = Placement(self.resources, self.instances, self.catalog, self.flavor)
        if self.resources.fresh:
            for instance in self.instances.values():
                self.ports.connect(instance)
        if next(iter(self.state.all("volumes")), None) is not None:
            self.volumes  # noqa: B018 - they continue from the file as well

    @property
    def volumes(self) -> Volumes:
        """The volumes, made at their first use."""
        if self._volumes is None:
            self._volumes = self.make_volumes()
        return self._volumes

    def make_volumes(self) -> Volumes:
        """Return the volumes."""
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
        raise NotImplementedError

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

    def place(
        self, first: int, hosts: Iterable[int] | None = None, instance: Instance | None = None
    ) -> int | None:
        """Return the first host from that number on that is up and one of `hosts`, if any is.

        For a server it is one that its zone, its group and the state of the hosts allow.
        """
        count = len(self.hosts)
        wanted = range(count) if hosts is None else [*hosts]
        turns = (number % count for number in range(first, first + count))
        able = [n for n in turns if n in wanted and not self.is_down(n)]
        return (
            self.placement.choose(self.hosts, able, instance)
            if instance
            else next(iter(able), None)
        )

    def holds(self, instance: Instance) -> bool:
        """Return whether a step goes on for volumes that are not there yet."""
        waits = instance.state == AWAITS_VOLUMES and bool(instance.details.get("volumes"))
        return waits and self.volumes.hold(instance)

    def arrive(self, instance: Instance) -> None:
        """Put a new server into its group, and give it its ports."""
        group = self.placement.group_of(instance)
        if group:
            self.placement.groups.change(group, members=[*group["members"], instance.id])
        self.ports.connect(instance)

    def leave(self, instance: Instance) -> None:
        """Take a server that is gone from what stands around it."""
        self.ports.part(instance)
        group = self.placement.group_of(instance)
        if group:
            left = [name for name in group["members"] if name != instance.id]
            self.placement.groups.change(group, members=left)
        if instance.details.get("volumes"):
            self.volumes.part(instance)
