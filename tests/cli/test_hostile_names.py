"""No name from outside commands the terminal, breaks a line or reorders what is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecs_fsm.io.console import visible
from tests.command import ecs_fsm

HOSTILE = "x\x1b[2J\x07\x9b1m\u202e\u200b\u2066y"
IN_TOML = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in HOSTILE)
FLEET = ("--servers", "1", "--duration", "1d")
ARGUMENTS = [
    ("table", HOSTILE),
    ("table", "--lifecycle", HOSTILE),
    ("status", HOSTILE),
    ("status", "active", HOSTILE),
    ("operations", HOSTILE),
    ("operations", "active", "-", "--remember", f"{HOSTILE}=1"),
    ("simulate", HOSTILE),
    ("simulate", "stop", "--from", HOSTILE),
    ("simulate", f"stop:{HOSTILE}@{HOSTILE}", "--from", "active/-"),
    ("replay", HOSTILE),
    ("explain", HOSTILE),
    ("draw", HOSTILE),
    ("draw", "run", HOSTILE),
    ("draw", "--format", HOSTILE),
    ("draw", "--engine", HOSTILE, "-o", "-"),
    ("draw", "-o", HOSTILE),
    ("explore", "--lessons", HOSTILE),
    ("explore", "-o", f"no/{HOSTILE}"),
    ("check", HOSTILE),
    ("check", "--operation", HOSTILE, "--target", "ACTIVE"),
    ("check", "--operation", "stop", "--target", HOSTILE),
    ("check", "--operation", "stop", "--target", HOSTILE, "--json"),
    ("check", "--operation", "stop", "--target", HOSTILE, "--format", "junit"),
    ("check", "--operation", "stop", "--target", HOSTILE, "--format", "github"),
    ("infer", HOSTILE),
    ("infer", "stop", "--attribute", HOSTILE),
    ("path", HOSTILE, "ACTIVE"),
    ("path", "ACTIVE", "SHUTOFF", "--avoid", HOSTILE),
    ("cover", "--what", HOSTILE),
    ("prove", HOSTILE),
    ("prove", "--claims", HOSTILE),
    ("quiz", "-o", HOSTILE),
    ("play", "--lessons", HOSTILE),
    ("fleet", HOSTILE),
    ("fleet", "run", *FLEET, "--profile", HOSTILE),
    ("fleet", "run", *FLEET, "-o", f"no/{HOSTILE}"),
    ("fleet", "exact", "--what-if", f"durations.{HOSTILE}=1"),
    ("fleet", "exact", "--duration", HOSTILE),
    ("fleet", "contend", *FLEET, "--plot", HOSTILE),
    ("fleet", "fit", HOSTILE),
    ("fleet", "profile", "--lifecycle", HOSTILE),
    ("serve", "--profile", HOSTILE),
    ("serve", "--host", HOSTILE),
    ("serve", "--fault", HOSTILE),
    ("serve", "--fault", f"wire:{HOSTILE}"),
    ("serve", "--set", f"{HOSTILE}=1h"),
    ("serve", "--set", HOSTILE),
    ("serve", "--token-lifetime", HOSTILE),
    (HOSTILE,),
]
WAITER = f'[[waiter]]\nname = "{IN_TOML}\\n"\noperation = "stop"\ntarget = "{IN_TOML}"\n'
CLAIM = (
    f'[[claim]]\nname = "{IN_TOML}"\ntext = "{IN_TOML}\\n"\nkind = "never"\n'
    'from = "ACTIVE"\nto = "any"\n'
)
PROFILE = f'extends = "built-in"\n[resources."{IN_TOML}"]\ncapacity = 1\nsteps = ["spawning"]\n'
RECORDING = json.dumps(
    [
        {"vm_state": "active", "task_state": None, "note": HOSTILE},
        {"vm_state": "active", "task_state": "deleting", "note": HOSTILE},
    ]
)
CONTENTS = [
    (("check", "-"), WAITER),
    (("check", "-", "--json"), WAITER),
    (("check", "-", "--format", "github"), WAITER),
    (("check", "-", "--format", "junit"), WAITER),
    (("check", "-"), f'[[waiter]]\n"{IN_TOML}" = 1\n'),
    (("prove", "--claims", "-"), CLAIM),
    (("prove", "--claims", "-", "--json"), CLAIM),
    (("prove", "--claims", "-"), f'["{IN_TOML}"]\n'),
    (("explore", "--lessons", "-"), f'"{IN_TOML}" = 1\n'),
    (("fleet", "contend", *FLEET, "--profile", "-"), PROFILE),
    (("fleet", "contend", *FLEET, "--profile", "-", "--json"), PROFILE),
    (("fleet", "exact", "--profile", "-"), PROFILE.replace("steps", f'"{IN_TOML}"')),
    (("fleet", "exact", "--profile", "-"), PROFILE.replace("spawning", IN_TOML)),
    (("serve", "--profile", "-"), PROFILE.replace("spawning", IN_TOML)),
    (("replay", "-", "--json"), RECORDING),
    (("replay", "-"), RECORDING.replace("deleting", IN_TOML)),
    (("replay", "-"), RECORDING.replace("note", "server")),
    (("fleet", "fit", "-"), RECORDING.replace("note", "time")),
]  # fmt: skip


def unseen(text: str) -> set[str]:
    return {c for c in text.replace("\n", "") if not c.isprintable()}


@pytest.mark.parametrize("command", ARGUMENTS, ids=lambda words: visible(" ".join(words)))
def test_a_hostile_argument_is_shown_as_escapes(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _, out, err = ecs_fsm(*command)
    assert unseen(out + err) == set()
    assert err.count("\n") <= 1


@pytest.mark.parametrize(("command", "given"), CONTENTS, ids=lambda part: visible(str(part))[:60])
def test_a_hostile_name_in_a_file_is_shown_as_escapes(command: tuple[str, ...], given: str) -> None:
    _, out, err = ecs_fsm(*command, given=given)
    assert unseen(out + err) == set()
    assert "2J" in out + err
    assert err.count("\n") <= 1


def test_json_keeps_what_it_escapes() -> None:
    told = json.loads(ecs_fsm("prove", "--claims", "-", "--json", given=CLAIM).out)
    assert told["claims"][0]["name"] == HOSTILE
    replayed = json.loads(ecs_fsm("replay", "-", "--json", given=RECORDING).out)
    assert replayed["changes"][0]["to"]["note"] == HOSTILE


def test_other_scripts_and_spaces_are_shown_as_they_are() -> None:
    for text in ("Größe 云服务器 خادم", "a\u00a0b\u3000c"):
        assert visible(text) == text
    assert visible("a\tb\r\n\ufeff\u2028\ue000") == "a\\tb\\r\\n\\ufeff\\u2028\\ue000"
