"""Bodies of requests to the network service, and the models of its answers."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from ecs_fsm.serve.http.bodies import Body, LinkBody, errors, fields
from ecs_fsm.serve.network.groups import MOST_RULES

_ERROR = fields("type", "message", type="string", message="string", detail="string")
NETWORK_ERROR = fields("NeutronError", NeutronError=_ERROR)
"""An error of the network service."""
ERRORS = errors(
    NETWORK_ERROR,
    _400="The request is invalid.",
    _401="The token is missing or invalid.",
    _404="The resource does not exist.",
)
CONFLICT = errors(NETWORK_ERROR, _409="The resource is in use, exists already or exceeds a quota.")


class NetworkVersion(Body):
    """A version of the network service."""

    id: str
    status: str
    links: list[LinkBody]


class NetworkVersions(Body):
    """The list of versions."""

    versions: list[NetworkVersion]


class ResourceList(Body):
    """A list under the name of its kind, with a link to its next page if there is one."""

    __pydantic_extra__: dict[str, list[dict[str, object]]]
    model_config = ConfigDict(extra="allow")


class OneResource(Body):
    """One resource under the name of its kind."""

    __pydantic_extra__: dict[str, dict[str, object]]
    model_config = ConfigDict(extra="allow")


class GroupFields(Body):
    """The fields of a new security group, or those of an existing one that change."""

    name: str | None = Field(None, max_length=255)
    description: str | None = Field(None, max_length=255)


class GroupRequest(Body):
    """The body of a request to create or change a group."""

    security_group: GroupFields


class RuleFields(Body):
    """The fields of a new rule."""

    security_group_id: str
    direction: Literal["ingress", "egress"]
    ethertype: Literal["IPv4", "IPv6"] = "IPv4"
    protocol: str | int | None = None
    port_range_min: int | None = Field(None, ge=-1, le=65535)
    port_range_max: int | None = Field(None, ge=-1, le=65535)
    remote_ip_prefix: str | None = Field(None, max_length=255)
    remote_group_id: str | None = Field(None, max_length=255)
    description: str | None = Field(None, max_length=255)


# Messages about an invalid body name the two classes below, so their names are part of the API.
class RuleRequest(Body):
    """The body of a request to create a rule."""

    security_group_rule: RuleFields


class RulesRequest(Body):
    """The body of a request to create several rules: either all are created or none."""

    security_group_rules: list[RuleFields] = Field(max_length=MOST_RULES)
