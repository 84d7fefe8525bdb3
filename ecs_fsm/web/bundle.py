"""Builds one page of several files, with a policy that allows nothing else.

Scripts and styles are named by their hashes in a Content-Security-Policy; data stands in elements
that no browser runs.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from importlib.resources import files

from ecs_fsm.core.word import Tone
from ecs_fsm.draw.styles import COLOURS, Colours, Theme

PARTS = ("fill", "line", "ink")
Json = Mapping[str, object]
END = ".?!:;,"
"""What ends a phrase of a packed text."""


def read(path: str, package: str = "ecs_fsm.explore") -> str:
    """Return the text of a file of a package."""
    return files(package).joinpath(path).read_text(encoding="utf-8")


def script(parts: Iterable[str]) -> str:
    """Return one script of several parts, which define no globals."""
    together = "\n".join(parts)
    return f'"use strict";\n(() => {{\n{together}}})();\n'


def policy(program: str, styles: Iterable[str]) -> str:
    """Return the Content-Security-Policy of a page with this script and these styles."""
    shown = " ".join(_hash(text) for text in styles)
    return (
        f"default-src 'none'; script-src {_hash(program)}; style-src {shown}; "
        f"img-src data:; base-uri 'none'; form-action 'none'"
    )


def data(value: object) -> str:
    """Return JSON that cannot end its `<script>` element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _named(colours: Colours) -> Iterator[tuple[str, str]]:
    yield "page", colours.page
    yield "lane", colours.lane
    yield "edge", colours.lane_line
    yield from ((f"ink-{ink}", colour) for ink, colour in colours.inks.items())
    yield from ((f"line-{look}", colour) for look, colour in colours.lines.items())
    own = (("faint", colours.faint), ("badge", colours.badge), ("halt", colours.stop))
    for name, tint in (*own, *colours.tones.items()):
        yield from ((f"{name}-{part}", c) for part, c in zip(PARTS, tint, strict=True))
    yield from ((f"{tone}-band", colour) for tone, colour in colours.bands.items())


def colour_names() -> dict[str, str]:
    """Return the name of each colour of a light picture."""
    return {colour: name for name, colour in _named(COLOURS[Theme.LIGHT])}


def colour_sheet() -> str:
    """Return CSS: each colour in both themes, and the classes that use it."""
    light, dark = (
        "".join(f"--{name}:{colour};" for name, colour in _named(COLOURS[theme]))
        for theme in (Theme.LIGHT, Theme.DARK)
    )
    rules = [
        f":root{{color-scheme:light;{light}}}",
        f"@media screen and (prefers-color-scheme:dark)"
        f"{{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}",
        f"@media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}",
    ]
    rules += [_toned(tone) for tone in Tone]
    for name in colour_names().values():
        rules.append(f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}")
    return "\n".join(rules)


def _toned(tone: Tone) -> str:
    own = "".join(f"--{part}:var(--{tone}-{part});" for part in (*PARTS, "band"))
    return f".tone-{tone}{{{own}}}"


DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
"""The digits of the numbers of phrases."""


class PhraseBook:
    """Numbers the phrases of some texts; all numbers are written with `wide` digits."""

    def __init__(self, texts: Iterable[str]) -> None:
        counted = Counter(phrase for text in texts for phrase in phrases(text))
        self.listed = sorted(counted, key=lambda phrase: (-counted[phrase], phrase))
        self.wide = 1
        while len(DIGITS) ** self.wide < len(self.listed):
            self.wide += 1
        self._numbers = {phrase: self._written(n) for n, phrase in enumerate(self.listed)}

    def _written(self, number: int) -> str:
        digits = []
        for _ in range(self.wide):
            number, digit = divmod(number, len(DIGITS))
            digits.append(DIGITS[digit])
        return "".join(reversed(digits))

    def numbers(self, text: str) -> str:
        """Return the numbers of the phrases of a text, without anything between them."""
        return "".join(self._numbers[phrase] for phrase in phrases(text))


def phrases(text: str) -> Iterator[str]:
    """Yield the phrases of a text, which a space joins again."""
    begun: list[str] = []
    for word in text.split(" "):
        if "/" in word and begun:
            yield " ".join(begun)
            begun = []
        begun.append(word)
        if "/" in word or word[-1:] in END:
            yield " ".join(begun)
            begun = []
    if begun:
        yield " ".join(begun)


def packed(records: Iterable[Json], keys: Iterable[str]) -> Json:
    """Return records with texts and lists of texts as `{"phrases", "wide", "keys", "records"}`.

    Each record becomes a list of its values in the order of `keys`: a text as the numbers of its
    phrases, a list of texts as such texts with spaces between them, other values as they are.
    """
    named, listed = list(keys), list(records)
    among = PhraseBook(text for record in listed for key in named for text in _texts(record[key]))
    rows = [[_packed(record[key], among) for key in named] for record in listed]
    return {"phrases": among.listed, "wide": among.wide, "keys": named, "records": rows}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))


def _packed(value: object, among: PhraseBook) -> object:
    if isinstance(value, str):
        return among.numbers(value)
    if isinstance(value, list) and any(isinstance(each, str) for each in value):
        return " ".join(among.numbers(each) for each in value)
    return int(value) if isinstance(value, bool) else value
