"""TOML is read by one reader, and every error names the line of what is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_fsm import ECS, InvalidInput
from ecs_fsm.io.toml import MAX_DEPTH, TomlFile, decoded
from tests.command import ecs_fsm

TEXT = '''# a comment
title = "[[step]] # not a header"
a.b = 1
text = """
[[step]]
key = "not a key"
"""

[table."x/y".inner] # a comment
list = [
  "]",
  { deep = 1 },
]
inline = { one = 1, two = [2] }

[[step]]
do = 'x'
[step.more]
key = 1
[[step]]
  "do" = \'\'\'
\'\'\'
[[step.part]]
name = 1
[[step.part]]
name = 2
[ last ]
'''
LINES = {
    ("title",): 2,
    ("a",): 3,
    ("a", "b"): 3,
    ("text",): 4,
    ("table",): 9,
    ("table", "x/y", "inner"): 9,
    ("table", "x/y", "inner", "list"): 10,
    ("table", "x/y", "inner", "list", 1, "deep"): 10,
    ("table", "x/y", "inner", "inline", "two", 0): 14,
    ("step",): 16,
    ("step", 0): 16,
    ("step", 0, "do"): 17,
    ("step", 0, "more"): 18,
    ("step", 0, "more", "key"): 19,
    ("step", 1): 20,
    ("step", 1, "do"): 21,
    ("step", 1, "part", 0, "name"): 24,
    ("step", 1, "part", 1): 25,
    ("step", 1, "part", 1, "name"): 26,
    ("last",): 27,
    ("step", 1, "then"): 20,
    ("nowhere",): 1,
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "windows"])
def test_every_value_has_the_line_where_its_statement_begins(newline: str) -> None:
    toml = TomlFile(TEXT.replace("\n", newline), "mine.toml", "")
    assert {path: toml.line(*path) for path in LINES} == LINES
    assert str(toml.error("wrong", "step", 1, "do")) == "mine.toml:21: wrong"


STATEMENTS = st.sampled_from(
    ["k{n} = 1", 'k{n} = """\n[x]\n"""', "k{n} = [\n1,\n]", "k{n} = {{ a = 1 }}", "# [k{n}]", ""]
)


@given(st.lists(st.tuples(st.booleans(), STATEMENTS), max_size=12))
def test_the_line_of_a_key_is_the_first_with_which_the_text_has_it(
    parts: list[tuple[bool, str]],
) -> None:
    statements = [
        (f"[[t]]\n{text}" if header else text).replace("{n}", str(n)).replace("{{", "{").replace("}}", "}")
        for n, (header, text) in enumerate(parts)
    ]  # fmt: skip
    toml = TomlFile("\n".join(statements), "", "")
    for n, statement in enumerate(statements):
        before, until = "\n".join(statements[:n]), "\n".join(statements[: n + 1])
        for path in _paths(tomllib.loads(until)):
            if path not in _paths(tomllib.loads(before)):
                first = before.count("\n") + 1 + bool(n)
                own_header = statement.startswith("[[t]]") and len(path) > 2
                assert toml.line(*path) == first + own_header


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found = [path] if path else []
    return [*found, *(p for key, part in inner for p in _paths(part, (*path, key)))]


def test_what_is_within_the_bounds_is_read() -> None:
    deep = f"a = {'[' * 62}{']' * 62}\nb = 9223372036854775807\n{'.'.join('c' * 60)} = 1"
    assert TomlFile(deep, "f", "").content["b"] == 2**63 - 1


def test_a_file_may_be_as_long_as_its_bound_and_no_longer(tmp_path: Path) -> None:
    file = tmp_path / "long.toml"
    file.write_text('a = "12345678"\n', encoding="utf-8")
    size = file.stat().st_size
    assert TomlFile.read(str(file), "", size).content == {"a": "12345678"}
    with pytest.raises(InvalidInput, match=f"longer than {size - 1} bytes; expected less"):
        TomlFile.read(str(file), "expected less", size - 1)


def test_a_file_may_have_a_megabyte_unless_its_reader_says_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "long.toml"
    file.write_bytes(b"#" * 2**20)
    assert TomlFile.read(str(file), "").content == {}
    file.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(InvalidInput, match="longer than 1048576 bytes"):
        TomlFile.read(str(file), "")


def test_a_closed_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InvalidInput, match="standard input is closed"):
        TomlFile.read("-", "")


@pytest.mark.parametrize(("before", "line"), [("", 1), ("\n", 2), ("# x\n\n", 3)])
def test_a_key_of_too_many_parts_is_an_error_at_its_line(before: str, line: int) -> None:
    with pytest.raises(InvalidInput, match=f"a.toml:{line}: nested more than {MAX_DEPTH} deep"):
        TomlFile(f"{before}{'.'.join('a' * 5000)} = 1\n", "a.toml", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f:1: there is no step; expected x"),
        ("\nstep = 1", "f:2: step is not an array of tables; expected x"),
        ("step = [1]", "f:1: step is not an array of tables; expected x"),
        ("step = []", "f:1: there is no step; expected x"),
        ("[[step]]\n[other]", "f:2: unknown key 'other'"),
    ],
)
def test_a_file_of_tables_holds_nothing_else(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        TomlFile(text, "f", "expected x").tables("step")
    assert str(raised.value).startswith(message)
    assert TomlFile("[[step]]\na = 1", "f", "").tables("step") == [{"a": 1}]


@pytest.mark.parametrize(("before", "line"), [(b"", 1), (b"a = 1\n", 2), (b"\n\n\n", 4)])
def test_what_is_not_utf_8_is_an_error_at_its_line(before: bytes, line: int) -> None:
    with pytest.raises(InvalidInput) as raised:
        decoded(before + b'b = "\xff"\n\n', "f", "expected x")
    assert str(raised.value) == f"f:{line}: not valid UTF-8; expected x"
    assert decoded(b"\xef\xbb\xbfa = 1", "f", "") == "a = 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = [1,", "f:1: not valid TOML (Invalid value); expected x"),
        ('\n\na = "', "f:3: not valid TOML (Unterminated string)"),
        (f"a = {'[' * 5000}", "f:1: nested too deeply; expected x"),
        (f"a = {'[' * 64}{']' * 64}", "f:1: nested more than 64 deep; expected x"),
        ("\nb = [1, 9223372036854775808]", "f:2: a whole number beyond 64 bits"),
        ("b = -9223372036854775808", "f:1: a whole number beyond 64 bits"),
        (f"{'.'.join('a' * 66)} = 1", "f:1: "),
        (f"a = 1{'0' * 5000}", "f:1: not valid TOML (Exceeds the limit"),
    ],
    ids=["open", "string", "deep", "nested", "large", "small", "chain", "digits"],
)
def test_a_text_that_does_not_parse_is_an_error_at_its_line(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        TomlFile(text, "f", "expected x")
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    "command",
    [
        ("check", "-"),
        ("prove", "--claims", "-"),
        ("fleet", "run", "--servers", "1", "--duration", "1d", "--profile", "-"),
        ("fleet", "exact", "--profile", "-"),
        ("fleet", "contend", "--servers", "1", "--duration", "1d", "--profile", "-"),
        ("serve", "--profile", "-"),
        ("explore", "--lessons", "-"),
        ("play", "--lessons", "-"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_dash_is_standard_input_and_every_reader_has_one_form_of_error(
    command: tuple[str, ...],
) -> None:
    code, out, err = ecs_fsm(*command, given="\nx = \n")
    assert (code, out) == (2, "")
    assert err.startswith("ecs-fsm: standard input:2: not valid TOML (Invalid value); expected ")
    assert err.count("\n") == 1


def test_a_lesson_is_read_from_standard_input(tmp_path: object) -> None:
    lesson = (
        'title = "Own"\nintroduction = "One."\nfrom = "active/-"\n'
        '[[step]]\ntext = "Do."\ndo = "stop"\nstate = "active/powering-off"\nthen = "Seen."\n'
    )
    file = f"{tmp_path}/page.html"
    assert ecs_fsm("explore", "--lessons", "-", "-o", file, given=lesson).code == 0
    with open(file, encoding="utf-8") as page:
        assert '"standard-input"' in page.read()


def test_recordings_and_observations_are_read_from_standard_input() -> None:
    rows = "vm_state,task_state,seconds\nactive,-,1\nactive,powering-off,2\n"
    assert ecs_fsm("replay", "-", given=rows).out.endswith("1 change, all explained\n")
    assert ecs_fsm("fleet", "fit", "-", given=rows).code == 0
    wrong = rows.replace("powering-off", "powering-of")
    for command in (("replay", "-"), ("fleet", "fit", "-")):
        assert ecs_fsm(*command, given=wrong).err.startswith(
            "ecs-fsm: standard input:3: unknown task_state 'powering-of'"
        )


def test_a_profile_that_was_printed_is_read_from_standard_input() -> None:
    printed = ecs_fsm("fleet", "profile").out
    answers = [
        ecs_fsm("fleet", "exact", "--json", *more, given=printed) for more in ((), ("--profile", "-"))
    ]  # fmt: skip
    assert answers[0] == answers[1]
    assert ECS.name in answers[0].out
