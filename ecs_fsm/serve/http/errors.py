"""How each service says that something is wrong, and what becomes of every exception.

Clients read the message out of a shape that differs per service; no traceback leaves the server.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from ecs_fsm.core.errors import InvalidInput, Refused

LONGEST = 1000
"""Characters of a message; what a client sent is not sent back whole."""


class Service(Enum):
    """The services behind the one port, by the first words of their paths."""

    IDENTITY = "identity"
    COMPUTE = "compute"
    IMAGE = "image"
    NETWORK = "network"
    HUAWEI = "cloudservers"
    CONTROL = "_ecs"

    @classmethod
    def of(cls, path: str) -> Service:
        """The service that a path belongs to; what is nobody's is told as control does."""
        first = path[1:].partition("/")[0]
        return _OF_FIRST_WORD.get(first, cls.CONTROL)


_OF_FIRST_WORD = {
    **{"identity": Service.IDENTITY, "v3": Service.IDENTITY, "compute": Service.COMPUTE},
    **{"v2.1": Service.COMPUTE, "image": Service.IMAGE, "network": Service.NETWORK},
    **{"v1": Service.HUAWEI, "v1.1": Service.HUAWEI, "v2": Service.HUAWEI},
}


class ApiError(Exception):
    """An answer other than success: status `code`, a `message`, and more `headers` if any.

    `word` is the error code of services that have one of their own, such as `Ecs.0114`.
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


def answer(service: Service, error: ApiError) -> Response:
    """The error as the service spells it; half a character of a client's is told by its number."""
    message = error.message[:LONGEST].encode(errors="backslashreplace").decode()
    return _SPELLED[service](error.code, message, error)


def spelled(
    path: str, code: int, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The error as the service of the path spells it."""
    return answer(Service.of(path), ApiError(code, message, headers))


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
"""The key around an error of the compute service, by status; for others it is `computeFault`."""


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
"""Error codes of the cloudservers paths, by status, where the error brings none."""


def _huawei(code: int, message: str, error: ApiError) -> Response:
    word = error.word or WORDS.get(code, "Ecs.0000" if code >= 500 else "Ecs.0005")
    return JSONResponse({"error": {"code": word, "message": message}}, code, error.headers)


def _control(code: int, message: str, error: ApiError) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, code, error.headers)


_SPELLED: Mapping[Service, Callable[[int, str, ApiError], Response]] = {
    Service.IDENTITY: _identity,
    Service.COMPUTE: _compute,
    Service.IMAGE: _image,
    Service.NETWORK: _network,
    Service.HUAWEI: _huawei,
    Service.CONTROL: _control,
}


def told(errors: Sequence[Mapping[str, object]]) -> str:
    """One line for what a body or a query has wrong, such as `server.name: field required`."""
    first = errors[0]
    where = cast(Sequence[str | int], first.get("loc", ()))
    place = ".".join(str(part) for part in where[1:]) or "body"
    return f"Invalid input for {place}: {first.get('msg')}"


def handle(app: FastAPI) -> None:
    """Gives every exception that reaches the application its answer."""

    @app.exception_handler(ApiError)
    async def _of_api(request: Request, error: ApiError) -> Response:
        return answer(Service.of(request.scope["path"]), error)

    @app.exception_handler(HTTPException)
    async def _of_framework(request: Request, error: HTTPException) -> Response:
        message = error.detail if isinstance(error.detail, str) else _title(error.status_code)
        return spelled(request.scope["path"], error.status_code, message, error.headers)

    @app.exception_handler(RequestValidationError)
    async def _of_validation(request: Request, error: RequestValidationError) -> Response:
        return spelled(request.scope["path"], 400, told(error.errors()))

    @app.exception_handler(InvalidInput)
    async def _of_input(request: Request, error: InvalidInput) -> Response:
        return spelled(request.scope["path"], 400, str(error))

    @app.exception_handler(Refused)
    async def _of_refusal(request: Request, error: Refused) -> Response:
        return spelled(request.scope["path"], 409, str(error))

    @app.exception_handler(Exception)  # whose traceback the server writes to its log
    async def _of_a_bug(request: Request, error: Exception) -> Response:
        return spelled(request.scope["path"], 500, "Unexpected API Error.")
