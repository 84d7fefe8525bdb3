"""Polls of a cloud: a full list of its servers at times, between them what has changed since.

Only what the lifecycle needs is decoded from the answers, so that a list of ten thousand servers
costs little.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from ecs_fsm.monitor.client import FORBIDDEN, CloudClient, Unanswered, short

OVERLAP = 30.0
"""Seconds before the last poll from which changes are asked for: writes take a moment to show."""
PAGE = 1000
MOST_PAGES = 1000


class ServerRow(msgspec.Struct, gc=False, frozen=True):
    """What an answer says of a server; `absent` attributes are not shown to this user."""

    id: str
    status: str
    name: str | None = None
    vm_state: str | msgspec.UnsetType | None = msgspec.field(
        name="OS-EXT-STS:vm_state", default=msgspec.UNSET
    )
    task_state: str | msgspec.UnsetType | None = msgspec.field(
        name="OS-EXT-STS:task_state", default=msgspec.UNSET
    )
    host: str | None = msgspec.field(name="OS-EXT-SRV-ATTR:host", default=None)
    updated: str | None = None


class _Link(msgspec.Struct):
    rel: str = ""


class _Page(msgspec.Struct):
    servers: list[ServerRow]
    servers_links: list[_Link] = []


class CloudPoll(NamedTuple):
    """Servers at a time of the cloud; `full` lists have all, others those that have changed."""

    at: float
    full: bool
    servers: list[ServerRow]


class CloudPolls:
    """Asks a cloud again and again.

    Every `full_every`-th list is full, the first one too. `since` is the time from which changes
    are asked for next, None before the first full list. `every_project` turns false where the cloud
    does not allow to ask about the servers of others.
    """

    def __init__(self, client: CloudClient, full_every: int) -> None:
        self._client, self._full_every = client, full_every
        self._pages = msgspec.json.Decoder(_Page)
        self.every_project = True
        self.since: float | None = None
        self.count = 0

    def poll(self) -> CloudPoll:
        """Ask once. Raise `Unanswered`; the next list is full then."""
        full = self.since is None or self.count % self._full_every == 0
        try:
            poll = self._poll(full=full)
        except Unanswered:
            self.since = None
            raise
        self.count += 1
        return poll

    def _poll(self, *, full: bool) -> CloudPoll:
        query = {} if full or self.since is None else {"changes-since": _date(self.since)}
        servers: list[ServerRow] = []
        began: float | None = None
        for _ in range(MOST_PAGES):
            marker = {"marker": servers[-1].id} if servers else {}
            page, at = self._page({**query, **marker, "limit": str(PAGE)})
            began = at if began is None else began
            if servers and page.servers and page.servers[-1].id == servers[-1].id:
                raise Unanswered("the cloud repeats a page of its list")
            servers += page.servers
            if not page.servers or not any(link.rel == "next" for link in page.servers_links):
                break
        assert began is not None  # noqa: S101  # there was a page
        self.since = began - OVERLAP
        return CloudPoll(began, full, servers)

    def _page(self, query: dict[str, str]) -> tuple[_Page, float]:
        everyone = {"all_tenants": "1"} if self.every_project else {}
        try:
            answer = self._client.get("/servers/detail", {**query, **everyone})
        except Unanswered as error:
            if error.status != FORBIDDEN or not self.every_project:
                raise
            self.every_project = False
            answer = self._client.get("/servers/detail", query)
        try:
            return self._pages.decode(answer.body), answer.at
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Unanswered(f"the answer is not a list of servers ({short(error)})") from None


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(max(seconds, 0.0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
