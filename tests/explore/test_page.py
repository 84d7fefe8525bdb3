"""The page as a reader uses it, in a real browser: by mouse, by keyboard, by its address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from ecs_fsm import ECS
from ecs_fsm.explore import Content, content
from ecs_fsm.explore.explorer import examples
from ecs_fsm.lifecycles import NAMES, server_class
from ecs_fsm.teach.quiz import Selection, chosen
from tests.browser_speed import quickest, slowness
from tests.conftest import BROWSER, Opening
from tests.lesson_samples import SAMPLES

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
# Does each step of a lesson, as often as it takes to get to its state; the steps that did not get there.
TAKE = """(steps) => steps.filter(({ do: { trigger, given }, state }) => {
  for (let n = 0; n < 10 && (n === 0 || explorer.state !== state); n += 1)
    explorer.fire(explorer.machine.triggerNamed.get(trigger), given ?? {});
  return explorer.state !== state; })"""
MADE = "#run=create,advance*5"


def press(page: Page, name: str) -> None:
    page.press(f"[data-name={name}]", "Enter")


def state(page: Page) -> str:
    """Where the server is, as an API client reads it."""
    found = re.findall(
        r'"OS-EXT-STS:\w+": (?:"([^"]*)"|(null))', page.text_content("#answer") or ""
    )
    return "/".join(word or "-" for word, _ in found)


def said(page: Page) -> str:
    return page.text_content("#said") or ""


def history(page: Page) -> list[str]:
    """The events of the history, which is filled when it is opened or printed."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    return page.locator("#rows tr td:nth-child(2)").all_text_contents()


def test_requests_and_steps_move_the_server_in_answer_history_and_picture(opening: Opening) -> None:
    page = opening()
    assert page.text_content("#answer") == "404 Not Found"
    page.click("[data-name=create]")
    for _ in range(5):
        page.click("#next")
    page.click("[data-name=stop]")
    assert state(page) == "active/powering-off"
    assert page.text_content("mark") == '  "OS-EXT-STS:task_state": "powering-off"'
    assert said(page) == "stop: active/powering-off, status ACTIVE."
    assert page.locator("#board .here").get_attribute("data-state") == "15"
    assert [*ECS.states][15] == "active/powering-off"
    assert history(page) == ["create", *["advance"] * 5, "stop"]
    assert page.locator("#timeline rect:not(.hit, .names)").count() == 2 + 7 + 2
    page.locator("#timeline .hit").nth(1).click()
    assert state(page) == "building/-"
    assert said(page) == "Now at event 2 of 7: building/-, status BUILD."
    page.go_back()
    assert "While a server stops" in (page.text_content("#words") or "")


def test_a_button_of_an_impossible_trigger_says_why(opening: Opening) -> None:
    page = opening(fragment=MADE)
    start = page.locator("[data-name=start]")
    assert start.get_attribute("aria-disabled") == "true"
    start.focus()
    start.press("Enter")
    assert said(page).startswith("409 Conflict: start is refused at active/- (status ACTIVE): ")
    assert state(page) == "active/-"
    press(page, "fail")
    assert said(page) == "fail: no step is running that it could end"
    page.press("#redo", "Enter")
    assert said(page) == "There is nothing to redo."


def test_arrows_names_and_boxes_of_the_picture_can_be_pressed(opening: Opening) -> None:
    page = opening(fragment=MADE)
    place = [str(t) for t in ECS.transitions].index(
        str(ECS.find("stop", ECS.states["active/-"])[0])
    )
    page.locator(f'#board .box.open[data-transitions="{place}"] text').first.click()
    assert state(page) == "active/powering-off"
    page.locator("#board .running .box.open text").click()
    assert state(page) == "stopped/-"
    page.locator("#board tspan[data-trigger]", has_text="confirm_resize").click()
    assert "confirm_resize is refused" in said(page)
    page.locator('#board .box[data-state="0"] text').first.click()
    assert said(page).startswith("building/scheduling: status BUILD.")
    assert said(page).endswith("It may also end by fail → ERROR.")


def test_steps_can_fail_and_hang_and_be_undone_and_redone(opening: Opening) -> None:
    page = opening(fragment="#from=stopped/-&run=resize")
    page.click("#hangs")
    assert "hangs" in said(page)
    assert page.locator("#board .hung").count() == 1
    page.press("#next", "Enter")
    assert "nothing happens until another request" in said(page)
    press(page, "delete")
    assert state(page) == "stopped/deleting"
    page.click("#undo")
    page.click("#undo")
    assert state(page) == "stopped/resize_prep"
    page.click("[data-name=fail]")
    assert state(page) == "error/-"
    page.click("#undo")
    page.click("#redo")
    assert history(page) == ["initial", "resize", "fail", "fail"]
    page.click("#tab-history")
    page.locator("#rows button").nth(1).click()
    assert state(page) == "stopped/resize_prep"
    page.click("#tab-explore")
    page.click("#anew")
    assert page.text_content("#answer") == "404 Not Found"


# The smallest text that can be seen in the picture, in pixels of the screen.
SMALLEST = """(root) => Math.min(...[...document.querySelectorAll(root + " text")]
  .filter((text) => text.textContent && text.getBoundingClientRect().width)
  .map((text) => parseFloat(getComputedStyle(text).fontSize)
    * text.getScreenCTM().a))"""
SEEN = """(selectors) => selectors.filter((selector) => {
  const { top, bottom, left, right, width } = document.querySelector(selector).getBoundingClientRect();
  return !width || top < 0 || left < 0 || bottom > innerHeight || right > innerWidth; })"""


@pytest.mark.parametrize("name", NAMES)
def test_one_screen_has_the_picture_what_is_possible_why_not_and_the_run(
    name: str, opening: Opening
) -> None:
    page = opening(name, MADE + ",stop", viewport={"width": 1280, "height": 800})
    assert page.evaluate("document.documentElement.scrollHeight") == 800
    shown = ["#picture", "#board .here", "#now", "#next", "[data-name=delete]", "#said"]
    shown += ["#timeline svg", "#tab-lessons", "#tab-quiz", "#tab-poll", "#undo"]
    assert page.evaluate(SEEN, shown) == []
    assert page.evaluate(SMALLEST, "#board") >= 9.95
    assert page.evaluate(SMALLEST, "#timeline") >= 10
    whole = "(said) => document.querySelector(said).scrollHeight <= document.querySelector(said).clientHeight"
    assert page.evaluate(whole, "#said")
    if name == "ecs":
        page.focus("[data-name=start]")
        assert said(page).startswith("⊘ start: vm_state is active")
        page.hover("[data-name=create]")
        assert said(page).startswith("⊘ create: ")
        assert page.evaluate(SEEN, ["#events", "[data-name=roll_back]"]) == []


def test_the_names_of_the_tracks_stay_in_sight_while_a_long_run_is_scrolled(
    opening: Opening,
) -> None:
    run = MADE + ",stop,advance,start,advance,reboot,advance,advance,advance"
    page = opening(fragment=run, viewport={"width": 1280, "height": 800})
    page.wait_for_function("document.querySelector('#timeline').scrollLeft > 100")
    page.wait_for_function(
        "document.querySelector('#track-names').getBoundingClientRect().left >= 0"
    )
    assert page.locator("#track-names text").all_text_contents() == [
        "vm_state", "task_state", "status",
    ]  # fmt: skip


# Buttons and fields that touch or overlap each other, but for the two halves of one button.
TOUCHING = """() => {
  const all = [...document.querySelectorAll("button, select, input")].filter((each) => each.checkVisibility())
    .filter((each) => !each.closest("#tabs") && !each.closest("dialog"))
    .map((each) => [each, each.getBoundingClientRect()]);
  return all.flatMap(([one, a], n) => all.slice(n + 1).filter(([two, b]) =>
    one.parentElement !== two.parentElement
    && a.left < b.right + 2 && b.left < a.right + 2 && a.top < b.bottom + 2 && b.top < a.bottom + 2)
    .map(([two]) => [one.textContent, two.textContent])); }"""


@pytest.mark.parametrize("width", [1280, 390])
def test_no_buttons_touch_and_no_heading_stands_over_nothing(width: int, opening: Opening) -> None:
    page = opening("nova", viewport={"width": width, "height": 844})
    assert page.evaluate(TOUCHING) == []
    assert page.locator("#events-heading").is_hidden()
    page.click("#tab-quiz")
    assert page.evaluate(TOUCHING) == []
    assert page.locator("#print").is_visible()
    page.goto(page.url.split("#")[0] + "#from=active/-&run=stop")
    page.click("#tab-explore")
    assert page.locator("#events-heading").is_visible()


def test_what_the_marks_mean_is_said_of_those_that_are_seen(opening: Opening) -> None:
    page = opening(fragment=MADE)
    legend = "[...document.querySelectorAll('.legend li b')].filter((b) => b.checkVisibility())"
    marks = "[...document.querySelectorAll('#board [data-lane]:not(.closed) [class^=mark-] text')]"
    words = ".flatMap((each) => each.textContent.split(' '))"
    whole = page.evaluate(f"new Set({legend}{words}).size")
    page.click("#whole")
    seen = set(page.evaluate(marks + words))
    assert set(page.evaluate(legend + words)) == seen
    assert 0 < len(seen) < whole


def test_a_phone_shows_the_server_what_one_can_do_and_the_operation_upright(
    opening: Opening,
) -> None:
    run = "#from=stopped/-&run=rebuild,advance*3"
    page = opening("ecs", run, viewport={"width": 390, "height": 844}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate(SEEN, ["#words", "#next", "[data-name=delete]", "#tab-poll"]) == []
    order = "(ids) => ids.map((id) => document.querySelector(id).getBoundingClientRect().top)"
    tops = page.evaluate(order, ["#words", "#next", "#upright"])
    assert tops == sorted(tops)
    steps = page.locator("#upright .bands .bands, #upright ol ol li").all_inner_texts()
    assert [text.split("\n")[0] for text in steps] == [
        "rebuilding", "rebuild_block_device_mapping", "rebuild_spawning", "no task",
        "powering-off", "no task",
    ]  # fmt: skip
    assert page.locator("#upright .now").inner_text().split("\n")[1] == "now"
    assert not page.locator("#board").is_visible()
    high = "(all) => Math.min(...all.map((each) => each.getBoundingClientRect().height))"
    assert page.locator("#controls button:visible").evaluate_all(high) >= 44
    page.tap("#whole")
    assert page.locator("#board").is_visible()
    assert not page.locator("#upright").is_visible()
    page.tap("#refused-too")
    page.tap("[data-name=start]", force=True)
    assert "start is refused" in said(page)


def test_play_goes_on_until_the_server_is_at_rest(opening: Opening) -> None:
    page = opening(fragment="#run=create&speed=200")
    page.clock.install()
    page.select_option("#speed select", label="very quick")
    page.click("#play")
    assert page.text_content("#play") == "Pause"
    page.clock.run_for(5 * 200)
    assert page.text_content("#play") == "Play"
    assert state(page) == "active/-"


def test_everything_works_by_keyboard_alone(opening: Opening) -> None:
    page = opening()
    for key, name in (("Tab", "create"), ("Shift+Tab", "Next: building/-")):
        while page.evaluate("document.activeElement.textContent") != name:
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement !== document.body")
        page.keyboard.press("Enter")
    assert state(page) == "building/-"
    page.focus("#tab-history")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-share"
    assert page.locator("#panel-share").is_visible()
    page.keyboard.press("Home")
    assert page.locator("#panel-explore").is_visible()
    page.keyboard.press("End")
    assert page.locator("#panel-share").is_visible()


def test_the_address_holds_the_view_and_the_browser_can_go_back(opening: Opening) -> None:
    page = opening(fragment=MADE)
    page.click("[data-name=stop]")
    page.click("#tab-poll")
    page.select_option("[data-list=target]", "SHUTOFF")
    page.click("#poll")
    page.click("#tab-explore")
    page.click("#next")
    page.click("#undo")
    page.click("#theme")
    address = page.url
    seen = page.text_content("main")
    page.goto("about:blank")
    page.goto(address)
    assert (page.text_content("#words") or "?") in (seen or "")
    assert page.locator("#panel-explore").is_visible()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert state(page) == "active/powering-off"
    page.click("#redo")
    assert state(page) == "stopped/-"
    page.go_back()
    expect(page.locator("#answer")).to_contain_text('"powering-off"')
    assert state(page) == "active/powering-off"
    page.go_forward()
    expect(page.locator("#answer")).not_to_contain_text('"powering-off"')
    assert state(page) == "stopped/-"
    page.click("#tab-poll")
    assert page.locator("#lists [data-value=SHUTOFF]").count() == 1


def test_missing_facts_are_asked_for(opening: Opening) -> None:
    page = opening("nova", "#from=active/reboot_started")
    press(page, "restart")
    assert (
        said(page)
        == "restart at active/reboot_started depends on guest: say guest=on or guest=off "
        "or guest=paused or guest=kept"
    )
    page.check("dialog [value=off]")
    page.click("dialog .main")
    assert state(page) == "active/reboot_pending_hard"
    page.goto(page.url.partition("#")[0] + "#from=active/-")
    press(page, "shelve")
    assert "depends on boot" in said(page)
    page.check("dialog [value=volume]")
    page.keyboard.press("Enter")
    assert state(page) == "active/shelving"
    assert "from=active/-[boot=volume]" in page.url
    page.goto(page.url.partition("#")[0] + "#run=create")
    page.click("#anew")
    page.get_by_role("button", name="create with …").click()
    page.check("dialog [value=none]")
    page.click("dialog .main")
    assert history(page) == ["create[network=none]"]


def lists(page: Page) -> dict[str, list[str]]:
    """The values of the loop that is looked at, as chips."""
    return {
        name: page.locator(f"#lists [aria-label={name}] [data-value]").evaluate_all(
            "(all) => all.map((each) => each.dataset.value)"
        )
        for name in ("pending", "target", "failure")
    }


def client(page: Page) -> list[str]:
    """What the client read and decided, column by column, in the table of its own lists."""
    return page.locator("#lived tr:last-child td").all_inner_texts()


def test_the_loop_of_a_client_goes_wrong_is_changed_and_takes_the_better_lists(
    opening: Opening,
) -> None:
    page = opening("nova")
    page.click("#tab-poll")
    assert "python-novaclient: rebuild" in page.locator("#waiter option:checked").first.inner_text()
    assert lists(page) == {"pending": [], "target": ["ACTIVE"], "failure": ["ERROR", "DELETED"]}
    early = ["", *["REBUILD: go on"] * 3, "ACTIVE: success", "not seen", "not seen"]
    assert client(page) == early
    caught = page.text_content("#caught") or ""
    assert caught.startswith("Caught: it reports success at ACTIVE, while the server goes on")
    assert caught.endswith("Your lists go wrong on 4 of 4 runs.")
    page.click("#lists [data-value=ACTIVE]")
    page.select_option("[data-list=target]", "SHUTOFF")
    assert page.evaluate("document.activeElement.dataset.list") == "target"
    assert client(page)[-1] == "SHUTOFF: success"
    assert "Correct: it reports success at SHUTOFF." in (page.text_content("#caught") or "")
    assert page.text_content("#better") == "Use the better lists, which still miss 2"
    assert "4 → 2 findings" in (page.text_content("#compared") or "")
    page.click("#better")
    assert page.text_content("#better") == "The better lists are used; they still miss 2"
    assert page.get_attribute("#better", "aria-disabled") == "true"
    assert "Your lists go wrong on 2 of 4 runs." in (page.text_content("#caught") or "")
    avoided = page.locator("#found button").all_inner_texts()
    assert [text[0] for text in avoided] == ["✓", "✓", "✗", "✗"]
    assert lists(page) == {
        "pending": ["ACTIVE", "REBUILD"], "target": ["SHUTOFF"], "failure": ["ERROR"],
    }  # fmt: skip
    page.get_by_role("button", name="Play the run: hangs").first.click()
    assert said(page).startswith("Played: Caught")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    assert lists(page)["target"] == ["SHUTOFF"]
    page.select_option("#waiter select >> nth=0", "")
    assert page.locator("#better").is_hidden()


def test_a_poll_is_marked_below_the_state_that_it_saw(opening: Opening) -> None:
    page = opening(fragment="#tab=poll")
    page.click("#tab-explore")
    page.click("#tab-poll")
    page.select_option("#waiter select >> nth=0", label="rebuild, until it is ACTIVE")
    page.select_option("#waiter select >> nth=2", label="once a step")
    read = [n for n, text in enumerate(client(page)) if ": " in text]
    page.click("#tab-explore")
    marked = page.evaluate(
        """[...document.querySelectorAll("#timeline circle")].map((mark) =>
          [...document.querySelectorAll("#timeline .hit")].findIndex((column) =>
            Number(mark.getAttribute("cx")) < Number(column.getAttribute("x")) + 92))"""
    )
    assert marked == read
    assert len(marked) > 2


def test_on_a_phone_the_columns_of_a_client_scroll_in_their_place(opening: Opening) -> None:
    page = opening(viewport={"width": 390, "height": 844})
    page.click("#tab-poll")
    assert page.locator(".lived").count() == 2
    out = """() => [...document.querySelectorAll("#panel-poll .lived")].filter((table) =>
      table.parentElement.scrollWidth > table.parentElement.clientWidth
        && getComputedStyle(table.parentElement).overflowX !== "auto").length"""
    assert page.evaluate(out) == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("name", NAMES)
def test_every_finding_of_the_examples_can_be_played(name: str, opening: Opening) -> None:
    page = opening(name, "#tab=poll")
    waiters = examples(server_class(name).lifecycle)
    assert len(waiters) > 10
    for number, waiter in enumerate(waiters):
        page.select_option("#waiter select >> nth=0", str(number))
        shown = page.evaluate(
            """() => [...document.querySelectorAll("#found button")].map((each) => {
              each.click();
              return [each.textContent, document.querySelector("#said").textContent,
                document.querySelectorAll("#lived td").length]; })"""
        )
        kinds = {f"✗ {finding['finding']}" for finding in waiter["findings"]}  # type: ignore[attr-defined]
        assert kinds & {text for text, *_ in shown} or not kinds, waiter["name"]
        assert all(told.startswith("Played: ") and cells for _, told, cells in shown), shown


@pytest.mark.parametrize("name", NAMES)
def test_every_lesson_can_be_completed(name: str, opening: Opening) -> None:
    lifecycle = server_class(name).lifecycle
    taught = content(lifecycle) if content(lifecycle).lessons else SAMPLES
    page = opening(name, "#tab=lessons&refused=1", taught)
    for lesson in taught.lessons:
        page.locator("#panel-lessons").get_by_role(
            "button", name=str(lesson["title"]), exact=True
        ).click()
        assert page.evaluate(TAKE, lesson["steps"]) == [], lesson["name"]
        assert "Lesson completed." in (page.text_content("#task") or "")
        page.click("#tab-lessons")
        assert page.locator("#lesson-done").is_visible(), lesson["name"]
        page.get_by_role("button", name="All lessons").click()


def test_a_wrong_step_says_why_and_gives_a_hint_and_a_lesson_ends_with_its_questions(
    opening: Opening,
) -> None:
    first = SAMPLES.lessons[1]
    question = {**SAMPLES.quiz[0], "choices": ["one", "two"], "answers": [1]}
    steps: Any = first["steps"]
    steps = [{**steps[0], "hint": "Switch it off."}, *steps[1:]]
    page = opening(
        fragment="#lesson=stop&from=active/-",
        taught=Content([{**first, "steps": steps, "questions": [question]}]),
    )
    page.click("[data-name=rebuild]")
    told = page.text_content("#amiss") or ""
    assert told.startswith("This is not the step of the lesson. The next step is refused from here")
    assert "task rebuilding is running" in told
    assert "Hint: Switch it off." in told
    page.click("#undo")
    assert page.locator("#amiss").is_hidden()
    page.click("[data-name=stop]")
    assert page.locator("#amiss").is_hidden()
    page.click("#tab-lessons")
    marked = page.locator(".steps li").evaluate_all("(all) => all.map((each) => each.className)")
    assert marked == ["step-done", "step-now", *["step-later"] * (len(steps) - 2)]
    page.click("#tab-explore")
    page.click("#next")
    page.click("#task button")
    page.click("#lesson-questions button >> nth=0")
    assert "Not right: one." in (page.text_content("#lesson-questions") or "")
    page.click("#lesson-questions button >> nth=1")
    assert str(question["explanation"]) in (page.text_content("#lesson-questions") or "")


def test_the_quiz_asks_by_its_seed_explains_and_keeps_score(opening: Opening) -> None:
    page = opening(fragment="#tab=quiz")
    page.fill("#panel-quiz input >> nth=1", "3")
    page.click("#panel-quiz .main")
    asked = page.evaluate("explorer.chosenQuestions(explorer.bank, 7, 3)")
    for number, question in enumerate(asked, 1):
        assert page.text_content("legend") == f"{number} of 3: {question['text']}"
        answers = question["answers"]
        assert isinstance(answers, list)
        several = str(question["text"]).endswith("Tick all that are right.")
        kinds = page.locator("#question input").evaluate_all("(all) => all.map((i) => i.type)")
        assert {*kinds} == {"checkbox" if several else "radio"}
        for choice in (
            answers if number != 2 else [1 if answers == [0, 2] else (answers[0] + 1) % 3]
        ):
            page.check(f"#question input >> nth={choice}")
        page.click("#question .main")
        assert str(question["explanation"]) in said(page)
        assert said(page).startswith("Not right." if number == 2 else "Right.")
        page.click("#quiz-next")
    assert page.text_content(".score") == "2 of 3 correct."
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    assert page.text_content(".score") == "2 of 3 correct."


def test_a_run_can_be_shared(opening: Opening) -> None:
    page = opening(fragment="#run=create,advance*5,stop&tab=share")
    assert page.input_value("#command") == "ecs-fsm simulate create stop:hang@active/powering-off"
    assert page.input_value("#link") == page.url
    for name, start in (
        ("csv", "no,event,vm_state"),
        ("board-svg", "<?xml"),
        ("timeline-svg", "<?xml"),
    ):
        with page.expect_download() as download:
            page.click(f"#{name}")
        text = download.value.path().read_text(encoding="utf-8")
        assert text.startswith(start)
        assert "powering-off" in text


LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 700}},
}
AXE = BROWSER / "node_modules" / "axe-core" / "axe.min.js"
JUDGE = """async () => (await axe.run(document)).violations.map(({ id, nodes }) =>
  `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`)"""


@pytest.mark.parametrize(
    ("name", "look"), [("ecs", "light"), ("ecs", "dark"), ("ecs", "narrow"), ("nova", "narrow")]
)
def test_axe_finds_nothing_wrong(name: str, look: str, opening: Opening) -> None:
    fragment = "#from=stopped/-&run=rebuild,advance*2&refused=1"
    page = opening(name, fragment, **LOOKS[look])
    page.evaluate(AXE.read_text(encoding="utf-8"))
    panels = page.locator("[role=tab]").all()
    for panel in panels if name == "ecs" else panels[:1]:
        panel.click()
        assert page.evaluate(JUDGE) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if look == "light":
        page.press("[data-name=create]", "Enter")
        page.emulate_media(media="print")
        assert page.evaluate(JUDGE) == []
        assert page.locator("#rows").is_visible()
        assert not page.locator("#controls").is_visible()


# Counted in the script that clicks, before any of them can end.
ANIMATIONS = """(button) => {
  document.querySelector(button).click();
  return document.getAnimations().length; }"""


def test_nothing_moves_for_readers_who_prefer_reduced_motion(opening: Opening) -> None:
    moving = []
    for wish in ("no-preference", "reduce"):
        page = opening(fragment=MADE, reduced_motion=wish)
        moving.append(page.evaluate(ANIMATIONS, "[data-name=stop]"))
    assert moving == [1, 0]


CLICKS = """async () => {
  const times = [];
  for (const press of ["[data-name=stop]", "#next", "[data-name=start]", "#next", "#undo", "#redo"]) {
    const began = performance.now();
    document.querySelector(press).click();
    document.body.getBoundingClientRect();
    times.push(performance.now() - began);
    await new Promise(requestAnimationFrame);
  }
  return times; }"""


def test_a_seed_chooses_the_same_questions_as_on_paper(opening: Opening) -> None:
    page = opening(taught=content(ECS))
    bank = page.evaluate("explorer.bank.length")
    fields = ("kind", "text", "choices", "answers", "mistakes", "explanation", "hard", "about")
    for seed, count, topic, level in (
        (0, 5, "", ""),
        (7, bank, "", ""),
        (4294967295, 20, "", "hard"),
        (3, 4, "stop", "easy"),
    ):
        chosen_there = page.evaluate(
            """([seed, count, only]) => explorer.chosenQuestions(
              explorer.fittingQuestions(explorer.bank, only), seed, count)""",
            [seed, count, {"topic": topic, "kind": "", "level": level}],
        )
        selection = Selection((topic,) if topic else (), (), level)
        on_paper = [q.as_dict() for q in chosen(ECS, seed, count, selection)]
        assert [[q[f] for f in fields] for q in chosen_there] == [
            [q[f] for f in fields] for q in on_paper
        ]


@pytest.mark.timed
@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_ready_and_answers_at_once(name: str, opening: Opening) -> None:
    page = opening(name, MADE)
    page_address = page.url

    def ready() -> list[float]:
        page.reload()
        return [page.evaluate("performance.getEntriesByName('ready')[0].startTime")]

    slower = slowness(page)
    assert quickest(ready, 300 * slower)
    for words in ("", ",stop,advance,start,advance" * 25):
        page.goto("about:blank")
        page.goto(f"{page_address}{words}")
        assert quickest(lambda: page.evaluate(CLICKS), 50 * slower)
