"""Where servers go: to a host of their zone that takes them, as their server group wants it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ecs_fsm.serve.cloud.catalog import Catalog
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.resources import Item, Resources

APART, SOFT = "anti-affinity", "soft-"


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

    def choose(self, hosts: Sequence[int], instance: Instance) -> int | None:
        """Return the first of these hosts that takes a server; None if none does."""
        known, zone = self._catalog.hosts, instance.details.get("zone")
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
