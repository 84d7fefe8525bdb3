"""What a wheel leaves out, so that it weighs less than 1 MB: comments and docstrings of internals.

Public modules (`ecs_fsm/__init__.py` says which) keep their docstrings, and so do those whose
docstrings are shown. In internal ones only a class keeps its first line, or dataclasses would write
longer ones. All code keeps its line, so a traceback fits the source. Source distributions and
installations for development (`pip install --editable`) have the files as they are.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PUBLIC = (
    "ecs_fsm/__init__.py",
    "ecs_fsm/core/errors.py",
    "ecs_fsm/core/events.py",
    "ecs_fsm/core/history.py",
    "ecs_fsm/core/lifecycle.py",
    "ecs_fsm/core/machine.py",
    "ecs_fsm/core/machine_model.py",
    "ecs_fsm/core/model.py",
    "ecs_fsm/core/outcomes.py",
    "ecs_fsm/core/rules.py",
    "ecs_fsm/core/word.py",
    "ecs_fsm/draw/__init__.py",
    "ecs_fsm/draw/formats/",
    "ecs_fsm/draw/graph_machine.py",
    "ecs_fsm/draw/picture.py",
    "ecs_fsm/draw/styles.py",
    "ecs_fsm/draw/views/",
    "ecs_fsm/ecs/",
    "ecs_fsm/fleet/__init__.py",
    "ecs_fsm/fleet/simulation.py",
    "ecs_fsm/lifecycles/",
    "ecs_fsm/nova/",
    "ecs_fsm/profiles/loader.py",
    "ecs_fsm/testing/",
)
SHOWN = ("ecs_fsm/cli/", "ecs_fsm/serve/control/")
"""Docstrings here are the help of commands, and the document of the control interface."""
COMMENT = re.compile(r"^ *(//.*|/\*(?s:.*?)\*/ *)\n", re.MULTILINE)
"""A comment of a script or a style that has its lines to itself."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def slimmed(source: str, *, internal: bool) -> str:
    """Return a module without comments and docstrings, each line at its place."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Module)) and len(node.body) > 1:
            private = isinstance(node, FUNCTIONS) and node.name.startswith("_")
            if (internal and not _is_route(node)) or private:
                _slim(node, lines)
    return "".join(f"{line}\n" for line in lines)


def _is_route(node: ast.AST) -> bool:
    """Whether a decorator registers a function; the document of the API has its docstring."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return isinstance(node, FUNCTIONS) and any(isinstance(d, ast.Call) for d in decorators)


def _slim(node: ast.AST, lines: list[str]) -> None:
    body: list[ast.stmt] = getattr(node, "body", [])
    for place, part in enumerate(body):
        text = getattr(part, "value", None)
        if not (isinstance(part, ast.Expr) and isinstance(text, ast.Constant)):
            continue
        if not isinstance(text.value, str):
            continue
        first, last = part.lineno - 1, part.end_lineno or part.lineno
        if place == 0 and isinstance(node, ast.ClassDef):
            first += 1
            if first < last:
                lines[first - 1] += '"""'
        lines[first:last] = [""] * (last - first)


class Slim(build_py):
    """Copies files into a wheel, without what developers alone read."""

    def copy_file(self, infile, outfile, *settings, **more) -> tuple[str, bool]:
        """Copy a file of the package."""
        written, copied = super().copy_file(infile, outfile, *settings, **more)
        source = Path(infile)
        if copied and not self.editable_mode and source.suffix in (".py", ".js", ".css"):
            text = source.read_text(encoding="utf-8")
            if source.suffix == ".py":
                public = source.as_posix().startswith((*PUBLIC, *SHOWN))
                text = slimmed(text, internal=not public)
            else:
                text = COMMENT.sub("", text)
            Path(written).write_text(text, encoding="utf-8")
        return written, copied


setup(cmdclass={"build_py": Slim})
