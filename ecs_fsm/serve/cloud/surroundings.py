"""What stands around the servers of a cloud: hosts, ports, server groups and volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from ecs_fsm.serve.cloud.catalog import EPHEMERAL, Catalog, Host
from ecs_fsm.serve.cloud.clock import Clock
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.placement import Placement
from ecs_fsm.serve.cloud.ports import Ports
from ecs_fsm.serve.cloud.resources import Item, Resources
from ecs_fsm.serve.cloud.store import StateFile
from ecs_fsm.serve.cloud.vocabulary import AWAITS_VOLUMES

if TYPE_CHECKING:
    from ecs_fsm.serve.cloud.volumes import Volumes


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
                self._connect(instance)
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
        """The hosts."""
        return self.catalog.hosts

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
        return self.placement.choose(able, instance) if instance else next(iter(able), None)

    def holds(self, instance: Instance) -> bool:
        """Return whether a step goes on for volumes that are not there yet."""
        waits = instance.state == AWAITS_VOLUMES and bool(instance.details.get("volumes"))
        return waits and self.volumes.hold(instance)

    def arrive(self, instance: Instance) -> None:
        """Put a new server into its group, and give it its ports."""
        group = self.placement.group_of(instance)
        if group:
            self.placement.groups.change(group, members=[*group["members"], instance.id])
        self._connect(instance)

    def _connect(self, instance: Instance) -> None:
        chosen = instance.details.get("fixed_ips") or {}
        self.ports.connect(instance, cast(Mapping[str, str], chosen))

    def leave(self, instance: Instance) -> None:
        """Take a server that is gone from what stands around it."""
        self.ports.part(instance)
        group = self.placement.group_of(instance)
        if group:
            left = [name for name in group["members"] if name != instance.id]
            self.placement.groups.change(group, members=left)
        if instance.details.get("volumes"):
            self.volumes.part(instance)
