"""Errors as each API spells them, and the answer to every exception.

Clients read the message from a body whose shape differs by API; no traceback leaves the server.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from http import HTTPStatus
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ecs_fsm.core.errors import InvalidInput, Refused
from ecs_fsm.serve.cloud.resources import InUse

LONGEST = 1000
"""Characters of a message, so that it does not return all that a client sent."""


class Api(Enum):
    """The APIs behind the one port, with a name for each."""

    IDENTITY = "identity"
    COMPUTE = "compute"
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


class ApiError(Exception):
    """An error that a client gets: status `code`, `message` and `headers`.

    `word` is the error code of APIs that have their own, such as `Ecs.0114`.
    """

    def __init__(
        self,
        code: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        word: str | None = None,
    ) -> None:
        super().__init__(code, message, headers, word)
        self.code = code
        self.message = message
        self.headers = headers
        self.word = word


def answer(api: Api, error: ApiError) -> Response:
    """Return the error as the API spells it, with lone surrogates of a client as escapes."""
    message = error.message[:LONGEST].encode(errors="backslashreplace").decode()
    return _SPELLED[api](error.code, message, error)


def spelled(
    path: str, code: int, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the error as the API of the path spells it."""
    return answer(Api.of(path), ApiError(code, message, headers))


def _title(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Error"


def _identity(code: int, message: str, error: ApiError) -> Response:
    content = {"error": {"code": code, "message": message, "title": _title(code)}}
    return JSONResponse(content, code, error.headers)


OUTER_KEYS = {
    **{400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound"},
    **{405: "badMethod", 409: "conflictingRequest", 413: "overLimit", 415: "badMediaType"},
    **{429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable"},
}
"""The key around an error of the compute API, by status; `computeFault` for others."""


def _compute(code: int, message: str, error: ApiError) -> Response:
    fault: dict[str, object] = {"code": code, "message": message}
    if error.headers and "Retry-After" in error.headers:
        fault["retryAfter"] = error.headers["Retry-After"]
    return JSONResponse({OUTER_KEYS.get(code, "computeFault"): fault}, code, error.headers)


def _image(code: int, message: str, error: ApiError) -> Response:
    title = f"{code} {_title(code)}"
    page = (
        f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n"
        f"  {html.escape(message)}<br /><br />\n </body>\n</html>"
    )
    return HTMLResponse(page, code, error.headers)


def _network(code: int, message: str, error: ApiError) -> Response:
    kind = f"HTTP{_title(code).title().replace(' ', '')}"
    content = {"NeutronError": {"type": kind, "message": message, "detail": ""}}
    return JSONResponse(content, code, error.headers)


WORDS = {401: "APIGW.0301", 403: "Ecs.0008", 404: "Ecs.0114", 409: "Ecs.0100", 429: "APIGW.0308"}
"""Error codes of the cloudservers API by status, for errors without one."""


def _huawei(code: int, message: str, error: ApiError) -> Response:
    word = error.word or WORDS.get(code, "Ecs.0000" if code >= 500 else "Ecs.0005")
    return JSONResponse({"error": {"code": word, "message": message}}, code, error.headers)


def _control(code: int, message: str, error: ApiError) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, code, error.headers)


_SPELLED: Mapping[Api, Callable[[int, str, ApiError], Response]] = {
    Api.IDENTITY: _identity,
    Api.COMPUTE: _compute,
    Api.IMAGE: _image,
    Api.NETWORK: _network,
    Api.VOLUME: _compute,
    Api.HUAWEI: _huawei,
    Api.CONTROL: _control,
}


async def _answer_api_error(request: Request, error: Exception) -> Response:
    return answer(Api.of(request.scope["path"]), cast(ApiError, error))


async def _answer_framework_error(request: Request, error: Exception) -> Response:
    found = cast(HTTPException, error)
    message = found.detail if isinstance(found.detail, str) else _title(found.status_code)
    return spelled(request.scope["path"], found.status_code, message, found.headers)


async def _answer_invalid_input(request: Request, error: Exception) -> Response:
    return spelled(request.scope["path"], 400, str(error))


async def _answer_refusal(request: Request, error: Exception) -> Response:
    return spelled(request.scope["path"], 409, str(error))


async def _answer_bug(request: Request, error: Exception) -> Response:
    return spelled(request.scope["path"], 500, "Unexpected API Error.")


HANDLERS: Mapping[object, Callable[[Request, Exception], Awaitable[Response]]] = {
    ApiError: _answer_api_error,
    HTTPException: _answer_framework_error,
    InvalidInput: _answer_invalid_input,
    InUse: _answer_refusal,
    Refused: _answer_refusal,
    Exception: _answer_bug,  # whose traceback the server writes to its log
}
"""The answer to every exception that reaches the application, by its class."""
