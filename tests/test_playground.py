"""The playground: the package on the Python of a browser, which asks no other place for anything."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PARTS = Path(sys.prefix) / "playground"
ASSEMBLE = Path(__file__).parents[1] / "docs" / "playground" / "assemble.py"
PATIENCE = 240_000
"""Milliseconds for an answer, also while other tests run."""
RECORDING = "time,server,vm_state,task_state\n1,vm-7,active,\n2,vm-7,active,powering-off\n"
pytestmark = pytest.mark.browser


class Site(ThreadingHTTPServer):
    """A static server that knows what was requested, by which host."""

    requested: list[tuple[str, str]]


class Handler(SimpleHTTPRequestHandler):
    """Serves files, silently."""

    def log_message(self, *_: object) -> None:
        """Note the request."""
        assert isinstance(self.server, Site)
        self.server.requested.append((self.headers["Host"].partition(":")[0], self.path))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The playground, served."""
    if not PARTS.exists():
        pytest.fail("the playground has no Python: run make docs")
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, ASSEMBLE, "build", PARTS, folder / "playground"], check=True)
    served = Site(("127.0.0.1", 0), partial(Handler, directory=folder))
    served.requested = []
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """Its page, opened by a link that fills in a prompt."""
    opened = browser.new_page()
    opened.set_default_timeout(PATIENCE)
    address = f"http://127.0.0.1:{site.server_port}/playground/index.html"
    opened.goto(f"{address}#command=explain%20active%2Fpowering-off")
    yield opened
    opened.close()


def answered(page: Page) -> str:
    """The newest answer, once it is there."""
    from playwright.sync_api import expect

    printed = page.locator("#answers pre").first
    expect(printed).not_to_have_text("…", timeout=PATIENCE)
    return printed.text_content() or ""


def python(page: Page, text: str) -> str:
    page.fill("#text", text)
    page.press("#text", "Shift+Enter")
    return answered(page)


def test_a_link_fills_in_a_prompt_and_runs_nothing(page: Page) -> None:
    assert page.input_value("#line") == "explain active/powering-off"
    assert page.locator("#answers article").count() == 0


def test_a_command_answers_as_it_does_elsewhere(page: Page) -> None:
    from tests.command import ecs_fsm

    page.press("#line", "Enter")
    assert answered(page) == ecs_fsm("explain", "active/powering-off").out
    assert page.locator("#answers a").first.get_attribute("href") == (
        "#command=explain%20active%2Fpowering-off"
    )


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("simulate create stop", "advance   stopped    -"),
        ("check --operation rebuild --target ACTIVE --from stopped/-", "(exit code 1)"),
        ("infer resize", "VERIFY_RESIZE"),
        ("path ACTIVE VERIFY_RESIZE", "resize_finish"),
        ("prove status-tells-task", "false: Status alone"),
        ("simulate nap", "(exit code 2)"),
        ("table | head", "(exit code 2)"),
    ],
)
def test_every_kind_of_command_runs(page: Page, line: str, text: str) -> None:
    page.fill("#line", line)
    page.press("#line", "Enter")
    assert text in answered(page)


def test_a_picture_is_shown(page: Page) -> None:
    page.fill("#line", "draw operation resize -o resize.svg")
    page.press("#line", "Enter")
    page.wait_for_selector("#answers article:first-child img[alt='resize.svg']")


def test_a_dropped_recording_is_replayed(page: Page) -> None:
    dropped = page.evaluate_handle(
        "text => { const data = new DataTransfer();"
        " data.items.add(new File([text], 'mine & yours.csv')); return data; }",
        RECORDING,
    )
    page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    assert "active/- → active/powering-off" in answered(page)
    assert page.input_value("#line") == "replay mine___yours.csv"


def test_python_keeps_its_names_and_shows_a_value(page: Page) -> None:
    python(page, "from ecs_fsm import Server\nserver = Server.create()")
    assert python(page, "server.run()") == "'active/-'\n"
    assert "ZeroDivisionError" in python(page, "1 / 0")


def test_nothing_is_requested_from_another_place_not_even_by_code(page: Page, site: Site) -> None:
    there = f"http://localhost:{site.server_port}/elsewhere"
    ask = f"import js\nr = js.XMLHttpRequest.new()\nr.open('GET', '{there}', False)\nr.send()"
    assert "NetworkError" in python(page, ask)
    assert {host for host, _ in site.requested} == {"127.0.0.1"}


def test_the_page_stays_alive_while_python_is_busy_and_can_stop_it(page: Page) -> None:
    page.fill("#text", "while True:\n    pass")
    page.press("#text", "Shift+Enter")
    page.click("#clear")
    assert page.locator("#answers article").count() == 1
    page.click("#stop")
    assert answered(page).startswith("stopped")
    assert page.locator("#stop").is_disabled()
