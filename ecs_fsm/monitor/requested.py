"""Who requested what at a server, by its instance actions; asked for overdue servers only."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ecs_fsm.monitor.client import CloudClient, Unanswered

MINOR = 62
"""The microversion of which a host is named in the events of an action."""


class _Event(msgspec.Struct):
    event: str = ""
    host: str | None = None
    start_time: str | None = None
    finish_time: str | None = None


class _ListedAction(msgspec.Struct):
    action: str
    request_id: str
    user_id: str | None = None
    project_id: str | None = None
    start_time: str = ""
    events: list[_Event] = []


class _Actions(msgspec.Struct, rename={"actions": "instanceActions"}):
    actions: list[_ListedAction]


class _One(msgspec.Struct, rename={"action": "instanceAction"}):
    action: _ListedAction


class LatestRequest(NamedTuple):
    """The last action of a server: the cloud's word, its request id, user, begin and host."""

    action: str
    request_id: str
    user: str | None
    started: str
    host: str | None

    def as_dict(self) -> dict[str, str | None]:
        """Return `{"action", "request_id", "user", "started", "host"}`."""
        return self._asdict()


def latest_request(client: CloudClient, server: str) -> LatestRequest | None:
    """Return the last action of a server, None where the cloud does not say it."""
    path = f"/servers/{server}/os-instance-actions"
    try:
        listed = msgspec.json.decode(client.get(path, {}, MINOR).body, type=_Actions).actions
        if not listed:
            return None
        last = max(listed, key=lambda one: one.start_time)
        whole = client.get(f"{path}/{last.request_id}", {}, MINOR).body
        events = msgspec.json.decode(whole, type=_One).action.events
    except (Unanswered, msgspec.MsgspecError, RecursionError):
        return None
    hosts = [event.host for event in events if event.host]
    return LatestRequest(
        last.action, last.request_id, last.user_id, last.start_time, hosts[-1] if hosts else None
    )
