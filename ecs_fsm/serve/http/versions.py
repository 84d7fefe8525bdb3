"""The microversions of the compute API, and the version documents of all services."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.io.toml import shipped
from ecs_fsm.serve.http.api_errors import Api
from ecs_fsm.serve.http.handlers import Face, Handlers

_TABLE = shipped("ecs_fsm.serve.http", "versions.toml")
VERSIONS: Mapping[str, dict[str, Any]] = _TABLE["versions"]
LOWEST, HIGHEST = (
    int(VERSIONS["compute"][name].partition(".")[2]) for name in ("min_version", "version")
)
STANDARD, OLD = "openstack-api-version", "x-openstack-nova-api-version"


def base_of(request: Request) -> str:
    """Return the URL under which the client reached the server, without a slash at its end."""
    host = request.headers.get("host") or request.url.netloc
    return f"{request.scope['scheme']}://{host}"


def respond(request: Request, of: str, at: str, shape: str = "list", code: int = 200) -> Response:
    """Answer with the version of a service whose API is at that path."""
    row, url = VERSIONS[of], base_of(request) + at
    shown = {**row, "links": [{**link, "href": url + link["href"]} for link in row["links"]]}
    if shape == "one":
        return JSONResponse({"version": shown}, code)
    return JSONResponse({"versions": {"values": [shown]} if shape == "values" else [shown]}, code)


def _show(row: dict[str, Any], request: Request) -> Response:
    code = row.get("status_code", 200)
    return respond(request, row["of"], row["at"], row.get("shape", "list"), code)


FACES: Mapping[Api, Face] = {Api(service): Face(Handlers(Api(service))) for service in VERSIONS}
"""The handlers of the documents by service; they need neither a token nor the service."""
for _row in _TABLE["documents"]:
    _fields = {key: _row[key] for key in _row if key not in ("path", "of", "at", "shape")}
    _get, _path = FACES[Api(_row["of"])].handlers.get, _row["path"]
    _get(_path, f"{_path}/", **_fields)(partial(_show, _row))
