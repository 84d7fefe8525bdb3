"""What a watch knows between two runs, in a file: for `--once` with `--state`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.io.files import write_whole
from ecs_fsm.monitor.client import short
from ecs_fsm.monitor.polling import CloudPolls
from ecs_fsm.monitor.requested import LatestRequest
from ecs_fsm.monitor.tracking import Tracking, Watched
from ecs_fsm.records.meanings import ABSENT, Cells
from ecs_fsm.replay.changes import Standing

MOST_BYTES = 1 << 27
FORMAT = 1
EXPECTED = "expected a file that watch wrote; remove it to begin anew"


class _Server(msgspec.Struct, omit_defaults=True):
    """A server; `words` are its vm_state, task_state and status as far as it shows them."""

    words: dict[str, str | None]
    time: float
    name: str | None = None
    host: str | None = None
    updated: float | None = None
    left: float | None = None
    request: LatestRequest | None = None


class _Memory(msgspec.Struct):
    format: int
    lifecycle: str
    cloud: str
    polls: int
    at: float
    since: float | None
    servers: dict[str, _Server]


NAMES = ("vm_state", "task_state", "status")


def recall(path: str, cloud: str, tracking: Tracking, polling: CloudPolls) -> bool:
    """Read what was known, and return whether there was a file.

    Raise `InvalidInput` for a file of something else, of another cloud, or of another lifecycle.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"{path}: longer than {MOST_BYTES} bytes; {EXPECTED}")
    try:
        memory = msgspec.json.decode(data, type=_Memory)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise InvalidInput(f"{path}: {short(error)}; {EXPECTED}") from None
    if memory.format != FORMAT:
        raise InvalidInput(f"{path}: format {memory.format}, not {FORMAT}; {EXPECTED}")
    for kind, own, other in (
        ("lifecycle", tracking.lifecycle.name, memory.lifecycle),
        ("cloud", cloud, memory.cloud),
    ):
        if own != other:
            raise InvalidInput(f"{path}: of the {kind} {other!r}, not {own!r}; {EXPECTED}")
    for server, kept in memory.servers.items():
        tracking.restore(server, _watched(server, kept, tracking, path))
    tracking.at = memory.at
    polling.since, polling.count = memory.since, memory.polls
    return True


def _watched(server: str, kept: _Server, tracking: Tracking, path: str) -> Watched:
    cells: Cells = tuple(kept.words.get(name, ABSENT) for name in NAMES)  # type: ignore[assignment]
    try:
        meaning, states = tracking.seen(cells)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}; {EXPECTED}") from None
    row = meaning._replace(
        server=server,
        time=kept.time,
        updated=kept.updated,
        host=kept.host,
        others={"id": server, "name": kept.name},
    )
    standing = Standing(row, kept.left, states)
    return Watched(kept.name, cells, standing, request=kept.request, asked=kept.request is not None)


def remember(path: str, cloud: str, tracking: Tracking, polling: CloudPolls) -> None:
    """Write what is known, whole or not at all."""
    assert tracking.at is not None  # noqa: S101  # after a poll
    servers = {
        server: _Server(
            {n: w for n, w in zip(NAMES, one.cells, strict=True) if w is not ABSENT},  # type: ignore[misc]
            one.standing.row.time or 0.0,
            one.name,
            one.standing.row.host,
            one.standing.row.updated,
            one.standing.left,
            one.request,
        )
        for server, one in tracking.servers.items()
    }
    memory = _Memory(
        FORMAT, tracking.lifecycle.name, cloud, polling.count, tracking.at, polling.since, servers
    )
    write_whole(Path(path), msgspec.json.encode(memory))
