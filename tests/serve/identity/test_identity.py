"""Users, projects, groups and roles as Keystone keeps them, and what tokens say of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edge import Edge
from tests.nova_cloud import NovaCloud

V3 = "/identity/v3"
NOWHERE = "0" * 32


@pytest.fixture
def cloud() -> NovaCloud:
    return NovaCloud()


def make(cloud: NovaCloud, one: str, code: int = 201, **fields: Any) -> Any:
    """Return a new resource, by an administrator, or the message of its refusal."""
    answer = cloud.ask("POST", f"{V3}/{one}s", {one: fields}, user="admin")
    assert answer.status_code == code, answer.text
    return answer.json()[one] if code == 201 else answer.json()["error"]["message"]


def ids(cloud: NovaCloud, path: str, key: str) -> list[str]:
    return [each["id"] for each in cloud.get(f"{V3}/{path}", user="admin")[key]]


@pytest.mark.parametrize("one", ["user", "project", "group", "role", "domain", "service", "region"])
def test_a_resource_is_made_shown_changed_and_removed_by_administrators(
    cloud: NovaCloud, one: str
) -> None:
    named: dict[str, Any] = {"service": {"type": "t"}, "region": {"id": "r"}}.get(
        one, {"name": "n"}
    )
    made, path = make(cloud, one, **named), f"{V3}/{one}s"
    at = f"{path}/{made['id']}"
    assert made["links"] == {"self": f"http://localhost{at}"}
    assert cloud.get(at, user="admin") == {one: made}
    assert made["id"] in ids(cloud, f"{one}s", f"{one}s")
    change = {one: {"description": "d", "enabled": False, "shoe": "46"}}
    assert cloud.ask("PATCH", at, change, user="admin").status_code == 200
    shown = cloud.get(at, user="admin")[one]
    assert (shown["description"], shown["shoe"]) == ("d", "46")
    for method, body in (("POST", {one: named}), ("PATCH", change), ("DELETE", None)):
        where = path if method == "POST" else at
        assert cloud.ask(method, where, body).status_code == 403
    assert cloud.ask("DELETE", at, user="admin").status_code == 204
    assert cloud.ask("GET", at, user="admin").status_code == 404
    # At the root of the server, where other clients ask, links lead back there.
    again = make(cloud, one, **named)
    listed = cloud.get(f"/v3/{one}s/{again['id']}", user="admin")[one]
    assert listed["links"] == {"self": f"http://localhost/v3/{one}s/{again['id']}"}


def test_what_comes_with_the_cloud_stays(cloud: NovaCloud) -> None:
    for kind, text in (
        ("roles", "delete_role"),
        ("services", "delete_service"),
        ("endpoints", "delete_endpoint"),
        ("domains", "please disable it first"),
    ):
        first = ids(cloud, kind, kind)[0]
        refused = cloud.ask("DELETE", f"{V3}/{kind}/{first}", user="admin")
        assert (refused.status_code, text in refused.text) == (403, True)
    assert "RegionOne" in ids(cloud, "regions", "regions")
    refused = cloud.ask("DELETE", f"{V3}/regions/RegionOne", user="admin")
    assert (refused.status_code, "associated endpoints" in refused.text) == (403, True)


def test_a_domain_is_disabled_before_it_is_removed(cloud: NovaCloud) -> None:
    at = f"{V3}/domains/{make(cloud, 'domain', name='d')['id']}"
    assert cloud.ask("DELETE", at, user="admin").status_code == 403
    assert cloud.ask("PATCH", at, {"domain": {"enabled": False}}, user="admin").status_code == 200
    assert cloud.ask("DELETE", at, user="admin").status_code == 204


def test_names_are_taken_once_in_a_domain(cloud: NovaCloud) -> None:
    for one in ("user", "project", "group", "role"):
        made = make(cloud, one, name="n")
        assert "not permitted to have two" in make(cloud, one, 409, name="n")
        if one != "role":
            there = make(cloud, one, name="n", domain_id="other")
            back = {one: {"domain_id": "default"}}
            at = f"{V3}/{one}s/{there['id']}"
            assert cloud.ask("PATCH", at, back, user="admin").status_code == 409
        kept = {one: {"name": "n", "description": "the same"}}
        at = f"{V3}/{one}s/{made['id']}"
        assert cloud.ask("PATCH", at, kept, user="admin").status_code == 200


def test_a_service_is_in_the_catalog_with_its_endpoints_and_goes_with_them(
    cloud: NovaCloud,
) -> None:
    service = make(cloud, "service", type="metering", name="ceilometer")["id"]
    region = make(cloud, "region", id="RegionTwo")["id"]
    given = {"interface": "public", "url": "http://m", "service_id": service}
    endpoint = make(cloud, "endpoint", **given, region_id=region)
    assert (endpoint["region"], endpoint["region_id"]) == (region, region)
    by_name = make(cloud, "endpoint", **{**given, "interface": "admin"}, region=region)
    assert by_name["region_id"] == region
    token = cloud.edge.login("demo", project={"name": "demo"}).json()["token"]
    (found,) = (entry for entry in token["catalog"] if entry["type"] == "metering")
    assert (found["name"], found["id"]) == ("ceilometer", service)
    assert [(e["interface"], e["url"], e["region"]) for e in found["endpoints"]] == [
        ("public", "http://m", region),
        ("admin", "http://m", region),
    ]
    catalog = cloud.edge.get(f"{V3}/auth/catalog").json()["catalog"]
    assert catalog == token["catalog"]
    assert cloud.ask("DELETE", f"{V3}/regions/{region}", user="admin").status_code == 403
    assert cloud.ask("DELETE", f"{V3}/services/{service}", user="admin").status_code == 204
    assert endpoint["id"] not in ids(cloud, "endpoints", "endpoints")
    assert cloud.ask("DELETE", f"{V3}/regions/{region}", user="admin").status_code == 204


PLACES = [
    (scope, actor) for scope in ("projects", "domains", "system") for actor in ("users", "groups")
]


@pytest.mark.parametrize(("scope", "actor"), PLACES)
def test_a_role_is_granted_listed_checked_and_revoked(
    cloud: NovaCloud, scope: str, actor: str
) -> None:
    who, other = (make(cloud, actor[:-1], name=name)["id"] for name in ("who", "nobody"))
    role, unused = (make(cloud, "role", name=name)["id"] for name in ("r", "s"))
    where = "all" if scope == "system" else make(cloud, scope[:-1], name="where")["id"]
    begin = scope if scope == "system" else f"{scope}/{where}"
    path = f"{V3}/{begin}/{actor}/{who}/roles"

    def ask(method: str, at: str, user: str = "admin") -> int:
        return cloud.ask(method, at, user=user).status_code

    assert ask("HEAD", f"{path}/{role}") == 404
    assert ask("PUT", f"{path}/{role}", "demo") == 403
    assert ask("PUT", f"{path}/{NOWHERE}") == 404
    assert ask("PUT", f"{V3}/{begin}/{actor}/{NOWHERE}/roles/{role}") == 404
    assert ask("PUT", f"{path}/{role}") == 204
    assert ask("HEAD", f"{path}/{role}", "demo") == 204
    assert ids(cloud, path.removeprefix(f"{V3}/"), "roles") == [role]
    assert ids(cloud, f"{begin}/{actor}/{other}/roles", "roles") == []

    def assigned(query: str) -> list[Any]:
        at = f"{V3}/role_assignments?{query}"
        found: list[Any] = cloud.get(at, user="admin")["role_assignments"]
        return [each for each in found if each["role"]["id"] == role]

    (shown,) = assigned("")
    own = {"system": {"all": True}} if scope == "system" else {scope[:-1]: {"id": where}}
    assert (shown["scope"], shown[actor[:-1]]) == (own, {"id": who})
    assert shown["links"]["assignment"].endswith(f"/{who}/{role}")
    (named,) = assigned("include_names")
    assert (named["role"]["name"], named[actor[:-1]]["name"]) == ("r", "who")
    queries = {
        f"role.id={role}": 1,
        f"role.id={unused}": 0,
        f"{actor[:-1]}.id={who}": 1,
        f"{actor[:-1]}.id={other}": 0,
        f"scope.{scope.removesuffix('s')}.id={where}": 1,
        f"scope.{scope.removesuffix('s')}.id={NOWHERE}": 0,
        "scope.elsewhere.id=x": 0,
    }
    if scope == "system":
        queries = {query: n for query, n in queries.items() if "scope.system" not in query}
    assert {query: len(assigned(query)) for query in queries} == queries
    assert ask("DELETE", f"{path}/{role}", "demo") == 403
    assert ask("DELETE", f"{path}/{role}") == 204
    assert ask("DELETE", f"{path}/{role}") == 404
    assert assigned("") == []


@pytest.mark.parametrize("gone", ["user", "role", "project"])
def test_a_grant_ends_with_each_part_of_it(cloud: NovaCloud, gone: str) -> None:
    made = {one: make(cloud, one, name="n")["id"] for one in ("user", "role", "project")}
    path = f"{V3}/projects/{made['project']}/users/{made['user']}/roles/{made['role']}"
    assert cloud.ask("PUT", path, user="admin").status_code == 204
    before = len(cloud.get(f"{V3}/role_assignments", user="admin")["role_assignments"])
    assert cloud.ask("DELETE", f"{V3}/{gone}s/{made[gone]}", user="admin").status_code == 204
    after = cloud.get(f"{V3}/role_assignments", user="admin")["role_assignments"]
    assert len(after) == before - 1


def test_the_role_of_administrators_is_for_its_project_and_the_next_token(cloud: NovaCloud) -> None:
    edge, project = cloud.edge, {"name": "demo"}
    (admin,) = (
        role["id"]
        for role in cloud.get(f"{V3}/roles", user="admin")["roles"]
        if role["name"] == "admin"
    )
    token = edge.login("alice", project=project).json()["token"]
    assert [role["name"] for role in token["roles"]] == ["member", "reader"]
    path = f"{V3}/projects/{token['project']['id']}/users/{token['user']['id']}/roles/{admin}"
    assert cloud.ask("PUT", path, user="admin").status_code == 204
    raised = edge.login("alice", project=project).json()["token"]["roles"]
    assert [role["name"] for role in raised] == ["admin", "member", "reader"]
    elsewhere = edge.login("alice", project={"name": "other"}).json()["token"]["roles"]
    assert "admin" not in [role["name"] for role in elsewhere]
    assert "admin" not in [
        r["name"] for r in edge.login("bob", project=project).json()["token"]["roles"]
    ]


@pytest.mark.parametrize(
    ("scope", "key", "shown"),
    [
        ({"domain": {"id": "default"}}, "domain", {"id": "default", "name": "Default"}),
        ({"system": {"all": True}}, "system", {"all": True}),
        ({"project": {"name": "demo"}}, "is_domain", False),
    ],
)
def test_a_token_shows_its_scope_and_nothing_of_others(
    scope: dict[str, Any], key: str, shown: object
) -> None:
    token = Edge().login(**scope).json()["token"]
    assert token[key] == shown
    keys = {"domain", "system", "project", "is_domain"} & token.keys()
    assert keys == ({"project", "is_domain"} if "project" in scope else {key})
    assert token["catalog"]


@pytest.mark.parametrize(
    ("identity", "scope", "code", "said"),
    [
        ({"methods": ["password"], "password": {"user": {}}}, None, 400, "name or id in user"),
        (
            {"methods": ["password"], "password": {"user": {"id": "u"}}},
            {"project": {}},
            400,
            "name or id in project",
        ),
        ({"methods": ["token"], "token": {"id": "x"}}, None, 401, ""),
        ({"methods": ["totp"]}, None, 401, "unsupported method"),
        ({"methods": ["token"], "password": {"user": {"name": "u"}}}, None, 401, "unsupported"),
    ],
)
def test_a_login_that_says_too_little_is_refused(
    identity: object, scope: object, code: int, said: str
) -> None:
    body = {"auth": {"identity": identity, **({"scope": scope} if scope else {})}}
    answer = Edge().ask("POST", f"{V3}/auth/tokens", json=body)
    assert (answer.status_code, said in answer.text) == (code, True), answer.text


def test_a_user_logs_in_by_its_id_and_sees_projects_and_domains(cloud: NovaCloud) -> None:
    user = make(cloud, "user", name="carol")["id"]
    given = {"methods": ["password"], "password": {"user": {"id": user, "password": "x"}}}
    answer = cloud.edge.ask("POST", f"{V3}/auth/tokens", json={"auth": {"identity": given}})
    assert answer.json()["token"]["user"]["name"] == "carol"
    cloud.edge.headers = {"X-Auth-Token": answer.headers["x-subject-token"]}
    assert cloud.edge.get(f"{V3}/auth/catalog").json()["catalog"] == []
    projects = cloud.edge.get(f"{V3}/auth/projects").json()["projects"]
    assert {"demo", "other", "admin"} <= {each["name"] for each in projects}
    assert cloud.edge.get(f"{V3}/users/{user}/projects").json()["projects"] == projects
    domains = cloud.edge.get(f"{V3}/auth/domains").json()["domains"]
    assert [each["id"] for each in domains] == ["default"]
