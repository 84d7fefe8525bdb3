"""What is to go wrong, by the control API: faults of the lifecycle or the wire, and scenarios."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.instance import Json
from ecs_fsm.serve.cloud.orders import FaultOrder
from ecs_fsm.serve.control.controlled import Strict, Word, cloud_of
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.wire import WireFaults

router = Handlers(prefix="/_ecs", tags=["control"])


class Words(Strict):
    """A scenario for the next server."""

    words: list[Annotated[str, Field(max_length=1000)]] = Field(min_length=1, max_length=1000)


class FaultAsked(Strict):
    """A fault of the lifecycle (`fault`) or of the wire (`wire`)."""

    fault: Annotated[str, Field(max_length=1000)] | None = None
    servers: Annotated[str, Field(max_length=255)] | None = None
    wire: Annotated[str, Field(max_length=255)] | None = None
    request: Word | None = None
    retry_after: Annotated[int, Field(ge=0, le=10**6)] | None = None
    first: int | None = None
    times: int | None = None
    percent: float | None = None


def _wire(request: Request) -> WireFaults:
    return cast(WireFaults, request.app.state.wire)


@router.get("/faults")
async def list_faults(request: Request) -> Response:
    """The faults that are in force, and the scenarios that wait for a server."""
    cloud = cloud_of(request)
    return JSONResponse(
        {
            "faults": [_fault_shown(fault) for fault in cloud.orders.faults],
            "wire": [
                {"fault": str(fault), "met": tally.met, "struck": tally.struck}
                for fault, tally in _wire(request).active.values()
            ],
            "scenarios": [[word.text for word in plan] for plan in cloud.orders.plans],
        }
    )


@router.post("/faults", status_code=201)
async def add_fault(request: Request, body: FaultAsked) -> Response:
    """Let requests of servers come to something bad, or answers not arrive, from now on."""
    document = body.model_dump(exclude_none=True)
    if (body.fault is None) == (body.wire is None):
        raise ApiError(400, 'expected {"fault": "OPERATION:OUTCOME@STEP"} or {"wire": "503"}')
    if body.wire is not None:
        _, fault = _wire(request).add(document)
        return JSONResponse({"fault": str(fault), "met": 0, "struck": 0}, 201)
    return JSONResponse(_fault_shown(cloud_of(request).orders.add(document)), 201)


@router.delete("/faults", status_code=204)
async def clear_faults(request: Request) -> Response:
    """No fault strikes any more, and no scenario waits for a server."""
    cloud_of(request).orders.clear()
    _wire(request).clear()
    return Response(status_code=204)


def _fault_shown(fault: FaultOrder) -> dict[str, Json]:
    return {"fault": str(fault), "met": fault.count.met, "struck": fault.count.struck}


@router.post("/scenario", status_code=201)
async def lay_scenario(request: Request, body: Words) -> Response:
    """Lay a scenario on the next server that is created."""
    words = cloud_of(request).orders.add_scenario(body.words)
    return JSONResponse({"words": [word.text for word in words]}, 201)
