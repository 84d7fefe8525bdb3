"""The lifecycle file to begin with."""

from __future__ import annotations

import re
from pathlib import Path

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.lifecycles import ENDING

FILE = Path(__file__).with_name("template.lifecycle.toml")
_NAME = re.compile(r'^name = ("\w+")( *)', re.MULTILINE)


def begun(name: str = "") -> str:
    """Return the text of the template, with another name if one is given."""
    text = FILE.read_text(encoding="utf-8")
    found = _NAME.search(text)
    if not (name and found):
        return text
    written = f'name = "{name}"'
    return f"{text[: found.start()]}{written.ljust(len(found[0]))}{text[found.end() :]}"


def name_of(file: str) -> str:
    """Return the name of a lifecycle whose file is called so.

    Raise `InvalidInput` for a file that is not called NAME.toml.
    """
    name = Path(file).name.removesuffix(ENDING)
    if not (file.endswith(ENDING) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", name)):
        wrong = (
            f"{file} is not a name for a lifecycle file; expected a word that ends with {ENDING}"
        )
        raise InvalidInput(wrong)
    return name
