"""The kept facts of Nova's request schemas against the package `nova` itself, installed beside us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import importlib, json, sys
from random import Random
from nova.api.validation import validators
from nova.exception import ValidationError
from ecs_fsm.serve.compute import nova_schemas
from tests.serve.compute.test_nova_schemas import takes
from tests.serve.schema_samples import samples

facts, tried, differ = nova_schemas._facts(), 0, []

def accepted(schema, value, is_body):
    try:
        validators._SchemaValidator(schema, False, is_body).validate(value)
    except (ValidationError, TypeError):
        return False
    return True

for kind in ("bodies", "queries"):
    used = {number for spans in facts[kind].values() for *_, number in spans}
    for number in sorted(used):
        schema = nova_schemas._whole(facts["schemas"][number])
        found = samples(schema, takes)
        for sample in found[:2] + Random(number).sample(found[2:], min(40, len(found) - 2)):
            tried += 1
            if accepted(schema, sample.value, kind == "bodies") != takes(schema, sample.value):
                differ.append(f"{number} {sample.what}")
print(json.dumps([tried, differ]))
"""


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if place := os.environ.get("ECS_FSM_NOVA"):
        return Path(place)
    target = tmp_path_factory.mktemp("nova")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target)]
    subprocess.run([*pip, "nova==34.0.0"], check=True)
    return target


def ran(nova: Path, *command: str) -> str:
    path = os.pathsep.join([str(ROOT), str(nova)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, *command], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout


def test_nova_itself_takes_and_refuses_the_same(nova: Path) -> None:
    tried, differ = json.loads(ran(nova, "-c", PROGRAM).splitlines()[-1])
    assert tried > 1000
    assert differ == []


def test_the_kept_facts_are_those_of_that_version(nova: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.json"
    ran(
        nova,
        "-c",
        "import pathlib, sys, tests.serve.nova_schemas as made\n"
        "made.TARGET = pathlib.Path(sys.argv[2])\n"
        "made.main(sys.argv[1])",
        str(nova),
        str(made),
    )
    kept = ROOT / "ecs_fsm/serve/compute/nova_schemas.json"
    now, before = (json.loads(path.read_text("ascii")) for path in (made, kept))
    assert {**now, "generated": ""} == {**before, "generated": ""}
