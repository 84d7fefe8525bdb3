"""Comments that decide what the scanner cannot know, or silence a finding.

`ecs-fsm: operation=rebuild from=stopped/-` names the operation and the starts of the wait on the
same line or below (also `lifecycle=NAME`); `ecs-fsm: ignore misses -- reason` silences a kind.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ecs_fsm.lifecycles import NAMES
from ecs_fsm.waiters.judge import FindingKind
from ecs_fsm.waiters.scan.source_files import GO, PYTHON
from ecs_fsm.waiters.scan.wait import NO_REQUEST, Wait

MARK = b"ecs-fsm:"
KEYS = ("operation", "from", "lifecycle")
EXPECTED = "expected operation=NAME, from=VM/TASK, lifecycle=NAME or ignore KIND -- reason"
REACH = 3
"""How many lines below a comment a wait may begin: a call can stand inside a longer statement."""
_HASH = re.compile(r"(?:^|\s)#(?P<comment>.*)")
_SLASHES = re.compile(r"//(?P<comment>.*)")
_COMMA = re.compile(r",(?![^\[]*\])")
"""A comma that does not stand between the facts of a state."""
_DIRECTIVE = re.compile(r"^[\s#/*]*ecs-fsm:\s*(?P<words>.*?)\s*(?:\*/)?$")


@dataclass(slots=True)
class Directive:
    """A comment for the scanner: its line, the first line of code it is about, what it says."""

    file: str
    line: int
    about: int
    settings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: tuple[FindingKind, ...] = ()
    reason: str = ""
    used: bool = False

    def covers(self, wait: Wait) -> bool:
        """Return whether a wait begins where the directive says."""
        return wait.file == self.file and self.about <= wait.line < self.about + REACH


def read_directives(file: str, text: bytes, language: str) -> tuple[list[Directive], list[str]]:
    """Return the directives of a file, and the sentences about those that are not valid."""
    if MARK not in text:
        return [], []
    lines = text.decode("utf-8", "replace").splitlines()
    found, problems = [], []
    for number, comment in _comments(text, lines, language):
        match = _DIRECTIVE.match(comment)
        if match is None:
            continue
        directive = Directive(file, number, _code_at(lines, number, language))
        wrong = _read(match["words"], directive)
        if wrong:
            problems.append(f"{file}:{number}: {wrong}; {EXPECTED}")
        else:
            found.append(directive)
    return found, problems


def _comments(text: bytes, lines: list[str], language: str) -> Iterator[tuple[int, str]]:
    if language == PYTHON:
        try:
            for token in tokenize.tokenize(io.BytesIO(text).readline):
                if token.type == tokenize.COMMENT:
                    yield token.start[0], token.string.lstrip("#")
        except (tokenize.TokenError, SyntaxError):
            return
        return
    pattern = _SLASHES if language == GO else _HASH
    for number, line in enumerate(lines, start=1):
        if (match := pattern.search(line)) is not None:
            yield number, match["comment"]


def _code_at(lines: list[str], number: int, language: str) -> int:
    """Return the line of code that a comment is about: its own, or the next one below."""
    mark = "//" if language == GO else "#"
    while number < len(lines):
        line = lines[number - 1].strip()
        if line and not line.startswith(mark):
            break
        number += 1
    return number


def _read(words: str, directive: Directive) -> str | None:
    """Read the words of a directive; return what is wrong with them, None if nothing is."""
    if words.split()[:1] == ["ignore"]:
        kinds, _, reason = words.partition(" ")[2].partition("--")
        named = [kind for kind in re.split(r"[,\s]+", kinds) if kind]
        wrong = [kind for kind in named if kind not in [*FindingKind]]
        if wrong:
            return f"{wrong[0]!r} is not a kind of finding ({', '.join(FindingKind)})"
        if not named:
            return "ignore names no kind of finding"
        if not reason.strip():
            return "ignore gives no reason"
        directive.ignored = tuple(FindingKind(kind) for kind in named)
        directive.reason = reason.strip()
        return None
    for word in words.split():
        key, sign, value = word.partition("=")
        values = tuple(part for part in _COMMA.split(value) if part)
        if key not in KEYS or not sign or not values:
            return f"{word!r} is not understood"
        if key == KEYS[2] and value not in NAMES:
            return f"{value!r} is not a lifecycle ({', '.join(NAMES)})"
        directive.settings[key] = values
    return None if directive.settings else "the comment says nothing"


def settled(wait: Wait, directives: list[Directive]) -> Wait:
    """Return a wait with what the directives about it say."""
    for directive in directives:
        said = directive.settings
        if not said or not directive.covers(wait) or directive.used:
            continue
        directive.used = True
        operations = said.get(KEYS[0], wait.operations)
        reason = wait.reason
        if KEYS[0] in said and reason == NO_REQUEST:
            reason = None
        wait = replace(
            wait,
            operations=operations,
            starts=said.get(KEYS[1], None if KEYS[0] in said else wait.starts),
            lifecycle=said[KEYS[2]][0] if KEYS[2] in said else wait.lifecycle,
            reason=reason,
            guess=wait.guess and KEYS[0] not in said,
            decided=True,
        )
    return wait
