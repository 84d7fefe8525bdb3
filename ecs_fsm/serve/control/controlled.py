"""What the routes of the control API share: its bodies are strict, and what stands behind them."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from ecs_fsm.serve.cloud.clockwork import Clockwork
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.eventlog import EventLog

Word = Annotated[str, Field(max_length=100)]


class Strict(BaseModel):
    """A JSON object whose keys are all known."""

    model_config = ConfigDict(extra="forbid")


def cloud_of(request: Request) -> Cloud:
    """The cloud."""
    return cast(Cloud, request.app.state.cloud)


def clockwork_of(request: Request) -> Clockwork:
    """What lets its time pass."""
    return cast(Clockwork, request.app.state.clockwork)


def record_of(request: Request) -> EventLog:
    """The changes of the cloud so far."""
    return cast(EventLog, request.app.state.record)
