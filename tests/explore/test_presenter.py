"""The presenter's view: the future is hidden until it is revealed, and single keys act only there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import BROWSER, Opening
from tests.explore.test_page import JUDGE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SHOWN = """(name) => [...document.querySelectorAll("#board .box:not(.again)")]
  .filter((box) => box.textContent.startsWith(name))
  .some((box) => getComputedStyle(box.querySelector("text")).visibility === "visible")"""


def presenting(page: Page) -> bool:
    shown: bool = page.evaluate("document.documentElement.classList.contains('presenting')")
    return shown


def test_the_future_is_hidden_until_it_is_revealed(opening: Opening) -> None:
    page = opening(fragment="#from=active/-&run=rebuild")
    assert page.text_content("#next") == "Next: active/rebuild_block_device_mapping"
    page.keyboard.press("p")
    assert presenting(page)
    assert page.text_content("#next") == "Next: ?"
    assert page.evaluate(SHOWN, "rebuilding")
    assert not page.evaluate(SHOWN, "rebuild_spawning")
    page.keyboard.press("?")
    assert page.text_content("#next") == "Next: active/rebuild_block_device_mapping"
    assert page.evaluate(SHOWN, "rebuild_spawning")
    page.keyboard.press("ArrowRight")
    assert "run=rebuild,advance" in page.url
    assert page.text_content("#next") == "Next: ?"
    page.keyboard.press("ArrowLeft")
    assert "at=1" in page.url
    page.evaluate(Path(BROWSER / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8"))
    assert page.evaluate(JUDGE) == []
    page.keyboard.press("Escape")
    assert not presenting(page)
    assert page.text_content("#next") == "Next: active/rebuild_block_device_mapping"


def test_single_keys_act_only_there_and_never_in_a_field(opening: Opening) -> None:
    page = opening(fragment="#from=active/-&run=rebuild&tab=poll")
    for key in ("ArrowRight", "h", "?", "Escape"):
        page.keyboard.press(key)
    assert page.url.endswith("run=rebuild&tab=poll")
    page.focus("#waiter select")
    page.keyboard.type("?h")
    assert not presenting(page)
    assert "run=rebuild&" in page.url
    page.click("#present")
    assert presenting(page)
