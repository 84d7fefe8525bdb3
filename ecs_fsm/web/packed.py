"""Texts that repeat phrases, packed: each phrase is written once, and a text is their numbers.

A phrase ends with punctuation or before a word with a slash, such as a state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

Json = Mapping[str, object]
Numbers = int | list[int]
END = ".?!:;,"


class PhraseBook:
    """Numbers the phrases of some texts, the most frequent first, so that numbers stay short."""

    def __init__(self, texts: Iterable[str]) -> None:
        counted = Counter(phrase for text in texts for phrase in phrases(text))
        self.listed = sorted(counted, key=lambda phrase: (-counted[phrase], phrase))
        self._numbers = {phrase: number for number, phrase in enumerate(self.listed)}

    def numbers(self, text: str) -> Numbers:
        """Return the numbers of the phrases of a text; a single one without a list."""
        found = [self._numbers[phrase] for phrase in phrases(text)]
        return found[0] if len(found) == 1 else found


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
    """Return records with texts and lists of texts as `{"phrases", "keys", "records"}`.

    Each record becomes a list of its values in the order of `keys`; other values stay as they are.
    """
    named, listed = list(keys), list(records)
    among = PhraseBook(text for record in listed for key in named for text in _texts(record[key]))
    rows = [[_packed(record[key], among) for key in named] for record in listed]
    return {"phrases": among.listed, "keys": named, "records": rows}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))


def _packed(value: object, among: PhraseBook) -> object:
    if isinstance(value, str):
        return among.numbers(value)
    if isinstance(value, list) and any(isinstance(each, str) for each in value):
        return [among.numbers(each) if isinstance(each, str) else each for each in value]
    return value
