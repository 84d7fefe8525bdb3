"""`ecs-fsm check` and `infer` as installed: whole answers, every form of them, and bad input."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ecs_fsm import ECS, InvalidInput, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.waiters import Waiter
from ecs_fsm.waiters.judge import NAMES, find_attribute
from ecs_fsm.waiters.report import draw
from ecs_fsm.waiters.waiter_file import read
from tests.command import Answer, cpu_seconds, ecs_fsm, installed

BROKEN = """\
# how our client waits

[[waiter]]
name = "resize, then wait"
operation = "resize"
from = "stopped/-"
target = "VERIFY_RESIZE"
failure = ["ERROR"]

[[waiter]]
name = "start"
operation = "start"
attribute = "status+task_state"
pending = ["SHUTOFF/powering-on"]
target = ["ACTIVE"]
failure = ["SHUTOFF/-"]
"""
HANGS = (
    "the waiter waits forever at SHUTOFF although resize came to rest at stopped/-: stopped/- —resize→ "
    "stopped/resize_prep —roll_back→ stopped/-, polled status SHUTOFF"
)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    file = tmp_path / "waiters.toml"
    file.write_text(BROKEN, encoding="utf-8")
    return str(file)


def check(*arguments: str, given: str = "") -> Answer:
    return ecs_fsm("check", *arguments, given=given)


def names(answer: Answer) -> list[str]:
    (waiter,) = json.loads(answer.out)["waiters"]
    return [finding["finding"] for finding in waiter["findings"]]


def test_one_waiter_is_given_by_options() -> None:
    answer = check(
        "--operation", "resize", "--from", "stopped/-", "--attribute", "status",
        "--pending", "RESIZE", "--target", "VERIFY_RESIZE", "--failure", "ERROR,SHUTOFF",
    )  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[0] == "resize: no findings"
    assert answer.out.splitlines()[1].startswith("  note: a step can hang")


def test_findings_as_json() -> None:
    options = ("--operation", "resize", "--target", "VERIFY_RESIZE", "--failure", "ERROR", "--json")
    code, out, err = check(*options, "--level", "warning")
    assert (code, err) == (1, "")
    assert check(*options).code == 0
    answer = json.loads(out)
    (note,) = answer["waiters"][0].pop("notes")
    assert note.startswith("a step can hang")
    assert answer == {
        "waiters": [
            {
                "name": "resize",
                "findings": [
                    {
                        "finding": "hangs",
                        "avoidable": True,
                        "from": "stopped/-",
                        "run": [
                            {"vm_state": "stopped", "task_state": "resize_prep"},
                            {"vm_state": "stopped", "task_state": None},
                        ],
                        "polled": ["SHUTOFF"],
                        "message": HANGS,
                        "level": "warning",
                        "fix": {
                            "pending": ["RESIZE"],
                            "target": ["VERIFY_RESIZE"],
                            "failure": ["SHUTOFF", "ERROR"],
                        },
                    }
                ],
            }
        ]
    }


def test_a_list_may_begin_with_no_task() -> None:
    options = ("--operation", "start", "--attribute", "task_state", "--json")
    assert names(check(*options, "--target", "-", "--pending", "powering-on")) == ["false-success"]
    assert names(check(*options, "--pending", "-,powering-on", "--target", "<gone>")) == [
        "never-succeeds", "misses", "hangs",
    ]  # fmt: skip


def test_pending_that_is_empty_is_not_pending_that_is_left_out() -> None:
    options = ("--operation", "create", "--target", "ACTIVE", "--failure", "ERROR", "--json")
    assert names(check(*options)) == []
    assert names(check(*options, "--pending", "")) == ["spurious-failure"]
    assert names(check(*options, "--pending", "BUILD", "--pending", "REBUILD")) == []


def test_several_starts_and_a_remembered_fact() -> None:
    options = ("--operation", "rebuild", "--target", "ACTIVE", "--failure", "ERROR", "--json")
    assert names(check(*options, "--from", "active/-", "--from", "error/null")) == []
    assert "misses" in names(check(*options, "--from", "active/-", "--from", "stopped/-"))
    confirm = (
        "--operation",
        "confirm_resize",
        "--target",
        "ACTIVE",
        "--failure",
        "ERROR",
        "--json",
    )
    nova = ("--lifecycle", "nova")
    assert names(check(*confirm, *nova)) == ["false-success", "misses"]
    assert names(check(*confirm, *nova, "--remember", "was=active")) == ["false-success"]


def test_many_waiters_stand_in_a_file(broken: str) -> None:
    code, out, err = check(broken, "--level", "warning")
    assert (code, err) == (1, "")
    assert [line for line in out.splitlines() if "note:" not in line] == [
        f"{broken}:3: resize, then wait: 1 finding",
        f"  warning: hangs from stopped/-: {HANGS}",
        "  fix for resize from stopped/-:",
        "    - failure ERROR",
        "    + failure ERROR, SHUTOFF",
        f"{broken}:10: start: no findings",
        "2 waiters, 1 finding",
    ]
    assert [w["name"] for w in json.loads(check(broken, "--json").out)["waiters"]] == [
        "resize, then wait",
        "start",
    ]
    assert check("-", given=BROKEN).out.startswith("standard input:3: resize, then wait: 1 finding")


def test_github_gets_a_line_for_each_finding(broken: str) -> None:
    code, out, _ = check(broken, "--format", "github")
    assert code == 0
    assert out == f"::warning file={broken},line=3,title=resize%2C then wait%3A hangs::{HANGS}\n"
    assert check("--operation", "stop", "--target", "SHUTOFF", "--format", "github").out.startswith(
        "::notice title=stop%3A hangs::the waiter waits forever"
    )


def test_what_github_would_misread_is_escaped() -> None:
    toml = BROKEN.replace('"resize, then wait"', '"100% sure,:\\n\\r::error::"')
    line = check("-", "--format", "github", given=toml).out
    assert line.count("\n") == 1
    assert "title=100%25 sure%2C%3A%0A%0D%3A%3Aerror%3A%3A%3A hangs::" in line


def test_junit_gets_a_case_for_each_finding_and_for_each_waiter_without(broken: str) -> None:
    code, out, _ = check(broken, "--format", "junit", "--level", "warning")
    assert code == 1
    root = ElementTree.fromstring(out)  # noqa: S314 - our own
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "2", "1")
    first, second = root.iter("testcase")
    assert (first.get("name"), first.get("file"), first.get("line")) == (
        "resize, then wait: hangs at SHUTOFF", broken, "3",
    )  # fmt: skip
    (failure,) = first
    assert (failure.tag, failure.get("type")) == ("failure", "hangs")
    assert failure.get("message") == f"{broken}:3: {HANGS}"
    assert (second.get("name"), len(second)) == ("start", 0)
    assert sum("<failure" in line for line in out.splitlines()) == 1


def test_junit_survives_what_xml_cannot_hold() -> None:
    toml = BROKEN.replace('"start"', '"st\\u0001art <&\\"\\uffff"', 1)
    root = ElementTree.fromstring(check("-", "--format", "junit", given=toml).out)  # noqa: S314
    assert [case.get("name") for case in root.iter("testcase")][1] == 'st\\x01art <&"\\uffff'


def table(**keys: str) -> str:
    usual = {"name": '"a"', "operation": '"stop"', "target": '"SHUTOFF"'}
    rows = [f"{key} = {value}" for key, value in (usual | keys).items() if value]
    return "\n".join(["", "[[waiter]]", *rows, ""])


BAD_FILES = {
    "not TOML": (table(target="["), 5, "not valid TOML (Invalid"),
    "an end too early": ('[[waiter]]\nname = """a\n\n', 3, "not valid TOML (Unterminated string)"),
    "nothing": ("", 1, "there is no waiter; expected tables [[waiter]] with name, operation, target"),
    "one table": ("\n[waiter]\n", 2, "waiter is not an array of tables"),
    "another table": (f"{table()}[waiters]\n", 6, "unknown key 'waiters'; did you mean 'waiter'?"),
    "a table in a table": (f"{table()}[waiter.notes]\na = 1\n", 6, "unknown key 'notes'"),
    "another key": (table(targets='"a"'), 6, "unknown key 'targets'; did you mean 'target'?"),
    "no name": (table(name=""), 2, "a waiter has no name; expected tables [[waiter]]"),
    "no operation": (table(operation=""), 2, "a waiter has no operation"),
    "no target": (table(target=""), 2, "a waiter has no target"),
    "an unknown operation": (table(operation='"stpo"'), 4, "unknown operation 'stpo'; did you mean 'stop'?"),
    "an unknown attribute": (table(attribute='"state"'), 6, "unknown attribute 'state'"),
    "an empty target": (table(target="[]"), 5, "target is empty"),
    "an empty text": (table(target='""'), 5, "target is empty"),
    "a value twice": (table(pending='["ACTIVE", "SHUTOFF"]'), 5, "SHUTOFF is in pending and in target"),
    "failure and target": (table(failure='"SHUTOFF"'), 6, "SHUTOFF is in target and in failure"),
    "a name twice": (table() + table(), 8, "the name 'a' is taken by the waiter in line 2"),
    "a number": (table(operation="3"), 4, "operation is 3; expected a text"),
    "a number in a list": (table(target='["A", 3]'), 5, "target is ['A', 3]; expected a text or a list"),
    "a table": (table(**{"from": "{a = 1}"}), 6, "from is {'a': 1}; expected a text or a list of texts"),
    "a state that refuses": (table(**{"from": '["active/-", "stopped/-"]'}), 6, "stop is refused at stopped/-"),
    "no state": (table(**{"from": '"activ/-"'}), 6, "unknown vm_state 'activ'; did you mean 'active'?"),
    "an unknown fact": (table(remember='"was=active"'), 6, "unknown fact 'was'"),
    "a source without a line": (table(source='"main.go"'), 6, "source is 'main.go'; expected FILE:LINE"),
    "a source at line 0": (table(source='"main.go:0"'), 6, "source is 'main.go:0'; expected"),
    "a deep nest": (f"a = {'[' * 5000}{']' * 5000}", 1, "nested too deeply"),
    "a header in a text": (f'{table(name=chr(34) * 3 + "x" + chr(10) + "[[waiter]]" + chr(34) * 3)}{table(operation=chr(34) + "stpo" + chr(34))}', 10, "unknown operation"),
    "marks in texts": (f"{table(name=repr(chr(34) * 3))}{table(name=chr(34) + '#' + chr(39) * 3 + chr(34), operation=repr('stpo'))}", 9, "unknown operation"),
    "lines of Windows": (table(operation='"stpo"').replace("\n", "\r\n"), 4, "unknown operation"),
    "inline tables": ('waiter = [\n{ name = "a", operation = "stpo", target = "A" }]', 1, "unknown operation"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_an_error_in_a_file_names_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read(text.replace("\r\n", "\n"), "w.toml", ECS)
    assert str(raised.value).startswith(f"w.toml:{line}: {message}")


@pytest.mark.parametrize("kind", ["not TOML", "nothing", "a value twice", "lines of Windows"])
def test_a_bad_file_is_one_line(kind: str, tmp_path: Path) -> None:
    text, line, message = BAD_FILES[kind]
    file = tmp_path / "w.toml"
    file.write_text(text, encoding="utf-8", newline="")
    code, out, err = check(str(file))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"ecs-fsm: {file}:{line}: {message}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no waiter given: expected a FILE, or --operation NAME --target A,B"),
        (["--operation", "stop"], "--target A,B is missing"),
        (["--operation", "stop", "--target", ","], "target is empty"),
        (["--operation", "stpo", "--target", "A"], "unknown operation 'stpo'"),
        (["--operation", "stop", "--target", "A", "--attribute", "x"], "unknown attribute 'x'; known"),
        (["--operation", "stop", "--target", "A", "--pending", "A"], "A is in pending and in target"),
        (["--operation", "stop", "--target", "A", "--from", "stopped/-"], "stop is refused at stopped/-"),
        (["x.toml", "--operation", "stop"], "FILE and options that describe a waiter are mutually exclusive"),
        (["x.toml"], "x.toml: No such file or directory"),
        (["-", "--json", "--format", "junit"], "--json and --format are mutually exclusive"),
        (["-", "--format", "xml"], "Invalid value for '--format'"),
        (["--operation", "stop", "--target", "A", "--draw", ""], "no ending in ''"),
    ],
)  # fmt: skip
def test_bad_options_are_one_line(arguments: list[str], message: str) -> None:
    code, out, err = check(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"ecs-fsm: {message}")


def test_a_file_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "w.toml"
    file.write_bytes(b'[[waiter]]\nname = "\xe4"\n')
    assert check(str(file)).err.startswith(f"ecs-fsm: {file}:2: not valid UTF-8")


def test_infer_prints_what_can_be_pasted() -> None:
    code, out, err = ecs_fsm("infer", "rebuild", "--from", "stopped/-")
    assert (code, err) == (0, "")
    assert out.split("\n# findings that polling cannot avoid")[0] == (
        "# rebuild from stopped/-, polling status\n"
        "pending  REBUILD, ACTIVE\n"
        "target   SHUTOFF\n"
        "failure  ERROR\n"
        "\n"
        "# Terraform\n"
        'Pending: []string{"REBUILD", "ACTIVE"},\n'
        'Target:  []string{"SHUTOFF"},\n'
        "\n"
        "# TOML for ecs-fsm check\n"
        "[[waiter]]\n"
        'name = "rebuild"\n'
        'operation = "rebuild"\n'
        'from = ["stopped/-"]\n'
        'attribute = "status"\n'
        'pending = ["REBUILD", "ACTIVE"]\n'
        'target = ["SHUTOFF"]\n'
        'failure = ["ERROR"]\n'
    )


@pytest.mark.parametrize(
    ("lifecycle", "attribute"), [*(("ecs", name) for name in NAMES), ("nova", NAMES[0])]
)
def test_check_finds_nothing_avoidable_in_what_infer_prints(attribute: str, lifecycle: str) -> None:
    options = ("--attribute", attribute, "--lifecycle", lifecycle)
    pasted = ""
    for operation in ("delete", "rebuild"):
        code, out, _ = ecs_fsm("infer", operation, *options)
        assert code == 0
        pasted += "".join(re.findall(r"^(?:\[\[waiter\]\]\n(?:\w+ = .*\n)+)", out, re.MULTILINE))
    assert len(tomllib.loads(pasted)["waiter"]) >= 2
    answer = json.loads(check("-", "--json", "--lifecycle", lifecycle, given=pasted).out)
    found = [finding for waiter in answer["waiters"] for finding in waiter["findings"]]
    assert [finding for finding in found if finding["avoidable"]] == []


def test_infer_says_what_stands_for_a_404_in_terraform() -> None:
    deletion = ecs_fsm("infer", "delete", "--attribute", "task_state").out
    assert "\n# Terraform (<gone> stands for a 404 in Refresh)\n" in deletion
    assert "\n# Terraform\n" in ecs_fsm("infer", "stop").out


def test_infer_as_json() -> None:
    code, out, _ = ecs_fsm("infer", "stop", "--attribute", "status+task_state", "--json")
    assert code == 0
    assert json.loads(out) == [
        {
            "from": ["active/-"],
            "attribute": "status+task_state",
            "pending": ["ACTIVE/powering-off"],
            "target": ["SHUTOFF/-"],
            "failure": ["ACTIVE/-"],
            "findings": [],
        }
    ]
    assert [w["from"] for w in json.loads(ecs_fsm("infer", "rebuild", "--json").out)] == [
        ["active/-", "error/-"],
        ["stopped/-"],
    ]


def test_infer_exits_with_0_also_with_unavoidable_findings() -> None:
    code, out, _ = ecs_fsm("infer", "reboot", "--json")
    assert code == 0
    assert [finding["finding"] for finding in json.loads(out)[0]["findings"]] == ["false-success"]
    assert "# findings that polling cannot avoid\nfalse-success: " in ecs_fsm("infer", "reboot").out
    assert "# no findings\n" in ecs_fsm("infer", "create").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'OPERATION'."),
        (["stpo"], "unknown operation 'stpo'; did you mean 'stop'?"),
        (["stop", "--attribute", "x"], "unknown attribute 'x'"),
        (["stop", "--from", "error/-"], "stop is refused at error/-"),
        (["stop", "--remember", "was=active"], "unknown fact 'was'"),
    ],
)
def test_bad_arguments_of_infer_are_one_line_errors(arguments: list[str], message: str) -> None:
    code, out, err = ecs_fsm("infer", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"ecs-fsm: {message}")


@pytest.mark.timed
@pytest.mark.parametrize(("lifecycle", "seconds"), [(ECS, 2.0), (NOVA, 10.0)], ids=["ecs", "nova"])
def test_a_thousand_waiters_are_checked_in_time(
    lifecycle: Lifecycle, seconds: float, tmp_path: Path
) -> None:
    file = tmp_path / "many.toml"
    operations, rows = list(lifecycle.operations), []
    for number in range(1000):
        attribute = NAMES[number // len(operations) % len(NAMES)]
        values = find_attribute(lifecycle, attribute).values
        first = number * 7 % (len(values) - 3)
        target, failure = [values[first], values[first + 1]], [values[first + 2]]
        rows.append(
            f'[[waiter]]\nname = "w{number}"\noperation = "{operations[number % len(operations)]}"\n'
            f'attribute = "{attribute}"\ntarget = {target}\nfailure = {failure}\n'
        )
    file.write_text("".join(rows), encoding="utf-8")
    began = cpu_seconds()
    assert installed("check", str(file), "--lifecycle", lifecycle.name).code == 1
    assert cpu_seconds() - began < seconds


def test_the_run_of_each_finding_is_drawn_with_what_was_polled(tmp_path: Path) -> None:
    words = ["--operation", "rebuild", "--from", "stopped/-", "--target", "ACTIVE"]
    path = tmp_path / "bug.svg"
    code, out, err = ecs_fsm("check", *words, "--draw", str(path), "--json")
    found = json.loads(out)["waiters"][0]["findings"]
    assert (code, err) == (1, "")
    names = ["bug.svg", *(f"bug-{n}.svg" for n in range(2, len(found) + 1))]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(names)
    for name, finding in zip(names, found, strict=True):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert f"rebuild: {finding['finding']} (ecs)" in text
        assert f"polled: {finding['polled'][-1]}" in text


def test_a_waiter_without_findings_draws_nothing(tmp_path: Path) -> None:
    words = ["--operation", "resize", "--target", "VERIFY_RESIZE", "--failure", "SHUTOFF,ERROR"]
    assert ecs_fsm("check", *words, "--draw", f"{tmp_path}/bug.svg").code == 0
    assert list(tmp_path.iterdir()) == []
    wrong = ecs_fsm("check", *words, "--draw", f"{tmp_path}/bug.jpg")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("waiter", "finding", "place"),
    [
        (Waiter("confirm_resize", "VERIFY_RESIZE"), "leaves-early", "resized/-"),
        (Waiter("delete", "DELETED"), "misses", "deleted/-"),
        (Waiter("stop", "SHUTOFF"), "hangs", "active/-"),
    ],
    ids=["in the state of the request", "the 404 behind the last state", "at rest"],
)
def test_a_poll_is_marked_where_it_was(waiter: Waiter, finding: str, place: str) -> None:
    found = next(f for f in waiter.findings() if f.kind == finding)
    drawn = draw(waiter.lifecycle, found)
    states = {f"polled-{box.key}": str(box.state) for box in drawn.boxes}
    marked = [states[box.key] for box in drawn.boxes if box.key in states]
    assert marked == [place]
