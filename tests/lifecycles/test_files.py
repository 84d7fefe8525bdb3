"""Lifecycles in files: what a file means, and that what is printed is read back."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from ecs_fsm import ECS, BaseServer, InvalidInput, InvalidTable, Lifecycle, Refused
from ecs_fsm.lifecycles import load, names, server_class
from ecs_fsm.lifecycles.printed import as_toml
from ecs_fsm.lifecycles.registry import option_of, side_file
from ecs_fsm.lifecycles.tabledata import as_data
from ecs_fsm.waiters.runs import runs_of

OWN = Path(__file__).parents[1] / "own"
VOLUME = Path(__file__).with_name("volume.toml")


@pytest.fixture(scope="module")
def volume() -> Lifecycle:
    return load(VOLUME)


@pytest.mark.parametrize("name", [*names(), str(VOLUME)])
def test_a_lifecycle_is_printed_and_read_back(name: str, tmp_path: Path) -> None:
    lifecycle = server_class(name).lifecycle
    printed = as_toml(lifecycle.table)
    file = tmp_path / "printed.toml"
    file.write_text(printed, encoding="utf-8")
    again = load(file)
    assert as_toml(again.table) == printed
    assert again.transitions == lifecycle.transitions
    assert [s.as_dict() for s in again.states.values()] == [
        s.as_dict() for s in lifecycle.states.values()
    ]
    assert [t.meaning for t in again.triggers.values()] == [
        t.meaning for t in lifecycle.triggers.values()
    ]


def test_a_state_of_one_attribute_is_its_word(volume: Lifecycle) -> None:
    server = volume.server_class().create("manage")
    assert server.state == "managing"
    assert json.dumps(server.state.as_dict()) == '{"status": "managing"}'
    assert server.run() == "available"
    assert str(server.history) == "event     status\nmanage    managing\nadvance   available"
    assert server.history[0].as_dict() == {
        "event": "manage",
        "status": "managing",
    }
    assert repr(server) == "<Volume available>"


def test_what_is_gone_shows_nothing(volume: Lifecycle) -> None:
    server = volume.server_class().at("error deleting")
    server.trigger("delete")
    assert server.run() == "(gone)"
    assert server.to_api() == {"status": None}
    with pytest.raises(Refused, match=r"delete is refused at \(gone\): it is accepted at availab"):
        server.trigger("delete")


def test_the_api_answers_under_the_name_of_the_thing(volume: Lifecycle, tmp_path: Path) -> None:
    kind = volume.server_class()
    assert kind.from_api({"volume": {"status": "in-use"}}).state == "in-use"
    file = tmp_path / "deep.toml"
    text = VOLUME.read_text(encoding="utf-8")
    file.write_text(text.replace('status = "status"', 'status = "State.Name"'), encoding="utf-8")
    deep = load(file).server_class()
    assert deep.from_api({"State": {"Name": "in-use"}}).to_api() == {"State": {"Name": "in-use"}}
    assert deep.from_api({"State.Name": "in-use"}).state == "in-use"
    again = deep.from_api({"volume": deep.create().to_api()})
    assert again.state.as_dict() == {"State.Name": "creating"}
    with pytest.raises(InvalidInput, match=r"the answer has no 'State\.Name'"):
        deep.from_api({"State": {}})


def pickled(server: BaseServer) -> BaseServer:
    again: BaseServer = pickle.loads(pickle.dumps(server))  # noqa: S301  # the test wrote it itself
    return again


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_servers_of_a_file_are_copied_and_pickled(
    copied: Callable[[BaseServer], BaseServer], volume: Lifecycle
) -> None:
    server = volume.server_class().create()
    server.run()
    again = copied(server)
    assert (again, type(again)) == (server, type(server))
    again.trigger("attach")
    assert (again.state, server.state) == ("attaching", "available")


def test_methods_stand_beside_questions(volume: Lifecycle) -> None:
    kind = volume.server_class()
    assert "Accepted at in-use." in str(vars(kind)["detach"].__doc__)
    assert vars(kind)["may_detach"](kind.at("in-use"))
    assert not vars(kind)["may_detach"](kind.at("available"))


def test_an_end_after_a_pause_is_not_a_success(volume: Lifecycle) -> None:
    runs = runs_of(volume, "attach")
    ends = {str(p.node.state): p.wrong for p in runs.positions if runs.ended(p)}
    assert ends == {"in-use": False, "error": True, "available": True}


def test_an_extending_file_keeps_what_its_operations_need(tmp_path: Path) -> None:
    file = tmp_path / "less.toml"
    text = VOLUME.read_text(encoding="utf-8")
    (tmp_path / "volume.toml").write_text(text, encoding="utf-8")
    file.write_text(
        'name = "less"\nextends = "volume.toml"\noperations_only = ["create", "delete"]\n'
        '[statuses]\nlost = { meaning = "Nobody finds it." }\n'
        '[events.lose]\nkind = "system"\nmeaning = "It is lost."\npaths = { available = "lost" }\n',
        encoding="utf-8",
    )
    less = load(file)
    assert [*less.states] == [
        "creating", "available", "deleting", "error deleting", "error", "lost", "(gone)",
    ]  # fmt: skip
    assert [*less.triggers] == ["create", "delete", "advance", "fail", "lose"]
    assert [t.source for t in less.triggers["fail"].transitions] == ["creating", "deleting"]


FEW = 'name = "few"\nextends = "ecs"\noperations_only = ["create", "stop", "delete", "resize"]\n'


def test_what_is_left_of_a_lifecycle_is_what_was_read_once() -> None:
    """After a change of Nova's table read what is left, and write it anew: `lifecycle show --toml`."""
    kept = (OWN / "small.whole.toml").read_text(encoding="utf-8")
    assert as_toml(load(OWN / "small.toml").table) == kept


def test_an_extending_file_says_why_not_of_its_own_operations_alone(tmp_path: Path) -> None:
    (tmp_path / "few.toml").write_text(FEW, encoding="utf-8")
    few = load(tmp_path / "few.toml")
    whole = ECS.table.undocumented
    assert {key[0] for key in whole} > {"stop", "delete", "resize"}
    assert few.table.undocumented == {k: why for k, why in whole.items() if k[0] in few.operations}
    written, before = ({r.name: r.paths for r in life.table.rows} for life in (few, ECS))
    assert written["stop"] == before["stop"]  # the text of a row stays where it means the same
    assert written["delete"] == before["delete"]
    assert written["fail"] != before["fail"]


def test_an_extending_file_adds_operations_to_those_that_it_keeps(tmp_path: Path) -> None:
    own = '[operations.freeze]\nmeaning = "Stop it."\npaths = { "active/-" = "stopped/-" }\n'
    (tmp_path / "few.toml").write_text(FEW + own, encoding="utf-8")
    few = load(tmp_path / "few.toml")
    assert {*few.operations} == {"create", "stop", "delete", "resize", "freeze"}


def test_the_option_names_a_lifecycle_or_its_file(volume: Lifecycle, tmp_path: Path) -> None:
    assert [option_of(server_class(name).lifecycle) for name in names()] == [*names()]
    assert option_of(volume) == str(VOLUME)
    assert load(option_of(volume)) == volume


def test_sections_keep_operations_together_and_name_no_other_and_none_twice(tmp_path: Path) -> None:
    text = (OWN / "pump.toml").read_text(encoding="utf-8")
    file = tmp_path / "pump.toml"
    file.write_text(f'{text}\n[sections]\nrun = "begin, end"\nmend = "repair"\n', encoding="utf-8")
    lifecycle = load(str(file))
    assert lifecycle.sections == {"run": ("begin", "end"), "mend": ("repair",)}
    assert as_data(lifecycle.table)["sections"] == {"run": "begin, end", "mend": "repair"}
    file.write_text(f'{text}\n[sections]\nrun = "begin, go"\nmend = "begin"\n', encoding="utf-8")
    with pytest.raises(InvalidTable) as wrong:
        load(str(file))
    assert "sections.run" in str(wrong.value)
    assert "'go' is not an operation" in str(wrong.value)
    assert "begin stands in two sections" in str(wrong.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[attributes]\nstatus = "a"\nvm_state = "b"\n', "status alone, or status, vm_state"),
        ('[statuses]\na = { meaning = "a\\u0007b" }\n', "cannot be seen"),
        ("statuses = 1\n", "expected a table, not 1"),
    ],
)
def test_what_is_not_of_the_form_of_a_table_is_refused(
    text: str, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "disk.toml"
    file.write_text(f'name = "disk"\n{text}', encoding="utf-8")
    with pytest.raises(InvalidTable) as refused:
        load(file)
    assert all(line.startswith(f"{file}:") for line in str(refused.value).splitlines())
    assert says in str(refused.value)


def test_every_fault_is_shown_at_its_line(tmp_path: Path) -> None:
    file = tmp_path / "volume.toml"
    text = VOLUME.read_text(encoding="utf-8")
    wrong = text.replace("attaching -> in-use", "ataching -> in-use")
    wrong = wrong.replace('deleting = "error deleting"', 'deletin = "error deleting"')
    file.write_text(wrong, encoding="utf-8")
    with pytest.raises(InvalidTable) as refused:
        load(file)
    line = text[: text.index("attaching -> in-use")].count("\n") + 1
    first, second = str(refused.value).splitlines()
    assert first == (
        f'{file}:{line}: operations.attach.paths.available = "ataching -> in-use": '
        "unknown state 'ataching'; did you mean 'attaching'?"
    )
    assert "events.fail.paths.deletin = " in second
    assert "unknown state 'deletin'; did you mean 'deleting'?" in second


def test_a_file_beside_belongs_to_a_lifecycle(volume: Lifecycle, tmp_path: Path) -> None:
    assert side_file(volume, "claims") is None
    (tmp_path / "volume.toml").write_text(VOLUME.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "volume.claims.toml").touch()
    found = side_file(load(tmp_path / "volume.toml"), "claims")
    assert found == tmp_path / "volume.claims.toml"


FIVE = """
name = "lamp"
[attributes]
status = "light"
[statuses]
off = { meaning = "Dark." }
warm = { meaning = "Nearly." }
on = { meaning = "Light." }
lost = { meaning = "Away." }
[facts.plug]
values = ["in", "out"]
default = "half"
[operations.mount]
paths = { "(no server)" = "off" }
[operations.switch]
paths = { "off" = "wrm -> on", on = "off" }
[operations.history]
paths = { on = "on" }
[[guards]]
fact = "plug"
value = "out"
allows = ["swich"]
reason = "it is unplugged"
[[surprises]]
text = "It is dark."
about = ["nothing"]
"""


def test_many_faults_are_reported_at_once_each_with_file_line_key_and_row(tmp_path: Path) -> None:
    file = tmp_path / "lamp.toml"
    file.write_text(FIVE, encoding="utf-8")
    with pytest.raises(InvalidTable) as refused:
        load(file)
    assert [line.removeprefix(f"{file}:") for line in str(refused.value).splitlines()] == [
        "9: statuses.lost: nothing reaches lost",
        "12: facts.plug.default = \"half\": the default 'half' is not one of in, out",
        '16: operations.switch.paths.off = "wrm -> on": '
        "unknown state 'wrm'; did you mean 'warm'?",
        "17: operations.history: every server has an attribute history: choose another name",
        "22: guards[0].allows = [\"swich\"]: unknown operation 'swich'; did you mean 'switch'?",
        "26: surprises[0].about = [\"nothing\"]: there is no 'nothing'",
    ]
