"""What a request names must exist, and is told from what is somebody else's."""

from __future__ import annotations

import pytest

from tests.compute import CIRROS
from tests.judging import API, Judged


@pytest.fixture
def judged() -> Judged:
    return Judged()


def keypair(judged: Judged, name: str, user: str = "demo") -> None:
    body = {"keypair": {"name": name, "public_key": "ssh-rsa AAAA"}}
    assert judged.ask("POST", f"{API}/os-keypairs", body, user=user).status_code == 200


def test_a_server_gets_a_key_of_its_user_and_of_nobody_else(judged: Judged) -> None:
    keypair(judged, "mine")
    keypair(judged, "theirs", user="other")
    shown = judged.get(f"{API}/servers/{judged.active(key_name='mine')}")
    assert shown["server"]["key_name"] == "mine"
    refused = judged.create(key_name="theirs")
    assert refused.status_code == 400
    assert refused.json()["badRequest"]["message"] == "Invalid key_name provided."


def test_a_rebuild_takes_a_key_that_exists(judged: Judged) -> None:
    keypair(judged, "mine")
    server = judged.active()
    argument = {"imageRef": CIRROS, "key_name": "nobodys"}
    assert judged.act(server, "rebuild", argument, minor=54).status_code == 400
    rebuilt = judged.act(server, "rebuild", argument | {"key_name": "mine"}, minor=54)
    assert rebuilt.status_code == 202


def test_a_shelf_is_not_left_for_a_zone_that_there_is_not(judged: Judged) -> None:
    server = judged.active()
    judged.act(server, "shelve")
    judged.cloud.advance(1e6)
    refused = judged.act(server, "unshelve", {"availability_zone": "mars"}, minor=77)
    assert refused.status_code == 400
    assert "availability zone" in refused.json()["badRequest"]["message"]
