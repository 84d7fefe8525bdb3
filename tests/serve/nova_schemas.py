"""Writes what Nova's own request schemas say, by path and microversion, as data of the service.

`python -m tests.serve.nova_schemas DIRECTORY`, where DIRECTORY has an unpacked wheel of `nova`
(`pip download --no-deps nova`). The modules of schemas are imported, with stand-ins for all that
they import beside each other; controllers and routes are only parsed.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import json
import re
import sys
import types
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "ecs_fsm/serve/compute/nova_schemas.json"
COMPUTE = "nova.api.openstack.compute"
MANY = 24
"""Values above which Nova makes a list from a set, whose order differs each time."""
LONG = 100
"""Characters from which a pattern is written once."""
CONSTANTS = {"MAX_TAG_LENGTH": 60, "MAX_TAG_COUNT": 50}
"""Those of nova.objects that request schemas use."""
REAL = ("nova.api.validation.parameter_types", "nova.api.validation.response_types")


class StandIn(types.ModuleType):
    """A module whose names are made up: functions return their argument."""

    def __getattr__(self, name: str) -> Any:
        """Return a name that the real module has."""
        inside = Path(self.__path__[0], name)
        if name.startswith("__") or inside.is_dir() or inside.with_suffix(".py").is_file():
            raise AttributeError(name)
        return str if self.__name__ == "nova.i18n" else CONSTANTS.get(name, [])


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds every module that is neither a schema nor a parameter type, and makes it up."""

    def find_spec(self, name: str, path: object, target: object = None) -> Any:
        """Return a made-up module of nova or oslo."""
        if not re.match(r"(nova|oslo\w*)(\.|$)", name):
            return None
        if name in REAL or name.startswith(f"{COMPUTE}.schemas."):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """Return a module whose names are made up."""
        made = StandIn(spec.name)
        made.__path__ = [str(Path(sys.path[0], *spec.name.split(".")))]
        return made

    def exec_module(self, module: types.ModuleType) -> None:
        """Do nothing."""


def routes(folder: Path) -> Iterator[tuple[str, str, list[str], str]]:
    """Yield path, method, controller classes and function of each route."""
    tree = ast.parse((folder / "routes.py").read_text())
    controllers: dict[str, list[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            name = ast.unparse(node.targets[0])
            controllers[name] = re.findall(r"\w+\.\w+Controller\w*", ast.unparse(node.value))
    listed = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ROUTE_LIST"
    )
    for row in listed.elts:  # type: ignore[attr-defined]
        path, methods = row.elts
        if not isinstance(methods, ast.Dict):
            continue
        for method, found in zip(methods.keys, methods.values, strict=True):
            if isinstance(found, ast.List):
                controller, function = found.elts
                names = controllers.get(ast.unparse(controller), [])
                yield path.value, method.value, names, function.value  # type: ignore[union-attr,attr-defined]


def functions(folder: Path, controller: str) -> Iterator[ast.FunctionDef]:
    """Yield the functions of a controller."""
    module, name = controller.split(".")
    for node in ast.parse((folder / f"{module}.py").read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            yield from (each for each in node.body if isinstance(each, ast.FunctionDef))


def decorated(function: ast.FunctionDef, name: str) -> Iterator[list[str]]:
    """Yield the arguments of each decorator of that name."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == name:
            words = [*decorator.args, *(keyword.value for keyword in decorator.keywords)]
            yield [ast.unparse(word).strip("'") for word in words]


class Collected:
    """The schemas, each once, and where they apply."""

    def __init__(self) -> None:
        self.schemas: list[Any] = []
        self.patterns: list[str] = []
        self.bodies: dict[str, list[list[int]]] = {}
        self.queries: dict[str, list[list[int]]] = {}

    def add(self, place: str, folder: Path, controller: str, function: ast.FunctionDef) -> None:
        """Add the schemas of a function."""
        source = (folder / f"{controller.split('.', maxsplit=1)[0]}.py").read_text()
        for kind, rows in (("schema", self.bodies), ("query_schema", self.queries)):
            for words in decorated(function, f"validation.{kind}"):
                alias, attribute = words[0].split(".")
                named = re.search(rf"schemas import (\w+) as {alias}\b", source)
                module = importlib.import_module(
                    f"{COMPUTE}.schemas.{named[1] if named else alias}"
                )
                first, last = (int(w.partition(".")[2]) for w in [*words[1:], "2.1", "2.9999"][:2])
                if len(words) == 2:
                    last = 9999
                if last >= 1:
                    number = self.number(self.short(getattr(module, attribute)))
                    rows.setdefault(place, []).append([max(first, 1), last, number])

    def number(self, schema: Any) -> int:
        """Return the number of a schema."""
        if schema not in self.schemas:
            self.schemas.append(schema)
        return self.schemas.index(schema)

    def short(self, schema: Any) -> Any:
        """Return the schema as JSON whose long patterns are references."""
        if isinstance(schema, dict):
            return {
                key: self.short(sorted(value) if key == "enum" and len(value) > MANY else value)
                for key, value in schema.items()
            }
        if isinstance(schema, list | tuple):
            return [self.short(value) for value in schema]
        if isinstance(schema, str) and len(schema) > LONG:
            if schema not in self.patterns:
                self.patterns.append(schema)
            return {"$long": self.patterns.index(schema)}
        return schema


def main(directory: str) -> None:
    """Write the data."""
    sys.path.insert(0, directory)
    sys.meta_path.insert(0, StandIns())
    folder = Path(directory, *COMPUTE.split("."))
    found = Collected()
    for path, method, controllers, wanted in routes(folder):
        for controller in controllers if wanted == "action" else controllers[:1]:
            for function in functions(folder, controller):
                if function.name == wanted:
                    found.add(f"{method} {path}", folder, controller, function)
                for action, *_ in decorated(function, "wsgi.action"):
                    if wanted == "action":
                        found.add(f"{method} {path} {action}", folder, controller, function)
    types_ = importlib.import_module(REAL[0])
    names = {
        "name_with_leading_trailing_spaces": types_.valid_name_leading_trailing_spaces_regex,
        "name": types_.valid_name_regex,
        "az_name_with_leading_trailing_spaces": types_.valid_az_name_leading_trailing_spaces_regex,
        "az_name": types_.valid_az_name_regex,
    }
    version = next(Path(directory).glob("nova-*.dist-info")).name[5:-10]
    document = {
        "nova": version,
        "generated": f"{datetime.now(UTC):%Y-%m-%d}",
        "names": {key: [found.short(value.regex), value.reason] for key, value in names.items()},
        "bodies": found.bodies,
        "queries": found.queries,
        "schemas": found.schemas,
        "long": found.patterns,
    }
    rows = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
    TARGET.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1])
