"""How Sphinx builds the documentation: `make docs`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ecs_fsm.analysis import claimfile
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.shape import Schema, schema
from ecs_fsm.profiles import profile_keys
from ecs_fsm.serve.cloud import catalog
from ecs_fsm.teach import lesson
from ecs_fsm.version import __version__
from ecs_fsm.waiters import waiter_file

project = "ecs_fsm"
author = "The ecs_fsm authors"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
html_theme = "furo"
html_title = f"ecs_fsm {release}"
html_show_copyright = False
exclude_patterns = ["_build"]
myst_heading_anchors = 3
html_extra_path = ["../diagrams/lifecycle.html"]
PLAYED = {"check", "cover", "draw", "explain", "infer", "path", "prove", "quiz", "simulate"}
FILE = re.compile(r"\.(csv|jsonl?|py|toml)\b|[|>]")
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
default_role = "code"


class Table(SphinxDirective):
    """A table of rows that come from the package itself."""

    columns: tuple[str, ...]

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield the cells of each row."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        lines = [self.columns, ("---",) * len(self.columns), *self.rows()]
        shown = [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
        return cast(list[nodes.Node], self.parse_text_to_nodes("\n".join(shown)))


class ControlRoutes(Table):
    """The routes of the control interface, from its OpenAPI document."""

    columns = ("request", "what it does")

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a row for each route."""
        from ecs_fsm.serve.app import document

        paths: Mapping[str, Mapping[str, Any]] = document()["paths"]
        for path, methods in paths.items():
            if path.startswith("/_ecs"):
                for method, route in methods.items():
                    yield f"`{method.upper()} {path}`", route.get("description", route["summary"])


class FileKeys(Table):
    """The keys of a kind of file, as its reader knows them."""

    required_arguments = 1
    kinds: Mapping[str, tuple[str, ...]] = {
        "waiter": ("key", "meaning"),
        "claim": ("kind", "keys", "states that"),
        "lesson": ("key", "in", "meaning"),
        "profile": ("key", "in", "meaning", "unit", "example"),
        "catalog": ("key", "in", "meaning"),
        "lifecycle": ("key", "meaning"),
    }

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """The columns of that kind."""
        return self.kinds[self.arguments[0]]

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a row for each key."""
        kind = self.arguments[0]
        if kind == "waiter":
            yield from ((f"`{key}`", meaning) for key, meaning in waiter_file.KEYS.items())
        elif kind == "claim":
            for name, (keys, states) in claimfile.KINDS.items():
                yield f"`{name}`", ", ".join(f"`{key}`" for key in keys), states
        elif kind == "lesson":
            for table, keys in lesson.KEYS.items():
                where = f"`[[{table}]]`" if table else ""
                yield from ((f"`{key}`", where, meaning) for key, meaning in keys.items())
        elif kind == "catalog":
            for table, rules in catalog.KEYS.items():
                where = f"`[[{table}]]`" if table else ""
                yield from ((f"`{key}`", where, rule["means"]) for key, rule in rules.items())
        elif kind == "profile":
            for row in profile_keys.KEYS:
                where = re.sub(r"(\[[^]]*\]|\bevery\b)", r"`\1`", row.table)
                yield f"`{row.name}`", where, row.meaning, row.unit, f"`{row.example}`"
        else:
            for key, part in cast(Mapping[str, Schema], schema()["properties"]).items():
                yield f"`{key}`", str(part.get("description", ""))


class Surprises(SphinxDirective):
    """The surprises of a lifecycle."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return them as a list."""
        surprises = server_class(self.arguments[0]).lifecycle.table.surprises
        found = "\n".join(f"- {one.text}" for one in surprises)
        return cast(list[nodes.Node], self.parse_text_to_nodes(found))


def escape(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Take the help of a command as plain text: signs in it mean themselves, but for backticks."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith(".. "):
            start = "| " if line.startswith("| ") else ""
            parts = line.removeprefix(start).split("`")
            parts[::2] = [re.sub(r"([*_|\\])", r"\\\1", part) for part in parts[::2]]
            lines[number] = start + "`".join(parts)


def playable(block: nodes.literal_block) -> str:
    """Return the command that a block of a terminal shows, "" for one that needs files or more."""
    lines = [line for line in block.astext().splitlines() if line.startswith("$ ")]
    command = lines[0].removeprefix("$ ecs-fsm ") if len(lines) == 1 else ""
    words = re.sub(r"-o \S+", "", command).split()
    return command if words[:1] and words[0] in PLAYED and not FILE.search(command) else ""


def offer_playground(app: Sphinx, doctree: nodes.document) -> None:
    """Let a reader of a tutorial run its commands in the playground."""
    if not app.env.docname.startswith("tutorials/"):
        return
    for block in list(doctree.findall(nodes.literal_block)):
        if command := playable(block):
            address = f"../playground/index.html#command={quote(command)}"
            link = nodes.reference("", "Run this in the playground", refuri=address)
            at = block.parent.index(block) + 1
            block.parent.insert(at, nodes.paragraph("", "", link))


def setup(app: Sphinx) -> None:
    """Name the directives of this file, and what commands are read with."""
    for part in ("description", "options", "arguments", "epilog"):
        app.connect(f"sphinx-click-process-{part}", escape)
    app.connect("doctree-read", offer_playground)
    app.add_directive("control-routes", ControlRoutes)
    app.add_directive("file-keys", FileKeys)
    app.add_directive("surprises", Surprises)
