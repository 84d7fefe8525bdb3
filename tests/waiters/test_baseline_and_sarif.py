"""What a CI service gets: SARIF that its schema allows, and a baseline of known findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.command import ecs_fsm
from tests.waiters.scan.scanning import fixtures

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0.schema.json").read_text(encoding="utf-8"))
CONFIRM = ("check", "--operation", "confirm_resize", "--target", "ACTIVE", "--lifecycle", "nova")


def results(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["runs"][0]["results"]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fixtures(tmp_path)


def scanned(folder: Path, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(ecs_fsm("check", str(folder), *words).out)
    return answer


def test_sarif_is_what_its_schema_allows(folder: Path) -> None:
    validator = jsonschema.Draft4Validator(SCHEMA)
    for document in (
        scanned(folder, "--format", "sarif"),
        json.loads(ecs_fsm(*CONFIRM, "--format", "sarif").out),
    ):
        assert list(validator.iter_errors(document)) == []
        assert results(document)


def test_a_result_has_level_place_and_run(folder: Path) -> None:
    document = scanned(folder, "--format", "sarif")
    (misses,) = (
        result
        for result in results(document)
        if result["ruleId"] == "misses" and "rebuild" in result["message"]["text"]
    )
    assert misses["level"] == "error"
    place = misses["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("/nightly.py")
    assert place["region"] == {"startLine": 14}
    (flow,) = misses["codeFlows"][0]["threadFlows"]
    said = [step["location"]["message"]["text"] for step in flow["locations"]]
    assert said[:2] == ["stopped/-", "rebuild: stopped/rebuilding"]
    assert said[-1] == "stopped/-, polled SHUTOFF"


def test_fingerprints_survive_moved_lines(folder: Path) -> None:
    def prints() -> list[object]:
        document = scanned(folder, "--format", "sarif")
        return [result["partialFingerprints"] for result in results(document)]

    before = prints()
    file = folder / "nightly.py"
    file.write_text("# one more line\n\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    assert prints() == before
    assert len({json.dumps(one) for one in before}) == len(before)


def test_known_findings_pass_and_new_ones_do_not(folder: Path, tmp_path: Path) -> None:
    known = str(tmp_path / "known.json")
    written = ecs_fsm("check", str(folder), "--baseline", known, "--write-baseline")
    assert (written.code, written.out) == (0, "")
    again = ecs_fsm("check", str(folder), "--baseline", known, "--level", "note")
    assert again.code == 0
    assert "no findings, " in again.out
    assert scanned(folder, "--baseline", known, "--json")["waiters"][0]["findings"] == []
    content = json.loads(Path(known).read_text(encoding="utf-8"))
    lost = next(key for key, words in content["findings"].items() if words.endswith("misses"))
    del content["findings"][lost]
    Path(known).write_text(json.dumps(content), encoding="utf-8")
    assert ecs_fsm("check", str(folder), "--baseline", known).code == 1


def test_a_baseline_is_for_described_waiters_too(tmp_path: Path) -> None:
    known = str(tmp_path / "known.json")
    assert ecs_fsm(*CONFIRM).code == 1
    assert ecs_fsm(*CONFIRM, "--baseline", known, "--write-baseline").code == 0
    assert ecs_fsm(*CONFIRM, "--baseline", known).code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "not valid JSON"), ("[]", "no findings; expected"), (None, "No such file")],
)
def test_a_wrong_baseline_is_one_line(content: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    answer = ecs_fsm(*CONFIRM, "--baseline", str(file))
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err
