"""Bodies and queries against Nova's own request schemas, by microversion."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from ecs_fsm.serve.compute import nova_schemas
from ecs_fsm.serve.compute.actions import ACTIONS
from ecs_fsm.serve.compute.routes import ROUTERS
from ecs_fsm.serve.http.versions import HIGHEST
from tests.compute import CIRROS, SMALL, TINY, Compute
from tests.own_thread import run_in_own_thread
from tests.serve.schema_samples import Sample, samples

BY_CODE = ("body: unknown key", "minRam", "minDisk")
"""What Nova's schemas leave open, and its code refuses in words of its own."""
EACH = int(os.environ.get("ECS_FSM_SAMPLES", "3"))
"""Changed samples of a schema; more are tried by hand."""
WANTED = {"name": "web", "flavorRef": TINY, "imageRef": CIRROS, "networks": []}
DATA = json.loads(
    (resources.files("ecs_fsm.serve.compute") / "nova_schemas.json").read_text("ascii")
)


@pytest.fixture
def nova() -> Compute:
    return Compute("nova")


def test_the_data_says_of_which_nova_it_is_and_when_it_was_made() -> None:
    assert DATA["nova"] == "34.0.0"
    assert DATA["generated"].startswith("2026-")
    assert len(DATA["bodies"]) > 100


@pytest.mark.parametrize(
    ("field", "value", "since"),
    [("description", "d", 19), ("tags", ["x"], 52), ("hostname", "host", 90), ("unknown", 1, None)],
)
def test_a_field_is_taken_from_its_version_on(
    nova: Compute, field: str, value: object, since: int | None
) -> None:
    body = {"server": {**WANTED, field: value}}
    answer = nova.ask("POST", "/servers", body, minor=(since or 97) - 1)
    assert answer.code == 400
    assert f"Additional properties are not allowed ('{field}' was unexpected)" in answer.message
    if since:
        assert nova.ask("POST", "/servers", body, minor=since).code == 202


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": " x "},
        {"min_count": "0"},
        {"max_count": 1.5},
        {"accessIPv4": "ten"},
        {"OS-DCF:diskConfig": "auto"},
        {"config_drive": "perhaps"},
        {"security_groups": [{"name": "a", "id": 1}]},
        {"user_data": "%"},
    ],
    ids=str,
)
def test_wrong_values_are_refused(nova: Compute, change: dict[str, object]) -> None:
    answer = nova.ask("POST", "/servers", {"server": {**WANTED, **change}})
    assert (answer.code, "nvalid input" in answer.message) == (400, True)
    assert not nova.cloud.instances


@pytest.mark.parametrize(
    "change",
    [
        {"min_count": "1", "max_count": "2"},
        {"flavorRef": int(TINY)},
        {"accessIPv6": "2001:db8::1"},
        {"config_drive": "True"},
        {"user_data": "aGVsbG8="},
        {"OS-DCF:diskConfig": "MANUAL"},
    ],
    ids=str,
)
def test_what_nova_takes_is_taken(nova: Compute, change: dict[str, object]) -> None:
    assert nova.ask("POST", "/servers", {"server": {**WANTED, **change}}).code == 202


@pytest.mark.parametrize(
    ("action", "argument"),
    [
        ("reboot", {"type": "gently"}),
        ("reboot", {}),
        ("resize", {"flavorRef": SMALL, "more": 1}),
        ("rebuild", {"imageRef": "x"}),
        ("createImage", {"name": "x", "metadata": 7}),
        ("os-migrateLive", {"host": None}),
        ("changePassword", {}),
    ],
)
def test_arguments_of_actions_are_closed(nova: Compute, action: str, argument: object) -> None:
    server = nova.active()
    answer = nova.act(server, action, argument, user="admin", minor=96)
    assert (answer.code, nova.status(server)) == (400, "ACTIVE")


def test_queries_are_closed_from_the_version_on_in_which_nova_closed_them(nova: Compute) -> None:
    codes = [nova.ask("GET", "/servers?unknown=1", minor=minor).code for minor in (74, 75)]
    assert codes == [200, 400]
    answer = nova.ask("GET", "/servers?limit=-1", minor=75)
    assert answer.message.startswith("Invalid input for query parameters limit. Value: -1. ")


def test_every_schema_of_the_data_is_one_and_compiles() -> None:
    for number in range(0, len(DATA["schemas"]), 7):
        validator = nova_schemas._validator(number)
        validator.check_schema(validator.schema)


class Place(NamedTuple):
    """A served route whose bodies or queries have a schema, from a microversion on."""

    kind: str
    method: str
    path: str
    action: str
    since: int
    schema: int


def places() -> Iterator[Place]:
    """Yield what is served, by microversion."""
    for handler in (handler for router in ROUTERS for handler in router.all):
        at = f"{handler.method} {nova_schemas.PLACE.sub('{}', handler.path)}"
        at = nova_schemas.SAME.get(at, at)
        for kind in ("bodies", "queries"):
            for key, spans in nova_schemas._rows(kind).items():
                method, path, action = f"{key} ".split(" ")[:3]
                known = not action or action in ACTIONS or "migrations" in path
                if f"{method} {path}" == at and known:
                    for first, _, number in spans:
                        yield Place(kind, method, handler.path, action, first, number)


@cache
def tried(number: int) -> list[tuple[Sample, bool]]:
    """Return samples of a schema, and whether it takes them: two that it should, a few others."""
    schema = nova_schemas._whole(DATA["schemas"][number])
    found = samples(schema, takes)
    others = Random(number).sample(found[2:], min(EACH, len(found) - 2))  # noqa: S311
    return [(sample, takes(schema, sample.value)) for sample in (*found[:2], *others)]


def takes(schema: Any, value: object) -> bool:
    """Return whether a schema takes a value, as Nova's validator reads it."""
    try:
        checker = nova_schemas.checker()(schema, format_checker=nova_schemas._formats())
        return bool(checker.is_valid(value))
    except TypeError:
        return False


def sent(place: Place, sample: Sample, ids: Mapping[str, str]) -> tuple[str, object] | None:
    """Return the path and the body of a request; None for a query that no URL can have."""
    path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], "1"), place.path)
    if place.kind == "bodies":
        return path, sample.value
    given = sample.value if isinstance(sample.value, dict) else {}
    if not all(isinstance(texts, list) and texts for texts in given.values()):
        return None
    texts = [(key, text) for key, each in given.items() for text in each]
    if place.method != "GET" or not all(isinstance(t, str) and len(t) < 999 for _, t in texts):
        return None
    return f"{path}?{urlencode(texts)}", None


async def differences(nova: Compute, server: str) -> tuple[list[str], int, int]:
    """Return where answers differ from Nova's schemas, and how many samples they refuse, take."""
    ids = {"server_id": server, "image_id": CIRROS, "name": "k"}
    found, counts = [], {True: 0, False: 0}
    for place in places():
        if place.since > HIGHEST:
            continue
        for sample, right in tried(place.schema):
            request = sent(place, sample, ids)
            if request is None:
                continue
            answer = await nova.send(place.method, *request, user="admin", minor=place.since)
            strict = right and answer.code == 400 and "Invalid input for" in answer.text
            strict = strict and not any(word in sample.what for word in BY_CODE)
            if strict or (not right and answer.code != 400):
                found.append(f"{' '.join(map(str, place))}, {sample.what}: {answer.text[:200]}")
            counts[right] += 1
    return found, counts[False], counts[True]


def test_what_nova_refuses_is_refused_and_what_it_takes_is_taken(nova: Compute) -> None:
    server = nova.active()
    assert nova.ask("POST", "/os-keypairs", {"keypair": {"name": "k"}}).code == 200
    found, refused, taken = run_in_own_thread(differences(nova, server))
    assert not found, "\n".join(found)
    assert refused > 200
    assert taken > 250
