"""Go source as a syntax tree: names, calls and texts, as far as they can be read.

Parsed by tree-sitter, which needs no compiler and no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

DEPTH = 8
"""How many names in a row are followed to a value."""
FUNCTIONS = ("function_declaration", "method_declaration")


@cache
def _parser() -> Parser:
    import tree_sitter_go
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_go.language()))


def parse(text: bytes) -> Node:
    """Return the root of a file's syntax tree; what does not parse is an `ERROR` node in it."""
    return _parser().parse(text).root_node


def text_of(node: Node | None) -> str:
    """Return the source text of a node, an empty text for None."""
    return "" if node is None or node.text is None else node.text.decode("utf-8", "replace")


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it in the order of the source."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += reversed(here.named_children)


def literal(node: Node) -> str | None:
    """Return the value of a string literal, None for any other node."""
    if node.type in ("interpreted_string_literal", "raw_string_literal"):
        return text_of(node)[1:-1]
    return None


def called(call: Node) -> tuple[str, str]:
    """Return the receiver and the name of what a call calls: `("servers", "Get")`."""
    function = call.child_by_field_name("function")
    if function is None:
        return "", ""
    if function.type == "selector_expression":
        return (
            text_of(function.child_by_field_name("operand")),
            text_of(function.child_by_field_name("field")),
        )
    return "", text_of(function)


def arguments(call: Node) -> list[Node]:
    """Return the arguments of a call."""
    listed = call.child_by_field_name("arguments")
    return [] if listed is None else [n for n in listed.named_children if n.type != "comment"]


@dataclass
class GoScope:
    """Names with the nodes that they were assigned; those of a caller where one was substituted.

    `names` has every assignment of a name in the order of the source: which one counts depends on
    where the name is read. `constant` looks up a name of another package.
    """

    names: dict[str, list[Node]] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    bound: Mapping[str, tuple[Node, GoScope]] = field(default_factory=dict)
    parent: GoScope | None = None
    constant: Callable[[str, str], tuple[str, ...] | None] | None = None

    def find(self, name: str, at: Node | None = None) -> tuple[Node, GoScope] | None:
        """Return what a name was assigned and where that is to be read, None where unknown."""
        if name in self.bound:
            return self.bound[name]
        if name in self.names:
            return _visible(self.names[name], at), self
        return self.parent.find(name, at) if self.parent else None

    def is_parameter(self, name: str) -> bool:
        """Return whether a name is a parameter whose argument is not known here."""
        if name in self.bound or name in self.names:
            return False
        return name in self.parameters or (
            self.parent is not None and self.parent.is_parameter(name)
        )

    def declares(self, name: str) -> bool:
        """Return whether a name is a parameter, whether or not its argument is known."""
        return name in self.parameters or (self.parent is not None and self.parent.declares(name))

    def strings(self, node: Node, depth: int = 0) -> tuple[str, ...] | None:
        """Return the texts that an expression holds, None where they are not known."""
        if depth > DEPTH:
            return None
        text = literal(node)
        if text is not None:
            return (text,)
        match node.type:
            case "identifier":
                found = self.find(text_of(node), node)
                if found is None or found[0] == node:
                    return None
                return found[1].strings(found[0], depth + 1)
            case "selector_expression":
                return self._outside(node)
            case "composite_literal":
                body = node.child_by_field_name("body")
                return None if body is None else self._all(body.named_children, depth)
            case (
                "literal_element" | "parenthesized_expression" | "expression_list"
                | "variadic_argument"
            ):  # fmt: skip
                return self._all(node.named_children, depth)
            case "call_expression":
                given = arguments(node)
                converted = len(given) == 1 and called(node)[1] not in NOT_CONVERSIONS
                if converted or called(node) == ("", "append"):
                    return self._all(given, depth)
                if called(node) == ("strings", "TrimPrefix"):
                    words, prefix = (self.strings(part, depth + 1) or ("",) for part in given)
                    return tuple(word.removeprefix(prefix[0]) for word in words)
            case "nil":
                return ()
        return None

    def _outside(self, node: Node) -> tuple[str, ...] | None:
        """Return the texts of a constant of another package."""
        if self.constant is not None:
            operand, name = (node.child_by_field_name(part) for part in ("operand", "field"))
            return self.constant(text_of(operand), text_of(name))
        return None if self.parent is None else self.parent._outside(node)

    def choices(self, node: Node) -> list[tuple[str, ...]]:
        """Return the texts that an expression can hold, by the branches before it; none unknown."""
        name = text_of(node)
        values = []
        if node.type == "identifier" and name in self.names:
            first = None if name in self.bound else _enclosing(self.names[name], node)
            after = -1 if first is None else first.start_byte
            values = [v for v in self.names[name] if after <= v.start_byte < node.start_byte]
        if name in self.bound or not values:
            values.append(node)
        texts = [self.strings(value) for value in values]
        return [] if None in texts else list(dict.fromkeys(text for text in texts if text))

    def _all(self, nodes: list[Node], depth: int) -> tuple[str, ...] | None:
        found: list[str] = []
        for node in nodes:
            if node.type == "comment" or text_of(node) in ("[]string",):
                continue
            texts = self.strings(node, depth + 1)
            if texts is None:
                return None
            found += texts
        return tuple(found)

    def parameter_of(self, node: Node, depth: int = 0) -> str | None:
        """Return the parameter on which the value of an expression depends, None for none."""
        if depth > DEPTH:
            return None
        for inner in walk(node):
            if inner.type == "identifier":
                name = text_of(inner)
                if self.is_parameter(name):
                    return name
                listed = self.names.get(name)
                found = None if listed is None else _visible(listed, inner)
                if found is not None and found != node:
                    below = self.parameter_of(found, depth + 1)
                    if below is not None:
                        return below
        return None


NOT_CONVERSIONS = ("len", "make", "new", "append", "Sprintf", "Errorf", "Get", "GetOk")
BLOCKS = ("block", "expression_case", "default_case", "type_case", "communication_case",
          "for_statement", "if_statement")  # fmt: skip


def _visible(values: list[Node], at: Node | None) -> Node:
    found = None if at is None else _enclosing(values, at)
    return found or values[-1]


def _enclosing(values: list[Node], at: Node) -> Node | None:
    """Return the last of several assignments before a place that stands in a block around it."""
    for value in reversed(values):
        if value.start_byte < at.start_byte:
            block = value.parent
            while block is not None and block.type not in BLOCKS:
                block = block.parent
            if block is None or block.end_byte >= at.end_byte:
                return value
    return None


def names_of(tree: Node) -> dict[str, list[Node]]:
    """Return what the names in a tree are assigned, in the order of the source."""
    found: dict[str, list[Node]] = {}
    for name, value in assigned(tree):
        found.setdefault(name, []).append(value)
    return found


def assigned(tree: Node) -> Iterator[tuple[str, Node]]:
    """Yield the names that are declared or assigned in a tree, each with its expression."""
    for node in walk(tree):
        if node.type in ("short_var_declaration", "assignment_statement"):
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left is None or right is None:
                continue
            names, values = left.named_children, right.named_children
            if len(names) == len(values):
                yield from ((text_of(n), v) for n, v in zip(names, values, strict=True))
            elif len(values) == 1:
                yield text_of(names[0]), values[0]
        elif node.type in ("var_spec", "const_spec"):
            value = node.child_by_field_name("value")
            if value is not None:
                names = [c for c in node.children_by_field_name("name") if c.type != ","]
                values = value.named_children
                yield from ((text_of(n), v) for n, v in zip(names, values, strict=False))


def imports(root: Node) -> dict[str, str]:
    """Return the import paths of a file by the name under which the file uses each."""
    found = {}
    for node in walk(root):
        if node.type != "import_spec":
            continue
        path = literal(node.child_by_field_name("path") or node) or ""
        last = [part for part in path.split("/") if not part.startswith("v") or len(part) > 3]
        name = text_of(node.child_by_field_name("name")) or (last[-1] if last else path)
        found[name] = path
    return found


def parameters(function: Node) -> tuple[str, ...]:
    """Return the names of a function's parameters in their order."""
    listed = function.child_by_field_name("parameters")
    if listed is None:
        return ()
    return tuple(
        text_of(name)
        for declaration in listed.named_children
        for name in declaration.children_by_field_name("name")
        if name.type == "identifier"
    )


def fields_of(conf: Node) -> dict[str, Node]:
    """Return the values of a literal's fields by their names."""
    body = conf.child_by_field_name("body")
    found = {}
    for element in [] if body is None else body.named_children:
        if element.type == "keyed_element" and len(element.named_children) == 2:
            key, value = element.named_children
            inner = value.named_children
            found[text_of(key)] = inner[0] if value.type == "literal_element" and inner else value
    return found


def leaves(block: Node) -> bool:
    """Return whether a block ends with a return."""
    statements = [
        child
        for node in (block, *(c for c in block.named_children if c.type == "statement_list"))
        for child in node.named_children
    ]
    return bool(statements) and statements[-1].type == "return_statement"


def asks_for_error(node: Node) -> bool:
    """Return whether an `if` asks for an error, so that a request before it has failed there."""
    return text_of(node.child_by_field_name("condition")).endswith("err != nil")
