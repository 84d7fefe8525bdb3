"""The files of a cloud: who can read them, what they may hold, and what a failing one does."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from io import FileIO
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from ecs_fsm.cli.serving import serve
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.followers import EventLog
from ecs_fsm.serve.cloud.instance import NewServer
from tests.clouds import USER, cloud_of
from tests.compute import CIRROS, TINY
from tests.nova_cloud import API, GLANCE, NovaCloud

WEB = NewServer("web-1", "1", "image")


def test_only_the_owner_reads_state_and_record(tmp_path: Path) -> None:
    state, record, old = tmp_path / "state", tmp_path / "record", tmp_path / "old"
    old.touch(0o644)
    for path in (state, old):
        cloud = cloud_of(state=str(path))
        log = EventLog(cloud, str(record), resumes=True)
        cloud.create(WEB, USER)
        assert {p.name: oct(p.stat().st_mode & 0o777) for p in tmp_path.glob(f"{path.name}*")} == {
            f"{path.name}{more}": "0o600" for more in ("", "-wal")
        }
        cloud.close()
        log.close()
    assert record.stat().st_mode & 0o777 == 0o600


def test_a_pipe_that_nothing_reads_is_no_record(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InvalidInput, match="nothing reads this pipe"):
        EventLog(cloud_of(), str(pipe))


def test_a_recording_that_finds_no_room_ends_with_a_whole_row_and_the_cloud_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Small(FileIO):
        def write(self, row: bytes) -> int:  # type: ignore[override]
            return super().write(row[: max(0, 400 - os.fstat(self.fileno()).st_size)])

    monkeypatch.setattr("ecs_fsm.serve.cloud.followers.FileIO", Small)
    cloud = cloud_of()
    log = EventLog(cloud, str(tmp_path / "record"))
    cloud.create(WEB, USER)
    cloud.advance(1e6)
    rows = [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]
    assert 0 < len(rows) < log.count == 6
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'record'}: the recording ends at change {len(rows)}: no room is left"
    ]


@pytest.mark.parametrize("now", ["NaN", "Infinity", "1e999", "-5", "1e300"])
def test_a_state_file_whose_time_is_none_is_refused(tmp_path: Path, now: str) -> None:
    path = tmp_path / "state"
    cloud_of(state=str(path)).close()
    with sqlite3.connect(path) as file:
        (body,) = file.execute("SELECT body FROM document WHERE kind = 'cloud'").fetchone()
        body = body.replace('"now": 0.0', f'"now": {now}')
        file.execute("UPDATE document SET body = ? WHERE kind = 'cloud'", (body,))
    file.close()
    with pytest.raises(InvalidInput, match="the file is broken"):
        cloud_of(state=str(path))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--speed", "nan"),
        ("--speed", "inf"),
        ("--token-lifetime", "100000000000000000000d"),
        ("--token-lifetime", "nan"),
        ("--set", "instances=1.5"),
        ("--set", "reclaim_instance_interval=1e300"),
        ("--set", "reclaim_instance_interval=inf"),
    ],
)
def test_numbers_of_options_are_finite_and_bounded(arguments: tuple[str, str]) -> None:
    result = CliRunner().invoke(serve, ["--lifecycle", "nova", "--port", "0", *arguments])
    assert result.exit_code != 0
    said = str(result.exception) if isinstance(result.exception, InvalidInput) else result.output
    assert arguments[1].partition("=")[2] in said


def most_pages(nova: NovaCloud, most: int | None) -> None:
    """Let the state file grow to so many pages, as many as it has for None: a full disk."""
    file = nova.cloud.state._file
    assert file is not None
    (used,) = file.execute("PRAGMA page_count").fetchone()
    file.execute(f"PRAGMA max_page_count = {used if most is None else most}")


def servers(nova: NovaCloud) -> dict[str, str]:
    shown = nova.get(f"{API}/servers/detail")["servers"]
    return {server["id"]: server["status"] for server in shown}


def test_a_change_without_room_is_not_made_and_time_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nova = NovaCloud(tmp_path / "state")
    server = nova.active()
    assert nova.act(server, "os-stop").status_code == 202
    most_pages(nova, None)
    large = {str(number): "y" * 255 for number in range(100)}
    while (answer := nova.create(metadata=large)).status_code == 202:
        pass
    assert (answer.status_code, answer.json()["computeFault"]["code"]) == (507, 507)
    there, cloud = servers(nova), nova.cloud
    changes = nova.get("/_ecs/changes")["changes"]
    assert {*cloud.instances} == {*there} == {change["server"] for change in changes}
    for _ in range(3):
        assert nova.create().status_code == 507
        assert nova.act(server, "lock").status_code == 507
    assert nova.cloud is cloud
    cloud.advance(1e6)
    assert servers(nova) == {**dict.fromkeys(there, "ACTIVE"), server: "SHUTOFF"}
    most_pages(nova, 10_000)
    assert nova.create().status_code == 202
    said = [record.getMessage().partition(": ")[2][:22] for record in caplog.records]
    assert said == ["no room is left: datab", "there is room again; c"]
    after = servers(nova)
    cloud.close()
    assert servers(NovaCloud(tmp_path / "state")) == after


def test_several_servers_of_one_request_are_made_or_none(tmp_path: Path) -> None:
    nova = NovaCloud(tmp_path / "state")
    most_pages(nova, None)
    assert nova.create(min_count=50, metadata={"x": "y" * 255}).status_code == 507
    assert servers(nova) == {}


def test_a_state_that_cannot_be_kept_at_all_ends_the_process(tmp_path: Path) -> None:
    nova = NovaCloud(tmp_path / "state")
    ends: list[str] = []
    nova.edge.state.end = ends.append
    assert nova.cloud.state._file is not None
    nova.cloud.state._file.execute("PRAGMA query_only = 1")
    assert nova.create().status_code == 500
    assert len(ends) == 1
    assert ends[0].startswith(f"{tmp_path / 'state'}: the state cannot be kept: ")


PROGRAM = """
import resource, sys
from ecs_fsm.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
main(sys.argv[2:])
"""
"""The command with a limit of the size of its files."""


def limited(most: int, *options: str) -> subprocess.Popen[str]:
    # Under its limit it would leave half of what it compiles (-B), which breaks later imports.
    command = [sys.executable, "-B", "-c", PROGRAM, str(most), "serve"]
    return subprocess.Popen(
        [*command, "--port", "0", "--quiet", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    """What a process said that found no room at its start."""
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    return err


def test_a_limit_of_file_sizes_refuses_changes_until_it_is_lifted(tmp_path: Path) -> None:
    state = ["--state", str(tmp_path / "cloud.db"), "--lifecycle", "nova"]
    assert "no room is left to keep the state" in ended(limited(8192, *state))
    process = limited(80_000, *state)
    assert process.stdout is not None
    assert process.stderr is not None
    url = next(word for line in process.stdout for word in line.split() if "http://" in word)
    user = {"name": "demo", "password": "x", "domain": {"name": "Default"}}
    project = {"project": {"name": "demo", "domain": {"name": "Default"}}}
    identity = {"methods": ["password"], "password": {"user": user}}
    login = {"auth": {"identity": identity, "scope": project}}
    client = httpx.Client(base_url=url)
    token = client.post("/identity/v3/auth/tokens", json=login).headers["x-subject-token"]
    wanted = {"server": {"name": "web", "flavorRef": TINY, "imageRef": CIRROS}}
    codes: list[int] = []
    own = {"X-Auth-Token": token}
    while 507 not in codes and len(codes) < 500:
        codes.append(client.post(f"{API}/servers", json=wanted, headers=own).status_code)
    assert {*codes} == {202, 507}
    lifted = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, lifted)
    codes.append(client.post(f"{API}/servers", json=wanted, headers=own).status_code)
    client.close()
    assert codes[-1] == 202
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert [line.rpartition("; ")[2] for line in err.splitlines()] == [
        "changes are refused",
        "changes are taken",
    ]
    kept = cloud_of("nova", state=str(tmp_path / "cloud.db"))
    assert len(kept.instances) == codes.count(202)
    kept.close()
    assert "no room is left to keep the state" in ended(limited(8192, *state))


KINDS = {
    f"{API}/servers": {"server": {"name": "web", "flavorRef": TINY, "imageRef": CIRROS}},
    f"{API}/os-keypairs": {"keypair": {"name": "k"}},
    f"{API}/os-server-groups": {"server_group": {"name": "g", "policies": ["affinity"]}},
    f"{API}/flavors": {"flavor": {"name": "f", "ram": 64, "vcpus": 1, "disk": 1}},
    "/network/v2.0/networks": {"network": {"name": "n"}},
    "/network/v2.0/security-groups": {"security_group": {"name": "s"}},
    "/volume/v3/{project}/volumes": {"volume": {"size": 1, "name": "v"}},
    GLANCE: {"name": "i"},
}
"""Something of each kind that a cloud keeps, by the path of its list."""


def test_what_was_acknowledged_is_there_after_a_kill_whatever_its_kind(tmp_path: Path) -> None:
    nova = NovaCloud(tmp_path / "state")
    project = nova.ask("GET", "/identity/v3/auth/projects", user="admin").json()["projects"][0]
    shown: dict[str, int] = {}
    for path, body in KINDS.items():
        at = path.format(project=project["id"])
        answer = nova.ask("POST", at, body, user="admin")
        assert answer.status_code in (200, 201, 202), answer.text
        shown[at] = len(next(iter(nova.get(at, user="admin").values())))
    # What a kill leaves is what is on the disk at this moment.
    for part in ("", "-wal"):
        shutil.copy(tmp_path / f"state{part}", tmp_path / f"killed{part}")
    again = NovaCloud(tmp_path / "killed")
    assert shown == {at: len(next(iter(again.get(at, user="admin").values()))) for at in shown}
