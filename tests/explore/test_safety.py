"""What comes from outside, lessons and addresses, is shown as text or refused, and runs nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ecs_fsm import ECS
from ecs_fsm.explore import explorer
from tests.conftest import Opening
from tests.lesson_samples import EVIL, HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

FRAGMENTS = {
    "markup": "#run=<script>window.hacked=1</script>",
    "markup escaped": "#lesson=%3Cimg%20src%3Dx%20onerror%3D%22window.hacked%3D1%22%3E",
    "javascript": "#tab=javascript:window.hacked=1",
    "a megabyte": "#run=" + "create," * 150_000,
    "damaged": "#run=%E0%A4%A",
    "unknown event": "#run=create,explode",
    "impossible run": "#run=create,confirm_resize",
    "no such place": "#from=active/nothing",
    "a fact that is none": "#from=active/-[__proto__=x]",
    "wrong number": "#run=create&at=-1",
    "too many": "#run=create,hang*9999",
    "hang of nothing": "#run=hang",
    "goes on although it hangs": "#run=create,hang,advance",
    "wrong quiz": "#quiz=a.b.c",
    "huge quiz": "#quiz=1.99999.0",
    "no attribute": "#tab=poll&attribute=constructor",
    "no client": "#client=999",
    "negative rhythm": "#tab=poll&attribute=status&every=0",
    "prototype": "#__proto__=1&run=constructor",
}


def test_an_address_that_does_not_read_is_refused(opening: Opening) -> None:
    page = opening()
    for what, fragment in FRAGMENTS.items():
        page.evaluate("(fragment) => { location.hash = fragment; }", fragment)
        refused = re.compile("^The address of this page could not be read:")
        expect(page.locator("#said"), what).to_have_text(refused)
        assert page.locator("main script, main img, main iframe").count() == 0, what
        assert page.evaluate("window.hacked") is None, what
        page.click("[data-name=create]")
        assert "building" in (page.text_content("#answer") or ""), what


def test_a_value_of_a_waiter_is_text(opening: Opening) -> None:
    page = opening(
        fragment="#tab=poll&attribute=status&target=<img src=x onerror=window.hacked=1>&every=1"
    )
    assert (page.locator("#lists [data-value]").get_attribute("data-value") or "").startswith(
        "<img"
    )
    assert page.locator("main img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_a_hostile_lesson_and_question_are_text(opening: Opening) -> None:
    page = opening(fragment="#tab=lessons", taught=HOSTILE)
    assert EVIL in (page.text_content("#panel-lessons") or "")
    page.locator("#panel-lessons button").first.click()
    page.click("[data-name=create]")
    page.click("#tab-quiz")
    page.click("#panel-quiz .main")
    assert EVIL in (page.text_content("#panel-quiz") or "")
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("window.hacked") is None


def test_the_policy_stops_what_is_not_the_page_itself(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "ecs.html"
    file.write_text(explorer(ECS), encoding="utf-8")
    page = browser.new_page()
    answered: list[str] = []
    page.on("response", lambda response: answered.append(response.url))
    page.goto(file.as_uri())
    page.evaluate("""() => {
      window.stopped = [];
      document.addEventListener("securitypolicyviolation",
        (event) => stopped.push(event.effectiveDirective));
      const script = document.createElement("script");
      script.textContent = "window.hacked = 1";
      const image = document.createElement("img");
      image.src = "https://example.org/x.png";
      const framed = document.createElement("iframe");
      framed.src = "https://example.org/";
      const button = document.createElement("button");
      button.setAttribute("onclick", "window.hacked = 1");
      document.body.append(script, image, framed, button);
      button.click();
      fetch("https://example.org/").catch(() => stopped.push("fetch")); }""")
    page.wait_for_function("""() => [
      "script-src-elem", "script-src-attr", "img-src", "frame-src", "connect-src", "fetch",
    ].every((directive) => stopped.includes(directive))""")
    assert page.evaluate("window.hacked") is None
    assert answered == [file.as_uri()]
    page.close()
