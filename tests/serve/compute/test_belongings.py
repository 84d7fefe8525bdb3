"""What hangs on a server: metadata, tags, addresses, volumes, ports, and small reports."""

from __future__ import annotations

from typing import Any

from tests.clouds import USER
from tests.compute import CIRROS, PRIVATE, PUBLIC, Compute


def test_metadata_is_set_replaced_and_removed(compute: Compute) -> None:
    server = compute.active(metadata={"a": "1"})
    path = f"/servers/{server}/metadata"

    def ask(method: str, more: str = "", body: object = None) -> Any:
        answer = compute.ask(method, path + more, body)
        assert answer.code < 300, answer.text
        return answer.json if answer.text else answer.code

    assert ask("GET") == {"metadata": {"a": "1"}}
    assert ask("POST", "", {"metadata": {"b": "2"}}) == {"metadata": {"a": "1", "b": "2"}}
    assert ask("PUT", "", {"metadata": {"c": "3"}}) == {"metadata": {"c": "3"}}
    assert ask("PUT", "/c", {"meta": {"c": "4"}}) == {"meta": {"c": "4"}}
    assert ask("GET", "/c") == {"meta": {"c": "4"}}
    assert ask("DELETE", "/c") == 204
    for method, body in (("GET", None), ("DELETE", None)):
        assert compute.ask(method, f"{path}/c", body).message == "Metadata item was not found"
    bad: tuple[object, ...] = ({"meta": {"d": "1"}}, {"meta": {}}, {"meta": {"c": 1}}, {})
    for wrong in bad:
        assert compute.ask("PUT", f"{path}/c", wrong).code == 400
    many = {"metadata": {str(number): "" for number in range(129)}}
    assert compute.ask("POST", path, many).code == 403
    assert ask("GET") == {"metadata": {}}


def test_nova_refuses_metadata_where_its_lifecycle_does(nova: Compute) -> None:
    server = nova.create(metadata={"a": "1"})
    path = f"/servers/{server}/metadata"
    assert nova.ask("POST", path, {"metadata": {"b": "2"}}).code == 409
    assert nova.ask("DELETE", f"{path}/a").code == 409
    assert nova.ask("GET", path).json == {"metadata": {"a": "1"}}


def test_tags_are_there_from_2_26_on(compute: Compute) -> None:
    server = compute.active()
    path = f"/servers/{server}/tags"
    assert compute.ask("GET", path, minor=25).code == 404

    def code(method: str, more: str = "", body: object = None) -> int:
        return compute.ask(method, path + more, body, minor=26).code

    assert code("PUT", "", {"tags": ["a", "b", "a"]}) == 200
    assert compute.ask("GET", path, minor=26).json == {"tags": ["a", "b"]}
    assert (code("PUT", "/c"), code("PUT", "/c"), code("GET", "/c")) == (201, 204, 204)
    assert (code("DELETE", "/a"), code("DELETE", "/a"), code("GET", "/a")) == (204, 404, 404)
    assert code("PUT", f"/{'x' * 61}") == 400
    assert code("PUT", "", {"tags": [str(number) for number in range(51)]}) == 400
    assert code("DELETE") == 204
    assert compute.show(server, minor=26)["tags"] == []


def test_addresses_and_ports_are_the_same_everywhere(nova: Compute) -> None:
    server = nova.active()
    ips = nova.ask("GET", f"/servers/{server}/ips").json["addresses"]
    (shown,) = nova.show(server)["addresses"]["private"]
    assert ips == {"private": [{"version": 4, "addr": shown["addr"]}]}
    assert nova.ask("GET", f"/servers/{server}/ips/private").json == ips
    assert nova.ask("GET", f"/servers/{server}/ips/public").code == 404
    path = f"/servers/{server}/os-interface"
    (port,) = nova.ask("GET", path).json["interfaceAttachments"]
    assert port["mac_addr"] == shown["OS-EXT-IPS-MAC:mac_addr"]
    assert port["fixed_ips"][0]["ip_address"] == shown["addr"]
    added = nova.ask("POST", path, {"interfaceAttachment": {"net_id": PUBLIC}})
    assert added.json["interfaceAttachment"]["net_id"] == PUBLIC
    assert list(nova.show(server)["addresses"]) == ["private", "public"]
    for wrong in ({"net_id": CIRROS}, {"port_id": CIRROS}):
        assert nova.ask("POST", path, {"interfaceAttachment": wrong}).code == 404
    both = {"net_id": PUBLIC, "port_id": port["port_id"]}
    assert nova.ask("POST", path, {"interfaceAttachment": both}).code == 400
    assert nova.ask("DELETE", f"{path}/{port['port_id']}").code == 202
    assert nova.ask("GET", f"{path}/{port['port_id']}").code == 404
    assert list(nova.show(server)["addresses"]) == ["public"]
    nova.act(server, "suspend")
    assert nova.ask("POST", path, {"interfaceAttachment": {"net_id": PRIVATE}}).code == 409


def test_volumes_are_attached_swapped_and_detached(compute: Compute) -> None:
    server, project = compute.active(), compute.show(compute.create())["tenant_id"]
    path = f"/servers/{server}/os-volume_attachments"
    asker = USER._replace(project_id=project)
    first, second = (compute.cloud.volumes.create(asker, name, 1) for name in "ab")
    body = {"volumeAttachment": {"volumeId": first.id}}
    refused = compute.ask("POST", path, body)
    assert (refused.code, "status is creating" in refused.message) == (400, True)
    compute.rest()
    assert compute.ask("POST", path, body).json["volumeAttachment"]["device"] == "/dev/vdb"
    assert compute.ask("POST", path, body).code == 400
    assert compute.show(server)["os-extended-volumes:volumes_attached"] == [{"id": first.id}]
    assert compute.ask("DELETE", f"{path}/{first.id}").code == 400
    compute.rest()
    other = {"volumeAttachment": {"volumeId": second.id}}
    assert compute.ask("PUT", f"{path}/{first.id}", other).code == 403
    assert compute.ask("PUT", f"{path}/{first.id}", other, user="admin").code == 202
    compute.rest()
    (shown,) = compute.ask("GET", path, minor=89).json["volumeAttachments"]
    assert (shown["volumeId"], shown["device"]) == (second.id, "/dev/vdb")
    assert compute.ask("GET", f"{path}/{second.id}").json["volumeAttachment"]["id"] == second.id
    assert compute.ask("DELETE", f"{path}/{first.id}").code == 404
    assert compute.ask("DELETE", f"{path}/{second.id}").code == 202
    assert compute.ask("GET", path).json == {"volumeAttachments": []}
    compute.rest()
    assert [v.state.status for v in (first, second)] == ["available", "available"]
    unknown = {"volumeAttachment": {"volumeId": CIRROS}}
    assert compute.ask("POST", path, unknown).message == f"Volume {CIRROS} could not be found."


def test_security_groups_are_added_and_removed(compute: Compute) -> None:
    server = compute.active()
    own = {"id": "web-1", "name": "web", "project_id": compute.show(server)["tenant_id"]}
    compute.cloud.ports.groups.put(own)
    compute.act(server, "addSecurityGroup", {"name": "web"})
    assert compute.show(server)["security_groups"] == [{"name": "default"}, {"name": "web"}]
    groups = compute.ask("GET", f"/servers/{server}/os-security-groups").json["security_groups"]
    assert [group["name"] for group in groups] == ["default", "web"]
    compute.act(server, "removeSecurityGroup", {"name": "default"})
    assert compute.show(server)["security_groups"] == [{"name": "web"}]
    assert compute.act(server, "removeSecurityGroup", {"name": "default"}).code == 404


def test_small_reports_are_there(compute: Compute) -> None:
    server = compute.active()
    path = f"/servers/{server}"
    assert compute.ask("GET", f"{path}/diagnostics").code == 403
    assert "memory" in compute.ask("GET", f"{path}/diagnostics", user="admin").json
    assert compute.ask("GET", f"{path}/diagnostics", user="admin", minor=48).json["num_cpus"] == 1
    assert compute.ask("GET", f"{path}/topology", minor=77).code == 404
    topology = compute.ask("GET", f"{path}/topology", minor=78).json
    assert topology == {"nodes": [], "pagesize_kb": None}
    assert compute.ask("GET", f"{path}/os-server-password").json == {"password": ""}
    assert compute.ask("DELETE", f"{path}/os-server-password").code == 204
    lines = compute.act(server, "os-getConsoleOutput", {}).json["output"].splitlines()
    assert lines[0].endswith("building/scheduling")
    assert lines[-1].endswith("active/-")
    last = compute.act(server, "os-getConsoleOutput", {"length": 1}).json["output"]
    assert last.splitlines() == lines[-1:]


def test_a_new_image_is_answered_by_its_url_or_its_id(nova: Compute) -> None:
    server = nova.active()
    first = nova.act(server, "createImage", {"name": "x"}, minor=44)
    assert (first.code, first.text) == (202, "")
    assert first.headers["location"].startswith("http://localhost/image/v2/images/")
    nova.rest()
    assert set(nova.act(server, "createImage", {"name": "x"}, minor=45).json) == {"image_id"}
