"""Other tools take the exports, and do with them what a server does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from transitions import MachineError
from transitions.extensions.markup import MarkupMachine

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.export.flat_machine import FlatMachine, node_name
from ecs_fsm.export.formats import FORMATS
from ecs_fsm.export.formats import exported as export
from ecs_fsm.export.json_document import schema
from ecs_fsm.fleet.arrays import compile_profile
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.loader import built_in, parse
from tests.command import ecs_fsm
from tests.export.walks import walks

JUDGE = Path(__file__).parents[1] / "javascript" / "xstate.mjs"
SAMPLE = 50
"""How many of the items of a long list the schema's judge reads; it is slow."""
EVERY = [ECS, NOVA, *(server_class(name).lifecycle for name in ("ec2", "cinder", "ironic"))]


exported = cache(export)
"""An export of Nova takes a second or more, and several tests read it."""


@cache
def document_of(lifecycle: Lifecycle) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(exported(lifecycle, "json"))
    return found


@pytest.mark.programs
def test_xstate_itself_walks_as_servers_do() -> None:
    walked = [walks(lifecycle, 60, 40) for lifecycle in EVERY]
    tasks = [
        {
            "config": json.loads(exported(lifecycle, "xstate")),
            "runs": [[word for word, _ in run] for run in runs],
        }
        for lifecycle, runs in zip(EVERY, walked, strict=True)
    ]
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "node", JUDGE, Path(sys.prefix) / "javascript"],
        input=json.dumps(tasks),
        capture_output=True,
        check=True,
        text=True,
    )
    expected = [
        [[there and [node_name(there), there.state.status] for _, there in run] for run in runs]
        for runs in walked
    ]
    assert json.loads(done.stdout) == expected
    assert {there is None for _, there in chain(*walked[1])} == {True, False}


@pytest.mark.parametrize("lifecycle", EVERY, ids=repr)
def test_a_markup_machine_walks_as_servers_do(lifecycle: Lifecycle) -> None:
    markup = json.loads(exported(lifecycle, "markup"))
    machine = MarkupMachine(markup=markup)
    for run in walks(lifecycle, 20, 40):
        machine.set_state(node_name(None))
        for word, there in run:
            before = machine.state
            if there is None:
                with pytest.raises((MachineError, AttributeError)):
                    machine.trigger(word)
                assert machine.state == before
            else:
                machine.trigger(word)
                assert machine.state == node_name(there)


def test_a_markup_machine_obeys_at_once_and_only_its_triggers() -> None:
    machine = MarkupMachine(markup=json.loads(exported(ECS, "markup")))
    assert (machine.has_queue, machine.auto_transitions, machine.send_event) == (False,) * 3
    assert not machine.ignore_invalid_triggers


@pytest.mark.parametrize("form", ["json", "markup", "xstate"])
def test_an_export_in_json_is_indented_by_one(form: str) -> None:
    text = exported(ECS, form)
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


def test_the_head_of_prism_names_what_is_not_exponential_and_nothing_else() -> None:
    assert "Not exponential" not in exported(ECS, "prism")
    steady = (
        'extends = "built-in"\n[durations]\nmigrating = {distribution = "constant", mean = 9}\n'
    )
    head = export(ECS, "prism", parse(ECS, steady, "steady.toml")).splitlines()
    named = [line for line in head if line.startswith("//   ")]
    assert named == ["//   active/migrating: constant"]


@pytest.mark.parametrize("form", ["xstate", "markup"])
def test_what_nothing_leaves_is_final_and_what_is_passed_through_is_written(form: str) -> None:
    config = json.loads(exported(ECS, form))
    arrows = FlatMachine(ECS).arrows
    over = {node_name(node) for node, leaving in arrows.items() if not leaving}
    if form == "markup":
        assert {s["name"] for s in config["states"] if s.get("final")} == over != set()
        return
    states = config["states"]
    assert {name for name, state in states.items() if state.get("type") == "final"} == over
    several = 0
    for node, leaving in arrows.items():
        for arrow in leaving:
            entered = [node_name(passed) for passed in arrow.entered]
            meta = states[node_name(node)]["on"][arrow.word].get("meta")
            assert meta == (None if len(entered) == 1 else {"enters": entered})
            several += len(entered) > 1
    assert several


COMMAND = re.compile(r"^  \[\] s=(\d+) -> (.*);$", re.MULTILINE)
LABEL = re.compile(r'^label "(.*)" = (.*);$', re.MULTILINE)


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_the_chain_of_prism_lives_as_long_as_is_calculated(lifecycle: Lifecycle) -> None:
    text = exported(lifecycle, "prism")
    rates = {
        int(number): [
            (float(rate), int(to)) for rate, to in re.findall(r"(\S+):\(s'=(\d+)\)", jumps)
        ]
        for number, jumps in COMMAND.findall(text)
    }
    labels = {name: {*map(int, re.findall(r"s=(\d+)", said))} for name, said in LABEL.findall(text)}
    timed = {*map(int, re.findall(r"^  s=(\d+) : 1;$", text, re.MULTILINE))}
    size = 1 + max(chain(rates, *labels.values()))
    assert f"s : [0..{size - 1}] init 0;" in text
    assert {*range(size)} - {*rates} == labels["ended"]
    generator, seconds = np.eye(size), np.zeros(size)
    for number, jumps in rates.items():
        total = sum(rate for rate, _ in jumps)
        seconds[number] = (number in timed) / total
        for rate, to in jumps:
            generator[number, to] -= rate / total
    exact = Exact(compile_profile(built_in(lifecycle)))
    assert np.linalg.solve(generator, seconds)[0] == pytest.approx(exact.life, rel=1e-9)


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_the_labels_of_prism_are_words_of_its_language_for_all_states(lifecycle: Lifecycle) -> None:
    labels = {
        name: {*map(int, re.findall(r"s=(\d+)", said))}
        for name, said in LABEL.findall(exported(lifecycle, "prism"))
    }
    assert all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) for name in labels)
    statuses = {str(state.status) for state in lifecycle.states.values()} & {
        name.removeprefix("status_") for name in labels
    }
    shown = [labels[f"status_{status}"] for status in statuses]
    existing = {*chain(*shown)}
    assert len(existing) == sum(map(len, shown))
    assert labels["working"] | labels["rest"] | labels["hanging"] == existing
    assert labels["failed"] <= labels["rest"] & labels["status_ERROR"]
    assert labels["failed"]


LAMP = r"""
name = "lamp"
thing = "lamp"
source = "made up for a test: a dot and a backslash in a name"
[attributes]
status = "light"
[statuses]
on = { meaning = "It is bright.", tone = "green" }
'v1.2\x' = { meaning = "It is dim.", tone = "grey" }
[operations.make]
meaning = "Make it."
paths = { "(no server)" = "on" }
[operations.dim]
meaning = "Dim it."
paths = { "on" = 'v1.2\x' }
"""


def test_a_target_of_xstate_is_one_name_whatever_its_letters(tmp_path: Path) -> None:
    table = tmp_path / "lamp.toml"
    table.write_text(LAMP, encoding="utf-8")
    config = json.loads(export(server_class(str(table)).lifecycle, "xstate"))
    assert r"v1.2\x" in config["states"]
    assert config["states"]["on"]["on"]["dim"]["target"] == r"v1\.2\\x"


def test_a_label_of_prism_has_letters_digits_and_underscores_alone() -> None:
    names = [name for name, _ in LABEL.findall(exported(EVERY[-1], "prism"))]
    assert "status_wait_call_back" in names
    assert all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) for name in names)


@pytest.mark.parametrize("lifecycle", EVERY, ids=repr)
def test_the_json_has_the_form_that_its_schema_describes(lifecycle: Lifecycle) -> None:
    document = document_of(lifecycle)
    described = json.loads(schema())
    jsonschema.Draft202012Validator.check_schema(described)

    def part(most: int) -> dict[str, Any]:
        return {
            key: value[:: len(value) // most + 1] if isinstance(value, list) else value
            for key, value in document.items()
        }

    jsonschema.validate(part(SAMPLE), described)
    nodes = {node["name"] for node in document["nodes"]}
    states = {state["name"] for state in document["states"]}
    assert states == {*lifecycle.states}
    assert {edge["source"] for edge in document["edges"]} <= {*nodes, None}
    assert {node["state"] for node in document["nodes"]} <= states
    assert {edge["target"] for edge in document["edges"]} == nodes
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(part(1) | {"edition": 2}, described)


def test_the_json_has_every_edge_of_the_state_graph() -> None:
    edges = {(e["source"], e["trigger"], *e["enters"]) for e in document_of(NOVA)["edges"]}
    graph = NOVA.state_graph
    sources = [None, *graph.nodes]
    assert edges == {
        (None if node is None else node_name(node), o.transition.trigger, *map(node_name, o.nodes))
        for node in sources
        for o in graph.edges(node)
    }


ARROW = re.compile(r"^(s\d+|\[\*\]) --> (s\d+|\[\*\])(?: : (.*))?$", re.MULTILINE)
BOX = re.compile(r'^state "(.*)" as (s\d+)$', re.MULTILINE)


@pytest.mark.parametrize("lifecycle", EVERY, ids=repr)
def test_plantuml_has_a_box_for_every_state_and_every_transition_once(
    lifecycle: Lifecycle,
) -> None:
    text = exported(lifecycle, "plantuml")
    assert text.startswith(f"@startuml {lifecycle.name}\n")
    assert text.endswith("@enduml\n")
    names = {name: state for state, name in BOX.findall(text)}
    assert [*names.values()] == [*lifecycle.states]
    drawn = {
        (names.get(source), names.get(target), label.partition("[")[0].partition(" ")[0])
        for source, target, labels in ARROW.findall(text)
        for label in labels.split(r"\n")
        if labels
    }
    assert drawn == {
        (t.source, (t.path or (t.source,))[-1], t.trigger) for t in lifecycle.transitions
    }
    over = {names[source] for source, target, labels in ARROW.findall(text) if not labels}
    entered = {state for t in lifecycle.transitions for state in t.path}
    assert over == {s for s in entered if not lifecycle.leaving(s)}
    shown = [s for s in lifecycle.states.values() if str(s.status) != s]
    assert text.count("\n") == len(names) + len(shown) + len(ARROW.findall(text)) + 3


def test_a_plantuml_arrow_says_what_decides_and_what_is_passed() -> None:
    text = exported(NOVA, "plantuml")
    assert re.search(r"confirm_resize\[was=active,", text)
    assert "fail via error/deleting" in text
    assert ": advance via active/-\n" in exported(ECS, "plantuml")


@pytest.mark.parametrize("form", ["xstate", "markup", "json", "plantuml"])
def test_letters_of_other_languages_stay_as_they_are(form: str, tmp_path: Path) -> None:
    table = tmp_path / "pump.toml"
    own = (Path(__file__).parents[1] / "own" / "pump.toml").read_text(encoding="utf-8")
    table.write_text(own.replace("being built", "im Aufbau ß"), "utf-8")
    assert "im Aufbau ß" in exported(server_class(str(table)).lifecycle, form)


@pytest.mark.parametrize("form", FORMATS)
def test_the_command_prints_a_format_or_writes_a_file(form: str, tmp_path: Path) -> None:
    printed = ecs_fsm("export", form)
    assert printed == (0, exported(ECS, form), "")
    file = tmp_path / "made"
    assert ecs_fsm("export", form, "-o", str(file)) == (0, "", "")
    assert file.read_text(encoding="utf-8") == printed.out
    assert ecs_fsm("export", form, "-o", "-").out == printed.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("dot", "'dot' is not one of 'xstate', 'markup', 'prism', 'plantuml', 'json'"),
        ("xstate --profile x.toml", "--profile is for prism; xstate has no times"),
        ("markup --schema", "--schema is for json; markup is described by its tool"),
        ("prism --profile nowhere.toml", "nowhere.toml: No such file or directory"),
    ],
)
def test_wrong_words_get_one_line(words: str, said: str) -> None:
    answer = ecs_fsm("export", *words.split())
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err


def test_the_schema_is_printed() -> None:
    assert ecs_fsm("export", "json", "--schema") == (0, schema(), "")
