"""The material of a class is what the table gives now, and its lesson and slides can be used."""

from __future__ import annotations

import runpy
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecs_fsm import ECS
from ecs_fsm.teach.lesson import read

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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


CUT = """() => [...document.querySelectorAll("section")]
  .filter(({ scrollHeight, clientHeight }) => scrollHeight > clientHeight)
  .map((section) => section.textContent)"""


@pytest.mark.browser
def test_no_slide_is_cut_and_a_sentence_on_it_is_large(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.goto((FOLDER / "slides.html").as_uri())
    assert page.locator("section").count() > 15
    assert page.evaluate(CUT) == []
    size = "parseFloat(getComputedStyle(document.querySelector('ul:not(.two)')).fontSize)"
    assert page.evaluate(size) == 48
    page.close()


def test_the_plan_names_every_file(files: dict[str, str]) -> None:
    plan = (FOLDER / "index.md").read_text(encoding="utf-8")
    assert [name for name in files if name not in plan] == []
