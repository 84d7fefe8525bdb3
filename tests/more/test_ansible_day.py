"""A play with openstack.cloud, run twice on a served cloud: the second time nothing changes.

Ansible runs in an environment of its own, since its modules break with the newest openstacksdk. On
2026-11-29, with ansible 12.3.0 and openstacksdk 4.5.0: ok=27, and changed=0 the second time.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import venv
from pathlib import Path

import pytest

from ecs_fsm.testing import EcsCloud, served

PLAY = Path(__file__).parent / "ansible_day.yml"
NEEDED = ("ansible>=12,<13", "openstacksdk>=4.5,<4.6")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with Ansible."""
    place = tmp_path_factory.mktemp("ansible")
    venv.create(place, with_pip=True)
    install = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", *NEEDED]
    subprocess.run(install, check=True, capture_output=True)
    return place / "bin"


def recap(cloud: EcsCloud, programs: Path, folder: Path) -> dict[str, int]:
    """The numbers at the end of a run of the play."""
    names = {"username": "admin", "password": "x", "project_name": "demo"}
    domains = dict.fromkeys(("user_domain_name", "project_domain_name"), "Default")
    login = {"auth": {"auth_url": cloud.auth_url, **names, **domains}, "region_name": "RegionOne"}
    clouds, image = folder / "clouds.yaml", folder / "image.raw"
    clouds.write_text(json.dumps({"clouds": {"emulated": login}}), encoding="utf-8")
    image.write_bytes(bytes(1000))
    given = {"ansible_python_interpreter": str(programs / "python"), "image_file": str(image)}
    playbook = str(programs / "ansible-playbook")
    command = [playbook, "-i", "localhost,", "-e", json.dumps(given), str(PLAY)]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = {**kept, "OS_CLIENT_CONFIG_FILE": str(clouds)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", done.stdout)}


def test_a_play_that_is_run_again_changes_nothing(programs: Path, tmp_path: Path) -> None:
    with served(lifecycle="nova", speed=500) as cloud:
        first = recap(cloud, programs, tmp_path)
        second = recap(cloud, programs, tmp_path)
    assert first["changed"] > 20
    assert (second["changed"], second["ok"]) == (0, first["ok"])
