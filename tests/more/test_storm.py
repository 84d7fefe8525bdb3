"""The model checker Storm finds in the export what `fleet exact` calculates: `make test-more`.

`python -m tests.more.test_storm` writes what it finds to storm.json.
"""

from __future__ import annotations

import datetime
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import stormpy

from ecs_fsm import Lifecycle
from ecs_fsm.export.prism import text
from ecs_fsm.fleet.arrays import CompiledProfile, compile_profile
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.lifecycles import names, server_class
from ecs_fsm.profiles.loader import built_in, changed
from ecs_fsm.profiles.profile import Profile

FILE = Path(__file__).with_name("storm.json")
LIFE = 'R{"seconds"}=? [F "ended"]'
UNTIL_REST = 'R{"seconds"}=? [F "rest"]'
FAILED = 'P=? [!"rest" U "failed"]'
LIFECYCLES = [server_class(name).lifecycle for name in names()]


def asked(profile: Profile, *questions: str) -> list[Sequence[float]]:
    """Storm's answer to each question, by state of the chain."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.prism"
        file.write_text(text(profile), encoding="utf-8")
        program = stormpy.parse_prism_program(str(file), prism_compatibility=True)
    properties = stormpy.parse_properties(";".join(questions), program)
    options = stormpy.BuilderOptions([p.get_raw_formula() for p in properties])
    options.set_build_state_valuations()
    model = stormpy.build_model(program, options=options)
    order = [0] * model.nr_states
    for number in range(model.nr_states):
        shown = re.fullmatch(r"\[s=(\d+)\]", model.state_valuations.to_string(number))
        assert shown
        order[int(shown[1])] = number
    return [_values(stormpy.model_checking(model, p), order) for p in properties]


def _values(result: object, order: Sequence[int]) -> list[float]:
    return [float(result.get_value(number)) for number in order]  # type: ignore[attr-defined]


def without_hangs(profile: Profile) -> Profile:
    """The profile in which no step hangs, so that every request comes to rest."""
    hanging = profile.document.get("hang", {})
    assert isinstance(hanging, dict)
    return changed(profile, [f'hang."{step}"=0' for step in hanging])


def passages(
    compiled: CompiledProfile, exact: Exact, by_state: Sequence[float], name: str
) -> float:
    """The mean over the requests of an operation of what Storm finds where they begin."""
    weights = exact.weights(compiled.classes_by_operation()[name])
    targets = compiled.arrays.targets
    return float(
        sum(w * by_state[t] for w, t in zip(weights, targets, strict=True)) / weights.sum()
    )


def found(lifecycle: Lifecycle) -> dict[str, dict[str, tuple[float, float]]]:
    """What Storm finds and what is calculated, by question and operation."""
    profile = built_in(lifecycle)
    (life,) = asked(profile, LIFE)
    calm = without_hangs(profile)
    seconds, failed = asked(calm, UNTIL_REST, FAILED)
    compiled = compile_profile(calm)
    exact = Exact(compiled)
    calculated = exact.passages()
    return {
        "seconds of a life": {"": (life[0], Exact(compile_profile(profile)).life)},
        "seconds until rest": {
            name: (passages(compiled, exact, seconds, name), passage.seconds)
            for name, passage in calculated.items()
        },
        "share in error": {
            name: (passages(compiled, exact, failed, name), passage.error)
            for name, passage in calculated.items()
        },
    }


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=repr)
def test_storm_finds_what_is_calculated(lifecycle: Lifecycle) -> None:
    wrong = {
        (question, name): pair
        for question, answers in found(lifecycle).items()
        for name, pair in answers.items()
        if pair[0] != pytest.approx(pair[1], rel=1e-6, abs=1e-9)
    }
    assert wrong == {}


if __name__ == "__main__":
    results = {lifecycle.name: found(lifecycle) for lifecycle in LIFECYCLES}
    header = {"date": str(datetime.date.today()), "stormpy": stormpy.__version__}
    columns = {"columns": ["Storm", "ecs-fsm fleet exact"]}
    FILE.write_text(json.dumps(header | columns | results, indent=1) + "\n", encoding="utf-8")
