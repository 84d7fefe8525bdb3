"""Lists of servers: filters, order and pages."""

from __future__ import annotations

import time

import pytest

from tests.compute import DEBIAN, SMALL, Compute


@pytest.fixture
def three(ecs: Compute) -> Compute:
    """Servers `a` that was stopped, `b1` that runs, `b2` in its creation."""
    ecs.active("a", imageRef=DEBIAN, flavorRef="3", tags=["x", "y"])
    assert ecs.ask("POST", "/os-keypairs", {"keypair": {"name": "k"}}).code == 200
    ecs.active("b1", flavorRef=SMALL, tags=["x"], key_name="k")
    ecs.act(next(iter(ecs.cloud.instances)), "os-stop")
    ecs.rest()
    ecs.create("b2")
    return ecs


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["b2", "b1", "a"]),
        ("status=active", ["b1"]),
        ("status=SHUTOFF", ["a"]),
        ("status=SHUTOFF&status=BUILD", ["b2", "a"]),
        ("status=PAUSED", []),
        ("name=b", ["b2", "b1"]),
        ("name=^b.$", ["b2", "b1"]),
        ("name=B1", ["b1"]),
        ("name=1|a", ["b1", "a"]),
        ("name=^$", []),
        (f"image={DEBIAN}", ["a"]),
        (f"flavor={SMALL}", ["b1"]),
        ("flavor=nowhere", []),
        ("key_name=k", ["b1"]),
        ("availability_zone=nova", ["b2", "b1", "a"]),
        ("ip=^10.0.0.3$", ["a"]),
        ("ip6=10.0.0.3$", ["a"]),
        ("power_state=1", ["b1"]),
        ("config_drive=True", []),
        ("deleted=False", ["b2", "b1", "a"]),
        ("changes-since=2000-01-01T00:00:00Z", ["b2", "b1", "a"]),
        ("changes-since=2100-01-01T00:00:00Z", []),
        ("changes-before=2100-01-01T00:00:00", ["b2", "b1", "a"]),
        ("tags=x", ["b1", "a"]),
        ("tags=x,y", ["a"]),
        ("tags-any=y,z", ["a"]),
        ("not-tags=x,y", ["b2", "b1"]),
        ("not-tags-any=x", ["b2"]),
        ("sort_key=display_name&sort_dir=asc", ["a", "b1", "b2"]),
        ("sort_key=display_name", ["b2", "b1", "a"]),
        ("sort_dir=asc", ["a", "b1", "b2"]),
        ("sort_key=vm_state&sort_dir=asc&sort_key=display_name&sort_dir=desc", ["b1", "b2", "a"]),
        ("limit=0", []),
        ("limit=2", ["b2", "b1"]),
        ("limit=5000", ["b2", "b1", "a"]),
        pytest.param(f"limit={'9' * 5000}", ["b2", "b1", "a"], id="limit=9..."),
        ("vm_state=active", ["b1"]),
        ("task_state=scheduling", ["b2"]),
        ("host=compute-2", ["b2", "b1", "a"]),
    ],
)
def test_a_list_holds_what_the_query_selects(three: Compute, query: str, found: list[str]) -> None:
    assert three.names(query, minor=96) == found
    brief = three.ask("GET", f"/servers?{query}", minor=96).json["servers"]
    assert [server["name"] for server in brief] == found
    assert all(set(server) == {"id", "name", "links"} for server in brief)


def test_users_filter_by_what_their_version_lets_them_and_administrators_by_all(
    three: Compute,
) -> None:
    every = "all_tenants=1&"
    assert three.names(f"{every}vm_state=active", user="admin") == ["b1"]
    assert three.names(f"{every}host=compute-2", user="admin") == ["a"]
    for query, since in (("vm_state=active", 83), ("key_name=k", 83), ("hostname=b1", 90)):
        assert three.names(query, minor=since - 1) == ["b2", "b1", "a"]
        assert three.names(query, minor=since) == ["b1"]


def test_a_status_selects_what_nova_takes_for_it(nova: Compute) -> None:
    for name in ("rests", "reboots", "stops"):
        nova.active(name)
    _, reboots, stops = nova.cloud.instances
    nova.act(reboots, "reboot", {"type": "SOFT"})
    nova.act(stops, "os-stop")
    assert nova.names("status=ACTIVE") == ["stops", "reboots", "rests"]
    assert nova.names("status=reboot") == ["reboots"]
    assert nova.names("status=REBOOT&status=SHUTOFF") == ["stops", "reboots", "rests"]
    assert nova.names("status=nonsense", minor=37) == []
    assert nova.ask("GET", "/servers?status=nonsense", minor=38).message == "Invalid status value"


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=text",
        "limit=1.5",
        "marker=unknown",
        "name=[",
        "name=(",
        "name=*",
        "name=(a)\\1",
        "name=((a{99}){99}){99}",
        f"name={'x' * 300}",
        "sort_key=nonsense",
        "sort_dir=up",
        "changes-since=yesterday",
        "deleted=perhaps",
    ],
)
def test_a_query_that_cannot_be_read_is_refused(three: Compute, query: str) -> None:
    user = "admin" if "deleted" in query else None
    for path in ("/servers", "/servers/detail"):
        answer = three.ask("GET", f"{path}?{query}", user=user)
        assert (answer.code, bool(answer.message)) == (400, True)


def test_no_pattern_takes_long_or_warns(nova: Compute) -> None:
    for number in range(100):
        nova.put(number).name = "a" * 250
    begun = time.process_time()
    for text in ("(a%2B)%2B$", "(a|a)*b", "a?" * 30 + "b", "name=.*web.*blue", "[[a]]"):
        assert nova.ask("GET", f"/servers?name={text}").code == 200
    assert time.process_time() - begun < 1


def test_pages_follow_each_other_to_the_end(compute: Compute) -> None:
    for number in range(7):
        compute.put(number)
    for path in ("/servers", "/servers/detail"):
        next_page: str | None = f"{path}?limit=3&name=s[1-6]"
        pages = []
        while next_page:
            answer = compute.ask("GET", next_page).json
            pages.append([server["name"] for server in answer["servers"]])
            (link,) = answer.get("servers_links", [None])
            next_page = link and link["href"].removeprefix("http://localhost/compute/v2.1")
        assert pages == [["s6", "s5", "s4"], ["s3", "s2", "s1"]]


def test_a_page_has_at_most_a_thousand_servers(ecs: Compute) -> None:
    for number in range(1003):
        ecs.put(number)
    answer = ecs.ask("GET", "/servers").json
    assert len(answer["servers"]) == 1000
    assert "marker=" in answer["servers_links"][0]["href"]


def test_deleted_servers_are_listed_if_the_query_selects_them(compute: Compute) -> None:
    gone = compute.active("old")
    compute.active("new")
    compute.ask("DELETE", f"/servers/{gone}")
    compute.rest()
    every = "all_tenants=1&"
    assert compute.names("") == ["new"]
    assert compute.names("deleted=True") == ["new"]
    assert compute.names(f"{every}deleted=True", user="admin") == ["old"]
    assert compute.names(f"{every}status=deleted", user="admin") == ["old"]
    assert compute.ask("GET", "/servers?status=DELETED").code == 403
    assert sorted(compute.names("changes-since=2000-01-01T00:00:00Z")) == ["new", "old"]
    (shown,) = compute.ask("GET", f"/servers/detail?{every}deleted=True", user="admin").json[
        "servers"
    ]
    assert (shown["status"], bool(shown["OS-SRV-USG:terminated_at"])) == ("DELETED", True)
