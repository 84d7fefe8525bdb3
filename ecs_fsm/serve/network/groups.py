"""Security groups of projects: a default one each, and those that clients create.

They filter nothing, since servers here send nothing; a server can be in any that exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from uuid import uuid4

from fastapi import Request

from ecs_fsm.serve.cloud.store import Repository, StateFile
from ecs_fsm.serve.http.access import identifier
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.context import collection

DEFAULT = "default"
MOST_GROUPS, MOST_RULES, MOST_OF_ALL = 100, 1000, 10_000
IN, OUT = "ingress", "egress"
FAMILIES = ("IPv4", "IPv6")


@dataclass(frozen=True, slots=True)
class SecurityRule:
    """Traffic that a group lets through."""

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
    def meaning(self) -> SecurityRule:
        """The rule without id and description: equal if rules let the same through."""
        return replace(self, id="", description="")


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """A security group of a project."""

    id: str
    name: str
    project_id: str
    description: str = ""
    rules: tuple[SecurityRule, ...] = field(default=())


@lru_cache(maxsize=1024)
def default_of(project_id: str) -> SecurityGroup:
    """Return the group that every project has; its members can reach each other."""
    own = identifier("security group", project_id)
    rules = (
        *(
            SecurityRule(identifier(f"{way} {own}", family), way, family)
            for way in (OUT,)
            for family in FAMILIES
        ),
        *(
            SecurityRule(identifier(f"{IN} {own}", family), IN, family, remote_group_id=own)
            for family in FAMILIES
        ),
    )
    return SecurityGroup(own, DEFAULT, project_id, "Default security group", rules)


class SecurityGroups:
    """The security groups of all projects, kept in the state of the cloud."""

    def __init__(self, state: StateFile) -> None:
        self._kept = Repository(state, "security group", SecurityGroup)

    def of(self, project_id: str) -> Iterator[SecurityGroup]:
        """Yield the groups of a project, the default one first."""
        usual = default_of(project_id)
        yield self._kept.get(usual.id) or usual
        for group in self._kept:
            if group.project_id == project_id and group.id != usual.id:
                yield group

    def named(self, project_id: str, name: str) -> SecurityGroup | None:
        """Return the group of that name or, if there is none, of that id."""
        own = list(self.of(project_id))
        found = [group for group in own if group.name == name]
        found += [group for group in own if group.id == name]
        return found[0] if found else None

    def find(self, project_id: str, group_id: str) -> SecurityGroup:
        """Return the group of that id. Raises 404 if there is none."""
        for group in self.of(project_id):
            if group.id == group_id:
                return group
        raise ApiError(404, f"Security group {group_id} does not exist")

    def make(self, project_id: str, name: str, description: str) -> SecurityGroup:
        """Create a group that lets all outgoing traffic through. Raises 409 above the quota."""
        if name == DEFAULT:
            raise ApiError(409, "Default security group already exists.")
        if len(list(self.of(project_id))) >= MOST_GROUPS or len(self._kept) >= MOST_OF_ALL:
            raise ApiError(409, "Quota exceeded for resources: ['security_group'].")
        rules = tuple(SecurityRule(str(uuid4()), OUT, family) for family in FAMILIES)
        return self.keep(SecurityGroup(str(uuid4()), name, project_id, description, rules))

    def keep(self, group: SecurityGroup) -> SecurityGroup:
        """Store a group and return it. Raises 409 for too many rules."""
        if len(group.rules) > MOST_RULES:
            raise ApiError(409, "Quota exceeded for resources: ['security_group_rule'].")
        self._kept.put(group.id, group)
        self._kept.commit()
        return group

    def remove(self, group: SecurityGroup) -> None:
        """Remove a group. Raises 409 for the default one."""
        if group.name == DEFAULT:
            raise ApiError(409, "Insufficient rights for removing default security group.")
        self._kept.drop(group.id)
        self._kept.commit()


def groups_of(request: Request) -> SecurityGroups:
    """Return the security groups of the application that answers the request."""
    return collection(request, SecurityGroups)
