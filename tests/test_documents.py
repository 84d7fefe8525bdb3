"""The documents: their examples are true, their links lead somewhere, a word has one meaning."""

from __future__ import annotations

import doctest
import re
import runpy
from pathlib import Path

import pytest

from tests.examples import CONSOLE, rewritten

ROOT = Path(__file__).parents[1]
PAGES = sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))
DOCUMENTS = (*PAGES, "CONTRIBUTING.md", "CHANGELOG.md")
SHOWN = [
    name
    for name in (*DOCUMENTS, "README.md")
    if CONSOLE.search((ROOT / name).read_text(encoding="utf-8"))
]
PATH = re.compile(r"`((?:ecs_fsm|tests|docs|diagrams)/[\w./-]+)`")
LINK = re.compile(r"\]\(([^)]+)\)")


@pytest.mark.parametrize("name", SHOWN)
def test_a_document_shows_what_its_examples_print(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert rewritten(text, tmp_path) == text, f"python -m tests.examples {name} writes it anew"
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    assert doctest.DocTestRunner().run(examples).failed == 0


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_in_a_document_exists(name: str) -> None:
    paths = PATH.findall((ROOT / name).read_text(encoding="utf-8"))
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", [*DOCUMENTS, "README.md"])
def test_every_link_of_a_document_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    files = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link]
    assert [link for link in files if not ((ROOT / name).parent / link).exists()] == []


def test_every_room_is_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    public = {"ecs", "nova"}  # the two lifecycles where users import them
    rooms = {path.parent.name for path in (ROOT / "ecs_fsm").glob("*/__init__.py")} - public
    assert {room for room in rooms if f"`ecs_fsm/{room}`" not in text} == set()


def test_every_word_of_the_glossary_is_explained_once() -> None:
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \|$",
        (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    words = [word for cell, _ in rows if cell != "word" for word in cell.split(", ")]
    assert len(words) > 60
    assert sorted({word for word in words if words.count(word) > 1}) == []


@pytest.mark.parametrize(
    ("shown", "played"),
    [
        ("$ ecs-fsm explain error/-\nerror/- (ERROR)", "explain error/-"),
        ("$ ecs-fsm draw operation stop -o stop.svg", "draw operation stop -o stop.svg"),
        ("$ ecs-fsm check refresh.py", ""),
        ("$ ecs-fsm fleet exact", ""),
        ("$ ecs-fsm infer stop\n$ ecs-fsm infer start", ""),
        ("ecs-fsm infer stop", ""),
    ],
)
def test_a_tutorial_offers_the_playground_for_what_runs_there(shown: str, played: str) -> None:
    conf = runpy.run_path(str(ROOT / "docs" / "conf.py"))
    assert conf["playable"](conf["nodes"].literal_block("", shown)) == played
