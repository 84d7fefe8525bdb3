"""Answers have the shape of Nova's documentation samples: `make test-more`.

ECS_FSM_NOVA_SAMPLES names the folder `doc/api_samples` of Nova's source, which is fetched otherwise.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.more.nova_samples import FOUND, measure

SOURCE = "https://opendev.org/openstack/nova"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if place := os.environ.get("ECS_FSM_NOVA_SAMPLES"):
        return Path(place)
    target = tmp_path_factory.mktemp("nova")
    git = ["git", "clone", "--quiet", "--depth", "1", "--filter=blob:none", "--sparse"]
    subprocess.run([*git, SOURCE, str(target)], check=True)
    chosen = ["git", "-C", str(target), "sparse-checkout", "set", "doc/api_samples"]
    subprocess.run(chosen, check=True)
    return target / "doc/api_samples"


def test_samples_are_answered_the_same_but_for_named_exceptions(directory: Path) -> None:
    found = measure(directory)
    assert found.different == {}
    kept = json.loads(FOUND.read_text(encoding="utf-8"))
    assert set(kept["same"]) - set(found.same) == set()
