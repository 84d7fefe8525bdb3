"""The Huawei/OTC face: jobs that follow their servers, and what the cloudservers paths answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette

from ecs_fsm.lifecycles import server_class
from ecs_fsm.profiles.loader import built_in
from ecs_fsm.serve import app
from ecs_fsm.serve.cloud import jobs
from ecs_fsm.serve.cloud.catalog import read_catalog
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Asker, Instance, NewServer
from ecs_fsm.serve.cloud.jobs import Jobs
from ecs_fsm.serve.http.listen import Settings
from tests.clouds import cloud_of
from tests.own_thread import run_in_own_thread

CIRROS, DEBIAN = "70a599e0-31e7-49b7-b260-868f441e862b", "155d900f-4e14-4e4c-a73d-069cbf4541e6"
SMALL, LARGE = "s6.small.1", "s6.large.2"
SIGNED = "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature=00"
LONG = 100_000


class Client:
    """Asks an application without a socket; nothing of its clock runs meanwhile."""

    def __init__(self, app: Starlette, **headers: str) -> None:
        self.app, self.headers = app, headers

    def request(self, method: str, path: str, **more: Any) -> Response:
        async def send() -> Response:
            transport = ASGITransport(self.app)
            base = "http://cloud"
            async with AsyncClient(
                transport=transport, base_url=base, headers=self.headers
            ) as client:
                return await client.request(method, path, **more)

        return run_in_own_thread(send())

    def get(self, path: str, **more: Any) -> Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> Response:
        return self.request("POST", path, **more)


class Face:
    """The cloudservers API of a cloud whose clock stands still, without a socket."""

    def __init__(self, cloud: Cloud, project: str = "p1") -> None:
        self.cloud, self.jobs, self.at = cloud, Jobs(cloud), f"/v1/{project}"
        self.app = application()
        self.app.state.cloud, self.app.state.jobs = cloud, self.jobs
        self.client = Client(self.app, Authorization=SIGNED, **{"X-Project-Id": project})

    def of(self, project: str) -> Client:
        """The same cloud as another project sees it."""
        return Client(self.app, Authorization=SIGNED, **{"X-Project-Id": project})

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(f"{self.at}/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object, root: str | None = None) -> tuple[int, Any]:
        answer = self.client.post(f"{root or self.at}/{path}", json=body)
        return answer.status_code, answer.json() if answer.content else None

    def begin(self, path: str, body: object) -> str:
        """The job of a request that is accepted."""
        code, result = self.post(path, body)
        assert code == 200, result
        return str(result["job_id"])

    def act(self, action: str, *ids: str, **more: str) -> str:
        return self.begin("cloudservers/action", {action: {"servers": named(*ids), **more}})

    def job(self, job_id: str) -> Any:
        return self.get(f"jobs/{job_id}")

    def end(self, job_id: str) -> Any:
        """The job after a long time."""
        self.cloud.advance(LONG)
        return self.job(job_id)

    def server(self, server_id: str) -> Any:
        return self.get(f"cloudservers/{server_id}")["server"]

    def made(self, name: str = "web", **more: object) -> list[str]:
        """The ids of servers that were created and run."""
        code, result = self.post("cloudservers", {"server": {**wanted(name), **more}})
        assert code == 200, result
        assert self.end(result["job_id"])["status"] == "SUCCESS"
        ids: list[str] = result["serverIds"]
        return ids

    def stopped(self, **more: Any) -> str:
        server_id = self.made(**more)[0]
        assert self.end(self.act("os-stop", server_id))["status"] == "SUCCESS"
        return server_id

    def refused(self, path: str, body: object, root: str | None = None) -> tuple[int, str]:
        """The status and the error code of a request."""
        code, result = self.post(path, body, root)
        assert set(result["error"]) == {"code", "message"}
        assert result["error"]["message"]
        return code, result["error"]["code"]


def named(*ids: str) -> list[dict[str, str]]:
    return [{"id": server_id} for server_id in ids]


def wanted(name: str = "web") -> dict[str, object]:
    return {
        "name": name,
        "imageRef": CIRROS,
        "flavorRef": SMALL,
        "vpcid": "0dae26c9-9a70-4392-93f3-87d53115d171",
        "nics": [{"subnet_id": "157ee789-03ea-45b1-a698-76c92660dd83"}],
        "root_volume": {"volumetype": "SSD"},
    }


@cache
def application() -> Starlette:
    """One application for all tests: making it takes longer than they do."""
    return app.application(cloud_of(), Settings())


@pytest.fixture(params=["ecs", "nova"])
def face(request: pytest.FixtureRequest) -> Face:
    return Face(cloud_of(request.param))


@pytest.fixture
def ecs() -> Face:
    return Face(cloud_of())


def states(face: Face, server_id: str) -> list[str]:
    return [str(seen.state) for seen in face.cloud.instances[server_id].history]


def test_a_server_lives_through_jobs(face: Face) -> None:
    code, result = face.post("cloudservers", {"server": wanted()})
    job_id, [server_id] = result["job_id"], result["serverIds"]
    assert (code, face.job(job_id)["status"]) == (200, "INIT")
    assert face.server(server_id)["OS-EXT-STS:task_state"] == "scheduling"
    face.cloud.advance(0.5)
    running = face.job(job_id)
    assert (running["status"], running["end_time"]) == ("RUNNING", None)
    done = face.end(job_id)
    assert (done["status"], done["job_type"]) == ("SUCCESS", "createServer")
    assert (done["error_code"], done["fail_reason"]) == (None, None)
    assert done["begin_time"] < done["end_time"]
    [part] = done["entities"]["sub_jobs"]
    assert (part["status"], part["job_type"]) == ("SUCCESS", "createSingleServer")
    assert part["entities"] == {"server_id": server_id}
    seen = []
    begins: tuple[Callable[[], str], ...] = (
        lambda: face.act("os-stop", server_id, type="HARD"),
        lambda: face.begin(f"cloudservers/{server_id}/resize", {"resize": {"flavorRef": LARGE}}),
        lambda: face.act("os-start", server_id),
        lambda: face.act("reboot", server_id, type="SOFT"),
        lambda: face.act("reboot", server_id, type="HARD"),
        lambda: face.begin(
            f"cloudservers/{server_id}/reinstallos", {"os-reinstall": {"adminpass": "Secret.1"}}
        ),
        lambda: face.begin(
            f"cloudservers/{server_id}/changeos",
            {"os-change": {"imageid": DEBIAN, "keyname": "mine"}},
        ),
    )
    for begin in begins:
        assert face.end(begin())["status"] == "SUCCESS"
        shown = face.server(server_id)
        seen.append((shown["status"], shown["flavor"]["id"], shown["image"]["id"]))
    assert seen == [
        ("SHUTOFF", SMALL, CIRROS),
        ("SHUTOFF", LARGE, CIRROS),
        *[("ACTIVE", LARGE, CIRROS)] * 4,
        ("ACTIVE", LARGE, DEBIAN),
    ]
    assert face.server(server_id)["key_name"] == "mine"
    walked = states(face, server_id)
    for state in ("stopped/resize_finish", "resized/-", "active/reboot_started_hard"):
        assert state in walked
    removed = face.begin("cloudservers/delete", {"servers": named(server_id)})
    assert face.end(removed)["status"] == "SUCCESS"
    assert face.client.get(f"{face.at}/cloudservers/{server_id}").status_code == 404


def test_a_server_is_shown_as_the_cloud_shows_it(ecs: Face) -> None:
    [server_id] = ecs.made(server_tags=[{"key": "team", "value": "red"}], metadata={"a": "b"})
    shown = ecs.server(server_id)
    flavor = shown["flavor"]
    assert {name: flavor[name] for name in ("id", "name", "vcpus", "ram", "disk")} == {
        "id": SMALL, "name": SMALL, "vcpus": "1", "ram": "1024", "disk": "0",
    }  # fmt: skip
    assert (shown["status"], shown["tags"], shown["metadata"]) == (
        "ACTIVE",
        ["team=red"],
        {"a": "b"},
    )
    assert shown["OS-EXT-SRV-ATTR:hypervisor_hostname"]
    assert shown["OS-EXT-AZ:availability_zone"]
    assert (flavor["gpus"], flavor["asic_accelerators"]) == ([], [])
    constant = {"host_status": "UP", "enterprise_project_id": "0", "os:scheduler_hints": {}}
    assert {name: shown[name] for name in constant} == constant
    assert shown["sys_tags"] == []
    [[address]] = shown["addresses"].values()
    assert (address["version"], address["OS-EXT-IPS:type"]) == ("4", "fixed")


@pytest.mark.parametrize("version", ["v1.1", "v2"])
def test_newer_versions_of_a_path_do_the_same(ecs: Face, version: str) -> None:
    root = f"/{version}/p1"
    if version == "v1.1":
        extend = {"chargingMode": "prePaid"}
        code, result = ecs.post(
            "cloudservers", {"server": {**wanted(), "extendparam": extend}}, root
        )
        assert (code, set(result)) == (200, {"job_id", "order_id", "serverIds"})
        return
    server_id = ecs.stopped()
    for path, body in (
        ("reinstallos", {"os-reinstall": {"keyname": "mine"}}),
        ("changeos", {"os-change": {"imageid": DEBIAN}}),
    ):
        code, result = ecs.post(f"cloudservers/{server_id}/{path}", body, root)
        assert (code, ecs.end(result["job_id"])["status"]) == (200, "SUCCESS")
    assert ecs.server(server_id)["status"] == "SHUTOFF"


def test_a_resize_confirms_by_itself_and_leaves_the_server_off(face: Face) -> None:
    server_id = face.stopped()
    host = face.server(server_id)["OS-EXT-SRV-ATTR:host"]
    job = face.begin(f"cloudservers/{server_id}/resize", {"resize": {"flavorRef": LARGE}})
    while face.job(job)["status"] in {"INIT", "RUNNING"}:
        assert face.server(server_id)["status"] == "RESIZE"
        assert face.server(server_id)["flavor"]["id"] == SMALL
        face.cloud.step(1)
    assert face.job(job)["entities"] == {"server_id": server_id}
    assert face.server(server_id)["status"] == "SHUTOFF"
    assert face.server(server_id)["flavor"]["id"] == LARGE
    assert face.server(server_id)["OS-EXT-SRV-ATTR:host"] != host
    last = face.cloud.instances[server_id].history[-2:]
    assert [str(seen.state) for seen in last] == ["resized/-", "stopped/-"]
    assert last[0].at == last[1].at


def test_a_running_server_is_stopped_for_its_resize_if_the_request_says_so(ecs: Face) -> None:
    [server_id] = ecs.made()
    path, body = f"cloudservers/{server_id}/resize", {"resize": {"flavorRef": LARGE}}
    assert ecs.refused(path, body) == (409, "Ecs.0100")
    job = ecs.begin(path, {"resize": {"flavorRef": LARGE, "mode": "withStopServer"}})
    assert ecs.end(job)["status"] == "SUCCESS"
    assert (ecs.server(server_id)["status"], ecs.server(server_id)["flavor"]["id"]) == (
        "ACTIVE",
        LARGE,
    )
    operations = [request.operation for request in ecs.cloud.instances[server_id].requests]
    assert operations[-4:] == ["stop", "resize", "confirm_resize", "start"]


def test_the_steps_of_a_job_follow_one_another_without_a_gap(ecs: Face) -> None:
    [server_id] = ecs.made()
    body = {"resize": {"flavorRef": LARGE, "mode": "withStopServer"}}
    ecs.begin(f"cloudservers/{server_id}/resize", body)
    ecs.cloud.advance(LONG)
    history = ecs.cloud.instances[server_id].history
    at = {seen.event: seen.at for seen in history}
    stopped = next(seen.at for seen in history if str(seen.state) == "stopped/-")
    resized = next(seen.at for seen in history if str(seen.state) == "resized/-")
    assert at["resize"] == stopped
    assert at["confirm_resize"] == at["start"] == resized


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("resize:fail@resize_finish", "Ecs.0207", "ERROR"),
        ("resize:roll_back@resize_prep", "Ecs.0207", "SHUTOFF"),
        ("confirm_resize:fail", "Ecs.0207", "ERROR"),
    ],
    ids=str,
)
def test_a_resize_that_goes_wrong_fails_its_job(
    face: Face, fault: str, code: str, status: str
) -> None:
    server_id = face.stopped()
    face.cloud.orders.add(fault)
    job = face.begin(f"cloudservers/{server_id}/resize", {"resize": {"flavorRef": LARGE}})
    done = face.end(job)
    assert (done["status"], done["error_code"]) == ("FAIL", code)
    assert fault.partition(":")[0] in done["fail_reason"]
    assert face.server(server_id)["status"] == status


def test_a_creation_that_goes_wrong_fails_its_part(face: Face) -> None:
    face.cloud.orders.add("create:fail@spawning on *-0002")
    _, result = face.post("cloudservers", {"server": {**wanted(), "count": 3}})
    done = face.end(result["job_id"])
    parts = done["entities"]["sub_jobs"]
    assert [part["status"] for part in parts] == ["SUCCESS", "FAIL", "SUCCESS"]
    assert [part["error_code"] for part in parts] == [None, "Ecs.0204", None]
    assert (done["status"], done["error_code"]) == ("FAIL", "Ecs.0204")
    assert done["entities"]["sub_jobs_total"] == 3


def test_a_job_runs_until_its_last_part_is_over(ecs: Face) -> None:
    ecs.cloud.orders.add("create:hang@spawning on *-0002")
    _, result = ecs.post("cloudservers", {"server": {**wanted(), "count": 2}})
    done = ecs.end(result["job_id"])
    assert done["status"] == "RUNNING"
    parts = done["entities"]["sub_jobs"]
    assert [part["status"] for part in parts] == ["SUCCESS", "RUNNING"]


def test_a_job_that_hangs_ends_when_the_system_gives_its_server_up(ecs: Face) -> None:
    ecs.cloud.orders.add("create:hang@spawning")
    _, result = ecs.post("cloudservers", {"server": wanted()})
    assert ecs.end(result["job_id"])["status"] == "RUNNING"
    ecs.cloud.happen(ecs.cloud.instances[result["serverIds"][0]], "fail", {})
    assert ecs.job(result["job_id"])["status"] == "FAIL"


def test_an_operation_that_another_takes_the_place_of_fails_its_job(face: Face) -> None:
    [server_id] = face.made()
    stop = face.act("os-stop", server_id)
    face.cloud.advance(1)
    remove = face.begin("cloudservers/delete", {"servers": named(server_id)})
    assert face.job(stop)["status"] == "FAIL"
    assert "delete" in face.job(stop)["fail_reason"]
    assert face.end(remove)["status"] == "SUCCESS"


def test_both_jobs_of_a_repeated_deletion_succeed(face: Face) -> None:
    [server_id] = face.made()
    body = {"servers": named(server_id)}
    first = face.begin("cloudservers/delete", body)
    face.cloud.advance(0.1)
    second = face.begin("cloudservers/delete", body)
    face.cloud.advance(LONG)
    assert [face.job(job)["status"] for job in (first, second)] == ["SUCCESS"] * 2


def test_only_those_that_refuse_fail_in_a_batch(face: Face) -> None:
    runs, stopped = face.made()[0], face.stopped()
    job = face.act("os-stop", runs, stopped, "nope")
    done = face.end(job)
    parts = {part["entities"]["server_id"]: part for part in done["entities"]["sub_jobs"]}
    assert {name: (part["status"], part["error_code"]) for name, part in parts.items()} == {
        runs: ("SUCCESS", None),
        stopped: ("FAIL", "Ecs.0100"),
        "nope": ("FAIL", "Ecs.0114"),
    }
    assert "stopped" in parts[stopped]["fail_reason"]
    assert (done["status"], done["entities"]["sub_jobs_total"]) == ("FAIL", 3)


def test_what_a_single_server_refuses_is_refused(face: Face) -> None:
    server_id = face.stopped()
    before = len(face.jobs.by_id)
    body = {"os-stop": {"servers": named(server_id, server_id)}}
    assert face.refused("cloudservers/action", body) == (409, "Ecs.0100")
    assert len(face.jobs.by_id) == before


UNKNOWN = [
    ("cloudservers/nope/resize", {"resize": {"flavorRef": LARGE}}),
    ("cloudservers/nope/reinstallos", {"os-reinstall": {}}),
    ("cloudservers/nope/changeos", {"os-change": {"imageid": DEBIAN}}),
    ("cloudservers/delete", {"servers": named("nope")}),
    ("cloudservers/delete", {"servers": named("nope", "no")}),
    ("cloudservers/action", {"os-start": {"servers": named("nope")}}),
    ("cloudservers/nope/metadata", {"metadata": {}}),
    ("cloudservers/nope/tags/action", {"action": "create", "tags": [{"key": "a"}]}),
]


@pytest.mark.parametrize(("path", "body"), UNKNOWN, ids=str)
def test_a_server_that_is_unknown_is_not_found(ecs: Face, path: str, body: object) -> None:
    assert ecs.refused(path, body) == (404, "Ecs.0114")


@pytest.mark.parametrize("path", ["jobs/nope", "cloudservers/nope", "cloudservers/nope/tags"])
def test_what_is_unknown_is_not_found(ecs: Face, path: str) -> None:
    answer = ecs.client.get(f"{ecs.at}/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "Ecs.0114")
    assert answer.headers["X-Request-Id"]


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in wanted().items() if name != key}


BAD = [
    ("cloudservers", {}, "Ecs.0005"),
    ("cloudservers", {"server": []}, "Ecs.0005"),
    ("cloudservers", {"server": without("name")}, "Ecs.0005"),
    ("cloudservers", {"server": {**wanted(), "name": " "}}, "Ecs.0005"),
    ("cloudservers", {"server": without("flavorRef")}, "Ecs.0005"),
    ("cloudservers", {"server": {**wanted(), "count": 0}}, "Ecs.0005"),
    ("cloudservers", {"server": {**wanted(), "count": 501}}, "Ecs.0005"),
    ("cloudservers", {"server": {**wanted(), "flavorRef": "huge"}}, "Ecs.0008"),
    ("cloudservers", {"server": {**wanted(), "imageRef": "none"}}, "Ecs.0007"),
    ("cloudservers", {"server": {**wanted(), "metadata": {"ecs:fault": "fly"}}}, "Ecs.0005"),
    ("cloudservers/action", {}, "Ecs.0005"),
    ("cloudservers/action", {"os-fly": {"servers": named("a")}}, "Ecs.0005"),
    ("cloudservers/action", {"os-stop": {"servers": []}}, "Ecs.0005"),
    ("cloudservers/action", {"reboot": {"servers": named("a"), "type": "WARM"}}, "Ecs.0005"),
    ("cloudservers/action", {"os-stop": {"servers": [{}]}}, "Ecs.0005"),
    ("cloudservers/delete", {"servers": "all"}, "Ecs.0005"),
    ("cloudservers/delete", {"servers": named(*map(str, range(1001)))}, "Ecs.0118"),
    ("cloudservers/a/resize", {"resize": {}}, "Ecs.0005"),
    ("cloudservers/a/changeos", {"os-change": {"adminpass": "x"}}, "Ecs.0005"),
    ("cloudservers/a/changeos", {"os-change": {"imageid": "none"}}, "Ecs.0007"),
]


@pytest.mark.parametrize(("path", "body", "code"), BAD, ids=str)
def test_an_invalid_body_is_refused(ecs: Face, path: str, body: object, code: str) -> None:
    assert ecs.refused(path, body) == (400, code)
    assert not ecs.cloud.instances


def test_a_body_that_is_not_json_is_refused(ecs: Face) -> None:
    answer = ecs.client.post(f"{ecs.at}/cloudservers", content=b"{")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Ecs.0005")


def test_a_resize_is_to_another_flavor_that_exists(ecs: Face) -> None:
    path = f"cloudservers/{ecs.stopped()}/resize"
    assert ecs.refused(path, {"resize": {"flavorRef": SMALL}}) == (400, "Ecs.0009")
    assert ecs.refused(path, {"resize": {"flavorRef": "huge"}}) == (400, "Ecs.0008")


def test_a_dry_run_changes_nothing(ecs: Face) -> None:
    server_id = ecs.stopped()
    path, resize = f"cloudservers/{server_id}/resize", {"flavorRef": LARGE}
    assert ecs.post(path, {"resize": resize, "dry_run": True})[0] == 202
    assert ecs.server(server_id)["OS-EXT-STS:task_state"] is None
    assert ecs.post("cloudservers", {"server": wanted(), "dry_run": True})[0] == 202
    assert list(ecs.cloud.instances) == [server_id]
    ecs.end(ecs.act("os-start", server_id))
    assert ecs.refused(path, {"resize": resize, "dry_run": True}) == (409, "Ecs.0100")
    bad = {"server": {**wanted(), "flavorRef": "huge"}, "dry_run": True}
    assert ecs.refused("cloudservers", bad) == (400, "Ecs.0008")


def test_several_servers_get_numbers_that_go_on(ecs: Face) -> None:
    def names(count: int) -> list[str]:
        return [ecs.server(server_id)["name"] for server_id in ecs.made(count=count)]

    assert names(2) == ["web-0001", "web-0002"]
    assert names(1) == ["web"]
    assert names(2) == ["web-0003", "web-0004"]


def test_servers_are_listed_by_number_of_page(ecs: Face) -> None:
    ids = ecs.made(count=5)[::-1]

    def page(**query: object) -> tuple[list[str], int]:
        result = ecs.get("cloudservers/detail", **query)
        return [server["id"] for server in result["servers"]], result["count"]

    assert page() == (ids, 5)
    assert page(limit=2) == page(limit=2, offset=0) == page(limit=2, offset=1) == (ids[:2], 5)
    assert page(limit=2, offset=3) == (ids[4:], 5)
    assert page(limit=2, offset=4) == ([], 5)
    assert page(limit=2, marker=ids[1]) == (ids[2:4], 5)


def test_the_largest_page_and_the_last_number_of_one_are_taken(ecs: Face) -> None:
    assert ecs.get("cloudservers/detail", limit=1000, offset=10**9)["servers"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "offset=-1", f"offset={10**9 + 1}"]
)
def test_an_impossible_page_is_refused(ecs: Face, query: str) -> None:
    answer = ecs.client.get(f"{ecs.at}/cloudservers/detail?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Ecs.0005")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "SHUTOFF"}, {"db"}),
        ({"status": "shutoff"}, {"db"}),
        ({"status": "FLYING"}, set()),
        ({"name": "we"}, {"web.1", "web+2"}),
        ({"name": "web.2"}, {"web+2"}),
        ({"name": "web+"}, {"web+2"}),
        ({"name": "("}, set()),
        ({"flavor": LARGE}, {"web.1"}),
        ({"tags": "team"}, {"web.1", "db"}),
        ({"tags": "team=red"}, {"web.1"}),
        ({"not-tags": "team"}, {"web+2"}),
        ({"not-tags": "team=red"}, {"web+2", "db"}),
        ({"ip": "10.0."}, {"web.1", "web+2", "db"}),
        ({"ip": "192.168."}, set()),
    ],
    ids=lambda value: "" if isinstance(value, set) else str(value),
)
def test_a_list_has_the_servers_that_the_query_selects(
    ecs: Face, query: dict[str, str], found: set[str]
) -> None:
    ecs.made("web.1", flavorRef=LARGE, server_tags=[{"key": "team", "value": "red"}])
    ecs.made("web+2")
    ecs.stopped(name="db", server_tags=[{"key": "team", "value": "blue"}])
    result = ecs.get("cloudservers/detail", **query)
    assert {server["name"] for server in result["servers"]} == found
    assert result["count"] == len(found)


def test_a_filter_of_a_status_selects_those_that_its_document_names(ecs: Face) -> None:
    (server,) = ecs.made()
    ecs.act("reboot", server, type="HARD")
    assert ecs.server(server)["status"] == "HARD_REBOOT"
    counts = [
        ecs.get("cloudservers/detail", status=status)["count"]
        for status in ("HARD_REBOOT", "active", "SHUTOFF", "ERROR")
    ]
    assert counts == [1, 1, 0, 0]


def test_flavors_have_text_for_processors_and_a_number_for_memory(ecs: Face) -> None:
    flavors = {flavor["id"]: flavor for flavor in ecs.get("cloudservers/flavors")["flavors"]}
    assert (flavors[LARGE]["vcpus"], flavors[LARGE]["ram"], flavors[LARGE]["disk"]) == (
        "2",
        4096,
        "0",
    )
    assert len(ecs.get("cloudservers/flavors", limit=1)["flavors"]) == 1
    server_id = ecs.made()[0]
    others = ecs.get("cloudservers/resize_flavors", instance_uuid=server_id)["flavors"]
    assert {flavor["id"] for flavor in others} == set(flavors) - {SMALL}


def test_names_metadata_and_tags_change_without_a_job(face: Face) -> None:
    [server_id] = face.made(metadata={"a": "1"})
    at = f"{face.at}/cloudservers/{server_id}"
    answer = face.client.request("PUT", at, json={"server": {"name": "new", "description": "what"}})
    assert (answer.status_code, answer.json()["server"]["name"]) == (200, "new")
    code, result = face.post(f"cloudservers/{server_id}/metadata", {"metadata": {"b": "2"}})
    assert (code, result) == (200, {"metadata": {"a": "1", "b": "2"}})
    assert face.client.request("DELETE", f"{at}/metadata/a").status_code == 204
    assert face.client.request("DELETE", f"{at}/metadata/a").status_code == 404
    assert face.server(server_id)["metadata"] == {"b": "2"}
    tags = [{"key": "team", "value": "red"}, {"key": "old", "value": ""}]
    for action, some, left in (("create", tags, tags), ("delete", tags[1:], tags[:1])):
        path = f"cloudservers/{server_id}/tags/action"
        assert face.post(path, {"action": action, "tags": some})[0] == 204
        assert face.get(f"cloudservers/{server_id}/tags") == {"tags": left}
    assert face.get("cloudservers/tags") == {"tags": [{"key": "team", "values": ["red"]}]}


def test_a_server_has_at_most_as_many_entries_of_metadata_as_nova_lets_it(ecs: Face) -> None:
    [server_id] = ecs.made(metadata={"a": "1"})
    path = f"cloudservers/{server_id}/metadata"
    for count, expected in ((127, 200), (128, 403)):
        entries = {f"k{n}": "x" for n in range(count)}
        assert ecs.post(path, {"metadata": entries})[0] == expected
    assert len(ecs.server(server_id)["metadata"]) == 128


def test_a_server_comes_into_the_zone_that_was_chosen(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    hosts = "".join(f"[[hosts]]\nname = '{zone}-1'\nzone = '{zone}'\n" for zone in ("east", "west"))
    path.write_text(hosts, encoding="utf-8")
    kind = server_class("ecs")
    cloud = Cloud(kind, built_in(kind.lifecycle), speed=0, catalog=read_catalog(str(path)))
    face = Face(cloud)
    for zone in ("west", "west", "east"):
        [server_id] = face.made(availability_zone=zone)
        assert face.server(server_id)["OS-EXT-AZ:availability_zone"] == zone


def test_who_shows_neither_a_token_nor_a_signature_is_turned_away(ecs: Face) -> None:
    answer = Client(ecs.app).get(f"{ecs.at}/cloudservers/detail")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "APIGW.0301")


def test_a_token_does_as_well_as_a_signature(ecs: Face) -> None:
    client = Client(ecs.app)
    user = {"name": "me", "password": "any", "domain": {"name": "Default"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    auth = {"identity": identity, "scope": {"project": {"id": "p1"}}}
    token = client.post("/v3/auth/tokens", json={"auth": auth}).headers["X-Subject-Token"]
    for project, code in (("p1", 200), ("p2", 403)):
        path = f"/v1/{project}/cloudservers/detail"
        assert client.get(path, headers={"X-Auth-Token": token}).status_code == code


def test_servers_and_jobs_of_one_project_are_unknown_in_another(ecs: Face) -> None:
    [server_id] = ecs.made()
    job = ecs.act("os-stop", server_id)
    other = ecs.of("p2")
    for path in (f"jobs/{job}", f"cloudservers/{server_id}"):
        assert other.get(f"/v1/p2/{path}").status_code == 404
    assert other.get("/v1/p2/cloudservers/detail").json()["count"] == 0


@pytest.mark.parametrize("lifecycle", ["ecs", "nova"])
def test_jobs_go_on_after_a_new_start(lifecycle: str, tmp_path: Path) -> None:
    path = str(tmp_path / "state")
    face = Face(cloud_of(lifecycle, state=path))
    server_id, other = face.stopped(), face.made()[0]
    resize = face.begin(f"cloudservers/{server_id}/resize", {"resize": {"flavorRef": LARGE}})
    face.cloud.advance(1)
    batch = face.act("os-stop", server_id, other)
    face.cloud.advance(1)
    before = face.job(batch)
    face.cloud.close()
    again = Face(cloud_of(lifecycle, state=path))
    assert again.job(batch) == before
    assert again.job(resize)["status"] == "RUNNING"
    assert again.end(resize)["status"] == "SUCCESS"
    assert again.server(server_id)["flavor"]["id"] == LARGE
    parts = again.job(batch)["entities"]["sub_jobs"]
    assert [part["status"] for part in parts] == ["FAIL", "SUCCESS"]
    assert again.act("os-start", other) not in {resize, batch}
    again.cloud.close()


def test_the_oldest_jobs_are_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(jobs, "MOST_JOBS", 3)
    path = str(tmp_path / "state")
    face = Face(cloud_of(state=path))
    ids = [face.post("cloudservers", {"server": wanted()})[1]["job_id"] for _ in range(5)]
    face.cloud.advance(LONG)
    face.cloud.close()
    again = Face(cloud_of(state=path))
    codes = [again.client.get(f"{again.at}/jobs/{job}").status_code for job in ids]
    assert codes == [404, 404, 200, 200, 200]
    assert {again.job(job)["status"] for job in ids[2:]} == {"SUCCESS"}
    again.cloud.close()


def test_the_same_server_is_seen_through_the_compute_api(face: Face) -> None:
    server_id = face.stopped()
    at = f"/v2.1/p1/servers/{server_id}"
    assert face.client.get(at).json()["server"]["status"] == "SHUTOFF"
    resize = face.client.post(f"{at}/action", json={"resize": {"flavorRef": LARGE}})
    assert resize.status_code == 202
    face.cloud.advance(LONG)
    assert face.server(server_id)["status"] == "VERIFY_RESIZE"
    assert face.client.post(f"{at}/action", json={"confirmResize": None}).status_code == 204
    assert face.server(server_id)["status"] == "SHUTOFF"


def test_listeners_are_notified_once_of_the_end_of_each_operation(ecs: Face) -> None:
    cloud, result = ecs.cloud, []

    def hear(instance: Instance, operation: str, went_wrong: bool) -> None:
        result.append((operation, went_wrong, instance.operation))

    cloud.schedule.ends.append(hear)
    asker = Asker("req-1", "me", "p1", "test")
    instance = cloud.create(NewServer("web", SMALL, CIRROS), asker)
    cloud.advance(LONG)
    cloud.orders.add("stop:roll_back*1")
    for operation in ("stop", "stop", "start", "reboot", "hard_reboot"):
        cloud.request(instance, operation, {}, asker)
        cloud.advance(0 if operation == "reboot" else LONG)
    assert result == [
        ("create", False, None),
        ("stop", True, None),
        ("stop", False, None),
        ("start", False, None),
        ("reboot", True, "hard_reboot"),
        ("hard_reboot", False, None),
    ]
