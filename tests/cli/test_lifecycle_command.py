"""The commands about lifecycles, and every file of them that ships."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ecs_fsm import lifecycles
from ecs_fsm.lifecycles import load, server_class
from tests.command import Answer, ecs_fsm


@pytest.fixture
def disk(tmp_path: Path) -> str:
    file = str(tmp_path / "disk.toml")
    assert ecs_fsm("lifecycle", "new", file) == Answer(0, f"{file}\n", "")
    return file


def test_a_new_file_works_as_it_is(disk: str) -> None:
    checked = ecs_fsm("lifecycle", "check", disk)
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.splitlines()[:2] == [
        "disk: A disk of a cloud",
        "9 states, 7 operations, 3 events, 28 transitions",
    ]
    run = ecs_fsm("--lifecycle", disk, "simulate", "create", "attach", "extend:roll_back")
    assert [line.split() for line in run.out.splitlines()[-2:]] == [
        ["extend", "copying", "data", "was=in-use"],
        ["roll_back", "in-use"],
    ]
    refused = ecs_fsm("--lifecycle", disk, "simulate", "create", "lock", "delete")
    assert refused.code == 1
    assert "the disk is locked; unlock it first; possible now: unlock" in refused.out


def test_a_new_file_leads_to_a_picture_a_judged_waiter_and_a_page(disk: str) -> None:
    named = ("--lifecycle", disk)
    picture, page = (str(Path(disk).with_suffix(end)) for end in (".svg", ".html"))
    assert ecs_fsm(*named, "draw", "-o", picture).code == 0
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")  # noqa: S314  # our own
    judged = ecs_fsm(*named, "check", "--operation", "attach", "--target", "in-use")
    assert "hangs from available" in judged.out
    (waiter,) = json.loads(ecs_fsm(*named, "infer", "attach", "--json").out)
    assert (waiter["failure"], waiter["findings"]) == (["available", "error"], [])
    assert ecs_fsm(*named, "explore", "-o", page).code == 0
    title = "<title>The lifecycle of a disk of a cloud (disk)</title>"
    assert title in Path(page).read_text(encoding="utf-8")


def test_a_file_that_exists_is_not_replaced(disk: str) -> None:
    before = Path(disk).read_text(encoding="utf-8")
    again = ecs_fsm("lifecycle", "new", disk)
    assert (again.code, again.err) == (2, f"ecs-fsm: {disk} exists already; name a new file\n")
    assert Path(disk).read_text(encoding="utf-8") == before


def test_a_new_file_is_named_after_itself(tmp_path: Path) -> None:
    file = tmp_path / "volume-2.toml"
    ecs_fsm("lifecycle", "new", str(file))
    assert load(file).name == "volume-2"
    wrong = ecs_fsm("lifecycle", "new", str(tmp_path / "a b.toml"))
    assert (wrong.code, "expected a word that ends with .toml" in wrong.err) == (2, True)
    assert ecs_fsm("lifecycle", "new", "-").out.startswith("# A lifecycle")


@pytest.mark.parametrize("name", lifecycles.names())
def test_every_lifecycle_is_printed_and_read_back(name: str, tmp_path: Path) -> None:
    shown = ecs_fsm("lifecycle", "show", name, "--toml")
    file = tmp_path / "printed.toml"
    file.write_text(shown.out, encoding="utf-8")
    assert ecs_fsm("lifecycle", "show", str(file), "--toml") == shown
    for command in ("table", "operations"):
        original = ecs_fsm("--lifecycle", name, command, "--json")
        assert ecs_fsm("--lifecycle", str(file), command, "--json") == original
    lines = ecs_fsm("lifecycle", "show", name).out.splitlines()
    assert lines[0].split(":")[0] == name


@pytest.mark.parametrize("name", lifecycles.names())
def test_json_has_the_keys_of_the_file(name: str) -> None:
    import tomllib

    shown = json.loads(ecs_fsm("lifecycle", "show", name, "--json").out)
    assert shown == tomllib.loads(ecs_fsm("lifecycle", "show", name, "--toml").out)


def test_the_list_names_each_lifecycle() -> None:
    listed = json.loads(ecs_fsm("lifecycle", "list", "--json").out)
    assert [row["name"] for row in listed] == [*lifecycles.names()]
    for row in listed:
        assert row["states"] == len(server_class(row["name"]).lifecycle.states)
    assert ecs_fsm("lifecycle", "list").out.splitlines()[1].split()[0] == lifecycles.NAMES[0]


def test_all_faults_of_a_file_are_printed_and_the_answer_is_no(disk: str) -> None:
    text = Path(disk).read_text(encoding="utf-8")
    wrong = text.replace("-> in-use", "-> in-us").replace('tone = "red"', 'tone = "reed"')
    Path(disk).write_text(wrong, encoding="utf-8")
    checked = ecs_fsm("lifecycle", "check", disk)
    assert (checked.code, checked.err) == (1, "")
    line = wrong[: wrong.index('"reed"')].count("\n") + 1
    assert checked.out == (
        f"{disk}:{line}: statuses.error.tone = \"reed\": unknown word 'reed'; did you mean 'red'?\n"
    )
    Path(disk).write_text(text.replace("-> in-use", "-> in-us"), encoding="utf-8")
    faults = json.loads(ecs_fsm("lifecycle", "check", disk, "--json").out)["faults"]
    assert [fault.split(": ")[1].split(" = ")[0] for fault in faults] == [
        "operations.attach.paths.available",
        'operations.extend.paths."in-use"',
    ]
    used = ecs_fsm("--lifecycle", disk, "table")
    assert (used.code, used.err.splitlines()) == (2, [f"ecs-fsm: {fault}" for fault in faults])


def test_documented_states_that_nothing_reaches_are_listed(disk: str) -> None:
    text = Path(disk).read_text(encoding="utf-8")
    lost = text.replace("[groups]", 'lost = { meaning = "It is lost." }\n[groups]')
    Path(disk).write_text(lost, encoding="utf-8")
    line = lost[: lost.index("lost = {")].count("\n") + 1
    assert ecs_fsm("lifecycle", "check", disk).out == (
        f"{disk}:{line}: statuses.lost: nothing reaches lost\n"
    )
    Path(disk).write_text(f'unreached = ["lost"]\n{lost}', encoding="utf-8")
    assert json.loads(ecs_fsm("lifecycle", "check", disk, "--json").out) == {
        "file": disk,
        "faults": [],
        "unreached": ["lost"],
    }


HOSTILE = {
    "not TOML": ("name = ", "not valid TOML"),
    "nested": ("a = " + "[" * 5000, "nested too deeply"),
    "too long": ("# " + "x" * 300_000, "longer than 262144 bytes"),
    "a control character": ('name = "disk"\ntitle = "a\\u001b[2Jb"', "cannot be seen"),
    "a control character in a key": ('"\\u001b[2J" = 1', r"unknown key '\x1b[2J'"),
    "a wrong type": ("name = 1", "expected a text, not 1"),
    "an endless number": ("name = 1e400", "expected a text, not inf"),
    "a large number": (f"name = {10**400}", "a whole number beyond 64 bits"),
    "a long key": ("a" + ".a" * 5000 + " = 1", "nested more than 64 deep"),
    "itself": ('name = "disk"\nextends = "disk.toml"', "extends this file"),
    "elsewhere": ('name = "disk"\nextends = "../disk.toml"', "does not fit here"),
    "many transitions": (
        'name = "disk"\n[attributes]\nstatus = "s"\n[statuses]\na = {}\n[groups]\n'
        + f'A = "{", ".join(["a"] * 600)}"\n'
        + "".join(
            f'[operations.o{n}]\npaths = {{ "{", ".join("A" * 60)}" = "{", ".join("A" * 60)}" }}\n'
            for n in range(40)
        ),
        "states; at most 200000 are possible",
    ),
    "no state": ('name = "disk"', "there are no states"),
    "a method": (
        'name = "disk"\n[attributes]\nstatus = "s"\n[statuses]\na = {}\n'
        '[operations.make]\npaths = { "(no server)" = "a" }\n'
        '[operations.history]\npaths = { a = "a" }\n',
        "every server has an attribute history",
    ),
    "a guard over nothing": (
        'name = "disk"\n[attributes]\nstatus = "s"\n[statuses]\na = {}\n'
        '[operations.make]\npaths = { "(no server)" = "a" }\n'
        '[[guards]]\nfact = "x"\nvalue = "y"\nreason = "z"\n',
        "there is no fact 'x' with 'y' and one other value",
    ),
}


@pytest.mark.parametrize(("text", "says"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_a_line(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "disk.toml"
    file.write_text(text, encoding="utf-8")
    answer = ecs_fsm("--lifecycle", str(file), "table")
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err
    assert all(line.startswith(f"ecs-fsm: {file}:") for line in answer.err.splitlines())


def test_a_file_without_an_end_is_refused_and_a_pipe_is_read(disk: str) -> None:
    refused = ecs_fsm("lifecycle", "check", "/dev/zero")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "/dev/zero: longer than 262144 bytes" in refused.err
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as stream:
        stream.write(Path(disk).read_bytes())
    try:
        piped = ecs_fsm("lifecycle", "check", f"/dev/fd/{reading}")
    finally:
        os.close(reading)
    assert (piped.code, piped.err) == (0, "")
    assert piped.out == ecs_fsm("lifecycle", "check", disk).out


def test_editors_get_the_schema(disk: str) -> None:
    import tomllib

    import jsonschema

    schema = json.loads(ecs_fsm("lifecycle", "schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    content = tomllib.loads(Path(disk).read_text(encoding="utf-8"))
    assert validator.is_valid(content)
    for name in lifecycles.names():
        shown = ecs_fsm("lifecycle", "show", name, "--json").out
        assert validator.is_valid(json.loads(shown))
    assert not validator.is_valid({**content, "operations": {"stop": {"path": {}}}})
