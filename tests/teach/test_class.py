"""The material of a class is what the table gives now, and its lesson and slides can be used."""

from __future__ import annotations

import runpy
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ecs_fsm import ECS
from ecs_fsm.teach.lesson import read

FOLDER = Path(__file__).parents[2] / "docs" / "teach"


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """What the lifecycle gives now, by name."""
    made: dict[str, str] = runpy.run_path(str(FOLDER / "make.py"))["files"]()
    return made


def test_the_material_is_fresh(files: dict[str, str]) -> None:
    kept = {name: (FOLDER / name).read_text(encoding="utf-8") for name in files}
    assert kept == files, "run make diagrams"


def test_the_lesson_is_correct(files: dict[str, str]) -> None:
    assert read(ECS, files["lesson.toml"].encode(), "lesson.toml").questions


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", ["slides.html", "handout.html"])
def test_a_page_fetches_and_runs_nothing(name: str, files: dict[str, str]) -> None:
    tags = Tags(files[name]).tags
    assert not {"script", "link", "iframe"} & {tag for tag, _ in tags}
    sources = [attributes["src"] or "" for tag, attributes in tags if tag == "img"]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert bool(sources) == (name == "slides.html")


def test_the_plan_names_every_file(files: dict[str, str]) -> None:
    plan = (FOLDER / "index.md").read_text(encoding="utf-8")
    assert [name for name in files if name not in plan] == []
