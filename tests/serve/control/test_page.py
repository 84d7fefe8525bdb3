"""The live page of a served cloud, in a real browser: what it shows, and what a click does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from ecs_fsm import ECS
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.serve.cloud.instance import Asker, NewServer
from ecs_fsm.testing import EcsCloud, served
from tests.browser_speed import quickest, slowness
from tests.conftest import BROWSER

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Route

pytestmark = pytest.mark.browser
PATIENCE = 120_000
"""Milliseconds after which nothing is expected any more; other programs take their time as well."""
expect.set_options(timeout=PATIENCE)
USER = Asker("req-1", "user", "project", "create")
STATES = [*ECS.states]
EXPECTED = "the server responded with a status of 409"


def create(cloud: EcsCloud, *names: str) -> list[str]:
    """Servers of these names, at the first step of their creation; their ids."""
    made = cloud._service.cloud
    return cloud._in_its_thread(
        lambda: [made.create(NewServer(name, "1", None), USER).id for name in names]
    )


class Live:
    """A cloud whose clock stands still unless asked otherwise, and pages that show it."""

    def __init__(self, cloud: EcsCloud, browser: Browser, closing: ExitStack) -> None:
        self.cloud = cloud
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self._browser, self._closing = browser, closing

    def open(
        self, fragment: str = "", prepare: Callable[[Page], object] | None = None, **how: Any
    ) -> Page:
        context = self._browser.new_context(**{"reduced_motion": "reduce", **how})
        self._closing.callback(context.close)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda m: self._hear(m.type, m.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))
        if prepare:
            prepare(page)
        page.goto(f"{self.cloud.url}/{fragment}")
        return page

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and EXPECTED not in text:
            self.complaints.append(text)


Begin = Callable[..., Live]


@pytest.fixture
def begin(browser: Browser) -> Iterator[Begin]:
    """Begins a cloud with its page; nothing may be complained of, nor asked of anybody else."""
    begun: list[Live] = []
    with ExitStack() as closing:

        def start(lifecycle: str = "ecs", speed: float = 0) -> Live:
            cloud = closing.enter_context(served(lifecycle=lifecycle, speed=speed))
            begun.append(Live(cloud, browser, closing))
            return begun[-1]

        yield start
    for live in begun:
        assert live.complaints == []
        assert [
            url for url in live.requested if not url.startswith((live.cloud.url, "data:"))
        ] == []


def is_live(page: Page) -> None:
    expect(page.locator("#connection")).to_contain_text("Live")


def choose(page: Page, name: str) -> None:
    with page.expect_response("**/_ecs/servers/*"):
        page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("#chosen-heading")).to_have_text(name)
    expect(page.locator("#history tr").first).to_be_visible()


def request(page: Page, operation: str) -> None:
    """Click the button of an operation; the cloud has accepted it when this returns.

    A test that lets time pass after a click must wait for this: the page sends its request beside
    the test, so that time would otherwise pass before the request arrives.
    """
    with page.expect_response("**/requests"):
        page.click(f"#requests [data-name={operation}]")
    expect(page.locator("#said")).to_have_text(f"{operation} is accepted.")


def step(page: Page) -> None:
    """Click the button for one step of the clock; the step has ended when this returns."""
    with page.expect_response("**/advance"):
        page.click("#one-step")


def token(page: Page, server: str) -> Locator:
    return page.locator(f'.token[data-server="{server}"]')


def history(page: Page) -> Locator:
    return page.locator("#history tr:first-child")


def at(state: str) -> str:
    return str(STATES.index(state))


# The pairs of a chip or a number and a heading that it covers.
COVERED = """() => [...document.querySelectorAll("#board .token, #board .mark:not(.none)")].flatMap((chip) =>
  [...document.querySelectorAll("#board .head")].filter((head) => {
    const [a, b] = [chip.getBoundingClientRect(), head.getBoundingClientRect()];
    return a.width && a.left < b.right && b.left < a.right && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  }).map((head) => `${chip.textContent} on ${head.textContent}`))"""
# The numbers that do not stand at the box of their state alone.
ASTRAY = """() => [...document.querySelectorAll("#board .mark:not(.none)")].filter((mark) => {
  const box = document.querySelector(`#board .box:not(.again)[data-state="${mark.dataset.at}"] rect`);
  const [a, b] = [mark.getBoundingClientRect(), box.getBoundingClientRect()];
  return a.right > b.right + 1 || a.left < b.left - 1; }).length"""
# The smallest text of the picture, in pixels; infinity where its states are a list.
SMALLEST = """() => Math.min(...[...document.querySelectorAll("#board text")]
  .filter((text) => text.textContent && text.getBoundingClientRect().width)
  .map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"""
CUT = """() => {
  const { scrollWidth, clientWidth } = document.querySelector("#board").parentElement;
  return scrollWidth - clientWidth; }"""


def test_the_picture_follows_the_width_and_the_past_of_a_server_is_a_strip(begin: Begin) -> None:
    live = begin()
    first, *_ = create(live.cloud, "web-1", "web-2", "web-3")
    page = live.open(f"#{first}", reduced_motion="reduce")
    is_live(page)
    for wide in (1600, 1280, 1260, 1000, 880, 800):
        page.set_viewport_size({"width": wide, "height": 800})
        assert page.evaluate(CUT) <= 0, wide
        assert page.evaluate(COVERED) == []
        assert page.evaluate(ASTRAY) == 0, wide
        # The smallest is the name of a dot, of 8.5 where all else is at least 9.4.
        assert page.evaluate(SMALLEST) >= 8.2, wide
    picture = page.locator("#picture").bounding_box()
    assert picture
    assert picture["y"] < 400  # also seen without scrolling
    for _ in range(15):
        step(page)
    expect(page.locator("#past rect")).to_have_count(2)
    begun = re.compile("^BUILD from 0:00:00.0 to ")
    expect(page.locator("#past title").first).to_have_text(begun)
    expect(page.locator("#past .word").last).to_have_text("ACTIVE")
    expect(page.locator("#board .mark:not(.none)")).to_have_count(1)
    assert page.evaluate(COVERED) == []


def test_on_a_phone_the_states_with_servers_are_a_list_that_filters(begin: Begin) -> None:
    live = begin()
    create(live.cloud, *(f"web-{n}" for n in range(3)))
    page = live.open(viewport={"width": 390, "height": 844})
    expect(page.locator("#places li")).to_have_text(
        ["building", "BUILDscheduling3web-0, web-1, web-2"]
    )
    expect(page.locator("#board")).not_to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 800, "height": 600})
    expect(page.locator("#board")).not_to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    live.cloud.advance(3600)
    press = page.get_by_role("button", name="ACTIVE at rest 3")
    press.click()
    expect(press).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#state")).to_have_value("active/-")
    expect(page.locator("#list tr")).to_have_count(3)


def test_a_server_moves_on_the_picture_when_the_clock_advances(begin: Begin) -> None:
    live = begin()
    (server,) = create(live.cloud, "web-1")
    page = live.open()
    expect(token(page, server)).to_have_attribute("data-state", at("building/scheduling"))
    expect(page.locator(f'.mark[data-at="{at("building/scheduling")}"]')).to_have_text("1")
    live.cloud.advance(3600)
    expect(token(page, server)).to_have_attribute("data-state", at("active/-"))
    expect(page.locator(f'.mark[data-at="{at("active/-")}"]')).to_have_text("1")
    expect(page.locator(f'.mark[data-at="{at("building/scheduling")}"]')).to_have_text("")
    box = page.locator(f'.box:not(.again)[data-state="{at("active/-")}"]').bounding_box()
    dot = token(page, server).locator("circle").bounding_box()
    assert box
    assert dot
    assert box["x"] < dot["x"] < box["x"] + box["width"]
    assert box["y"] < dot["y"] < box["y"] + box["height"]
    expect(page.locator("#list tr")).to_contain_text("ACTIVE active/-")
    entered = round(live.cloud.changes[-1].at, 1)
    minutes, seconds = divmod(entered, 60)
    expect(page.locator("#time")).to_have_text(f"0:{minutes:02.0f}:{seconds:04.1f}")


def test_the_clock_that_stands_still_is_moved_by_buttons(begin: Begin) -> None:
    live = begin()
    create(live.cloud, "web-1")
    page = live.open()
    step(page)
    expect(page.locator("#said")).to_contain_text("1 step ended")
    expect(page.locator("#list tr")).to_contain_text("building/-")
    page.click("#half-minute")
    expect(page.locator("#said")).to_contain_text("It is 0:00:3")
    assert live.cloud._service.cloud.now > 30


def test_a_clock_that_runs_has_no_such_buttons(begin: Begin) -> None:
    live = begin(speed=1000)
    (server,) = create(live.cloud, "web-1")
    page = live.open()
    expect(token(page, server)).to_have_attribute("data-state", at("active/-"))
    expect(page.locator("#speed")).to_have_text("1000 times as fast as a real clock")
    expect(page.locator("#stands")).to_be_hidden()


def test_a_click_sends_a_request_and_another_fails_its_step(begin: Begin) -> None:
    live = begin()
    (server,) = create(live.cloud, "web-1")
    live.cloud.advance(3600)
    page = live.open(f"#{server}")
    request(page, "rebuild")
    expect(history(page)).to_contain_text("REBUILD active/rebuilding")
    expect(page.locator("#requests-heading")).to_be_focused()
    last = live.cloud._service.cloud.instances[server].requests[-1]
    assert (last.operation, last.refused) == ("rebuild", None)
    expect(page.locator("#received tr").first).to_contain_text("accepted")
    with page.expect_response("**/events"):
        page.click("#events [data-name=fail]")
    expect(history(page)).to_contain_text("ERROR error/-")
    assert live.cloud.changes[-1].event == "fail"
    request(page, "delete")
    live.cloud.advance(3600)
    expect(page.locator("#now")).to_contain_text("gone")
    expect(page.locator("#requests button")).to_have_count(0)
    expect(token(page, server)).to_have_count(0)
    expect(page.locator("#list tr")).to_have_count(0)
    page.check("#deleted")
    expect(page.locator("#list tr")).to_contain_text("DELETED")


def test_a_refused_request_shows_why(begin: Begin) -> None:
    live = begin()
    (server,) = create(live.cloud, "web-1")
    live.cloud.advance(3600)
    page = live.open(f"#{server}")
    expect(page.locator("[data-name=stop]")).to_be_visible()
    expect(page.locator("[data-name=start]")).to_have_count(0)
    page.select_option("#other-request", "resize")
    page.click("#other button")
    expect(page.locator("#said")).to_contain_text(
        "409 Conflict: resize is refused at active/- (status ACTIVE)"
    )
    refused = live.cloud._service.cloud.instances[server].requests[-1].refused
    assert refused
    expect(page.locator("#received tr").first).to_contain_text(f"refused: {refused}")


def test_facts_can_be_given_with_a_request(begin: Begin) -> None:
    live = begin("nova")
    (server,) = create(live.cloud, "web-1")
    live.cloud.advance(3600)
    page = live.open(f"#{server}")
    page.select_option("[data-fact=end]", "kept")
    request(page, "evacuate")
    expect(history(page)).to_contain_text("active/rebuilding")
    live.cloud.advance(3600)
    expect(history(page)).to_contain_text("ACTIVE active/-")


def test_a_fault_for_the_next_request_applies_to_this_server_once(begin: Begin) -> None:
    live = begin()
    server, other = create(live.cloud, "web[1]*", "web1")
    live.cloud.advance(3600)
    page = live.open(f"#{server}")
    page.focus("#own-text")
    offered = page.eval_on_selector_all("#texts option", "all => all.map(each => each.value)")
    assert "stop:roll_back@powering-off" in offered
    page.fill("#own-text", "stop:roll_back@powering-off")
    page.press("#own-text", "Enter")
    expect(page.locator("#faults li")).to_contain_text("matched 0, applied 0")
    request(page, "stop")
    expect(history(page)).to_contain_text("active/powering-off")
    step(page)
    expect(history(page)).to_contain_text("roll_back")
    expect(page.locator("#faults li")).to_contain_text("matched 1, applied 1")
    choose(page, "web1")
    request(page, "stop")
    step(page)
    expect(history(page)).to_contain_text("SHUTOFF stopped/-")
    page.click("#clear")
    expect(page.locator("#faults li")).to_have_count(0)
    assert live.cloud._service.cloud.orders.faults == []
    assert live.cloud._service.cloud.instances[other].state == "stopped/-"


def test_faults_for_all_servers_and_wire_faults_can_be_added_and_a_wrong_one_is_explained(
    begin: Begin,
) -> None:
    live = begin()
    page = live.open()
    for text in ("resize:fail@resize_prep*2 on web-*", "wire:503@show_flavor*2"):
        page.fill("#any-text", text)
        page.press("#any-text", "Enter")
        expect(page.locator("#said")).to_have_text(f"In force: {text}")
        expect(page.get_by_text(text, exact=True)).to_be_visible()
    page.fill("#any-text", "resize:explode@resize_prep")
    with page.expect_console_message(lambda message: "status of 400" in message.text):
        page.press("#any-text", "Enter")
    expect(page.locator("#said")).to_contain_text("explode")
    expect(page.locator("#said")).to_contain_text("roll_back")
    assert len([text for text in live.complaints if "status of 400" in text]) == 1
    live.complaints.clear()


def test_a_hang_is_marked_where_it_is_seen(begin: Begin) -> None:
    live = begin()
    (server,) = create(live.cloud, "web-1")
    live.cloud.advance(3600)
    live.cloud.fault("stop:hang@powering-off")
    page = live.open(f"#{server}")
    request(page, "stop")
    expect(history(page)).to_contain_text("powering-off")
    step(page)
    expect(page.locator("#hung")).to_be_visible()
    expect(page.locator(f'.mark[data-at="{at("active/powering-off")}"]')).to_have_text("1 hangs")
    expect(page.locator("#list tr")).to_contain_text("hangs")
    expect(token(page, server)).to_have_class(re.compile("hangs"))


NASTY = '<img src=x onerror="document.title=1">'


def test_a_name_with_markup_stays_text(begin: Begin) -> None:
    live = begin()
    (server,) = create(live.cloud, NASTY)
    live.cloud.fault(f"stop:hang@powering-off on {NASTY}")
    page = live.open()
    choose(page, NASTY)
    expect(page.locator("#chosen-heading")).to_have_text(NASTY)
    expect(page.locator("#faults")).to_contain_text(NASTY)
    expect(token(page, server).locator("title")).to_have_text(NASTY)
    expect(page.locator("img")).to_have_count(0)
    assert page.title() == "A cloud of servers (ecs)"


def test_a_lost_stream_says_so_comes_back_and_has_missed_nothing(begin: Begin) -> None:
    live = begin()
    create(live.cloud, "web-1")
    cuts: list[Route] = []

    def cut(route: Route) -> None:
        cuts.append(route)
        if len(cuts) == 1:
            route.fulfill(content_type="text/event-stream", body=": begun\n\n")

    page = live.open(prepare=lambda page: page.route("**/_ecs/events*", cut))
    expect(page.locator("#connection")).to_contain_text("Connecting again")
    expect(page.locator("#list tr")).to_contain_text("scheduling")
    live.cloud.advance(3600)
    create(live.cloud, "web-2")
    page.unroute("**/_ecs/events*")
    for route in cuts[1:]:
        route.abort()
    is_live(page)
    expect(page.locator("#list tr").first).to_contain_text("ACTIVE active/-")
    live.cloud.step()
    expect(page.locator("#list tr").nth(1)).to_contain_text("building/-")
    live.complaints[:] = [text for text in live.complaints if "net::ERR_FAILED" not in text]


def test_boxes_and_fields_filter_the_list_and_the_focus_stays(begin: Begin) -> None:
    live = begin()
    create(live.cloud, "web-1", "web-2")
    live.cloud.advance(3600)
    (server,) = create(live.cloud, "db-1")
    page = live.open()
    page.locator(f'.box:not(.again)[data-state="{at("active/-")}"] text').first.click()
    expect(page.locator("#list tr")).to_have_count(2)
    assert page.input_value("#state") == "active/-"
    page.select_option("#state", "")
    page.fill("#filter", "DB")
    expect(page.locator("#list tr")).to_have_count(1)
    page.fill("#filter", server[:8])
    expect(page.locator("#list tr")).to_contain_text("db-1")
    page.fill("#filter", "")
    page.get_by_role("button", name="db-1").focus()
    page.keyboard.press("Enter")
    live.cloud.advance(3600)
    expect(page.locator("#list tr").nth(2)).to_contain_text("active/-")
    expect(page.get_by_role("button", name="db-1")).to_be_focused()
    token(page, server).click()
    expect(page.locator("#chosen-heading")).to_have_text("db-1")


def test_a_high_picture_unfolds_only_the_states_that_servers_were_in(begin: Begin) -> None:
    live = begin("nova")
    create(live.cloud, "web-1")
    live.cloud.advance(3600)
    page = live.open()
    is_live(page)
    seen = page.locator(".box:not(.again):visible")
    expect(seen).to_have_count(1)
    expect(seen).to_contain_text("ACTIVE")
    page.click("#whole")
    expect(seen).to_have_count(len(NOVA.states))
    page.click("#whole")
    expect(seen).to_have_count(1)


LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 700}},
}
AXE = BROWSER / "node_modules" / "axe-core" / "axe.min.js"
JUDGE = """async () => (await axe.run(document)).violations.map(({ id, nodes }) =>
  `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`)"""


@pytest.mark.parametrize(
    ("name", "look"), [("ecs", "light"), ("ecs", "dark"), ("ecs", "narrow"), ("nova", "narrow")]
)
def test_axe_finds_nothing_wrong(name: str, look: str, begin: Begin) -> None:
    live = begin(name)
    page = live.open(bypass_csp=True, **LOOKS[look])
    is_live(page)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(JUDGE) == []
    create(live.cloud, "web-1", NASTY)
    live.cloud.advance(3600)
    live.cloud.fault("stop:hang@powering-off")
    choose(page, "web-1")
    page.select_option("#other-request", "confirm_resize")
    page.click("#other button")
    expect(page.locator("#received .bad")).to_be_visible()
    request(page, "stop")
    step(page)
    expect(page.locator("#hung")).to_be_visible()
    assert page.evaluate(JUDGE) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# What moves is noted when it begins: it may have ended before a test looks.
WATCHED = """() => {
  window.moved = 0;
  document.addEventListener("transitionrun", () => { window.moved += 1; });
  const animate = Element.prototype.animate;
  Element.prototype.animate = function (...how) {
    window.moved += 1;
    return animate.apply(this, how);
  }; }"""
MOVED = """async () => {
  for (let frames = 0; frames < 3; frames += 1) await new Promise(requestAnimationFrame);
  return window.moved > 0; }"""


def test_nothing_moves_for_readers_who_prefer_reduced_motion(begin: Begin) -> None:
    live = begin()
    (server,) = create(live.cloud, "web-1")
    moving = []
    for wish in ("no-preference", "reduce"):
        page = live.open(reduced_motion=wish)
        expect(token(page, server)).to_be_visible()
        page.evaluate(WATCHED)
        live.cloud.step()
        expect(token(page, server)).to_have_attribute(
            "data-state", at(str(live.cloud._service.cloud.instances[server].state))
        )
        moving.append(page.evaluate(MOVED))
    assert moving == [True, False]


ANSWER = """async () => {
  const times = [];
  for (const text of ["web-77", "web-9999", "", "nothing", ""]) {
    const began = performance.now();
    const filter = document.getElementById("filter");
    filter.value = text;
    filter.dispatchEvent(new Event("input"));
    await new Promise(requestAnimationFrame);
    document.body.getBoundingClientRect();
    times.push(performance.now() - began);
    await new Promise(requestAnimationFrame);
  }
  return times; }"""


@pytest.mark.timed
def test_ten_thousand_servers_leave_the_page_usable(begin: Begin) -> None:
    live = begin("nova")
    create(live.cloud, *(f"web-{number}" for number in range(10_000)))
    page = live.open()
    is_live(page)
    expect(page.locator("#found")).to_have_text("200 shown of 10000 that match; 10000 exist.")
    expect(page.locator("#list tr")).to_have_count(200)
    expect(page.locator(".token")).to_have_count(0)
    live.cloud.advance(3600)
    expect(page.locator("#state option").nth(1)).to_have_text("active/- (10000)")
    assert quickest(lambda: page.evaluate(ANSWER), 200 * slowness(page))
    page.fill("#filter", "web-9999")
    choose(page, "web-9999")
    request(page, "stop")
    expect(history(page)).to_contain_text("powering-off")


def test_hosts_go_down_responses_fail_and_snapshots_bring_all_back(begin: Begin) -> None:
    live = begin()
    create(live.cloud, "web-1")
    page = live.open()
    page.click("#around summary")
    page.get_by_role(
        "button", name=re.compile("compute-2 is up, servers: 1. Let it go down")
    ).click()
    expect(page.locator("#said")).to_have_text("compute-2 is down.")
    expect(page.get_by_role("button", name=re.compile("compute-2 is down"))).to_be_visible()
    page.get_by_label("Name", exact=True).fill("here")
    page.get_by_role("button", name="Keep the cloud as it is").click()
    expect(page.get_by_role("button", name="Return to here")).to_be_visible()
    page.get_by_role("button", name="body cut off").click()
    expect(page.locator("#faults")).to_contain_text("wire:truncated*1")
    page.get_by_role("button", name="Return to beginning").click()
    expect(page.locator("#no-faults")).to_be_visible()
    page.click("#around summary")
    expect(
        page.get_by_role("button", name=re.compile("compute-2 is up, servers: 0"))
    ).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("button", name="Return to here").click()
    page.click("#around summary")
    expect(
        page.get_by_role("button", name=re.compile("compute-3 is up, servers: 1"))
    ).to_be_visible()
    assert live.complaints == []
