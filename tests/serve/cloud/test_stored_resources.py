"""What a state file says of declared resources is held against their tables when it is read."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from copy import deepcopy
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from ecs_fsm.cli import main
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.resources import (
    RESOURCE,
    Item,
    Resources,
    stored_schema,
    tables,
)
from ecs_fsm.serve.cloud.store import StateFile
from tests.clouds import cloud_of
from tests.nova_cloud import NovaCloud

KINDS = [
    kind
    for written in tables().values()
    for kind in written.get("kinds", {}) | written.get("kept", {})
    if written.get("kinds", {}).get(kind, {}).get("stored", True)
]
MISSING = object()


def right(schema: Item) -> Any:
    """A value with everything that a schema names."""
    name = (schema["type"] if isinstance(schema["type"], list) else [schema["type"]])[0]
    if name == "object":
        return {key: right(part) for key, part in schema.get("properties", {}).items()}
    if name == "array":
        return [right(schema["items"])] if "items" in schema else []
    return {"string": "a", "boolean": True, "integer": 1, "number": 1.5, "null": None}[name]


def damaged(item: Any, schema: Item, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Each part of a right value, by its path, with `MISSING` or a value of a wrong type."""
    for key, one in item.items() if isinstance(item, dict) else enumerate(item):
        part = schema.get("properties", {}).get(key) or schema["items"]
        names = part["type"] if isinstance(part["type"], list) else [part["type"]]
        values = {"object": {}, "array": [], "boolean": True, "string": "a", "null": None}
        yield from ((*path, key, v) for n, v in values.items() if n not in names)
        if key in schema.get("required", ()):
            yield (*path, key, MISSING)
        if isinstance(one, dict | list):
            yield from damaged(one, part, (*path, key))


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_resource_without_a_field_or_with_a_wrong_one_is_refused(kind: str) -> None:
    schema = stored_schema(kind)
    item, state = right(schema) | {"id": "a"}, StateFile(None)

    def read(changed: Item) -> None:
        state.replace([(RESOURCE, f"{kind}/a", json.dumps([1, changed]))])
        Resources(state)

    read(item)
    places = [*damaged(item, schema)]
    assert {place[0] for place in places} == {*item}
    for *path, key, value in places:
        changed = deepcopy(item)
        part = reduce(lambda whole, name: whole[name], path, changed)
        if value is MISSING:
            del part[key]
        else:
            part[key] = value
        where = ".".join(str(name) for name in (f"{kind}/a", *path, key))
        fault = "missing" if value is MISSING else re.escape(json.dumps(value))
        with pytest.raises(
            InvalidInput, match=rf"{re.escape(where)} is {fault}; expected [a-z ]+$"
        ):
            read(changed)


def test_a_damaged_resource_ends_the_start_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "state"
    cloud_of(state=str(path)).close()
    with sqlite3.connect(path) as file:
        file.execute(
            "UPDATE document SET body = replace(body, 'ram', 'rum') WHERE name = 'flavors/1'"
        )
    file.close()
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--state", str(path)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "state: the file is broken: resource: flavors/1.ram is missing; expected integer" in said


def test_a_kind_without_a_schema_has_no_shelf_since_its_documents_could_not_be_read() -> None:
    with pytest.raises(ValueError, match="shoes is not a kind of resource"):
        Resources(StateFile(None)).of("shoes")


def test_a_disabled_service_is_disabled_after_a_restart(tmp_path: Path) -> None:
    nova, path = NovaCloud(tmp_path / "state"), "/compute/v2.1/os-services"
    body = {"host": "compute-1", "binary": "nova-compute", "disabled_reason": "broken"}
    nova.ask("PUT", f"{path}/disable-log-reason", body, user="admin", minor=1)
    nova.cloud.close()
    shown = NovaCloud(tmp_path / "state").get(path, user="admin")["services"]
    assert [one["disabled_reason"] for one in shown if one["host"] == "compute-1"] == ["broken"]


def test_what_a_client_gives_for_a_read_only_field_is_not_kept(tmp_path: Path) -> None:
    nova = NovaCloud(tmp_path / "state")
    given = {"name": "u", "id": 5, "password_expires_at": 7, "implied": "x", "shoe_size": 46}
    made = nova.ask("POST", "/identity/v3/users", {"user": given}, user="admin").json()["user"]
    assert (made["password_expires_at"], made["shoe_size"]) == (None, 46)
    nova.cloud.close()
    again = NovaCloud(tmp_path / "state")
    assert again.get(f"/identity/v3/users/{made['id']}", user="admin")["user"] == made
