"""Names and values in Python source, as far as they can be read without running it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef


def dotted(node: ast.AST | None) -> str:
    """Return a chain of attributes as it is written (`self.client.servers.get`), calls left out."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{dotted(node.value)}.{node.attr}"
        case ast.Call():
            return dotted(node.func)
        case ast.Subscript() | ast.Await():
            return dotted(node.value)
    return ""


def last_name(node: ast.AST) -> str:
    """Return the name at the end of a chain of attributes, an empty text if there is none."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def key_of(node: ast.AST | None) -> str:
    """Return the key by which an expression names a server: `server` for `server["id"]`."""
    match node:
        case ast.Name():
            return bare(node.id)
        case ast.Attribute() if node.attr in ("id", "uuid", "name"):
            return key_of(node.value)
        case ast.Attribute():
            owner = key_of(node.value)
            return f"{owner}.{bare(node.attr)}" if owner else bare(node.attr)
        case ast.Subscript() | ast.Await():
            return key_of(node.value)
        case ast.Constant() if isinstance(node.value, str):
            return node.value
        case ast.Call() if node.args:
            return key_of(node.args[0])
    return ""


def bare(name: str) -> str:
    """Return a name without the ending that says which of a server's names it is."""
    for ending in ("_id", "_uuid", "_name", "_or_id"):
        name = name.removesuffix(ending)
    return name


@dataclass
class PythonScope:
    """The names that a function sees, with the values that are assigned to them once."""

    values: dict[str, ast.expr | None] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    parent: PythonScope | None = None
    every: dict[str, list[ast.expr]] = field(default_factory=dict)
    added: dict[str, list[ast.expr]] = field(default_factory=dict)
    defaulted: set[str] = field(default_factory=set)
    bound: dict[str, tuple[ast.expr, PythonScope]] = field(default_factory=dict)
    outside: Callable[[str], tuple[str, ...] | None] | None = None
    """What a name of another module of the project holds, for the scope of a module."""

    def inside(self, function: Function) -> PythonScope:
        """Return the scope of a function that is defined in this one."""
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        names = tuple(argument.arg for argument in every)
        scope = PythonScope(parameters=tuple(map(bare, names)), written=names, parent=self)
        named = [*arguments.posonlyargs, *arguments.args]
        defaults = dict(zip(reversed(named), reversed(arguments.defaults), strict=False))
        defaults |= {
            a: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d
        }
        scope.values = {a.arg: defaults.get(a) for a in every}
        scope.defaulted = {a.arg for a in defaults}
        for statement in function.body:
            scope._assign(statement)
        return scope

    @contextmanager
    def where(self, test: ast.expr | None) -> Iterator[None]:
        """Know within a branch what its condition says of a name: `state == "PAUSED"`."""
        known = dict(self.bound)
        match test:
            case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[value]):
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    self.bound[name] = (value, self)
        try:
            yield
        finally:
            self.bound = known

    def outer(self) -> PythonScope:
        """Return the module's scope."""
        scope: PythonScope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def _assign(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                        for name, value in zip(target.elts, node.value.elts, strict=False):
                            self._note(name, value)
                    else:
                        self._note(target, node.value)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                self._note(node.target, node.value)

    def _note(self, target: ast.expr, value: ast.expr) -> None:
        name = dotted(target)
        if name and not isinstance(target, ast.Subscript):
            self.every.setdefault(name, []).append(value)
            known = self.values.get(name)
            same = known is not None and ast.dump(known) == ast.dump(value)
            self.values[name] = value if name not in self.values or same else self._newer(value)

    @staticmethod
    def _newer(value: ast.expr) -> ast.expr | None:
        """Return what is known of a name that is assigned again: a call shows what it holds."""
        return value if isinstance(value, ast.Call | ast.Subscript | ast.Attribute) else None

    def value_of(self, name: str) -> ast.expr | None:
        """Return the expression that a name was assigned, None where it is not known."""
        if name in self.values:
            return self.values[name]
        return self.parent.value_of(name) if self.parent else None

    def choices(self, node: ast.AST | None) -> list[tuple[str, ...]] | None:
        """Return every list of texts that an expression can hold, None where they are not known.

        A name that branches assign different lists, or that one branch appends to, has several.
        """
        if isinstance(node, ast.Name) and node.id in self.every and node.id not in self.bound:
            lists = [self.strings(value) for value in self.every[node.id]]
            added = [self.strings(value) for value in self.added.get(node.id, [])]
            if any(found is None for found in (*lists, *added)):
                return None
            found = [texts for texts in lists if texts is not None]
            extra = tuple(text for texts in added if texts for text in texts)
            longer = [(*texts, *extra) for texts in found] if extra else []
            return list(dict.fromkeys([*found, *longer]))
        if isinstance(node, ast.IfExp):
            one, other = self.choices(node.body), self.choices(node.orelse)
            return None if one is None or other is None else list(dict.fromkeys([*one, *other]))
        texts = self.strings(node)
        return None if texts is None else [texts]

    def parameter(self, node: ast.AST | None) -> str | None:
        """Return the parameter that an expression is, None if it is another thing."""
        while isinstance(node, ast.Call | ast.List | ast.Tuple | ast.Set):
            if isinstance(node, ast.Call):
                node = node.func.value if isinstance(node.func, ast.Attribute) else None
            else:
                node = node.elts[0] if len(node.elts) == 1 else None
        if not isinstance(node, ast.Name):
            return None
        if node.id in self.written and node.id not in self.every:
            return node.id
        every = self.every.get(node.id, [])
        if len(every) == 1 and every[0] is not node:
            inner = self.parameter(every[0])
            return inner if inner != node.id or node.id in self.written else None
        return None

    def strings(self, node: ast.AST | None, depth: int = 0) -> tuple[str, ...] | None:
        """Return the texts that an expression holds, None where they are not known."""
        if node is None or depth > 8:
            return None
        match node:
            case ast.Constant():
                if isinstance(node.value, str):
                    return (node.value,)
                return ("none",) if node.value is None else None
            case ast.Starred():
                return self.strings(node.value, depth + 1)
            case ast.List() | ast.Tuple() | ast.Set():
                found = [self.strings(part, depth + 1) for part in node.elts]
                if any(part is None for part in found):
                    return None
                return tuple(text for part in found for text in part or ())
            case ast.BinOp(op=ast.Add()):
                left, right = (
                    self.strings(node.left, depth + 1),
                    self.strings(node.right, depth + 1),
                )
                return None if left is None or right is None else left + right
            case ast.Call(func=ast.Attribute(attr="lower" | "upper" | "strip", value=inner)):
                return self.strings(inner, depth + 1)
            case ast.Call(func=ast.Name(id="set" | "frozenset" | "tuple" | "list")) if node.args:
                return self.strings(node.args[0], depth + 1)
            case ast.Name():
                if node.id in self.bound:
                    given, scope = self.bound[node.id]
                    return scope.strings(given, depth + 1)
                value = self.value_of(node.id)
                if value is None or value is node:
                    return None if node.id in self.written else self._outside(node)
                return self.strings(value, depth + 1)
            case ast.Attribute():
                return self._constant(node, depth)
        return None

    def _constant(self, node: ast.Attribute, depth: int) -> tuple[str, ...] | None:
        value = self.value_of(dotted(node))
        if value is None and isinstance(node.value, ast.Name):
            value = self.outer().values.get(node.attr)
        return self._outside(node) if value is None else self.strings(value, depth + 1)

    def _outside(self, node: ast.expr) -> tuple[str, ...] | None:
        look_up = self.outer().outside
        return None if look_up is None else look_up(dotted(node))


def module_scope(tree: ast.Module) -> PythonScope:
    """Return the scope of a module: its constants, and those of its classes by their bare names."""
    scope = PythonScope()
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            for part in statement.body:
                if isinstance(part, ast.Assign | ast.AnnAssign):
                    scope._assign(part)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            scope._assign(statement)
    return scope


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Return what the names that a file imports stand for: `{"consts": "fleet.common.consts"}`."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


class PythonModules:
    """The modules of a project by their paths; one is parsed when a name of it is needed."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self._texts = texts
        self._files: dict[str, list[str]] = {}
        for file in texts:
            self._files.setdefault(file.rpartition("/")[2], []).append(file)
        self._scopes: dict[str, PythonScope] = {}

    def strings(self, chain: str) -> tuple[str, ...] | None:
        """Return the texts that a name holds, given with its module: `fleet.consts.RUNNING`."""
        module, _, name = chain.rpartition(".")
        file = self._file(module.split("."))
        value = None if file is None else self._scope(file).values.get(name)
        return None if file is None or value is None else self._scope(file).strings(value)

    def _file(self, parts: list[str]) -> str | None:
        """Return the file of a module: the path that has most of the module's parts at its end."""
        ends = "/" + "/".join(parts) + ".py"
        for file in self._files.get(f"{parts[-1]}.py", ()):
            if ends.endswith(f"/{file}") or f"/{file}".endswith(ends):
                return file
        return None

    def _scope(self, file: str) -> PythonScope:
        if file not in self._scopes:
            try:
                self._scopes[file] = module_scope(ast.parse(self._texts[file]))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self._scopes[file] = PythonScope()
        return self._scopes[file]


class Arguments:
    """The arguments of a call, by name or place."""

    def __init__(self, call: ast.Call, scope: PythonScope) -> None:
        self._scope = scope
        self._positional = call.args
        self._named = {k.arg: k.value for k in call.keywords if k.arg}

    def get(self, name: str, place: int) -> ast.expr | None:
        """Return the argument of that name, or at that place."""
        if name in self._named:
            return self._named[name]
        if place < len(self._positional):
            found = self._positional[place]
            return None if isinstance(found, ast.Starred) else found
        return None

    def text(self, name: str, place: int = 1_000) -> str:
        """Return an argument as it is written, an empty text where it is absent."""
        value = self.get(name, place)
        return "" if value is None else ast.unparse(value)
