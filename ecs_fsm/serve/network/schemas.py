"""Errors of the network service, and the models of its version documents."""

from __future__ import annotations

from ecs_fsm.serve.http.bodies import errors, fields

_ERROR = fields("type", "message", type="string", message="string", detail="string")
NETWORK_ERROR = fields("NeutronError", NeutronError=_ERROR)
"""An error of the network service."""
ERRORS = errors(
    NETWORK_ERROR,
    _400="The request is invalid.",
    _401="The token is missing or invalid.",
    _403="The resource belongs to another project.",
    _404="The resource does not exist.",
    _409="The resource is in use, exists already or exceeds a quota.",
)
