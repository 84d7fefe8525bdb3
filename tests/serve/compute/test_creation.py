"""Servers are created: what a body may ask for, what is refused, what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compute import CIRROS, PRIVATE, PUBLIC, TINY, Compute

WANTED = {"name": "web", "flavorRef": TINY, "imageRef": CIRROS}


def test_the_answer_to_a_creation_has_what_clients_need_and_no_more(compute: Compute) -> None:
    answer = compute.ask("POST", "/servers", {"server": WANTED})
    result = answer.json["server"]
    assert answer.code == 202
    assert set(result) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
    assert answer.headers["location"] == result["links"][0]["href"]
    assert result["links"][0]["href"] == f"http://localhost/compute/v2.1/servers/{result['id']}"
    given = compute.ask("POST", "/servers", {"server": {**WANTED, "adminPass": "secret"}})
    assert given.json["server"]["adminPass"] == "secret"


def test_a_server_shows_what_its_creation_gave(nova: Compute) -> None:
    key = {"keypair": {"name": "mine", "public_key": "ssh-rsa AAAA"}}
    assert nova.ask("POST", "/os-keypairs", key).code == 200
    given: dict[str, Any] = {
        "name": "db",
        "description": "of the shop",
        "metadata": {"role": "db"},
        "key_name": "mine",
        "accessIPv4": "192.0.2.7",
        "accessIPv6": "2001:db8::7",
        "config_drive": True,
        "user_data": "aGVsbG8=",
        "tags": ["one", "two"],
        "hostname": "db-host",
        "trusted_image_certificates": ["0b5d2c72"],
    }
    shown = nova.show(nova.active(**given), minor=96, user="admin")
    own = "OS-EXT-SRV-ATTR"
    found = {**shown, "hostname": shown[f"{own}:hostname"], "user_data": shown[f"{own}:user_data"]}
    assert {name: found[name] for name in given} == {**given, "config_drive": "True"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": 7}, "name"),
        ({"flavorRef": ""}, "flavorRef"),
        ({"flavorRef": "nowhere"}, "Flavor nowhere could not be found"),
        ({"flavorRef": None}, "flavorRef"),
        ({"imageRef": 7}, "imageRef"),
        ({"imageRef": ""}, "imageRef"),
        ({"imageRef": TINY}, "imageRef"),
        ({"metadata": {"a": 1}}, "attribute a"),
        ({"metadata": {"a": "x" * 256}}, "attribute a"),
        ({"metadata": {"": "x"}}, "metadata"),
        ({"metadata": "a=b"}, "metadata"),
        ({"metadata": {"ecs:fault": "resize:explode"}}, "explode"),
        ({"min_count": 0}, "min_count"),
        ({"min_count": 3, "max_count": 2}, "min_count must be <= max_count"),
        ({"networks": "auto"}, "'auto' is not of type 'array'"),
        ({"networks": [{"uuid": "7"}]}, "networks"),
        ({"networks": [{}]}, "network uuid is not in proper format (None)"),
        ({"networks": [{"uuid": CIRROS}]}, f"Network {CIRROS} could not be found"),
        ({"networks": [{"port": CIRROS}]}, f"Port id {CIRROS} could not be found"),
        ({"block_device_mapping_v2": [{"source_type": "cloud"}]}, "source_type"),
        ({"tags": ["a,b"]}, "'tags' was unexpected"),
        ({"user_data": 7}, "user_data"),
        ({"user_data": "x"}, "user_data"),
        ({"key_name": "nobodys"}, "Invalid key_name provided."),
        ({"availability_zone": "mars"}, "The requested availability zone is not available"),
    ],
)
def test_a_creation_that_cannot_be_read_is_refused_and_makes_nothing(
    nova: Compute, change: dict[str, object], said: str
) -> None:
    answer = nova.ask("POST", "/servers", {"server": {**WANTED, **change}})
    assert answer.code == 400, answer.text
    assert said in answer.message
    assert not nova.cloud.instances


@pytest.mark.parametrize("body", [None, [], 7, {}, {"server": None}, {"servers": WANTED}])
def test_a_body_that_does_not_create_is_refused(nova: Compute, body: object) -> None:
    assert nova.ask("POST", "/servers", body).code == 400


def test_more_than_a_project_can_have_is_forbidden(nova: Compute) -> None:
    many = {"metadata": {str(number): "" for number in range(129)}}
    for change in (many, {"max_count": 1001}):
        assert nova.ask("POST", "/servers", {"server": {**WANTED, **change}}).code == 403
    assert not nova.cloud.instances


def test_networks_are_named_from_2_37_on(nova: Compute) -> None:
    def addresses(networks: object, minor: int) -> list[str]:
        body = {"server": {**WANTED, **({} if networks is None else {"networks": networks})}}
        answer = nova.ask("POST", "/servers", body, minor=minor)
        assert answer.code == 202, answer.text
        nova.rest()
        return list(nova.show(answer.json["server"]["id"])["addresses"])

    assert addresses(None, 36) == addresses([], 36) == addresses("auto", 37) == ["private"]
    assert addresses("none", 37) == []
    assert addresses([{"uuid": PUBLIC}, {"uuid": PRIVATE}], 37) == ["public", "private"]
    assert nova.ask("POST", "/servers", {"server": WANTED}, minor=37).code == 400


def test_a_server_has_no_address_before_networking_is_done(compute: Compute) -> None:
    server = compute.create()
    shown: list[tuple[str, bool]] = []
    while not shown or not shown[-1][0].startswith("ACTIVE"):
        if not shown or shown[-1][0] != compute.status(server):
            shown.append((compute.status(server), bool(compute.show(server)["addresses"])))
        compute.cloud.step(1)
        shown.append((compute.status(server), bool(compute.show(server)["addresses"])))
    without = [status for status, has in dict.fromkeys(shown) if not has]
    assert without == ["BUILD scheduling", "BUILD", "BUILD networking"]
    assert [status for status, has in dict.fromkeys(shown) if has] == [
        "BUILD block_device_mapping",
        "BUILD spawning",
        "ACTIVE",
    ]
    ((address,),) = compute.show(server)["addresses"].values()
    assert address["OS-EXT-IPS:type"] == "fixed"
    assert address["addr"].startswith("10.")


def test_networks_none_spares_nova_the_step(nova: Compute) -> None:
    server = nova.create(networks="none")
    states = []
    while nova.cloud.step(1):
        states.append(nova.status(server))
    assert "BUILD networking" not in states
    assert states[-1] == "ACTIVE"


def test_a_server_boots_from_a_volume_or_from_what_an_image_device_says(nova: Compute) -> None:
    image = {"boot_index": 0, "uuid": CIRROS, "source_type": "image", "volume_size": 1}
    volume = nova.active(
        imageRef="", block_device_mapping_v2=[{**image, "destination_type": "volume"}]
    )
    local = nova.active(block_device_mapping_v2=[{**image, "destination_type": "local"}])
    assert nova.show(volume)["image"] == ""
    assert len(nova.show(volume)["os-extended-volumes:volumes_attached"]) == 1
    assert nova.show(local)["image"]["id"] == CIRROS
    # An image of a server on a volume is made without a trace, a backup is refused.
    assert nova.act(volume, "createImage", {"name": "x"}).code == 202
    assert nova.status(volume) == "ACTIVE"
    backup = {"name": "x", "backup_type": "daily", "rotation": 1}
    assert nova.act(volume, "createBackup", backup).code == 409
    # A rebuild leaves the volume as it is, and sets the other attributes.
    wanted = {"imageRef": CIRROS, "name": "db"}
    assert nova.act(volume, "rebuild", wanted).json["server"]["image"] == ""
    nova.rest()
    assert (nova.show(volume)["image"], nova.show(volume)["name"]) == ("", "db")


def test_several_servers_are_numbered(nova: Compute) -> None:
    body = {"server": {**WANTED, "min_count": 2, "max_count": 3, "return_reservation_id": True}}
    answer = nova.ask("POST", "/servers", body)
    assert set(answer.json) == {"reservation_id"}
    assert sorted(nova.names("")) == ["web-1", "web-2", "web-3"]
    reservation = answer.json["reservation_id"]
    assert len(nova.names(f"reservation_id={reservation}")) == 3
