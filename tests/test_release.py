"""A release: the wheel and the source distribution hold what they should and nothing else."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import CodeType

import pytest
import yaml

pytestmark = pytest.mark.programs
ROOT = Path(__file__).parents[1]
MOST_BYTES = 1_000_000
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.d.ts")
"""What Python compiles, and types of scripts, which only the checker reads."""
READ = """
import importlib, inspect, json
import click
from ecs_fsm.cli import cli
from ecs_fsm.serve.app import document

def helps(command, context):
    yield command.get_help(context)
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        inner = command.get_command(context, name)
        yield from helps(inner, click.Context(inner, info_name=name, parent=context))

def docs(value):
    yield inspect.getdoc(value)
    if isinstance(value, type):
        yield from (inspect.getdoc(getattr(value, n)) for n in dir(value) if n[0] != "_")

rooms = ["ecs_fsm", *(f"ecs_fsm.{room}" for room in ROOMS)]
modules = [importlib.import_module(name) for name in rooms]
public = [getattr(module, name) for module in modules for name in getattr(module, "__all__", vars(module))]
found = [d for value in [*modules, *public] for d in docs(value)]
print(json.dumps([*helps(cli, click.Context(cli, info_name="ecs-fsm")), *found, document()]))
"""
"""Prints what a reader can read: help, docstrings of what is public, the document of the API."""
AT_ONCE = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
ROOMS = ("ecs", "nova", "lifecycles", "draw", "draw.graph_machine", "fleet", "testing")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and a source distribution of the present files."""
    clean, folder = tmp_path_factory.mktemp("clean"), tmp_path_factory.mktemp("release")
    shutil.copytree(ROOT / "ecs_fsm", clean / "ecs_fsm", ignore=NOT_SHIPPED)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clean)
    where = {"GITHUB_SERVER_URL": "https://git.example", "GITHUB_REPOSITORY": "owner/project"}
    environment = {**os.environ, **where}
    subprocess.run(["/bin/sh", "-c", naming()], check=True, cwd=clean, env=environment)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(clean)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def naming() -> str:
    """The step of the release that writes where the repository is."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(text)["jobs"]["build"]["steps"]
    (found,) = (step["run"] for step in steps if "GITHUB_REPOSITORY" in step.get("run", ""))
    return str(found)


def packaged() -> set[str]:
    """The files of the package as they stand in the repository."""
    files = [path for path in (ROOT / "ecs_fsm").rglob("*") if path.is_file()]
    kept = [f for f in files if "__pycache__" not in f.parts and not f.name.endswith(".d.ts")]
    return {str(file.relative_to(ROOT)) for file in kept}


def test_the_wheel_holds_the_package_its_licence_and_nothing_else(release: Path) -> None:
    (wheel,) = release.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (about,) = (archive.read(n).decode() for n in names if n.endswith(".dist-info/METADATA"))
    assert {name for name in names if ".dist-info/" not in name} == packaged()
    assert "ecs_fsm/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert wheel.stat().st_size <= MOST_BYTES
    assert "Project-URL: Source, https://git.example/owner/project\n" in about
    assert "Project-URL: Issues, https://git.example/owner/project/issues\n" in about


def code(path: Path) -> CodeType:
    """What Python makes of a module, with its lines, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body: object = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [each for each in body if not is_text(each)] or [ast.Pass(**AT_ONCE)]
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.end_lineno, node.end_col_offset = node.lineno, node.col_offset
    return compile(tree, path.name, "exec", dont_inherit=True)


def is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def test_the_wheel_has_all_code_at_its_lines_and_every_text_that_is_read(
    release: Path, tmp_path: Path
) -> None:
    (wheel,) = release.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)  # noqa: S202 our own
    for path in sorted((ROOT / "ecs_fsm").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        assert code(path) == code(tmp_path / name), name
    ours, theirs = (
        subprocess.run(
            [sys.executable, "-c", READ.replace("ROOMS", repr(ROOMS))],
            check=True,
            capture_output=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
        ).stdout
        for folder in (ROOT, tmp_path)
    )
    assert ours == theirs


def test_the_source_distribution_holds_the_package(release: Path) -> None:
    (source,) = release.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert packaged() | {"LICENSE", "README.md", "pyproject.toml", "setup.py"} <= names


def test_the_index_would_take_them(release: Path) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, release.iterdir())]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
