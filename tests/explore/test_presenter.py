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


BANDS = """[...document.querySelectorAll("#board .running .band text")]
  .map((text) => [text.textContent, getComputedStyle(text).visibility === "visible"])"""
# What a room reads beside the picture: the size of its type, and whether it is on the screen.
LARGE = """[...document.querySelectorAll("#words span, #words dd, #next, #requests button, #said")]
  .filter((each) => each.checkVisibility())
  .map((each) => [each.textContent, parseFloat(getComputedStyle(each).fontSize),
    each.getBoundingClientRect().bottom <= innerHeight])"""


def test_no_band_shows_a_status_that_is_still_to_come(opening: Opening) -> None:
    page = opening(fragment="#from=stopped/-&run=rebuild,advance")
    page.keyboard.press("p")
    assert page.evaluate(BANDS) == [["REBUILD", True], ["ACTIVE", False]]
    page.click("#next")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(BANDS) == [["REBUILD", True], ["ACTIVE", True]]
    page.keyboard.press("ArrowRight")
    passed = page.locator("#board .row .box.been:not(.rest) text").all_text_contents()
    assert passed[-3:] == ["no task", "powering-off", "SHUTOFF"]


def test_the_next_column_of_the_run_is_a_question_until_it_is_revealed(opening: Opening) -> None:
    page = opening(fragment="#from=stopped/-&run=rebuild,advance,advance")
    page.keyboard.press("p")
    assert page.locator("#timeline text", has_text="?").count() == 3
    assert "hidden" in (page.text_content("#said") or "")
    page.keyboard.press("?")
    assert page.locator("#timeline text", has_text="?").count() == 0
    assert page.text_content("#said") == "Next comes active/-, status ACTIVE."


def test_what_stands_beside_the_picture_can_be_read_from_the_back_of_a_room(
    opening: Opening,
) -> None:
    page = opening(fragment="#from=stopped/-&run=rebuild", viewport={"width": 1600, "height": 900})
    assert page.locator("#words .surprise").is_visible()
    page.click("#present")
    assert page.locator("#words .surprise").is_hidden()
    shown = page.evaluate(LARGE)
    assert len(shown) >= 6
    assert [each for each in shown if each[1] < 24 or not each[2]] == []
    assert page.evaluate("document.documentElement.scrollHeight") == 900


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
