"""The package as a whole: its imports, its generated module, and what a user's tools see of it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import ecs_fsm
from ecs_fsm import ECS, Lifecycle, lifecycles
from ecs_fsm.lifecycles.generate import server_module
from ecs_fsm.lifecycles.nova import NOVA

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "ecs_fsm"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
TEXTS = {path: path.read_text(encoding="utf-8") for path in MODULES.values()}
LINES = {path: len(text.splitlines()) for path, text in TEXTS.items()}

# Words of a table that mean something else there: a parameter of a command, or a key, a service and
# a type of the APIs.
OTHER_MEANINGS = {
    ("ecs_fsm.serve.compute.nova_schemas", "rebuild"),
    ("ecs_fsm.serve.control.routes", "host"),
    ("ecs_fsm.waiters.scan.playbook", "rescue"),
    ("ecs_fsm.waiters.scan.poll_loop", "abort"),
    ("ecs_fsm.waiters.scan.poll_loop", "fail"),
    ("ecs_fsm.cli.waiter_commands", "error"),
    ("ecs_fsm.waiters.ranking", "error"),
    ("ecs_fsm.waiters.report", "error"),
    ("ecs_fsm.waiters.sarif", "driver"),
    ("ecs_fsm.monitor.display", "host"),
    ("ecs_fsm.monitor.metrics", "host"),
    ("ecs_fsm.records.columns", "host"),
    ("ecs_fsm.records.recorded_actions", "end"),
    ("ecs_fsm.records.recorded_actions", "error"),
    ("ecs_fsm.records.recorded_actions", "host"),
    ("ecs_fsm.cli.options", "start"),
    ("ecs_fsm.lifecycles.tabledata", "advance"),
    ("ecs_fsm.serve.http.api_errors", "error"),
    ("ecs_fsm.serve.http.api_errors", "network"),
    ("ecs_fsm.serve.http.versions", "host"),
    ("ecs_fsm.serve.compute.hosts", "host"),
    ("ecs_fsm.serve.compute.instance_actions", "host"),
    *(("ecs_fsm.serve.compute.kinds", word) for word in ("create", "delete")),
    ("ecs_fsm.serve.compute.disks", "active"),
    ("ecs_fsm.serve.compute.listing", "deleted"),
    ("ecs_fsm.serve.compute.listing", "host"),
    ("ecs_fsm.serve.compute.listing", "locked"),
    ("ecs_fsm.serve.compute.guests", "backup"),
    ("ecs_fsm.serve.compute.services", "host"),
    ("ecs_fsm.waiters.botocore_waiters", "error"),
    ("ecs_fsm.waiters.botocore_waiters", "retry"),
    ("ecs_fsm.serve.compute.guests", "driver"),
    ("ecs_fsm.serve.compute.migrations", "host"),
    ("ecs_fsm.serve.compute.views", "locked"),
    ("ecs_fsm.serve.identity.kinds", "network"),
    ("ecs_fsm.serve.image.routes", "upload"),
    ("ecs_fsm.serve.cloud.imagestore", "active"),
    *(
        (f"ecs_fsm.serve.{module}", word)
        for module, words in (
            ("cloud.catalog", "active network start end"),
            ("huawei.routes", "create"),
            ("cloud.ports", "start end"),
            ("compute.api", "host"),
            ("compute.hosts", "active"),
            ("compute.guests", "rebuild rescue evacuate lock unlock"),
            ("compute.migrations", "migrate evacuate resize unshelve"),
            ("compute.servers", "host"),
            ("compute.usage", "start end stop"),
            ("http.declared", "create"),
            ("http.declared_routes", "create delete"),
            ("network.kinds", "start end network"),
            ("network.routes", "network"),
            ("volume.routes", "host"),
        )
        for word in words.split()
    ),
}


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(TEXTS[MODULES[name]])


def literals(name: str) -> Iterator[ast.Constant]:
    """The literals of a module, without what documents it."""
    documents = {id(node.value) for node in ast.walk(tree(name)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Constant) and id(node) not in documents:
            yield node


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_the_generated_module_is_fresh(lifecycle: Lifecycle) -> None:
    written = MODULES[f"ecs_fsm.lifecycles.{lifecycle.name}.server"].read_text(encoding="utf-8")
    assert written == server_module(lifecycle, f"ecs_fsm.lifecycles.{lifecycle.name}")


OF_A_LIFECYCLE = re.compile(r"ecs_fsm\.lifecycles\.(ecs|nova)\.(table|server)")
TRANSLATING = {
    "ecs_fsm.serve.cloud.vocabulary",
    "ecs_fsm.serve.compute.actions",
    "ecs_fsm.serve.compute.instance_actions",
    "ecs_fsm.serve.huawei.calls",
}
"""Modules that translate the words of an API into those of a lifecycle, in tables of their own."""


IN_FILES = [
    lifecycles.server_class(n).lifecycle for n in lifecycles.names()[len(lifecycles.NAMES) :]
]
OF_FILES = {
    str(word)
    for lifecycle in IN_FILES
    for word in (*lifecycle.states, *lifecycle.triggers)
    if re.search("[-_ /]", word)
}
"""The words of lifecycles in files that cannot mean anything else."""


@pytest.mark.parametrize(
    "name", [n for n in MODULES if not OF_A_LIFECYCLE.fullmatch(n) and n not in TRANSLATING]
)
def test_no_word_of_a_table_stands_outside_it(name: str) -> None:
    tables = [lifecycle.table for lifecycle in (ECS, NOVA)]
    words = {word for t in tables for word in (*t.vm_states, *t.task_states)}
    words |= {*ECS.triggers, *NOVA.triggers, *(fact.name for fact in NOVA.table.facts)}
    unmistakable = {*ECS.states, *NOVA.states, *(w for w in words if re.search("[-_]", w))}
    unmistakable |= OF_FILES
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, unmistakable))})(?![\w-])")
    leaks = [
        f"line {literal.lineno}: {literal.value!r}"
        for literal in literals(name)
        if isinstance(literal.value, str)
        and (literal.value in words or pattern.search(literal.value))
        and (name, literal.value) not in OTHER_MEANINGS
    ]
    assert leaks == []


def test_each_other_meaning_is_still_somewhere() -> None:
    there = {(name, literal.value) for name in MODULES for literal in literals(name)}
    assert sorted(OTHER_MEANINGS - there) == []


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = {"click", "difflib", "transitions", "tomllib", "csv"}
    assert loaded("import ecs_fsm") & (heavy | HEAVY) == set()


def loaded_by_command(*words: str) -> set[str]:
    """The modules that are there after a command."""
    return loaded(
        f"""
from contextlib import redirect_stdout, suppress
from io import StringIO
from ecs_fsm.cli import main
with suppress(SystemExit), redirect_stdout(StringIO()):
    main({list(words)})
"""
    )


def test_help_imports_nothing_heavy() -> None:
    shown = loaded_by_command("--help")
    assert shown & HEAVY == set()
    assert [
        name
        for name in shown
        if re.match(r"ecs_fsm\.(play|teach|draw|waiters|analysis|fleet)\.", name)
    ] == []


@pytest.mark.parametrize(
    "words", ["simulate create stop", "explain stop", "operations active -", "table"]
)
def test_a_command_without_callbacks_does_not_import_the_machine(words: str) -> None:
    assert "transitions" not in loaded_by_command(*words.split())


def test_the_start_of_the_emulated_cloud_needs_no_checker_of_bodies() -> None:
    assert loaded("import ecs_fsm.serve.service") & {"pydantic", "jsonschema"} == set()


@pytest.mark.parametrize("words", ["fleet --help", "fleet run --help", "fleet profile"])
def test_what_calculates_nothing_imports_nothing_numerical(words: str) -> None:
    assert loaded_by_command(*words.split()) & NUMERICAL == set()


NUMERICAL = {"numba", "numpy", "scipy", "matplotlib", "pyarrow", "simpy", "distributed"}
HEAVY = NUMERICAL | {"networkx", "rich", "ijson", "asyncio", "textual", "IPython", "graphviz"}


def loaded(code: str) -> set[str]:
    """The modules that are there after a program."""
    program = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_the_package_offers_what_a_user_needs() -> None:
    needed = {
        "ECS",
        "BaseServer",
        "Lifecycle",
        "Refused",
        "Server",
        "Status",
        "TaskState",
        "VmState",
    }
    assert set(ecs_fsm.__all__) >= needed
    assert [name for name in ecs_fsm.__all__ if not hasattr(ecs_fsm, name)] == []
    of_a_table = {"Fact", "Guard", "Kind", "Rows", "Surprise", "Table", "Tone", "Word"}
    assert set(lifecycles.__all__) >= of_a_table


# The built-in lifecycles declare the same four classes, each with its own words: a user imports
# them from `ecs_fsm.ecs` or `ecs_fsm.nova`, and exchanges one lifecycle for the other by that.
OF_EVERY_LIFECYCLE = {"Server", "Status", "TaskState", "VmState"}
# Under a service a module is named for what it holds.
SAME_IN_EVERY_ROOM = {
    "__init__",
    "kinds",
    "report",
    "routes",
    "schemas",
    "server",
    "table",
    "views",
}
# Tables, and what is generated from them, are as long as the lifecycles are.
MAY_BE_LONG = re.compile(r"lifecycles/\w+/(table|server)\.py$")


def classes() -> dict[str, list[tuple[Path, set[str]]]]:
    """Every class by name: where it is defined, and the names of its bases."""
    found: dict[str, list[tuple[Path, set[str]]]] = defaultdict(list)
    for name, path in MODULES.items():
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                found[node.name].append((path, bases))
    return found


def test_no_two_classes_share_a_name_unless_one_extends_the_other() -> None:
    shared = {}
    for name, places in classes().items():
        own = [path for path, bases in places if name not in bases]
        if name in OF_EVERY_LIFECYCLE:
            own = [path for path in own if "lifecycles" not in path.parts]
        if len(own) > 1:
            shared[name] = [str(path.relative_to(SOURCE)) for path in own]
    assert shared == {}


def test_no_two_modules_share_a_name_unless_every_room_has_one() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in LINES:
        places[path.stem].append(str(path.relative_to(SOURCE)))
    assert {
        name: paths
        for name, paths in places.items()
        if len(paths) > 1 and name not in SAME_IN_EVERY_ROOM
    } == {}


def test_files_are_few_and_of_a_size_to_read() -> None:
    assert 140 <= len(LINES) <= 345
    assert sum(LINES.values()) / len(LINES) >= 140
    assert {
        str(path.relative_to(SOURCE)): lines
        for path, lines in LINES.items()
        if lines > 350 and not MAY_BE_LONG.search(path.as_posix())
    } == {}


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (r"\b(told|tell|tells)\b", 120),
        (r"\b(nobody|somebody|whoever)\b", 25),
        (r"\bis no \w+", 12),
    ],
    ids=["told", "nobody", "is no"],
)
def test_the_package_is_written_in_plain_english(words: str, most: int) -> None:
    assert sum(len(re.findall(words, text, re.IGNORECASE)) for text in TEXTS.values()) <= most
