"""Jobs follow servers from operation to operation until the last is over, or one fails.

A job has a part for each server. A part is over with its last step, and fails with the first that
does. Jobs are stored beside the servers, so that a restarted cloud goes on with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any, NamedTuple, cast
from uuid import UUID

from ecs_fsm.core.errors import InvalidInput, Refused
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json, NewServer
from ecs_fsm.serve.cloud.store import Document

INIT, RUNNING, SUCCESS, FAIL = "INIT", "RUNNING", "SUCCESS", "FAIL"


@dataclass(frozen=True, slots=True)
class JobKind:
    """The names of one kind of jobs and of their parts, and the error code of failed ones."""

    job: str
    part: str
    code: str


class JobStep(NamedTuple):
    """An operation to request, and the attributes that it sets if it succeeds."""

    operation: str
    changes: Mapping[str, Json]


@dataclass(slots=True)
class SubJob:
    """What a job does with one server: the operation that runs, and the steps after it.

    Times are simulated seconds. A part that failed has the reason.
    """

    number: int
    id: str
    server_id: str
    operation: str
    then: list[JobStep]
    begun: float
    ended: float | None = None
    error: str | None = None
    reason: str | None = None

    def status(self, now: float) -> str:
        """Return `INIT` at the time of the request, `RUNNING` until the end, then the result."""
        if self.ended is None:
            return INIT if now <= self.begun else RUNNING
        return FAIL if self.error else SUCCESS

    def end(self, at: float, error: str | None = None, reason: str | None = None) -> None:
        """End it, as a failure if there is an error code."""
        self.ended, self.error, self.reason = at, error, reason


@dataclass(slots=True)
class Job:
    """An accepted request; a `batch` is shown with its parts as jobs of their own."""

    number: int
    id: str
    project_id: str
    kind: JobKind
    batch: bool
    asker: Asker
    begun: float
    parts: list[SubJob] = field(default_factory=list)

    @property
    def ended(self) -> float | None:
        """The end of its last part, None before."""
        ends = [part.ended for part in self.parts]
        return None if None in ends else max(cast(list[float], ends), default=self.begun)

    def status(self, now: float) -> str:
        """Return the status as of a part; a job fails, at its end, if one of its parts does."""
        if self.ended is None:
            return INIT if now <= self.begun else RUNNING
        return FAIL if any(part.error for part in self.parts) else SUCCESS

    def documents(self) -> Iterator[Document]:
        """Yield the documents of the job and of its parts."""
        own = asdict(self)
        parts = own.pop("parts")
        yield JOB, self.id, own
        yield from ((JOB, f"{self.id}/{part['number']:04}", part) for part in parts)


def jobs_of(documents: Iterable[tuple[str, Json]]) -> list[Job]:
    """Return the jobs of documents, which come in the order of their names; the oldest job first.

    Raise `KeyError`, `TypeError` or `ValueError` for other documents.
    """
    jobs: dict[str, Job] = {}
    for name, document in documents:
        own, _, piece = name.partition("/")
        fields = cast(dict[str, Any], document)
        if piece:
            fields["then"] = [JobStep(*step) for step in fields["then"]]
            jobs[own].parts.append(SubJob(**fields))
        else:
            fields |= {"kind": JobKind(**fields["kind"]), "asker": Asker(*fields["asker"])}
            jobs[own] = Job(**fields)
    return sorted(jobs.values(), key=lambda job: job.number)


JOB = "job"
MOST_JOBS = 10_000
"""Jobs that can be looked up; older ones are forgotten."""
REFUSED, UNKNOWN = "Ecs.0100", "Ecs.0114"
"""Error codes of parts that never began: the state of the server forbids it, or it is unknown."""


class Jobs:
    """The jobs of a cloud. Raise `InvalidInput` for invalid jobs in its state file."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.by_id: dict[str, Job] = {}
        self._followed: dict[str, list[tuple[Job, SubJob]]] = {}
        self._count = 0
        cloud.schedule.ends.append(self._over)
        cloud.state.sources.append(
            lambda: (each for job in self.by_id.values() for each in job.documents())
        )
        self._read()

    def find(self, job_id: str, project_id: str) -> Job | None:
        """Return the job of that id, None if the project has no such job."""
        job = self.by_id.get(job_id)
        return job if job and job.project_id == project_id else None

    def create(self, kind: JobKind, wanted: Iterable[NewServer], asker: Asker) -> Job:
        """Create servers. Raise as `Cloud.create` does, before the first exists."""
        operation = self.cloud.lifecycle.creation.trigger
        job = self._new(kind, True, asker)
        with self.cloud.state.one_change():
            for server in wanted:
                instance = self.cloud.create(server, asker)
                self._follow(job, self._part(job, instance.id, [JobStep(operation, {})]))
            return self._begun(job)

    def request(
        self, kind: JobKind, instance: Instance, steps: Sequence[JobStep], asker: Asker, batch: bool
    ) -> Job:
        """Request steps of one server, each at the end of the one before.

        Raise `Refused` if the first is refused.
        """
        job = self._new(kind, batch, asker)
        self._request(job, instance, steps)
        return self._begun(job)

    def request_each(
        self,
        kind: JobKind,
        servers: Mapping[str, Instance | None],
        steps: Sequence[JobStep],
        asker: Asker,
    ) -> Job:
        """Request steps of many servers, None for an unknown one; a refused part fails."""
        job = self._new(kind, True, asker)
        for server_id, instance in servers.items():
            try:
                if instance is not None:
                    self._request(job, instance, steps)
                    continue
                error, reason = UNKNOWN, f"The server {server_id} could not be found."
            except Refused as refused:
                error, reason = REFUSED, str(refused)
            self._part(job, server_id, steps[:1]).end(job.begun, error, reason)
        return self._begun(job)

    def _new(self, kind: JobKind, batch: bool, asker: Asker) -> Job:
        self._count += 1
        number, now = self._count, self.cloud.now
        return Job(number, self._id(number), asker.project_id, kind, batch, asker, now)

    def _id(self, *numbers: int) -> str:
        """Return an id that depends on the seed and these numbers."""
        words = "/".join(map(str, (self.cloud.seed, JOB, *numbers)))
        return UUID(int=Random(words).getrandbits(128), version=4).hex

    def _part(self, job: Job, server_id: str, steps: Sequence[JobStep]) -> SubJob:
        number, (first, *then) = len(job.parts) + 1, steps
        part_id = self._id(job.number, number)
        job.parts.append(SubJob(number, part_id, server_id, first.operation, then, job.begun))
        return job.parts[-1]

    def _request(self, job: Job, instance: Instance, steps: Sequence[JobStep]) -> None:
        before, (operation, changes) = instance.fault, steps[0]
        self.cloud.request(instance, operation, {}, job.asker, changes)
        part = self._part(job, instance.id, steps)
        part.operation = instance.operation or operation
        self._follow(job, part)
        if instance.operation is None:
            self._over(instance, part.operation, instance.fault is not before)

    def _follow(self, job: Job, part: SubJob) -> None:
        self._followed.setdefault(part.server_id, []).append((job, part))

    def _begun(self, job: Job) -> Job:
        """Store a new job with all of its parts, and forget the oldest beyond `MOST_JOBS`."""
        self.by_id[job.id] = job
        for document in job.documents():
            self.cloud.state.put(*document)
        while len(self.by_id) > MOST_JOBS:
            old = self.by_id.pop(next(iter(self.by_id)))
            self.cloud.state.drop(JOB, old.id)
        servers = map(self.cloud.instances.get, (part.server_id for part in job.parts))
        self.cloud.finish(*filter(None, servers))
        self.cloud.state.commit()
        return job

    def _put(self, job: Job, part: SubJob) -> None:
        if job.id in self.by_id:
            self.cloud.state.put(JOB, f"{job.id}/{part.number:04}", cast(Json, asdict(part)))

    def _over(self, instance: Instance, operation: str, went_wrong: bool) -> None:
        """Continue or end the parts of which an operation ended."""
        for job, part in self._followed.pop(instance.id, []):
            if part.operation != operation:
                self._follow(job, part)
                continue
            if went_wrong:
                part.end(instance.updated, job.kind.code, _why(instance, operation))
            elif part.then:
                self._go_on(job, part, instance)
            else:
                part.end(instance.updated)
            self._put(job, part)

    def _go_on(self, job: Job, part: SubJob, instance: Instance) -> None:
        step = part.then.pop(0)
        part.operation = step.operation
        self._follow(job, part)
        self._put(job, part)
        try:
            self.cloud.request(instance, step.operation, {}, job.asker, step.changes)
        except Refused as refused:
            self._followed[instance.id].remove((job, part))
            part.end(instance.updated, REFUSED, str(refused))

    def _read(self) -> None:
        """Continue with the stored jobs."""
        try:
            jobs = jobs_of(self.cloud.state.all(JOB))
        except (KeyError, TypeError, ValueError) as error:
            path = self.cloud.state.path
            raise InvalidInput(f"{path}: the file is broken: invalid job: {error}") from None
        for job in jobs:
            self.by_id[job.id], self._count = job, job.number
            for part in job.parts:
                if part.ended is None:
                    self._take_over(job, part)
        self.cloud.state.commit()

    def _take_over(self, job: Job, part: SubJob) -> None:
        """Follow a part again, also if its operation ended before the restart."""
        instance = self.cloud.instances.get(part.server_id) or self.cloud.gone.get(part.server_id)
        if instance is None:
            part.end(self.cloud.now, UNKNOWN, f"The server {part.server_id} is gone.")
            self._put(job, part)
            return
        self._follow(job, part)
        if instance.operation != part.operation:
            trouble = instance.fault
            wrong = bool(instance.operation or (trouble and trouble.at >= part.begun))
            self._over(instance, part.operation, wrong)


def _why(instance: Instance, operation: str) -> str:
    """Return why an operation failed."""
    if instance.operation:
        return f"{operation}: {instance.operation} was asked for and took its place"
    trouble = instance.fault
    return trouble.details or trouble.message if trouble else f"{operation} went wrong"
