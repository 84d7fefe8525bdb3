"""Security groups, kept by project: a default one, and those that were made.

They hold nothing back, for nothing is sent here; a server may be in those that exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from uuid import uuid4

from fastapi import Request

from ecs_fsm.serve.cloud.store import Repository, StateFile
from ecs_fsm.serve.http.access import identifier
from ecs_fsm.serve.http.context import collection
from ecs_fsm.serve.http.errors import ApiError

DEFAULT = "default"
MOST_GROUPS, MOST_RULES, MOST_OF_ALL = 100, 1000, 10_000
IN, OUT = "ingress", "egress"
FAMILIES = ("IPv4", "IPv6")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a group lets through."""

    id: str
    direction: str
    ethertype: str = FAMILIES[0]
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    description: str = ""

    @property
    def meaning(self) -> Rule:
        """The same for rules that let the same through."""
        return replace(self, id="", description="")


@dataclass(frozen=True, slots=True)
class Group:
    """A security group of a project."""

    id: str
    name: str
    project_id: str
    description: str = ""
    rules: tuple[Rule, ...] = field(default=())


@lru_cache(maxsize=1024)
def default_of(project_id: str) -> Group:
    """The group that every project has; who is in it may speak to the others."""
    own = identifier("security group", project_id)
    rules = (
        *(
            Rule(identifier(f"{way} {own}", family), way, family)
            for way in (OUT,)
            for family in FAMILIES
        ),
        *(
            Rule(identifier(f"{IN} {own}", family), IN, family, remote_group_id=own)
            for family in FAMILIES
        ),
    )
    return Group(own, DEFAULT, project_id, "Default security group", rules)


class Groups:
    """The security groups of all projects, in the state of the cloud."""

    def __init__(self, state: StateFile) -> None:
        self._kept = Repository(state, "security group", Group)

    def of(self, project_id: str) -> Iterator[Group]:
        """The groups of a project, the default one first."""
        usual = default_of(project_id)
        yield self._kept.get(usual.id) or usual
        for group in self._kept:
            if group.project_id == project_id and group.id != usual.id:
                yield group

    def named(self, project_id: str, name: str) -> Group | None:
        """The group of that name or, where none has it, of that id."""
        own = list(self.of(project_id))
        found = [group for group in own if group.name == name]
        found += [group for group in own if group.id == name]
        return found[0] if found else None

    def find(self, project_id: str, group_id: str) -> Group:
        """The group of that id. Raises 404 where there is none."""
        for group in self.of(project_id):
            if group.id == group_id:
                return group
        raise ApiError(404, f"Security group {group_id} does not exist")

    def make(self, project_id: str, name: str, description: str) -> Group:
        """A new group, that lets everything out. Raises 409 where there are too many."""
        if name == DEFAULT:
            raise ApiError(409, "Default security group already exists.")
        if len(list(self.of(project_id))) >= MOST_GROUPS or len(self._kept) >= MOST_OF_ALL:
            raise ApiError(409, "Quota exceeded for resources: ['security_group'].")
        rules = tuple(Rule(str(uuid4()), OUT, family) for family in FAMILIES)
        return self.keep(Group(str(uuid4()), name, project_id, description, rules))

    def keep(self, group: Group) -> Group:
        """Keeps a group as it is now. Raises 409 for too many rules."""
        if len(group.rules) > MOST_RULES:
            raise ApiError(409, "Quota exceeded for resources: ['security_group_rule'].")
        self._kept.put(group.id, group)
        self._kept.commit()
        return group

    def remove(self, group: Group) -> None:
        """Takes a group away. Raises 409 for the default one."""
        if group.name == DEFAULT:
            raise ApiError(409, "Insufficient rights for removing default security group.")
        self._kept.drop(group.id)
        self._kept.commit()


def of_compute(group: Group) -> dict[str, object]:
    """The group as the compute API shows it, with the rules for what comes in."""
    rules = [
        {
            "id": rule.id,
            "parent_group_id": group.id,
            "ip_protocol": rule.protocol,
            "from_port": rule.port_range_min,
            "to_port": rule.port_range_max,
            "ip_range": {"cidr": rule.remote_ip_prefix} if rule.remote_ip_prefix else {},
            "group": {"name": group.name, "tenant_id": group.project_id}
            if rule.remote_group_id == group.id
            else {},
        }
        for rule in group.rules
        if rule.direction == IN
    ]
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "tenant_id": group.project_id,
        "rules": rules,
    }


def groups_of(request: Request) -> Groups:
    """The security groups of the application that answers the request."""
    return collection(request, Groups)
