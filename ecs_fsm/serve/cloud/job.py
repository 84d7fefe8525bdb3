"""A job: what becomes of a request that is answered before it is done, one part per server.

A part is over with its last step, and fails with the first that goes wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, cast

from ecs_fsm.serve.cloud.instance import Asker, Json

INIT, RUNNING, SUCCESS, FAIL = "INIT", "RUNNING", "SUCCESS", "FAIL"


@dataclass(frozen=True, slots=True)
class Kind:
    """What jobs of one kind, and their parts, are called, and the code of those that went wrong."""

    job: str
    part: str
    code: str


class Step(NamedTuple):
    """An operation to ask for, and the attributes that it changes if it succeeds."""

    operation: str
    changes: Mapping[str, Json]


@dataclass(slots=True)
class Part:
    """What a job does with one server: the operation that runs, and the steps after it.

    Times are simulated seconds. A part that is over says why if it failed.
    """

    number: int
    id: str
    server_id: str
    operation: str
    then: list[Step]
    begun: float
    ended: float | None = None
    error: str | None = None
    reason: str | None = None

    def status(self, now: float) -> str:
        """`INIT` at the moment of the request, `RUNNING` until it is over."""
        if self.ended is None:
            return INIT if now <= self.begun else RUNNING
        return FAIL if self.error else SUCCESS

    def document(self) -> Json:
        """The part as it is kept."""
        then = [[step.operation, dict(step.changes)] for step in self.then]
        return cast(Json, {**asdict(self), "then": then})

    def end(self, at: float, error: str | None = None, reason: str | None = None) -> None:
        """It is over, in failure if there is an error code."""
        self.ended, self.error, self.reason = at, error, reason


@dataclass(slots=True)
class Job:
    """A request that was accepted; those of a `batch` are shown with their parts as jobs."""

    number: int
    id: str
    project_id: str
    kind: Kind
    batch: bool
    asker: Asker
    begun: float
    parts: list[Part] = field(default_factory=list)

    @property
    def ended(self) -> float | None:
        """When its last part was over, None before."""
        ends = [part.ended for part in self.parts]
        return None if None in ends else max(cast(list[float], ends), default=self.begun)

    def status(self, now: float) -> str:
        """As of a part; it fails where one of its parts does, once all are over."""
        if self.ended is None:
            return INIT if now <= self.begun else RUNNING
        return FAIL if any(part.error for part in self.parts) else SUCCESS

    def document(self) -> Json:
        """The job as it is kept, without its parts."""
        document = {**asdict(self), "asker": [*self.asker]}
        del document["parts"]
        return cast(Json, document)


def jobs_of(documents: Iterable[tuple[str, Json]]) -> list[Job]:
    """The jobs of documents in the order of their names, the oldest job first.

    Raises `KeyError`, `TypeError` or `ValueError` for documents of anything else.
    """
    jobs: dict[str, Job] = {}
    for name, document in documents:
        own, _, piece = name.partition("/")
        fields = cast(dict[str, Any], document)
        if piece:
            then = [Step(*step) for step in fields["then"]]
            jobs[own].parts.append(Part(**{**fields, "then": then}))
        else:
            known = {"kind": Kind(**fields["kind"]), "asker": Asker(*fields["asker"])}
            jobs[own] = Job(**{**fields, **known})
    return sorted(jobs.values(), key=lambda job: job.number)
