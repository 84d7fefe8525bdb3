"""One server of the cloud: its state, its history and requests, and the attributes that it shows.

The lifecycle decides its state; everything here can be written to a file and read again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self, cast
from uuid import UUID

from ecs_fsm.core.model import Facts, State
from ecs_fsm.core.scenario import ScenarioWord, StepOutcome
from ecs_fsm.core.server import BaseServer
from ecs_fsm.serve.cloud.orders import FaultOrder

NOT_ENOUGH = "There are not enough hosts available."
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class Asker(NamedTuple):
    """The origin of a request: ids of the request, the user and the project; the API's action."""

    request_id: str
    user_id: str
    project_id: str
    action: str
    admin: bool = False


class RequestRecord(NamedTuple):
    """A request as the cloud remembers it; `refused` is the reason if it was not accepted."""

    at: float
    operation: str
    asker: Asker
    refused: str | None


class HistoryEntry(NamedTuple):
    """A state that a server entered, with the time (simulated seconds), the event and its facts.

    `event` is None if a scenario or a file put it there.
    """

    at: float
    event: str | None
    state: State
    facts: Facts


class InstanceFault(NamedTuple):
    """What the API shows as `fault` of a server: the time, a message and a code as Nova has them.

    `details` say what happened in the words of the lifecycle.
    """

    at: float
    message: str
    code: int = 500
    details: str = ""


@dataclass(frozen=True, slots=True)
class NewServer:
    """What a creation requests; ids are those of the catalog.

    `image` is None for a server that boots from a volume. `given` are the facts of the creation,
    `details` what the API stores and shows unchanged. `hosts` are the numbers of those on which the
    server may be, None for any; `reason` is why none is left.
    """

    name: str
    flavor: str
    image: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Json] = field(default_factory=dict)
    hosts: tuple[int, ...] | None = None
    reason: str = NOT_ENOUGH


@dataclass(slots=True)
class Instance:
    """One server of the cloud. Times are simulated seconds.

    `changes` are attributes that the running operation sets if it succeeds, `outcomes` those that
    are ordered for the rest of it; `plan` has the remaining words of a scenario; `kept` is how many
    changes and requests are on the disk, `forgotten` how many of the oldest were dropped. While
    `revision` stays the same, nothing about the server has changed.
    """

    number: int
    id: str
    project_id: str
    user_id: str
    server: BaseServer
    name: str
    flavor: str
    image: str | None
    metadata: dict[str, str]
    details: dict[str, Json]
    created: float
    updated: float
    host: int = 0
    launched: float | None = None
    terminated: float | None = None
    old_flavor: str | None = None
    fault: InstanceFault | None = None
    operation: str | None = None
    changes: dict[str, Json] = field(default_factory=dict)
    went_wrong: bool = False
    hangs: bool = False
    outcomes: tuple[StepOutcome, ...] = ()
    due: float | None = None
    ticket: int = 0
    revision: int = 0
    draws: int = 0
    plan: deque[ScenarioWord] = field(default_factory=deque)
    faults: list[FaultOrder] = field(default_factory=list)
    history: list[HistoryEntry] = field(default_factory=list)
    requests: list[RequestRecord] = field(default_factory=list)
    kept: tuple[int, int] = (0, 0)
    forgotten: tuple[int, int] = (0, 0)

    @classmethod
    def of(
        cls, wanted: NewServer, request: RequestRecord, server: BaseServer, number: int, uuid: UUID
    ) -> Self:
        """Return the server that a request for its creation makes."""
        return cls(
            number=number,
            id=str(uuid),
            project_id=request.asker.project_id,
            user_id=request.asker.user_id,
            server=server,
            name=wanted.name,
            flavor=wanted.flavor,
            image=wanted.image,
            metadata=dict(wanted.metadata),
            details=dict(wanted.details),
            created=request.at,
            updated=request.at,
            operation=request.operation,
            requests=[request],
        )

    @property
    def state(self) -> State:
        """The present state."""
        return self.server.state

    def names(self, detail: str) -> list[str]:
        """Return the names that a detail lists, none where the server does not have it."""
        return cast(list[str], self.details.get(detail) or [])

    def set(self, changes: Mapping[str, Json]) -> None:
        """Set attributes, or details where no attribute has the name."""
        for name, value in changes.items():
            if name in self.__slots__:
                setattr(self, name, value)
            else:
                self.details[name] = value
