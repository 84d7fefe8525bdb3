"""Bodies of requests to the control API; unknown keys are errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_STEPS = 100_000
CENTURY = 100 * 365 * 86400.0
Word = Annotated[str, Field(max_length=100)]
Given = dict[Word, Word]


class Strict(BaseModel):
    """A JSON object whose keys must all be known."""

    model_config = ConfigDict(extra="forbid")


class OperationRequest(Strict):
    """An operation, with the facts that are given with it."""

    operation: Word
    given: Given = Field({})


class EventRequest(Strict):
    """An event of the system, with the facts that are given with it."""

    event: Word
    given: Given = Field({})


class ClockAdvance(Strict):
    """How far the clock advances: by simulated seconds, or to the end of a number of steps."""

    seconds: float | None = Field(None, ge=0, le=CENTURY)
    steps: int | None = Field(None, ge=1, le=MOST_STEPS)

    @model_validator(mode="after")
    def _one(self) -> ClockAdvance:
        if (self.seconds is None) == (self.steps is None):
            raise ValueError('expected {"seconds": 30} or {"steps": 1}')
        return self


class HostChange(Strict):
    """Whether a host answers."""

    state: Literal["up", "down"]


class ResetRequest(Strict):
    """A snapshot by its name; without one, the start."""

    snapshot: Word | None = None


class ScenarioRequest(Strict):
    """A scenario for the next server."""

    words: list[Annotated[str, Field(max_length=1000)]] = Field(min_length=1, max_length=1000)


class FaultRequest(Strict):
    """A fault as text (`fault`), as GET shows it, or one of the wire in parts (`wire`)."""

    fault: Annotated[str, Field(max_length=1000)] | None = None
    servers: Annotated[str, Field(max_length=255)] | None = None
    wire: Annotated[str, Field(max_length=255)] | None = None
    request: Word | None = None
    message: Annotated[str, Field(max_length=500)] | None = None
    retry_after: Annotated[int, Field(ge=0, le=10**6)] | None = None
    first: int | None = None
    times: int | None = None
    percent: float | None = None
    met: Annotated[int, Field(ge=0, le=10**9)] | None = None
    struck: Annotated[int, Field(ge=0, le=10**9)] | None = None
