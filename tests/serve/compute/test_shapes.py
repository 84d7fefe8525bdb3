"""Shapes of answers that Nova's documentation samples showed to be otherwise."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.compute import CIRROS, LONG, PRIVATE, Compute
from tests.nova_cloud import API, NovaCloud


@pytest.fixture
def judged() -> NovaCloud:
    return NovaCloud()


def events(nova: Compute, server: str) -> list[tuple[str, list[str]]]:
    path = f"/servers/{server}/os-instance-actions"
    found = []
    for action in nova.ask("GET", path, user="admin").json["instanceActions"]:
        shown = nova.ask("GET", f"{path}/{action['request_id']}", user="admin").json
        names = [
            event["event"].removeprefix("compute_") for event in shown["instanceAction"]["events"]
        ]
        found.append((action["action"], names))
    return found[::-1]


def test_events_have_the_names_of_what_nova_does(nova: Compute) -> None:
    server = nova.active()
    for key, argument in (("resize", {"flavorRef": "2"}), ("revertResize", None), ("shelve", None)):
        assert nova.act(server, key, argument).code == 202
        nova.rest()
    assert events(nova, server) == [
        ("create", ["_do_build_and_run_instance"]),
        ("resize", ["prep_resize", "resize_instance", "finish_resize"]),
        ("revertResize", ["revert_resize"]),
        ("shelve", ["shelve_instance"]),
    ]


def test_an_image_says_how_servers_from_it_divide_their_disk(judged: NovaCloud) -> None:
    image = judged.snapshot(judged.active())
    judged.cloud.advance(LONG)
    for word, shown in (("true", "AUTO"), ("False", "MANUAL")):
        meta = {"meta": {"auto_disk_config": word}}
        place = f"{API}/images/{image}"
        assert judged.ask("PUT", f"{place}/metadata/auto_disk_config", meta).status_code == 200
        assert judged.get(place)["image"]["OS-DCF:diskConfig"] == shown
        made = judged.create(imageRef=image).json()["server"]
        assert made["OS-DCF:diskConfig"] == shown
    assert "OS-DCF:diskConfig" not in judged.get(f"{API}/images/{CIRROS}")["image"]
    kinds = [link.get("type") for link in judged.get(place)["image"]["links"]]
    assert kinds == [None, None, "application/vnd.openstack.image"]


@pytest.mark.parametrize(
    ("path", "many", "minor"),
    [
        ("os-hypervisors", "hypervisors", 33),
        ("os-hypervisors/detail", "hypervisors", 88),
        ("os-keypairs", "keypairs", 35),
        ("os-simple-tenant-usage?detailed=1", "tenant_usages", 40),
    ],
)
def test_lists_come_in_pages(judged: NovaCloud, path: str, many: str, minor: int) -> None:
    for name in ("a", "b", "c"):
        body = {"keypair": {"name": name, "public_key": "ssh-rsa AAAA"}}
        assert judged.ask("POST", f"{API}/os-keypairs", body, user="admin").status_code == 200
        judged.active(name=name)
    between = "&" if "?" in path else "?"
    assert len(seen(judged, path, many, minor)) == 3
    limited = f"{path}{between}limit=2"
    page = judged.get(f"{API}/{limited}", minor, "admin")
    ((link,),) = (page[key] for key in page if key.endswith("_links"))
    rest = link["href"].partition(f"{API}/")[2]
    assert seen(judged, limited, many, minor) + seen(judged, rest, many, minor) == seen(
        judged, path, many, minor
    )
    assert not [key for key in judged.get(f"{API}/{rest}", minor, "admin") if "links" in key]
    before = judged.ask("GET", f"{API}/{limited}", minor=minor - 1, user="admin")
    assert before.status_code == 200 or "limit" in before.text


def seen(judged: NovaCloud, path: str, many: str, minor: int) -> list[Any]:
    """What a list has, whatever it is: the servers of usages."""
    found = judged.get(f"{API}/{path}", minor, "admin")[many]
    if many == "tenant_usages":
        return [server["instance_id"] for usage in found for server in usage["server_usages"]]
    return [str(each.get("id") or each["keypair"]["name"]) for each in found]


def test_administrators_have_keypairs_of_other_users(judged: NovaCloud) -> None:
    key = {"name": "k", "public_key": "ssh-rsa AAAA", "user_id": "somebody"}
    place = f"{API}/os-keypairs"
    assert judged.ask("POST", place, {"keypair": key}, 10).status_code == 403
    assert judged.ask("POST", place, {"keypair": key}, 10, "admin").status_code == 201
    assert judged.get(place, 10, "admin")["keypairs"] == []
    theirs = judged.get(f"{place}/k?user_id=somebody", 10, "admin")["keypair"]
    assert theirs["user_id"] == "somebody"
    assert judged.ask("GET", f"{place}/k?user_id=somebody", minor=10).status_code == 403
    gone = judged.ask("DELETE", f"{place}/k?user_id=somebody", minor=10, user="admin")
    assert gone.status_code == 204
    assert judged.get(f"{place}?user_id=somebody", 10, "admin")["keypairs"] == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        *[("name=tiny", ["m1.tiny"]), ("name=^M1.*(ny|ll)$", ["m1.tiny", "m1.small"])],
        *[("name=none", []), ("disk=1&ram=512", None)],
    ],
)
def test_flavors_are_found_by_a_pattern_of_their_name_alone(
    judged: NovaCloud, query: str, names: list[str] | None
) -> None:
    every = [flavor["name"] for flavor in judged.get(f"{API}/flavors")["flavors"]]
    found = judged.get(f"{API}/flavors?{query}")["flavors"]
    assert [flavor["name"] for flavor in found] == (every if names is None else names)
    wrong = judged.ask("GET", f"{API}/flavors?name=(", minor=102)
    assert wrong.status_code == 400


def test_only_administrators_choose_between_public_flavors_and_others(judged: NovaCloud) -> None:
    path = f"{API}/flavors?is_public=maybe"
    codes = [judged.ask("GET", path, user=user).status_code for user in ("demo", "admin")]
    assert codes == [200, 400]


def volume(judged: NovaCloud) -> str:
    project = judged.edge.ask(
        "GET",
        "/identity/v3/auth/tokens",
        headers=dict.fromkeys(("X-Auth-Token", "X-Subject-Token"), judged.tokens["demo"]),
    ).json()["token"]["project"]["id"]
    made = judged.ask("POST", f"/volume/v3/{project}/volumes", {"volume": {"size": 1}})
    judged.cloud.advance(LONG)
    return str(made.json()["volume"]["id"])


def test_a_volume_that_cannot_leave_keeps_its_tag_and_what_becomes_of_it(judged: NovaCloud) -> None:
    server, own = judged.active(), volume(judged)
    body = {"volumeId": own, "tag": "data", "delete_on_termination": True}
    place = f"{API}/servers/{server}/os-volume_attachments"
    new = judged.ask("POST", place, {"volumeAttachment": body}, 89).json()["volumeAttachment"]
    assert new["id"] == own
    judged.cloud.advance(LONG)
    before = judged.get(place, 89)["volumeAttachments"]
    judged.cloud.volumes.cloud.orders.add("detach:fail")
    assert judged.ask("DELETE", f"{place}/{own}").status_code == 202
    assert judged.get(place, 89)["volumeAttachments"] == []
    judged.cloud.advance(LONG)
    assert judged.get(place, 89)["volumeAttachments"] == before
    assert before[0]["tag"] == "data"
    assert "id" not in before[0]


def test_a_volume_that_is_not_attached_yet_is_not_swapped(judged: NovaCloud) -> None:
    server, own, other = judged.active(), volume(judged), volume(judged)
    place = f"{API}/servers/{server}/os-volume_attachments"
    judged.ask("POST", place, {"volumeAttachment": {"volumeId": own}})
    swap = {"volumeAttachment": {"volumeId": other}}
    answer = judged.ask("PUT", f"{place}/{own}", swap, user="admin")
    assert answer.status_code == 400, answer.text
    path = f"{API}/servers/{server}/os-instance-actions"
    actions = [action["action"] for action in judged.get(path)["instanceActions"]]
    assert actions == ["attach_volume", "create"]


def test_a_port_that_a_server_is_given_has_the_tag_of_the_request(judged: NovaCloud) -> None:
    server = judged.active(networks="none")
    body = {"port": {"network_id": PRIVATE}}
    port = judged.ask("POST", "/network/v2.0/ports", body).json()["port"]["id"]
    place = f"{API}/servers/{server}/os-interface"
    wanted = {"interfaceAttachment": {"port_id": port, "tag": "data"}}
    made = judged.ask("POST", place, wanted, 70).json()["interfaceAttachment"]
    assert made == judged.get(f"{place}/{port}", 70)["interfaceAttachment"]
    assert made["tag"] == "data"


def test_ids_of_security_groups_are_uuids(judged: NovaCloud) -> None:
    (group,) = judged.get(f"{API}/os-security-groups")["security_groups"]
    for own in (group["id"], *(rule["id"] for rule in group["rules"])):
        assert str(UUID(own)) == own


def test_the_old_proxy_lists_floating_addresses(judged: NovaCloud) -> None:
    server = judged.active()
    public = next(
        n for n in judged.get("/network/v2.0/networks")["networks"] if n["router:external"]
    )
    body = {"floatingip": {"floating_network_id": public["id"]}}
    made = judged.ask("POST", "/network/v2.0/floatingips", body).json()["floatingip"]
    address = made["floating_ip_address"]
    shown = {"id": made["id"], "ip": address, "pool": "public"}
    free = {"fixed_ip": None, "instance_id": None}
    assert judged.get(f"{API}/os-floating-ips")["floating_ips"] == [shown | free]
    assert judged.act(server, "addFloatingIp", {"address": address}).status_code == 202
    (used,) = judged.get(f"{API}/os-floating-ips")["floating_ips"]
    assert used["instance_id"] == server


def test_a_running_live_migration_is_linked_and_has_one_id(judged: NovaCloud) -> None:
    server = judged.active()
    body = {"host": None, "block_migration": "auto"}
    judged.act(server, "os-migrateLive", body, minor=30, user="admin")
    (own,) = judged.get(f"{API}/servers/{server}/migrations", 80, "admin")["migrations"]
    (listed,) = judged.get(f"{API}/os-migrations", 80, "admin")["migrations"]
    assert (own["id"], own["uuid"], own["dest_host"]) == (
        listed["id"],
        listed["uuid"],
        listed["dest_host"],
    )
    assert listed["links"][0]["href"].endswith(f"/servers/{server}/migrations/{own['id']}")
    past = judged.get(f"{API}/os-migrations?changes-before=2000-01-01T00:00:00Z", 80, "admin")
    assert past == {"migrations": []}
    judged.cloud.advance(LONG)
    (done,) = judged.get(f"{API}/os-migrations", 80, "admin")["migrations"]
    assert "links" not in done


@pytest.mark.parametrize(
    ("protocol", "kind", "end"),
    [("serial", "serial", "/?token="), ("spice", "spice-html5", "spice_auto.html?token=")],
)
def test_consoles_have_the_urls_of_their_kind(
    judged: NovaCloud, protocol: str, kind: str, end: str
) -> None:
    place = f"{API}/servers/{judged.active()}/remote-consoles"
    body = {"remote_console": {"protocol": protocol, "type": kind}}
    url = judged.ask("POST", place, body, 8).json()["remote_console"]["url"]
    assert end in url
    rdp = {"remote_console": {"protocol": "rdp", "type": "rdp-html5"}}
    assert judged.ask("POST", place, rdp, 8).status_code == 400
