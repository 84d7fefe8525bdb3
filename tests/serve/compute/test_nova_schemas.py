"""Bodies and queries against Nova's own request schemas, by microversion."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from ecs_fsm.serve.compute import nova_schemas
from tests.compute import CIRROS, SMALL, TINY, Compute

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
