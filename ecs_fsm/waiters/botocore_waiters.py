"""Waiters as the package botocore ships them, judged for the operations that they are used after.

botocore describes a waiter as a list of acceptors, the first of which that matches decides: a value
of an attribute, or an error of the API, and whether it is success, failure or a retry. It does not
say after which operation, and from where: that stands in a TOML file beside the lifecycle, in
tables `[[waiter]]` with name, operation and, if need be, from and remember.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.io.toml import Row, TomlFile
from ecs_fsm.lifecycles.registry import side_file
from ecs_fsm.waiters.judge import GONE
from ecs_fsm.waiters.waiter import Waiter
from ecs_fsm.waiters.waiter_file import Placed

SIDE = "botocore"
"""The kind of the file beside a lifecycle that says which waiter follows which operation."""
TABLE = "waiter"
KEYS = ("name", "operation", "from", "remember")
EXPECTED = f"expected tables [[{TABLE}]] with name and operation, and from or remember"
MOST_BYTES = 4_000_000
LISTS = {"success": "target", "failure": "failure", "retry": "retry"}
NOT_FOUND = "NotFound"
"""How the error ends that answers for what does not exist any more."""

Acceptor = Mapping[str, object]


def read_shipped(service: str, lifecycle: Lifecycle) -> list[Placed]:
    """Return botocore's waiters of a service that the file beside the lifecycle names.

    Raise `InvalidInput` where botocore is not installed, knows no such service or waiter, or where
    a waiter polls something else than the lifecycle's status.
    """
    beside = side_file(lifecycle, SIDE)
    if beside is None:
        place = f"{lifecycle.name}.{SIDE}.toml"
        raise InvalidInput(
            f"{lifecycle.name} has no {place} beside it, which says after which operation "
            f"each waiter is used; {EXPECTED}"
        )
    shipped = _shipped(service)
    return list(_placed(TomlFile.read(str(beside), EXPECTED), shipped, lifecycle))


def _shipped(service: str) -> Mapping[str, Mapping[str, object]]:
    spec = find_spec("botocore")
    if spec is None or not spec.submodule_search_locations:
        raise InvalidInput("botocore is not installed: pip install botocore")
    data = Path(spec.submodule_search_locations[0]) / "data"
    services = sorted(path.name for path in data.iterdir() if path.is_dir())
    if service not in services:
        raise unknown("service of botocore", service, services)
    editions = sorted((data / service).glob("*/waiters-2.json*"))
    if not editions:
        raise InvalidInput(f"botocore has no waiters of {service}")
    content = editions[-1].read_bytes()
    text = gzip.decompress(content) if editions[-1].suffix == ".gz" else content
    if len(text) > MOST_BYTES:
        raise InvalidInput(f"{editions[-1]}: longer than {MOST_BYTES} bytes")
    waiters: dict[str, dict[str, object]] = json.loads(text)["waiters"]
    return waiters


def _placed(
    toml: TomlFile, shipped: Mapping[str, Mapping[str, object]], lifecycle: Lifecycle
) -> Iterator[Placed]:
    for number, row in enumerate(toml.tables(TABLE)):
        try:
            waiter = _waiter(row, shipped, lifecycle)
        except InvalidInput as error:
            raise toml.error(str(error), TABLE, number) from None
        yield Placed(waiter, toml.file, toml.line(TABLE, number))


def _waiter(row: Row, shipped: Mapping[str, Mapping[str, object]], lifecycle: Lifecycle) -> Waiter:
    for key in row:
        if key not in KEYS:
            raise unknown("key", key, KEYS)
    name, operation = str(row.get("name", "")), str(row.get("operation", ""))
    if not name or not operation:
        raise InvalidInput(f"a waiter has no name or no operation; {EXPECTED}")
    if name not in shipped:
        raise unknown("waiter of botocore", name, shipped)
    lists = _lists(name, shipped[name], lifecycle.table.attributes["status"])
    return Waiter(
        operation,
        lists["target"],
        failure=lists["failure"],
        attribute="",
        from_=_texts(row.get("from", ())),
        remember=_texts(row.get("remember", ())),
        name=f"{name} after {operation}",
        lifecycle=lifecycle,
    )


def _lists(name: str, shipped: Mapping[str, object], attribute: str) -> dict[str, list[str]]:
    """Return the values of each list; of two acceptors for one value the first decides."""
    lists: dict[str, list[str]] = {listed: [] for listed in LISTS.values()}
    acceptors = shipped.get("acceptors")
    for acceptor in acceptors if isinstance(acceptors, list) else ():
        value = _value(name, acceptor, attribute)
        known = [listed for values in lists.values() for listed in values]
        if value not in known:
            lists[LISTS[str(acceptor["state"])]].append(value)
    return lists


def _value(name: str, acceptor: Acceptor, attribute: str) -> str:
    expected = str(acceptor.get("expected"))
    if acceptor.get("matcher") == "error":
        if expected.endswith(NOT_FOUND):
            return GONE
        raise InvalidInput(f"{name} waits for the error {expected}, which no state shows")
    argument = str(acceptor.get("argument"))
    if argument != attribute and not argument.endswith(f".{attribute}"):
        raise InvalidInput(f"{name} polls {argument}; the lifecycle's attribute is {attribute}")
    return expected


def _texts(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value))  # type: ignore[call-overload]
