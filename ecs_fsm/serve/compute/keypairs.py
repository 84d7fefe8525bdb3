"""Keypairs of the compute API, kept by user.

Nothing logs in with them: a key that was not given is made up, and says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from fastapi import Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.store import Repository, StateFile
from ecs_fsm.serve.http.access import Caller
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, COMPUTE_FAULT, Body, errors
from ecs_fsm.serve.http.context import Known, Microversion, collection
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.paging import Limit, Marker, page

WITH_TYPE, PAGED, GIVEN_ONLY = 2, 35, 92
"""Microversions from which keypairs have a type, come in pages, and must bring their key."""
MOST_KEYPAIRS, MOST_OF_ALL = 1000, 10_000
MADE_UP = "-----BEGIN PRIVATE KEY-----\nmade up, it opens nothing\n-----END PRIVATE KEY-----\n"


class KeypairAsked(Body):
    """A keypair to be; without a public key one is made up."""

    name: str = Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9@._ -]+$")
    public_key: str | None = Field(None, min_length=1, max_length=16384)
    type: str = Field("ssh", pattern="^(ssh|x509)$")


class KeypairRequest(Body):
    """The body of a request for a keypair."""

    keypair: KeypairAsked


class KeypairTold(Body):
    """A keypair."""

    name: str
    public_key: str
    fingerprint: str
    type: str | None = None
    user_id: str | None = None
    private_key: str | None = None


class OneKeypair(Body):
    """One keypair."""

    keypair: KeypairTold


class Keypairs(Body):
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


class Kept:
    """The keypairs of all users, in the state of the cloud."""

    def __init__(self, state: StateFile) -> None:
        self._shelf = Repository(state, "keypair", Keypair, lambda kept: kept.created_at)
        self.by_user: dict[str, dict[str, Keypair]] = {}
        for keypair in self._shelf:
            self._own(keypair.user_id)[keypair.name] = keypair

    def _own(self, user_id: str) -> dict[str, Keypair]:
        return self.by_user.setdefault(user_id, {})

    def of(self, user_id: str) -> Mapping[str, Keypair]:
        """The keypairs of a user, by name."""
        return self.by_user.get(user_id, {})

    def add(self, keypair: Keypair) -> None:
        """Keeps one more. Raises 403 where there are too many."""
        if len(self.of(keypair.user_id)) >= MOST_KEYPAIRS or len(self._shelf) >= MOST_OF_ALL:
            raise ApiError(403, "Quota exceeded, too many key pairs.")
        self._own(keypair.user_id)[keypair.name] = keypair
        self._shelf.put(f"{keypair.user_id}/{keypair.name}", keypair)
        self._shelf.commit()

    def remove(self, keypair: Keypair) -> None:
        """Takes one away."""
        del self.by_user[keypair.user_id][keypair.name]
        self._shelf.drop(f"{keypair.user_id}/{keypair.name}")
        self._shelf.commit()


router = Handlers(tags=["keypairs"], responses=COMPUTE_ERRORS)
_CONFLICT = errors(COMPUTE_FAULT, _409="There is one of that name, or too many.")
_CREATED = {201: {"model": OneKeypair, "description": "It was made (from 2.2 on)."}, **_CONFLICT}


def _all(request: Request) -> Kept:
    return collection(request, Kept)


def keypairs_of(request: Request, caller: Caller) -> Mapping[str, Keypair]:
    """The keypairs of the caller, by name."""
    return _all(request).of(caller.user_id)


def _shown(keypair: Keypair, version: int) -> dict[str, object]:
    digest = hashlib.md5(keypair.public_key.encode(), usedforsecurity=False).hexdigest()
    told: dict[str, object] = {
        "name": keypair.name,
        "public_key": keypair.public_key,
        "fingerprint": ":".join(digest[at : at + 2] for at in range(0, 32, 2)),
    }
    return told | ({"type": keypair.type} if version >= WITH_TYPE else {})


@router.get("/os-keypairs", response_model=Keypairs)
async def list_keypairs(
    request: Request,
    caller: Known,
    version: Microversion,
    limit: Limit = None,
    marker: Marker = None,
) -> Response:
    """The keypairs of the caller."""
    found = list(keypairs_of(request, caller).values())
    items, _ = page(found, limit, marker) if version >= PAGED else (found, None)
    return JSONResponse({"keypairs": [{"keypair": _shown(item, version)} for item in items]})


@router.post("/os-keypairs", response_model=OneKeypair, responses=_CREATED)
async def create_keypair(
    request: Request, caller: Known, version: Microversion, body: KeypairRequest
) -> Response:
    """A new keypair of the caller."""
    kept, asked = keypairs_of(request, caller), body.keypair
    if asked.public_key is None and version >= GIVEN_ONLY:
        raise ApiError(400, "Invalid input for keypair: 'public_key' is a required property")
    if asked.name in kept:
        raise ApiError(409, f"Key pair '{asked.name}' already exists.")
    made_up = f"ssh-rsa {hashlib.sha256(asked.name.encode()).hexdigest()} made-up"
    keypair = Keypair(
        id=asked.name,
        user_id=caller.user_id,
        name=asked.name,
        public_key=asked.public_key or made_up,
        type=asked.type,
        created_at=request.app.state.cloud.clock.date().strftime("%Y-%m-%dT%H:%M:%S.%f"),
    )
    _all(request).add(keypair)
    told = _shown(keypair, version) | {"user_id": caller.user_id}
    if asked.public_key is None:
        told["private_key"] = MADE_UP
    return JSONResponse({"keypair": told}, 201 if version >= WITH_TYPE else 200)


def _found(request: Request, caller: Known, name: str) -> Keypair:
    found = keypairs_of(request, caller).get(name)
    if found is None:
        raise ApiError(404, f"Keypair {name} not found for user {caller.user_id}")
    return found


@router.get("/os-keypairs/{name}", response_model=OneKeypair)
async def show_keypair(
    request: Request, caller: Known, version: Microversion, name: str
) -> Response:
    """One keypair of the caller."""
    found = _found(request, caller, name)
    number = int(hashlib.sha256(name.encode()).hexdigest()[:7], 16)
    more = {"user_id": caller.user_id, "id": number, "created_at": found.created_at}
    more |= {"deleted_at": None, "updated_at": None}
    flag = dict.fromkeys(_Flags.model_fields, False)
    return JSONResponse({"keypair": _shown(found, version) | more | flag})


class _Flags(Body):
    """What a keypair shows of its end."""

    deleted: bool = False


@router.delete(
    "/os-keypairs/{name}",
    status_code=202,
    response_class=Response,
    responses={204: {"description": "It is gone (from 2.2 on)."}},
)
async def delete_keypair(
    request: Request, caller: Known, version: Microversion, name: str
) -> Response:
    """Takes a keypair of the caller away."""
    _all(request).remove(_found(request, caller, name))
    return Response(status_code=204 if version >= WITH_TYPE else 202)
