"""The cloud for tests of programs: it listens, lets a user in, and repeats itself by its seed."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from ecs_fsm import InvalidInput
from ecs_fsm.serve.cloud.instance import Asker, NewServer
from ecs_fsm.testing import EcsCloud, served

OWN_CLOUDS = """
import pytest

seen = []

@pytest.mark.parametrize("number", range(2))
def test_each_has_a_cloud_of_its_own(ecs_cloud, number):
    seen.append(ecs_cloud.url)
    assert len(set(seen)) == number + 1

@pytest.mark.ecs_cloud(shared=True)
@pytest.mark.parametrize("number", range(2))
def test_these_share_one(ecs_cloud, number):
    seen.append(ecs_cloud)
    assert seen[-1] is seen[2]
"""


def times(cloud: EcsCloud) -> list[float]:
    """When the states of a new server began."""
    made = cloud._service.cloud
    asker = Asker("req-1", "user", "project", "create")
    cloud._in_its_thread(lambda: made.create(NewServer("web", "1", None), asker))
    cloud.advance(10_000)
    return [change.at for change in cloud.changes]


def test_what_a_cloud_says_to_log_in_with_lets_a_user_in() -> None:
    with served(speed=0) as cloud:
        login = cloud.auth("eva")
        domain = {"name": login["user_domain_name"]}
        user = {"name": login["username"], "password": login["password"], "domain": domain}
        project = {"name": login["project_name"], "domain": {"name": login["project_domain_name"]}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": project}}}
        url = f"{login['auth_url']}/auth/tokens"
        request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
        with urlopen(request) as answer:  # noqa: S310  # our own
            token = json.load(answer)["token"]
        assert (answer.status, token["user"]["name"], token["project"]["name"]) == (
            201, "eva", "demo",
        )  # fmt: skip


def test_the_seed_decides_how_long_steps_last_and_is_0_unless_it_is_given() -> None:
    found = []
    for begin in (partial(served), partial(served, seed=0), partial(served, seed=1)):
        with begin(speed=0) as cloud:
            found.append(times(cloud))
    assert found[0] == found[1] != found[2]
    assert len(found[0]) == len(found[2]) > 4


def test_a_second_is_a_thousand_in_a_cloud_unless_another_speed_is_given() -> None:
    for begin, speed in ((served, 1000.0), (partial(served, speed=7.0), 7.0)):
        with begin() as cloud:
            assert cloud._service.cloud.clock.speed == speed


def test_a_cloud_has_the_settings_that_it_is_given() -> None:
    with served(speed=0, policy={"instances": 3}) as cloud:
        assert cloud._service.cloud.policy.quotas["instances"] == 3
    with pytest.raises(InvalidInput, match="unknown setting of the cloud 'instance'"):
        served(policy={"instance": 3}).__enter__()


def states(cloud: EcsCloud) -> list[str]:
    """The states entered so far; every word of a change is a plain text."""
    assert {type(c.task_state) for c in cloud.changes} <= {str, type(None)}
    assert {type(word) for c in cloud.changes for word in (c.vm_state, c.status)} <= {str}
    return [f"{change.vm_state}/{change.task_state or '-'}" for change in cloud.changes]


def test_a_cloud_returns_to_its_snapshot_and_to_its_beginning_and_steps_on_from_there() -> None:
    with served(speed=0) as cloud:
        asker = Asker("req-1", "user", "project", "create")
        cloud.scenario("create:fail@spawning")
        made = cloud._service.cloud
        cloud._in_its_thread(lambda: made.create(NewServer("web", "1", None), asker))
        assert cloud.step() == 1
        cloud.snapshot("one step")
        before = states(cloud)
        assert cloud.step(2) == 2
        left = 2 + cloud.advance(10_000)
        after = states(cloud)
        assert after[: len(before)] == before
        assert after[-1] == "error/-"
        cloud.reset("one step")
        assert cloud.advance(10_000) == left > 2
        assert states(cloud)[-left:] == after[-left:]
        cloud.reset()
        assert cloud.advance(10_000) == 0
        with pytest.raises(KeyError):
            cloud.reset("nothing")


def test_the_fixture_gives_a_cloud_of_its_own_or_one_that_is_shared(tmp_path: Path) -> None:
    file = tmp_path / "test_clouds.py"
    file.write_text(OWN_CLOUDS, encoding="utf-8")
    words = (
        "-m",
        "pytest",
        "-q",
        "--strict-markers",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:schemathesis",
        str(file),
    )
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "4 passed" in done.stdout, done.stdout
