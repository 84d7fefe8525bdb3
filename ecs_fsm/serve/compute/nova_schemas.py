"""Refuses bodies and queries that Nova's own request schemas refuse, and reads what they leave.

`nova_schemas.json` has the schemas of a version of Nova (its first rows say which), as
`tests/serve/nova_schemas.py` writes it. The validator differs from a plain one as Nova's does:
texts may be numbers with a minimum, and some formats are Nova's.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from ipaddress import ip_address, ip_network
from operator import gt, lt
from typing import TYPE_CHECKING, Any
from uuid import UUID

from starlette.requests import Request

from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import ApiError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

PLACE = re.compile(r"\{[^}]*\}")
ROOT = re.compile(r"^(/compute/v2\.1|/v2\.1/[^/]+)")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/]+\S*")
SAME = {"PUT /os-services/force-down": "PUT /os-services/{}"}
"""Routes that have the schemas of another one."""
IGNORED = {"rebuild": {"flavorRef"}}
"""By action. Libcloud sends the flavor with a rebuild; the clouds that it is made for ignore it."""
Span = tuple[int, int, int]


@cache
def _facts() -> Mapping[str, Any]:
    here = resources.files("ecs_fsm.serve.compute") / "nova_schemas.json"
    found: dict[str, Any] = json.loads(here.read_text(encoding="ascii"))
    return found


def _whole(part: Any) -> Any:
    """Return a part of the data with its long patterns in their places."""
    if isinstance(part, dict):
        if "$long" in part:
            return _facts()["long"][part["$long"]]
        return {key: _whole(value) for key, value in part.items()}
    return [_whole(value) for value in part] if isinstance(part, list) else part


@cache
def _spans(kind: str, method: str, path: str, action: str | None = None) -> list[Span]:
    """Return the schemas of a route, by microversions; its ids have any names."""
    at = f"{method} {PLACE.sub('{}', ROOT.sub('', path, count=1)).rstrip('/')}"
    at = SAME.get(at, at)
    return _rows(kind).get(at if action is None else f"{at} {action}") or []


@cache
def _rows(kind: str) -> Mapping[str, list[Span]]:
    return {PLACE.sub("{}", key): spans for key, spans in _facts()[kind].items()}


def body_schema(method: str, path: str) -> Mapping[str, Any] | None:
    """Return the schema of a body at the lowest microversion, None if Nova has none."""
    spans = _spans("bodies", method, path)
    found: Mapping[str, Any] | None = _whole(_facts()["schemas"][spans[0][2]]) if spans else None
    return found


async def check_body(request: Request, path: str, minor: int) -> None:
    """Raise 400 for a body that Nova's schema of that route and microversion refuses."""
    if request.method not in ("POST", "PUT"):
        return
    try:
        body = await request.json()  # which the framework has read, or reads from here
    except (ValueError, RecursionError):
        return  # the handler says so
    action = None
    if path.endswith("/action"):
        if not isinstance(body, dict) or len(body) != 1:
            return
        ((action, argument),) = body.items()
        if not isinstance(action, str) or action not in _actions():
            return
        if action in IGNORED and isinstance(argument, dict):
            body = {action: {k: v for k, v in argument.items() if k not in IGNORED[action]}}
    _check(_spans("bodies", request.method, path, action), minor, body, is_body=True)


@cache
def _actions() -> frozenset[str]:
    """Return the actions that have schemas, which bounds what is remembered of clients."""
    return frozenset(key.split(" ")[2] for key in _facts()["bodies"] if key.count(" ") == 2)


def check_query(request: Request, path: str, minor: int) -> None:
    """Raise 400 for a query that Nova's schema of that route and microversion refuses."""
    if not request.scope["query_string"]:
        return
    query = {name: request.query_params.getlist(name) for name in request.query_params}
    _check(_spans("queries", request.method, path), minor, query, is_body=False)


def _check(spans: list[Span], minor: int, value: Any, *, is_body: bool) -> None:
    number = next((number for first, last, number in spans if first <= minor <= last), None)
    if number is None:
        return
    from jsonschema import ValidationError

    try:
        _validator(number).validate(value)
    except ValidationError as error:
        raise ApiError(400, _message(error, is_body)) from None
    except TypeError as error:  # as in Nova, for keys that are not texts
        raise ApiError(400, str(error)) from None


def _message(error: Any, is_body: bool) -> str:
    if isinstance(error.cause, BadName):
        return f"Invalid input received: An invalid 'name' value was provided. {error.cause}"
    if not error.path:
        return str(error.message)
    place = f"field/attribute {error.path[-1]}" if is_body else f"query parameters {error.path[0]}"
    return f"Invalid input for {place}. Value: {error.instance}. {error.message}"


class BadName(Exception):
    """A name that Nova does not take."""


@cache
def checker() -> type[Validator]:
    """Return the class of validators as Nova has it: texts may be numbers with a bound."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    bounds = {"minimum": _bound(lt, "less than the minimum")}
    bounds |= {"maximum": _bound(gt, "greater than the maximum")}
    own: type[Validator] = extend(Draft202012Validator, bounds)
    return own


@cache
def _validator(number: int) -> Validator:
    return checker()(_whole(_facts()["schemas"][number]), format_checker=_formats())


def _bound(beyond: Callable[[float, float], bool], words: str) -> Any:
    """Return a keyword of schemas that refuses numbers, and texts of numbers, beyond a bound."""

    def test(validator: Any, bound: float, value: Any, schema: Any) -> Iterator[Any]:
        from jsonschema import ValidationError

        number = _number(value)
        if number is not None and beyond(number, bound):
            yield ValidationError(f"{number!r} is {words} of {bound!r}")

    return test


def _number(value: Any) -> float | None:
    for kind in (int, float):
        try:
            return kind(value)
        except (ValueError, TypeError, OverflowError):
            continue
    return None


@cache
def _formats() -> Any:
    """Return the formats of Nova; they apply to texts only, but for names."""
    from jsonschema import FormatChecker

    checker = FormatChecker(())
    for name, test in FORMATS.items():
        checker.checks(name, (ValueError, re.error))(
            lambda value, test=test: not isinstance(value, str) or test(value) is not False
        )
    for name, (pattern, reason) in _facts()["names"].items():
        checker.checks(name, BadName)(_named(re.compile(_whole(pattern)), reason))
    return checker


def _named(pattern: re.Pattern[str], reason: str) -> Any:
    def test(value: object) -> bool:
        if not isinstance(value, str) or not pattern.search(value):
            raise BadName(f"The name must be: {reason}")
        return True

    return test


FORMATS: Mapping[str, Any] = {
    "regex": bool,  # a filter reads it
    "date-time": lambda value: datetime.fromisoformat(value.replace(" ", "+")) is not None,
    "base64": lambda value: base64.b64decode("".join(value.split()), validate=True) is not None,
    "cidr": lambda value: "/" in value and ip_network(value, strict=False) is not None,
    "uuid": lambda value: UUID(value) is not None,
    "uri": lambda value: bool(URI.fullmatch(value)),
    "ipv4": lambda value: ip_network(value).version == 4 and "/" not in value,
    "ipv6": lambda value: ip_network(value).version == 6 and "/" not in value,
}


MOST_ITEMS = 128
"""Metadata entries of a server or an image."""
TRUTHS = {
    **dict.fromkeys(("1", "t", "true", "on", "y", "yes"), True),
    **dict.fromkeys(("0", "f", "false", "off", "n", "no", ""), False),
}
"""Texts that Nova takes for truth values; it takes no empty one in bodies."""


def is_uuid(text: str | None) -> bool:
    """Return whether a text is the id of something that has a UUID."""
    try:
        return bool(UUID(text or ""))
    except ValueError:
        return False


def as_flag(value: object) -> object:
    """Return the truth value that a text means for old clients, other values as they are."""
    return TRUTHS.get(value.lower(), value) if isinstance(value, str) else value


def within_quota(metadata: Mapping[str, str]) -> None:
    """Raise 403 for more entries than a server can have."""
    if len(metadata) > MOST_ITEMS:
        raise ApiError(403, f"Maximum number of metadata items exceeds {MOST_ITEMS}")


ADDRESSES, DISK_CONFIG = ("accessIPv4", "accessIPv6"), "OS-DCF:diskConfig"


def address_of(text: str | None) -> str | None:
    """Return an address in its short form, None or an empty text as it is."""
    return text and str(ip_address(text))


def changed_fields(given: Item) -> Item:
    """Return the fields of a change of a server, under the names that it has for them."""
    addresses = {name: address_of(given[name]) for name in ADDRESSES if name in given}
    disk = {"disk_config": given[DISK_CONFIG]} if DISK_CONFIG in given else {}
    return {name: given[name] for name in given if name != DISK_CONFIG} | addresses | disk
