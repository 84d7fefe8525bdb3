"""The package as a whole: its imports, its generated module, and what a user's tools see of it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import ecs_fsm
from ecs_fsm import ECS, Lifecycle
from ecs_fsm.generate import server_module
from ecs_fsm.nova import NOVA

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "ecs_fsm"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}

# Each layer imports from those before it. What is not listed comes last: such modules may import
# all of these, and one another as long as that does not go round.
LAYERS = (
    ("ecs_fsm.model", "ecs_fsm.version"),
    ("ecs_fsm.errors",),
    ("ecs_fsm.notation", "ecs_fsm.refusal", "ecs_fsm.text"),
    ("ecs_fsm.soundness", "ecs_fsm.memory"),
    ("ecs_fsm.reading",),
    ("ecs_fsm.rules",),
    ("ecs_fsm.lifecycle",),
    ("ecs_fsm.history",),
    ("ecs_fsm.machine", "ecs_fsm.ecs.table", "ecs_fsm.nova.table"),
    ("ecs_fsm.server",),
    ("ecs_fsm.ecs.server", "ecs_fsm.nova.server"),
    ("ecs_fsm.ecs", "ecs_fsm.nova"),
    ("ecs_fsm",),
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
LAST = len(LAYERS)
# A lifecycle makes its machine when it is first asked for it; what a notebook shows is drawn when it
# asks.
AGAINST_THE_LAYERS = {
    ("ecs_fsm.lifecycle", "ecs_fsm.machine"),
    ("ecs_fsm.history", "ecs_fsm.notebook"),
    ("ecs_fsm.server", "ecs_fsm.notebook"),
}
# Words of a table that mean something else there: a parameter of a command, or a key, a service and
# a type of the APIs.
OTHER_MEANINGS = {
    ("ecs_fsm.cli.options", "start"),
    ("ecs_fsm.serve.api.control", "error"),
    ("ecs_fsm.serve.api.document", "error"),
    ("ecs_fsm.serve.api.errors", "error"),
    ("ecs_fsm.serve.api.errors", "network"),
    ("ecs_fsm.serve.api.filters", "locked"),
    ("ecs_fsm.serve.api.imagechanges", "delete"),
    ("ecs_fsm.serve.api.imagechanges", "upload"),
    ("ecs_fsm.serve.api.listing", "deleted"),
    ("ecs_fsm.serve.api.networkshapes", "end"),
    ("ecs_fsm.serve.api.networkshapes", "start"),
    ("ecs_fsm.serve.api.reports", "driver"),
    ("ecs_fsm.serve.api.results", "backup"),
    ("ecs_fsm.serve.api.shapes", "locked"),
    ("ecs_fsm.serve.api.tokenbody", "network"),
    ("ecs_fsm.serve.imagestore", "active"),
}


def for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(node: ast.AST, in_function: bool = False) -> Iterator[tuple[str, bool]]:
    """The modules of the package that are imported, and whether only when a function runs."""
    for child in ast.iter_child_nodes(node):
        if for_types_only(child):
            continue
        if isinstance(child, ast.ImportFrom):
            assert child.level == 0
            for alias in child.names:
                module = f"{child.module}.{alias.name}"
                yield (module if module in MODULES else str(child.module)), in_function
        elif isinstance(child, ast.Import):
            yield from ((alias.name, in_function) for alias in child.names)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(child, in_function or is_function)


def imported(name: str) -> list[tuple[str, bool]]:
    return [found for found in imports(TREES[name]) if found[0] in MODULES]


def literals(tree: ast.Module) -> Iterator[ast.Constant]:
    """The literals of a module, without what documents it."""
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in documents:
            yield node


def test_every_layer_names_modules_that_exist() -> None:
    assert [name for name in LAYER if name not in MODULES] == []


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name: str) -> None:
    own = LAYER.get(name, LAST)
    for other, in_function in imported(name):
        if in_function and (name, other) in AGAINST_THE_LAYERS:
            continue
        assert LAYER.get(other, LAST) < own or own == LAST, f"{name} imports {other}"


def test_modules_of_the_last_layer_do_not_import_in_a_circle() -> None:
    graph = {
        name: [other for other, _ in imported(name) if other not in LAYER]
        for name in MODULES
        if name not in LAYER
    }
    assert set(TopologicalSorter(graph).static_order()) == set(graph)


def test_every_exception_to_the_layers_is_needed() -> None:
    used = {(name, other) for name in MODULES for other, _ in imported(name)}
    assert used >= AGAINST_THE_LAYERS


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_the_generated_module_is_fresh(lifecycle: Lifecycle) -> None:
    written = MODULES[f"ecs_fsm.{lifecycle.name}.server"].read_text(encoding="utf-8")
    assert written == server_module(lifecycle, f"ecs_fsm.{lifecycle.name}")


OF_A_LIFECYCLE = re.compile(r"ecs_fsm\.(ecs|nova)\.(table|server)")


@pytest.mark.parametrize("name", [n for n in MODULES if not OF_A_LIFECYCLE.fullmatch(n)])
def test_no_word_of_a_table_stands_outside_it(name: str) -> None:
    tables = [lifecycle.table for lifecycle in (ECS, NOVA)]
    words = {word for t in tables for word in (*t.vm_states, *t.task_states)}
    words |= {*ECS.triggers, *NOVA.triggers, *(fact.name for fact in NOVA.table.facts)}
    unmistakable = {*ECS.states, *NOVA.states, *(w for w in words if re.search("[-_]", w))}
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, unmistakable))})(?![\w-])")
    leaks = [
        f"line {literal.lineno}: {literal.value!r}"
        for literal in literals(TREES[name])
        if isinstance(literal.value, str)
        and (literal.value in words or pattern.search(literal.value))
        and (name, literal.value) not in OTHER_MEANINGS
    ]
    assert leaks == []


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
        name for name in shown if re.match(r"ecs_fsm\.(play|teach|draw|check|walk|fleet)\.", name)
    ] == []


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
    needed = {"ECS", "Lifecycle", "Refused", "Server", "Status", "TaskState", "VmState"}
    assert set(ecs_fsm.__all__) >= needed
    assert [name for name in ecs_fsm.__all__ if not hasattr(ecs_fsm, name)] == []


TYPED = """
from ecs_fsm import Server

server = Server.at("active")
reveal_type(server)
reveal_type(server.stop())
reveal_type(server.vm_state)
reveal_type(server.task_state)
reveal_type(server.status)
reveal_type(server.history[0].event)
server.stopp()
server.status = "ACTIVE"
"""


def test_a_type_checker_sees_methods_and_words(tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(TYPED, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(snippet)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    said = [line.partition(":")[2] for line in done.stdout.replace("builtins.", "").splitlines()]
    assert [line for line in said if "Revealed" in line] == [
        '5: note: Revealed type is "ecs_fsm.ecs.server.Server"',
        '6: note: Revealed type is "bool"',
        '7: note: Revealed type is "ecs_fsm.ecs.table.VmState"',
        '8: note: Revealed type is "ecs_fsm.ecs.table.TaskState | None"',
        '9: note: Revealed type is "ecs_fsm.ecs.table.Status"',
        '10: note: Revealed type is "str | None"',
    ]
    errors = "\n".join(line for line in said if " error: " in line)
    assert '11: error: "Server" has no attribute "stopp"; maybe "stop"?' in errors
    assert '12: error: Property "status" defined in "Server" is read-only' in errors
    assert {line.split(":")[0] for line in errors.splitlines()} == {"11", "12"}
