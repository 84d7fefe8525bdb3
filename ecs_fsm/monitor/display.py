"""What a watch shows: a table of what is not at rest, lines of what happens, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ecs_fsm.io.console import visible, visible_json
from ecs_fsm.monitor.tracking import Happened, Tracking, Watched
from ecs_fsm.records.times import iso
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.forms import as_dict, line, overdue_lines, span
from ecs_fsm.replay.overdue import Overdue

if TYPE_CHECKING:
    from rich.console import Group

MOST_ROWS = 40
"""Rows of the table on a terminal; those that are overdue come first."""


def head(cloud: str, tracking: Tracking, late: Sequence[Overdue]) -> str:
    """Return the line over the table."""
    at = "no answer yet" if tracking.at is None else iso(tracking.at)
    working = sum(1 for _ in tracking.standing())
    thing = tracking.lifecycle.table.thing
    count = len(tracking.servers)
    return (
        f"{visible(cloud)}, {at}: {count} {thing}{'' if count == 1 else 's'}, "
        f"{working} not at rest, {len(late)} overdue"
    )


def happened_lines(
    at: float, changes: Iterable[Explanation], unknown: Mapping[str, str]
) -> list[str]:
    """Return a line for each change and each unknown word."""
    lines = [f"{iso(at if c.after.time is None else c.after.time)}  {line(c)}" for c in changes]
    return lines + [f"{server}: {wrong}" for server, wrong in unknown.items()]


def late_lines(one: Overdue, watched: Watched) -> list[str]:
    """Return the lines about a server that is overdue: since when, what frees it, who asked."""
    first, *more = overdue_lines(one)
    name = f" ({visible(watched.name)})" if watched.name else ""
    asked = watched.request
    if asked is not None:
        host = f" on {visible(asked.host)}" if asked.host else ""
        user = f" by user {visible(asked.user)}" if asked.user else ""
        more.append(
            f"  requested: {visible(asked.action)}{user}{host}, {visible(asked.request_id)}"
        )
    return [f"{first}{name}", *more]


def as_line(happened: Happened, tracking: Tracking, late: Sequence[Overdue], *, full: bool) -> str:
    """Return a poll as one line of JSON."""
    poll = {
        "at": iso(happened.at),
        "full": full,
        "servers": len(tracking.servers),
        "changes": [as_dict(change) for change in happened.changes],
        "unknown": happened.unknown,
        "working": [_working(tracking.servers[s], happened.at) for s in _working_ids(tracking)],
        "overdue": [_late(one, tracking.servers[one.standing.row.server or ""]) for one in late],
    }
    return visible_json(json.dumps(poll, ensure_ascii=False))


def _working_ids(tracking: Tracking) -> Iterable[str]:
    return (standing.row.server or "" for standing in tracking.standing())


def _working(watched: Watched, now: float) -> dict[str, object]:
    row, left, begun = watched.standing.row, watched.standing.left, watched.standing.begun
    shown = dict.fromkeys(("vm_state", "task_state", "status"))
    since = {
        "at_least": round(now - (now if begun is None else begun), 3),
        "at_most": None if left is None else round(now - left, 3),
    }
    return {"server": row.server, "name": watched.name, **shown, **row.shown, "since": since}


def _late(one: Overdue, watched: Watched) -> dict[str, object]:
    request = watched.request
    return {
        **one.as_dict(),
        "name": watched.name,
        "host": one.standing.row.host,
        "request": request and request.as_dict(),
    }


def live_table(cloud: str, tracking: Tracking, late: Sequence[Overdue], notes: str) -> Group:
    """Return what a terminal shows: the servers that are not at rest, the overdue ones first."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    overdue = {one.standing.row.server: one for one in late}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("server", "name", "state", "for", "limit", "frees it"):
        table.add_column(heading, overflow="ellipsis", no_wrap=heading != "frees it")
    standing = sorted(tracking.standing(), key=lambda s: (s.row.server not in overdue, s.row.time))
    for one in standing[:MOST_ROWS]:
        row = one.row
        found = overdue.get(row.server)
        lasted = (tracking.at or 0.0) - (one.begun or 0.0)
        watched = tracking.servers[row.server or ""]
        table.add_row(
            Text(visible(row.server or "")),
            Text(visible(watched.name or "")),
            Text(str(row)),
            Text(f"≥ {span(found.at_least if found else lasted)}"),
            Text(span(found.limit) if found else ""),
            Text("; ".join(map(str, found.frees)) if found else ""),
            style="bold red" if found else "",
        )
    parts: list[Text | Table] = [Text(head(cloud, tracking, late))]
    parts += [table] if standing else [Text("everything is at rest")]
    if len(standing) > MOST_ROWS:
        parts.append(Text(f"and {len(standing) - MOST_ROWS} more"))
    if notes:
        parts.append(Text(notes, style="yellow"))
    return Group(*parts)
