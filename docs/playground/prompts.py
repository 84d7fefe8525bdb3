"""The two prompts of the playground: a line of `ecs-fsm`, and statements of Python.

Each returns its answer as JSON: what was printed, the exit code of a command, and pictures.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import random
import shlex
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path

MOST = 200_000
"""Characters that the page shows of one answer."""
SHELL = {"|", ">", "<", "&&", ";"}
NAMES: dict[str, object] = {"__name__": "__main__"}
os.environ.update(COLUMNS="96", NO_COLOR="1")


def command(line: str) -> str:
    """Run a line of `ecs-fsm`."""
    from ecs_fsm.cli import main

    before = _pictures()
    printed = io.StringIO()
    code: object = 2
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            main(_words(line))
        except ValueError as error:
            print(f"ecs-fsm: {error}")
        except SystemExit as leaving:
            code = leaving.code
    return _answer(printed.getvalue(), _pictures().items() - before.items(), code)


def _words(line: str) -> list[str]:
    words = shlex.split(line)
    if words[:1] == ["ecs-fsm"]:
        del words[0]
    for word in words:
        if word in SHELL:
            raise ValueError(f"{word!r} is a shell's, and none runs here: one command, -o FILE")
    return words


def python(text: str) -> str:
    """Run statements; the value of the last one is shown, also as a picture if it has one."""
    before = _pictures()
    printed = io.StringIO()
    drawn: list[tuple[str, str]] = []
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            value = _value(text)
            if value is not None:
                NAMES["_"] = value
                print(repr(value))
                if hasattr(value, "_repr_svg_"):
                    drawn.append(("", value._repr_svg_()))
        except SystemExit:
            pass
        except BaseException as error:
            frames = error.__traceback__
            while frames and frames.tb_frame.f_code.co_filename == __file__:
                frames = frames.tb_next
            traceback.print_exception(error.with_traceback(frames))
    found = [*drawn, *sorted(_pictures().items() - before.items())]
    return _answer(printed.getvalue(), found, None)


def _value(text: str) -> object:
    tree = ast.parse(text, "<prompt>")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<prompt>", "exec"), NAMES)  # noqa: S102
    if not isinstance(last, ast.Expr):
        return None
    shown: object = eval(compile(ast.Expression(last.value), "<prompt>", "eval"), NAMES)  # noqa: S307
    return shown


def _pictures() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in Path().glob("*.svg")}


def _answer(text: str, pictures: Iterable[tuple[str, str]], code: object) -> str:
    found = sorted(pictures)
    if text.lstrip().startswith("<svg"):
        found, text = [("", text)], ""
    if len(text) > MOST:
        text = f"{text[:MOST]}\n… {len(text) - MOST} more characters\n"
    return json.dumps({"text": text, "code": code, "pictures": found})


def ready() -> str:
    """Draw new random numbers, which a snapshot would repeat, and name the versions."""
    from ecs_fsm.version import __version__

    random.seed()
    return f"ecs_fsm {__version__}, Python {sys.version.split()[0]}"
