"""Keypairs, kept by user.

Nothing logs in with them: a key that a request does not bring is invented, and says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from fastapi import Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.repository import Repository
from ecs_fsm.serve.cloud.store import StateFile
from ecs_fsm.serve.compute.api import ComputeContext, Versioned
from ecs_fsm.serve.http.access import Caller
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import (
    COMPUTE_ERRORS,
    COMPUTE_FAULT,
    Body,
    Limit,
    Marker,
    errors,
    page,
)
from ecs_fsm.serve.http.context import collection
from ecs_fsm.serve.http.handlers import Handlers

WITH_TYPE, PAGED, GIVEN_ONLY = 2, 35, 92
"""Microversions from which keypairs have a type, come in pages, and must bring their key."""
MOST_KEYPAIRS, MOST_OF_ALL = 1000, 10_000
MADE_UP = "-----BEGIN PRIVATE KEY-----\nmade up, it opens nothing\n-----END PRIVATE KEY-----\n"


class NewKeypair(Body):
    """A new keypair; without a public key one is invented."""

    name: str = Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9@._ -]+$")
    public_key: str | None = None
    type: str = Field("ssh", pattern="^(ssh|x509)$")


class KeypairRequest(Body):
    """The body of a request for a keypair."""

    keypair: NewKeypair


class KeypairFields(Body):
    """A keypair."""

    name: str
    public_key: str
    fingerprint: str
    type: str | None = None
    user_id: str | None = None
    private_key: str | None = None


class OneKeypair(Body):
    """One keypair."""

    keypair: KeypairFields


class KeypairList(Body):
    """The list of keypairs, each in an object of its own."""

    keypairs: list[OneKeypair]


class Keypair(Body):
    """A keypair as it is kept."""

    id: str
    user_id: str
    name: str
    public_key: str
    type: str
    created_at: str
    number: int = 0


class KeypairStore:
    """The keypairs of all users, in the state of the cloud."""

    def __init__(self, state: StateFile) -> None:
        self._shelf = Repository(
            state, "keypair", Keypair, lambda kept: (kept.created_at, kept.number)
        )
        self._last = max((keypair.number for keypair in self._shelf), default=0)
        self.by_user: dict[str, dict[str, Keypair]] = {}
        for keypair in self._shelf:
            self._own(keypair.user_id)[keypair.name] = keypair

    def _own(self, user_id: str) -> dict[str, Keypair]:
        return self.by_user.setdefault(user_id, {})

    def of(self, user_id: str) -> Mapping[str, Keypair]:
        """Return the keypairs of a user, by name."""
        return self.by_user.get(user_id, {})

    def add(self, keypair: Keypair) -> None:
        """Store a keypair. Raises 403 above the quota."""
        if len(self.of(keypair.user_id)) >= MOST_KEYPAIRS or len(self._shelf) >= MOST_OF_ALL:
            raise ApiError(403, "Quota exceeded, too many key pairs.")
        self._last += 1
        keypair = keypair.model_copy(update={"number": self._last})
        self._own(keypair.user_id)[keypair.name] = keypair
        self._shelf.put(f"{keypair.user_id}/{keypair.name}", keypair)
        self._shelf.commit()

    def remove(self, keypair: Keypair) -> None:
        """Remove a keypair."""
        del self.by_user[keypair.user_id][keypair.name]
        self._shelf.drop(f"{keypair.user_id}/{keypair.name}")
        self._shelf.commit()


router = Handlers(tags=["keypairs"], responses=COMPUTE_ERRORS)
_CONFLICT = errors(COMPUTE_FAULT, _409="A keypair of that name exists, or there are too many.")
_CREATED = {201: {"model": OneKeypair, "description": "It was created (from 2.2 on)."}, **_CONFLICT}


def _store(request: Request) -> KeypairStore:
    return collection(request, KeypairStore)


def keypairs_of(request: Request, caller: Caller) -> Mapping[str, Keypair]:
    """Return the keypairs of the caller, by name."""
    return _store(request).of(caller.user_id)


def _view(keypair: Keypair, minor: int) -> dict[str, object]:
    digest = hashlib.md5(keypair.public_key.encode(), usedforsecurity=False).hexdigest()
    shown: dict[str, object] = {
        "name": keypair.name,
        "public_key": keypair.public_key,
        "fingerprint": ":".join(digest[at : at + 2] for at in range(0, 32, 2)),
    }
    return shown | ({"type": keypair.type} if minor >= WITH_TYPE else {})


@router.get("/os-keypairs", response_model=KeypairList)
async def list_keypairs(
    context: Versioned,
    limit: Limit = None,
    marker: Marker = None,
) -> Response:
    """The keypairs of the caller."""
    found = list(keypairs_of(context.request, context.caller).values())
    items, _ = page(found, limit, marker) if context.minor >= PAGED else (found, None)
    return JSONResponse({"keypairs": [{"keypair": _view(item, context.minor)} for item in items]})


@router.post("/os-keypairs", response_model=OneKeypair, responses=_CREATED)
async def create_keypair(context: Versioned, body: KeypairRequest) -> Response:
    """A new keypair of the caller."""
    minor, user_id, fields = context.minor, context.caller.user_id, body.keypair
    if fields.public_key is None and minor >= GIVEN_ONLY:
        raise ApiError(400, "Invalid input for keypair: 'public_key' is a required property")
    if fields.public_key == "":
        raise ApiError(400, "Keypair data is invalid: failed to generate fingerprint")
    if fields.name in keypairs_of(context.request, context.caller):
        raise ApiError(409, f"Key pair '{fields.name}' already exists.")
    made_up = f"ssh-rsa {hashlib.sha256(fields.name.encode()).hexdigest()} made-up"
    created = context.cloud.clock.date()
    keypair = Keypair(
        id=fields.name,
        user_id=user_id,
        name=fields.name,
        public_key=fields.public_key or made_up,
        type=fields.type,
        created_at=created.strftime("%Y-%m-%dT%H:%M:%S.%f"),
    )
    _store(context.request).add(keypair)
    shown = _view(keypair, minor) | {"user_id": user_id}
    if fields.public_key is None:
        shown["private_key"] = MADE_UP
    return JSONResponse({"keypair": shown}, 201 if minor >= WITH_TYPE else 200)


def _found(context: ComputeContext, name: str) -> Keypair:
    found = keypairs_of(context.request, context.caller).get(name)
    if found is None:
        raise ApiError(404, f"Keypair {name} not found for user {context.caller.user_id}")
    return found


@router.get("/os-keypairs/{name}", response_model=OneKeypair)
async def show_keypair(context: Versioned, name: str) -> Response:
    """One keypair of the caller."""
    found = _found(context, name)
    number = int(hashlib.sha256(name.encode()).hexdigest()[:7], 16)
    more = {"user_id": context.caller.user_id, "id": number, "created_at": found.created_at}
    more |= {"deleted_at": None, "updated_at": None}
    return JSONResponse({"keypair": _view(found, context.minor) | more | {"deleted": False}})


@router.delete(
    "/os-keypairs/{name}",
    status_code=202,
    response_class=Response,
    responses={204: {"description": "It was deleted (from 2.2 on)."}},
)
async def delete_keypair(context: Versioned, name: str) -> Response:
    """Delete a keypair of the caller."""
    _store(context.request).remove(_found(context, name))
    return Response(status_code=204 if context.minor >= WITH_TYPE else 202)
