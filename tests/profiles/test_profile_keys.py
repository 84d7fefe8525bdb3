"""The keys of a profile: help, docs and errors give the same forms, and the forms read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ecs_fsm.profiles.profile_keys import KEYS, right_form
from tests.command import ecs_fsm


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key.table} {key.name}")
def test_an_example_is_toml_with_its_key(key: object) -> None:
    assert key in KEYS
    row = KEYS[KEYS.index(key)]
    ((name, value),) = tomllib.loads(row.example).items()
    assert name == row.name or row.name in value


def test_help_has_every_example() -> None:
    told = ecs_fsm("fleet", "profile", "--help").out
    assert all(row.example in told for row in KEYS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('durations.spawning={distribution="lognormal", mean=60}',
         'durations.spawning.sd: is missing; expected a time; example: STEP = { distribution = '
         '"lognormal", mean = "60s", sd = "30s" }'),
        ("arrivals.kind=poisson", 'arrivals.every: is missing; expected a time; example: '
         'every = "5m"'),
        ("durations.spawning={std=3}", "unknown key 'std'; known: distribution, mean\n"),
    ],
    ids=["missing", "arrivals", "unknown"],
)  # fmt: skip
def test_an_error_names_the_key_with_the_right_form(change: str, told: str) -> None:
    answer = ecs_fsm("fleet", "exact", "--what-if", change)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert told in answer.err


def test_the_form_of_a_key_is_that_of_its_table() -> None:
    assert right_form(("stuck", "every")) == 'every = "1h"'
    assert right_form(("requests", "active/-", "every")) == 'every = "24h"'
    assert right_form(("durations", "spawning")) == 'STEP = "60s"'
    assert not right_form(("lifecycle",))


def test_poisson_arrivals_are_announced(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'extends = "built-in"\n[arrivals]\nkind = "poisson"\nevery = "5m"\n', encoding="utf-8"
    )
    words = ("fleet", "run", "--profile", str(file), "--servers", "10", "--duration", "1d")
    answer = ecs_fsm(*words)
    assert "arrivals are poisson, every 5m: about 288 more than the 10" in answer.err
    assert "(10 at the beginning, " in answer.out
