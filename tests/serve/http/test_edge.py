"""The edge of the emulator: access, the catalog, and errors in the shape of each service."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from ecs_fsm.serve.app import named_requests
from ecs_fsm.serve.cloud.catalog import read_catalog
from ecs_fsm.serve.cloud.instance import NewServer
from ecs_fsm.serve.cloud.resources import Resources
from ecs_fsm.serve.cloud.store import StateFile
from ecs_fsm.serve.http import access
from ecs_fsm.serve.http.access import MOST_TOKENS, Access, Caller, Names
from tests.clouds import LONG, USER, cloud_of
from tests.edge import Edge, credentials

COMPUTE = "/compute/v2.1"


@pytest.fixture
def edge() -> Edge:
    edge = Edge()
    edge.login(project={"name": "demo", "domain": {"id": "default"}})
    return edge


@pytest.fixture
def admin() -> Edge:
    edge = Edge()
    edge.login("admin", project={"name": "admin", "domain": {"name": "Default"}})
    return edge


# Identity


def test_any_user_logs_in_and_finds_every_service_once() -> None:
    answer = Edge().login(project={"name": "demo"})
    assert answer.status_code == 201
    token = answer.json()["token"]
    assert {"expires_at", "issued_at", "methods", "audit_ids", "roles", "is_domain"} <= set(token)
    assert (token["user"]["name"], token["project"]["name"]) == ("demo", "demo")
    found = {(entry["type"], entry["name"]) for entry in token["catalog"]}
    assert found == {
        ("identity", "keystone"),
        ("compute", "nova"),
        ("image", "glance"),
        ("network", "neutron"),
        ("block-storage", "cinder"),
        ("volumev3", "cinderv3"),
        ("volume", "cinderv3"),
    }
    for entry in token["catalog"]:
        public = [e for e in entry["endpoints"] if e["interface"] == "public"]
        assert [(e["region"], e["url"][:16]) for e in public] == [("RegionOne", "http://localhost")]


def test_ids_come_from_names_and_a_given_project_id_is_kept() -> None:
    first = Edge().login(project={"name": "demo"}).json()["token"]
    again = Edge().login(project={"name": "demo"}).json()["token"]
    assert (first["user"]["id"], first["project"]["id"]) == (
        again["user"]["id"],
        again["project"]["id"],
    )
    assert Edge().login(project={"id": "a1b2"}).json()["token"]["project"]["id"] == "a1b2"
    own = first["project"]["id"]
    edge = Edge()
    edge.login(project={"name": "demo"})
    assert edge.login(project={"id": own}).json()["token"]["project"]["name"] == "demo"


def test_an_unscoped_token_has_no_project_and_no_catalog() -> None:
    token = Edge().login().json()["token"]
    assert "project" not in token
    assert "catalog" not in token


def test_only_admin_is_an_administrator(edge: Edge, admin: Edge) -> None:
    assert edge.get(f"{COMPUTE}/os-hypervisors").status_code == 403
    assert edge.get(f"{COMPUTE}/os-availability-zone/detail").status_code == 403
    assert admin.get(f"{COMPUTE}/os-hypervisors").status_code == 200
    assert admin.get(f"{COMPUTE}/os-availability-zone/detail").status_code == 200


def test_a_token_scopes_another_one(edge: Edge) -> None:
    given = {"methods": ["token"], "token": {"id": edge.headers["X-Auth-Token"]}}
    body = {"auth": {"identity": given, "scope": {"project": {"name": "other"}}}}
    answer = edge.ask("POST", "/identity/v3/auth/tokens", json=body)
    assert answer.json()["token"]["project"]["name"] == "other"
    assert answer.json()["token"]["user"]["name"] == "demo"


def test_a_token_is_shown_checked_and_revoked(edge: Edge) -> None:
    subject = {"X-Subject-Token": edge.headers["X-Auth-Token"]}
    path = "/identity/v3/auth/tokens"
    assert edge.ask("GET", path, headers=subject).json()["token"]["user"]["name"] == "demo"
    assert edge.ask("HEAD", path, headers=subject).status_code == 200
    assert edge.ask("GET", path, headers={"X-Subject-Token": "x"}).status_code == 404
    assert edge.ask("DELETE", path, headers=subject).status_code == 204
    assert edge.get(f"{COMPUTE}/flavors").status_code == 401


def access_of(clock: Callable[[], float]) -> Access:
    """Tokens that are valid for a minute."""
    return Access(60, clock, clock, Resources(StateFile(None)))


def test_a_token_ends_with_its_lifetime() -> None:
    now = [1000.0]
    known = access_of(lambda: now[0])
    token = known.issue(Caller("u", "u"), ("password",), None)
    now[0] = 1059.9
    assert known.find(token.id) == token
    now[0] = 1060.0
    assert known.find(token.id) is None


def test_tokens_are_bounded_and_the_oldest_goes_first() -> None:
    known = access_of(time.time)
    tokens = [known.issue(Caller("u", "u"), (), None) for _ in range(MOST_TOKENS + 1)]
    assert known.find(tokens[0].id) is None
    assert known.find(tokens[1].id) is not None


def test_names_are_bounded_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MOST_NAMES", 2)
    shelf = Resources(StateFile(None)).of("users")
    names = Names("user", shelf)
    for name in ("a", "b", "c"):
        names.named(name)
    assert [user["name"] for user in shelf] == ["b", "c"]


def test_the_identity_service_stands_at_the_root_too() -> None:
    edge = Edge()
    assert edge.ask("POST", "/v3/auth/tokens", json=credentials()).status_code == 201
    assert edge.get("/v3").json()["version"]["links"][0]["href"] == "http://localhost/v3/"


def test_versions_of_identity_are_a_300_and_one_of_them_a_200() -> None:
    edge = Edge()
    listed = edge.get("/identity")
    assert (listed.status_code, len(listed.json()["versions"]["values"])) == (300, 1)
    version = edge.get("/identity/v3").json()["version"]
    assert version["links"] == [{"rel": "self", "href": "http://localhost/identity/v3/"}]


def test_a_project_of_any_name_is_found_by_name_and_then_by_id(edge: Edge) -> None:
    (found,) = edge.get("/v3/projects?name=eu-de").json()["projects"]
    assert edge.get(f"/v3/projects/{found['id']}").json()["project"]["name"] == "eu-de"
    assert edge.get("/v3/projects/nobody").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"auth": {}},
        {"auth": {"identity": {"methods": []}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {}}}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": 5}}}}},
        [],
    ],
)
def test_a_login_that_cannot_be_read_is_a_400(body: Any) -> None:
    answer = Edge().ask("POST", "/identity/v3/auth/tokens", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["title"] == "Bad Request"


def test_an_unknown_authentication_method_is_a_401() -> None:
    body = {"auth": {"identity": {"methods": ["totp"]}}}
    assert Edge().ask("POST", "/identity/v3/auth/tokens", json=body).status_code == 401


def test_a_signature_of_the_sdk_takes_the_place_of_a_token() -> None:
    signed = "SDK-HMAC-SHA256 Access=someone, SignedHeaders=host, Signature=00"
    assert Edge().get("/v2.1/p1/flavors", Authorization=signed).status_code == 200
    assert Edge().get("/v2.1/p1/flavors", Authorization="Basic x").status_code == 401


# Errors


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/identity/v3/users/x", {"error": {"code": 404, "title": "Not Found"}}),
        (f"{COMPUTE}/flavors/x", {"itemNotFound": {"code": 404}}),
        ("/network/v2.0/networks/x", {"NeutronError": {"type": "HTTPNotFound", "detail": ""}}),
        ("/v1/p/nothing", {"error": {"code": "Ecs.0114"}}),
    ],
)
def test_each_service_answers_errors_in_its_own_shape(
    edge: Edge, path: str, shape: dict[str, dict[str, object]]
) -> None:
    answer = edge.get(path)
    ((key, content),) = shape.items()
    assert answer.status_code == 404
    error = answer.json()[key]
    assert error.pop("message")
    assert error == content


def test_the_image_service_answers_errors_as_an_escaped_page(edge: Edge) -> None:
    answer = edge.get("/image/v2/images/<b>")
    assert answer.headers["content-type"].startswith("text/html")
    assert "&lt;b&gt;" in answer.text
    assert "<b>" not in answer.text


def test_only_versions_are_shown_without_a_token() -> None:
    paths = {path for method, path, _ in named_requests()[0] if method == "GET" and "{" not in path}
    edge = Edge()
    open_to_all = {path for path in paths if edge.get(path).status_code != 401}
    versions = {"/identity", "/identity/v3", "/v3", "/compute", "/compute/v2.1", "/v2.1"}
    versions |= {"/image", "/network", "/network/v2.0", "/volume", "/volume/v3"}
    assert open_to_all == versions | {f"{path}/" for path in versions}


def broken(app: Starlette, path: str) -> None:
    async def fails(request: Request) -> None:
        raise RuntimeError("a secret of the inside")

    app.router.routes.insert(0, Route(path, fails))


@pytest.mark.parametrize("path", ["/compute/broken", "/identity/broken", "/image/broken", "/x"])
def test_a_bug_is_a_500_without_details(path: str) -> None:
    edge = Edge(alone=True)
    broken(edge.app, path)
    answer = edge.get(path)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_a_wrong_method_is_an_error_in_the_shape_of_the_service(edge: Edge) -> None:
    answer = edge.ask("PATCH", f"{COMPUTE}/flavors/1")
    assert (answer.status_code, list(answer.json())) == (405, ["badMethod"])


@pytest.mark.parametrize("path", ["/compute/v2.1/servers", "/v3/projects", "/_ecs/servers"])
def test_what_can_be_got_has_no_head(path: str, admin: Edge) -> None:
    assert [admin.ask(method, path).status_code for method in ("HEAD", "GET", "HEAD")] == [
        405,
        200,
        405,
    ]


def test_a_long_word_is_not_sent_back_whole(edge: Edge) -> None:
    assert len(edge.get(f"{COMPUTE}/flavors/{'x' * 5000}").text) < 1200


# Versions


@pytest.mark.parametrize("path", ["/compute/v2.1", "/compute/v2.1/"])
def test_the_version_document_has_what_clients_need(path: str) -> None:
    version = Edge().get(path).json()["version"]
    assert (version["id"], version["status"]) == ("v2.1", "CURRENT")
    assert (version["min_version"], version["version"]) == ("2.1", "2.104")
    assert {"rel": "self", "href": "http://localhost/compute/v2.1/"} in version["links"]


@pytest.mark.parametrize("path", ["/compute", "/compute/", "/"])
def test_the_list_of_versions_is_a_200(path: str) -> None:
    answer = Edge().get(path)
    assert answer.status_code == 200
    assert [version["id"] for version in answer.json()["versions"]] == ["v2.1"]


@pytest.mark.parametrize(
    ("headers", "chosen"),
    [
        ({}, "2.1"),
        ({"OpenStack-API-Version": "compute 2.96"}, "2.96"),
        ({"OpenStack-API-Version": "compute latest"}, "2.104"),
        ({"X-OpenStack-Nova-API-Version": "2.47"}, "2.47"),
        ({"OpenStack-API-Version": "volume 3.1, compute 2.2"}, "2.2"),
        ({"OpenStack-API-Version": "volume 3.1"}, "2.1"),
        (
            {
                "OpenStack-API-Version": "compute 2.60",
                "X-OpenStack-Nova-API-Version": "2.47",
            },
            "2.60",
        ),
    ],
)
def test_the_microversion_is_echoed(edge: Edge, headers: dict[str, str], chosen: str) -> None:
    answer = edge.ask("GET", f"{COMPUTE}/flavors", headers=headers)
    assert answer.headers["openstack-api-version"] == f"compute {chosen}"
    assert answer.headers["x-openstack-nova-api-version"] == chosen
    assert "OpenStack-API-Version" in answer.headers["vary"]
    request_id = answer.headers["x-compute-request-id"]
    assert request_id.startswith("req-")
    assert answer.headers["x-openstack-request-id"] == request_id


def test_an_error_bears_the_microversion_as_well(edge: Edge) -> None:
    headers = {"OpenStack-API-Version": "compute 2.30"}
    answer = edge.ask("GET", f"{COMPUTE}/flavors/nothing", headers=headers)
    assert answer.headers["openstack-api-version"] == "compute 2.30"


@pytest.mark.parametrize("version", ["2.105", "2.0", "3.1", "1.1"])
def test_a_microversion_out_of_range_is_a_406(edge: Edge, version: str) -> None:
    headers = {"OpenStack-API-Version": f"compute {version}"}
    answer = edge.ask("GET", f"{COMPUTE}/flavors", headers=headers)
    assert answer.status_code == 406
    assert answer.json()["computeFault"]["code"] == 406


@pytest.mark.parametrize("version", ["two", "2", "2.x", "2.01", "²·1"])
def test_a_malformed_version_is_a_400(edge: Edge, version: str) -> None:
    headers = {b"OpenStack-API-Version": f"compute {version}".encode("latin-1")}
    assert edge.ask("GET", f"{COMPUTE}/flavors", headers=headers).status_code == 400


# What exists from the start


def test_flavors_come_in_pages_that_lead_to_the_next(edge: Edge) -> None:
    seen: list[str] = []
    path = f"{COMPUTE}/flavors?limit=2"
    while path:
        answer = edge.get(path).json()
        assert len(answer["flavors"]) <= 2
        seen += [flavor["id"] for flavor in answer["flavors"]]
        path = answer.get("flavors_links", [{"href": ""}])[0]["href"]
    assert sorted(seen) == sorted(flavor["id"] for flavor in read_catalog().flavors)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        *[("limit=-1", 400), ("limit=x", 400), ("limit=0", 200), ("limit=999999999", 200)],
        *[("marker=x", 400), ("minRam=x", 400), ("is_public=maybe", 200)],
        (f"minDisk={'9' * 5000}", 400),
        ("is_public=None", 200),
    ],
)
def test_pages_and_filters_are_checked(edge: Edge, query: str, status: int) -> None:
    assert edge.get(f"{COMPUTE}/flavors/detail?{query}").status_code == status


def test_flavors_are_filtered_by_what_they_have(edge: Edge) -> None:
    found = edge.get(f"{COMPUTE}/flavors/detail?minRam=4096&minDisk=50").json()["flavors"]
    assert [flavor["name"] for flavor in found] == ["m1.large"]


def test_a_flavor_is_found_by_id_and_not_by_name(edge: Edge) -> None:
    assert edge.get(f"{COMPUTE}/flavors/1").json()["flavor"]["name"] == "m1.tiny"
    assert edge.get(f"{COMPUTE}/flavors/m1.tiny").status_code == 404


@pytest.mark.parametrize(
    ("minor", "added", "swap"),
    [
        (1, set(), ""),
        (55, {"description"}, ""),
        (61, {"description", "extra_specs"}, ""),
        (75, {"description", "extra_specs"}, 0),
    ],
)
def test_a_flavor_shows_what_its_microversion_has(
    edge: Edge, minor: int, added: set[str], swap: object
) -> None:
    headers = {"OpenStack-API-Version": f"compute 2.{minor}"}
    flavor = edge.ask("GET", f"{COMPUTE}/flavors/1", headers=headers).json()["flavor"]
    assert {"description", "extra_specs"} & set(flavor) == added
    assert flavor["swap"] == swap


def test_images_are_found_by_name_by_ids_and_one_by_one(edge: Edge) -> None:
    images = edge.get("/image/v2/images?name=cirros").json()["images"]
    assert [image["status"] for image in images] == ["active"]
    known = list(read_catalog().images)
    listed = edge.get(f"/image/v2/images?id=in:{known[0]},{known[2]},x").json()["images"]
    assert [image["id"] for image in listed] == [known[0], known[2]]
    assert edge.get(f"/image/v2/images/{known[1]}").json()["id"] == known[1]
    assert edge.get("/image/v2/images/cirros").status_code == 404


def test_pages_of_images_lead_to_the_next(edge: Edge) -> None:
    first = edge.get("/image/v2/images?limit=2").json()
    second = edge.get(f"/image{first['next']}").json()
    assert [len(first["images"]), len(second["images"])] == [2, 1]
    assert "next" not in second


def test_the_old_proxy_for_images_is_gone_from_2_36(edge: Edge) -> None:
    assert [
        edge.ask(
            "GET", f"{COMPUTE}/images", headers={"OpenStack-API-Version": f"compute {v}"}
        ).status_code
        for v in ("2.35", "2.36")
    ] == [200, 404]


PRIVATE = read_catalog().networks[0]


def test_ports_are_those_of_the_servers_of_the_project() -> None:
    cloud = cloud_of()
    wanted = NewServer("web", "1", None, details={"networks": [PRIVATE["id"]]})
    mine, other = (cloud.create(wanted, USER._replace(project_id=project)) for project in "pq")
    edge = Edge(cloud)
    edge.login(project={"id": "p"})
    assert edge.get("/network/v2.0/ports").json()["ports"] == []
    cloud.advance(LONG)
    (port,) = edge.get("/network/v2.0/ports").json()["ports"]
    assert port["device_id"] == mine.id
    (own,) = cloud.ports.shown(mine)
    assert port["fixed_ips"] == own["fixed_ips"]
    assert edge.get(f"/network/v2.0/ports/{own['id']}").json()["port"] == port
    assert edge.get(f"/network/v2.0/ports?device_id={other.id}").json()["ports"] == []


def test_two_thousand_servers_have_addresses_of_their_own() -> None:
    cloud = cloud_of()
    wanted = NewServer("web", "1", None, details={"networks": [PRIVATE["id"]]})
    (ports,) = zip(*(cloud.ports.of(cloud.create(wanted, USER)) for _ in range(2000)), strict=True)
    addresses = {port["fixed_ips"][0]["ip_address"] for port in ports}
    assert len(addresses) == len({port["mac_address"] for port in ports}) == 2000
    assert PRIVATE["subnets"][0]["gateway_ip"] not in addresses


def test_networks_are_filtered_by_what_they_show(edge: Edge) -> None:
    found = edge.get("/network/v2.0/networks?router:external=True").json()["networks"]
    assert [network["name"] for network in found] == ["public"]
    found = edge.get("/network/v2.0/networks?name=private&name=public").json()["networks"]
    assert len(found) == 2


@pytest.mark.parametrize("path", ["floatingips", "routers"])
def test_the_network_service_has_none_of_these(edge: Edge, path: str) -> None:
    assert edge.get(f"/network/v2.0/{path}").json() == {path: []}


def test_a_keypair_lives_and_belongs_to_its_user(edge: Edge) -> None:
    path, version = f"{COMPUTE}/os-keypairs", {"OpenStack-API-Version": "compute 2.2"}
    body = {"keypair": {"name": "mine", "public_key": "ssh-rsa AAAA"}}
    assert edge.ask("POST", path, json=body).status_code == 200
    assert edge.ask("POST", path, json=body).status_code == 409
    made_up = edge.ask("POST", path, json={"keypair": {"name": "x"}}).json()["keypair"]
    assert "PRIVATE KEY" in made_up["private_key"]
    assert edge.ask("DELETE", f"{path}/x").status_code == 202
    newest = {"OpenStack-API-Version": "compute 2.92"}
    assert (
        edge.ask("POST", path, json=body | {"keypair": {"name": "x"}}, headers=newest).status_code
        == 400
    )
    assert edge.get(f"{path}/mine").json()["keypair"]["public_key"] == "ssh-rsa AAAA"
    assert len(edge.get(path).json()["keypairs"]) == 1
    mine = dict(edge.headers)
    edge.login("another", project={"name": "demo"})
    assert edge.get(path).json()["keypairs"] == []
    edge.headers = mine
    assert edge.ask("DELETE", f"{path}/mine", headers=version).status_code == 204
    assert edge.ask("DELETE", f"{path}/mine").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/network/v2.0/networks",
        "/volume/v3/p/volumes",
        "/identity/v3/users",
        "/image/v2/images",
        f"{COMPUTE}/servers",
        f"{COMPUTE}/os-keypairs",
    ],
)
def test_a_body_is_a_json_object(admin: Edge, path: str) -> None:
    for body in (b"[]", b'"x"', b"7", b"null", b"{", b"", b"\xff", b"[" * 5000):
        answer = admin.ask("POST", path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, body


QUOTAS = {
    "/compute/v2.1/os-quota-sets/p": ("quota_set", "cores"),
    "/network/v2.0/quotas/p": ("quota", "network"),
    "/volume/v3/p/os-quota-sets/p": ("quota_set", "volumes"),
}


@pytest.mark.parametrize("path", QUOTAS)
def test_a_quota_is_a_whole_number_or_minus_one_for_no_limit(admin: Edge, path: str) -> None:
    key, name = QUOTAS[path]
    for limit in (-1, 0, 2**31 - 1):
        answer = admin.ask("PUT", path, json={key: {name: limit}})
        assert (answer.status_code, answer.json()[key][name]) == (200, limit)
    for wrong in (-2, 2**31, "x", True, 1.5, None):
        answer = admin.ask("PUT", path, json={key: {name: wrong}})
        assert answer.status_code == 400, wrong
        assert name in answer.text
    assert admin.get(path).json()[key][name] == 2**31 - 1


# The document of it all


def test_the_document_describes_every_route_once_and_whole(edge: Edge) -> None:
    document = edge.get("/openapi.json").json()
    described = {
        (method.upper(), path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    ids = [operation["operationId"] for operation in described.values()]
    assert len(ids) == len(set(ids))
    for (_, path), operation in described.items():
        named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    about = [p["name"] for p in described["GET", "/v3/auth/tokens"]["parameters"]]
    assert about == ["X-Subject-Token"]
    hidden = (".json", "/", "{server_id}/")
    for method, path, _ in named_requests()[0]:
        if not path.endswith(hidden):
            assert (method, path) in described, path


def test_no_path_below_a_server_says_anything_of_that_of_another_project(edge: Edge) -> None:
    theirs = edge.state.cloud.create(NewServer("web", "1", None), USER)
    newest = {"OpenStack-API-Version": "compute 2.96"}
    tried = 0
    for method, path, _ in named_requests()[0]:
        if method in {"GET", "DELETE"} and path.startswith(f"{COMPUTE}/servers/{{server_id}}/"):
            tried += 1
            asked = re.sub(r"\{\w+\}", "x", path.replace("{server_id}", theirs.id))
            for headers in ({}, newest):
                answer = edge.ask(method, asked, headers=headers)
                assert answer.status_code in {403, 404}, path
                assert ("Policy doesn't allow" in answer.text) == (answer.status_code == 403)
    assert tried > 20


def test_every_answer_of_a_list_has_the_keys_that_the_document_promises(admin: Edge) -> None:
    document = admin.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    wrong: list[tuple[str, object]] = []
    for path, operations in document["paths"].items():
        left_out = (
            "/v3/auth/tokens",
            "/_ecs/",
        )  # that token comes in a header; not an API of a cloud
        if "get" not in operations or "{" in path or path.startswith(left_out):
            continue
        answer = admin.get(path)
        described = operations["get"]["responses"]
        if str(answer.status_code) not in described:
            wrong.append((path, answer.status_code))
            continue
        schema = described[str(answer.status_code)]["content"]["application/json"]["schema"]
        named = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        promised = named.get("required", [])
        if answer.status_code < 400 and not set(promised) <= set(answer.json()):
            wrong.append((path, json.dumps(answer.json())[:200]))
    assert wrong == []
