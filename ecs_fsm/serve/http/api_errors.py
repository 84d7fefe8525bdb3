"""Errors as each API spells them, and the answer to every exception.

Clients read the message from a body whose shape differs by API; no traceback leaves the server.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ecs_fsm.core.errors import InvalidInput, Refused
from ecs_fsm.serve.cloud.resources import InUse

LONGEST = 1000
"""Characters of a message, so that it does not return all that a client sent."""


class Api(Enum):
    """The APIs behind the one port in the order of the document, with a name for each."""

    COMPUTE = "compute"
    IDENTITY = "identity"
    IMAGE = "image"
    NETWORK = "network"
    VOLUME = "volume"
    HUAWEI = "cloudservers"
    CONTROL = "_ecs"

    @classmethod
    def of(cls, path: str) -> Api:
        """Return the API of a path; paths of none belong to the control API."""
        first = path[1:].partition("/")[0]
        return _BY_FIRST_WORD.get(first, cls.CONTROL)


_BY_FIRST_WORD = {
    **{"identity": Api.IDENTITY, "v3": Api.IDENTITY, "compute": Api.COMPUTE},
    **{"v2.1": Api.COMPUTE, "image": Api.IMAGE, "network": Api.NETWORK, "volume": Api.VOLUME},
    **{"v1": Api.HUAWEI, "v1.1": Api.HUAWEI, "v2": Api.HUAWEI},
}


@dataclass(eq=False)
class ApiError(Exception):
    """An error that a client gets: status `code`, `message` and `headers`.

    `word` is the error code of APIs that have their own, such as `Ecs.0114`.
    """

    code: int
    message: str
    headers: Mapping[str, str] | None = None
    word: str | None = None


OUTER_KEYS = {
    **{400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound"},
    **{405: "badMethod", 409: "conflictingRequest", 413: "overLimit", 415: "badMediaType"},
    **{429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable"},
}
"""The key around an error of the compute API, by status; `computeFault` for others."""
WORDS = {401: "APIGW.0301", 403: "Ecs.0008", 404: "Ecs.0114", 409: "Ecs.0100", 429: "APIGW.0308"}
"""Error codes of the cloudservers API by status, for errors without one."""


def spelled(
    path: str,
    code: int,
    message: str,
    headers: Mapping[str, str] | None = None,
    word: str | None = None,
) -> Response:
    """Return the error as the API of the path spells it, with lone surrogates as escapes."""
    api, message = Api.of(path), message[:LONGEST].encode(errors="backslashreplace").decode()
    if api is not Api.IMAGE:
        return JSONResponse(_content(api, ApiError(code, message, headers, word)), code, headers)
    title = f"{code} {_title(code)}"
    page = (
        f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n"
        f"  {html.escape(message)}<br /><br />\n </body>\n</html>"
    )
    return HTMLResponse(page, code, headers)


def _content(api: Api, error: ApiError) -> dict[str, object]:
    code, message = error.code, error.message
    match api:
        case Api.COMPUTE | Api.VOLUME:
            retry = (error.headers or {}).get("Retry-After")
            more = {} if retry is None else {"retryAfter": retry}
            return {
                OUTER_KEYS.get(code, "computeFault"): {"code": code, "message": message, **more}
            }
        case Api.NETWORK:
            kind = f"HTTP{_title(code).title().replace(' ', '')}"
            return {"NeutronError": {"type": kind, "message": message, "detail": ""}}
        case Api.HUAWEI:
            word = error.word or WORDS.get(code, "Ecs.0000" if code >= 500 else "Ecs.0005")
            return {"error": {"code": word, "message": message}}
        case Api.IDENTITY:
            return {"error": {"code": code, "message": message, "title": _title(code)}}
        case _:
            return {"error": {"code": code, "message": message}}


def _title(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Error"


async def answer_error(request: Request, error: Exception) -> Response:
    """Return the answer to an exception that reaches the application."""
    path = request.scope["path"]
    match error:
        case ApiError():
            return spelled(path, error.code, error.message, error.headers, error.word)
        case HTTPException():
            code = error.status_code
            return spelled(path, code, error.detail or _title(code), error.headers)
        case InUse() | Refused():
            return spelled(path, 409, str(error))
        case InvalidInput():
            return spelled(path, 400, str(error))
        case _:  # whose traceback the server writes to its log
            return spelled(path, 500, "Unexpected API Error.")


HANDLERS: Mapping[object, Callable[[Request, Exception], Awaitable[Response]]] = dict.fromkeys(
    (ApiError, HTTPException, InvalidInput, InUse, Refused, Exception), answer_error
)
"""What answers every exception that reaches the application, by its class."""
