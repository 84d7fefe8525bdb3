"""Images that clients make, upload and change, as Glance has them."""

from __future__ import annotations

import pytest

from tests.compute import CIRROS
from tests.nova_cloud import GLANCE, NovaCloud

OWN = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def cloud() -> NovaCloud:
    return NovaCloud()


def test_an_image_has_its_fields_its_properties_and_its_size_once_it_is_there(
    cloud: NovaCloud,
) -> None:
    given = {"id": OWN, "name": "own", "min_disk": 3, "min_ram": 64, "disk_format": "raw"}
    wanted = {**given, "tags": ["b", "a", "b"], "os": "plan9"}
    made = cloud.ask("POST", GLANCE, wanted).json()
    assert {name: made[name] for name in given} == given
    assert (made["tags"], made["os"], made["status"]) == (["b", "a"], "plan9", "queued")
    assert (made["self"], made["file"]) == (f"/v2/images/{OWN}", f"/v2/images/{OWN}/file")
    assert (made["visibility"], made["container_format"]) == ("shared", "bare")
    again = cloud.ask("POST", GLANCE, {"id": OWN})
    assert (again.status_code, f"Image ID {OWN} already exists!" in again.text) == (409, True)
    file = f"{GLANCE}/{OWN}/file"
    assert cloud.ask("PUT", file, user="other", content=b"12345").status_code == 404
    assert cloud.ask("PUT", file, content=b"12345").status_code == 204
    shown = cloud.get(f"{GLANCE}/{OWN}")
    assert (shown["status"], shown["size"]) == ("active", 5)
    twice = cloud.ask("PUT", file, content=b"1")
    assert (twice.status_code, "from active to saving is not allowed" in twice.text) == (409, True)
    assert cloud.get(f"{GLANCE}/{OWN}/tasks") == {"tasks": []}
    assert cloud.ask("GET", f"{GLANCE}/{OWN}/tasks", user="other").status_code == 404


@pytest.mark.parametrize(
    ("fields", "user", "code"),
    [
        ({"visibility": "public"}, "demo", 403),
        ({"visibility": "public"}, "admin", 201),
        ({"visibility": "secret"}, "demo", 400),
        ({"os": 9}, "demo", 400),
        ({f"p{n}": "x" for n in range(128)}, "demo", 201),
        ({f"p{n}": "x" for n in range(129)}, "demo", 400),
        ({"id": "seven"}, "demo", 400),
        ({"min_disk": -1}, "demo", 400),
    ],
)
def test_an_image_that_cannot_be_is_refused(
    cloud: NovaCloud, fields: dict[str, object], user: str, code: int
) -> None:
    assert cloud.ask("POST", GLANCE, fields, user=user).status_code == code
    assert len(cloud.get(GLANCE, user="admin")["images"]) == 3 + (code == 201)


@pytest.mark.parametrize(
    ("patch", "code", "said"),
    [
        ({"op": "replace", "path": "/name", "value": "new"}, 200, '"name": "new"'),
        ({"op": "add", "path": "/os", "value": "unix"}, 200, '"os": "unix"'),
        ({"op": "remove", "path": "/os"}, 200, ""),
        ({"op": "remove", "path": "/arch"}, 409, "non-existent property arch"),
        ({"op": "remove", "path": "/name"}, 403, "name&#x27; is read-only"),
        ({"op": "replace", "path": "/self", "value": "x"}, 403, "self&#x27; is read-only"),
        ({"op": "replace", "path": "/size", "value": 7}, 403, "size&#x27; is read-only"),
        ({"op": "replace", "path": "/os", "value": 7}, 400, "expected a text"),
        ({"op": "replace", "path": "/min_disk", "value": "x"}, 400, "min_disk"),
        ({"op": "replace", "path": "/visibility", "value": "public"}, 403, "publicize"),
        ({"op": "move", "path": "/name"}, 400, "Invalid input for body"),
        ({"op": "add", "path": "/a/b", "value": "x"}, 400, "Invalid input for body"),
        ({"op": "add", "value": "x"}, 400, "Invalid input for body"),
    ],
)
def test_a_patch_changes_what_is_given_or_nothing(
    cloud: NovaCloud, patch: dict[str, object], code: int, said: str
) -> None:
    made = cloud.ask("POST", GLANCE, {"name": "own", "os": "plan9"}).json()
    at = f"{GLANCE}/{made['id']}"
    answer = cloud.ask("PATCH", at, [patch])
    assert (answer.status_code, said in answer.text) == (code, True), answer.text
    shown = cloud.get(at)
    if code != 200:
        assert shown == made
    elif patch["op"] == "remove":
        assert "os" not in shown
    assert cloud.ask("PATCH", at, [patch], user="other").status_code == 404
    assert cloud.ask("PATCH", f"{GLANCE}/{CIRROS}", [patch]).status_code == 403


def test_an_administrator_changes_and_removes_the_images_of_all(cloud: NovaCloud) -> None:
    at = f"{GLANCE}/{cloud.ask('POST', GLANCE, {'name': 'own'}).json()['id']}"
    patch = [{"op": "replace", "path": "/name", "value": "new"}]
    assert cloud.ask("PATCH", at, patch, user="admin").json()["name"] == "new"
    assert cloud.ask("DELETE", at, user="admin").status_code == 204
    assert cloud.ask("GET", at).status_code == 404


def test_patches_of_one_request_follow_each_other_up_to_the_limit(cloud: NovaCloud) -> None:
    made = cloud.ask("POST", GLANCE, {f"p{n}": "x" for n in range(127)}).json()
    at = f"{GLANCE}/{made['id']}"
    one, two = ({"op": "add", "path": f"/{name}", "value": "x"} for name in ("one", "two"))
    assert cloud.ask("PATCH", at, [one, two]).status_code == 400
    freed = {"op": "remove", "path": "/p0"}
    assert cloud.ask("PATCH", at, [one, freed, two]).status_code == 200
    shown = cloud.get(at)
    assert ("p0" in shown, shown["one"], shown["two"]) == (False, "x", "x")
    assert cloud.ask("PATCH", at, content=b"{").status_code == 400


def test_a_protected_image_stays_and_a_hidden_one_is_listed_apart(cloud: NovaCloud) -> None:
    headers = {"content-type": "application/openstack-images-v2.1-json-patch"}

    def patch(name: str, value: bool) -> None:
        body = [{"op": "replace", "path": f"/{name}", "value": value}]
        token = {"x-auth-token": cloud.tokens["demo"]}
        answer = cloud.edge.ask("PATCH", f"{GLANCE}/{OWN}", json=body, headers=headers | token)
        assert (answer.status_code, answer.json()[name]) == (200, value)

    cloud.ask("POST", GLANCE, {"id": OWN, "protected": True})
    refused = cloud.ask("DELETE", f"{GLANCE}/{OWN}")
    assert (refused.status_code, "is protected and cannot be" in refused.text) == (403, True)
    listed = [image["id"] for image in cloud.get(GLANCE)["images"]]
    assert OWN in listed
    patch("os_hidden", True)
    assert [image["id"] for image in cloud.get(f"{GLANCE}?os_hidden=true")["images"]] == [OWN]
    assert [i["id"] for i in cloud.get(GLANCE)["images"]] == [i for i in listed if i != OWN]
    assert cloud.get(f"{GLANCE}/{OWN}")["os_hidden"] is True
    patch("protected", False)
    assert cloud.ask("DELETE", f"{GLANCE}/{OWN}").status_code == 204
